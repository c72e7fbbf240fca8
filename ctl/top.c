/* SPDX-License-Identifier: GPL-2.0-or-later */
/* synwardctl top: what happens now on one screen, twice a second. */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "ctl/ctl.h"

#ifdef HAVE_NCURSES
#include <curses.h>
#include <poll.h>
#include <signal.h>
#include <time.h>

#include "ctl/top_keys.h"
#include "ctl/top_screen.h"

enum { RENEW_MS = 500 };

static volatile sig_atomic_t ended_by;

static void on_signal(int signal) {
        ended_by = signal;
}

static int64_t now_ms(void) {
        struct timespec t;

        clock_gettime(CLOCK_MONOTONIC, &t);
        return (int64_t) t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Signals reach us only while we wait, so that none is missed and curses is not interrupted
 * in mid-sequence. Returns the mask to wait with. */
static sigset_t catch_signals(void) {
        static const int ends[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };
        struct sigaction end = { .sa_handler = on_signal };
        sigset_t blocked, before;

        sigemptyset(&blocked);
        for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
                sigaddset(&blocked, ends[i]);
                sigaction(ends[i], &end, NULL);
        }
        sigaddset(&blocked, SIGWINCH);
        sigprocmask(SIG_BLOCK, &blocked, &before);
        return before;
}

/* --- the loop ------------------------------------------------------------------------------------ */

struct top {
        struct top_view view;
        struct feed feed;
        sigset_t waiting; /* the signals that are let in while we wait */
        int64_t next_ms;
        bool gone; /* the terminal */
};

static void wait_for(struct top *t, int64_t until_ms) {
        struct pollfd fds[] = {
                { .fd = STDIN_FILENO, .events = POLLIN },
                { .fd = feed_fd(&t->feed), .events = POLLIN },
        };
        int64_t left_ms = until_ms - now_ms();
        struct timespec left = { 0 };

        if (left_ms > 0)
                left = (struct timespec) { left_ms / 1000, left_ms % 1000 * 1000000 };
        if (ppoll(fds, 2, &left, &t->waiting) > 0 && (fds[0].revents & (POLLHUP | POLLERR | POLLNVAL)))
                t->gone = true;
}

/* False: quit. */
static bool take_keys(struct top *t, bool *ret_draw) {
        int key;

        while ((key = getch()) != ERR) {
                *ret_draw = true;
                if (!top_keys_take(&t->view, &t->feed, key))
                        return false;
        }
        return true;
}

static void run(struct top *t) {
        while (!ended_by && !t->gone) {
                bool draw = false;
                int64_t now;

                wait_for(t, t->next_ms);
                if (!take_keys(t, &draw))
                        return;
                now = now_ms();
                draw |= feed_take(&t->feed, now);
                if (now >= t->next_ms) {
                        t->next_ms = now + RENEW_MS;
                        if (!t->view.paused)
                                feed_ask(&t->feed, now);
                        draw |= t->feed.error != 0;
                }
                t->view.gone_s = t->feed.error ? (double) (now - t->feed.lost_ms) / 1e3 : -1;
                if (draw)
                        top_screen_draw(&t->view, &t->feed);
        }
}

static SCREEN *start_screen(const struct term *term) {
        SCREEN *screen = newterm(NULL, stdout, stdin);

        if (!screen)
                return NULL;
        cbreak();
        noecho();
        nonl();
        curs_set(0);
        keypad(stdscr, TRUE);
        set_escdelay(50);
        nodelay(stdscr, TRUE);
        top_screen_start(term);
        return screen;
}

/* The first look, so that a daemon that is not there is told on the shell's screen. */
static int begin(struct ctl *ctl) {
        json_t *answer = NULL;
        int status = ctl_ask(ctl, "io.synward.GetStatus", NULL, CLIENT_TIMEOUT_MS, &answer);

        json_decref(answer);
        return status;
}

int command_top(struct ctl *ctl, int argc, char **argv) {
        struct top t = { .view = { .term = ctl->term, .gone_s = -1 }, .feed = { .socket = ctl->socket } };
        SCREEN *screen;
        int status;

        if (!ctl_no_arguments(argc, argv))
                return EXIT_USAGE;
        if (!ctl->term.tty || !isatty(STDIN_FILENO)) {
                fputs("synwardctl top: needs a terminal; see synwardctl status\n", stderr);
                return EXIT_USAGE;
        }
        status = begin(ctl);
        if (status != EXIT_OK)
                return status;
        t.waiting = catch_signals();
        screen = start_screen(&ctl->term);
        if (!screen) {
                fputs("synwardctl top: this terminal is not known; set TERM, or see synwardctl status\n", stderr);
                return EXIT_USAGE;
        }
        run(&t);
        endwin();
        delscreen(screen);
        feed_clear(&t.feed);
        if (ended_by && ended_by != SIGINT) { /* for who waits for us: by this signal */
                signal(ended_by, SIG_DFL);
                sigprocmask(SIG_SETMASK, &t.waiting, NULL);
                raise(ended_by);
        }
        return EXIT_OK;
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
