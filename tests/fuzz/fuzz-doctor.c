/* SPDX-License-Identifier: GPL-2.0-or-later */

/* What synwardctl doctor reads of others: rows of /proc/PID/net/tcp, a docker-proxy's command line, the
 * answers to RTM_GETLINK; the first byte says as which. */

#include "config.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/host_programs.h"
#include "ctl/namespaces.h"
#include "ctl/term.h"
#include "util/netlink.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds) {
        if (!holds)
                abort();
}

/* A row that is none leaves both as they were; of one that is, cut in front of its state, nothing is taken. */
static void read_row(const char *line) {
        uint16_t port = 77, again;
        bool loopback = true, same;
        char cut[512];

        if (!namespaces_row(line, &port, &loopback)) {
                require(port == 77 && loopback);
                return;
        }
        require(namespaces_row(line, &again, &same) && again == port && same == loopback);
        snprintf(cut, sizeof cut, "%.*s", (int) strcspn(line, ":"), line);
        require(!namespaces_row(cut, &again, &same));
}

/* The copy has no byte behind its length. */
static void read_command(const char *words, size_t length) {
        uint16_t port = 0;

        if (!host_programs_published(words, length, &port))
                require(port == 0);
        else
                require(port > 0 && memmem(words, length, "-host-port", sizeof "-host-port"));
}

static void read_links(const void *bytes, size_t length) {
        static struct advice_list list;
        const struct advice_host host = { .conntrack_loose = -1 };
        const struct nlmsghdr *m = bytes;
        struct host_programs p = { 0 };
        int left = (int) length;

        for (; netlink_message_ok(m, left); m = mnl_nlmsg_next(m, &left)) {
                unsigned before = p.xdp_count;

                require(host_programs_take_link(m, &p) == 0 && p.xdp_count - before <= 1);
        }
        for (unsigned i = 0; i < p.xdp_count && i < HOST_PROGRAMS_XDP_MAX; i++) {
                char clean[IFNAMSIZ];

                require(memchr(p.xdp[i].device, '\0', IFNAMSIZ));
                require(strcmp(term_clean(p.xdp[i].device, clean, sizeof clean), p.xdp[i].device) == 0);
        }
        list.count = 0;
        host_programs_advise(&p, &host, &list);
        require(list.count == (p.xdp_count > 0 ? 1 : 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        size_t length;
        char *text;

        if (size < 1)
                return 0;
        length = size - 1;
        text = malloc(data[0] % 3 == 0 ? size : length ? length : 1);
        if (!text)
                return 0;
        memcpy(text, data + 1, length);
        switch (data[0] % 3) {
        case 0:
                text[length] = '\0';
                read_row(text);
                break;
        case 1:
                read_command(text, length);
                break;
        default:
                read_links(text, length);
        }
        free(text);
        return 0;
}
