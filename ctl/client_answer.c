/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ctl/client_answer.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "util/json_text.h"

int client_answer_parse(const char *text, struct client_answer *ret) {
        struct client_answer a = { .message = NULL };
        const json_t *error;
        bool no_memory;

        a.message = json_text_read(text, strlen(text), JSON_REJECT_DUPLICATES, NULL, &no_memory);
        if (no_memory)
                return -ENOMEM;
        error = json_object_get(a.message, "error");
        a.parameters = json_object_get(a.message, "parameters");
        a.error = json_string_value(error);
        a.continues = json_is_true(json_object_get(a.message, "continues"));
        if (!json_is_object(a.message) || (error && !a.error) || (a.parameters && !json_is_object(a.parameters))) {
                json_decref(a.message);
                return -EPROTO;
        }
        *ret = a;
        return 0;
}

void client_answer_clear(struct client_answer *a) {
        json_decref(a->message);
        *a = (struct client_answer) { 0 };
}
