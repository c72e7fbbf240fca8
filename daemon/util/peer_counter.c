/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "util/peer_counter.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "util/helper.h"

enum {
        WAIT_MS = 50, /* for an answer, unless the last one cost more */
};

/* A question that is not answered in that time is given up, and who has it with it. */
#define STANDS_US UINT64_C(50000000)

/* An answer that nobody wanted holds no longer. */
#define OLD_US UINT64_C(10000000)

/* Both ways. */
struct frame {
        uint32_t user, count;
        int32_t result;
        uint64_t cost_us;
        struct established_peer peers[ESTABLISHED_PEERS_MAX];
};

struct peer_counter {
        struct helper *helper;
        struct {
                bool asked;
                uint64_t asked_us;
                bool answered;
                struct frame answer;
        } users[PEER_COUNTER_USERS];
        uint64_t last_cost_us;
        struct frame frame;
};

static void run(int fd, const void *userdata) {
        struct frame f;

        (void) userdata;
        while (recv(fd, &f, sizeof f, 0) == sizeof f) {
                uint64_t before_us = helper_cpu_us();

                f.result = established_count(f.peers, f.count);
                f.cost_us = helper_cpu_us() - before_us;
                if (send(fd, &f, sizeof f, MSG_NOSIGNAL) != sizeof f)
                        break;
        }
}

int peer_counter_new(struct peer_counter **ret) {
        struct peer_counter *c = calloc(1, sizeof *c);
        int r = c ? helper_new("synwardd-peers", SOCK_SEQPACKET, run, NULL, &c->helper) : -ENOMEM;

        if (r < 0) {
                free(c);
                return r;
        }
        *ret = c;
        return 0;
}

struct peer_counter *peer_counter_free(struct peer_counter *c) {
        if (c)
                helper_free(c->helper);
        free(c);
        return NULL;
}

static void lose(struct peer_counter *c, uint64_t now_us, int error) {
        helper_lose(c->helper, now_us);
        for (unsigned i = 0; i < PEER_COUNTER_USERS; i++)
                if (c->users[i].asked && !c->users[i].answered) {
                        c->users[i].answer.result = error;
                        c->users[i].answered = true;
                }
}

int peer_counter_ask(struct peer_counter *c, enum peer_counter_user user, const struct established_peer *peers,
                     uint32_t count, uint64_t now_us) {
        struct frame *f = &c->frame;
        int fd = helper_fd(c->helper);

        if (count > ESTABLISHED_PEERS_MAX)
                return -EINVAL;
        if (c->users[user].asked && !(c->users[user].answered && now_us - c->users[user].asked_us > OLD_US))
                return -EBUSY;
        if (fd < 0)
                return -EPIPE;
        *f = (struct frame) { .user = user, .count = count };
        memcpy(f->peers, peers, count * sizeof *peers);
        if (send(fd, f, sizeof *f, MSG_NOSIGNAL) != sizeof *f) {
                lose(c, now_us, -EPIPE);
                return -EPIPE;
        }
        c->users[user].asked = true;
        c->users[user].answered = false;
        c->users[user].asked_us = now_us;
        return 0;
}

/* Whether an answer came, whose it may be. */
static bool take(struct peer_counter *c, uint64_t now_us) {
        struct frame *f = &c->frame;
        ssize_t n = recv(helper_fd(c->helper), f, sizeof *f, 0);

        if (n < 0 && (errno == EAGAIN || errno == EINTR))
                return false;
        if (n != sizeof *f || f->user >= PEER_COUNTER_USERS || f->count > ESTABLISHED_PEERS_MAX || f->result > 0) {
                lose(c, now_us, n > 0 ? -EPROTO : -EPIPE);
                return false;
        }
        c->users[f->user].answer = *f;
        c->users[f->user].answered = true;
        c->last_cost_us = f->cost_us;
        return true;
}

static void look_for_answers(struct peer_counter *c, enum peer_counter_user user, uint64_t now_us) {
        bool quick = c->last_cost_us < WAIT_MS * 1000 && c->users[user].asked_us == now_us;
        struct pollfd p = { .fd = helper_fd(c->helper), .events = POLLIN };

        while (!c->users[user].answered && helper_fd(c->helper) >= 0) {
                if (take(c, now_us))
                        continue;
                if (!quick || helper_fd(c->helper) < 0 || poll(&p, 1, WAIT_MS) <= 0)
                        break;
                quick = false; /* two waits of two users at most */
        }
        if (!c->users[user].answered && now_us - c->users[user].asked_us > STANDS_US)
                lose(c, now_us, -ETIMEDOUT);
}

int peer_counter_answer(struct peer_counter *c, enum peer_counter_user user, uint64_t now_us,
                        struct established_peer ret_peers[static ESTABLISHED_PEERS_MAX], uint32_t *ret_count,
                        uint64_t *ret_cost_us) {
        const struct frame *f = &c->users[user].answer;

        if (!c->users[user].asked)
                return -ENOENT;
        look_for_answers(c, user, now_us);
        if (!c->users[user].answered)
                return -EAGAIN;
        c->users[user].asked = c->users[user].answered = false;
        if (f->result < 0)
                return f->result;
        memcpy(ret_peers, f->peers, f->count * sizeof *f->peers);
        *ret_count = f->count;
        *ret_cost_us = f->cost_us;
        return 0;
}

void peer_counter_step(struct peer_counter *c, uint64_t now_us) {
        (void) helper_revive(c->helper, now_us);
}
