/* SPDX-License-Identifier: GPL-2.0-or-later */
/* synwardctl top: status, listeners and sources on one screen, renewed once a second. */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "ctl/ctl.h"

#ifdef HAVE_NCURSES
#include <curses.h>

enum { RENEW_MS = 1000, PAIR_GOOD = 1, PAIR_WARN, PAIR_BAD };

static attr_t state_attribute(const char *state) {
        switch (term_state_paint(state)) {
        case PAINT_GOOD:
                return COLOR_PAIR(PAIR_GOOD);
        case PAINT_WARN:
                return COLOR_PAIR(PAIR_WARN) | A_BOLD;
        case PAINT_BAD:
                return COLOR_PAIR(PAIR_BAD) | A_BOLD;
        case PAINT_NONE:
        case PAINT_BOLD:
        case PAINT_DIM:
        case PAINT_INFO:
                break;
        }
        return A_NORMAL;
}

static void put_colour(attr_t attribute, const char *text) {
        attron(attribute);
        addstr(text);
        attroff(attribute);
}

static void draw_head(const json_t *s) {
        const json_t *host = json_object_get(s, "host"), *reason;
        char a[TERM_FIGURE_MAX], b[TERM_FIGURE_MAX], c[TERM_FIGURE_MAX];
        size_t i;

        move(0, 0);
        put_colour(A_BOLD, "synward  ");
        put_colour(state_attribute(ctl_text(s, "state")), ctl_text(s, "state"));
        printw(", %s, for %s", ctl_text(s, "diagnosis"),
               term_age(ctl_text(s, "since"), ctl_text(s, "time"), a));
        json_array_foreach(json_object_get(s, "reasons"), i, reason)
                if (i < 2)
                        mvprintw(1 + (int) i, 2, "%s", json_string_value(reason));
        mvprintw(3, 0, "half-open %s   SYN/s %s   completion %s",
                 term_figure(ctl_number(host, "half_open"), 0, a),
                 term_figure(ctl_number(host, "syn_per_s"), 1, b),
                 term_percent(ctl_number(host, "completion_ratio"), c));
        printw("   cookies/s %s   tcp_syncookies %s",
               term_figure(ctl_number(host, "cookies_sent_per_s"), 1, a),
               term_figure(ctl_number(json_object_get(s, "syncookies"), "value"), 0, b));
}

static void draw_listeners(const json_t *s, bool utf8, int *row, int last) {
        struct term screen = { .tty = true, .utf8 = utf8 };
        const json_t *l;
        size_t i;

        attron(A_REVERSE);
        mvprintw((*row)++, 0, "%-28s %-10s %9s %8s %6s %9s %5s  %-20s", "LISTENER", "STATE",
                 "HALF-OPEN", "BACKLOG", "FILL", "SYN/s", "COMPL", "");
        attroff(A_REVERSE);
        json_array_foreach(json_object_get(s, "listeners"), i, l) {
                char name[80], a[TERM_FIGURE_MAX], b[TERM_FIGURE_MAX], c[TERM_FIGURE_MAX],
                        d[TERM_FIGURE_MAX], e[TERM_FIGURE_MAX], bar[TERM_BAR_MAX];
                const char *address = ctl_text(l, "address");

                if (*row > last)
                        return;
                snprintf(name, sizeof name, strchr(address, ':') ? "[%.60s]:%.0f" : "%.60s:%.0f",
                         address, ctl_number(l, "port"));
                mvprintw(*row, 0, "%-28s ", name);
                attron(state_attribute(ctl_text(l, "state")));
                printw("%-10s", ctl_text(l, "state"));
                attroff(state_attribute(ctl_text(l, "state")));
                printw(" %9s %8s %6s %9s %5s  %s", term_figure(ctl_number(l, "half_open"), 0, a),
                       term_figure(ctl_number(l, "backlog"), 0, b),
                       term_percent(ctl_number(l, "fill"), c),
                       term_figure(ctl_number(l, "syn_per_s"), 1, d),
                       term_percent(ctl_number(l, "completion_ratio"), e),
                       term_bar(&screen, ctl_number(l, "fill"), 20, bar));
                (*row)++;
        }
}

static void draw_sources(const json_t *answer, int row, int last) {
        const json_t *s;
        size_t i;

        attron(A_REVERSE);
        mvprintw(row++, 0, "%-42s %9s %9s %6s", "SOURCE", "HALF-OPEN", "SYN/s", "SHARE");
        attroff(A_REVERSE);
        json_array_foreach(json_object_get(answer, "sources"), i, s) {
                char a[TERM_FIGURE_MAX], b[TERM_FIGURE_MAX], c[TERM_FIGURE_MAX];

                if (row > last)
                        return;
                mvprintw(row++, 0, "%-42s %9s %9s %6s", ctl_text(s, "address"),
                         term_figure(ctl_number(s, "half_open"), 0, a),
                         term_figure(ctl_number(s, "syn_per_s"), 1, b),
                         term_percent(ctl_number(s, "share"), c));
        }
}

static void draw(const json_t *status, const json_t *sources, bool utf8) {
        int row = 5, bottom = LINES - 2;

        erase();
        draw_head(status);
        draw_listeners(status, utf8, &row, bottom - bottom / 3);
        draw_sources(sources, row + 1, bottom);
        mvprintw(LINES - 1, 0, "%s   q: quit", ctl_text(status, "time"));
        refresh();
}

static int ask(struct client *c, const char *method, struct client_answer *ret) {
        int error = client_send(c, method, NULL, false);

        return error < 0 ? error : client_receive(c, CLIENT_TIMEOUT_MS, ret);
}

/* 0 when the user quits. */
static int watch(struct client *c, bool utf8) {
        for (;;) {
                struct client_answer status = { 0 }, sources = { 0 };
                int error = ask(c, "io.synward.GetStatus", &status);

                if (error == 0)
                        error = ask(c, "io.synward.GetSources", &sources);
                if (error == 0 && !status.error && !sources.error)
                        draw(status.parameters, sources.parameters, utf8);
                client_answer_clear(&status);
                client_answer_clear(&sources);
                /* A change of the window's size interrupts the waiting: draw again. */
                if (error < 0 && error != -EINTR)
                        return error;
                if (getch() == 'q')
                        return 0;
        }
}

static void start_screen(bool colour) {
        initscr();
        cbreak();
        noecho();
        curs_set(0);
        keypad(stdscr, TRUE);
        timeout(RENEW_MS);
        if (!colour || !has_colors())
                return;
        start_color();
        use_default_colors();
        init_pair(PAIR_GOOD, COLOR_GREEN, -1);
        init_pair(PAIR_WARN, COLOR_YELLOW, -1);
        init_pair(PAIR_BAD, COLOR_RED, -1);
}

int command_top(struct ctl *ctl, int argc, char **argv) {
        struct client *c;
        int error;

        if (!ctl_no_arguments(argc, argv))
                return EXIT_USAGE;
        if (!ctl->term.tty || !isatty(STDIN_FILENO)) {
                fputs("synwardctl top: needs a terminal; see synwardctl status\n", stderr);
                return EXIT_USAGE;
        }
        error = client_open(ctl->socket, &c);
        if (error < 0)
                return ctl_fail(ctl, error);
        start_screen(ctl->term.colour);
        error = watch(c, ctl->term.utf8);
        endwin();
        client_free(c);
        return error < 0 ? ctl_fail(ctl, error) : EXIT_OK;
}
#else
int command_top(struct ctl *ctl, int argc, char **argv) {
        (void) ctl;
        (void) argc;
        (void) argv;
        fputs("synwardctl top: built without ncurses; see synwardctl status\n", stderr);
        return EXIT_USAGE;
}
#endif
