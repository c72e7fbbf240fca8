/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "ctl/ctl.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/json_text.h"

void ctl_append(char *text, size_t size, const char *format, ...) {
        size_t used = strlen(text);
        va_list args;

        va_start(args, format);
        vsnprintf(text + used, size - used, format, args);
        va_end(args);
}

double ctl_number(const json_t *o, const char *name) {
        const json_t *value = json_object_get(o, name);

        return json_is_number(value) ? json_number_value(value) : (double) NAN;
}

const char *ctl_text(const json_t *o, const char *name) {
        return ctl_string(json_object_get(o, name));
}

const char *ctl_string(const json_t *value) {
        const char *text = json_string_value(value);

        return text ? text : "";
}

int ctl_print_json(const json_t *o) {
        char *text = json_text_write(o, JSON_COMPACT | JSON_REAL_PRECISION(15), "");
        bool control;
        size_t n;

        if (!text) {
                fprintf(stderr, "synwardctl: the answer cannot be printed: %s\n", strerror(ENOMEM));
                return EXIT_REFUSED;
        }
        /* What jansson does not escape: DEL, and U+0080..9F, of which the second byte is the number. */
        for (const char *p = text; *p; p += n) {
                n = term_character(p, &control);
                if (control)
                        printf("\\u%04X", (unsigned) (unsigned char) p[n - 1]);
                else
                        fwrite(p, 1, n, stdout);
        }
        putchar('\n');
        free(text);
        return EXIT_OK;
}

int ctl_usage(const char *command, const char *what, const char *word) {
        fprintf(stderr, "synwardctl %s: %s: %s\n", command, what, word);
        return EXIT_USAGE;
}

bool ctl_no_arguments(int argc, char **argv) {
        if (argc > 1)
                ctl_usage(argv[0], "takes no arguments", argv[1]);
        return argc <= 1;
}

bool ctl_read_number(const char *text, unsigned max, unsigned *ret) {
        char *end;
        unsigned long n;

        if (*text < '0' || *text > '9')
                return false;
        errno = 0;
        n = strtoul(text, &end, 10);
        if (*end || errno != 0 || n > max)
                return false;
        *ret = (unsigned) n;
        return true;
}

int ctl_fail(const struct ctl *ctl, int error) {
        switch (-error) {
        case EACCES:
        case EPERM:
                fprintf(stderr, "synwardctl: %s: not permitted; are you in the socket's group?\n", ctl->socket);
                return EXIT_NOT_PERMITTED;
        case ENOENT:
        case ECONNREFUSED:
                fprintf(stderr, "synwardctl: %s: no daemon there; systemctl start synward starts it\n", ctl->socket);
                return EXIT_NO_DAEMON;
        case ECONNRESET:
                fprintf(stderr, "synwardctl: %s: the daemon hung up\n", ctl->socket);
                return EXIT_NO_DAEMON;
        case ETIMEDOUT:
        case EAGAIN:
                fprintf(stderr, "synwardctl: %s: the daemon does not answer\n", ctl->socket);
                return EXIT_NO_DAEMON;
        case EPROTO:
                fprintf(stderr, "synwardctl: %s: this is not synwardd\n", ctl->socket);
                return EXIT_NO_DAEMON;
        default:
                fprintf(stderr, "synwardctl: %s: %s\n", ctl->socket, strerror(-error));
                return EXIT_NO_DAEMON;
        }
}

int ctl_refused(const struct client_answer *a) {
        const char *dot = strrchr(a->error, '.');
        const json_t *messages = json_object_get(a->parameters, "messages");
        const json_t *line;
        size_t i;

        if (strcmp(a->error, "io.synward.PermissionDenied") == 0) {
                fputs("synwardctl: not permitted: this needs root or the daemon's own user\n", stderr);
                return EXIT_NOT_PERMITTED;
        }
        if (strcmp(a->error, "io.synward.NotReady") == 0)
                fputs("synwardctl: the daemon has only just started; try again\n", stderr);
        else if (strcmp(a->error, "io.synward.IncidentsUnavailable") == 0)
                fputs("synwardctl: the records cannot be read now (a disk that stands still?); try again\n", stderr);
        else if (strcmp(a->error, "io.synward.ConfigurationRejected") == 0)
                fputs("synwardctl: configuration rejected, the one in force stays:\n", stderr);
        else if (strcmp(a->error, "io.synward.SketchesOff") == 0)
                fputs("synwardctl: the daemon keeps no sketches of sources: set metrics.fleet_key, see synward.yaml(5)\n",
                      stderr);
        else if (strcmp(a->error, "io.synward.NoSuchBucket") == 0)
                fprintf(stderr, "synwardctl: no such bucket: rows are 0 to %.0f, cells 0 to %.0f\n",
                        ctl_number(a->parameters, "rows") - 1, ctl_number(a->parameters, "cells") - 1);
        else if (strcmp(a->error, "io.synward.NoSuchIncident") == 0)
                term_say(stderr, "synwardctl: no such incident: %s\n", ctl_text(a->parameters, "id"));
        else
                term_say(stderr, "synwardctl: the daemon said no: %s\n", dot ? dot + 1 : a->error);
        json_array_foreach(messages, i, line)
                term_say(stderr, "%s\n", ctl_string(line));
        return EXIT_REFUSED;
}

int ctl_ask(const struct ctl *ctl, const char *method, json_t *parameters, int timeout_ms, json_t **ret) {
        struct client_answer a;
        struct client *c;
        int error, status = EXIT_OK;

        error = client_open(ctl->socket, &c);
        if (error < 0) {
                json_decref(parameters);
                return ctl_fail(ctl, error);
        }
        error = client_send(c, method, parameters, false);
        if (error == 0)
                error = client_receive(c, timeout_ms, &a);
        if (error < 0)
                status = ctl_fail(ctl, error);
        else {
                if (a.error)
                        status = ctl_refused(&a);
                else
                        *ret = a.parameters ? json_incref(a.parameters) : json_object();
                client_answer_clear(&a);
        }
        client_free(c);
        return status;
}

int ctl_show(const struct ctl *ctl, int argc, char **argv, const char *method, int timeout_ms, ctl_print_fn *print) {
        json_t *answer;
        int status;

        if (!ctl_no_arguments(argc, argv))
                return EXIT_USAGE;
        status = ctl_ask(ctl, method, NULL, timeout_ms, &answer);
        if (status != EXIT_OK)
                return status;
        if (ctl->json)
                status = ctl_print_json(answer);
        else if (print)
                print(ctl, answer);
        json_decref(answer);
        return status;
}
