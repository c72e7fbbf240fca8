/* SPDX-License-Identifier: GPL-2.0-or-later */
/* synwardctl doctor: what else has a hand in SYNs. */
#include "tests/unit/unit.h"

#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/host_programs.h"

static const struct advice_host host = { .conntrack_loose = 0 };

static void published_ports(void **state) {
#define PROXY "/usr/bin/docker-proxy\0-proto\0"
        static const struct {
                const char *words;
                size_t length;
                uint16_t port; /* 0: none */
        } cases[] = {
#define CASE(words, port) { words, sizeof(words), port }
                CASE(PROXY "tcp\0-host-ip\0"
                           "0.0.0.0\0-host-port\0"
                           "8080\0-container-ip\0"
                           "172.17.0.2\0-container-port\0"
                           "80",
                     8080),
                CASE(PROXY "tcp\0-host-ip\0::\0-host-port\0"
                           "65535",
                     65535),
                CASE(PROXY "udp\0-host-ip\0"
                           "0.0.0.0\0-host-port\0"
                           "53",
                     0),
                CASE(PROXY "sctp\0-host-port\0"
                           "80",
                     0),
                CASE("docker-proxy\0-host-port\0"
                     "80",
                     0),
                CASE(PROXY "tcp", 0),
                CASE(PROXY "tcp\0-host-port\0"
                           "65536",
                     0),
                CASE(PROXY "tcp\0-host-port\0"
                           "-1",
                     0),
                CASE(PROXY "tcp\0-host-port\0"
                           "http",
                     0),
                CASE(PROXY "tcp\0-container-port\0"
                           "80",
                     0),
                CASE("", 0),
        };

        for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
                uint16_t port = 0;

                assert_int_equal(host_programs_published(cases[i].words, cases[i].length, &port), cases[i].port != 0);
                assert_int_equal(port, cases[i].port);
        }
}

/* Cut at every byte, in memory of its own: nothing behind the end is read, and no half number is taken. */
static void cut_command_lines(void **state) {
        static const char words[] = PROXY "tcp\0-host-port\0"
                                          "8080\0-container-port\0"
                                          "80";

        for (size_t length = 0; length < sizeof words; length++) {
                char *copy = malloc(length ? length : 1);
                uint16_t port = 0;

                assert_non_null(copy);
                memcpy(copy, words, length);
                if (host_programs_published(copy, length, &port))
                        assert_int_equal(port, 8080);
                free(copy);
        }
}

/* --- XDP ------------------------------------------------------------------------------ */

static struct nlmsghdr *begin_link(char *buffer, const char *device) {
        struct nlmsghdr *nlh = mnl_nlmsg_put_header(buffer);

        nlh->nlmsg_type = RTM_NEWLINK;
        mnl_nlmsg_put_extra_header(nlh, sizeof(struct ifinfomsg));
        mnl_attr_put_u32(nlh, IFLA_MTU, 1500);
        mnl_attr_put_strz(nlh, IFLA_IFNAME, device);
        return nlh;
}

static struct nlmsghdr *make_link(char *buffer, const char *device, uint8_t attached, uint16_t type, uint32_t program) {
        struct nlmsghdr *nlh = begin_link(buffer, device);
        struct nlattr *xdp = mnl_attr_nest_start(nlh, IFLA_XDP);

        mnl_attr_put_u8(nlh, IFLA_XDP_ATTACHED, attached);
        if (program)
                mnl_attr_put_u32(nlh, type, program);
        mnl_attr_nest_end(nlh, xdp);
        return nlh;
}

static void programs_are_found(void **state) {
        _Alignas(struct nlmsghdr) char buffer[512];
        struct host_programs p = { 0 };

        assert_int_equal(host_programs_take_link(make_link(buffer, "eth0", XDP_ATTACHED_NONE, 0, 0), &p), 0);
        assert_int_equal(p.xdp_count, 0);
        host_programs_take_link(begin_link(buffer, "eth0"), &p); /* an old kernel */
        assert_int_equal(p.xdp_count, 0);
        host_programs_take_link(make_link(buffer, "e\033h1", XDP_ATTACHED_DRV, IFLA_XDP_PROG_ID, 77), &p);
        assert_int_equal(p.xdp_count, 1);
        assert_string_equal(p.xdp[0].device, "e?h1");
        assert_int_equal(p.xdp[0].program, 77);
        host_programs_take_link(make_link(buffer, "eth2", XDP_ATTACHED_MULTI, IFLA_XDP_SKB_PROG_ID, 78), &p);
        assert_int_equal(p.xdp[1].program, 78);
        for (unsigned i = 0; i < 10; i++)
                host_programs_take_link(make_link(buffer, "eth3", XDP_ATTACHED_SKB, IFLA_XDP_PROG_ID, 79), &p);
        assert_int_equal(p.xdp_count, 12);
}

/* Other messages, and each shorter one, whose attributes are cut somewhere. */
static void cut_links(void **state) {
        _Alignas(struct nlmsghdr) char buffer[512];
        struct nlmsghdr *nlh = make_link(buffer, "eth0", XDP_ATTACHED_DRV, IFLA_XDP_PROG_ID, 77);
        uint32_t whole = nlh->nlmsg_len;
        struct host_programs p = { 0 };

        nlh->nlmsg_type = RTM_NEWADDR;
        host_programs_take_link(nlh, &p);
        assert_int_equal(p.xdp_count, 0);
        nlh->nlmsg_type = RTM_NEWLINK;
        for (uint32_t length = sizeof *nlh; length < whole; length++) {
                struct nlmsghdr *copy = malloc(length);

                assert_non_null(copy);
                memcpy(copy, nlh, length);
                copy->nlmsg_len = length;
                assert_int_equal(host_programs_take_link(copy, &p), 0);
                free(copy);
        }
        assert_int_equal(p.xdp_count, 0);
}

/* --- what is told -------------------------------------------------------------------- */

static const struct advice *told(const struct host_programs *p, const struct advice_host *h, const char *id) {
        static struct advice_list list;

        list.count = 0;
        host_programs_advise(p, h, &list);
        assert_true(list.count <= 1);
        return advice_find(&list, id);
}

static void nothing_is_silent(void **state) {
        static struct advice_list list;
        const struct host_programs p = { 0 };

        host_programs_advise(&p, &host, &list);
        assert_int_equal(list.count, 0);
}

static void each_is_told(void **state) {
        const struct advice_host loose = { .conntrack_loose = 1 };
        const struct advice *a = told(&(struct host_programs) { .bpftune = 7 }, &host, "bpftune");

        assert_non_null(a);
        assert_int_equal(a->severity, ADVICE_WARNING);
        assert_non_null(strstr(a->why, "(pid 7)"));

        a = told(&(struct host_programs) { .proxied = 12345 }, &host, "synproxy");
        assert_non_null(a);
        assert_int_equal(a->severity, ADVICE_INFO);
        assert_string_equal(a->command, "");
        a = told(&(struct host_programs) { .proxied = 12345 }, &loose, "synproxy");
        assert_int_equal(a->severity, ADVICE_WARNING);
        assert_string_equal(a->command, "sysctl -w net.netfilter.nf_conntrack_tcp_loose=0");
}

static void many_are_counted(void **state) {
        struct host_programs p = { .published = 11 };
        const struct advice *a;

        for (unsigned i = 0; i < HOST_PROGRAMS_PORTS_MAX; i++)
                p.ports[i] = (uint16_t) (65500 + i);
        a = told(&p, &host, "published_ports");
        assert_non_null(a);
        assert_non_null(strstr(a->why, "65500, 65501, 65502, 65503, 65504, 65505, 65506, 65507 and 3 more, by "));
        assert_int_equal(a->why[strlen(a->why) - 1], '.');

        p = (struct host_programs) { .xdp_count = 6 };
        for (unsigned i = 0; i < HOST_PROGRAMS_XDP_MAX; i++)
                p.xdp[i] = (struct host_xdp) { .device = "fifteen-letters", .program = UINT32_MAX };
        a = told(&p, &host, "xdp");
        assert_non_null(a);
        assert_non_null(strstr(a->why, "fifteen-letters (program 4294967295) and 2 more. "));
        assert_int_equal(a->why[strlen(a->why) - 1], '.');
        p.xdp_count = 1;
        assert_null(strstr(told(&p, &host, "xdp")->why, "more"));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(published_ports),    cmocka_unit_test(cut_command_lines),
                cmocka_unit_test(programs_are_found), cmocka_unit_test(cut_links),
                cmocka_unit_test(nothing_is_silent),  cmocka_unit_test(each_is_told),
                cmocka_unit_test(many_are_counted),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
