/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* What the commands of synwardctl share. */

#include <stdbool.h>

#include <jansson.h>

#include "ctl/client.h"
#include "ctl/term.h"

enum ctl_exit {
        EXIT_OK = 0,
        EXIT_REFUSED = 1, /* the daemon said no; doctor: something is serious */
        EXIT_USAGE = 2,
        EXIT_NO_DAEMON = 3,
        EXIT_NOT_PERMITTED = 4,
};

struct ctl {
        const char *socket;
        bool json;
        struct term term; /* of standard output */
};

/* Each takes its own name as argv[0], and returns the exit status. */
int command_blocked(struct ctl *ctl, int argc, char **argv);
int command_check(struct ctl *ctl, int argc, char **argv);
int command_doctor(struct ctl *ctl, int argc, char **argv);
int command_events(struct ctl *ctl, int argc, char **argv);
int command_history(struct ctl *ctl, int argc, char **argv);
int command_incidents(struct ctl *ctl, int argc, char **argv);
int command_listeners(struct ctl *ctl, int argc, char **argv);
int command_metrics(struct ctl *ctl, int argc, char **argv);
int command_ping(struct ctl *ctl, int argc, char **argv);
int command_reload(struct ctl *ctl, int argc, char **argv);
int command_sources(struct ctl *ctl, int argc, char **argv);
int command_status(struct ctl *ctl, int argc, char **argv);
int command_top(struct ctl *ctl, int argc, char **argv);

/* Calls and waits; takes over parameters. EXIT_OK and a new reference, or another exit
 * status, the reason already on standard error. */
int ctl_ask(const struct ctl *ctl, const char *method, json_t *parameters, int timeout_ms, json_t **ret);
/* A command without arguments: what it asks for, as JSON or by print (NULL: nothing). */
typedef void ctl_print_fn(const struct ctl *ctl, const json_t *answer);
int ctl_show(const struct ctl *ctl, int argc, char **argv, const char *method, int timeout_ms, ctl_print_fn *print);
/* The exit status for what client_open() and so on returned, told on standard error. */
int ctl_fail(const struct ctl *ctl, int error);
/* The same for an error of the daemon's. */
int ctl_refused(const struct client_answer *a);
/* One line of JSON on standard output, in which what could drive a terminal is escaped. */
int ctl_print_json(const json_t *o);
/* EXIT_USAGE, with "synwardctl COMMAND: what: word" on standard error. */
int ctl_usage(const char *command, const char *what, const char *word);
/* True if the command got no arguments; complains otherwise. */
bool ctl_no_arguments(int argc, char **argv);
/* A whole number from 0 to max. */
bool ctl_read_number(const char *text, unsigned max, unsigned *ret);

/* Appends to text, of which size bytes are ours, as much as fits. */
void ctl_append(char *text, size_t size, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* A figure of a JSON object, NAN if it is absent or null. */
double ctl_number(const json_t *o, const char *name);
/* A text of a JSON object, "" if it is absent or null. */
const char *ctl_text(const json_t *o, const char *name);
/* The text that a value is, "" if it is none. */
const char *ctl_string(const json_t *value);
