/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "privileged/nft_counter.h"

#include <endian.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include "util/netlink.h"

enum { MESSAGE = NFNL_SUBSYS_NFTABLES << 8 };

struct nft_counters {
        struct netlink *netlink;
        const char *table;
};

/* What one read has found. */
struct reading {
        bool found;
        uint64_t packets;
};

int nft_counters_new(const char *table, struct nft_counters **ret) {
        struct nft_counters *c = calloc(1, sizeof *c);
        int r;

        if (!c)
                return -ENOMEM;
        c->table = table;
        r = netlink_open(NETLINK_NETFILTER, &c->netlink);
        if (r < 0) {
                free(c);
                return r;
        }
        *ret = c;
        return 0;
}

struct nft_counters *nft_counters_free(struct nft_counters *c) {
        if (!c)
                return NULL;
        netlink_free(c->netlink);
        free(c);
        return NULL;
}

static int on_object(const struct nlattr *a, void *data) {
        const struct nlattr **ret = data;

        if (mnl_attr_get_type(a) == NFTA_OBJ_DATA)
                *ret = a;
        return MNL_CB_OK;
}

static int on_counter(const struct nlattr *a, void *data) {
        const struct nlattr **ret = data;

        if (mnl_attr_get_type(a) == NFTA_COUNTER_PACKETS)
                *ret = a;
        return MNL_CB_OK;
}

int nft_counter_parse(const struct nlmsghdr *h, uint64_t *ret_packets) {
        const struct nlattr *object = NULL, *packets = NULL;

        if (h->nlmsg_type != (MESSAGE | NFT_MSG_NEWOBJ) || mnl_nlmsg_get_payload_len(h) < sizeof(struct nfgenmsg) ||
            mnl_attr_parse(h, sizeof(struct nfgenmsg), on_object, &object) < 0 || !object ||
            mnl_attr_parse_nested(object, on_counter, &packets) < 0 || !packets ||
            mnl_attr_get_payload_len(packets) != sizeof(uint64_t))
                return -EBADMSG;
        *ret_packets = be64toh(mnl_attr_get_u64(packets));
        return 0;
}

static int on_answer(const struct nlmsghdr *h, void *data) {
        struct reading *reading = data;

        reading->found = nft_counter_parse(h, &reading->packets) == 0;
        return 0;
}

int nft_counters_read(struct nft_counters *c, const char *name, uint64_t *ret_packets) {
        _Alignas(struct nlmsghdr) char buffer[256];
        struct reading reading = { 0 };
        const struct netlink_parser parser = { .parse = on_answer, .data = &reading };
        struct nlmsghdr *h = mnl_nlmsg_put_header(buffer);
        struct nfgenmsg *g = mnl_nlmsg_put_extra_header(h, sizeof *g);
        int r;

        h->nlmsg_type = MESSAGE | NFT_MSG_GETOBJ;
        h->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
        g->nfgen_family = NFPROTO_INET;
        mnl_attr_put_strz(h, NFTA_OBJ_TABLE, c->table);
        mnl_attr_put_strz(h, NFTA_OBJ_NAME, name);
        mnl_attr_put_u32(h, NFTA_OBJ_TYPE, htonl(NFT_OBJECT_COUNTER));
        r = netlink_transact(c->netlink, h, &parser);
        if (r < 0)
                return r;
        if (!reading.found)
                return -EBADMSG;
        *ret_packets = reading.packets;
        return 0;
}
