/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "playback.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "core/engine.h"
#include "core/explain.h"
#include "format/event_json.h"
#include "format/time_text.h"
#include "look_log.h"
#include "loop.h"
#include "options.h"
#include "replay/compare.h"
#include "replay/source.h"
#include "replay/summary.h"
#include "util/json_text.h"
#include "util/log.h"
#include "util/printable.h"
#include "util/progress.h"

#define COMPARISON_JSON_SCHEMA "synward.comparison.v1"
#define SHOW_INTERVAL_US UINT64_C(100000)
/* Shorter recordings show no flood that is not overwhelming. */
#define RECORDING_SHORT_S 2.0

enum { FLOODS_TOLD = 16 };

struct flood {
        struct incident incident;
        double duration_s;
        bool over;
};

struct playback {
        const struct playback_options *options;
        struct replay_source *source;
        struct observation observation;
        struct progress progress;
        char error[REPLAY_ERROR_MAX];

        uint64_t begun_us, shown_us; /* of the clock on the wall */
        uint64_t first_us, last_us;  /* of the recording */
        uint64_t observations;
        double syns;
        uint64_t floods_count;       /* more than FLOODS_TOLD: the rest is only counted */
        struct flood floods[FLOODS_TOLD];
        uint64_t events, looks_of[DIAGNOSES]; /* of the first policy */
        bool cut;                    /* the recording is, `error` says where */
        bool compared;               /* by two policies: floods are not followed */
        struct replay_summary summary;
};

static int exit_status(int r) {
        return r >= 0 ? EXIT_STATUS_OK : r == -EINVAL ? EXIT_STATUS_USAGE : EXIT_STATUS_FAILURE;
}

static uint64_t realtime_us(void) {
        return loop_time_now().realtime_us;
}

/* Of signals that are held back: Ctrl-C ends a capture that comes through a pipe, not its verdict. */
static bool is_stopped(void) {
        sigset_t set;

        return sigpending(&set) == 0 && (sigismember(&set, SIGINT) == 1 || sigismember(&set, SIGTERM) == 1);
}

static void hold_signals(const struct playback *p) {
        struct pcap_replay *capture = replay_source_capture(p->source);
        sigset_t set;

        if (!capture || !pcap_replay_is_live(capture))
                return;
        sigemptyset(&set);
        sigaddset(&set, SIGINT);
        sigaddset(&set, SIGTERM);
        sigprocmask(SIG_BLOCK, &set, NULL);
}

static int playback_open(struct playback *p, const struct playback_options *o, const struct settings *settings) {
        struct pcap_replay_options model = o->model;
        int r;

        memset(p, 0, sizeof *p);
        p->options = o;
        p->begun_us = loop_time_now().now_us;
        if (!log_wants(LOG_DEBUG)) /* else the log is shown there */
                p->progress = progress_open(stderr);
        model.tick_us = settings->poll.fast_interval_us;
        progress_show(&p->progress, "looking for listeners in %s", o->path);
        model.limits = (struct ledger_limits) {
                .rate_per_s = settings->detect.unanswered_per_s,
                .share = settings->detect.unanswered_share_permille / 1000.0,
        };
        model.realtime_us = realtime_us;
        model.stopped = is_stopped;
        r = replay_source_open(o->path, &model, o->model_given, &p->source, p->error);
        progress_clear(&p->progress);
        if (r >= 0)
                hold_signals(p);
        return r;
}

static void show(struct playback *p) {
        uint64_t now_us = loop_time_now().now_us;
        double share, wall_s = (double) (now_us - p->begun_us) / 1e6;
        double played_s = (double) (p->last_us - p->first_us) / 1e6;
        char time[TIME_TEXT_MAX], part[16] = "";

        if (!p->progress.file || now_us - p->shown_us < SHOW_INTERVAL_US)
                return;
        p->shown_us = now_us;
        share = replay_source_progress(p->source);
        if (!isnan(share))
                snprintf(part, sizeof part, "%3.0f %%  ", 100 * share);
        progress_show(&p->progress, "%s%s  %.0f s played in %.1f s, %.0f times as fast", part,
                      time_text_format(p->observation.realtime_us, time), played_s, wall_s,
                      wall_s > 0 ? played_s / wall_s : 0);
}

/* The incident is in the decision up to and including the step that ends it. */
static void follow_flood(struct playback *p, const struct decision *d) {
        struct flood *f;

        if (!d->incident.id)
                return;
        if (p->floods_count == 0 || p->floods[(p->floods_count - 1) % FLOODS_TOLD].over)
                p->floods[p->floods_count++ % FLOODS_TOLD].over = false;
        f = &p->floods[(p->floods_count - 1) % FLOODS_TOLD];
        f->incident = d->incident;
        f->duration_s = (double) (p->last_us - d->incident.start_us) / 1e6;
        f->over = d->state == STATE_NORMAL;
}

/* What was read of a recording before the line that is none is worth its verdict. */
static bool is_cut(const struct playback *p, int r) {
        return (r == -EBADMSG || r == -EFBIG) && p->observations > 0 && !replay_source_capture(p->source);
}

/* 1: one more, 0: the end. */
static int next(struct playback *p) {
        int r = replay_source_next(p->source, &p->observation, p->error);

        if (is_cut(p, r)) {
                p->cut = true;
                return 0;
        }
        if (r <= 0)
                return r;
        if (p->observations++ == 0) {
                p->first_us = p->observation.time_us;
                p->summary.begin_us = p->observation.realtime_us;
        }
        p->last_us = p->observation.time_us;
        p->summary.end_us = p->observation.realtime_us;
        if (observation_knows(&p->observation, OBS_SYNS))
                p->syns += (double) p->observation.counters[OBS_SYNS];
        if (observation_knows(&p->observation, OBS_PASSIVE_OPENS))
                p->summary.finished += (double) p->observation.counters[OBS_PASSIVE_OPENS];
        show(p);
        return 1;
}

/* --- the summary ----------------------------------------------------------------- */

static void tell_flood(const struct flood *f) {
        const struct incident *n = &f->incident;
        char name[ADDRESS_TEXT_MAX], peak[32], begin[TIME_TEXT_MAX];

        fprintf(stderr, "  %s  %s%s%s, %.1f s%s, peak %s SYN/s\n", time_text_format(n->start_realtime_us, begin),
                explain_diagnosis(n->diagnosis), n->has_listener ? " at " : "",
                n->has_listener ? listener_key_format(&n->listener, name) : "", f->duration_s,
                f->over ? "" : " and not over at the end", explain_count(n->peak_syn_per_s, peak));
}

static void tell_source(const struct playback *p) {
        double wall_s = (double) (loop_time_now().now_us - p->begun_us) / 1e6;
        double played_s = (double) (p->last_us - p->first_us) / 1e6;
        char syns[32], n[32];

        fprintf(stderr, "%s: %.1f s in %s looks, played in %.2f s", replay_source_name(p->source), played_s,
                explain_count((double) p->observations, n), wall_s);
        if (p->syns > 0)
                fprintf(stderr, "; %s SYNs", explain_count(p->syns, syns));
        fputs("\n", stderr);
        if (replay_source_capture(p->source))
                fprintf(stderr, "  the kernel's part by a model: backlog %u, tcp_syncookies %u\n",
                        p->options->model.backlog, p->options->model.syncookies);
}

/* Of a recording nothing is known but what the detector made of it. */
static void judge_recording(struct playback *p) {
        struct capture_verdict *v = &p->summary.verdict;
        double played_s = (double) (p->last_us - p->first_us) / 1e6;
        enum diagnosis most = DIAGNOSIS_UNKNOWN;
        uint64_t last = p->floods_count ? (p->floods_count - 1) % FLOODS_TOLD : 0;

        *v = (struct capture_verdict) { .service = CAPTURE_NO_SERVICE };
        for (unsigned d = 0; d < DIAGNOSES; d++)
                if (p->looks_of[d] > p->looks_of[most] && !diagnosis_is_flood((enum diagnosis) d))
                        most = (enum diagnosis) d;
        v->outcome = p->floods_count                ? OUTCOME_FLOOD
                     : played_s < RECORDING_SHORT_S ? OUTCOME_CANNOT_TELL
                                                    : OUTCOME_NO_FLOOD;
        v->diagnosis = p->floods_count ? p->floods[last].incident.diagnosis : most;
        v->situation = p->floods_count ? "flood" : v->outcome == OUTCOME_NO_FLOOD ? "honest" : "too-short";
        if (p->floods_count == 1)
                snprintf(v->text, sizeof v->text, "%s", explain_diagnosis(v->diagnosis));
        else if (p->floods_count)
                snprintf(v->text, sizeof v->text, "%llu floods, the last of them %s",
                         (unsigned long long) p->floods_count, explain_diagnosis(v->diagnosis));
        else if (v->outcome == OUTCOME_NO_FLOOD)
                snprintf(v->text, sizeof v->text, "no flood in %.1f s; mostly %s", played_s, diagnosis_name(most));
        else
                snprintf(v->text, sizeof v->text, "too short to tell: %.1f s", played_s);
        if (p->cut)
                capture_verdict_note(v, "cut", 0, true, "%.200s", p->error);
}

static int judge(struct playback *p) {
        struct pcap_replay *capture = replay_source_capture(p->source);
        int r = 0;

        p->summary.file = p->options->path;
        p->summary.capture = capture;
        p->summary.observations = p->observations;
        p->summary.events = p->events;
        p->summary.incidents = p->floods_count;
        p->summary.syns = p->syns;
        if (capture) {
                p->summary.begin_us = pcap_replay_facts(capture)->clock.earliest_us;
                p->summary.end_us = pcap_replay_facts(capture)->clock.latest_us;
        }
        if (capture)
                r = pcap_replay_conclude(capture, &p->summary.verdict);
        else
                judge_recording(p);
        if (r >= 0 && capture && p->floods_count && p->summary.verdict.outcome != OUTCOME_FLOOD)
                capture_verdict_note(&p->summary.verdict, "detector", 0, false,
                                     "the detector, which is shown only what a kernel reports, told %llu flood%s; "
                                     "the packets %s",
                                     (unsigned long long) p->floods_count, p->floods_count == 1 ? "" : "s",
                                     p->summary.verdict.outcome == OUTCOME_NO_FLOOD ? "say otherwise"
                                                                                    : "cannot show that");
        if (r >= 0 && capture && !p->compared && !p->floods_count && p->summary.verdict.outcome == OUTCOME_FLOOD)
                capture_verdict_note(&p->summary.verdict, "detector", 0, false,
                                     "the detector told none: too short for it, or too little for a queue of %u",
                                     p->options->model.backlog);
        if (r < 0)
                snprintf(p->error, sizeof p->error, "%s", strerror(-r));
        return r;
}

static void tell_floods(const struct playback *p) {
        uint64_t first = p->floods_count > FLOODS_TOLD ? p->floods_count - FLOODS_TOLD : 0;
        char n[32];

        if (p->floods_count)
                fputs("  told by the detector:\n", stderr);
        if (first > 0)
                fprintf(stderr, "  %s floods, the last of them:\n", explain_count((double) p->floods_count, n));
        for (uint64_t i = first; i < p->floods_count; i++)
                tell_flood(&p->floods[i % FLOODS_TOLD]);
}

/* --- one policy -------------------------------------------------------------------- */

static int print_line(struct playback *p, char *line) {
        int r = 0;

        progress_clear(&p->progress);
        if (!line)
                r = -ENOMEM;
        else if (fputs(line, stdout) == EOF || fflush(stdout) == EOF) /* a capture may be live */
                r = -errno;
        if (r < 0)
                snprintf(p->error, sizeof p->error, "cannot print: %s", strerror(-r));
        free(line);
        return r;
}

static int play(struct playback *p, const struct settings *settings) {
        struct engine *engine = engine_new(settings);
        int r;

        if (!engine) {
                snprintf(p->error, sizeof p->error, "%s", strerror(ENOMEM));
                return -ENOMEM;
        }
        while ((r = next(p)) > 0) {
                const struct engine_look *look = engine_step(engine, &p->observation);
                const struct decision *d = &look->decision;

                look_log(look, true);
                follow_flood(p, d);
                p->looks_of[d->diagnosis]++;
                p->events += d->events_count;
                for (uint32_t i = 0; r >= 0 && i < d->events_count; i++)
                        r = print_line(p, event_json_line(&d->events[i].event));
                if (r < 0)
                        break;
        }
        engine_free(engine);
        return r;
}

static int finish(struct playback *p, int r) {
        progress_clear(&p->progress);
        if (r >= 0 && fflush(stdout) == EOF) {
                r = -errno;
                snprintf(p->error, sizeof p->error, "cannot print: %s", strerror(-r));
        }
        if (r < 0)
                fprintf(stderr, "synwardd: %s\n", printable(p->error)); /* it may quote the file */
        return r;
}

static int played_status(const struct playback *p) {
        return p->cut || replay_summary_has_loss(&p->summary) ? EXIT_STATUS_PARTLY : EXIT_STATUS_OK;
}

int playback_run(const struct playback_options *o, const struct settings *settings) {
        struct playback *p = malloc(sizeof *p);
        int r, status;

        if (!p) {
                fprintf(stderr, "synwardd: %s\n", strerror(ENOMEM));
                return EXIT_STATUS_FAILURE;
        }
        r = playback_open(p, o, settings);
        if (r >= 0)
                r = play(p, settings);
        if (r >= 0)
                r = judge(p);
        if (r >= 0)
                r = print_line(p, replay_summary_line(&p->summary));
        r = finish(p, r);
        if (r >= 0) {
                tell_source(p);
                replay_summary_tell(&p->summary, stderr);
                tell_floods(p);
        }
        status = r >= 0 ? played_status(p) : exit_status(r);
        replay_source_free(p->source);
        free(p);
        return status;
}

/* --- two policies -------------------------------------------------------------------- */

struct comparison {
        struct playback playback;
        uint64_t intervals, events[COMPARE_SIDES];
        double host_s; /* in which they differ about the host */
        int r;         /* of printing */
};

static const char side_letters[COMPARE_SIDES] = { 'A', 'B' };
static const char *const side_names[COMPARE_SIDES] = { "first", "second" };

static void print_json(struct comparison *c, json_t *json) {
        char *line = json_text_write(json, JSON_COMPACT | JSON_REAL_PRECISION(15), "");
        int r = print_line(&c->playback, line);

        json_decref(json);
        if (r >= 0)
                fputc('\n', stdout);
        else
                c->r = r;
}

static json_t *view_json(const struct compare_view *v, bool host) {
        json_t *json = json_pack("{s:s, s:s}", "state", flood_state_name(v->state), "diagnosis",
                                 diagnosis_name(v->diagnosis));

        if (json && host) {
                json_object_set_new(json, "want_syncookies", json_boolean(v->want_syncookies));
                json_object_set_new(json, "want_block", json_boolean(v->want_block));
        }
        return json;
}

static char *view_text(const struct compare_view *v, char text[static 96]) {
        snprintf(text, 96, "%s %s%s%s", flood_state_name(v->state), diagnosis_name(v->diagnosis),
                 v->want_syncookies ? " +syncookies" : "", v->want_block ? " +block" : "");
        return text;
}

static void on_interval(void *userdata, const struct compare_interval *i) {
        struct comparison *c = userdata;
        char from[TIME_TEXT_MAX], until[TIME_TEXT_MAX], name[ADDRESS_TEXT_MAX] = "host";
        char first[96], second[96];

        c->intervals++;
        if (i->has_listener)
                listener_key_format(&i->listener, name);
        else
                c->host_s += i->duration_s;
        time_text_format(i->from_realtime_us, from);
        if (c->playback.options->json) {
                print_json(c, json_pack("{s:s, s:s, s:s, s:s, s:s, s:f, s:o, s:o}", "schema",
                                        COMPARISON_JSON_SCHEMA, "kind", "interval", "subject", name,
                                        "from", from, "until",
                                        time_text_format(i->until_realtime_us, until), "duration_s",
                                        i->duration_s, "first",
                                        view_json(&i->views[COMPARE_FIRST], !i->has_listener), "second",
                                        view_json(&i->views[COMPARE_SECOND], !i->has_listener)));
                return;
        }
        progress_clear(&c->playback.progress);
        printf("%s  %8.1f s  %-22s A: %-32s B: %s\n", from, i->duration_s, name,
               view_text(&i->views[COMPARE_FIRST], first), view_text(&i->views[COMPARE_SECOND], second));
}

static void on_event(void *userdata, unsigned side, const struct event *e, bool in_both) {
        struct comparison *c = userdata;
        char when[TIME_TEXT_MAX];

        c->events[side]++;
        if (c->playback.options->json) {
                print_json(c, json_pack("{s:s, s:s, s:s, s:o}", "schema", COMPARISON_JSON_SCHEMA, "kind",
                                        "event", in_both ? "alerted_only_in" : "only_in",
                                        side_names[side], "event", event_json(e)));
                return;
        }
        progress_clear(&c->playback.progress);
        printf("%s  only %s %c: %s: %s\n", time_text_format(e->realtime_us, when), in_both ? "alerted by" : "in",
               side_letters[side], event_type_name(e->type), e->message);
}

static const struct compare_ops compare_ops = { .interval = on_interval, .event = on_event };

static int play_both(struct comparison *c, const struct settings *const settings[COMPARE_SIDES]) {
        struct engine *engines[COMPARE_SIDES] = { engine_new(settings[0]), engine_new(settings[1]) };
        struct compare *compare = compare_new(&compare_ops, c);
        const struct engine_look *looks[COMPARE_SIDES];
        int r = engines[0] && engines[1] && compare ? 1 : -ENOMEM;

        if (r < 0)
                snprintf(c->playback.error, sizeof c->playback.error, "%s", strerror(-r));
        while (r > 0 && (r = next(&c->playback)) > 0) {
                for (unsigned i = 0; i < COMPARE_SIDES; i++)
                        looks[i] = engine_step(engines[i], &c->playback.observation);
                compare_step(compare, &c->playback.observation, looks);
                if (c->r < 0)
                        r = c->r;
        }
        if (r == 0)
                compare_end(compare);
        compare_free(compare);
        engine_free(engines[0]);
        engine_free(engines[1]);
        return r < 0 ? r : c->r;
}

static bool same(const struct comparison *c) {
        return c->intervals == 0 && c->events[COMPARE_FIRST] == 0 && c->events[COMPARE_SECOND] == 0;
}

static void conclude(struct comparison *c) {
        const struct playback_options *o = c->playback.options;

        if (o->json) {
                print_json(c,
                           json_pack("{s:s, s:s, s:b, s:s, s:s, s:I, s:I, s:f, s:I, s:I}", "schema",
                                        COMPARISON_JSON_SCHEMA, "kind", "summary", "same", same(c),
                                        "first", o->names[COMPARE_FIRST], "second",
                                        o->names[COMPARE_SECOND], "observations",
                                        (json_int_t) c->playback.observations, "intervals",
                                        (json_int_t) c->intervals, "host_differs_s", c->host_s,
                                        "events_first", (json_int_t) c->events[COMPARE_FIRST],
                                        "events_second", (json_int_t) c->events[COMPARE_SECOND]));
                return;
        }
        progress_clear(&c->playback.progress);
        if (same(c))
                printf("No difference between A (%s) and B (%s)\n", o->names[0], o->names[1]);
        else
                printf("A: %s\nB: %s\n%.1f s in which they differ about the host; "
                       "%llu events only in A, %llu only in B\n",
                       o->names[0], o->names[1], c->host_s, (unsigned long long) c->events[0],
                       (unsigned long long) c->events[1]);
}

int playback_compare(const struct playback_options *o, const struct settings *first, const struct settings *second) {
        const struct settings *const settings[COMPARE_SIDES] = { first, second };
        struct comparison *c = calloc(1, sizeof *c);
        int r, status;

        if (!c) {
                fprintf(stderr, "synwardd: %s\n", strerror(ENOMEM));
                return EXIT_STATUS_FAILURE;
        }
        r = playback_open(&c->playback, o, first);
        c->playback.compared = true;
        if (r >= 0)
                r = play_both(c, settings);
        if (r >= 0) {
                conclude(c);
                r = c->r;
        }
        if (r >= 0 && replay_source_capture(c->playback.source))
                r = judge(&c->playback);
        r = finish(&c->playback, r);
        if (r >= 0)
                tell_source(&c->playback);
        if (r >= 0 && c->playback.cut)
                fprintf(stderr, "synwardd: %s\n", printable(c->playback.error));
        else if (r >= 0 && replay_source_capture(c->playback.source))
                replay_summary_tell(&c->playback.summary, stderr);
        status = r < 0 ? exit_status(r) : !same(c) ? EXIT_STATUS_DIFFERENT : played_status(&c->playback);
        replay_source_free(c->playback.source);
        free(c);
        return status;
}
