/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "format/checkup_advice.h"

#include <math.h>
#include <string.h>

#include "core/explain.h"
#include "core/rate.h"
#include "format/time_text.h"

enum { BLOCKS_MAX = 4 };

/* Less than this share of the SYNs is not worth a rule. */
#define BLOCK_SHARE 0.05
/* A source whose handshakes complete oftener than this is somebody's client. */
#define BLOCK_COMPLETED 0.05

/* The flags of the first segment of a connection, as nft(8) writes them. */
#define NFT_SYN "tcp flags & (fin|syn|rst|ack) == syn"

static void advise_cookies(struct report *r) {
        const struct evidence *e = &r->c->moment->host;
        char n[32];

        if (r->cookies_told)
                return;
        r->cookies_told = true;
        switch (r->c->moment->syncookies_value) {
        case -1:
                report_step(r, "This kernel shows no net.ipv4.tcp_syncookies; if it was built without "
                               "CONFIG_SYN_COOKIES, only longer queues and filters upstream help.");
                return;
        case 0:
                report_step(r, "SYN cookies are off: while the queue is full, real clients are locked out. "
                               "Turn them on, which helps at once and harms nobody:");
                report_command(r, "sysctl -w net.ipv4.tcp_syncookies=1");
                return;
        case 2:
                report_step(r, "SYN cookies are forced (2): every client gets one, flood or not. Nothing more "
                               "to gain here; go back to 1 when it is over:");
                report_command(r, "sysctl -w net.ipv4.tcp_syncookies=1");
                return;
        default:
                if (e->cookies_sent_per_s >= 1)
                        report_step(r,
                                    "SYN cookies are on and at work (%s/s): real clients get through. Nothing "
                                    "to switch.",
                                    explain_count(e->cookies_sent_per_s, n));
                else
                        report_step(r, "SYN cookies are on and take over when the queue is full: real clients "
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
        report_wrap(r->f, a->why, 5, 5);
        if (a->command[0])
                report_command(r, "%s", a->command);
}

static void advise_backlog(struct report *r) {
        const struct checkup_owner *owner = r->subject ? report_owner(r->c, &r->subject->key) : NULL;
        const char *hint = owner ? backlog_hint(owner->name) : NULL;
        double backlog = r->subject ? or_zero(r->subject->evidence.backlog) : 0;
        uint32_t sockets = r->subject && r->subject->sockets ? r->subject->sockets : 1;
        struct advice_queue q = { .backlog = (uint32_t) (backlog / sockets), .needed = r->needed };

        if (!(backlog > 0) || !advice_queue_is_short(&q))
                return;
        report_step(r,
                    "Its queue is short: %.0f. Raise the backlog in the application's configuration and "
                    "restart it%s%s",
                    backlog, hint ? ", " : ".", hint ? hint : "");
        advise_setting(r, "somaxconn");
        advise_setting(r, "tcp_max_syn_backlog");
}

static uint16_t subject_port(const struct report *r) {
        return r->subject ? r->subject->key.port : 0;
}

static void advise_upstream(struct report *r, const char *what) {
        const struct snapshot *s = r->c->moment;
        char when[TIME_TEXT_MAX], rate[32], where[ADDRESS_TEXT_MAX] = "ADDRESS";
        double all = or_zero(s->host.syn_per_s), peak = fmax(or_zero(r->c->peak_syn_per_s), all);

        if (r->subject && all > 0) /* without what is for other listeners */
                peak *= fmin(1, or_zero(r->subject->evidence.syn_per_s) / all);
        if (r->subject && !address_is_wildcard(&r->subject->key.address))
                address_format(&r->subject->key.address, where);
        report_step(r, "Tell your provider, who can filter where it does not fill your line:");
        report_command(r, "TCP SYN flood to %s port %u, %s SYN/s, %s, %s", where, subject_port(r),
                       explain_count(peak, rate), what,
                       time_text_format(s->incident.id ? s->incident.start_realtime_us : s->realtime_us, when));
}

static void begin_rules(struct report *r) {
        report_command(r, "nft 'create table inet syn_emergency'");
        report_command(r, "nft 'add chain inet syn_emergency in "
                          "{ type filter hook prerouting priority raw; policy accept; }'");
}

static void print_port(struct report *r, char text[static 32]) {
        text[0] = '\0';
        if (subject_port(r))
                snprintf(text, 32, "tcp dport %u ", subject_port(r));
}

static bool is_worth_blocking(const struct snapshot *s, const struct snapshot_source *f) {
        return !isnan(f->syn_per_s) && or_zero(f->share) - or_zero(f->error) >= BLOCK_SHARE &&
               !(f->completed_per_s > BLOCK_COMPLETED * f->syn_per_s) && !report_is_one_address(s, f);
}

static void advise_block(struct report *r) {
        const struct snapshot *s = r->c->moment;
        const struct snapshot_source *chosen[BLOCKS_MAX];
        unsigned count = 0;
        char port[32], name[ADDRESS_TEXT_MAX];

        for (uint32_t i = 0; i < s->sources_count && count < BLOCKS_MAX; i++) {
                bool covered = false;

                for (unsigned j = 0; j < count; j++)
                        covered |= report_covers(&chosen[j]->prefix, &s->sources[i].prefix) ||
                                   report_covers(&s->sources[i].prefix, &chosen[j]->prefix);
                if (!covered && is_worth_blocking(s, &s->sources[i]))
                        chosen[count++] = &s->sources[i];
        }
        if (count == 0)
                return;
        print_port(r, port);
        report_step(r, "Drop the SYNs of what carries it, none of whose handshakes complete (look first who that "
                       "is: a monitor or balancer of your own must stay):");
        begin_rules(r);
        for (unsigned j = 0; j < count; j++)
                report_command(r, "nft 'add rule inet syn_emergency in %s saddr %s %s" NFT_SYN " counter drop'",
                               address_is_ipv4(&chosen[j]->prefix.address) ? "ip" : "ip6",
                               prefix_format(&chosen[j]->prefix, name), port);
        fputs("     Undo:\n", r->f);
        report_command(r, "nft delete table inet syn_emergency");
}

static void advise_limit(struct report *r) {
        char port[32];

        print_port(r, port);
        report_step(r, "No single source carries it, so blocking some does little. A limit for each source leaves "
                       "room for clients behind one NAT at 20 connections/s:");
        begin_rules(r);
        for (unsigned v6 = 0; v6 < 2; v6++) {
                report_command(r,
                               "nft 'add set inet syn_emergency busy%c { type ipv%c_addr; flags dynamic,timeout; "
                               "timeout 10s; size 65536; }'",
                               v6 ? '6' : '4', v6 ? '6' : '4');
                report_command(r,
                               "nft 'add rule inet syn_emergency in %s" NFT_SYN " update @busy%c { ip%s saddr limit "
                               "rate over 20/second burst 40 packets } counter drop'",
                               port, v6 ? '6' : '4', v6 ? "6" : "");
        }
        fputs("     Undo:\n", r->f);
        report_command(r, "nft delete table inet syn_emergency");
}

static void advise_proof(struct report *r) {
        report_step(r, "Keep a proof, and see what a policy would have done with it:");
        if (subject_port(r))
                report_command(r, "tcpdump -ni any -s 96 -c 100000 -w syn-flood.pcap tcp port %u", subject_port(r));
        else
                report_command(r, "tcpdump -ni any -s 96 -c 100000 -w syn-flood.pcap tcp");
        report_command(r, "synwardd --replay syn-flood.pcap");
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
                        report_step(r,
                                    "The \"sources\" are the victims: our SYN-ACKs go to them. Send each of them "
                                    "fewer (now net.ipv4.tcp_synack_retries is %ld):",
                                    r->c->host.synack_retries);
                else
                        report_step(r, "The \"sources\" are the victims: our SYN-ACKs go to them. Send fewer:");
                report_command(r, "sysctl -w net.ipv4.tcp_synack_retries=1");
                advise_upstream(r, "forged sources, reflection on third parties");
                break;
        default:
                report_step(r, r->c->moment->sensors[SENSOR_NFLOG].state == SENSOR_OK
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
        const struct checkup_owner *owner = r->subject ? report_owner(r->c, &r->subject->key) : NULL;
        uint16_t port = subject_port(r);

        report_step(r, "Leave net.ipv4.tcp_syncookies alone: it has nothing to do with it. Look at the application: "
                       "is it stopped, out of workers or file descriptors, or waiting for a database?");
        if (port)
                report_command(r, "ss -ltnp 'sport = :%u'     # Recv-Q over Send-Q: nobody accepts", port);
        if (owner)
                report_command(r, "top -H -p %d", owner->pid);
        else
                fprintf(r->f, "     Which program it is was not to be seen%s.\n",
                        r->c->root ? ": it may be another container's" : "; run as root");
        advise_backlog(r);
        report_step(r, "More backlog only hides short stalls; an application that is too slow needs more workers, "
                       "or fewer clients.");
}

static void advise_crowd(struct report *r) {
        const struct evidence *e = &r->c->moment->host;

        report_step(r, "Block nobody. The kernel logs \"Possible SYN flooding\" whenever a queue is full, also when "
                       "the clients are real.");
        if (r->c->moment->syncookies_value == 0)
                advise_cookies(r);
        if (r->subject && or_zero(e->cookies_sent_per_s) >= 1) /* it was full */
                r->needed = or_zero(r->subject->evidence.backlog) + 1;
        if (r->subject)
                advise_backlog(r);
}

static void advise_lossy(struct report *r) {
        report_step(r, "Look at the path: clients send their SYN again, or our SYN-ACKs do not arrive. Loss, a route "
                       "back that differs, a firewall that sees only one direction?");
        report_command(r, "nstat -az TcpExtTCPSynRetrans TcpRetransSegs TcpExtListenDrops");
        report_command(r, "ss -Htn state syn-recv | head     # then: mtr CLIENT");
        report_step(r, "Leave net.ipv4.tcp_syncookies alone.");
}

static void advise_quiet(struct report *r) {
        report_step(r, "If the kernel logged \"Possible SYN flooding\" earlier, it is over, or comes in pulses: watch "
                       "longer, or let the service watch.");
        report_command(r, "synwardd --diagnose=5m");
        if (r->c->moment->syncookies_value == 0)
                advise_cookies(r);
        advise_backlog(r);
}

/* The same is to be done for another listener. */
static bool is_repeated(const struct advice_list *l, unsigned which) {
        for (unsigned i = 0; i < which; i++)
                if (strcmp(l->list[i].id, l->list[which].id) == 0 &&
                    strcmp(l->list[i].command, l->list[which].command) == 0)
                        return true;
        return false;
}

static void advise_symptoms(struct report *r) {
        const struct advice_list *l = &r->c->symptoms;
        char title[REPORT_TITLE_MAX];

        for (unsigned i = 0; i < l->count; i++) {
                if (l->list[i].severity < ADVICE_WARNING || is_repeated(l, i))
                        continue;
                report_step(r, "%s:", report_capital(l->list[i].title, title));
                if (l->list[i].command[0])
                        report_command(r, "%s", l->list[i].command);
                if (strcmp(l->list[i].id, "syns-eaten") == 0)
                        advise_setting(r, "nf_conntrack");
                if (strcmp(l->list[i].id, "backlog") == 0)
                        report_command(r, "ss -ltn     # Send-Q: the backlog in force, once the application has it");
        }
        if (r->steps > 0 && r->c->moment->syncookies_value == 0)
                advise_cookies(r);
}

void checkup_advice_print(struct report *r) {
        if (r->c->flood) {
                advise_flood(r);
                return;
        }
        advise_symptoms(r);
        if (report_is_symptom(r) && r->steps > 0)
                return;
        switch (r->c->moment->diagnosis) {
        case DIAGNOSIS_ACCEPT_STALL:
                advise_stall(r);
                return;
        case DIAGNOSIS_BUSY:
        case DIAGNOSIS_FLASH_CROWD:
                advise_crowd(r);
                return;
        case DIAGNOSIS_LOSSY_CLIENTS:
                advise_lossy(r);
                return;
        case DIAGNOSIS_PORT_SCAN:
                report_step(r, "Nothing urgent: nobody listens there. A firewall that drops instead of refusing "
                               "makes scans slower.");
                return;
        case DIAGNOSIS_UNKNOWN:
        case DIAGNOSIS_QUIET:
        case DIAGNOSIS_FLOOD_SPOOFED:
        case DIAGNOSIS_FLOOD_DISTRIBUTED:
        case DIAGNOSIS_FLOOD_CONCENTRATED:
        case DIAGNOSIS_FLOOD_REFLECTED:
        case DIAGNOSES:
                break;
        }
        advise_quiet(r);
}
