/* SPDX-License-Identifier: GPL-2.0-or-later */
/* synwardctl doctor: other network namespaces, in a made-up /proc. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ctl/namespaces.h"

#define HEADING "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
#define REST " 00000000:0000 00:00000000 00000000     0        0 4711 1 0000000000000000 100 0 0 10 0\n"

static char proc[] = "/tmp/test-namespaces-XXXXXX";
static struct namespaces found;
static struct advice_list list;

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw) {
        (void) st;
        (void) type;
        (void) ftw;
        return remove(path);
}

static int begin(void **state) {
        strcpy(strchr(proc, '-') + 1, "namespaces-XXXXXX");
        list.count = 0;
        return mkdtemp(proc) ? 0 : -1;
}

static int end(void **state) {
        return nftw(proc, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void put(const char *process, const char *name, const char *text) {
        char path[256];
        FILE *f;

        snprintf(path, sizeof path, "%s/%s/%s", proc, process, name);
        f = fopen(path, "w");
        assert_non_null(f);
        assert_true(fputs(text, f) >= 0);
        fclose(f);
}

/* A process in that network namespace; tables NULL: they are not to be read. */
static void process(const char *pid, const char *name, const char *namespace, const char *tcp, const char *tcp6) {
        const char *const folders[] = { "", "/ns", "/net" };
        char path[256];

        for (unsigned i = 0; i < 3; i++) {
                snprintf(path, sizeof path, "%s/%s%s", proc, pid, folders[i]);
                assert_int_equal(mkdir(path, 0700), 0);
        }
        snprintf(path, sizeof path, "%s/%s/ns/net", proc, pid);
        assert_int_equal(symlink(namespace, path), 0);
        put(pid, "comm", name);
        if (tcp)
                put(pid, "net/tcp", tcp);
        if (tcp6)
                put(pid, "net/tcp6", tcp6);
}

static const struct namespace *namespace(uint64_t inode) {
        for (unsigned i = 0; i < found.count; i++)
                if (found.list[i].inode == inode)
                        return &found.list[i];
        return NULL;
}

static void rows(void **state) {
        static const struct {
                const char *row;
                bool listens;
                uint16_t port;
                bool loopback;
        } cases[] = {
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
                { "   0: 0100007F:0050 00000000:0000 0A" REST, true, 80, true },
                { "   0: 0200A8C0:FFFF 00000000:0000 0A" REST, true, 65535, false },
                { "  0: 00000000000000000000000001000000:0050 00000000000000000000000000000000:0000 0A" REST, true, 80,
                  true },
                { "  0: 0000000000000000FFFF00000100007F:0050 00000000000000000000000000000000:0000 0A" REST, true, 80,
                  true },
                { "  0: 0000000000000000FFFF00000200A8C0:0050 00000000000000000000000000000000:0000 0A" REST, true, 80,
                  false },
                { "  0: B80D0120000000000000000001000000:0050 00000000000000000000000000000000:0000 0A" REST, true, 80,
                  false },
#endif
                { " 999: 00000000:01BB 00000000:0000 0A" REST, true, 443, false },
                { "  0: 00000000000000000000000000000000:0016 00000000000000000000000000000000:0000 0A" REST, true, 22,
                  false },
                { "   0: 00000000:0050 00000000:0000 01" REST, false, 0, false },
                { "   0: 000000:0050 00000000:0000 0A" REST, false, 0, false },
                { "   0: 00000000:10000 00000000:0000 0A" REST, false, 0, false },
                { "   0: 0000000000000000000000000000000000:0050 00000000:0000 0A" REST, false, 0, false },
                { "   0: 00000000:0050 00000000:0000", false, 0, false },
                { HEADING, false, 0, false },
                { "", false, 0, false },
        };

        for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
                bool loopback = false;
                uint16_t port = 0;

                assert_int_equal(namespaces_row(cases[i].row, &port, &loopback), cases[i].listens);
                assert_int_equal(port, cases[i].port);
                assert_int_equal(loopback, cases[i].loopback);
        }
}

/* Only what is in another namespace, and listens on more than loopback. */
static void listeners_are_found(void **state) {
        static const char web[] = HEADING
                "   0: 00000000:0050 00000000:0000 0A" REST "   1: 00000000:01BB 00000000:0000 0A" REST
                "   2: 00000000:0050 00000000:0000 0A" REST "   3: 00000000:1F90 00000000:0000 01" REST
                "   4: 00000000:1F91 00000000:0000 0A" REST;
        static const char none[] = HEADING "   0: 00000000:1F90 0200A8C0:0050 01" REST;

        process("self", "synwardctl", "net:[1]", web, NULL);
        process("1", "init", "net:[1]", web, NULL);
        process("20", "pause", "net:[2]", web, none);
        process("21", "ng\033[2Jinx", "net:[2]", web, none);
        process("22", "worker", "net:[2]", web, none);
        process("23", "pause", "net:[2]", web, none); /* whichever end a folder is read from */
        process("30", "client", "net:[3]", none, none);
        process("40", "old-kernel", "net:[4]", NULL,
                HEADING "  0: 00000000000000000000000000000000:0016 "
                        "00000000000000000000000000000000:0000 0A" REST);
        process("50", "odd", "mnt:[5]", web, NULL);
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
        process("60", "private", "net:[6]", HEADING "   0: 0100007F:0050 00000000:0000 0A" REST, none);
#endif
        assert_int_equal(namespaces_read(proc, &found), 0);
        assert_int_equal(found.count, 2);
        assert_int_equal(found.unseen, 0);
        assert_false(found.cut);
        assert_non_null(namespace(2));
        assert_true(namespace(2)->pid == 21 || namespace(2)->pid == 22);
        assert_int_equal(namespace(2)->open, 3); /* what comes behind a connection is not read */
        assert_int_equal(namespace(2)->ports_count, 2);
        assert_int_equal(namespace(2)->ports[1], 443);
        assert_int_equal(namespace(2)->syncookies, -ENODATA);
        assert_null(strchr(namespace(2)->name, '\033'));
        assert_string_equal(namespace(4)->name, "old-kernel");
        assert_int_equal(namespace(4)->ports[0], 22);
}

static void a_copy_without_processes(void **state) {
        assert_int_equal(namespaces_read(proc, &found), -ENOENT);
        process("1", "init", "net:[1]", HEADING, HEADING);
        assert_int_equal(namespaces_read(proc, &found), 0);
        assert_int_equal(found.count, 0);
}

/* A table that is there and cannot be opened, here for a loop of links, is not an empty one. */
static void an_unreadable_table_is_not_empty(void **state) {
        char path[256];

        process("1", "init", "net:[1]", HEADING, HEADING);
        process("20", "hidden", "net:[2]", NULL, NULL);
        snprintf(path, sizeof path, "%s/20/net/tcp", proc);
        assert_int_equal(symlink("tcp", path), 0);
        assert_int_equal(namespaces_read(proc, &found), 0);
        assert_int_equal(found.count, 0);
        assert_int_equal(found.unseen, 1);
}

static void many_are_cut(void **state) {
        char pid[16], name[32];

        process("1", "init", "net:[1]", NULL, NULL);
        for (unsigned i = 0; i <= NAMESPACES_MAX; i++) {
                snprintf(pid, sizeof pid, "%u", 100 + i);
                snprintf(name, sizeof name, "net:[%u]", 100 + i);
                process(pid, "x", name, HEADING "   0: 00000000:0050 00000000:0000 0A" REST, NULL);
        }
        assert_int_equal(namespaces_read(proc, &found), 0);
        assert_int_equal(found.count, NAMESPACES_MAX);
        assert_true(found.cut);
}

/* --- what is told -------------------------------------------------------------------- */

static void make(unsigned count, int syncookies) {
        memset(&found, 0, sizeof found);
        found.count = count;
        for (unsigned i = 0; i < count; i++)
                found.list[i] = (struct namespace) { .inode = 100 + i,
                                                     .pid = (int) (1000 + i),
                                                     .name = "nginx",
                                                     .open = 1,
                                                     .ports_count = 1,
                                                     .ports = { 80 },
                                                     .syncookies = syncookies };
}

static unsigned told(const char *id, enum advice_severity severity) {
        unsigned n = 0;

        for (unsigned i = 0; i < list.count; i++)
                n += strcmp(list.list[i].id, id) == 0 && list.list[i].severity == severity;
        return n;
}

static void cookies_that_are_off_are_serious(void **state) {
        make(3, 1);
        found.list[1].syncookies = 0;
        namespaces_advise(&found, &list);
        assert_int_equal(told("namespaces", ADVICE_INFO), 1);
        assert_int_equal(told("namespace_syncookies", ADVICE_SERIOUS), 1);
        assert_non_null(strstr(advice_find(&list, "namespace_syncookies")->why, "nginx (pid 1001)"));
        assert_string_equal(advice_find(&list, "namespace_syncookies")->command,
                            "nsenter -t 1001 -n sysctl -w net.ipv4.tcp_syncookies=1");
        assert_non_null(strstr(advice_find(&list, "namespaces")->why,
                               "for nginx (pid 1000): 1, nginx (pid 1001): 0, nginx (pid 1002): 1."));
}

static void none_is_fine(void **state) {
        make(0, 1);
        namespaces_advise(&found, &list);
        assert_int_equal(told("namespaces", ADVICE_FINE), 1);
        assert_int_equal(list.count, 1);
}

/* Not to be seen is not the same as none. */
static void unseen_is_not_fine(void **state) {
        make(0, 1);
        found.unseen = 7;
        namespaces_advise(&found, &list);
        assert_int_equal(told("namespaces_unseen", ADVICE_INFO), 1);
        assert_int_equal(list.count, 1);
        assert_non_null(strstr(list.list[0].why, "of 7 processes"));
}

static void unknown_is_not_off(void **state) {
        make(1, -EPERM);
        namespaces_advise(&found, &list);
        assert_int_equal(list.count, 1);
        assert_non_null(strstr(list.list[0].why, "nginx (pid 1000): not known. As root: nsenter -t 1000 -n sysctl "
                                                 "net.ipv4.tcp_syncookies."));
}

static void many_are_counted(void **state) {
        make(NAMESPACES_MAX, 0);
        for (unsigned i = 0; i < NAMESPACES_MAX; i++) {
                found.list[i].pid = 4194304;
                memset(found.list[i].name, 'x', NAMESPACE_NAME_MAX - 1);
                found.list[i].ports_count = NAMESPACE_PORTS_MAX;
                for (unsigned k = 0; k < NAMESPACE_PORTS_MAX; k++)
                        found.list[i].ports[k] = (uint16_t) (60000 + k);
        }
        found.list[5].syncookies = -EPERM;
        namespaces_advise(&found, &list);
        assert_int_equal(told("namespace_syncookies", ADVICE_SERIOUS), NAMESPACES_TOLD + 1);
        assert_non_null(strstr(list.list[list.count - 1].why, "503 more")); /* 512, less 8 told and the unknown one */
        for (unsigned i = 0; i < list.count; i++) /* whole to its last sentence */
                assert_int_equal(list.list[i].why[strlen(list.list[i].why) - 1], '.');
        assert_non_null(strstr(advice_find(&list, "namespaces")->why, " and 509 more"));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(rows),
                cmocka_unit_test_setup_teardown(listeners_are_found, begin, end),
                cmocka_unit_test_setup_teardown(a_copy_without_processes, begin, end),
                cmocka_unit_test_setup_teardown(an_unreadable_table_is_not_empty, begin, end),
                cmocka_unit_test_setup_teardown(many_are_cut, begin, end),
                cmocka_unit_test_setup_teardown(cookies_that_are_off_are_serious, begin, end),
                cmocka_unit_test_setup_teardown(none_is_fine, begin, end),
                cmocka_unit_test_setup_teardown(unseen_is_not_fine, begin, end),
                cmocka_unit_test_setup_teardown(unknown_is_not_off, begin, end),
                cmocka_unit_test_setup_teardown(many_are_counted, begin, end),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
