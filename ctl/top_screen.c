/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#ifdef HAVE_NCURSES
#include "ctl/top_screen.h"

#include <curses.h>
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "ctl/course.h"
#include "ctl/ctl.h"
#include "ctl/judge.h"

enum {
        PAIR_GOOD = 1,
        PAIR_WARN,
        PAIR_BAD,
        PAIR_INFO,
        TEXT_MAX = 1024,
        LABEL = 11,            /* columns before a sparkline */
        BEHIND = 26,           /* columns behind one */
        CELL_S = 5,            /* seconds a mark, 1 while the daemon is young */
        CELLS_MAX = 120,
        MINUTES = 5,           /* the first line of the last minutes, */
        BODY = 10,             /* and of the listeners, without a probe's line above them */
        LINES_FULL = 24,       /* with fewer, a probe's line costs the legend: the next heading covers it */
        NAME_MIN = 21,
        SENDERS_MAX = 40,
};

static attr_t paint_attribute(const struct top_view *v, enum paint paint) {
        static const attr_t pairs[] = {
                [PAINT_GOOD] = COLOR_PAIR(PAIR_GOOD),
                [PAINT_WARN] = COLOR_PAIR(PAIR_WARN),
                [PAINT_BAD] = COLOR_PAIR(PAIR_BAD),
                [PAINT_INFO] = COLOR_PAIR(PAIR_INFO),
        };
        attr_t bold = paint == PAINT_BOLD || paint == PAINT_BAD ? A_BOLD : paint == PAINT_DIM ? A_DIM : A_NORMAL;

        return (v->term.colour && paint >= PAINT_GOOD ? pairs[paint] : A_NORMAL) | bold;
}

void top_screen_start(const struct term *term) {
        if (!term->colour || !has_colors())
                return;
        start_color();
        use_default_colors();
        init_pair(PAIR_GOOD, COLOR_GREEN, -1);
        init_pair(PAIR_WARN, COLOR_YELLOW, -1);
        init_pair(PAIR_BAD, COLOR_RED, -1);
        init_pair(PAIR_INFO, COLOR_CYAN, -1);
}

/* --- text that fits ----------------------------------------------------------------------- */

/* How many bytes of text fit into so many columns; ret_used: the columns they take. */
static size_t fitting(const char *text, int width, int *ret_used) {
        mbstate_t state = { 0 };
        size_t bytes = 0, n;
        wchar_t c;
        int used = 0;

        while ((n = mbrtowc(&c, text + bytes, MB_LEN_MAX, &state)) != 0 && n <= MB_LEN_MAX) {
                int columns = wcwidth(c);

                if (columns < 0 || used + columns > width)
                        break;
                used += columns;
                bytes += n;
        }
        *ret_used = used;
        return bytes;
}

/* A text of the daemon's, cut to so many columns and to the screen. Returns the columns used. */
static int put(const struct top_view *v, int y, int x, int width, enum paint paint, const char *text) {
        attr_t attribute = paint_attribute(v, paint);
        char clean[TEXT_MAX];
        size_t bytes;
        int used;

        if (y < 0 || y >= LINES || x >= COLS || width <= 0)
                return 0;
        term_clean(text, clean, sizeof clean);
        for (char *c = clean; *c && !v->term.utf8; c++)
                if ((unsigned char) *c >= 0x80)
                        *c = '?';
        bytes = fitting(clean, width < COLS - x ? width : COLS - x, &used);
        attron(attribute);
        mvaddnstr(y, x, clean, (int) bytes);
        attroff(attribute);
        return used;
}

static void put_right(const struct top_view *v, int y, int x, int width, enum paint paint, const char *text) {
        int used;

        fitting(text, width, &used);
        put(v, y, x + width - used, used, paint, text);
}

/* In up to so many lines, broken at blanks. Returns the lines used. */
static int put_wrapped(const struct top_view *v, int y, int x, int lines, enum paint paint, const char *text) {
        int line = 0;

        for (; *text && line < lines; line++) {
                int used, width = COLS - x;
                size_t bytes = fitting(text, width, &used), whole = bytes;
                char part[TEXT_MAX];

                while (text[bytes] && whole > 0 && text[whole] != ' ')
                        whole--;
                if (whole > 0 && line < lines - 1)
                        bytes = whole;
                if (bytes == 0)
                        break;
                if (text[bytes] && line == lines - 1 && whole > 4) {
                        for (whole -= 4; whole > 0 && text[whole] != ' ';)
                                whole--;
                        snprintf(part, sizeof part, "%.*s ...", (int) whole, text);
                } else
                        snprintf(part, sizeof part, "%.*s", (int) bytes, text);
                put(v, y + line, x, width, paint, part);
                text += bytes;
                text += strspn(text, " ");
        }
        return line;
}

static void heading(const struct top_view *v, int y, const char *text) {
        attron(A_REVERSE);
        mvhline(y, 0, ' ', COLS);
        put(v, y, 0, COLS, PAINT_NONE, text);
        attroff(A_REVERSE);
}

/* The head and the tail of a name that is too long: the port stands at its end. */
static char *shorten(const char *name, int width, char text[static TOP_NAME_MAX]) {
        int length = (int) strlen(name), tail = width / 2;

        if (length <= width || width < 8)
                snprintf(text, TOP_NAME_MAX, "%s", name);
        else
                snprintf(text, TOP_NAME_MAX, "%.*s~%s", width - tail - 1, name, name + length - tail);
        return text;
}

static const char *name_of(const json_t *l, char text[static TOP_NAME_MAX]) {
        return term_listener(ctl_text(l, "address"), ctl_number(l, "port"), text, TOP_NAME_MAX);
}

/* --- the banner: is it a flood, since when, is it handled, why --------------------------------- */

static const char *words_for(int error) {
        switch (-error) {
        case EBUSY:
                return "it has only just started";
        case ETIMEDOUT:
                return "it does not answer";
        case EACCES:
        case EPERM:
                return "not permitted any more";
        case ENOENT:
        case ECONNREFUSED:
        case ECONNRESET:
                return "it has ended";
        default:
                return strerror(-error);
        }
}

static void draw_gone(const struct top_view *v, const struct feed *feed) {
        char text[TEXT_MAX], since[TERM_FIGURE_MAX];

        attron(A_REVERSE);
        put(v, 0, 0, COLS, PAINT_BAD, " NO DAEMON ");
        attroff(A_REVERSE);
        snprintf(text, sizeof text, "%s, %s ago; asking again. Below: what was last known", words_for(feed->error),
                 term_duration(v->gone_s, since));
        put(v, 0, 13, COLS, PAINT_BOLD, text);
}

static void draw_state(const struct top_view *v, const json_t *s) {
        const char *state = ctl_text(s, "state"), *time = ctl_text(s, "time");
        const json_t *reasons = json_object_get(s, "reasons");
        char word[TERM_FIGURE_MAX];
        int x;

        snprintf(word, sizeof word, " %s ", state);
        for (char *c = word; *c; c++)
                if (*c >= 'a' && *c <= 'z')
                        *c = (char) (*c - 'a' + 'A');
        attron(A_REVERSE);
        x = put(v, 0, 0, COLS, term_state_paint(state), word);
        attroff(A_REVERSE);
        put(v, 0, x + 2, COLS - x - 12, PAINT_BOLD,
            json_string_value(json_array_get(reasons, 0)) ? json_string_value(json_array_get(reasons, 0))
                                                          : ctl_text(s, "diagnosis"));
        if (strlen(time) >= 19) {
                snprintf(word, sizeof word, "%.8sZ", time + 11);
                put_right(v, 0, COLS - 9, 9, PAINT_DIM, word);
        }
}

static void draw_since(const struct top_view *v, const json_t *s) {
        const json_t *incident = json_object_get(s, "incident");
        char text[TEXT_MAX], age[TERM_FIGURE_MAX], peak[TERM_FIGURE_MAX];
        const char *since = ctl_text(s, "since");

        snprintf(text, sizeof text, "%s since %.8sZ, for %s", ctl_text(s, "diagnosis"),
                 strlen(since) > 18 ? since + 11 : since, term_age(since, ctl_text(s, "time"), age));
        if (json_is_object(incident))
                ctl_append(text, sizeof text, "; incident %.0f, peak %s SYN/s", ctl_number(incident, "id"),
                           term_short(ctl_number(incident, "peak_syn_per_s"), peak));
        if (json_is_true(json_object_get(s, "dry_run")))
                ctl_append(text, sizeof text, "; only watching");
        put(v, 1, 0, COLS, PAINT_NONE, text);
}

/* What accounts for unfinished handshakes, beside the reasons. */
static void add_explained(const json_t *s, char *text, size_t size) {
        const json_t *e;
        size_t i;

        json_array_foreach(json_object_get(json_object_get(s, "host"), "explained"), i, e) {
                char figure[TERM_FIGURE_MAX];

                ctl_append(text, size, "%s%s %s/s", i ? ", " : "; explained: ", ctl_text(e, "name"),
                           term_short(ctl_number(e, "per_s"), figure));
        }
}

static void draw_banner(const struct top_view *v, const json_t *s, const struct feed *feed) {
        bool bad = judge_refuses(s), flood = judge_is_flood(s);
        const json_t *reasons = json_object_get(s, "reasons");
        char text[TEXT_MAX];
        int x;

        if (v->gone_s >= 0)
                draw_gone(v, feed);
        else
                draw_state(v, s);
        draw_since(v, s);
        x = put(v, 2, 0, COLS,
                bad     ? PAINT_BAD
                : flood ? PAINT_GOOD
                        : PAINT_DIM,
                bad     ? "NOT HANDLED: "
                : flood ? "handled: "
                        : "ready: ");
        put(v, 2, x, COLS, PAINT_NONE, judge_handled(s, text, sizeof text));
        snprintf(text, sizeof text, "why: ");
        for (size_t i = 1; i < json_array_size(reasons); i++)
                ctl_append(text, sizeof text, "%s%s", i > 1 ? "; " : "", ctl_string(json_array_get(reasons, i)));
        add_explained(s, text, sizeof text);
        put_wrapped(v, 3, 0, 2, PAINT_NONE, text);
}

/* The last result, how many connect, and what is wrong; what known clients felt if there is room. */
static void draw_probe(const struct top_view *v, int y, const json_t *s) {
        const json_t *probe = json_object_get(s, "probe");
        double known = ctl_number(json_object_get(s, "host"), "known_finished_share");
        const char *last = ctl_text(probe, "last");
        enum paint paint = judge_probe_fails(s)             ? PAINT_BAD
                           : strcmp(last, "connected") == 0 ? PAINT_GOOD
                           : *last                          ? PAINT_WARN
                                                            : PAINT_DIM;
        char text[TEXT_MAX], more[TEXT_MAX], share[TERM_FIGURE_MAX];
        int x = put(v, y, 0, COLS, paint, "probe: ");

        judge_probe(s, text, sizeof text);
        snprintf(more, sizeof more, "; known clients %s at once", term_percent(known, share));
        if (!isnan(known) && x + (int) strlen(text) + (int) strlen(more) <= COLS)
                ctl_append(text, sizeof text, "%s", more);
        put_wrapped(v, y, x, 1, PAINT_NONE, text);
}

/* --- the last minutes ----------------------------------------------------------------------------- */

/* The highest of each mark's seconds, the last mark at cells[count - 1]; NAN: not known. Marks
 * begin at fixed times, so that only one of them moves from look to look. */
static double marks(const struct course *c, const char *name, int cell_s, double *cells, int count) {
        size_t field = course_field(c, name);
        double most = 0, end;

        for (int k = 0; k < count; k++)
                cells[k] = NAN;
        if (c->count == 0)
                return 0;
        end = floor(course_time(c, c->count - 1) / cell_s);
        for (size_t i = 0; i < c->count; i++) {
                double value = course_value(c, i, field);
                double k = count - 1 - (end - floor(course_time(c, i) / cell_s));

                if (isnan(value) || !(k >= 0 && k < count))
                        continue;
                cells[(int) k] = fmax(cells[(int) k], value);
                most = fmax(most, cells[(int) k]);
        }
        return most;
}

static void draw_marks(const struct top_view *v, int y, const double *cells, int count, double scale) {
        static const char *const blocks[] = { "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█" };
        static const char letters[] = "_.:-=+*#";
        char text[CELLS_MAX * 3 + 1] = "";
        size_t used = 0;

        for (int i = 0; i < count; i++) {
                int level = isnan(cells[i])               ? -1
                            : cells[i] <= 0 || scale <= 0 ? 0
                                                          : 1 + (int) fmin(6, cells[i] / scale * 7);

                if (level < 0)
                        text[used++] = ' ';
                else if (v->term.utf8)
                        used += (size_t) snprintf(text + used, sizeof text - used, "%s", blocks[level]);
                else
                        text[used++] = letters[level];
        }
        text[used] = '\0';
        put(v, y, LABEL, count, PAINT_INFO, text);
}

static void draw_minutes(const struct top_view *v, const struct feed *feed, int y) {
        static const struct {
                const char *label, *name;
        } rows[] = { { "SYN/s", "syn_per_s" },
                     { "finished", "completed_per_s" },
                     { "unfinished", "unanswered_per_s" } };
        struct course history = course_of(feed->parts[FEED_HISTORY]);
        const json_t *host = json_object_get(feed->parts[FEED_STATUS], "host");
        int count = COLS - LABEL - BEHIND > CELLS_MAX ? CELLS_MAX : COLS - LABEL - BEHIND;
        double cells[3][CELLS_MAX], most[3], scale = 1;
        int cell_s = CELL_S;
        char text[TEXT_MAX], now[TERM_FIGURE_MAX], peak[TERM_FIGURE_MAX];

        if (count < 1)
                return;
        if (history.count <= (size_t) count)
                cell_s = 1;
        for (int i = 0; i < 3; i++) {
                most[i] = marks(&history, rows[i].name, cell_s, cells[i], count);
                scale = fmax(scale, most[i]);
        }
        for (int i = 0; i < 3; i++) {
                put(v, y + i, 0, LABEL, PAINT_NONE, rows[i].label);
                draw_marks(v, y + i, cells[i], count, scale);
                snprintf(text, sizeof text, " %s/s, most %s", term_short(ctl_number(host, rows[i].name), now),
                         history.count ? term_short(most[i], peak) : "-");
                put(v, y + i, LABEL + count, BEHIND, PAINT_NONE, text);
        }
        snprintf(text, sizeof text, history.count ? "a mark is %d s, all of it %s; one scale" : "no history yet",
                 cell_s, term_duration(count * cell_s, now));
        put(v, y + 3, LABEL, COLS - LABEL, PAINT_DIM, text);
}

/* --- listeners ------------------------------------------------------------------------------------- */

static enum paint fill_paint(double fill) {
        return fill >= 0.8 ? PAINT_BAD : fill >= 0.5 ? PAINT_WARN : PAINT_GOOD;
}

static void draw_listener(const struct top_view *v, int y, int width, const json_t *l) {
        char name[TOP_NAME_MAX], text[TOP_NAME_MAX], bar[TERM_BAR_MAX];
        double fill = ctl_number(l, "fill");
        const char *state = ctl_text(l, "state");
        bool selected = v->name[0] && strcmp(v->name, name_of(l, name)) == 0;
        int x = width;

        if (selected)
                attron(A_REVERSE);
        put(v, y, 0, width, PAINT_NONE, shorten(name_of(l, name), width, text));
        if (selected)
                attroff(A_REVERSE);
        put(v, y, x + 1, 10, term_state_paint(state), state);
        put_right(v, y, x + 11, 9, PAINT_NONE, term_short(ctl_number(l, "half_open"), text));
        put_right(v, y, x + 21, 6, PAINT_NONE, term_short(ctl_number(l, "backlog"), text));
        put(v, y, x + 28, 8, fill_paint(fill), term_bar(&v->term, fill, 8, bar));
        put_right(v, y, x + 36, 6, PAINT_NONE, term_percent(fill, text));
        put_right(v, y, x + 43, 7, PAINT_NONE, term_short(ctl_number(l, "syn_per_s"), text));
        put_right(v, y, x + 51, 8, PAINT_NONE, term_short(ctl_number(l, "unanswered_per_s"), text));
}

/* Finds the selected one again, which may have another place now. */
static void follow_selected(struct top_view *v, const json_t *const *sorted, size_t count) {
        char name[TOP_NAME_MAX];

        if (v->name[0] == '\0' || count == 0)
                return;
        for (size_t i = 0; i < count; i++)
                if (strcmp(name_of(sorted[i], name), v->name) == 0) {
                        v->selected = i;
                        return;
                }
        if (v->selected >= count) /* it has gone, and others with it */
                v->selected = count - 1;
}

static int draw_listeners(struct top_view *v, int y, int rows, const json_t *const *sorted, size_t count) {
        int width = NAME_MIN + (COLS - 80 > 24 ? 24 : COLS > 80 ? COLS - 80 : 0);
        size_t first, shown = (size_t) rows < count ? (size_t) rows : count;
        char text[TEXT_MAX], rest[TEXT_MAX];

        follow_selected(v, sorted, count);
        first = v->name[0] && count > 0 && v->selected >= shown ? v->selected - shown + 1 : 0;
        snprintf(text, sizeof text, "%-*s %-10s%9s%7s %-14s%8s%9s", width, "LISTENER", "STATE", "HALF-OPEN", "LIMIT",
                 "FILL", "SYN/s", "UNFIN./s");
        heading(v, y++, text);
        for (size_t i = first; i < first + shown; i++)
                draw_listener(v, y++, width, sorted[i]);
        if (count == 0)
                put(v, y++, 0, COLS, PAINT_DIM, "no listener is seen");
        if (first + shown < count || first > 0) {
                worst_rest(sorted, first + shown, count, rest, sizeof rest);
                snprintf(text, sizeof text, first ? "%s; %zu above" : "%s", rest, first);
                put(v, y++, 0, COLS, PAINT_DIM, text);
        }
        return y;
}

/* --- senders and events ------------------------------------------------------------------------------- */

static const char *sender_name(const json_t *s) {
        return *ctl_text(s, "address") ? ctl_text(s, "address") : ctl_text(s, "prefix");
}

static void draw_sender(const struct top_view *v, int y, const json_t *s, double unfinished_per_s) {
        char text[TOP_NAME_MAX];

        put(v, y, 0, 40, PAINT_NONE, sender_name(s));
        put_right(v, y, 40, 10, PAINT_NONE, term_short(ctl_number(s, "syn_per_s"), text));
        put_right(v, y, 50, 10, PAINT_NONE, term_short(unfinished_per_s, text));
        put_right(v, y, 60, 10, PAINT_NONE, term_short(ctl_number(s, "half_open"), text));
        put_right(v, y, 70, 9, PAINT_NONE, term_percent(ctl_number(s, "completion_ratio"), text));
}

/* How many lines draw_senders() would fill. */
static int senders_needed(const struct feed *feed) {
        const json_t *status = feed->parts[FEED_STATUS];
        struct judge_sender list[SENDERS_MAX];
        size_t count = judge_senders(status, feed->parts[FEED_SOURCES], feed->parts[FEED_PREFIXES], list, SENDERS_MAX);

        if (!judge_is_flood(status))
                count = json_array_size(json_object_get(feed->parts[FEED_SOURCES], "sources"));
        return count ? (int) count : 2;
}

/* In calm who sends most, in a flood who leaves handshakes unfinished, or why nobody is named. */
static int draw_senders(const struct top_view *v, int y, int rows, const struct feed *feed) {
        const json_t *status = feed->parts[FEED_STATUS], *s;
        const json_t *all = json_object_get(feed->parts[FEED_SOURCES], "sources");
        bool flood = judge_is_flood(status);
        struct judge_sender list[SENDERS_MAX];
        size_t count = judge_senders(status, feed->parts[FEED_SOURCES], feed->parts[FEED_PREFIXES], list, SENDERS_MAX),
               i;
        char text[TEXT_MAX];
        int end = y + 1 + rows;

        snprintf(text, sizeof text, "%-39s%11s%10s%10s%9s", flood ? "FROM WHOM" : "WHO SENDS MOST",
                 "SYN/s<=", "UNFIN.>=", "HALF-OPEN", "FINISHED");
        heading(v, y++, text);
        for (i = 0; i < count && y < end; i++)
                draw_sender(v, y++, list[i].source, list[i].unfinished_per_s);
        if (flood && count == 0)
                y += put_wrapped(v, y, 0, rows < 2 ? rows : 2, PAINT_BOLD, judge_nobody(status, text, sizeof text));
        if (flood)
                return y;
        json_array_foreach(all, i, s)
                if (y < end)
                        draw_sender(v, y++, s, NAN);
        if (json_array_size(all) == 0)
                put(v, y++, 0, COLS, PAINT_DIM,
                    json_is_false(json_object_get(feed->parts[FEED_SOURCES], "known"))
                            ? judge_nobody(status, text, sizeof text)
                            : "none sends enough to stand out");
        return y;
}

static enum paint event_paint(const char *severity) {
        return strcmp(severity, "warning") == 0                                   ? PAINT_WARN
               : strcmp(severity, "notice") == 0 || strcmp(severity, "info") == 0 ? PAINT_NONE
                                                                                  : PAINT_BAD;
}

static void draw_event(const struct top_view *v, int y, const json_t *e) {
        const char *time = ctl_text(e, "time");
        char text[TEXT_MAX];
        int x = 9;

        snprintf(text, sizeof text, "%.8s", strlen(time) > 18 ? time + 11 : "");
        put(v, y, 0, x, PAINT_DIM, text);
        snprintf(text, sizeof text, "%s: ", ctl_text(e, "event"));
        x += put(v, y, x, COLS, event_paint(ctl_text(e, "severity")), text);
        put(v, y, x, COLS, PAINT_NONE, ctl_text(e, "message"));
}

/* The last ones, of the listener named if there is a name. */
static void draw_events(const struct top_view *v, int y, int rows, const struct feed *feed, const char *listener) {
        const json_t *events = json_object_get(feed->parts[FEED_EVENTS], "events"), *e;
        int matching = 0;
        size_t i;

        heading(v, y++, "LAST EVENTS");
        json_array_foreach(events, i, e)
                matching += !listener || strcmp(ctl_text(e, "listener"), listener) == 0;
        if (matching == 0)
                put(v, y, 0, COLS, PAINT_DIM, "none");
        json_array_foreach(events, i, e)
                if ((!listener || strcmp(ctl_text(e, "listener"), listener) == 0) && matching-- <= rows)
                        draw_event(v, y++, e);
}

/* --- screens --------------------------------------------------------------------------------------------- */

static int least(int a, int b) {
        return a < b ? a : b;
}

/* The lists get what the head, their headings and the keys leave: events a quarter, senders a
 * third, and listeners the rest, at least four at 24 lines. What one does not need is another's. */
static void draw_lists(struct top_view *v, const struct feed *feed, int body, const json_t *const *sorted,
                       size_t count) {
        int room = LINES - body - 5;
        int senders_wanted = senders_needed(feed), listeners_wanted = count ? (int) count : 1;
        int events = room / 4 > 2 ? room / 4 : 2;
        int senders = least(senders_wanted, room / 3 > 2 ? room / 3 : 2);
        int listeners = least(listeners_wanted, room - events - senders > 1 ? room - events - senders : 1);
        int y;

        senders = least(senders_wanted, room - events - listeners > senders ? room - events - listeners : senders);
        y = draw_listeners(v, body - 1, listeners, sorted, count);
        y = draw_senders(v, y, senders, feed);
        draw_events(v, y, LINES - 2 - y, feed, NULL);
}

static void draw_figure(const struct top_view *v, int y, int x, const char *label, const char *value) {
        put(v, y, x, 16, PAINT_DIM, label);
        put(v, y, x + 16, 24, PAINT_NONE, value);
}

static void draw_one(const struct top_view *v, const struct feed *feed, int body, const json_t *l) {
        static const struct {
                const char *label, *name;
                bool share;
        } rows[] = {
                { "half-open", "half_open", false },
                { "limit", "backlog", false },
                { "of them aged", "half_open_aged", false },
                { "fill", "fill", true },
                { "accept queue", "accept_queue", false },
                { "SYN/s", "syn_per_s", false },
                { "finished/s", "completed_per_s", false },
                { "unfinished/s", "unanswered_per_s", false },
                { "finished share", "completion_ratio", true },
                { "refused/s", "queue_drops_per_s", false },
                { "cookies/s", "cookies_sent_per_s", false },
                { "RST answers/s", "embryonic_rsts_per_s", false },
                { "strength", "strength", false },
                { "sockets", "sockets", false },
        };
        enum { ROWS = sizeof rows / sizeof *rows, HALF = (ROWS + 1) / 2 };
        const json_t *status = feed->parts[FEED_STATUS];
        char text[TEXT_MAX], age[TERM_FIGURE_MAX];

        snprintf(text, sizeof text, "%s  (one of %zu; esc: all)", v->name,
                 json_array_size(json_object_get(status, "listeners")));
        heading(v, body - 1, text);
        if (!l) {
                put(v, body, 0, COLS, PAINT_BOLD, "this listener is not there any more");
                return;
        }
        snprintf(text, sizeof text, "%s, %s, for %s", ctl_text(l, "state"), ctl_text(l, "diagnosis"),
                 term_age(ctl_text(l, "since"), ctl_text(status, "time"), age));
        put(v, body, 0, COLS, term_state_paint(ctl_text(l, "state")), text);
        for (int i = 0; i < ROWS; i++)
                draw_figure(v, body + 1 + i % HALF, i < HALF ? 0 : 40, rows[i].label,
                            rows[i].share ? term_percent(ctl_number(l, rows[i].name), text)
                                          : term_short(ctl_number(l, rows[i].name), text));
        put(v, body + 1 + HALF, 0, COLS, fill_paint(ctl_number(l, "fill")),
            term_bar(&v->term, ctl_number(l, "fill"), 20, text));
        draw_events(v, body + 2 + HALF, LINES - body - HALF - 4, feed, v->name);
}

static void draw_help(const struct top_view *v, int body) {
        static const char *const lines[] = {
                "  q         quit",
                "  s         sort listeners: worst, fill, SYN/s, unfinished, port",
                "  up, down  select a listener;  enter: only this one;  esc: all",
                "  p, space  pause: the picture stands still",
                "  h, ?      this help; any key goes back",
                "",
                "  unfinished: handshakes that nobody finishes, a second. That is what a flood is.",
                "  limit: half-opens that a listener may have; at its limit it refuses clients,",
                "    or answers by SYN cookie.",
                "  FROM WHOM: SYN/s is an upper bound, UNFIN. a lower one: nobody is accused of more.",
                "  The marks above come from the daemon: they are there before you looked.",
        };

        heading(v, body - 1, "HELP");
        for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
                put(v, body + (int) i, 0, COLS, PAINT_NONE, lines[i]);
}

static void draw_keys(const struct top_view *v) {
        char text[TEXT_MAX];

        snprintf(text, sizeof text, "q quit  s sort: %s  p %s  up/down enter: one listener  h help",
                 worst_order_name(v->order), v->paused ? "go on" : "pause");
        put(v, LINES - 1, 0, COLS, PAINT_DIM, text);
        if (v->paused) {
                attron(A_REVERSE);
                put_right(v, LINES - 1, COLS - 8, 8, PAINT_BOLD, " PAUSED ");
                attroff(A_REVERSE);
        }
}

static void draw_all(struct top_view *v, const struct feed *feed) {
        const json_t *status = feed->parts[FEED_STATUS];
        const json_t *listeners = json_object_get(status, "listeners");
        const json_t **sorted = worst_sort(listeners, v->order);
        size_t count = sorted ? json_array_size(listeners) : 0;
        bool probe = json_is_object(json_object_get(status, "probe"));
        int body = BODY + (probe && LINES >= LINES_FULL);
        char name[TOP_NAME_MAX];

        draw_banner(v, status, feed);
        if (probe)
                draw_probe(v, MINUTES, status);
        draw_minutes(v, feed, MINUTES + probe);
        if (v->help)
                draw_help(v, body);
        else if (v->one) {
                const json_t *l = NULL;

                for (size_t i = 0; i < count; i++)
                        if (strcmp(name_of(sorted[i], name), v->name) == 0)
                                l = sorted[i];
                draw_one(v, feed, body, l);
        } else
                draw_lists(v, feed, body, sorted, count);
        draw_keys(v);
        free(sorted);
}

void top_screen_draw(struct top_view *v, const struct feed *feed) {
        erase();
        if (LINES < TOP_LINES_MIN || COLS < TOP_COLUMNS_MIN)
                put(v, 0, 0, COLS, PAINT_BOLD, "too small: 80x24 is needed");
        else if (!feed->parts[FEED_STATUS])
                put(v, 0, 0, COLS, PAINT_NONE, feed->error ? words_for(feed->error) : "asking the daemon");
        else
                draw_all(v, feed);
        refresh();
}
#endif
