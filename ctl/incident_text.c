/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/course.h"
#include "ctl/ctl.h"
#include "ctl/incident.h"
#include "ctl/incident_account.h"
#include "ctl/incident_impact.h"

enum { WIDTH = 76, EVENTS_TOLD = 40, QUEUES_TOLD = 6, BLOCKED_MAX = 128, NAME_WIDTH = 21 };

const char *incident_words(const json_t *incident) {
        static const char *const words[][2] = {
                { "flood-spoofed", "a SYN flood from spoofed addresses" },
                { "flood-distributed", "a SYN flood from many sources that keep coming" },
                { "flood-concentrated", "a SYN flood from a few sources or one network" },
                { "flood-reflected", "our SYN-ACKs were aimed at a victim (SYN reflection)" },
        };
        const char *diagnosis = ctl_text(incident, "diagnosis");

        for (size_t i = 0; i < sizeof words / sizeof *words; i++)
                if (strcmp(words[i][0], diagnosis) == 0)
                        return words[i][1];
        return diagnosis;
}

const char *incident_nobody(const json_t *incident) {
        if (strcmp(ctl_text(incident, "diagnosis"), "flood-spoofed") == 0)
                return "Nobody can be named: the addresses are forged. To block them would hurt only "
                       "those they belong to.";
        if (json_array_size(json_object_get(incident, "top_sources")) +
                    json_array_size(json_object_get(incident, "top_prefixes")) ==
            0)
                return "Nobody is named: no source or network was seen to leave much unfinished, or the "
                       "packet log did not work.";
        return NULL;
}

const char *incident_queueless(const json_t *incident, bool *ret_always) {
        struct course c = course_of(json_object_get(incident, "timeline"));
        size_t field = course_field(&c, "syncookies"), without = 0;

        for (size_t i = 0; i < c.count; i++)
                without += course_value(&c, i, field) > 1;
        *ret_always = without > 0 && without == c.count;
        if (without == 0)
                return NULL;
        return *ret_always
                       ? "tcp_syncookies was 2: every SYN is answered by a cookie, and none is kept half-open. The queues stay "
                         "empty, whatever comes; how many cookies come back tells of the flood."
                       : "While tcp_syncookies was 2 no SYN was kept half-open, and the queues say nothing of the flood; "
                         "how many cookies came back does.";
}

/* Broken at blanks behind WIDTH columns; further lines begin under the text. */
static void put_wrapped(FILE *f, unsigned indent, const char *text) {
        char clean[2048];
        size_t column = indent;

        term_clean(text, clean, sizeof clean);
        for (char *rest = clean, *word; (word = strsep(&rest, " "));) {
                if (column > indent && column + 1 + strlen(word) > WIDTH) {
                        fprintf(f, "\n%*s", (int) indent, "");
                        column = indent;
                } else if (column > indent) {
                        fputc(' ', f);
                        column++;
                }
                fputs(word, f);
                column += strlen(word);
        }
        fputc('\n', f);
}
char *incident_blocked(const json_t *n, char *text, size_t size) {
        double limited = ctl_number(n, "limited_sources"), blocked = ctl_number(n, "blocked_sources");
        char a[TERM_FIGURE_MAX], b[TERM_FIGURE_MAX];
        int used;

        if (!(ctl_number(n, "blocked_syns") > 0)) {
                snprintf(text, size, "nobody");
                return text;
        }
        used = snprintf(text, size, "%s SYNs of at most %s sources", term_figure(ctl_number(n, "blocked_syns"), 0, a),
                        term_figure(limited > 0 ? blocked + limited : blocked, 0, b));
        if (limited > 0)
                snprintf(text + used, size - (size_t) used, ", %s of them only limited to a rate",
                         term_figure(limited, 0, a));
        return text;
}

static void put_label(FILE *f, const char *label) {
        fprintf(f, "  %-12s ", label);
}

static void put_summary(FILE *f, const json_t *n) {
        char a[TERM_FIGURE_MAX], b[TERM_FIGURE_MAX];
        const char *listener = ctl_text(n, "listener"), *end = ctl_text(n, "end");
        char blocked[BLOCKED_MAX];
        bool always;

        put_label(f, "from");
        term_say(f, "%.19sZ\n", ctl_text(n, "start"));
        put_label(f, "to");
        if (*end)
                term_say(f, "%.19sZ, ", end);
        else
                fputs(strcmp(ctl_text(n, "state"), "present") == 0 ? "now, "
                                                                   : "not known, for the daemon ended first; ",
                      f);
        fprintf(f, "%s\n", term_duration(ctl_number(n, "duration_s"), a));
        put_label(f, "at");
        put_wrapped(f, 15, *listener ? listener : "several listeners");
        put_label(f, "SYNs");
        fprintf(f, "%s in all, at most %s a second\n", term_figure(ctl_number(n, "total_syns"), 0, a),
                term_figure(ctl_number(n, "peak_syn_per_s"), 0, b));
        put_label(f, "half-open");
        (void) incident_queueless(n, &always);
        fprintf(f, "at most %s%s\n", term_figure(ctl_number(n, "peak_half_open"), 0, a),
                always ? ", for tcp_syncookies was 2" : "");
        if (ctl_number(n, "blocked_syns") > 0) {
                put_label(f, "blocked");
                fprintf(f, "%s\n", incident_blocked(n, blocked, sizeof blocked));
        }
        put_label(f, "record");
        put_wrapped(f, 15, *ctl_text(n, "directory") ? ctl_text(n, "directory") : "-");
        if (json_is_false(json_object_get(n, "complete"))) {
                put_label(f, "");
                fputs("not complete: parts of it could not be written, or had no room\n", f);
        }
}

static void put_course(FILE *f, const json_t *n) {
        struct course c = course_of(json_object_get(n, "timeline"));
        struct course_phase phases[COURSE_PHASES_MAX];
        size_t count = course_phases(&c, n, phases);

        if (count == 0)
                return;
        fprintf(f, "\nWHAT IT DID, AND WHAT ACTING DID\n  %-24s %9s %9s %9s %9s %9s\n", "", "SYN/s", "finished",
                "unfinish.", "refused", "half-open");
        for (size_t i = 0; i < count; i++) {
                static const char *const names[] = { "syn_per_s", "completed_per_s", "unanswered_per_s",
                                                     "queue_drops_per_s" };
                char text[TERM_FIGURE_MAX];

                fprintf(f, "  %-24s", phases[i].name);
                for (size_t k = 0; k < 4; k++)
                        fprintf(f, " %9s", term_short(course_mean(&c, &phases[i], names[k]), text));
                fprintf(f, " %9s\n", term_short(course_most(&c, &phases[i], "half_open"), text));
        }
        fputs("  (a second, means; half-open: the most)\n", f);
}

static void put_impact(FILE *f, const json_t *n) {
        struct impact_row rows[IMPACT_ROWS_MAX];
        size_t count = incident_impact_rows(n, rows);

        if (count == 0)
                return;
        fprintf(f, "\nWHAT HONEST CLIENTS FELT\n  %-39s %16s %16s\n", "", "minute before", "during");
        for (size_t i = 0; i < count; i++)
                fprintf(f, "  %-39s %16s %16s\n", rows[i].name, rows[i].before, rows[i].during);
}

/* A record of an older synward has no more than how full they were. */
static void put_fullest(FILE *f, const json_t *n) {
        const json_t *queues = json_object_get(n, "queues"), *list = json_object_get(queues, "listeners"), *q;
        double more = ctl_number(queues, "left_out");
        size_t i, count = json_array_size(list);
        char a[TERM_FIGURE_MAX], b[TERM_FIGURE_MAX], c[TERM_FIGURE_MAX], clean[128];

        fprintf(f, "\nTHE FLOODED LISTENERS\n  %-42s %9s %9s %9s\n", "", "half-open", "limit", "full");
        json_array_foreach(list, i, q) {
                double most = ctl_number(q, "peak_half_open"), limit = ctl_number(q, "peak_backlog");

                if (i < QUEUES_TOLD)
                        fprintf(f, "  %-42s %9s %9s %9s\n", term_clean(ctl_text(q, "listener"), clean, sizeof clean),
                                term_short(most, a), term_short(limit, b),
                                term_percent(limit > 0 ? most / limit : (double) NAN, c));
        }
        more += (double) (count > QUEUES_TOLD ? count - QUEUES_TOLD : 0);
        if (more > 0)
                fprintf(f, "  and %s more\n", term_figure(more, 0, a));
        fputs("  (at their fullest)\n", f);
}

/* A name too long for its column has a line of its own. */
static void put_listener(FILE *f, const struct account_listener *l) {
        const struct {
                double value;
                int width;
        } cells[] = { { l->syns, 8 },    { l->finished, 8 },  { l->unfinished, 9 },
                      { l->refused, 8 }, { l->half_open, 9 }, { l->limit, 7 } };
        char clean[128], text[TERM_FIGURE_MAX];

        fprintf(f, "  %-*s", NAME_WIDTH, term_clean(l->name, clean, sizeof clean));
        if (strlen(clean) > NAME_WIDTH)
                fprintf(f, "\n  %*s", NAME_WIDTH, "");
        for (size_t i = 0; i < sizeof cells / sizeof *cells; i++)
                fprintf(f, " %*s", cells[i].width, term_short(cells[i].value, text));
        fputc('\n', f);
}

static void put_listeners(FILE *f, const json_t *n) {
        struct account_listener rows[ACCOUNT_LISTENERS_MAX];
        double more;
        size_t count = account_listeners(n, rows, &more);
        bool always;
        const char *queueless = incident_queueless(n, &always);
        char text[TERM_FIGURE_MAX];

        if (count > 0)
                fprintf(f, "\nTHE FLOODED LISTENERS\n  %-*s %8s %8s %9s %8s %9s %7s\n", NAME_WIDTH, "", "SYNs",
                        "finished", "unfinish.", "refused", "half-open", "limit");
        else if (json_array_size(json_object_get(json_object_get(n, "queues"), "listeners")) > 0)
                put_fullest(f, n);
        else
                return;
        for (size_t i = 0; i < count; i++)
                put_listener(f, &rows[i]);
        if (count > 0 && more > 0)
                fprintf(f, "  and %s more\n", term_figure(more, 0, text));
        if (count > 0)
                fputs("  (while flooded, in all; half-open: the most)\n", f);
        if (queueless) {
                fputs("  ", f);
                put_wrapped(f, 2, queueless);
        }
}

static void put_account(FILE *f, const json_t *n) {
        struct account_row rows[ACCOUNT_ROWS_MAX];
        size_t count = account_rows(n, rows);
        char text[512], figure[TERM_FIGURE_MAX], share[TERM_FIGURE_MAX];

        if (!account_is_known(n))
                return;
        fputs("\nCOULD IT HAVE BEEN SOMETHING ELSE?\n  ", f);
        put_wrapped(f, 2, account_finished(n, text, sizeof text));
        fprintf(f, "  %s\n",
                count > 0 ? "Of these, innocent causes account for, each at most:"
                          : "No innocent cause accounts for any of them.");
        for (size_t i = 0; i < count; i++) {
                snprintf(text, sizeof text, "%s (%s)", rows[i].words, rows[i].name);
                fprintf(f, "  %9s  %5s  ", term_figure(rows[i].handshakes, 0, figure),
                        term_percent(rows[i].share, share));
                put_wrapped(f, 20, text);
        }
        account_rest(n, text, sizeof text);
        if (!*text)
                return;
        fputs("  ", f);
        put_wrapped(f, 2, text);
}

static void put_senders(FILE *f, const json_t *n, const char *title, const char *name) {
        const json_t *s;
        size_t i;

        if (json_array_size(json_object_get(n, name)) == 0)
                return;
        fprintf(f, "  %-42s %9s %10s %10s\n", title, "SYN/s", "unfinished", "half-open");
        json_array_foreach(json_object_get(n, name), i, s) {
                char clean[128], a[TERM_FIGURE_MAX], b[TERM_FIGURE_MAX], c[TERM_FIGURE_MAX];

                fprintf(f, "  %-42s %9s %10s %10s\n", term_clean(ctl_text(s, "source"), clean, sizeof clean),
                        term_short(ctl_number(s, "syn_per_s"), a), term_short(ctl_number(s, "unfinished_per_s"), b),
                        term_short(ctl_number(s, "half_open"), c));
        }
}

static void put_who(FILE *f, const json_t *n) {
        const char *nobody = incident_nobody(n);

        fputs("\nFROM WHOM\n", f);
        if (nobody) {
                fputs("  ", f);
                put_wrapped(f, 2, nobody);
                return;
        }
        put_senders(f, n, "source (what is certainly its own)", "top_sources");
        put_senders(f, n, "network", "top_prefixes");
}

static void put_events(FILE *f, const json_t *n) {
        const json_t *events = json_object_get(n, "events"), *e;
        size_t i, count = json_array_size(events);

        fputs("\nWHAT WAS TOLD AND DONE\n", f);
        json_array_foreach(events, i, e) {
                char text[1024];

                if (count > EVENTS_TOLD && i == EVENTS_TOLD / 2)
                        fprintf(f, "  ... %zu more ...\n", count - EVENTS_TOLD);
                if (count > EVENTS_TOLD && i >= EVENTS_TOLD / 2 && i < count - EVENTS_TOLD / 2)
                        continue;
                snprintf(text, sizeof text, "%.8s %s: %s",
                         strlen(ctl_text(e, "time")) > 18 ? ctl_text(e, "time") + 11 : "", ctl_text(e, "event"),
                         ctl_text(e, "message"));
                fputs("  ", f);
                put_wrapped(f, 11, text);
        }
        if (count == 0)
                fputs("  nothing\n", f);
}

static void put_commands(FILE *f, const json_t *n) {
        const char *directory = ctl_text(n, "directory");
        const json_t *files = json_object_get(n, "files");
        char clean[512];

        if (!*directory)
                return;
        term_clean(directory, clean, sizeof clean);
        fputs("\nTO LOOK INTO IT, ON THAT HOST\n", f);
        if (json_object_get(files, "observations.jsonl"))
                fprintf(f, "  synwardd -c %s/policy.yaml --replay %s/observations.jsonl\n", clean, clean);
        if (json_object_get(files, "sample.pcap"))
                fprintf(f, "  tcpdump -nr %s/sample.pcap\n", clean);
        fprintf(f, "  synwardctl incidents %.0f --html\n", ctl_number(n, "id"));
}

void incident_text(FILE *f, const json_t *n) {
        char text[256];

        fprintf(f, "incident %.0f: ", ctl_number(n, "id"));
        if (json_is_true(json_object_get(n, "damaged"))) {
                fputs("its record cannot be read\n", f);
                return;
        }
        snprintf(text, sizeof text, "%s (%s)", incident_words(n), ctl_text(n, "diagnosis"));
        put_wrapped(f, 0, text);
        fputc('\n', f);
        put_summary(f, n);
        put_course(f, n);
        put_impact(f, n);
        put_listeners(f, n);
        put_account(f, n);
        put_who(f, n);
        put_events(f, n);
        put_commands(f, n);
}
