/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* One varlink answer, from its text: whoever sent it may mean ill. */

#include <stdbool.h>

#include <jansson.h>

struct client_answer {
        json_t *message;    /* owns the others; released by client_answer_clear() */
        json_t *parameters; /* NULL: none */
        const char *error;  /* name of the error, NULL: none */
        bool continues;
};

/* -EPROTO: no varlink; -ENOMEM. */
int client_answer_parse(const char *text, struct client_answer *ret);
void client_answer_clear(struct client_answer *a);
