/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h" /* MSG_CMSG_CLOEXEC */

#include "privileged/client.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "privileged/deadline.h"
#include "privileged/message.h"

enum {
        QUICK_MS = 250, /* what is asked every tick */
        /* A change of the table waits for other CPUs, and took more than 250 ms on a busy machine. It
         * comes once or twice in a flood. */
        COMMAND_MS = 1000,
        /* libnftables reads the host's whole ruleset first. Not while a flood is watched, but at the
         * start and when a keeper was lost. */
        OPENING_MS = 2000,
        STRAYS_MAX = 16, /* late answers passed over while waiting for ours */
};

struct privileged {
        int fd; /* -1: gone */
        uint32_t sequence;
        uint32_t generation;
        uint32_t owed; /* answers that have not come */
        bool blocks;   /* this keeper has a block list */
        char reason[MESSAGE_REASON_MAX];
};

int privileged_new(int fd, struct privileged **ret) {
        struct privileged *p = calloc(1, sizeof *p);

        if (!p)
                return -ENOMEM;
        p->fd = fd;
        *ret = p;
        return 0;
}

struct privileged *privileged_free(struct privileged *p) {
        if (!p)
                return NULL;
        if (p->fd >= 0)
                close(p->fd);
        free(p);
        return NULL;
}

bool privileged_is_gone(const struct privileged *p) {
        return p->fd < 0;
}

int privileged_fd(const struct privileged *p) {
        return p->fd;
}

/* --- messages ---------------------------------------------------------------------- */

static int lose(struct privileged *p) {
        if (p->fd >= 0)
                close(p->fd);
        p->fd = -1;
        return -EPIPE;
}

static int descriptor_of(struct msghdr *m) {
        int fd = -1;

        for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c))
                if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS && c->cmsg_len == CMSG_LEN(sizeof fd))
                        memcpy(&fd, CMSG_DATA(c), sizeof fd);
        return fd;
}

/* 0: one, *ret_fd is -1 or the caller's. -EAGAIN: there is none now, -EBADMSG: not one of ours,
 * -EPIPE. */
static int receive_one(struct privileged *p, struct message_reply *ret, int *ret_fd) {
        _Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))];
        struct iovec data = { ret, sizeof *ret };
        struct msghdr m = {
                .msg_iov = &data, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control
        };
        int fd;
        ssize_t n;

        do
                n = recvmsg(p->fd, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC | MSG_TRUNC);
        while (n < 0 && errno == EINTR);
        if (n < 0 && errno == EAGAIN)
                return -EAGAIN;
        if (n <= 0)
                return lose(p);
        fd = descriptor_of(&m);
        if (message_reply_check(ret, (size_t) n) < 0) {
                if (fd >= 0)
                        close(fd);
                return -EBADMSG;
        }
        *ret_fd = fd;
        return 0;
}

/* Whether the keeper is another one than the one known so far. */
static bool note_generation(struct privileged *p, const struct message_reply *reply) {
        bool other = p->generation && reply->generation != p->generation;

        if (reply->operation == MESSAGE_HELLO)
                p->owed = 0; /* the one before answers no more */
        else if (p->owed > 0)
                p->owed--;
        if (other)
                p->blocks = false;
        p->generation = reply->generation;
        return other;
}

/* What has come since: answers that were given up, and another keeper's hello. */
static void take_strays(struct privileged *p) {
        struct message_reply reply;
        int fd, r;

        while (p->fd >= 0 && (r = receive_one(p, &reply, &fd)) != -EAGAIN && r != -EPIPE)
                if (r == 0) {
                        (void) note_generation(p, &reply);
                        if (fd >= 0)
                                close(fd);
                }
}

uint32_t privileged_generation(struct privileged *p) {
        take_strays(p);
        return p->generation;
}

static int wait_for(struct privileged *p, uint64_t until_us) {
        struct pollfd poll_fd = { .fd = p->fd, .events = POLLIN };
        uint64_t now_us = deadline_now_us();
        int r = now_us < until_us ? poll(&poll_fd, 1, (int) ((until_us - now_us + 999) / 1000)) : 0;

        return r < 0 ? -errno : r == 0 ? -ETIMEDOUT : 0;
}

/* The answer to our last request, passing over others. */
static int receive(struct privileged *p, struct message_reply *ret, uint64_t until_us, int *ret_fd) {
        for (unsigned strays = 0; strays < STRAYS_MAX; strays++) {
                int fd = -1, r = receive_one(p, ret, &fd);
                bool other;

                if (r == -EAGAIN) {
                        r = wait_for(p, until_us);
                        if (r < 0 && r != -EINTR)
                                return r;
                        continue;
                }
                if (r == -EBADMSG)
                        continue;
                if (r < 0)
                        return r;
                other = note_generation(p, ret);
                if (ret->sequence == p->sequence && !other) {
                        *ret_fd = fd;
                        return 0;
                }
                if (fd >= 0)
                        close(fd);
                if (other)
                        return -ESTALE;
        }
        return -ETIMEDOUT;
}

static int transact(struct privileged *p, struct message_request *m, struct message_reply *ret, int bound_ms,
                    int *ret_fd) {
        uint32_t before = p->generation;
        int r;

        take_strays(p);
        if (p->fd < 0)
                return -EPIPE;
        if (p->owed > 0)
                return -EAGAIN;
        if (before != p->generation && before)
                return -ESTALE;
        p->sequence += p->sequence == UINT32_MAX ? 2 : 1; /* never 0 */
        m->sequence = p->sequence;
        m->generation = p->generation;
        m->until_us = deadline_now_us() + (uint64_t) bound_ms * 1000;
        if (send(p->fd, m, sizeof *m, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
                return errno == EAGAIN ? -EAGAIN : lose(p);
        p->owed++;
        r = receive(p, ret, m->until_us, ret_fd);
        return r < 0 ? r : ret->result;
}

static const char *trouble_text(int error) {
        switch (error) {
        case -EPIPE:
                return "the privileged process is gone";
        case -ESTALE:
                return "the privileged process was started anew";
        case -EAGAIN:
        case -ETIMEDOUT:
                return "the privileged process does not answer";
        }
        return strerror(-error);
}

/* ret_fd: NULL: nothing is to come with the answer. */
static int ask(struct privileged *p, struct message_request *m, struct message_reply *ret, int bound_ms, int *ret_fd,
               const char **ret_reason) {
        int fd = -1, r = transact(p, m, ret, bound_ms, &fd);

        if (r >= 0 && message_brings_socket(m->operation) && fd < 0)
                r = -EPROTO;
        if (fd >= 0 && (r < 0 || !ret_fd)) {
                close(fd);
                fd = -1;
        }
        if (r < 0 && ret_reason) {
                bool told = r == ret->result && ret->sequence == m->sequence && ret->reason[0];

                snprintf(p->reason, sizeof p->reason, "%s", told ? ret->reason : trouble_text(r));
                *ret_reason = p->reason;
        }
        if (ret_fd)
                *ret_fd = fd;
        return r;
}

static int ask_plain(struct privileged *p, struct message_request *m, int bound_ms, const char **ret_reason) {
        struct message_reply reply = { 0 };

        return ask(p, m, &reply, bound_ms, NULL, ret_reason);
}

/* --- the operations ------------------------------------------------------------------ */

int privileged_make_table(struct privileged *p, const char **ret_reason) {
        struct message_request m;

        message_request_begin(&m, MESSAGE_TABLE);
        return ask_plain(p, &m, OPENING_MS, ret_reason);
}

int privileged_make_rules(struct privileged *p, uint16_t group, uint32_t copy_range, const char **ret_reason) {
        struct message_request m;

        message_request_begin(&m, MESSAGE_RULES);
        m.log = (struct message_log) { group, copy_range };
        return ask_plain(p, &m, OPENING_MS, ret_reason);
}

void privileged_remove_rules(struct privileged *p) {
        struct message_request m;

        message_request_begin(&m, MESSAGE_NO_RULES);
        (void) ask_plain(p, &m, COMMAND_MS, NULL);
}

int privileged_sample(struct privileged *p, uint32_t by_packet, uint32_t by_source, uint32_t seed, uint32_t max_per_s) {
        struct message_request m;

        message_request_begin(&m, MESSAGE_SAMPLE);
        m.sample = (struct message_sample) { by_packet, by_source, seed, max_per_s };
        return ask_plain(p, &m, COMMAND_MS, NULL);
}

int privileged_open_log(struct privileged *p, uint16_t group, uint32_t copy_range, int *ret_fd,
                        const char **ret_reason) {
        struct message_reply reply = { 0 };
        struct message_request m;

        message_request_begin(&m, MESSAGE_LOG);
        m.log = (struct message_log) { group, copy_range };
        return ask(p, &m, &reply, OPENING_MS, ret_fd, ret_reason);
}

int privileged_open_ends(struct privileged *p, int *ret_fd) {
        struct message_reply reply = { 0 };
        struct message_request m;

        message_request_begin(&m, MESSAGE_ENDS);
        return ask(p, &m, &reply, QUICK_MS, ret_fd, NULL);
}

static bool knows(const struct message_reply *reply, enum message_counter c) {
        return reply->counters_known & UINT32_C(1) << c;
}

int privileged_read_counts(struct privileged *p, bool elsewhere, struct privileged_counts *ret) {
        struct message_reply reply = { 0 };
        struct message_request m;
        int r;

        message_request_begin(&m, MESSAGE_COUNTERS);
        m.counters = UINT32_C(1) << MESSAGE_COUNTER_SYNS;
        if (elsewhere)
                m.counters |= UINT32_C(1) << MESSAGE_COUNTER_ARRIVED | UINT32_C(1) << MESSAGE_COUNTER_FORWARDED;
        r = ask(p, &m, &reply, QUICK_MS, NULL, NULL);
        if (r >= 0 && !knows(&reply, MESSAGE_COUNTER_SYNS))
                r = -ENOENT;
        if (r < 0)
                return r;
        *ret = (struct privileged_counts) {
                .syns = reply.counters[MESSAGE_COUNTER_SYNS],
                .arrived = reply.counters[MESSAGE_COUNTER_ARRIVED],
                .forwarded = reply.counters[MESSAGE_COUNTER_FORWARDED],
                .elsewhere_known = knows(&reply, MESSAGE_COUNTER_ARRIVED) && knows(&reply, MESSAGE_COUNTER_FORWARDED),
        };
        return 0;
}

int privileged_read_blocked(struct privileged *p, uint64_t *ret) {
        struct message_reply reply = { 0 };
        struct message_request m;
        int r;

        if (!p->blocks) {
                *ret = 0;
                return 0;
        }
        message_request_begin(&m, MESSAGE_COUNTERS);
        m.counters = UINT32_C(1) << MESSAGE_COUNTER_BLOCKED;
        r = ask(p, &m, &reply, QUICK_MS, NULL, NULL);
        if (r >= 0)
                *ret = reply.counters[MESSAGE_COUNTER_BLOCKED];
        return r;
}

static struct message_entry entry_of(const struct privileged_entry *entry) {
        uint64_t ms = entry->timeout_us / 1000;
        struct message_entry e = { .length = entry->prefix.length, .limit_per_s = entry->limit_per_s };

        memcpy(e.address, entry->prefix.address.bytes, sizeof e.address);
        e.timeout_ms = ms < 1 ? 1 : ms > MESSAGE_TIMEOUT_MAX_MS ? MESSAGE_TIMEOUT_MAX_MS : (uint32_t) ms;
        return e;
}

int privileged_block(struct privileged *p, const struct privileged_entry *list, uint32_t count,
                     const char **ret_reason) {
        int r = 0;

        for (uint32_t i = 0; r >= 0 && i < count;) {
                struct message_request m;

                message_request_begin(&m, MESSAGE_BLOCK);
                for (; i < count && m.entries.count < MESSAGE_ENTRIES_MAX; i++)
                        m.entries.list[m.entries.count++] = entry_of(&list[i]);
                /* The first makes the sets and their chains. */
                r = ask_plain(p, &m, p->blocks ? COMMAND_MS : OPENING_MS, ret_reason);
                p->blocks |= r >= 0 || r == -ETIMEDOUT;
        }
        return r;
}

int privileged_unblock(struct privileged *p, const struct privileged_entry *entry, const char **ret_reason) {
        struct message_request m;

        message_request_begin(&m, MESSAGE_UNBLOCK);
        m.entries.count = 1;
        m.entries.list[0] = entry_of(entry);
        m.entries.list[0].timeout_ms = 0;
        return ask_plain(p, &m, COMMAND_MS, ret_reason);
}

int privileged_block_ports(struct privileged *p, const uint16_t *ports, uint32_t count, const char **ret_reason) {
        int r = 0;

        for (uint32_t i = 0; r >= 0 && i < count;) {
                struct message_request m;

                message_request_begin(&m, MESSAGE_PORTS);
                for (; i < count && m.ports.count < MESSAGE_PORTS_MAX; i++)
                        m.ports.list[m.ports.count++] = ports[i];
                r = ask_plain(p, &m, COMMAND_MS, ret_reason);
        }
        return r;
}

int privileged_clear_ports(struct privileged *p, const char **ret_reason) {
        struct message_request m;

        message_request_begin(&m, MESSAGE_NO_PORTS);
        return ask_plain(p, &m, COMMAND_MS, ret_reason);
}

int privileged_write_syncookies(struct privileged *p, uint8_t value) {
        struct message_request m;

        message_request_begin(&m, MESSAGE_SYNCOOKIES);
        m.syncookies = value;
        return ask_plain(p, &m, COMMAND_MS, NULL);
}
