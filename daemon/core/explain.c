/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/explain.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char *const phrases[DIAGNOSES] = {
        [DIAGNOSIS_UNKNOWN] = "not clear what it is",
        [DIAGNOSIS_QUIET] = "little traffic",
        [DIAGNOSIS_BUSY] = "much traffic, handshakes complete",
        [DIAGNOSIS_FLASH_CROWD] = "a crowd of real clients: far more than usual, handshakes complete",
        [DIAGNOSIS_ACCEPT_STALL] = "the application does not accept its connections fast enough",
        [DIAGNOSIS_PORT_SCAN] = "a scan of ports without a listener",
        [DIAGNOSIS_LOSSY_CLIENTS] = "real clients whose packets are lost on the way",
        [DIAGNOSIS_FLOOD_SPOOFED] = "a SYN flood from spoofed addresses",
        [DIAGNOSIS_FLOOD_DISTRIBUTED] = "a SYN flood from many sources that keep coming",
        [DIAGNOSIS_FLOOD_CONCENTRATED] = "a SYN flood from a few sources or one network",
        [DIAGNOSIS_FLOOD_REFLECTED] = "our SYN-ACKs are aimed at a victim (SYN reflection)",
};

struct sentence {
        char *text;
        size_t size, used;
        const char *separator; /* before the next part */
};

__attribute__((format(printf, 2, 3))) static void say(struct sentence *s, const char *format, ...) {
        va_list args;
        int n;

        n = snprintf(s->text + s->used, s->size - s->used, "%s", s->separator);
        s->used += (size_t) n < s->size - s->used ? (size_t) n : s->size - s->used - 1;
        va_start(args, format);
        n = vsnprintf(s->text + s->used, s->size - s->used, format, args);
        va_end(args);
        s->used += (size_t) n < s->size - s->used ? (size_t) n : s->size - s->used - 1;
        s->separator = ", ";
}

static void next_clause(struct sentence *s) {
        if (s->used)
                s->separator = "; ";
}

const char *explain_diagnosis(enum diagnosis d) {
        return phrases[d];
}

char *explain_count(double count, char text[static 32]) {
        if (count < 10 && count != floor(count))
                snprintf(text, 32, "%.1f", count);
        else if (count < 999.5)
                snprintf(text, 32, "%.0f", count);
        else if (count < 999999.5) {
                unsigned whole = (unsigned) lround(count);

                snprintf(text, 32, "%u,%03u", whole / 1000, whole % 1000);
        } else
                snprintf(text, 32, "%.1f M", count / 1e6);
        return text;
}

static void say_queue(struct sentence *s, const struct evidence *e, const struct listener_key *listener) {
        char half_open[32], backlog[32], where[ADDRESS_TEXT_MAX + 8] = "", name[ADDRESS_TEXT_MAX];

        if (isnan(e->half_open))
                return;
        if (listener)
                snprintf(where, sizeof where, " at %s", listener_key_format(listener, name));
        explain_count(e->half_open, half_open);
        if (listener && !isnan(e->backlog))
                say(s, "half-open %s of %s%s", half_open, explain_count(e->backlog, backlog), where);
        else
                say(s, "half-open %s%s", half_open, where);
        if (e->half_open >= 1 && !isnan(e->half_open_aged))
                say(s, "%.0f %% aged", 100 * fmin(1, e->half_open_aged / e->half_open));
        if (e->accept_queue >= 1)
                say(s, "%s wait for accept", explain_count(e->accept_queue, half_open));
}

static void say_rates(struct sentence *s, const struct evidence *e) {
        char n[32];

        if (!isnan(e->syn_per_s))
                say(s, "%s SYN/s", explain_count(e->syn_per_s, n));
        if (!isnan(e->unanswered_share))
                say(s, "%.0f %% complete", 100 * (1 - e->unanswered_share));
        if (e->unanswered_per_s >= 1)
                say(s, "%s/s unfinished", explain_count(round(e->unanswered_per_s), n));
        if (e->cookies_sent_per_s >= 1)
                say(s, "%s cookies/s sent", explain_count(e->cookies_sent_per_s, n));
        if (e->queue_drops_per_s >= 1)
                say(s, "%s/s refused for a full queue", explain_count(e->queue_drops_per_s, n));
        if (e->accept_overflows_per_s >= 1)
                say(s, "%s/s refused for a full accept queue", explain_count(e->accept_overflows_per_s, n));
        if (e->embryonic_rsts_per_s >= 1)
                say(s, "%s/s of our SYN-ACKs answered by RST", explain_count(e->embryonic_rsts_per_s, n));
}

/* Noise is always there: it is no news. */
static void say_explained(struct sentence *s, const struct evidence *e) {
        char n[32];

        for (unsigned i = 0; i < EXPLANATIONS; i++)
                if (i != EXPLAINED_NOISE && e->explained_per_s[i] >= 1)
                        say(s, "%s/s explained by %s", explain_count(round(e->explained_per_s[i]), n),
                            explanation_name((enum explanation) i));
}

static void say_strays(struct sentence *s, const struct evidence *e) {
        char n[32];

        if (e->stray_share >= 0.1 && e->stray_ports >= 2)
                say(s, "%.0f %% of the SYNs to %s ports without a listener", 100 * e->stray_share,
                    explain_count(e->stray_ports, n));
}

/* A few are dropped everywhere. */
static void say_elsewhere(struct sentence *s, const struct evidence *e) {
        char n[32];

        if (e->dropped_before_per_s >= 10)
                say(s, "%s SYN/s never reach a listener: dropped before TCP",
                    explain_count(round(e->dropped_before_per_s), n));
        if (e->forwarded_per_s >= 10)
                say(s, "%s SYN/s forwarded to other hosts", explain_count(round(e->forwarded_per_s), n));
}

static void say_sources(struct sentence *s, const struct evidence *e) {
        char n[32], name[ADDRESS_TEXT_MAX];

        if (isnan(e->distinct_sources) || e->distinct_sources < 1)
                return;
        say(s, "%s addresses", explain_count(round(e->distinct_sources), n));
        if (e->seen_once_share >= 0.8)
                say(s, "seen about once");
        if (e->top_share >= 0.1)
                say(s, "%s sends %.0f %%", e->top.length ? prefix_format(&e->top, name) : "the heaviest",
                    100 * e->top_share);
}

char *explain_evidence(const struct evidence *e, const struct listener_key *listener, char *text, size_t size) {
        struct sentence s = { .text = text, .size = size, .separator = "" };

        text[0] = '\0';
        say_queue(&s, e, listener);
        next_clause(&s);
        say_rates(&s, e);
        say_explained(&s, e);
        say_strays(&s, e);
        say_elsewhere(&s, e);
        next_clause(&s);
        say_sources(&s, e);
        return text;
}
