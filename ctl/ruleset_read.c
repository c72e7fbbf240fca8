/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "ctl/ruleset_read.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "util/json_text.h"
#include "util/netlink.h"

enum {
        LIST_MAX = 64 << 20,
        NO_PROGRAM = 127, /* as shells have it */
};

/* Any request does: nfnetlink asks for the capability first (net/netfilter/nfnetlink.c: nfnetlink_rcv()). */
static int ask_kernel(void) {
        _Alignas(struct nlmsghdr) char buffer[256];
        struct nlmsghdr *nlh = mnl_nlmsg_put_header(buffer);
        struct nfgenmsg *head = mnl_nlmsg_put_extra_header(nlh, sizeof *head);
        struct netlink *nl;
        int error = netlink_open(NETLINK_NETFILTER, &nl);

        if (error < 0)
                return error;
        nlh->nlmsg_type = NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETGEN;
        nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
        head->version = NFNETLINK_V0;
        error = netlink_transact(nl, nlh, &(struct netlink_parser) { 0 });
        netlink_free(nl);
        return error;
}

/* In a child: nft's list on fd. libnftables, which ends its process when an allocation fails, stays in nft's. */
static void exec_nft(int fd) {
        int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);

        if (nowhere < 0 || dup2(nowhere, STDERR_FILENO) < 0 || dup2(fd, STDOUT_FILENO) < 0)
                _exit(EXIT_FAILURE);
        execlp("nft", "nft", "--json", "list", "ruleset", (char *) NULL);
        execl("/usr/sbin/nft", "nft", "--json", "list", "ruleset", (char *) NULL);
        _exit(NO_PROGRAM);
}

static int read_all(int fd, char **ret_text, size_t *ret_length) {
        size_t length = 0, size = 0;
        char *text = NULL;

        for (;;) {
                ssize_t n;

                if (length == size) {
                        char *more = realloc(text, size ? 2 * size : 65536);

                        if (!more) {
                                free(text);
                                return -ENOMEM;
                        }
                        text = more;
                        size = size ? 2 * size : 65536;
                }
                n = read(fd, text + length, size - length);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n <= 0)
                        break;
                length += (size_t) n;
                if (length > LIST_MAX) {
                        free(text);
                        return -EMSGSIZE;
                }
        }
        *ret_text = text;
        *ret_length = length;
        return 0;
}

/* What the child has listed. */
static int take_list(int fd, pid_t child, char **ret_text, size_t *ret_length) {
        char *text = NULL;
        size_t length = 0;
        int status, error = read_all(fd, &text, &length);

        close(fd);
        while (waitpid(child, &status, 0) < 0)
                if (errno != EINTR)
                        return free(text), -errno;
        if (error == 0 && WIFEXITED(status) && WEXITSTATUS(status) == NO_PROGRAM)
                error = -ENOENT;
        else if (error == 0 && (!WIFEXITED(status) || WEXITSTATUS(status) != EXIT_SUCCESS))
                error = -EBADMSG;
        if (error < 0) {
                free(text);
                return error;
        }
        *ret_text = text;
        *ret_length = length;
        return 0;
}

int ruleset_read(struct ruleset **ret) {
        int fds[2], error;
        bool no_memory = false;
        size_t length = 0;
        char *text = NULL;
        json_t *list;
        pid_t child;

        error = ask_kernel();
        if (error < 0)
                return error;
        if (pipe2(fds, O_CLOEXEC) < 0)
                return -errno;
        child = fork();
        if (child < 0) {
                error = -errno;
                close(fds[0]);
                close(fds[1]);
                return error;
        }
        if (child == 0)
                exec_nft(fds[1]);
        close(fds[1]);
        error = take_list(fds[0], child, &text, &length);
        if (error < 0)
                return error;
        list = json_text_read(text, length, 0, NULL, &no_memory);
        free(text);
        if (!list)
                return no_memory ? -ENOMEM : -EBADMSG;
        error = ruleset_new(list, ret);
        json_decref(list);
        return error;
}
