/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "format/checkup_text.h"

#include <math.h>
#include <string.h>

#include "core/explain.h"
#include "core/rate.h"
#include "core/symptoms.h"
#include "format/checkup_advice.h"
#include "format/checkup_report.h"

enum {
        LISTENERS_SHOWN = 8,
        SOURCES_SHOWN = 5,
};

/* A source of less is not worth a line; one whose handshakes complete oftener is somebody's client. */
#define SOURCE_SHARE 0.05
#define SOURCE_COMPLETED 0.05

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

/* --- the verdict --------------------------------------------------------------------- */

static const char *calm_words(enum diagnosis d) {
        switch (d) {
        case DIAGNOSIS_QUIET:
                return "There is little traffic, and nothing unusual about it.";
        case DIAGNOSIS_BUSY:
                return "Much traffic, but its handshakes complete: real clients, a crowd at most.";
        case DIAGNOSIS_FLASH_CROWD:
                return "It is a crowd of real clients: far more than usual, but their handshakes complete.";
        case DIAGNOSIS_ACCEPT_STALL:
                return "The application does not accept its connections fast enough";
        case DIAGNOSIS_PORT_SCAN:
                return "Somebody scans ports on which nothing listens.";
        case DIAGNOSIS_LOSSY_CLIENTS:
                return "Real clients, whose packets or our answers are lost on the way.";
        case DIAGNOSIS_UNKNOWN:
        case DIAGNOSIS_FLOOD_SPOOFED:
        case DIAGNOSIS_FLOOD_DISTRIBUTED:
        case DIAGNOSIS_FLOOD_CONCENTRATED:
        case DIAGNOSIS_FLOOD_REFLECTED:
        case DIAGNOSES:
                break;
        }
        return "Something may be unusual, but it is not clear what; watch longer.";
}

static bool is_slow_flood(const struct report *r) {
        return report_is_symptom(r) && strcmp(r->c->symptoms.list[0].id, SYMPTOM_SLOW_FLOOD) == 0;
}

/* Beside a flood, an application of which the flood is not the trouble. */
static void print_stalled(struct report *r) {
        const struct snapshot *s = r->c->moment;
        char name[REPORT_NAME_MAX];

        for (uint32_t i = 0; r->c->flood && i < s->listeners_count; i++)
                if (s->listeners[i].diagnosis == DIAGNOSIS_ACCEPT_STALL && &s->listeners[i] != r->subject)
                        report_line(r, "also",
                                    "%s: the application does not accept its connections fast enough; that is "
                                    "not the flood's doing",
                                    report_listener(r, &s->listeners[i].key, name));
}

static void print_symptoms(struct report *r) {
        for (unsigned i = report_is_symptom(r); i < r->c->symptoms.count; i++)
                report_line(r, i == report_is_symptom(r) ? "also" : "", "%s: %s", r->c->symptoms.list[i].title,
                            r->c->symptoms.list[i].why);
}

static void print_verdict(struct report *r) {
        const struct snapshot *s = r->c->moment;
        char title[REPORT_TITLE_MAX];

        if (r->c->flood) {
                report_paragraph(r, "SYN FLOOD%s%s: %s.", r->subject ? " at " : "", r->subject_name,
                                 explain_diagnosis(s->diagnosis));
                if (r->c->flood_ago_s > 2)
                        report_paragraph(r, "It was last seen %.0f s before the end.", r->c->flood_ago_s);
                return;
        }
        if (report_is_symptom(r))
                report_paragraph(r, "%s %s: %s", is_slow_flood(r) ? "SLOW SYN FLOOD." : "No flood.",
                                 report_capital(r->c->symptoms.list[0].title, title), r->c->symptoms.list[0].why);
        else if (s->diagnosis == DIAGNOSIS_ACCEPT_STALL)
                report_paragraph(r, "No flood. %s%s%s.", calm_words(s->diagnosis), r->subject ? ": " : "",
                                 r->subject_name);
        else
                report_paragraph(r, "No flood. %s", calm_words(s->diagnosis));
        if (s->state == STATE_SUSPECT)
                report_paragraph(r, "Some handshakes are not finished by anybody, too few to hurt so far.");
}

static void print_listeners(struct report *r) {
        const struct snapshot *s = r->c->moment;
        unsigned shown = 0, calm = 0;
        char name[REPORT_NAME_MAX], figures[SNAPSHOT_REASON_TEXT];

        for (uint32_t i = 0; i < s->listeners_count; i++) {
                const struct snapshot_listener *l = &s->listeners[i];

                if (!checkup_matters(l) || shown == LISTENERS_SHOWN) {
                        calm++;
                        continue;
                }
                explain_evidence(&l->evidence, NULL, figures, sizeof figures);
                report_line(r, shown++ ? "" : "listeners", "%s: %s, %s; %s; holds %.0f%s",
                            report_listener(r, &l->key, name), flood_state_name(l->state), diagnosis_name(l->diagnosis),
                            figures, or_zero(l->evidence.backlog),
                            or_zero(l->evidence.accept_queue) > or_zero(l->evidence.backlog)
                                    ? ", and as many wait to be accepted"
                                    : "");
        }
        if (shown && calm)
                report_line(r, "", "and %u more, in peace", calm);
        else if (!shown && s->listeners_count)
                report_line(r, "listeners", "%u, %sin peace", calm, calm > 1 ? "all " : "");
}

/* A prefix that is listed under two lengths, or is hardly more than what it has in it. */
static bool is_told(const struct snapshot *s, uint32_t source) {
        const struct prefix *p = &s->sources[source].prefix;

        for (uint32_t i = 0; i < source; i++)
                if (s->sources[i].prefix.length == p->length && report_covers(p, &s->sources[i].prefix))
                        return true;
        return report_is_one_address(s, &s->sources[source]);
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

                if (isnan(f->syn_per_s) || sure < SOURCE_SHARE || is_told(s, i))
                        continue;
                report_line(r, shown++ ? "" : "sources", "%s: %.0f SYN/s, at least %.0f %% of all%s",
                            prefix_format(&f->prefix, name), f->syn_per_s, 100 * sure,
                            f->completed_per_s > SOURCE_COMPLETED * f->syn_per_s ? "; some of its handshakes complete"
                                                                                 : "");
        }
}

static void print_unseen(struct report *r) {
        const struct snapshot *s = r->c->moment;
        bool first = true;

        for (unsigned i = 0; i < SENSORS; i++)
                if (s->sensors[i].state != SENSOR_OK) {
                        report_line(r, first ? "not seen" : "", "%s %s: %s", sensor_id_name((enum sensor_id) i),
                                    sensor_state_name(s->sensors[i].state), s->sensors[i].reason);
                        first = false;
                }
        if (s->sensors[SENSOR_NFLOG].state != SENSOR_OK)
                report_line(r, "", "%s",
                            r->c->root ? "The sources stay unknown here. If a synwardd runs already, "
                                         "'synwardctl sources' asks it."
                                       : "Run as root to see who sends.");
}

static void print_evidence(struct report *r) {
        const struct snapshot *s = r->c->moment;
        char syns[32], half_open[32];

        for (uint32_t i = 1; i < s->reasons_count; i++) /* the first is the verdict again */
                report_line(r, i == 1 ? "evidence" : "", "%s", s->reasons[i]);
        if (r->c->flood && r->c->peak_syn_per_s > 0)
                report_line(r, "at most", "%s SYN/s and %s half-open", explain_count(r->c->peak_syn_per_s, syns),
                            explain_count(or_zero(r->c->peak_half_open), half_open));
        print_listeners(r);
        print_sources(r);
        print_stalled(r);
        print_symptoms(r);
        print_unseen(r);
        report_line(r, "watched", "%.1f s, %llu looks", r->c->watched_s, (unsigned long long) r->c->looks);
}

void checkup_text_print(const struct checkup *c, FILE *f) {
        struct report r = { .c = c, .f = f, .subject = checkup_subject(c->moment) };

        if (r.subject)
                report_listener(&r, &r.subject->key, r.subject_name);
        print_verdict(&r);
        fputc('\n', f);
        print_evidence(&r);
        checkup_advice_print(&r);
}
