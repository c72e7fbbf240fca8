/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdlib.h>

#include "tests/unit/fake-netlink.h"
#include "util/netlink.h"

enum { TYPE = 20 };

struct seen {
        unsigned begun, messages;
        int fail_with;
};

static void begin(void *data) {
        struct seen *seen = data;

        seen->begun++;
        seen->messages = 0;
}

static int parse(const struct nlmsghdr *message, void *data) {
        struct seen *seen = data;

        assert_int_equal(message->nlmsg_type, TYPE);
        seen->messages++;
        return seen->fail_with;
}

struct fixture {
        struct fake_netlink *fake;
        struct netlink *netlink;
        struct seen seen;
};

static int set_up(void **state) {
        struct fixture *x = calloc(1, sizeof *x);
        struct netlink_kernel kernel;

        x->fake = fake_new();
        kernel = fake_kernel(x->fake);
        assert_int_equal(netlink_new(&kernel, &x->netlink), 0);
        *state = x;
        return 0;
}

static int tear_down(void **state) {
        struct fixture *x = *state;

        assert_null(netlink_free(x->netlink));
        fake_free(x->fake);
        free(x);
        return 0;
}

static int transact(struct fixture *x, uint16_t flags) {
        struct nlmsghdr request = { .nlmsg_len = sizeof request,
                                    .nlmsg_type = TYPE,
                                    .nlmsg_flags = (uint16_t) (NLM_F_REQUEST | flags) };
        const struct netlink_parser parser = { .begin = begin, .parse = parse, .data = &x->seen };

        return netlink_transact(x->netlink, &request, &parser);
}

static void rows(struct fixture *x, unsigned count, uint16_t flags) {
        fake_datagram(x->fake);
        for (unsigned i = 0; i < count; i++)
                fake_message(x->fake, TYPE, (uint16_t) (NLM_F_MULTI | flags), "row", 4);
}

static void reads_a_dump_to_its_end(void **state) {
        struct fixture *x = *state;

        rows(x, 3, 0);
        rows(x, 2, 0);
        fake_done(x->fake, 0);
        assert_int_equal(transact(x, NLM_F_DUMP), 0);
        assert_int_equal(x->seen.messages, 5);
        assert_int_equal(x->seen.begun, 1);
        assert_int_equal(x->fake->delivered, 2);
}

static void takes_an_acknowledgement(void **state) {
        struct fixture *x = *state;

        fake_datagram(x->fake);
        fake_error(x->fake, 0);
        assert_int_equal(transact(x, NLM_F_ACK), 0);
        assert_int_equal(x->seen.messages, 0);
}

static void returns_what_the_kernel_says(void **state) {
        struct fixture *x = *state;

        fake_datagram(x->fake);
        fake_error(x->fake, -EPERM);
        assert_int_equal(transact(x, NLM_F_DUMP), -EPERM);

        rows(x, 1, 0);
        fake_done(x->fake, -ENOBUFS); /* failed in the middle */
        assert_int_equal(transact(x, NLM_F_DUMP), -ENOBUFS);

        fake_datagram(x->fake);
        fake_message(x->fake, NLMSG_ERROR, 0, "no", 2); /* too short for an error */
        assert_int_equal(transact(x, NLM_F_DUMP), -EPROTO);
}

static void restarts_an_interrupted_dump(void **state) {
        struct fixture *x = *state;

        rows(x, 3, 0);
        rows(x, 1, NLM_F_DUMP_INTR);
        rows(x, 1, 0); /* must be read away before the kernel takes the next request */
        fake_done(x->fake, 0);
        rows(x, 2, NLM_F_DUMP_INTR);
        fake_done(x->fake, 0); /* the end lies in the very buffer that failed */
        rows(x, 4, 0);
        fake_done(x->fake, 0);
        assert_int_equal(transact(x, NLM_F_DUMP), 0);
        assert_int_equal(x->fake->requests, 3);
        assert_int_equal(x->seen.begun, 3);
        assert_int_equal(x->seen.messages, 4);
}

static void restarts_only_so_often(void **state) {
        struct fixture *x = *state;

        for (unsigned i = 0; i < 2 * NETLINK_RESTARTS_MAX; i++) {
                rows(x, 1, NLM_F_DUMP_INTR);
                fake_done(x->fake, 0);
        }
        assert_int_equal(transact(x, NLM_F_DUMP), -EINTR);
        assert_int_equal(x->fake->requests, NETLINK_RESTARTS_MAX + 1);
}

static void gives_up_on_silence(void **state) {
        struct fixture *x = *state;

        rows(x, 1, 0);
        assert_int_equal(transact(x, NLM_F_DUMP), -EAGAIN);
}

static void skips_answers_to_earlier_requests(void **state) {
        struct fixture *x = *state;

        rows(x, 3, 0);
        x->fake->list[0].sequence_behind = 1;
        rows(x, 2, 0);
        fake_done(x->fake, 0);
        assert_int_equal(transact(x, NLM_F_DUMP), 0);
        assert_int_equal(x->seen.messages, 2);
}

static void refuses_other_ports_and_sequences(void **state) {
        struct fixture *x = *state;

        fake_datagram(x->fake);
        fake_message(x->fake, TYPE, 0, "row", 4)->nlmsg_pid = FAKE_PORT + 1;
        fake_done(x->fake, 0);
        assert_int_equal(transact(x, NLM_F_DUMP), -ESRCH);

        fake_datagram(x->fake);
        fake_message(x->fake, TYPE, 0, "row", 4)->nlmsg_seq = 5; /* ahead of ours */
        fake_done(x->fake, 0);
        assert_int_equal(transact(x, NLM_F_DUMP), -EPROTO);
        assert_int_equal(x->seen.messages, 0);
}

static void refuses_what_is_no_message(void **state) {
        struct fixture *x = *state;

        for (uint32_t length = 0; length < sizeof(struct nlmsghdr); length++) {
                fake_datagram(x->fake);
                fake_message(x->fake, TYPE, 0, "row", 4)->nlmsg_len = length;
                assert_int_equal(transact(x, 0), -EPROTO);
        }
        fake_datagram(x->fake);
        fake_message(x->fake, TYPE, 0, "row", 4)->nlmsg_len = 4096;
        assert_int_equal(transact(x, 0), -EPROTO);
        for (size_t cut = 0; cut < sizeof(struct nlmsghdr) + 4; cut++) {
                fake_datagram(x->fake);
                fake_message(x->fake, TYPE, 0, "row", 4);
                x->fake->list[x->fake->datagrams - 1].length = cut;
                assert_int_equal(transact(x, 0), -EPROTO);
        }
        /* Behind a good one too: libmnl takes this length for negative, and goes on before the buffer. */
        for (uint32_t i = 0; i < 4; i++) {
                static const uint32_t lengths[] = { 0x80000010, 0xfffffff0, 21, 4096 };

                fake_datagram(x->fake);
                fake_message(x->fake, TYPE, 0, "row", 4);
                fake_message(x->fake, TYPE, 0, "row", 4)->nlmsg_len = lengths[i];
                assert_int_equal(transact(x, NLM_F_DUMP), -EPROTO);
        }
        assert_int_equal(x->seen.messages, 0);
}

static void a_parser_can_give_up(void **state) {
        struct fixture *x = *state;

        x->seen.fail_with = -EBADMSG;
        rows(x, 3, 0);
        rows(x, 3, 0);
        fake_done(x->fake, 0);
        assert_int_equal(transact(x, NLM_F_DUMP), -EBADMSG);
        assert_int_equal(x->seen.messages, 1);
        assert_int_equal(x->fake->delivered, 2); /* nothing is left for the next request */
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(reads_a_dump_to_its_end),
                TEST(takes_an_acknowledgement),
                TEST(returns_what_the_kernel_says),
                TEST(restarts_an_interrupted_dump),
                TEST(restarts_only_so_often),
                TEST(gives_up_on_silence),
                TEST(skips_answers_to_earlier_requests),
                TEST(refuses_other_ports_and_sequences),
                TEST(refuses_what_is_no_message),
                TEST(a_parser_can_give_up),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
