/* SPDX-License-Identifier: GPL-2.0-or-later */

/* What the daemon's helper processes say, when one of them means ill. The first byte says which: 0 the
 * walker, 1 who counts peers, 2 the scribe. Behind it, of the first two, records: a byte, 1 to have the
 * record as long as its count of rows says; two of its length, low one first; its bytes. Of the scribe a
 * stream, which comes in two parts. */

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "actions/scribe_client.h"
#include "sensors/sock_diag.h"
#include "sensors/walker.h"
#include "sensors/walker_client.h"
#include "tests/fuzz/hostile-helper.h"
#include "util/log.h"
#include "util/peer_counter.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds) {
        if (!holds)
                abort();
}

static void say(const void *bytes, size_t length) {
        if (hostile_helper_fd() >= 0 && length > 0)
                (void) !send(hostile_helper_fd(), bytes, length, MSG_NOSIGNAL);
}

/* --- records -------------------------------------------------------------------------- */

/* The next one, into a buffer of that size; false: there is none. */
static bool next_record(const uint8_t **data, size_t *left, uint8_t *ret, size_t size, size_t *ret_length,
                        bool *ret_fitted) {
        size_t length;

        if (*left < 3)
                return false;
        *ret_fitted = (*data)[0] == 1;
        length = (*data)[1] | (size_t) (*data)[2] << 8;
        *data += 3, *left -= 3;
        if (length > *left)
                length = *left;
        memset(ret, 0, size);
        memcpy(ret, *data, length < size ? length : size);
        *data += length, *left -= length;
        *ret_length = length < size ? length : size;
        return true;
}

/* --- the walker ------------------------------------------------------------------------ */

static struct sock_diag *sensor;

static void on_begin(void *userdata) {
        (void) userdata;
        sock_diag_walk_begin(sensor, SOCK_DIAG_CONNECTIONS_TOO);
}

static int on_row(void *userdata, const struct sock_diag_row *row) {
        unsigned *rows = userdata;

        (*rows)++;
        require(row->family == AF_INET || row->family == AF_INET6);
        sock_diag_walk_row(sensor, row);
        return 0;
}

static void walker(sd_event *event, const uint8_t *data, size_t left) {
        static struct walker_frame frame;
        unsigned rows_told = 0, rows_sent = 0;
        const struct sock_diag_rows rows = { on_begin, on_row, &rows_told };
        struct walker_client *c;
        uint64_t cost_us;
        size_t length;
        bool fitted;

        if (walker_client_new(event, &rows, &c) < 0)
                return;
        on_begin(NULL);
        for (uint64_t now_us = 1; next_record(&data, &left, (uint8_t *) &frame, sizeof frame, &length, &fitted);
             now_us++) {
                if (fitted) {
                        frame.count %= WALKER_ROWS_MAX + 1;
                        length = offsetof(struct walker_frame, rows) + frame.count * sizeof frame.rows[0];
                }
                rows_sent += frame.count <= WALKER_ROWS_MAX ? frame.count : 0;
                (void) walker_client_ask(c, SOCK_DIAG_CONNECTIONS_TOO, now_us);
                say(&frame, length);
                require(walker_client_collect(c, 0, now_us, &cost_us) <= 0);
                walker_client_step(c, now_us);
        }
        require(rows_told <= rows_sent);
        walker_client_free(c);
}

/* --- who counts peers -------------------------------------------------------------------- */

static void peers(const uint8_t *data, size_t left) {
        static const struct established_peer asked[2] = { { .length = 128 }, { .length = 64 } };
        static struct established_peer got[ESTABLISHED_PEERS_MAX];
        static uint8_t record[sizeof got + 64];
        struct peer_counter *c;
        uint32_t count, user = 0;
        uint64_t cost_us;
        size_t length;
        bool fitted;

        if (peer_counter_new(&c) < 0)
                return;
        for (uint64_t now_us = 1; next_record(&data, &left, record, sizeof record, &length, &fitted); now_us++) {
                (void) peer_counter_ask(c, user, asked, 2, now_us);
                /* The record is the question back, with its head changed. */
                if (fitted && hostile_helper_fd() >= 0) {
                        uint8_t question[sizeof record];
                        ssize_t n = recv(hostile_helper_fd(), question, sizeof question, 0);

                        if (n > 0) {
                                memcpy(question, record, length < (size_t) n ? length : (size_t) n);
                                say(question, (size_t) n);
                        }
                } else
                        say(record, length);
                count = 0;
                if (peer_counter_answer(c, user, now_us + 1, got, &count, &cost_us) == 0)
                        require(count <= ESTABLISHED_PEERS_MAX);
                user = (user + 1) % PEER_COUNTER_USERS;
        }
        peer_counter_free(c);
}

/* --- the scribe -------------------------------------------------------------------------- */

static unsigned dones;

static void on_done(void *userdata, const struct scribe_order *order, const struct scribe_reply *reply,
                    const char *text) {
        volatile char last;

        (void) userdata;
        dones++;
        require(order->operation < SCRIBE_OPERATIONS && reply->length <= SCRIBE_DATA_MAX &&
                (text || reply->length == 0));
        for (uint32_t i = 0; i < reply->length; i++)
                last = text[i];
        (void) last;
}

static void scribe(sd_event *event, const uint8_t *data, size_t left) {
        const struct scribe_order order = { .operation = SCRIBE_LIST, .length = 4 };
        struct scribe_client *c;
        unsigned submitted = 0;

        dones = 0;
        if (scribe_client_new(event, "/nonexistent", on_done, NULL, &c) < 0)
                return;
        for (unsigned i = 0; i < 4; i++)
                submitted += scribe_client_submit(c, &order, "null") == 0;
        say(data, left / 2);
        scribe_client_step(c, 1);
        say(data + left / 2, left - left / 2);
        scribe_client_step(c, 2);
        require(dones <= submitted);
        if (hostile_helper_fd() >= 0) /* the end waits for one that is there */
                shutdown(hostile_helper_fd(), SHUT_RDWR);
        scribe_client_step(c, 3);
        scribe_client_free(c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        static sd_event *event;

        if (size < 1 || (!event && (sd_event_new(&event) < 0 || sock_diag_new(NULL, &sensor) < 0)))
                return 0;
        log_setup(-2); /* what is given up at the end */
        if (data[0] % 3 == 0)
                walker(event, data + 1, size - 1);
        else if (data[0] % 3 == 1)
                peers(data + 1, size - 1);
        else
                scribe(event, data + 1, size - 1);
        return 0;
}
