/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ctl/judge.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/ctl.h"

/* Nobody is named for less of what is unfinished. */
#define SHARE_NAMED 0.05
/* From here on addresses are forged: they are not seen twice. */
#define SEEN_ONCE_FORGED 0.8

bool judge_is_flood(const json_t *status) {
        const char *state = ctl_text(status, "state");

        return strcmp(state, "flood") == 0 ||
               (strcmp(state, "normal") != 0 && json_is_object(json_object_get(status, "incident")));
}

bool judge_refuses(const json_t *status) {
        return ctl_number(json_object_get(status, "host"), "queue_drops_per_s") >= 1;
}

static void add_cookies(const json_t *status, char *text, size_t size) {
        const json_t *c = json_object_get(status, "syncookies");
        double value = ctl_number(c, "value");
        const char *trouble = ctl_text(c, "trouble");
        bool dry = json_is_true(json_object_get(status, "dry_run"));

        if (json_is_true(json_object_get(c, "managed")))
                ctl_append(text, size, "tcp_syncookies set %.0f to %.0f by synward", ctl_number(c, "original"), value);
        else if (isnan(value))
                ctl_append(text, size, "tcp_syncookies is not known");
        else if (value >= 2)
                ctl_append(text, size, "tcp_syncookies is %.0f: every SYN is answered by cookie", value);
        else if (value >= 1)
                ctl_append(text, size, "tcp_syncookies is %.0f, as this host has it: a full queue answers by cookie",
                           value);
        else
                ctl_append(text, size, "tcp_syncookies is 0%s",
                           dry                                       ? " and stays, for synward only watches"
                           : strcmp(ctl_text(c, "mode"), "off") == 0 ? " and stays, for syncookies.mode is off"
                                                                     : ", until a queue fills");
        if (*trouble)
                ctl_append(text, size, " (%s)", trouble);
}

static void add_blocking(const json_t *status, char *text, size_t size) {
        const json_t *b = json_object_get(status, "block");
        double entries = ctl_number(b, "entries"), dropped = ctl_number(b, "dropped_syn_per_s");
        char figure[TERM_FIGURE_MAX], rate[64] = "";

        if (ctl_number(b, "limited") > 0)
                snprintf(rate, sizeof rate, " (%.0f limited to a rate)", ctl_number(b, "limited"));
        if (!json_is_true(json_object_get(b, "enabled")))
                ctl_append(text, size, "; blocking is off");
        else if (!(entries > 0))
                ctl_append(text, size, "; nobody is blocked");
        else
                ctl_append(text, size, "; %.0f blocked%s, %s SYN/s dropped", entries, rate,
                           term_short(dropped, figure));
}

char *judge_handled(const json_t *status, char *text, size_t size) {
        char figure[TERM_FIGURE_MAX];

        text[0] = '\0';
        if (judge_refuses(status))
                ctl_append(text, size, "%s SYN/s are refused; ",
                           term_short(ctl_number(json_object_get(status, "host"), "queue_drops_per_s"), figure));
        add_cookies(status, text, size);
        if (judge_is_flood(status))
                add_blocking(status, text, size);
        return text;
}

bool judge_probe_fails(const json_t *status) {
        const json_t *p = json_object_get(status, "probe");
        const char *last = ctl_text(p, "last");

        /* What cannot be tried has no part in the share, which is of those before, then, or of none. */
        return strcmp(last, "failed") == 0 ||
               (*last && strcmp(last, "connected") != 0 && ctl_number(p, "connected_share") <= 0);
}

char *judge_probe(const json_t *status, char *text, size_t size) {
        const json_t *p = json_object_get(status, "probe");
        const char *last = ctl_text(p, "last"), *why = ctl_text(p, "why");
        double ms = ctl_number(p, "last_ms"), share = ctl_number(p, "connected_share");
        char figure[TERM_FIGURE_MAX];

        snprintf(text, size, "%s", !*last ? "none has ended yet" : strcmp(last, "timed_out") == 0 ? "timed out" : last);
        if (strcmp(last, "connected") == 0)
                ctl_append(text, size, " in %s ms", term_figure(ms, ms < 10 ? 2 : 0, figure));
        if (!isnan(share))
                ctl_append(text, size, ", lately %s connected", term_percent(share, figure));
        if (*why)
                ctl_append(text, size, ": %s", why);
        return text;
}

static bool is_forged(const json_t *status) {
        const json_t *host = json_object_get(status, "host");

        return strcmp(ctl_text(status, "diagnosis"), "flood-spoofed") == 0 ||
               ctl_number(host, "seen_once_share") >= SEEN_ONCE_FORGED;
}

static struct judge_sender sender_of(const json_t *source) {
        double syns = ctl_number(source, "syn_per_s"), share = ctl_number(source, "share");
        double certain = share > 0 ? syns * fmax(0, 1 - ctl_number(source, "error") / share) : NAN;

        return (struct judge_sender) {
                .source = source,
                .certain_per_s = certain,
                .unfinished_per_s = certain * (1 - ctl_number(source, "completion_high")),
        };
}

static int heavier_first(const void *a, const void *b) {
        double x = ((const struct judge_sender *) a)->unfinished_per_s;
        double y = ((const struct judge_sender *) b)->unfinished_per_s;

        return (x < y) - (x > y);
}

size_t judge_senders(const json_t *status, const json_t *sources, const json_t *prefixes, struct judge_sender *list,
                     size_t max) {
        const json_t *const arrays[] = { json_object_get(sources, "sources"), json_object_get(prefixes, "sources") };
        double all = ctl_number(json_object_get(status, "host"), "unanswered_per_s");
        size_t count = 0, i;
        const json_t *s;

        if (!judge_is_flood(status) || is_forged(status))
                return 0;
        for (size_t k = 0; k < 2; k++)
                json_array_foreach(arrays[k], i, s) {
                        struct judge_sender sender = sender_of(s);

                        if (sender.unfinished_per_s >= fmax(1, SHARE_NAMED * all) && count < max)
                                list[count++] = sender;
                }
        qsort(list, count, sizeof *list, heavier_first);
        return count;
}

char *judge_nobody(const json_t *status, char *text, size_t size) {
        const json_t *host = json_object_get(status, "host");
        const json_t *log = json_object_get(json_object_get(status, "sensors"), "nflog");
        const char *state = ctl_text(log, "state");
        char n[TERM_FIGURE_MAX];
        double distinct = ctl_number(status, "sources_distinct_estimate");

        if (strcmp(state, "off") == 0 || strcmp(state, "failed") == 0)
                snprintf(text, size, "not known, for SYNs are not logged: %s", ctl_text(log, "reason"));
        else if (!judge_is_flood(status))
                snprintf(text, size, "nobody: there is no flood");
        else if (is_forged(status))
                snprintf(text, size,
                         "nobody can be named: the addresses are forged (about %s, each seen once); "
                         "to block them would hurt only their owners",
                         term_short(distinct, n));
        else
                snprintf(text, size,
                         "nobody stands out: about %s addresses, each sends little; "
                         "the heaviest certainly sends %s",
                         term_short(distinct, n),
                         term_percent(ctl_number(host, "top_share"), (char[TERM_FIGURE_MAX]) { 0 }));
        return text;
}
