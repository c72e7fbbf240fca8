/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/unit.h"

#include <endian.h>
#include <errno.h>

#include <libmnl/libmnl.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include "privileged/nft_counter.h"

static _Alignas(8) char buffer[256];

/* As the kernel answers. */
static struct nlmsghdr *answer(uint16_t type, uint64_t packets) {
        struct nlmsghdr *h = mnl_nlmsg_put_header(buffer);
        struct nlattr *object;

        h->nlmsg_type = type;
        mnl_nlmsg_put_extra_header(h, sizeof(struct nfgenmsg));
        mnl_attr_put_strz(h, NFTA_OBJ_TABLE, "synward");
        object = mnl_attr_nest_start(h, NFTA_OBJ_DATA);
        mnl_attr_put_u64(h, NFTA_COUNTER_BYTES, htobe64(packets * 60));
        mnl_attr_put_u64(h, NFTA_COUNTER_PACKETS, htobe64(packets));
        mnl_attr_nest_end(h, object);
        return h;
}

static void reads_packets(void **state) {
        uint64_t n = 0;

        assert_int_equal(nft_counter_parse(answer(NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWOBJ, UINT64_C(5000000001)),
                                           &n),
                         0);
        assert_true(n == UINT64_C(5000000001));
}

static void refuses_others(void **state) {
        struct nlmsghdr *h = answer(NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWRULE, 1);
        uint64_t n = 7;

        assert_int_equal(nft_counter_parse(h, &n), -EBADMSG);
        h = answer(NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWOBJ, 1);
        /* Cut anywhere before the packets' last byte. */
        for (uint32_t length = sizeof *h; length < h->nlmsg_len; length += 4) {
                uint32_t whole = h->nlmsg_len;

                h->nlmsg_len = length;
                assert_int_equal(nft_counter_parse(h, &n), -EBADMSG);
                h->nlmsg_len = whole;
        }
        assert_true(n == 7);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(reads_packets),
                cmocka_unit_test(refuses_others),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
