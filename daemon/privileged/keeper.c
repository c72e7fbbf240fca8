/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h" /* for util/heap.h */

#include "privileged/keeper.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/block_policy.h"
#include "privileged/deadline.h"
#include "privileged/log_socket.h"
#include "privileged/nft.h"
#include "privileged/nft_block.h"
#include "privileged/nft_counter.h"
#include "privileged/nft_rules.h"
#include "util/claim.h"
#include "util/ends_socket.h"
#include "util/heap.h"
#include "util/sysctl.h"

struct keeper {
        uint32_t generation;
        struct nft_table *table;
        struct nft_rules *rules; /* NULL: none are made */
        struct message_log log;  /* of those rules */
        struct nft_block block;
        struct nft_counters *counters; /* NULL: not yet needed */
        int claim; /* MESSAGE_WRITER_NAME; -1: not yet needed */
        int pair;  /* to who asks; -1: nobody does */
};

int keeper_new(uint32_t generation, struct keeper **ret) {
        struct keeper *k = calloc(1, sizeof *k);
        int r;

        if (!k)
                return -ENOMEM;
        k->generation = generation;
        k->claim = k->pair = -1;
        r = nft_table_new(&k->table);
        if (r < 0) {
                free(k);
                return r;
        }
        k->block.table = k->table;
        *ret = k;
        return 0;
}

struct keeper *keeper_free(struct keeper *k) {
        if (!k)
                return NULL;
        nft_counters_free(k->counters);
        nft_rules_free(k->rules);
        nft_table_free(k->table);
        if (k->claim >= 0) /* whoever waits for it finds nothing of ours any more */
                close(k->claim);
        free(k);
        return NULL;
}

/* --- what it does -------------------------------------------------------------- */

static int make_rules(struct keeper *k, const struct message_log *l, const char **ret_reason) {
        int r;

        if (k->rules && k->log.group == l->group && k->log.copy_range == l->copy_range)
                return 0; /* the answer to the first request may have come too late */
        k->rules = nft_rules_free(k->rules);
        r = nft_rules_new(k->table, (uint16_t) l->group, l->copy_range, &k->rules, ret_reason);
        if (r >= 0)
                k->log = *l;
        /* What libnftables took for a moment goes back to the kernel. */
        heap_give_back();
        return r;
}

static int sample(struct keeper *k, const struct message_sample *s, const char **ret_reason) {
        *ret_reason = "there are no rules to sample by";
        if (!k->rules)
                return -ENOENT;
        *ret_reason = "";
        return nft_rules_sample(k->rules, s->by_packet, s->by_source, s->seed, s->max_per_s);
}

static int read_counters(struct keeper *k, uint32_t which, struct message_reply *ret) {
        static const char *const names[MESSAGE_COUNTERS_COUNT] = {
                [MESSAGE_COUNTER_SYNS] = "syns",
                [MESSAGE_COUNTER_ARRIVED] = "arrived",
                [MESSAGE_COUNTER_FORWARDED] = "forwarded",
                [MESSAGE_COUNTER_BLOCKED] = BLOCK_COUNTER,
        };
        int r = k->counters ? 0 : nft_counters_new("synward", &k->counters);

        if (r < 0)
                return r;
        for (unsigned i = 0; i < MESSAGE_COUNTERS_COUNT; i++) {
                int e;

                if (!(which & UINT32_C(1) << i))
                        continue;
                e = nft_counters_read(k->counters, names[i], &ret->counters[i]);
                if (e >= 0)
                        ret->counters_known |= UINT32_C(1) << i;
                else
                        r = e;
        }
        if (r < 0 && r != -ENOENT && r != -EPERM) /* an answer may come late: not to the next question */
                k->counters = nft_counters_free(k->counters);
        return ret->counters_known ? 0 : r;
}

static bool is_asker_gone(const struct keeper *k) {
        struct pollfd p = { .fd = k->pair };

        return k->pair >= 0 && poll(&p, 1, 0) > 0 && (p.revents & POLLHUP);
}

/* What a daemon asked for that was killed then is not done after its --restore. Either that finds the name
 * taken, and waits for us to end, or we find the daemon gone after we took it. */
static int write_syncookies(struct keeper *k, uint8_t value) {
        pid_t other;

        if (k->claim < 0) /* one that somebody else has is no reason to do nothing */
                (void) claim_take(MESSAGE_WRITER_NAME, &k->claim, &other);
        return is_asker_gone(k) ? -ECANCELED : sysctl_write(SYSCTL_SYNCOOKIES_PATH, value);
}

static int carry_out(struct keeper *k, const struct message_request *m, struct message_reply *reply, int *ret_fd,
                     const char **ret_reason) {
        switch ((enum message_operation) m->operation) {
        case MESSAGE_TABLE:
                return nft_table_open(k->table, ret_reason);
        case MESSAGE_RULES:
                return make_rules(k, &m->log, ret_reason);
        case MESSAGE_NO_RULES:
                k->rules = nft_rules_free(k->rules);
                return 0;
        case MESSAGE_SAMPLE:
                return sample(k, &m->sample, ret_reason);
        case MESSAGE_LOG:
                return log_socket_open((uint16_t) m->log.group, m->log.copy_range, ret_fd, ret_reason);
        case MESSAGE_ENDS:
                return ends_socket_open(ret_fd);
        case MESSAGE_COUNTERS:
                return read_counters(k, m->counters, reply);
        case MESSAGE_BLOCK:
                return nft_block_add(&k->block, m->entries.list, m->entries.count, ret_reason);
        case MESSAGE_UNBLOCK:
                return nft_block_remove(&k->block, m->entries.list, m->entries.count, ret_reason);
        case MESSAGE_PORTS:
                return nft_block_add_ports(&k->block, m->ports.list, m->ports.count, ret_reason);
        case MESSAGE_NO_PORTS:
                return nft_block_clear_ports(&k->block, ret_reason);
        case MESSAGE_SYNCOOKIES:
                return write_syncookies(k, (uint8_t) m->syncookies);
        case MESSAGE_HELLO:
        case MESSAGE_OPERATIONS:
                break;
        }
        return -EINVAL;
}

int keeper_answer(struct keeper *k, const void *request, size_t length, uint64_t now_us, struct message_reply *ret,
                  int *ret_fd) {
        const char *reason = NULL;
        struct message_request m;
        int r = message_request_check(request, length);

        if (r == -EPROTO)
                return r;
        *ret_fd = -1;
        memcpy(&m, request, sizeof m);
        if (r < 0 && (m.operation == MESSAGE_HELLO || m.operation >= MESSAGE_OPERATIONS || m.sequence == 0))
                return -EPROTO; /* no reply to it would be one */
        message_reply_begin(ret, &m, k->generation);
        if (r < 0)
                reason = "a request that is out of bounds";
        else if (m.generation && m.generation != k->generation)
                r = -ESTALE;
        else if (now_us > m.until_us)
                r = -ETIMEDOUT;
        else
                r = carry_out(k, &m, ret, ret_fd, &reason);
        ret->result = r > 0 ? 0 : r;
        if (r < 0 && reason)
                snprintf(ret->reason, sizeof ret->reason, "%s", reason);
        return 0;
}

/* --- the process ---------------------------------------------------------------- */

static int send_reply(int fd, const struct message_reply *reply, int with_fd) {
        _Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))] = { 0 };
        struct iovec data = { (void *) (uintptr_t) reply, sizeof *reply };
        struct msghdr m = { .msg_iov = &data, .msg_iovlen = 1 };

        if (with_fd >= 0) {
                struct cmsghdr *c;

                m.msg_control = control;
                m.msg_controllen = sizeof control;
                c = CMSG_FIRSTHDR(&m);
                c->cmsg_level = SOL_SOCKET;
                c->cmsg_type = SCM_RIGHTS;
                c->cmsg_len = CMSG_LEN(sizeof(int));
                memcpy(CMSG_DATA(c), &with_fd, sizeof with_fd);
        }
        return sendmsg(fd, &m, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

static int say_hello(int fd, uint32_t generation) {
        const struct message_request none = { .operation = MESSAGE_HELLO };
        struct message_reply hello;

        message_reply_begin(&hello, &none, generation);
        return send_reply(fd, &hello, -1);
}

static int answer_next(struct keeper *k, int fd) {
        struct message_request request;
        struct message_reply reply;
        int with_fd, r;
        ssize_t n = recv(fd, &request, sizeof request, MSG_TRUNC);

        if (n < 0)
                return errno == EINTR ? 1 : -errno;
        if (n == 0)
                return 0;
        if (keeper_answer(k, &request, (size_t) n, deadline_now_us(), &reply, &with_fd) < 0)
                return 1;
        r = send_reply(fd, &reply, with_fd);
        if (with_fd >= 0)
                close(with_fd);
        return r == -EPIPE ? 0 : r < 0 ? r : 1;
}

int keeper_run(int fd, uint32_t generation) {
        struct keeper *k;
        int r = keeper_new(generation, &k);

        if (r < 0)
                return r;
        k->pair = fd;
        r = say_hello(fd, generation);
        if (r >= 0)
                do
                        r = answer_next(k, fd);
                while (r > 0);
        keeper_free(k);
        return r == -EPIPE ? 0 : r;
}
