/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sensors/netstat.h"
#include "sensors/netstat_parse.h"
#include "util/sysctl.h"

static bool knows(const struct netstat_totals *t, enum obs_counter c) {
        return t->known & (UINT32_C(1) << c);
}

static int parse(const char *text, struct netstat_totals *totals) {
        *totals = (struct netstat_totals) { 0 };
        return netstat_parse(text, strlen(text), totals);
}

static void finds_columns_by_name(void **state) {
        struct netstat_totals t;

        assert_int_equal(parse("TcpExt: New SyncookiesRecv SyncookiesSent\nTcpExt: 9 8 7\n"
                               "IpExt: InNoRoutes ListenDrops\nIpExt: 5 4\n"
                               "Tcp: MaxConn InSegs OutRsts\nTcp: -1 18446744073709551615 0\n",
                               &t),
                         0);
        assert_int_equal(t.value[OBS_COOKIES_RECEIVED], 8);
        assert_int_equal(t.value[OBS_COOKIES_SENT], 7);
        assert_true(t.value[OBS_IN_SEGMENTS] == UINT64_MAX);
        assert_true(knows(&t, OBS_OUT_RSTS));
        assert_false(knows(&t, OBS_LISTEN_DROPS)); /* of another group */
        assert_int_equal(__builtin_popcount(t.known), 4);
}

/* What cannot be told apart for certain is unknown, never a number. */
static void refuses(void **state) {
        static const struct {
                const char *text;
                int error;
        } cases[] = {
                { "", 0 },
                { "\n\n", 0 },
                { "Tcp: InSegs\n", -EBADMSG },
                { "Tcp: InSegs\nTcp: 1", -EBADMSG },             /* cut off: 1 or 12? */
                { "Tcp: InSegs OutRsts\nTcp: 1\n", -EBADMSG },
                { "Tcp: InSegs\nTcp: 1 2\n", -EBADMSG },
                { "Tcp: InSegs\nUdp: 1\n", -EBADMSG },
                { "Tcp: InSegs\nTcp: -1\n", 0 },
                { "Tcp: InSegs\nTcp: 18446744073709551616\n", 0 },
                { "Tcp: InSegs\nTcp: 0x1\n", 0 },
                { "Tcp: InSegs InSegs\nTcp: 1 2\n", 0 },
                { "Tcp: InSegs InSegs InSegs\nTcp: 1 2 3\n", 0 },
                { "Tcp:InSegs\nTcp:1\n", 0 },
                { "TCP: InSegs\nTCP: 1\n", 0 },
                { "InSegs\n1\n", 0 },
                { "TcpExt: InSegs Syns\nTcpExt: 1 2\n", 0 },
        };

        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
                struct netstat_totals t;

                assert_int_equal(parse(cases[i].text, &t), cases[i].error);
                assert_int_equal(t.known, 0);
        }
}

static void one_bad_pair_spoils_no_other(void **state) {
        struct netstat_totals t;

        assert_int_equal(parse("Tcp: InSegs\nTcpExt: ListenDrops\nTcpExt: 3\n", &t), -EBADMSG);
        assert_int_equal(t.known, UINT32_C(1) << OBS_LISTEN_DROPS);
        assert_int_equal(t.value[OBS_LISTEN_DROPS], 3);
}

/* Cut at every byte: fewer counters, none with another value. */
static void cut_anywhere(void **state) {
        static const char whole[] = "TcpExt: SyncookiesSent SyncookiesRecv ListenDrops\nTcpExt: 123 456 789\n"
                                    "Tcp: PassiveOpens InSegs\nTcp: 321 654\n";
        const size_t second = (size_t) (strstr(whole, "\nTcp:") + 1 - whole);
        struct netstat_totals all;

        assert_int_equal(parse(whole, &all), 0);
        for (size_t length = 0; length < sizeof whole - 1; length++) {
                struct netstat_totals t = { 0 };
                char *exact = malloc(length + 1); /* for the sanitizer's red zone */

                memcpy(exact, whole, length);
                assert_int_equal(netstat_parse(exact, length, &t), length == 0 || length == second ? 0 : -EBADMSG);
                for (unsigned c = 0; c < OBS_COUNTERS; c++)
                        if (knows(&t, (enum obs_counter) c))
                                assert_int_equal(t.value[c], all.value[c]);
                assert_false(knows(&t, OBS_IN_SEGMENTS));
                free(exact);
        }
}

static void deltas(void **state) {
        struct netstat_totals before = { 0 }, now = { 0 };
        struct observation *o = calloc(1, sizeof *o);

        before.known = 1 << OBS_COOKIES_SENT | 1 << OBS_LISTEN_DROPS | 1 << OBS_OUT_RSTS;
        now.known = 1 << OBS_COOKIES_SENT | 1 << OBS_LISTEN_DROPS | 1 << OBS_IN_SEGMENTS;
        before.value[OBS_COOKIES_SENT] = 10, now.value[OBS_COOKIES_SENT] = 10;
        before.value[OBS_LISTEN_DROPS] = 10, now.value[OBS_LISTEN_DROPS] = 9; /* reset */
        now.value[OBS_IN_SEGMENTS] = 7;                                       /* new */
        netstat_delta(&before, &now, o);
        assert_int_equal(o->counters_known, 1 << OBS_COOKIES_SENT);
        assert_int_equal(o->counters[OBS_COOKIES_SENT], 0);
        free(o);
}

static void in_use(void **state) {
        static const struct {
                const char *text;
                int error;
                uint64_t in_use;
        } cases[] = {
                { "sockets: used 9\nTCP: inuse 7 orphan 2 tw 0\nUDP: inuse 3 mem 0\n", 0, 7 },
                { "TCP6: inuse 0\n", 0, 0 },
                { "TCP: orphan 2 inuse 5\n", 0, 5 },
                { "", -EBADMSG, 0 },
                { "UDP: inuse 3 mem 0\n", -EBADMSG, 0 },
                { "TCP: inuse 7", -EBADMSG, 0 }, /* cut off: 7 or 70? */
                { "TCP: inuse\n", -EBADMSG, 0 },
                { "TCP: inuse -1 orphan 2\n", -EBADMSG, 0 },
                { "TCP: orphan inuse 7\n", -EBADMSG, 0 },
        };

        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
                struct netstat_totals t = { 0 };

                assert_int_equal(netstat_parse_in_use(cases[i].text, strlen(cases[i].text), &t), cases[i].error);
                assert_int_equal(t.known, cases[i].error ? 0 : 1u << NETSTAT_IN_USE);
                assert_int_equal(t.value[NETSTAT_IN_USE], cases[i].in_use);
        }
}

struct files {
        char directory[64], netstat[96], snmp[96], sockstat[96], sockstat6[96], sysctl[96];
};

static void file_write(const char *path, const char *text) {
        FILE *f = fopen(path, "we");

        assert_non_null(f);
        assert_true(fputs(text, f) >= 0);
        assert_int_equal(fclose(f), 0);
}

static int files_make(void **state) {
        struct files *f = calloc(1, sizeof *f);

        snprintf(f->directory, sizeof f->directory, "/tmp/test-netstat-XXXXXX");
        if (!mkdtemp(f->directory))
                return -1;
        snprintf(f->netstat, sizeof f->netstat, "%s/netstat", f->directory);
        snprintf(f->snmp, sizeof f->snmp, "%s/snmp", f->directory);
        snprintf(f->sockstat, sizeof f->sockstat, "%s/sockstat", f->directory);
        snprintf(f->sockstat6, sizeof f->sockstat6, "%s/sockstat6", f->directory);
        snprintf(f->sysctl, sizeof f->sysctl, "%s/tcp_syncookies", f->directory);
        *state = f;
        return 0;
}

static int files_remove(void **state) {
        struct files *f = *state;

        unlink(f->netstat);
        unlink(f->snmp);
        unlink(f->sockstat);
        unlink(f->sockstat6);
        unlink(f->sysctl);
        rmdir(f->directory);
        free(f);
        return 0;
}

static void sensor(void **state) {
        struct files *f = *state;
        struct observation *o = calloc(1, sizeof *o);
        struct netstat *n;

        assert_int_equal(netstat_new(f->directory, &n), 0);
        assert_int_equal(netstat_read(n, o), -ENOENT);
        assert_int_equal(o->sensors[SENSOR_NETSTAT], SENSOR_FAILED);

        file_write(f->netstat, "TcpExt: SyncookiesSent ListenDrops\nTcpExt: 5 5\n");
        assert_int_equal(netstat_read(n, o), -ENOENT); /* snmp */
        assert_int_equal(o->sensors[SENSOR_NETSTAT], SENSOR_DEGRADED);
        assert_int_equal(o->counters_known, 0); /* nothing to take the difference from */

        file_write(f->snmp, "Tcp: InSegs\nTcp: 100\n");
        file_write(f->netstat, "TcpExt: SyncookiesSent ListenDrops\nTcpExt: 12 4\n");
        assert_int_equal(netstat_read(n, o), 0);
        assert_int_equal(o->counters_known, 1 << OBS_COOKIES_SENT);
        assert_int_equal(o->counters[OBS_COOKIES_SENT], 7);
        assert_true(netstat_missing(n) & 1 << OBS_COOKIES_FAILED);
        assert_false(netstat_missing(n) & 1 << OBS_IN_SEGMENTS);
        assert_false(netstat_missing(n) & 1 << OBS_SYNS);

        memset(o, 0, sizeof *o);
        file_write(f->snmp, "Tcp: InSegs\nTcp: 101\n");
        assert_int_equal(netstat_read(n, o), 0);
        assert_int_equal(o->counters[OBS_IN_SEGMENTS], 1);
        assert_int_equal(o->counters[OBS_LISTEN_DROPS], 0); /* after the reset, again known */
        assert_true(observation_knows(o, OBS_LISTEN_DROPS));
        n = netstat_free(n);
        assert_null(n);
        free(o);
}

/* Without IPv6 there is one file, in some containers none: then what is in use is not known, and all else is. */
static void sensor_in_use(void **state) {
        struct files *f = *state;
        struct observation *o = calloc(1, sizeof *o);
        struct netstat *n;

        assert_int_equal(netstat_new(f->directory, &n), 0);
        file_write(f->sockstat, "TCP: inuse 7 orphan 2\n");
        assert_int_equal(netstat_read(n, o), -ENOENT);
        assert_int_equal(o->sensors[SENSOR_NETSTAT], SENSOR_FAILED); /* it is no counter */
        assert_true(o->known & OBS_K_IN_USE);
        assert_int_equal(o->in_use, 7);
        file_write(f->sockstat6, "TCP6: inuse 6\n");
        assert_int_equal(netstat_read(n, o), -ENOENT);
        assert_int_equal(o->in_use, 13);

        o->known = 0;
        file_write(f->sockstat6, "TCP6: in\n");
        file_write(f->netstat, "TcpExt: SyncookiesSent\nTcpExt: 12\n");
        file_write(f->snmp, "Tcp: InSegs\nTcp: 100\n");
        assert_int_equal(netstat_read(n, o), 0);
        assert_false(o->known & OBS_K_IN_USE); /* half of it */
        netstat_free(n);

        unlink(f->sockstat);
        assert_int_equal(netstat_new(f->directory, &n), 0);
        assert_int_equal(netstat_read(n, o), 0);
        assert_false(o->known & OBS_K_IN_USE);
        netstat_free(n);
        free(o);
}

static void long_files(void **state) {
        struct files *f = *state;
        struct observation *o = calloc(1, sizeof *o);
        struct netstat *n;
        FILE *file;

        file_write(f->snmp, "Tcp: InSegs\nTcp: 1\n");
        file = fopen(f->netstat, "we");
        fputs("TcpExt:", file);
        for (unsigned i = 0; i < 5000; i++)
                fprintf(file, " Column%u", i);
        fputs(" SyncookiesSent\nTcpExt:", file);
        for (unsigned i = 0; i < 5000; i++)
                fprintf(file, " %u", i);
        fputs(" 77\n", file);
        assert_true(ftell(file) > 64 * 1024);
        assert_int_equal(fclose(file), 0);

        assert_int_equal(netstat_new(f->directory, &n), 0);
        assert_int_equal(netstat_read(n, o), 0);
        assert_false(netstat_missing(n) & 1 << OBS_COOKIES_SENT);

        assert_int_equal(truncate(f->netstat, 1024 * 1024), 0);
        assert_int_equal(netstat_read(n, o), -EFBIG);
        assert_int_equal(o->sensors[SENSOR_NETSTAT], SENSOR_DEGRADED);
        netstat_free(n);
        free(o);
}

/* Whatever else differs between kernels: this one has every counter. */
static void running_kernel(void **state) {
        struct observation *o = calloc(1, sizeof *o);
        struct netstat *n;

        if (access(NETSTAT_DIRECTORY "/netstat", R_OK) < 0) {
                print_message("no %s/netstat here\n", NETSTAT_DIRECTORY);
                free(o);
                skip();
        }
        assert_int_equal(netstat_new(NULL, &n), 0);
        assert_int_equal(netstat_read(n, o), 0);
        assert_int_equal(netstat_missing(n), 0);
        assert_int_equal(o->counters_known, 0);
        assert_int_equal(netstat_read(n, o), 0);
        assert_int_equal(o->counters_known, netstat_counters());
        assert_int_equal(o->sensors[SENSOR_NETSTAT], SENSOR_OK);
        assert_true(o->known & OBS_K_IN_USE);
        netstat_free(n);
        free(o);
}

static void sysctl_values(void **state) {
        static const struct {
                const char *text;
                int error;
                uint8_t value;
        } cases[] = {
                { "0\n", 0, 0 },         { "2\n", 0, 2 },           { "255\n", 0, 255 },  { "256\n", -EBADMSG, 0 },
                { "", -EBADMSG, 0 },     { "\n", -EBADMSG, 0 },     { "1", -EBADMSG, 0 }, { "-1\n", -EBADMSG, 0 },
                { "1 \n", -EBADMSG, 0 }, { "0001\n", -EBADMSG, 0 },
        };
        struct files *f = *state;
        struct sysctl *s;
        uint8_t value = 77;

        assert_int_equal(sysctl_new(f->sysctl, &s), 0);
        assert_int_equal(sysctl_read(s, &value), -ENOENT);
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
                value = 77;
                file_write(f->sysctl, cases[i].text);
                assert_int_equal(sysctl_read(s, &value), cases[i].error);
                assert_int_equal(value, cases[i].error ? 77 : cases[i].value);
        }
        sysctl_free(s);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(finds_columns_by_name),
                cmocka_unit_test(refuses),
                cmocka_unit_test(one_bad_pair_spoils_no_other),
                cmocka_unit_test(cut_anywhere),
                cmocka_unit_test(deltas),
                cmocka_unit_test(in_use),
                cmocka_unit_test_setup_teardown(sensor, files_make, files_remove),
                cmocka_unit_test_setup_teardown(sensor_in_use, files_make, files_remove),
                cmocka_unit_test_setup_teardown(long_files, files_make, files_remove),
                cmocka_unit_test(running_kernel),
                cmocka_unit_test_setup_teardown(sysctl_values, files_make, files_remove),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
