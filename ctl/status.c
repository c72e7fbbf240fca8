/* SPDX-License-Identifier: GPL-2.0-or-later */
/* synwardctl status */
#include "config.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/ctl.h"
#include "ctl/judge.h"
#include "ctl/worst.h"

static void label(const struct ctl *ctl, const char *text) {
        printf("  ");
        term_put(&ctl->term, PAINT_DIM, text);
        printf("%*s", strlen(text) < 15 ? (int) (15 - strlen(text)) : 0, "");
}

static void print_state(const struct ctl *ctl, const json_t *s) {
        const char *state = ctl_text(s, "state");
        const json_t *reason;
        char age[TERM_FIGURE_MAX];
        size_t i;

        term_put(&ctl->term, PAINT_BOLD, "synward");
        printf("  ");
        term_put(&ctl->term, term_state_paint(state), state);
        printf(", ");
        term_put(&ctl->term, PAINT_NONE, ctl_text(s, "diagnosis"));
        printf(", for %s%s\n", term_age(ctl_text(s, "since"), ctl_text(s, "time"), age),
               json_is_true(json_object_get(s, "dry_run")) ? " (dry run)" : "");
        json_array_foreach(json_object_get(s, "reasons"), i, reason) {
                /* The host's figures stand below. */
                if (strncmp(ctl_string(reason), "the whole host: ", strlen("the whole host: ")) == 0)
                        continue;
                printf("  ");
                term_put(&ctl->term, PAINT_NONE, ctl_string(reason));
                putchar('\n');
        }
        putchar('\n');
}

static void print_host(const struct ctl *ctl, const json_t *host) {
        char a[TERM_FIGURE_MAX], b[TERM_FIGURE_MAX], c[TERM_FIGURE_MAX];

        printf("  the whole host\n");
        label(ctl, "half-open");
        printf("%s, %s of them aged\n", term_figure(ctl_number(host, "half_open"), 0, a),
               term_figure(ctl_number(host, "half_open_aged"), 0, b));
        label(ctl, "SYNs");
        printf("%s/s\n", term_figure(ctl_number(host, "syn_per_s"), 1, a));
        label(ctl, "completion");
        printf("%s, %s/s finished, %s/s unfinished\n", term_percent(ctl_number(host, "completion_ratio"), a),
               term_figure(ctl_number(host, "completed_per_s"), 1, b),
               term_figure(ctl_number(host, "unanswered_per_s"), 1, c));
        label(ctl, "cookies");
        printf("%s/s sent, %s/s came back\n", term_figure(ctl_number(host, "cookies_sent_per_s"), 1, a),
               term_figure(ctl_number(host, "cookies_received_per_s"), 1, b));
        label(ctl, "refused");
        printf("%s/s queue full, %s/s accept queue full\n", term_figure(ctl_number(host, "queue_drops_per_s"), 1, a),
               term_figure(ctl_number(host, "accept_overflows_per_s"), 1, b));
}

/* "in 0.05 ms", "timed out", "failed: why". */
static void print_probe(const struct ctl *ctl, const json_t *p) {
        const char *last = ctl_text(p, "last");
        bool good = strcmp(last, "connected") == 0;
        char ms[TERM_FIGURE_MAX], share[TERM_FIGURE_MAX], slowest[TERM_FIGURE_MAX];

        if (!json_is_object(p))
                return;
        label(ctl, "probe");
        term_put(&ctl->term,
                 good    ? PAINT_GOOD
                 : *last ? PAINT_WARN
                         : PAINT_NONE,
                 !*last                           ? "none has ended yet"
                 : strcmp(last, "timed_out") == 0 ? "timed out"
                                                  : last);
        if (good)
                printf(" in %s ms", term_figure(ctl_number(p, "last_ms"), 2, ms));
        if (isfinite(ctl_number(p, "connected_share")))
                printf("; lately %s connected", term_percent(ctl_number(p, "connected_share"), share));
        if (isfinite(ctl_number(p, "slowest_ms")))
                printf(", the slowest in %s ms", term_figure(ctl_number(p, "slowest_ms"), 2, slowest));
        term_say(stdout, "; %s every %s ms\n", ctl_text(p, "listener"),
                 term_figure(ctl_number(p, "interval_ms"), 0, ms));
        if (*ctl_text(p, "why")) {
                label(ctl, "");
                term_put(&ctl->term, PAINT_WARN, ctl_text(p, "why"));
                putchar('\n');
        }
}

/* Nothing where too few came to say. */
static void print_known(const struct ctl *ctl, const json_t *host) {
        char share[TERM_FIGURE_MAX];

        if (!isfinite(ctl_number(host, "known_finished_share")))
                return;
        label(ctl, "known clients");
        printf("%s finished at their first SYN\n", term_percent(ctl_number(host, "known_finished_share"), share));
}

static void print_syncookies(const struct ctl *ctl, const json_t *c) {
        char value[TERM_FIGURE_MAX], original[TERM_FIGURE_MAX];

        label(ctl, "tcp_syncookies");
        term_figure(ctl_number(c, "value"), 0, value);
        if (json_is_true(json_object_get(c, "managed")))
                printf("%s (set by synward; was %s)\n", value, term_figure(ctl_number(c, "original"), 0, original));
        else
                term_say(stdout, "%s (not changed by synward; mode %s)\n", value, ctl_text(c, "mode"));
        if (*ctl_text(c, "trouble")) {
                label(ctl, "");
                term_put(&ctl->term, PAINT_WARN, ctl_text(c, "trouble"));
                putchar('\n');
        }
}

/* Nothing where nothing is ever blocked. */
static void print_block(const struct ctl *ctl, const json_t *b) {
        char entries[TERM_FIGURE_MAX], rate[TERM_FIGURE_MAX], total[TERM_FIGURE_MAX], limited[64] = "";

        if (!json_is_true(json_object_get(b, "enabled")) && !(ctl_number(b, "entries") > 0))
                return;
        label(ctl, "blocked");
        if (ctl_number(b, "limited") > 0)
                snprintf(limited, sizeof limited, " (%.0f limited to a rate)", ctl_number(b, "limited"));
        printf("%s %s%s, %s SYN/s dropped, %s SYNs since the start\n",
               term_figure(ctl_number(b, "entries"), 0, entries),
               ctl_number(b, "entries") > 1 || ctl_number(b, "entries") < 1 ? "sources" : "source", limited,
               term_figure(ctl_number(b, "dropped_syn_per_s"), 1, rate),
               term_figure(ctl_number(b, "dropped_syns"), 0, total));
}

static void print_incident(const struct ctl *ctl, const json_t *s) {
        const json_t *i = json_object_get(s, "incident");
        char age[TERM_FIGURE_MAX], peak[TERM_FIGURE_MAX];

        if (!json_is_object(i))
                return;
        label(ctl, "incident");
        term_say(stdout, "%.0f, %s, for %s, peak %s SYN/s%s%s\n", ctl_number(i, "id"), ctl_text(i, "diagnosis"),
                 term_age(ctl_text(i, "start"), ctl_text(s, "time"), age),
                 term_figure(ctl_number(i, "peak_syn_per_s"), 0, peak), *ctl_text(i, "listener") ? ", at " : "",
                 ctl_text(i, "listener"));
}

static void print_worst(const struct ctl *ctl, const json_t *listeners) {
        const json_t **sorted = worst_sort(listeners, WORST_FIRST);

        for (size_t i = 0; sorted && i < json_array_size(listeners); i++) {
                const json_t *l = sorted[i];
                const char *state = ctl_text(l, "state");
                char fill[TERM_FIGURE_MAX], bar[TERM_BAR_MAX], name[TERM_LISTENER_MAX];

                if (strcmp(state, "normal") == 0)
                        break;
                label(ctl, "listener");
                term_say(stdout, "%s ",
                         term_listener(ctl_text(l, "address"), ctl_number(l, "port"), name, sizeof name));
                term_put(&ctl->term, term_state_paint(state), state);
                printf(" %s full %s\n", term_percent(ctl_number(l, "fill"), fill),
                       term_bar(&ctl->term, ctl_number(l, "fill"), 20, bar));
        }
        free(sorted);
        label(ctl, "listeners");
        printf("%zu\n", json_array_size(listeners));
}

static void print_sensors(const struct ctl *ctl, json_t *sensors) {
        const char *name;
        json_t *s;

        json_object_foreach(sensors, name, s) {
                const char *state = ctl_text(s, "state");
                bool ok = strcmp(state, "ok") == 0;
                double interval_ms = ctl_number(s, "interval_ms");
                char a[TERM_FIGURE_MAX], b[TERM_FIGURE_MAX];

                label(ctl, name);
                term_put(&ctl->term, ok ? PAINT_GOOD : strcmp(state, "off") == 0 ? PAINT_DIM : PAINT_WARN, state);
                if (!ok) {
                        printf(": ");
                        term_put(&ctl->term, PAINT_NONE, ctl_text(s, "reason"));
                }
                if (isfinite(interval_ms))
                        printf(", every %s ms, last took %s us", term_figure(interval_ms, 0, a),
                               term_figure(ctl_number(s, "last_us"), 0, b));
                if (strcmp(state, "off") != 0 && json_object_get(s, "received"))
                        printf(", %s SYNs read, %s lost, 1 in %.0f", term_figure(ctl_number(s, "received"), 0, a),
                               term_figure(ctl_number(s, "lost"), 0, b), fmax(1, ctl_number(s, "sample_one_in")));
                putchar('\n');
        }
}

/* What accounts for unfinished handshakes. */
static void print_explained(const struct ctl *ctl, const json_t *host) {
        const json_t *list = json_object_get(host, "explained"), *e;
        size_t i;

        if (json_array_size(list) == 0)
                return;
        label(ctl, "explained");
        json_array_foreach(list, i, e) {
                char figure[TERM_FIGURE_MAX];

                printf("%s%s/s by ", i ? ", " : "", term_short(ctl_number(e, "per_s"), figure));
                term_put(&ctl->term, PAINT_NONE, ctl_text(e, "name"));
        }
        putchar('\n');
}

static void print_handled(const struct ctl *ctl, const json_t *s) {
        char text[512];

        if (!judge_is_flood(s))
                return;
        label(ctl, "handled");
        term_put(&ctl->term, judge_refuses(s) ? PAINT_BAD : PAINT_GOOD, judge_refuses(s) ? "no: " : "");
        term_put(&ctl->term, PAINT_NONE, judge_handled(s, text, sizeof text));
        putchar('\n');
}

static void print_status(const struct ctl *ctl, const json_t *s) {
        char tracked[TERM_FIGURE_MAX], distinct[TERM_FIGURE_MAX], up[TERM_FIGURE_MAX];

        print_state(ctl, s);
        print_incident(ctl, s);
        print_handled(ctl, s);
        print_worst(ctl, json_object_get(s, "listeners"));
        print_host(ctl, json_object_get(s, "host"));
        print_explained(ctl, json_object_get(s, "host"));
        print_known(ctl, json_object_get(s, "host"));
        print_probe(ctl, json_object_get(s, "probe"));
        label(ctl, "sources");
        printf("%s, %s tracked\n", term_figure(ctl_number(s, "sources_distinct_estimate"), 0, distinct),
               term_figure(ctl_number(s, "sources_tracked"), 0, tracked));
        print_syncookies(ctl, json_object_get(s, "syncookies"));
        print_block(ctl, json_object_get(s, "block"));
        print_sensors(ctl, json_object_get(s, "sensors"));
        label(ctl, "daemon");
        term_say(stdout, "synwardd %s, process %.0f, up %s\n", ctl_text(s, "version"), ctl_number(s, "pid"),
                 term_duration(ctl_number(s, "uptime_s"), up));
}

int command_status(struct ctl *ctl, int argc, char **argv) {
        return ctl_show(ctl, argc, argv, "io.synward.GetStatus", CLIENT_TIMEOUT_MS, print_status);
}
