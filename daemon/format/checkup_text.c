/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "format/checkup_text.h"

#include <math.h>
#include <stdarg.h>
#include <string.h>

#include "core/explain.h"
#include "core/rate.h"
#include "core/symptoms.h"
#include "format/time_text.h"

enum {
        WIDTH = 78,
        LISTENERS_SHOWN = 8,
        SOURCES_SHOWN = 5,
        BLOCKS_MAX = 4,
        NAME_MAX_SIZE = 160, /* a listener with its program */
        TITLE_MAX = 128,
};

/* Less than this share of the SYNs is not worth a rule. */
#define BLOCK_SHARE 0.05
/* A source whose handshakes complete oftener than this is somebody's client. */
#define BLOCK_COMPLETED 0.05

/* The flags of the first segment of a connection, as nft(8) writes them. */
#define NFT_SYN "tcp flags & (fin|syn|rst|ack) == syn"

struct report {
        const struct checkup *c;
        const struct snapshot_listener *subject;
        char subject_name[NAME_MAX_SIZE]; /* "0.0.0.0:443 (nginx, pid 812)" */
        FILE *f;
        unsigned steps;
        double needed; /* connections at once that its queue was seen to need; 0: not seen */
};

bool checkup_matters(const struct snapshot_listener *l) {
        return l->state != STATE_NORMAL || l->diagnosis == DIAGNOSIS_ACCEPT_STALL ||
               l->diagnosis == DIAGNOSIS_LOSSY_CLIENTS || or_zero(l->evidence.fill) >= 0.25 ||
               or_zero(l->evidence.accept_queue) > or_zero(l->evidence.backlog);
}

/* How much speaks for a listener being what it is all about. */
static double weight(const struct snapshot_listener *l) {
        const struct evidence *e = &l->evidence;
        double w = 1000.0 * (double) l->state;

        if (l->diagnosis == DIAGNOSIS_ACCEPT_STALL || or_zero(e->accept_queue) > or_zero(e->backlog))
                w += 500;
        return w + fmin(100, 100 * or_zero(e->fill)) + or_zero(e->syn_per_s) / 1e6;
}

const struct snapshot_listener *checkup_subject(const struct snapshot *s) {
        const struct snapshot_listener *best = NULL;

        for (uint32_t i = 0; i < s->listeners_count; i++)
                if (checkup_matters(&s->listeners[i]) && (!best || weight(&s->listeners[i]) > weight(best)))
                        best = &s->listeners[i];
        return best;
}

/* --- paper ------------------------------------------------------------------------- */

/* Breaks at spaces; the first line begins at column `used`. */
static void wrap(FILE *f, const char *text, unsigned used, unsigned indent) {
        unsigned column = used;

        while (*text) {
                size_t word = strcspn(text, " ");

                if (strncmp(text + word, " %", 2) == 0) /* stays with its figure */
                        word += 2 + strcspn(text + word + 2, " ");
                if (column > indent && column + 1 + word > WIDTH) {
                        fprintf(f, "\n%*s", (int) indent, "");
                        column = indent;
                } else if (column > indent)
                        column += (unsigned) fprintf(f, " ");
                fprintf(f, "%.*s", (int) word, text);
                column += (unsigned) word;
                text += word;
                text += strspn(text, " ");
        }
        fputc('\n', f);
}

__attribute__((format(printf, 2, 3)))
static void paragraph(struct report *r, const char *format, ...) {
        char text[1024];
        va_list args;

        va_start(args, format);
        vsnprintf(text, sizeof text, format, args);
        va_end(args);
        wrap(r->f, text, 0, 0);
}

__attribute__((format(printf, 3, 4)))
static void line(struct report *r, const char *label, const char *format, ...) {
        char text[1024];
        va_list args;

        va_start(args, format);
        vsnprintf(text, sizeof text, format, args);
        va_end(args);
        fprintf(r->f, "  %-10s", label);
        wrap(r->f, text, 12, 12);
}

__attribute__((format(printf, 2, 3)))
static void step(struct report *r, const char *format, ...) {
        char text[1024];
        va_list args;

        if (r->steps == 0)
                fputs("\nWhat to do:\n", r->f);
        va_start(args, format);
        vsnprintf(text, sizeof text, format, args);
        va_end(args);
        fprintf(r->f, " %2u. ", ++r->steps);
        wrap(r->f, text, 5, 5);
}

/* To copy: never broken. */
__attribute__((format(printf, 2, 3)))
static void command(struct report *r, const char *format, ...) {
        va_list args;

        fputs("       ", r->f);
        va_start(args, format);
        vfprintf(r->f, format, args);
        va_end(args);
        fputc('\n', r->f);
}

static const struct checkup_owner *owner_of(const struct checkup *c, const struct listener_key *key) {
        for (uint32_t i = 0; i < c->owners_count; i++)
                if (listener_key_equal(&c->owners[i].key, key))
                        return &c->owners[i];
        return NULL;
}

static char *listener_name(const struct report *r, const struct listener_key *key,
                           char text[static NAME_MAX_SIZE]) {
        const struct checkup_owner *owner = owner_of(r->c, key);
        char name[ADDRESS_TEXT_MAX];

        listener_key_format(key, name);
        if (owner)
                snprintf(text, NAME_MAX_SIZE, "%s (%s, pid %d)", name, owner->name,
                         owner->pid);
        else
                snprintf(text, NAME_MAX_SIZE, "%s", name);
        return text;
}

/* --- the verdict --------------------------------------------------------------------- */

static const char *calm_words(enum diagnosis d) {
        switch (d) {
        case DIAGNOSIS_QUIET: return "There is little traffic, and nothing unusual about it.";
        case DIAGNOSIS_BUSY:
                return "Much traffic, but its handshakes complete: real clients, a crowd at most.";
        case DIAGNOSIS_FLASH_CROWD:
                return "It is a crowd of real clients: far more than usual, but their handshakes complete.";
        case DIAGNOSIS_ACCEPT_STALL:
                return "The application does not accept its connections fast enough";
        case DIAGNOSIS_PORT_SCAN: return "Somebody scans ports on which nothing listens.";
        case DIAGNOSIS_LOSSY_CLIENTS:
                return "Real clients, whose packets or our answers are lost on the way.";
        case DIAGNOSIS_UNKNOWN:
        case DIAGNOSIS_FLOOD_SPOOFED:
        case DIAGNOSIS_FLOOD_DISTRIBUTED:
        case DIAGNOSIS_FLOOD_CONCENTRATED:
        case DIAGNOSIS_FLOOD_REFLECTED:
        case DIAGNOSES: break;
        }
        return "Something may be unusual, but it is not clear what; watch longer.";
}

static char *capital(const char *words, char text[static TITLE_MAX]) {
        snprintf(text, TITLE_MAX, "%s", words);
        if (text[0] >= 'a' && text[0] <= 'z')
                text[0] = (char) (text[0] - 'a' + 'A');
        return text;
}

/* That a crowd fills a queue is no news beside the crowd. */
static bool is_crowded(const struct report *r) {
        enum diagnosis d = r->c->moment->diagnosis;

        return (d == DIAGNOSIS_BUSY || d == DIAGNOSIS_FLASH_CROWD) &&
               strcmp(r->c->symptoms.list[0].id, "backlog") == 0;
}

/* A symptom that says more than the diagnosis. */
static bool is_symptom(const struct report *r) {
        return !r->c->flood && r->c->symptoms.count > 0 && r->c->symptoms.list[0].severity >= ADVICE_WARNING &&
               r->c->moment->diagnosis != DIAGNOSIS_ACCEPT_STALL && !is_crowded(r);
}

static bool is_slow_flood(const struct report *r) {
        return is_symptom(r) && strcmp(r->c->symptoms.list[0].id, SYMPTOM_SLOW_FLOOD) == 0;
}

static void print_symptoms(struct report *r) {
        for (unsigned i = is_symptom(r); i < r->c->symptoms.count; i++)
                line(r, i == is_symptom(r) ? "also" : "", "%s: %s", r->c->symptoms.list[i].title,
                     r->c->symptoms.list[i].why);
}

static void print_verdict(struct report *r) {
        const struct snapshot *s = r->c->moment;
        char title[TITLE_MAX];

        if (r->c->flood) {
                paragraph(r, "SYN FLOOD%s%s: %s.", r->subject ? " at " : "", r->subject_name,
                          explain_diagnosis(s->diagnosis));
                if (r->c->flood_ago_s > 2)
                        paragraph(r, "It was last seen %.0f s before the end.", r->c->flood_ago_s);
                return;
        }
        if (is_symptom(r))
                paragraph(r, "%s %s: %s", is_slow_flood(r) ? "SLOW SYN FLOOD." : "No flood.", capital(r->c->symptoms.list[0].title, title),
                          r->c->symptoms.list[0].why);
        else if (s->diagnosis == DIAGNOSIS_ACCEPT_STALL)
                paragraph(r, "No flood. %s%s%s.", calm_words(s->diagnosis), r->subject ? ": " : "",
                          r->subject_name);
        else
                paragraph(r, "No flood. %s", calm_words(s->diagnosis));
        if (s->state == STATE_SUSPECT)
                paragraph(r, "Some handshakes are not finished by anybody, too few to hurt so far.");
}

static void print_listeners(struct report *r) {
        const struct snapshot *s = r->c->moment;
        unsigned shown = 0, calm = 0;
        char name[NAME_MAX_SIZE], figures[SNAPSHOT_REASON_TEXT];

        for (uint32_t i = 0; i < s->listeners_count; i++) {
                const struct snapshot_listener *l = &s->listeners[i];

                if (!checkup_matters(l) || shown == LISTENERS_SHOWN) {
                        calm++;
                        continue;
                }
                explain_evidence(&l->evidence, NULL, figures, sizeof figures);
                line(r, shown++ ? "" : "listeners", "%s: %s, %s; %s; holds %.0f%s",
                     listener_name(r, &l->key, name), flood_state_name(l->state),
                     diagnosis_name(l->diagnosis), figures, or_zero(l->evidence.backlog),
                     or_zero(l->evidence.accept_queue) > or_zero(l->evidence.backlog)
                             ? ", and as many wait to be accepted" : "");
        }
        if (shown && calm)
                line(r, "", "and %u more, in peace", calm);
        else if (!shown && s->listeners_count)
                line(r, "listeners", "%u, %sin peace", calm, calm > 1 ? "all " : "");
}

static void print_sources(struct report *r) {
        const struct snapshot *s = r->c->moment;
        unsigned shown = 0;
        char name[ADDRESS_TEXT_MAX];

        /* Forged addresses are nobody's: to name the heaviest would accuse innocents. */
        if (s->diagnosis == DIAGNOSIS_FLOOD_SPOOFED)
                return;
        for (uint32_t i = 0; i < s->sources_count && shown < SOURCES_SHOWN; i++) {
                const struct snapshot_source *f = &s->sources[i];
                double sure = or_zero(f->share) - or_zero(f->error);

                if (isnan(f->syn_per_s) || sure < BLOCK_SHARE)
                        continue;
                line(r, shown++ ? "" : "sources", "%s: %.0f SYN/s, at least %.0f %% of all%s",
                     prefix_format(&f->prefix, name), f->syn_per_s, 100 * sure,
                     f->completed_per_s > BLOCK_COMPLETED * f->syn_per_s ? "; some of its handshakes complete"
                                                                         : "");
        }
}

static void print_unseen(struct report *r) {
        const struct snapshot *s = r->c->moment;
        bool first = true;

        for (unsigned i = 0; i < SENSORS; i++)
                if (s->sensors[i].state != SENSOR_OK) {
                        line(r, first ? "not seen" : "", "%s %s: %s", sensor_id_name((enum sensor_id) i),
                             sensor_state_name(s->sensors[i].state), s->sensors[i].reason);
                        first = false;
                }
        if (s->sensors[SENSOR_NFLOG].state != SENSOR_OK)
                line(r, "", "%s", r->c->root ? "The sources stay unknown here. If a synwardd runs already, "
                                               "'synwardctl sources' asks it."
                                             : "Run as root to see who sends.");
}

static void print_evidence(struct report *r) {
        const struct snapshot *s = r->c->moment;
        char syns[32], half_open[32];

        for (uint32_t i = 1; i < s->reasons_count; i++) /* the first is the verdict again */
                line(r, i == 1 ? "evidence" : "", "%s", s->reasons[i]);
        if (r->c->flood && r->c->peak_syn_per_s > 0)
                line(r, "at most", "%s SYN/s and %s half-open",
                     explain_count(r->c->peak_syn_per_s, syns),
                     explain_count(or_zero(r->c->peak_half_open), half_open));
        print_listeners(r);
        print_sources(r);
        print_symptoms(r);
        print_unseen(r);
        line(r, "watched", "%.1f s, %llu looks", r->c->watched_s, (unsigned long long) r->c->looks);
}

/* --- what to do ------------------------------------------------------------------------ */

static void advise_cookies(struct report *r) {
        const struct evidence *e = &r->c->moment->host;
        char n[32];

        switch (r->c->moment->syncookies_value) {
        case -1:
                step(r, "This kernel shows no net.ipv4.tcp_syncookies; if it was built without "
                     "CONFIG_SYN_COOKIES, only longer queues and filters upstream help.");
                return;
        case 0:
                step(r, "SYN cookies are off: while the queue is full, real clients are locked out. "
                     "Turn them on, which helps at once and harms nobody:");
                command(r, "sysctl -w net.ipv4.tcp_syncookies=1");
                return;
        case 2:
                step(r, "SYN cookies are forced (2): every client gets one, flood or not. Nothing more "
                     "to gain here; go back to 1 when it is over:");
                command(r, "sysctl -w net.ipv4.tcp_syncookies=1");
                return;
        default:
                if (e->cookies_sent_per_s >= 1)
                        step(r, "SYN cookies are on and at work (%s/s): real clients get through. Nothing "
                             "to switch.", explain_count(e->cookies_sent_per_s, n));
                else
                        step(r, "SYN cookies are on and take over when the queue is full: real clients "
                             "get through. Nothing to switch.");
        }
}

static const char *backlog_hint(const char *program) {
        static const struct {
                const char *program, *hint;
        } hints[] = {
                { "nginx", "in nginx.conf: listen … backlog=4096;" },
                { "apache2", "in apache2.conf: ListenBackLog 4096" },
                { "httpd", "in httpd.conf: ListenBackLog 4096" },
                { "haproxy", "in the frontend of haproxy.cfg: backlog 4096" },
                { "redis-server", "in redis.conf: tcp-backlog 4096" },
                { "varnishd", "varnishd -p listen_depth=4096" },
        };

        for (size_t i = 0; i < sizeof hints / sizeof *hints; i++)
                if (strcmp(hints[i].program, program) == 0)
                        return hints[i].hint;
        return NULL;
}

/* What is set, where the list of advice says that it is wrong. */
static void advise_setting(struct report *r, const char *id) {
        const struct advice *a = advice_find(&r->c->settings, id);

        if (!a || a->severity < ADVICE_WARNING)
                return;
        fputs("     ", r->f);
        wrap(r->f, a->why, 5, 5);
        if (a->command[0])
                command(r, "%s", a->command);
}

static void advise_backlog(struct report *r) {
        const struct checkup_owner *owner = r->subject ? owner_of(r->c, &r->subject->key) : NULL;
        const char *hint = owner ? backlog_hint(owner->name) : NULL;
        double backlog = r->subject ? or_zero(r->subject->evidence.backlog) : 0;
        uint32_t sockets = r->subject && r->subject->sockets ? r->subject->sockets : 1;
        struct advice_queue q = { .backlog = (uint32_t) (backlog / sockets), .needed = r->needed };

        if (!(backlog > 0) || !advice_queue_is_short(&q))
                return;
        step(r, "Its queue is short: %.0f. Raise the backlog in the application's configuration and "
             "restart it%s%s", backlog, hint ? ", " : ".", hint ? hint : "");
        advise_setting(r, "somaxconn");
        advise_setting(r, "tcp_max_syn_backlog");
}

static uint16_t subject_port(const struct report *r) {
        return r->subject ? r->subject->key.port : 0;
}

static void advise_upstream(struct report *r, const char *what) {
        const struct snapshot *s = r->c->moment;
        char when[TIME_TEXT_MAX], rate[32], where[ADDRESS_TEXT_MAX] = "ADDRESS";
        double peak = fmax(or_zero(r->c->peak_syn_per_s), or_zero(s->host.syn_per_s));

        if (r->subject && !address_is_wildcard(&r->subject->key.address))
                address_format(&r->subject->key.address, where);
        step(r, "Tell your provider, who can filter where it does not fill your line:");
        command(r, "TCP SYN flood to %s port %u, %s SYN/s, %s, %s", where, subject_port(r),
                explain_count(peak, rate), what,
                time_text_format(s->incident.id ? s->incident.start_realtime_us : s->realtime_us, when));
}

static void begin_rules(struct report *r) {
        command(r, "nft 'create table inet syn_emergency'");
        command(r, "nft 'add chain inet syn_emergency in "
                "{ type filter hook prerouting priority raw; policy accept; }'");
}

static void print_port(struct report *r, char text[static 32]) {
        text[0] = '\0';
        if (subject_port(r))
                snprintf(text, 32, "tcp dport %u ", subject_port(r));
}

static bool covers(const struct prefix *outer, const struct prefix *inner) {
        return outer->length <= inner->length && prefix_contains(outer, &inner->address);
}

/* Without what the estimate may be too high by. */
static double sure_rate(const struct snapshot_source *f) {
        return f->share > 0 ? f->syn_per_s * fmax(0, f->share - or_zero(f->error)) / f->share : 0;
}

/* A network whose SYNs nearly all come from one listed address is that address. */
static bool is_one_address(const struct snapshot *s, const struct snapshot_source *f) {
        for (uint32_t i = 0; i < s->sources_count; i++)
                if (s->sources[i].prefix.length > f->prefix.length &&
                    covers(&f->prefix, &s->sources[i].prefix) &&
                    sure_rate(&s->sources[i]) > 0.8 * f->syn_per_s)
                        return true;
        return false;
}

static bool is_worth_blocking(const struct snapshot *s, const struct snapshot_source *f) {
        return !isnan(f->syn_per_s) && or_zero(f->share) - or_zero(f->error) >= BLOCK_SHARE &&
               !(f->completed_per_s > BLOCK_COMPLETED * f->syn_per_s) && !is_one_address(s, f);
}

static void advise_block(struct report *r) {
        const struct snapshot *s = r->c->moment;
        const struct snapshot_source *chosen[BLOCKS_MAX];
        unsigned count = 0;
        char port[32], name[ADDRESS_TEXT_MAX];

        for (uint32_t i = 0; i < s->sources_count && count < BLOCKS_MAX; i++) {
                bool covered = false;

                for (unsigned j = 0; j < count; j++)
                        covered |= covers(&chosen[j]->prefix, &s->sources[i].prefix) ||
                                   covers(&s->sources[i].prefix, &chosen[j]->prefix);
                if (!covered && is_worth_blocking(s, &s->sources[i]))
                        chosen[count++] = &s->sources[i];
        }
        if (count == 0)
                return;
        print_port(r, port);
        step(r, "Drop the SYNs of what carries it, none of whose handshakes complete (look first who that "
             "is: a monitor or balancer of your own must stay):");
        begin_rules(r);
        for (unsigned j = 0; j < count; j++)
                command(r, "nft 'add rule inet syn_emergency in %s saddr %s %s" NFT_SYN " counter drop'",
                        address_is_ipv4(&chosen[j]->prefix.address) ? "ip" : "ip6",
                        prefix_format(&chosen[j]->prefix, name), port);
        fputs("     Undo:\n", r->f);
        command(r, "nft delete table inet syn_emergency");
}

static void advise_limit(struct report *r) {
        char port[32];

        print_port(r, port);
        step(r, "No single source carries it, so blocking some does little. A limit for each source leaves "
             "room for clients behind one NAT at 20 connections/s:");
        begin_rules(r);
        for (unsigned v6 = 0; v6 < 2; v6++) {
                command(r, "nft 'add set inet syn_emergency busy%c { type ipv%c_addr; flags dynamic,timeout; "
                        "timeout 10s; size 65536; }'", v6 ? '6' : '4', v6 ? '6' : '4');
                command(r, "nft 'add rule inet syn_emergency in %s" NFT_SYN " update @busy%c { ip%s saddr limit "
                        "rate over 20/second burst 40 packets } counter drop'", port, v6 ? '6' : '4',
                        v6 ? "6" : "");
        }
        fputs("     Undo:\n", r->f);
        command(r, "nft delete table inet syn_emergency");
}

static void advise_proof(struct report *r) {
        step(r, "Keep a proof, and see what a policy would have done with it:");
        if (subject_port(r))
                command(r, "tcpdump -ni any -s 96 -c 100000 -w syn-flood.pcap tcp port %u", subject_port(r));
        else
                command(r, "tcpdump -ni any -s 96 -c 100000 -w syn-flood.pcap tcp");
        command(r, "synwardd --replay syn-flood.pcap");
}

static void advise_flood(struct report *r) {
        advise_cookies(r);
        switch (r->c->moment->diagnosis) {
        case DIAGNOSIS_FLOOD_CONCENTRATED:
                advise_block(r);
                advise_upstream(r, "few sources");
                break;
        case DIAGNOSIS_FLOOD_DISTRIBUTED:
                advise_limit(r);
                advise_upstream(r, "many real sources");
                break;
        case DIAGNOSIS_FLOOD_REFLECTED:
                if (r->c->host.synack_retries >= 0)
                        step(r, "The \"sources\" are the victims: our SYN-ACKs go to them. Send each of them "
                             "fewer (now net.ipv4.tcp_synack_retries is %ld):", r->c->host.synack_retries);
                else
                        step(r, "The \"sources\" are the victims: our SYN-ACKs go to them. Send fewer:");
                command(r, "sysctl -w net.ipv4.tcp_synack_retries=1");
                advise_upstream(r, "forged sources, reflection on third parties");
                break;
        default:
                step(r, r->c->moment->sensors[SENSOR_NFLOG].state == SENSOR_OK
                                ? "Do not block sources: the addresses are forged, and belong to innocents "
                                  "who may be your clients."
                                : "Do not block sources: who sends could not be seen, and the addresses may "
                                  "be forged.");
                advise_upstream(r, "forged sources");
        }
        advise_backlog(r);
        advise_proof(r);
}

static void advise_stall(struct report *r) {
        const struct checkup_owner *owner = r->subject ? owner_of(r->c, &r->subject->key) : NULL;
        uint16_t port = subject_port(r);

        step(r, "Leave net.ipv4.tcp_syncookies alone: it has nothing to do with it. Look at the application: "
             "is it stopped, out of workers or file descriptors, or waiting for a database?");
        if (port)
                command(r, "ss -ltnp 'sport = :%u'     # Recv-Q over Send-Q: nobody accepts", port);
        if (owner)
                command(r, "top -H -p %d", owner->pid);
        else
                fprintf(r->f, "     Which program it is was not to be seen%s.\n",
                        r->c->root ? ": it may be another container's" : "; run as root");
        advise_backlog(r);
        step(r, "More backlog only hides short stalls; an application that is too slow needs more workers, "
             "or fewer clients.");
}

static void advise_crowd(struct report *r) {
        const struct evidence *e = &r->c->moment->host;

        step(r, "Block nobody. The kernel logs \"Possible SYN flooding\" whenever a queue is full, also when "
             "the clients are real.");
        if (r->c->moment->syncookies_value == 0)
                advise_cookies(r);
        if (r->subject && or_zero(e->cookies_sent_per_s) >= 1) /* it was full */
                r->needed = or_zero(r->subject->evidence.backlog) + 1;
        if (r->subject)
                advise_backlog(r);
}

static void advise_lossy(struct report *r) {
        step(r, "Look at the path: clients send their SYN again, or our SYN-ACKs do not arrive. Loss, a route "
             "back that differs, a firewall that sees only one direction?");
        command(r, "nstat -az TcpExtTCPSynRetrans TcpRetransSegs TcpExtListenDrops");
        command(r, "ss -Htn state syn-recv | head     # then: mtr CLIENT");
        step(r, "Leave net.ipv4.tcp_syncookies alone.");
}

static void advise_quiet(struct report *r) {
        step(r, "If the kernel logged \"Possible SYN flooding\" earlier, it is over, or comes in pulses: watch "
             "longer, or let the service watch.");
        command(r, "synwardd --diagnose=5m");
        if (r->c->moment->syncookies_value == 0)
                advise_cookies(r);
        advise_backlog(r);
}

static void advise_symptoms(struct report *r) {
        const struct advice_list *l = &r->c->symptoms;
        char title[TITLE_MAX];

        for (unsigned i = 0; i < l->count; i++) {
                if (l->list[i].severity < ADVICE_WARNING || (i == 0 && is_crowded(r)))
                        continue;
                step(r, "%s:", capital(l->list[i].title, title));
                if (l->list[i].command[0])
                        command(r, "%s", l->list[i].command);
                if (strcmp(l->list[i].id, "syns-eaten") == 0)
                        advise_setting(r, "nf_conntrack");
                if (strcmp(l->list[i].id, "backlog") == 0)
                        command(r, "ss -ltn     # Send-Q: the backlog in force, once the application has it");
        }
        if (r->steps > 0 && r->c->moment->syncookies_value == 0)
                advise_cookies(r);
}

static void print_advice(struct report *r) {
        if (r->c->flood) {
                advise_flood(r);
                return;
        }
        advise_symptoms(r);
        if (is_symptom(r) && r->steps > 0)
                return;
        switch (r->c->moment->diagnosis) {
        case DIAGNOSIS_ACCEPT_STALL: advise_stall(r); return;
        case DIAGNOSIS_BUSY:
        case DIAGNOSIS_FLASH_CROWD: advise_crowd(r); return;
        case DIAGNOSIS_LOSSY_CLIENTS: advise_lossy(r); return;
        case DIAGNOSIS_PORT_SCAN:
                step(r, "Nothing urgent: nobody listens there. A firewall that drops instead of refusing "
                     "makes scans slower.");
                return;
        case DIAGNOSIS_UNKNOWN:
        case DIAGNOSIS_QUIET:
        case DIAGNOSIS_FLOOD_SPOOFED:
        case DIAGNOSIS_FLOOD_DISTRIBUTED:
        case DIAGNOSIS_FLOOD_CONCENTRATED:
        case DIAGNOSIS_FLOOD_REFLECTED:
        case DIAGNOSES: break;
        }
        advise_quiet(r);
}

void checkup_text_print(const struct checkup *c, FILE *f) {
        struct report r = { .c = c, .f = f, .subject = checkup_subject(c->moment) };

        if (r.subject)
                listener_name(&r, &r.subject->key, r.subject_name);
        print_verdict(&r);
        fputc('\n', f);
        print_evidence(&r);
        print_advice(&r);
}
