/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/unit.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "util/kernel_text.h"

static void numbers(void **state) {
        static const struct {
                const char *text;
                bool ok;
                long value;
        } cases[] = {
                { "1\n", true, 1 },
                { "-1\n", true, -1 },
                { "262144\n", true, 262144 },
                { "0", true, 0 },
                { "4096\t87380\n", true, 4096 },
                { " 7 ", true, 7 },
                { "9223372036854775807\n", true, LONG_MAX },
                { "-9223372036854775808\n", true, LONG_MIN },
                { "9223372036854775808\n", false, 0 },
                { "-9223372036854775809\n", false, 0 },
                { "", false, 0 },
                { "-\n", false, 0 },
                { "x1\n", false, 0 },
                { "1x\n", false, 0 },
                { "\n", false, 0 },
        };

        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
                long value = 77;

                if (kernel_text_number(cases[i].text, strlen(cases[i].text), &value) != cases[i].ok ||
                    value != (cases[i].ok ? cases[i].value : 77))
                        fail_msg("\"%s\": %ld", cases[i].text, value);
        }
}

static const char snmp[] = "Ip: Forwarding DefaultTTL\nIp: 1 64\n"
                           "Tcp: RtoMax MaxConn ActiveOpens PassiveOpens\nTcp: 120000 -1 42 7\n"
                           "TcpExt: TCPAbortOnData TCPAbortOnClose ListenDrops\nTcpExt: 5 6 7\n";

static bool count(const char *text, const char *group, const char *begin, uint64_t *ret) {
        return kernel_text_counters(text, strlen(text), group, begin, ret);
}

static void counters(void **state) {
        uint64_t n = 77;

        assert_true(count(snmp, "Tcp:", "ActiveOpens", &n));
        assert_int_equal(n, 42);
        assert_true(count(snmp, "TcpExt:", "TCPAbortOn", &n));
        assert_int_equal(n, 11);
        assert_true(count("T: aa ab\nT: 9223372036854775807 9223372036854775807\nT: ac\nT: 9\n", "T:", "a", &n));
        assert_true(n == UINT64_MAX);
        n = 77;
        assert_false(count(snmp, "TcpExt:", "ActiveOpens", &n)); /* of another group */
        assert_false(count(snmp, "Tcp:", "MaxConn", &n));        /* no count */
        assert_false(count("Tcp: A B\nTcp: 1\n", "Tcp:", "A", &n));
        assert_false(count("Tcp: A\nTcp: 1 2\n", "Tcp:", "A", &n));
        assert_false(count("Tcp: A\nTcpExt: 1\n", "Tcp:", "A", &n));
        assert_false(count("Tcp: A\nTcp: 1", "Tcp:", "A", &n)); /* cut off */
        assert_false(count("", "Tcp:", "A", &n));
        assert_int_equal(n, 77);
}

/* A line of names has outgrown 4 KiB before; the kernel's still grows. */
static void long_lines(void **state) {
        char text[32768], *at = text;
        uint64_t n;

        at += sprintf(at, "TcpExt:");
        for (unsigned i = 0; i < 800; i++)
                at += sprintf(at, " Counter%04u", i);
        at += sprintf(at, " TCPAbortOnData\nTcpExt:");
        for (unsigned i = 0; i < 800; i++)
                at += sprintf(at, " 0");
        sprintf(at, " 3\n");
        assert_true(count(text, "TcpExt:", "TCPAbortOn", &n));
        assert_int_equal(n, 3);
}

static bool column(const char *text, const char *name, uint64_t *ret) {
        return kernel_text_column(text, strlen(text), name, ret);
}

static void columns(void **state) {
        static const char proxy[] = "entries\t\tsyn_received\tcookie_invalid\tcookie_valid\n"
                                    "00000000\t0000001f\t00000000\t00000002\n"
                                    "00000000\t000000a1\t00000000\t00000003\n";
        static const char padded[] = "entries  clashres found\n00000001  00000002 ffffffff\n";
        uint64_t n = 77;

        assert_true(column(proxy, "syn_received", &n));
        assert_int_equal(n, 0x1f + 0xa1);
        assert_true(column(proxy, "cookie_valid", &n));
        assert_int_equal(n, 5);
        assert_true(column(padded, "found", &n));
        assert_true(n == UINT64_C(0xffffffff));
        n = 77;
        assert_false(column(proxy, "cookie", &n));
        assert_false(column("a b\n", "b", &n));        /* no CPU */
        assert_false(column("a b\n00000001\n", "b", &n)); /* too short a line */
        assert_false(column("a\n0000000g\n", "a", &n));
        assert_false(column("a\n11111111111111111\n", "a", &n));
        assert_false(column("", "a", &n));
        assert_int_equal(n, 77);
}

static void running_kernel(void **state) {
        uint64_t n;

        assert_true(kernel_text_read_number("/proc/sys/net/ipv4/tcp_synack_retries") >= 0);
        assert_int_equal(kernel_text_read_number("/proc/nowhere"), -1);
        assert_true(kernel_text_read_counters("/proc/self/net/snmp", "Tcp:", "ActiveOpens", &n));
        assert_true(kernel_text_read_counters("/proc/self/net/netstat", "TcpExt:", "TCPAbortOn", &n));
        assert_false(kernel_text_read_counters("/proc/nowhere", "Tcp:", "ActiveOpens", &n));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(numbers), cmocka_unit_test(counters),       cmocka_unit_test(long_lines),
                cmocka_unit_test(columns), cmocka_unit_test(running_kernel),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
