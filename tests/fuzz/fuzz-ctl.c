/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Every command of synwardctl on a daemon that means ill: whatever it answers, nothing that could
 * drive a terminal is printed. The first byte chooses the command, the second how it prints; behind
 * them the answers, each ended by a NUL. */

#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/ctl.h"
#include "tests/fuzz/hostile-daemon.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ARGUMENTS_MAX = 6, FLAG_JSON = 1, FLAG_TTY = 2, FLAG_UTF8 = 4 };

static const struct {
        int (*run)(struct ctl *ctl, int argc, char **argv);
        const char *arguments[ARGUMENTS_MAX];
        bool one_line;
} commands[] = {
        { command_status, { "status" }, false },
        { command_listeners, { "listeners" }, false },
        { command_listeners, { "listeners", "-n", "3" }, false },
        { command_sources, { "sources" }, false },
        { command_sources, { "sources", "--prefix" }, false },
        { command_blocked, { "blocked" }, false },
        { command_events, { "events" }, false },
        { command_events, { "events", "-f" }, false },
        { command_history, { "history" }, false },
        { command_history, { "history", "--csv" }, false },
        { command_incidents, { "incidents" }, false },
        { command_incidents, { "incidents", "7" }, false },
        { command_incidents, { "incidents", "--html", "7" }, false },
        { command_metrics, { "metrics" }, false },
        { command_check, { "check" }, true },
        { command_check, { "check", "-w", "syns=5:", "-c", "@10" }, true },
        { command_ping, { "ping" }, true },
        { command_reload, { "reload" }, false },
        { command_sources, { "sources", "--bucket", "0:17" }, false },
};

enum { COMMANDS = sizeof commands / sizeof *commands };

static bool is_inside(unsigned char c) {
        return (c & 0xc0) == 0x80;
}

/* C0 but for line breaks, DEL, and C1 as U+0080..9F or as bytes that belong to no character. */
static void require_harmless(const char *text, size_t length) {
        bool inside = false;

        for (size_t i = 0; i < length; i++) {
                unsigned char c = (unsigned char) text[i], next = i + 1 < length ? (unsigned char) text[i + 1] : 0;

                if ((c < 0x20 && c != '\n' && c != '\t') || c == 0x7f)
                        abort();
                if (c == 0xc2 && next >= 0x80 && next < 0xa0)
                        abort();
                if (c >= 0x80 && c < 0xa0 && !inside)
                        abort();
                inside = c >= 0xc0 || (inside && is_inside(c));
        }
}

struct caught {
        FILE *file;
        char *text;
        size_t length;
};

static void catch (struct caught *c) {
        c->file = open_memstream(&c->text, &c->length);
        if (!c->file)
                abort();
}

static void look_at(struct caught *c) {
        if (fclose(c->file) != 0)
                abort();
        require_harmless(c->text, c->length);
}

static int run(unsigned command, unsigned flags) {
        struct ctl ctl = {
                .socket = "socket",
                .json = flags & FLAG_JSON,
                .term = { .tty = flags & FLAG_TTY, .utf8 = flags & FLAG_UTF8, .width = 80, .height = 24 },
        };
        char words[ARGUMENTS_MAX][16], *argv[ARGUMENTS_MAX + 1] = { NULL };
        int argc = 0;

        for (; argc < ARGUMENTS_MAX && commands[command].arguments[argc]; argc++) {
                snprintf(words[argc], sizeof words[argc], "%s", commands[command].arguments[argc]);
                argv[argc] = words[argc];
        }
        optind = 0;
        return commands[command].run(&ctl, argc, argv);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        FILE *real_out = stdout, *real_error = stderr;
        struct caught out, error;
        unsigned command;

        if (size < 2)
                return 0;
        command = data[0] % COMMANDS;
        hostile_daemon_start(data + 2, size - 2);
        catch (&out);
        catch (&error);
        stdout = out.file;
        stderr = error.file;
        if (run(command, data[1]) < 0)
                abort();
        stdout = real_out;
        stderr = real_error;
        look_at(&out);
        look_at(&error);
        if (commands[command].one_line && out.length > 0 &&
            memchr(out.text, '\n', out.length) != out.text + out.length - 1)
                abort();
        free(out.text);
        free(error.text);
        return 0;
}
