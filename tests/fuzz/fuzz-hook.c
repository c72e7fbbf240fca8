/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The bytes are what came over the pair of hooks: an order to the starter, a report to the daemon. Of
 * an order that is taken everything is made that a hook gets. */

#include <stdlib.h>
#include <string.h>

#include "format/event_fields.h"
#include "format/event_json.h"
#include "hooks/hook_message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void look_at_order(const struct hook_order *o) {
        struct event_field fields[EVENT_FIELDS_MAX];
        struct event e;
        json_t *again;
        char *line;

        if (o->rule >= SETTINGS_RULES_MAX)
                abort();
        if (o->kind != HOOK_ORDER_RUN)
                return;
        hook_order_event(o, &e);
        if (event_fields(&e, fields) > EVENT_FIELDS_MAX || strpbrk(e.message, "\n\r\033"))
                abort();
        line = event_json_line(&e);
        if (!line)
                return; /* not UTF-8: the hook is not started */
        again = json_loads(line, 0, NULL);
        if (!again || strchr(line, '\n') != line + strlen(line) - 1)
                abort();
        json_decref(again);
        free(line);
}

static void look(const void *data, size_t size) {
        static struct hook_order order;
        static struct hook_report report;

        if (hook_order_check(data, size) == 0) {
                memcpy(&order, data, sizeof order);
                look_at_order(&order);
        }
        if (hook_report_check(data, size) == 0) {
                memcpy(&report, data, sizeof report);
                if (report.generation == 0 || strlen(report.why) >= sizeof report.why ||
                    strlen(report.output) >= sizeof report.output || strlen(report.command) >= sizeof report.command)
                        abort();
        }
}

/* As it is, in a copy of the exact size, so that reading past it is seen; and, cut or filled up, of the
 * length of either. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        const size_t lengths[] = { size, sizeof(struct hook_order), sizeof(struct hook_report) };

        for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
                uint8_t *copy = calloc(1, lengths[i] ? lengths[i] : 1);

                if (!copy)
                        return 0;
                memcpy(copy, data, size < lengths[i] ? size : lengths[i]);
                look(copy, lengths[i]);
                free(copy);
        }
        return 0;
}
