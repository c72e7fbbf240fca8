/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h" /* for util/heap.h */

#include "actions/scribe.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <jansson.h>

#include "actions/file_sink.h"
#include "actions/incident_answer.h"
#include "actions/incident_file.h"
#include "actions/incident_store.h"
#include "actions/known_clients_file.h"
#include "util/heap.h"
#include "util/helper.h"
#include "util/json_text.h"

/* --- what it does -------------------------------------------------------------- */

static int make(const char *state_dir, const struct scribe_order *order) {
        int r = incident_store_create(state_dir, order->id);

        return r == -EEXIST && order->again ? 0 : r;
}

static int write_file(const char *state_dir, const struct scribe_order *order, const void *data) {
        int directory, r = incident_store_open(state_dir, order->id, &directory);

        if (r < 0)
                return r;
        if (order->operation == SCRIBE_APPEND)
                r = incident_file_append(directory, order->name, order->offset, data, order->length);
        else
                r = incident_file_put(directory, order->name, data, order->length);
        close(directory);
        return r;
}

static int answer(const char *state_dir, const struct scribe_order *order, const void *data, char **ret_text) {
        json_t *present = order->length > 0 ? json_text_read(data, order->length, 0, NULL, NULL) : NULL, *o;
        bool list = order->operation == SCRIBE_LIST;

        o = list ? incident_answer_list(state_dir, order->id, present)
                 : incident_answer_read(state_dir, order->id, present);
        if (!o)
                return list ? -ENOMEM : -ENOENT;
        /* As control/varlink.c has it. */
        *ret_text = json_text_write(o, JSON_COMPACT | JSON_REAL_PRECISION(15), "");
        json_decref(o);
        return *ret_text ? 0 : -ENOMEM;
}

static int append_line(const struct scribe_order *order, const char *data) {
        size_t path_length = strnlen(data, order->length);
        struct file_sink *sink;
        int r = path_length < order->length ? file_sink_new(data, &sink) : -EINVAL;

        if (r < 0)
                return r;
        r = file_sink_write(sink, data + path_length + 1, order->again);
        file_sink_free(sink);
        return r;
}

static int do_it(const char *state_dir, const struct scribe_order *order, const void *data, struct scribe_reply *reply,
                 char **ret_text) {
        switch ((enum scribe_operation) order->operation) {
        case SCRIBE_MAKE:
                return make(state_dir, order);
        case SCRIBE_APPEND:
        case SCRIBE_PUT:
                return write_file(state_dir, order, data);
        case SCRIBE_REMOVE:
                return incident_store_remove(state_dir, order->id);
        case SCRIBE_PRUNE:
                return incident_prune(state_dir, &order->bounds, &reply->others_bytes);
        case SCRIBE_LIST:
        case SCRIBE_READ:
                return answer(state_dir, order, data, ret_text);
        case SCRIBE_CLIENTS:
                return known_clients_file_put(state_dir, data, order->length);
        case SCRIBE_LINE:
                return append_line(order, data);
        case SCRIBE_OPERATIONS:
                break;
        }
        return -EINVAL;
}

void scribe_carry_out(const char *state_dir, const struct scribe_order *order, const void *data,
                      struct scribe_reply *ret, char **ret_text) {
        uint64_t before_us = helper_cpu_us();
        size_t length;

        *ret = (struct scribe_reply) { 0 };
        *ret_text = NULL;
        ret->result = do_it(state_dir, order, data, ret, ret_text);
        length = *ret_text ? strlen(*ret_text) : 0;
        if (length > SCRIBE_DATA_MAX) {
                free(*ret_text);
                *ret_text = NULL;
                ret->result = -EMSGSIZE;
                length = 0;
        }
        ret->length = (uint32_t) length;
        ret->cost_us = helper_cpu_us() - before_us;
}

/* --- the process ------------------------------------------------------------------ */

static bool receive(int fd, void *to, size_t length) {
        return length == 0 || recv(fd, to, length, MSG_WAITALL) == (ssize_t) length;
}

static bool reply(int fd, const void *data, size_t length) {
        const char *from = data;

        while (length > 0) {
                ssize_t n = send(fd, from, length, MSG_NOSIGNAL);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return false;
                from += n;
                length -= (size_t) n;
        }
        return true;
}

void scribe_run(int fd, const void *state_dir) {
        struct scribe_order order;
        struct scribe_reply r;
        bool good = true;

        while (good && receive(fd, &order, sizeof order) && order.length <= SCRIBE_DATA_MAX) {
                char *data = malloc(order.length + 1), *text = NULL;

                good = data && receive(fd, data, order.length);
                if (good) {
                        data[order.length] = '\0'; /* for what is text */
                        scribe_carry_out(state_dir, &order, data, &r, &text);
                        good = reply(fd, &r, sizeof r) && reply(fd, text, r.length);
                }
                free(text);
                free(data);
                if (order.operation >= SCRIBE_PRUNE)
                        heap_give_back();
        }
}
