/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "replay/pcap.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/source_table.h"
#include "replay/capture_clock.h"
#include "replay/capture_file.h"
#include "replay/capture_packet.h"
#include "replay/kernel_model.h"
#include "replay/ledger.h"

/* A longer silence is passed over in one step. */
#define GAP_MAX_US UINT64_C(600000000)
#define START_US UINT64_C(1000000)
/* So much later than it was stamped, at most, a packet of a live capture arrives; and so long after
 * a tick's time none is expected of before it. */
#define LIVE_LAG_US UINT64_C(10000000)
#define SILENCE_US UINT64_C(500000)
enum { PATIENCE_MS = 100, STOP_CHECK_FRAMES = 1024 };
/* Whoever writes into the pipe got the signal too, and writes what it has left. */
#define STOP_LAG_US UINT64_C(1000000)

struct packet {
        uint64_t stamp_us;
        enum capture_kind kind;
        struct capture_segment segment; /* of a CAPTURE_SEGMENT */
};

struct pcap_replay {
        char name[256];
        struct pcap_replay_options options;
        struct capture_file *file;
        uint64_t size; /* 0: not known */
        bool live;     /* read once: listeners are found as they show */

        struct capture_facts facts;
        struct capture_hosts *hosts;
        struct ledger *ledger;
        struct kernel_model *model;
        struct source_table *sources;
        uint32_t listeners; /* that the model has */

        bool begun, over, silent;
        uint64_t stopped_us;  /* realtime, when it was asked to end; 0: it was not */
        bool pending, ahead;  /* `packet` is still to be played; `next` is read already */
        struct packet packet, next;
        uint64_t packet_us;   /* of `packet`, our time */
        uint64_t next_tick_us;
        char cut[CAPTURE_FILE_ERROR_MAX];
};

struct pcap_replay_options pcap_replay_defaults(void) {
        return (struct pcap_replay_options) {
                .backlog = 4096,
                .max_syn_backlog = 4096,
                .syncookies = 1,
                .tick_us = 200000,
                .limits = { .rate_per_s = 10, .share = 0.2 },
        };
}

/* --- packets ---------------------------------------------------------------------- */

/* Whether a live capture is silent, and the next tick's time has come. A pipe that brings an old
 * capture slowly is not live: its stamps are far behind. */
static bool is_silent(struct pcap_replay *p) {
        const struct capture_clock *c = &p->facts.clock;
        uint64_t now_us = p->options.realtime_us(), due_us = c->stamp_us + p->next_tick_us - c->now_us;

        if (!p->begun || now_us < c->stamp_us || (!p->silent && now_us - c->stamp_us > LIVE_LAG_US))
                return false;
        p->silent = now_us >= due_us + SILENCE_US;
        return p->silent;
}

static bool is_stopped(struct pcap_replay *p, bool idle) {
        uint64_t now_us;

        if (!p->live || !p->options.stopped || !p->options.realtime_us || !p->options.stopped())
                return false;
        now_us = p->options.realtime_us();
        if (p->stopped_us == 0)
                p->stopped_us = now_us;
        return idle || now_us - p->stopped_us > STOP_LAG_US;
}

/* False: there is none, since the file is over or, then p->silent, as long as none comes. */
static bool read_packet(struct pcap_replay *p, struct packet *ret) {
        struct capture_frame frame;
        int r;

        if (p->facts.frames % STOP_CHECK_FRAMES == 0 && is_stopped(p, false))
                return p->silent = false;
        while ((r = capture_file_next(p->file, &frame)) == -EAGAIN) {
                if (is_stopped(p, true))
                        return p->silent = false;
                if (is_silent(p))
                        return false;
        }
        p->silent = false;
        if (r < 0) {
                snprintf(p->cut, sizeof p->cut, "%s", capture_file_error(p->file));
                p->facts.cut = p->cut;
        }
        if (r <= 0)
                return false;
        ret->stamp_us = frame.time_us;
        ret->kind = capture_packet_parse(frame.link, frame.bytes, frame.captured, frame.original, &ret->segment);
        p->facts.frames++;
        p->facts.kinds[ret->kind]++;
        if (ret->kind == CAPTURE_TRUNCATED && frame.captured > p->facts.truncated_to)
                p->facts.truncated_to = frame.captured;
        if (ret->kind == CAPTURE_LINK && p->facts.kinds[CAPTURE_LINK] == 1)
                p->facts.unknown_link = frame.link;
        return true;
}

/* Reads the packet behind the present one, if there is one. */
static void peek(struct pcap_replay *p) {
        if (!p->ahead)
                p->ahead = read_packet(p, &p->next);
}

/* A packet that is far ahead of the one before and of the one behind it has a wrong stamp. */
static bool is_stray(struct pcap_replay *p) {
        if (!capture_clock_jumps(&p->facts.clock, p->packet.stamp_us))
                return false;
        peek(p);
        return p->ahead && p->next.stamp_us != CAPTURE_NO_TIME &&
               p->next.stamp_us + CAPTURE_CLOCK_DISORDER_US < p->packet.stamp_us &&
               p->next.stamp_us + CAPTURE_CLOCK_DISORDER_US >= p->facts.clock.stamp_us;
}

static void read_ahead(struct pcap_replay *p) {
        if (p->pending || p->over)
                return;
        peek(p);
        p->pending = p->ahead;
        p->over = !p->ahead && !p->silent;
        if (!p->ahead)
                return;
        p->packet = p->next;
        p->ahead = false;
        if (!p->live) { /* while this one is played, memory for the next is fetched */
                peek(p);
                if (p->ahead && capture_kind_has_segment(p->next.kind))
                        ledger_prefetch(p->ledger, &p->next.segment);
        }
        p->packet_us = capture_clock_step(&p->facts.clock, p->packet.stamp_us, is_stray(p));
        if (!p->begun)
                p->next_tick_us = p->packet_us;
}

/* --- packets into the model ------------------------------------------------------------ */

static int add_listener(struct pcap_replay *p, const struct capture_service *s) {
        struct kernel_model_listener l = {
                .key = s->key,
                .backlog = p->options.backlog,
                .accepts_per_s = KERNEL_MODEL_AT_ONCE,
        };
        unsigned n;

        return kernel_model_add_listener(p->model, &l, &n);
}

/* The model numbers listeners as they come, and so do the hosts. */
static int add_listeners(struct pcap_replay *p) {
        while (p->listeners < capture_hosts_listeners(p->hosts)) {
                for (uint32_t i = 0; i < capture_hosts_count(p->hosts); i++) {
                        const struct capture_service *s = capture_hosts_service(p->hosts, i);
                        int r = s->listener == (int) p->listeners ? add_listener(p, s) : 0;

                        if (r < 0)
                                return r;
                }
                p->listeners++;
        }
        return 0;
}

/* A listener on any address, where some of its addresses were listeners before. */
static void merge_services(struct pcap_replay *p) {
        for (uint32_t i = 0; i < capture_hosts_count(p->hosts); i++) {
                const struct capture_service *s = capture_hosts_service(p->hosts, i);

                if (s->merged != CAPTURE_NO_SERVICE)
                        ledger_merge(p->ledger, i, (unsigned) s->merged);
        }
}

static void play_syn(struct pcap_replay *p, const struct ledger_note *n, int listener,
                     const struct kernel_model_peer *peer) {
        const struct capture_segment *s = &p->packet.segment;
        struct syn syn = {
                .source = n->client,
                .destination = n->server,
                .source_port = n->client_port,
                .destination_port = n->server_port,
                .sequence = n->by_answer ? s->acknowledged - 1 : s->sequence,
                .window = s->window,
                .ttl = s->ttl,
        };

        if (listener < 0 && (s->way == CAPTURE_OUT || n->by_answer ||
                             (s->way != CAPTURE_IN && !capture_hosts_is_local(p->hosts, &n->server))))
                return;
        source_table_add(p->sources, &syn, SOURCE_BOTH, 1);
        kernel_model_syn(p->model, p->packet_us, listener, peer, 0);
}

static void play_finish(struct pcap_replay *p, const struct ledger_note *n, int listener,
                        const struct kernel_model_peer *peer) {
        unsigned flags = p->packet.segment.data ? KERNEL_ACK_DATA : 0;

        kernel_model_advance(p->model, p->packet_us);
        if (!kernel_model_has(p->model, listener, peer))
                flags |= KERNEL_ACK_VALID_COOKIE; /* that it was captured shows that it was one */
        if (kernel_model_ack(p->model, p->packet_us, listener, peer, flags) == KERNEL_ACK_COMPLETED)
                source_table_completed(p->sources, &n->client, &n->server, n->server_port);
}

static void play_note(struct pcap_replay *p, const struct ledger_note *n) {
        struct kernel_model_peer peer = { .address = n->client, .port = n->client_port };
        int listener = KERNEL_MODEL_NO_LISTENER;

        if (n->service != CAPTURE_NO_SERVICE)
                listener = capture_hosts_service(p->hosts, (uint32_t) n->service)->listener;
        switch (n->news) {
        case LEDGER_BEGUN:
        case LEDGER_REPEATED:
                play_syn(p, n, listener, &peer);
                return;
        case LEDGER_FINISHED:
                if (listener >= 0)
                        play_finish(p, n, listener, &peer);
                return;
        case LEDGER_RESET:
                if (listener >= 0)
                        source_table_disowned(p->sources, &n->client);
                kernel_model_rst(p->model, p->packet_us, listener, &peer);
                return;
        case LEDGER_REFUSED:
                kernel_model_refuse(p->model, p->packet_us, listener, &peer);
                return;
        case LEDGER_NOTHING:
                kernel_model_segments(p->model, 1);
                return;
        case LEDGER_ANSWERED:
                return;
        }
}

static void play(struct pcap_replay *p) {
        struct ledger_note note;

        if (!capture_kind_has_segment(p->packet.kind))
                return;
        if (p->live) {
                uint32_t before = capture_hosts_count(p->hosts);

                capture_hosts_see(p->hosts, &p->packet.segment, true);
                if (capture_hosts_count(p->hosts) > before)
                        merge_services(p);
                (void) add_listeners(p); /* no memory for one more: it is in the ledger all the same */
        }
        ledger_see(p->ledger, p->packet_us, p->hosts, &p->packet.segment, &note);
        play_note(p, &note);
}

/* --- ticks ------------------------------------------------------------------------------ */

static void observe(struct pcap_replay *p, uint64_t now_us, struct observation *ret) {
        kernel_model_observe(p->model, now_us, ret);
        ret->realtime_us = capture_clock_stamp(&p->facts.clock, now_us);
        source_table_set_listeners(p->sources, ret->listeners, ret->listeners_count);
        source_table_listener_syns(p->sources, now_us, ret->listeners, ret->listeners_count);
        source_table_observe(p->sources, now_us, &ret->sources);
        ret->known |= OBS_K_SOURCES;
        ret->sensors[SENSOR_NFLOG] = SENSOR_OK;
        ret->sample_one_in = 1;
        ret->log_received = ret->counters[OBS_SYNS];
}

int pcap_replay_next(struct pcap_replay *p, struct observation *ret) {
        uint64_t tick_us;

        for (read_ahead(p); p->pending && p->begun && p->packet_us < p->next_tick_us; read_ahead(p)) {
                play(p);
                p->pending = false;
        }
        if (p->over && (p->facts.duration_s >= 0 || !p->begun))
                return 0;
        if (p->over)
                p->facts.duration_s = (double) (p->facts.clock.now_us - START_US) / 1e6;
        p->begun = true;
        tick_us = p->next_tick_us;
        if (p->silent)
                capture_clock_idle(&p->facts.clock, tick_us);
        if (p->pending && p->packet_us > tick_us + GAP_MAX_US)
                p->next_tick_us = p->packet_us; /* nobody wants an hour of nothing, tick by tick */
        else
                p->next_tick_us = tick_us + p->options.tick_us;
        observe(p, tick_us, ret);
        return 1;
}

/* --- opening ------------------------------------------------------------------------------ */

static int fail(const struct pcap_replay *p, int r, const char *what, char *ret_error) {
        snprintf(ret_error, PCAP_REPLAY_ERROR_MAX, "%.250s: %s", p->name, what);
        return r;
}

/* Everybody who sends and answers, before the first packet is played. */
static int find_hosts(struct pcap_replay *p, int fd, off_t start, char *ret_error) {
        char error[CAPTURE_FILE_ERROR_MAX];
        int again = dup(fd);
        int r = again < 0 ? -errno : capture_file_new(again, NULL, 0, &p->file, error);

        if (r < 0)
                return fail(p, r, again < 0 ? strerror(-r) : error, ret_error);
        while (read_packet(p, &p->packet))
                if (capture_kind_has_segment(p->packet.kind))
                        capture_hosts_see(p->hosts, &p->packet.segment, false);
        capture_hosts_conclude(p->hosts);
        p->file = capture_file_free(p->file);
        memset(&p->facts, 0, sizeof p->facts);
        return lseek(fd, start, SEEK_SET) < 0 ? fail(p, -errno, strerror(errno), ret_error) : 0;
}

static int make_parts(struct pcap_replay *p) {
        static const struct keyed_hash key = { { 0x452821e638d01377, 0xbe5466cf34e90c6c, 0xc0ac29b7c97c50dd,
                                                 0x3f84d5b5b5470917 } };
        struct kernel_model_settings k = kernel_model_defaults();
        int r;

        k.syncookies = p->options.syncookies;
        k.max_syn_backlog = p->options.max_syn_backlog;
        r = kernel_model_new(&k, &p->model);
        if (r == 0)
                r = source_table_new(&key, START_US, &p->sources);
        if (r == 0)
                r = capture_hosts_new(&p->options.given, &p->hosts);
        if (r == 0)
                r = ledger_new(&p->options.limits, &p->ledger);
        if (r == 0) {
                source_table_set_known(p->sources, true, true);
                source_table_set_resets_known(p->sources);
        }
        return r;
}

/* Takes fd over. */
static int prepare(struct pcap_replay *p, int fd, const void *before, size_t count, char *ret_error) {
        off_t start = lseek(fd, 0, SEEK_CUR);
        char error[CAPTURE_FILE_ERROR_MAX];
        struct stat st;
        int r = make_parts(p);

        if (r < 0) {
                close(fd);
                return fail(p, r, strerror(-r), ret_error);
        }
        p->live = start < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode);
        if (!p->live) {
                p->size = (uint64_t) st.st_size;
                r = find_hosts(p, fd, start, ret_error);
                if (r < 0) {
                        close(fd);
                        return r;
                }
        }
        r = add_listeners(p);
        if (r < 0) {
                close(fd);
                return fail(p, r, strerror(-r), ret_error);
        }
        p->facts.duration_s = -1;
        r = capture_file_new(fd, before, p->live ? count : 0, &p->file, error);
        if (r < 0)
                return fail(p, r, error, ret_error);
        if (p->live && p->options.realtime_us)
                capture_file_set_patience(p->file, PATIENCE_MS);
        return 0;
}

int pcap_replay_new(int fd, const char *name, const void *before, size_t count, const struct pcap_replay_options *o,
                    struct pcap_replay **ret, char ret_error[static PCAP_REPLAY_ERROR_MAX]) {
        struct pcap_replay *p = o->tick_us > 0 ? calloc(1, sizeof *p) : NULL;
        int r;

        if (!p) {
                close(fd);
                r = o->tick_us > 0 ? -ENOMEM : -EINVAL;
                snprintf(ret_error, PCAP_REPLAY_ERROR_MAX, "%.250s: %s", name, strerror(-r));
                return r;
        }
        snprintf(p->name, sizeof p->name, "%s", name);
        p->options = *o;
        r = prepare(p, fd, before, count, ret_error);
        if (r < 0) {
                pcap_replay_free(p);
                return r;
        }
        *ret = p;
        return 0;
}

struct pcap_replay *pcap_replay_free(struct pcap_replay *p) {
        if (p) {
                capture_file_free(p->file);
                kernel_model_free(p->model);
                source_table_free(p->sources);
                capture_hosts_free(p->hosts);
                ledger_free(p->ledger);
                free(p);
        }
        return NULL;
}

/* --- what is asked -------------------------------------------------------------------------- */

double pcap_replay_progress(const struct pcap_replay *p) {
        if (p->over)
                return 1;
        return p->size > 0 ? fmin(1, (double) capture_file_bytes(p->file) / (double) p->size) : NAN;
}

bool pcap_replay_is_live(const struct pcap_replay *p) {
        return p->live;
}

int pcap_replay_conclude(struct pcap_replay *p, struct capture_verdict *ret) {
        p->facts.bytes = capture_file_bytes(p->file);
        p->facts.duration_s = fmax(0, p->facts.duration_s);
        if (p->live) { /* by what is known now */
                capture_hosts_conclude(p->hosts);
                merge_services(p);
        }
        if ((double) p->facts.clock.paused_us / 1e6 > p->facts.duration_s / 2) {
                p->facts.pause_s = (double) p->facts.clock.paused_us / 1e6;
                p->facts.duration_s = fmax(0, p->facts.duration_s - p->facts.pause_s);
        }
        ledger_conclude(p->ledger, p->facts.clock.begun ? p->facts.clock.now_us : START_US);
        return capture_verdict_find(&p->facts, p->hosts, p->ledger, &p->options.limits, ret);
}

const struct capture_facts *pcap_replay_facts(const struct pcap_replay *p) {
        return &p->facts;
}

const struct capture_hosts *pcap_replay_hosts(const struct pcap_replay *p) {
        return p->hosts;
}

const struct ledger *pcap_replay_ledger(const struct pcap_replay *p) {
        return p->ledger;
}
