/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sensors/sock_diag_ask.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

enum { SPLIT_TRIES_MAX = 3 };

struct sock_diag_asker {
        struct netlink *netlink;
        bool split; /* the kernel does not answer for both families at once */
};

/* One walk, as the parser sees it. */
struct walk {
        struct sock_diag_asker *asker;
        const struct sock_diag_rows *rows;
        enum sock_diag_states states;
        bool second_family, spoiled;
        unsigned begun;
};

static void begin(void *data) {
        struct walk *w = data;

        if (w->begun++ && w->second_family) {
                w->spoiled = true; /* the first family's rows cannot be told from these any more */
                return;
        }
        if (!w->second_family)
                w->rows->begin(w->rows->data);
}

static int on_message(const struct nlmsghdr *message, void *data) {
        struct walk *w = data;
        struct sock_diag_row row;
        int r;

        if (w->spoiled)
                return -ECANCELED;
        r = sock_diag_parse(message, &row);
        return r < 0 ? r : w->rows->row(w->rows->data, &row);
}

static int ask_family(struct walk *w, uint8_t family) {
        const struct netlink_parser parser = { .begin = begin, .parse = on_message, .data = w };
        _Alignas(struct nlmsghdr) char buffer[SOCK_DIAG_REQUEST_MAX];

        w->begun = 0;
        w->second_family = family == AF_INET6;
        return netlink_transact(w->asker->netlink, sock_diag_build_family(buffer, family, w->states), &parser);
}

static int ask_split(struct walk *w) {
        int r = -ECANCELED;

        for (int tries = 0; r == -ECANCELED && tries < SPLIT_TRIES_MAX; tries++) {
                w->spoiled = false;
                r = ask_family(w, AF_INET);
                if (r < 0)
                        return r;
                r = ask_family(w, AF_INET6);
                if (w->spoiled)
                        r = -ECANCELED;
        }
        if (r == -ENOENT) /* a kernel without IPv6 */
                return 0;
        return r == -ECANCELED ? -EINTR : r;
}

static int ask_compat(struct walk *w) {
        const struct netlink_parser parser = { .begin = begin, .parse = on_message, .data = w };
        _Alignas(struct nlmsghdr) char buffer[SOCK_DIAG_REQUEST_MAX];

        w->second_family = false;
        return netlink_transact(w->asker->netlink, sock_diag_build_compat(buffer, w->states), &parser);
}

int sock_diag_ask(struct sock_diag_asker *a, enum sock_diag_states states, const struct sock_diag_rows *rows) {
        struct walk w = { .asker = a, .rows = rows, .states = states };
        int r = -EOPNOTSUPP;

        if (!a->split)
                r = ask_compat(&w);
        /* sock_diag_rcv_msg() without the compatibility handler: -EOPNOTSUPP; the
         * others in case the old type goes away. */
        if (r != -EOPNOTSUPP && r != -EINVAL && r != -ENOENT)
                return r;
        r = ask_split(&w);
        if (r == 0)
                a->split = true;
        return r;
}

bool sock_diag_asker_is_split(const struct sock_diag_asker *a) {
        return a->split;
}

int sock_diag_asker_new(const struct netlink_kernel *kernel, struct sock_diag_asker **ret) {
        struct sock_diag_asker *a = calloc(1, sizeof *a);
        int r;

        if (!a)
                return -ENOMEM;
        r = kernel ? netlink_new(kernel, &a->netlink) : netlink_open(NETLINK_SOCK_DIAG, &a->netlink);
        if (r < 0) {
                free(a);
                return r;
        }
        *ret = a;
        return 0;
}

struct sock_diag_asker *sock_diag_asker_free(struct sock_diag_asker *a) {
        if (a)
                netlink_free(a->netlink);
        free(a);
        return NULL;
}
