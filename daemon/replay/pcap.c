/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "replay/pcap.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "replay/kernel_model.h"

struct pcap_replay_options pcap_replay_defaults(void) {
        return (struct pcap_replay_options) {
                .backlog = 4096,
                .max_syn_backlog = 4096,
                .syncookies = 1,
                .tick_us = 200000,
        };
}

#ifdef HAVE_PCAP

#include <pcap/pcap.h>

#include "core/source_table.h"
#include "replay/capture_packet.h"

enum {
        CANDIDATES_MAX = 4096, /* destinations of SYNs that are looked at */
        COOKIES_MAX = 1 << 18, /* of the newest cookies, by hash */
};

/* Where nobody answers, a listener has at least this share of the busiest one's SYNs. */
#define GUESS_SHARE 0.01
/* A longer silence is passed over in one step. */
#define YEAR_10000_S INT64_C(253402300800)
#define GAP_MAX_US UINT64_C(600000000)
/* Our time begins here: 0 means "never" to some. */
#define START_US UINT64_C(1000000)

/* Somewhere SYNs were sent to, or SYN-ACKs came from. */
struct candidate {
        struct address address;
        uint16_t port;
        bool used, outgoing, several_askers;
        struct address asker; /* the first that sent a SYN there */
        uint64_t syns, answers;
};

struct pcap_replay {
        char path[256];
        struct pcap_replay_options options;
        pcap_t *pcap;
        long file_size;
        int link;
        struct pcap_replay_counts counts;

        struct kernel_model *model;
        struct source_table *sources;
        uint64_t *cookies; /* peers that were sent one; 0: none */
        uint32_t local_count; /* addresses of listeners, some more than once */
        struct address local[OBS_LISTENERS_MAX];

        bool begun, over;
        bool pending; /* `segment` at `segment_us` is still to be played */
        struct capture_segment segment;
        uint64_t segment_us;
        uint64_t next_tick_us, skew_us; /* capture time; added to it, modulo 2^64: our time */
};

/* --- the file ------------------------------------------------------------------- */

static int say(const struct pcap_replay *p, int r, const char *what, char *ret_error) {
        long place = p->pcap && pcap_file(p->pcap) ? ftell(pcap_file(p->pcap)) : -1;

        if (place < 0)
                snprintf(ret_error, PCAP_REPLAY_ERROR_MAX, "%s: %s", p->path, what);
        else
                snprintf(ret_error, PCAP_REPLAY_ERROR_MAX,
                         "%s: after packet %llu, at byte %ld: %s", p->path,
                         (unsigned long long) p->counts.packets, place, what);
        return r;
}

static int open_file(struct pcap_replay *p, char *ret_error) {
        char text[PCAP_ERRBUF_SIZE];
        FILE *f = fopen(p->path, "re");

        if (!f)
                return say(p, -errno, strerror(errno), ret_error);
        if (fseek(f, 0, SEEK_END) == 0) {
                p->file_size = ftell(f);
                rewind(f);
        }
        p->pcap = pcap_fopen_offline(f, text);
        if (!p->pcap) {
                fclose(f);
                return say(p, -EBADMSG, text, ret_error);
        }
        p->link = pcap_datalink(p->pcap);
        if (!capture_link_known(p->link)) {
                snprintf(text, sizeof text, "link type %d is not supported", p->link);
                return say(p, -EBADMSG, text, ret_error);
        }
        memset(&p->counts, 0, sizeof p->counts);
        return 0;
}

static void close_file(struct pcap_replay *p) {
        if (p->pcap)
                pcap_close(p->pcap);
        p->pcap = NULL;
}

/* 1: a segment, 0: the end. */
/* Of any year that can be told; what a forged file says may be beyond. */
static bool has_a_time(const struct pcap_pkthdr *h) {
        return h->ts.tv_sec >= 0 && h->ts.tv_sec < YEAR_10000_S;
}

static int next_segment(struct pcap_replay *p, struct capture_segment *ret, uint64_t *ret_us,
                        char *ret_error) {
        struct pcap_pkthdr *header;
        const uint8_t *data;
        int r;

        while ((r = pcap_next_ex(p->pcap, &header, &data)) == 1) {
                p->counts.packets++;
                r = has_a_time(header) ? capture_packet_parse(p->link, data, header->caplen,
                                                              header->len, ret) : -EBADMSG;
                if (r == 0) {
                        p->counts.segments++;
                        *ret_us = (uint64_t) header->ts.tv_sec * 1000000 +
                                  (uint64_t) header->ts.tv_usec;
                        return 1;
                }
                if (r == -EBADMSG)
                        p->counts.broken++;
                else
                        p->counts.other++;
        }
        if (r == PCAP_ERROR_BREAK)
                return 0;
        return say(p, -EBADMSG, pcap_geterr(p->pcap), ret_error);
}

/* --- who is who ----------------------------------------------------------------- */

static bool is_syn(const struct capture_segment *s) {
        return (s->flags & (CAPTURE_SYN | CAPTURE_ACK | CAPTURE_RST | CAPTURE_FIN)) == CAPTURE_SYN;
}

static bool is_syn_ack(const struct capture_segment *s) {
        return (s->flags & (CAPTURE_SYN | CAPTURE_ACK | CAPTURE_RST)) == (CAPTURE_SYN | CAPTURE_ACK);
}

static uint64_t hash_end(const struct address *a, uint32_t port) {
        static const struct keyed_hash key = { { 0x243f6a8885a308d3, 0x13198a2e03707344,
                                                 0xa4093822299f31d0, 0x082efa98ec4e6c89 } };

        return keyed_hash_fold(keyed_hash_address(&key, a) ^ port, key.words[3]);
}

static struct candidate *candidate_for(struct candidate *table, const struct address *a, uint16_t port) {
        uint64_t start = hash_end(a, port);

        /* A scan over all ports fills the table; a listener is met sooner or is idle. */
        for (unsigned i = 0; i < 16; i++) {
                struct candidate *c = &table[(start + i) % CANDIDATES_MAX];

                if (!c->used)
                        *c = (struct candidate) { .used = true, .address = *a, .port = port };
                if (c->port == port && address_equal(&c->address, a))
                        return c;
        }
        return NULL;
}

static bool given_as_local(const struct pcap_replay_options *o, const struct address *a) {
        for (uint32_t i = 0; i < o->local_count; i++)
                if (prefix_contains(&o->local[i], a))
                        return true;
        return false;
}

static void consider(struct candidate *table, const struct capture_segment *s) {
        struct candidate *c = NULL;

        if (is_syn(s)) {
                c = candidate_for(table, &s->destination, s->destination_port);
                if (c && c->syns++ == 0)
                        c->asker = s->source;
                else if (c && !address_equal(&c->asker, &s->source))
                        c->several_askers = true;
                if (c && s->way == CAPTURE_OUT)
                        c->outgoing = true;
        } else if (is_syn_ack(s)) {
                c = candidate_for(table, &s->source, s->source_port);
                if (c)
                        c->answers++;
                if (c && s->way == CAPTURE_IN)
                        c->outgoing = true;
        }
}

static uint64_t weight(const struct candidate *c, bool answered) {
        return answered ? c->answers : c->syns;
}

static int heavier(const void *a, const void *b) {
        const struct candidate *x = a, *y = b;
        uint64_t wx = x->answers ? x->answers + x->syns : 0, wy = y->answers ? y->answers + y->syns : 0;

        if (wx != wy)
                return wx < wy ? 1 : -1;
        return (x->syns < y->syns) - (x->syns > y->syns);
}

static bool is_local(const struct pcap_replay *p, const struct address *a) {
        for (uint32_t i = 0; i < p->local_count; i++)
                if (address_equal(&p->local[i], a))
                        return true;
        return given_as_local(&p->options, a);
}

/* Ours are the addresses that answer; but not one that only we ask. */
static bool is_ours(const struct pcap_replay *p, const struct candidate *c, bool answered,
                    uint64_t most) {
        if (!c->used || c->outgoing || weight(c, answered) == 0)
                return false;
        if (p->options.local_count)
                return given_as_local(&p->options, &c->address);
        if (!answered)
                return (double) c->syns >= GUESS_SHARE * (double) most;
        return c->several_askers || c->syns == 0 || !is_local(p, &c->asker);
}

static int add_listeners(struct pcap_replay *p, struct candidate *table, char *ret_error) {
        uint64_t most = 0, answers = 0;
        bool answered;

        for (unsigned i = 0; i < CANDIDATES_MAX; i++)
                if (!table[i].outgoing &&
                    (!p->options.local_count || given_as_local(&p->options, &table[i].address)))
                        answers += table[i].answers;
        answered = answers > 0;
        qsort(table, CANDIDATES_MAX, sizeof *table, heavier);
        for (unsigned i = 0; i < CANDIDATES_MAX; i++)
                if (!table[i].outgoing && weight(&table[i], answered) > most)
                        most = weight(&table[i], answered);
        for (unsigned i = 0; i < CANDIDATES_MAX; i++) {
                struct kernel_model_listener l = {
                        .key = { .address = table[i].address, .port = table[i].port },
                        .backlog = p->options.backlog,
                        .accepts_per_s = KERNEL_MODEL_AT_ONCE,
                };
                unsigned n;
                int r;

                if (!is_ours(p, &table[i], answered, most))
                        continue;
                r = kernel_model_add_listener(p->model, &l, &n);
                if (r == -ENOSPC) {
                        p->counts.listeners_left_out++;
                        continue;
                }
                if (r < 0)
                        return say(p, r, strerror(-r), ret_error);
                p->counts.listeners++;
                p->local[p->local_count++] = table[i].address;
        }
        return p->counts.listeners ? 0 : say(p, -ENODATA, "no SYN to a listener in it", ret_error);
}

static int find_listeners(struct pcap_replay *p, char *ret_error) {
        struct candidate *table = calloc(CANDIDATES_MAX, sizeof *table);
        struct capture_segment s;
        uint64_t time_us;
        int r;

        if (!table)
                return say(p, -ENOMEM, strerror(ENOMEM), ret_error);
        r = open_file(p, ret_error);
        while (r >= 0 && (r = next_segment(p, &s, &time_us, ret_error)) == 1)
                consider(table, &s);
        if (r == 0)
                r = add_listeners(p, table, ret_error);
        close_file(p);
        free(table);
        return r;
}

/* --- packets into the model --------------------------------------------------------- */

/* A cookie is nothing the kernel keeps; here its peer is, until newer ones take the place. */
static uint64_t *cookie_slot(struct pcap_replay *p, const struct kernel_model_peer *peer, int listener,
                             uint64_t *ret_print) {
        *ret_print = hash_end(&peer->address, (uint32_t) peer->port << 8 | (uint32_t) listener) | 1;
        return &p->cookies[(*ret_print >> 1) % COOKIES_MAX];
}

static void play_syn(struct pcap_replay *p, uint64_t now_us, int listener,
                     const struct kernel_model_peer *peer) {
        const struct capture_segment *s = &p->segment;
        struct syn syn = {
                .source = s->source,
                .destination = s->destination,
                .source_port = s->source_port,
                .destination_port = s->destination_port,
                .sequence = s->sequence,
                .window = s->window,
                .ttl = s->ttl,
        };
        uint64_t print, *slot;

        p->counts.syns++;
        source_table_add(p->sources, &syn, SOURCE_BOTH, 1);
        if (kernel_model_syn(p->model, now_us, listener, peer, 0) == KERNEL_COOKIE) {
                slot = cookie_slot(p, peer, listener, &print);
                *slot = print;
        }
}

static void play_answer(struct pcap_replay *p, uint64_t now_us, int listener,
                        const struct kernel_model_peer *peer) {
        unsigned flags = p->segment.data ? KERNEL_ACK_DATA : 0;
        uint64_t print, *slot;
        bool open;

        kernel_model_advance(p->model, now_us);
        slot = cookie_slot(p, peer, listener, &print);
        open = kernel_model_has(p->model, listener, peer);
        if (p->segment.flags & CAPTURE_RST) {
                kernel_model_rst(p->model, now_us, listener, peer);
                return;
        }
        if (!open && *slot != print) {
                kernel_model_segments(p->model, 1); /* of an established connection */
                return;
        }
        if (!open) {
                *slot = 0;
                flags |= KERNEL_ACK_VALID_COOKIE;
        }
        if (kernel_model_ack(p->model, now_us, listener, peer, flags) == KERNEL_ACK_COMPLETED)
                source_table_completed(p->sources, &peer->address, &p->segment.destination,
                                       p->segment.destination_port);
}

static void play(struct pcap_replay *p, uint64_t now_us) {
        const struct capture_segment *s = &p->segment;
        struct kernel_model_peer peer = { .address = s->source, .port = s->source_port };
        int listener = kernel_model_find_listener(p->model, &s->destination, s->destination_port);

        if (s->way == CAPTURE_OUT)
                return;
        if (is_syn(s)) {
                if (listener >= 0 || s->way == CAPTURE_IN || is_local(p, &s->destination))
                        play_syn(p, now_us, listener, &peer);
        } else if (listener >= 0 && (s->flags & (CAPTURE_ACK | CAPTURE_RST)) &&
                   !(s->flags & CAPTURE_SYN))
                play_answer(p, now_us, listener, &peer);
}

/* --- ticks ------------------------------------------------------------------------------ */

static void observe(struct pcap_replay *p, uint64_t capture_us, struct observation *ret) {
        uint64_t now_us = capture_us + p->skew_us;

        kernel_model_observe(p->model, now_us, ret);
        ret->realtime_us = capture_us;
        source_table_set_listeners(p->sources, ret->listeners, ret->listeners_count);
        source_table_listener_syns(p->sources, now_us, ret->listeners, ret->listeners_count);
        source_table_observe(p->sources, now_us, &ret->sources);
        ret->known |= OBS_K_SOURCES;
        ret->sensors[SENSOR_NFLOG] = SENSOR_OK;
        ret->sample_one_in = 1;
        ret->log_received = ret->counters[OBS_SYNS];
}

/* Captures put together from several may step back: time then stands still. */
static int read_ahead(struct pcap_replay *p, char *ret_error) {
        uint64_t before_us = p->segment_us;
        int r;

        if (p->pending || p->over)
                return 0;
        r = next_segment(p, &p->segment, &p->segment_us, ret_error);
        if (r < 0)
                return r;
        p->over = r == 0;
        p->pending = r == 1;
        if (p->segment_us < before_us)
                p->segment_us = before_us;
        if (!p->begun && p->pending) {
                p->begun = true;
                p->next_tick_us = p->segment_us;
                p->skew_us = START_US - p->segment_us;
        }
        return 0;
}

int pcap_replay_next(struct pcap_replay *p, struct observation *ret,
                     char ret_error[static PCAP_REPLAY_ERROR_MAX]) {
        bool first = !p->begun;
        uint64_t tick_us;
        int r;

        if (p->over && !p->pending)
                return 0;
        while ((r = read_ahead(p, ret_error)) == 0 && p->pending && !first &&
               p->segment_us < p->next_tick_us) {
                play(p, p->segment_us + p->skew_us);
                p->pending = false;
        }
        if (r < 0)
                return r;
        if (first && !p->pending)
                return 0;
        tick_us = p->next_tick_us;
        if (p->pending && p->segment_us > tick_us + GAP_MAX_US)
                p->next_tick_us = p->segment_us; /* nobody wants an hour of nothing, tick by tick */
        else
                p->next_tick_us = tick_us + p->options.tick_us;
        observe(p, tick_us, ret);
        return 1;
}

static int make_parts(struct pcap_replay *p, char *ret_error) {
        static const struct keyed_hash key = { { 0x452821e638d01377, 0xbe5466cf34e90c6c,
                                                 0xc0ac29b7c97c50dd, 0x3f84d5b5b5470917 } };
        struct kernel_model_settings k = kernel_model_defaults();
        int r;

        k.syncookies = p->options.syncookies;
        k.max_syn_backlog = p->options.max_syn_backlog;
        p->cookies = calloc(COOKIES_MAX, sizeof *p->cookies);
        r = p->cookies ? kernel_model_new(&k, &p->model) : -ENOMEM;
        if (r == 0)
                r = source_table_new(&key, START_US, &p->sources);
        if (r < 0)
                return say(p, r, strerror(-r), ret_error);
        source_table_set_known(p->sources, true, true);
        return 0;
}

static int prepare(struct pcap_replay *p, char *ret_error) {
        uint32_t listeners, left_out;
        int r = make_parts(p, ret_error);

        if (r == 0)
                r = find_listeners(p, ret_error);
        if (r < 0)
                return r;
        listeners = p->counts.listeners;
        left_out = p->counts.listeners_left_out;
        r = open_file(p, ret_error); /* from the beginning, and counts anew */
        p->counts.listeners = listeners;
        p->counts.listeners_left_out = left_out;
        return r;
}

int pcap_replay_new(const char *path, const struct pcap_replay_options *o, struct pcap_replay **ret,
                    char ret_error[static PCAP_REPLAY_ERROR_MAX]) {
        struct pcap_replay *p;
        int r;

        p = o->tick_us > 0 && strlen(path) < sizeof p->path ? calloc(1, sizeof *p) : NULL;
        if (!p) {
                r = o->tick_us > 0 && strlen(path) < sizeof p->path ? -ENOMEM : -EINVAL;
                snprintf(ret_error, PCAP_REPLAY_ERROR_MAX, "%.256s: %s", path, strerror(-r));
                return r;
        }
        snprintf(p->path, sizeof p->path, "%s", path);
        p->options = *o;
        r = prepare(p, ret_error);
        if (r < 0) {
                p = pcap_replay_free(p);
                return r;
        }
        *ret = p;
        return 0;
}

struct pcap_replay *pcap_replay_free(struct pcap_replay *p) {
        if (p) {
                close_file(p);
                p->model = kernel_model_free(p->model);
                p->sources = source_table_free(p->sources);
                free(p->cookies);
                free(p);
        }
        return NULL;
}

double pcap_replay_progress(const struct pcap_replay *p) {
        long place = p->pcap ? ftell(pcap_file(p->pcap)) : -1;

        if (p->over)
                return 1;
        return place > 0 && p->file_size > 0 ? (double) place / (double) p->file_size : 0;
}

struct pcap_replay_counts pcap_replay_counts(const struct pcap_replay *p) {
        return p->counts;
}

#else

int pcap_replay_new(const char *path, const struct pcap_replay_options *o, struct pcap_replay **ret,
                    char ret_error[static PCAP_REPLAY_ERROR_MAX]) {
        (void) o;
        (void) ret;
        snprintf(ret_error, PCAP_REPLAY_ERROR_MAX, "%.256s: built without libpcap", path);
        return -ENOTSUP;
}

struct pcap_replay *pcap_replay_free(struct pcap_replay *p) {
        (void) p;
        return NULL;
}

int pcap_replay_next(struct pcap_replay *p, struct observation *ret,
                     char ret_error[static PCAP_REPLAY_ERROR_MAX]) {
        (void) p;
        (void) ret;
        (void) ret_error;
        return -ENOTSUP;
}

double pcap_replay_progress(const struct pcap_replay *p) {
        (void) p;
        return 0;
}

struct pcap_replay_counts pcap_replay_counts(const struct pcap_replay *p) {
        (void) p;
        return (struct pcap_replay_counts) { 0 };
}

#endif
