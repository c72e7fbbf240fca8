/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "ctl/namespaces.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ctl/term.h"
#include "util/sysctl.h"

enum { PATH_SIZE = 512, STATE_LISTEN = 10 /* TCP_LISTEN, include/net/tcp_states.h */ };

/* --- pure ---------------------------------------------------------------------------- */

static bool is_loopback(const uint32_t words[static 4], int digits) {
        struct in6_addr six;

        if (digits == 8)
                return ntohl(words[0]) >> 24 == 127;
        memcpy(&six, words, sizeof six);
        return IN6_IS_ADDR_LOOPBACK(&six) || (IN6_IS_ADDR_V4MAPPED(&six) && six.s6_addr[12] == 127);
}

bool namespaces_row(const char *line, uint16_t *ret_port, bool *ret_loopback) {
        char address[33];
        uint32_t words[4] = { 0 };
        unsigned port, state;
        size_t digits;

        if (sscanf(line, " %*u: %32[0-9A-F]:%x %*[0-9A-F]:%*x %x", address, &port, &state) != 3 ||
            state != STATE_LISTEN || port > UINT16_MAX)
                return false;
        digits = strlen(address);
        if (digits != 8 && digits != 32)
                return false;
        for (size_t i = 0; i < digits / 8; i++)
                if (sscanf(address + 8 * i, "%8" SCNx32, &words[i]) != 1)
                        return false;
        *ret_port = (uint16_t) port;
        *ret_loopback = is_loopback(words, (int) digits);
        return true;
}

static void add_port(struct namespace *n, uint16_t port) {
        n->open++;
        for (unsigned i = 0; i < n->ports_count; i++)
                if (n->ports[i] == port)
                        return;
        if (n->ports_count < NAMESPACE_PORTS_MAX)
                n->ports[n->ports_count++] = port;
}

static void say_ports(const struct namespace *n, char text[static 64]) {
        int used = 0;

        for (unsigned i = 0; i < n->ports_count; i++)
                used += snprintf(text + used, 64 - (size_t) used, "%s%u", i ? ", " : "", n->ports[i]);
        if (n->ports_count == NAMESPACE_PORTS_MAX)
                snprintf(text + used, 64 - (size_t) used, ", ...");
}

static void advise_off(const struct namespace *n, struct advice_list *l) {
        char command[ADVICE_COMMAND_MAX], ports[64] = "";

        say_ports(n, ports);
        snprintf(command, sizeof command, "nsenter -t %d -n sysctl -w net.ipv4.tcp_syncookies=1", n->pid);
        advice_add(
                l, ADVICE_SERIOUS, "namespace_syncookies", "SYN cookies are off in another network namespace", command,
                "%s (pid %d) is in a network namespace of its own, a container's perhaps, with open ports: %s. A few SYNs a "
                "second fill a queue there; the host's setting does not count, and synwardd does not switch it. The "
                "command holds until the container ends; then docker run --sysctl net.ipv4.tcp_syncookies=1, or "
                "securityContext.sysctls in Kubernetes.",
                n->name, n->pid, ports);
}

/* Appends " NAME (pid N): VALUE", unless too little is left for it and for how many more there are. */
static bool say_one(const struct namespace *n, char *text, size_t size) {
        char one[NAMESPACE_NAME_MAX + 64];

        snprintf(one, sizeof one, n->syncookies < 0 ? "%s%s (pid %d): not known" : "%s%s (pid %d): %d",
                 text[0] ? ", " : "", n->name, n->pid, n->syncookies);
        if (strlen(text) + strlen(one) + 1 > size)
                return false;
        strcat(text, one);
        return true;
}

static void advise_all(const struct namespaces *n, struct advice_list *l) {
        char all[160] = "", more[32] = "", how[128] = "";
        unsigned told = 0;

        while (told < n->count && say_one(&n->list[told], all, sizeof all))
                told++;
        if (told < n->count)
                snprintf(more, sizeof more, " and %u more", n->count - told);
        for (unsigned i = 0; i < n->count && !how[0]; i++)
                if (n->list[i].syncookies < 0)
                        snprintf(how, sizeof how, " As root: nsenter -t %d -n sysctl net.ipv4.tcp_syncookies.",
                                 n->list[i].pid);
        advice_add(
                l, ADVICE_INFO, "namespaces", "other network namespaces have listeners", NULL,
                "%u%s, of containers or services: synwardd on the host sees nothing of what comes to them, and the host's "
                "tcp_syncookies does not protect them. Theirs is, for %s%s.%s",
                n->count, n->cut ? " and more" : "", all, more, how);
}

void namespaces_advise(const struct namespaces *n, struct advice_list *l) {
        unsigned off = 0;

        if (n->count > 0)
                advise_all(n, l);
        for (unsigned i = 0; i < n->count; i++)
                if (n->list[i].syncookies == 0 && off++ < NAMESPACES_TOLD)
                        advise_off(&n->list[i], l);
        if (off > NAMESPACES_TOLD)
                advice_add(l, ADVICE_SERIOUS, "namespace_syncookies", "SYN cookies are off in more network namespaces",
                           NULL, "And %u more network namespaces with open ports.", off - NAMESPACES_TOLD);
        if (n->unseen > 0)
                advice_add(
                        l, ADVICE_INFO, "namespaces_unseen", "other network namespaces cannot be looked for", NULL,
                        "The network namespace of %u processes, or who listens in it, is not for this user to know: it takes root.",
                        n->unseen);
        else if (n->count == 0)
                advice_add(l, ADVICE_FINE, "namespaces", "no other network namespace has listeners", NULL,
                           "No process is in one in which a port is open to others.");
}

/* --- files of /proc -------------------------------------------------------------------- */

/* The number of a process' network namespace; 0: not to be known, errno says why. */
static uint64_t read_inode(const char *proc, const char *process) {
        char path[PATH_SIZE], link[64];
        uint64_t inode;
        ssize_t n;

        snprintf(path, sizeof path, "%s/%s/ns/net", proc, process);
        n = readlink(path, link, sizeof link - 1);
        if (n < 0)
                return 0;
        link[n] = '\0';
        errno = EBADMSG;
        return sscanf(link, "net:[%" SCNu64 "]", &inode) == 1 ? inode : 0;
}

static void read_name(const char *proc, int pid, char name[static NAMESPACE_NAME_MAX]) {
        char path[PATH_SIZE], text[NAMESPACE_NAME_MAX] = "?";
        FILE *f;

        snprintf(path, sizeof path, "%s/%d/comm", proc, pid);
        f = fopen(path, "re");
        if (f) {
                if (fgets(text, sizeof text, f))
                        text[strcspn(text, "\n")] = '\0';
                fclose(f);
        }
        term_clean(text, name, NAMESPACE_NAME_MAX);
}

/* Listening sockets come first there (net/ipv4/tcp_ipv4.c: tcp_get_idx()): nothing else is read. False: there is a
 * table, and it may not be read. */
static bool read_table(const char *proc, const char *table, struct namespace *n) {
        char path[PATH_SIZE], line[512];
        bool loopback;
        uint16_t port;
        FILE *f;

        snprintf(path, sizeof path, "%s/%d/net/%s", proc, n->pid, table);
        f = fopen(path, "re");
        if (!f)
                return errno == ENOENT; /* no IPv6, or the process has ended */
        if (fgets(line, sizeof line, f)) /* the heading */
                while (fgets(line, sizeof line, f) && namespaces_row(line, &port, &loopback))
                        if (!loopback)
                                add_port(n, port);
        fclose(f);
        return true;
}

/* A pod's is begun by a process that does nothing but hold it. */
static void see_process(const char *proc, struct namespaces *n, uint64_t inode, int pid) {
        struct namespace *seen = NULL;

        for (unsigned i = 0; i < n->count && !seen; i++)
                if (n->list[i].inode == inode)
                        seen = &n->list[i];
        if (seen && strcmp(seen->name, "pause") != 0)
                return;
        if (!seen && n->count == NAMESPACES_MAX) {
                n->cut = true;
                return;
        }
        if (!seen)
                seen = &n->list[n->count++];
        *seen = (struct namespace) { .inode = inode, .pid = pid, .syncookies = -ENODATA };
        read_name(proc, pid, seen->name);
}

static void keep_open_ones(const char *proc, struct namespaces *n) {
        unsigned kept = 0;

        for (unsigned i = 0; i < n->count; i++) {
                if (!read_table(proc, "tcp", &n->list[i]) || !read_table(proc, "tcp6", &n->list[i]))
                        n->unseen++;
                if (n->list[i].open > 0)
                        n->list[kept++] = n->list[i];
        }
        n->count = kept;
}

int namespaces_read(const char *proc, struct namespaces *ret) {
        uint64_t own = read_inode(proc, "self"), inode;
        struct dirent *entry;
        DIR *d;

        if (own == 0)
                own = read_inode(proc, "1"); /* a copy has no self */
        if (own == 0)
                return -errno;
        d = opendir(proc);
        if (!d)
                return -errno;
        ret->count = ret->unseen = 0;
        ret->cut = false;
        while ((entry = readdir(d))) {
                if (!isdigit((unsigned char) entry->d_name[0]))
                        continue;
                inode = read_inode(proc, entry->d_name);
                if (inode == 0)
                        ret->unseen += errno == EACCES || errno == EPERM;
                else if (inode != own)
                        see_process(proc, ret, inode, atoi(entry->d_name));
        }
        closedir(d);
        keep_open_ones(proc, ret);
        return 0;
}

/* --- entering them --------------------------------------------------------------------- */

/* The process may have ended, and its number be another's. The sysctls under /proc/sys/net are those of
 * the reader's namespace (net/sysctl_net.c: net_ctl_header_lookup()). */
static int enter_and_read(const struct namespace *n) {
        char path[64];
        struct stat st;
        uint8_t value;
        int fd, r = 0;

        snprintf(path, sizeof path, "/proc/%d/ns/net", n->pid);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        if (fstat(fd, &st) < 0)
                r = -errno;
        else if (st.st_ino != n->inode)
                r = -ESRCH;
        else if (setns(fd, CLONE_NEWNET) < 0)
                r = -errno;
        close(fd);
        if (r == 0)
                r = sysctl_read_once(SYSCTL_SYNCOOKIES_PATH, &value);
        return r < 0 ? r : value;
}

static void tell_all(const struct namespaces *n, int fd) {
        for (unsigned i = 0; i < n->count; i++) {
                int value = enter_and_read(&n->list[i]);

                if (write(fd, &value, sizeof value) != sizeof value)
                        break;
        }
}

void namespaces_read_syncookies(struct namespaces *n) {
        int pipe_fds[2], value;
        pid_t child;

        if (n->count == 0 || pipe2(pipe_fds, O_CLOEXEC) < 0)
                return;
        child = fork();
        if (child == 0) {
                tell_all(n, pipe_fds[1]);
                _exit(0);
        }
        close(pipe_fds[1]);
        for (unsigned i = 0; child > 0 && i < n->count; i++) {
                if (read(pipe_fds[0], &value, sizeof value) != sizeof value)
                        break;
                n->list[i].syncookies = value;
        }
        close(pipe_fds[0]);
        if (child > 0)
                waitpid(child, NULL, 0);
}
