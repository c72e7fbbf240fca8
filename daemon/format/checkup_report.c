/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "format/checkup_report.h"

#include <math.h>
#include <stdarg.h>
#include <string.h>

#include "core/rate.h"

enum { WIDTH = 78 };

/* --- paper ------------------------------------------------------------------------- */

void report_wrap(FILE *f, const char *text, unsigned used, unsigned indent) {
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

void report_paragraph(struct report *r, const char *format, ...) {
        char text[1024];
        va_list args;

        va_start(args, format);
        vsnprintf(text, sizeof text, format, args);
        va_end(args);
        report_wrap(r->f, text, 0, 0);
}

void report_line(struct report *r, const char *label, const char *format, ...) {
        char text[1024];
        va_list args;

        va_start(args, format);
        vsnprintf(text, sizeof text, format, args);
        va_end(args);
        fprintf(r->f, "  %-10s", label);
        report_wrap(r->f, text, 12, 12);
}

void report_step(struct report *r, const char *format, ...) {
        char text[1024];
        va_list args;

        if (r->steps == 0)
                fputs("\nWhat to do:\n", r->f);
        va_start(args, format);
        vsnprintf(text, sizeof text, format, args);
        va_end(args);
        fprintf(r->f, " %2u. ", ++r->steps);
        report_wrap(r->f, text, 5, 5);
}

void report_command(struct report *r, const char *format, ...) {
        va_list args;

        fputs("       ", r->f);
        va_start(args, format);
        vfprintf(r->f, format, args);
        va_end(args);
        fputc('\n', r->f);
}

const struct checkup_owner *report_owner(const struct checkup *c, const struct listener_key *key) {
        for (uint32_t i = 0; i < c->owners_count; i++)
                if (listener_key_equal(&c->owners[i].key, key))
                        return &c->owners[i];
        return NULL;
}

char *report_listener(const struct report *r, const struct listener_key *key, char text[static REPORT_NAME_MAX]) {
        const struct checkup_owner *owner = report_owner(r->c, key);
        char name[ADDRESS_TEXT_MAX];

        listener_key_format(key, name);
        if (owner)
                snprintf(text, REPORT_NAME_MAX, "%s (%s, pid %d)", name, owner->name, owner->pid);
        else
                snprintf(text, REPORT_NAME_MAX, "%s", name);
        return text;
}

/* --- what both halves agree on ------------------------------------------------------ */

char *report_capital(const char *words, char text[static REPORT_TITLE_MAX]) {
        snprintf(text, REPORT_TITLE_MAX, "%s", words);
        if (text[0] >= 'a' && text[0] <= 'z')
                text[0] = (char) (text[0] - 'a' + 'A');
        return text;
}

/* A symptom that says more than the diagnosis; that of a short queue is not told of one that is not accepted from. */
bool report_is_symptom(const struct report *r) {
        return !r->c->flood && r->c->symptoms.count > 0 && r->c->symptoms.list[0].severity >= ADVICE_WARNING &&
               (r->c->moment->diagnosis != DIAGNOSIS_ACCEPT_STALL || strcmp(r->c->symptoms.list[0].id, "backlog") == 0);
}

bool report_covers(const struct prefix *outer, const struct prefix *inner) {
        return outer->length <= inner->length && prefix_contains(outer, &inner->address);
}

/* Without what the estimate may be too high by. */
static double sure_rate(const struct snapshot_source *f) {
        return f->share > 0 ? f->syn_per_s * fmax(0, f->share - or_zero(f->error)) / f->share : 0;
}

bool report_is_one_address(const struct snapshot *s, const struct snapshot_source *f) {
        for (uint32_t i = 0; i < s->sources_count; i++)
                if (s->sources[i].prefix.length > f->prefix.length &&
                    report_covers(&f->prefix, &s->sources[i].prefix) && sure_rate(&s->sources[i]) > 0.8 * f->syn_per_s)
                        return true;
        return false;
}
