/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "privileged/message.h"

#include <errno.h>
#include <string.h>

enum {
        ERRNO_MAX = 4095, /* include/linux/err.h */
        GROUP_MAX = UINT16_MAX,
        COPY_RANGE_MIN = 40,
        COPY_RANGE_MAX = 2048,
        ONE_IN_MAX = 512,
        RATE_MAX = 1000000,
};

/* Its last digit is the version. */
#define MAGIC UINT32_C(0x73796e03)

void message_request_begin(struct message_request *m, enum message_operation operation) {
        memset(m, 0, sizeof *m);
        m->magic = MAGIC;
        m->operation = operation;
}

void message_reply_begin(struct message_reply *m, const struct message_request *to, uint32_t generation) {
        memset(m, 0, sizeof *m);
        m->magic = MAGIC;
        m->operation = to->operation;
        m->sequence = to->sequence;
        m->generation = generation;
}

static bool is_log(const struct message_log *l) {
        return l->group <= GROUP_MAX && l->copy_range >= COPY_RANGE_MIN && l->copy_range <= COPY_RANGE_MAX;
}

static bool is_sample(const struct message_sample *s) {
        return s->by_packet >= 1 && s->by_packet <= ONE_IN_MAX && s->by_source >= 1 && s->by_source <= ONE_IN_MAX &&
               s->max_per_s >= 1 && s->max_per_s <= RATE_MAX;
}

static bool is_prefix(const struct message_entry *e) {
        struct address a, masked;
        uint32_t least;

        memcpy(a.bytes, e->address, sizeof a.bytes);
        least = address_is_ipv4(&a) ? MESSAGE_IPV4_LENGTH_MIN : MESSAGE_IPV6_LENGTH_MIN;
        if (e->length < least || e->length > ADDRESS_BITS || address_is_wildcard(&a))
                return false;
        masked = address_mask(&a, e->length);
        return address_equal(&a, &masked);
}

static bool are_entries(const struct message_request *m) {
        bool add = m->operation == MESSAGE_BLOCK;
        uint32_t limit_per_s = 0;

        if (m->entries.count < 1 || m->entries.count > MESSAGE_ENTRIES_MAX)
                return false;
        for (uint32_t i = 0; i < m->entries.count; i++) {
                const struct message_entry *e = &m->entries.list[i];

                if (!is_prefix(e) ||
                    (add ? e->timeout_ms < 1 || e->timeout_ms > MESSAGE_TIMEOUT_MAX_MS : e->timeout_ms != 0))
                        return false;
                if (e->limit_per_s > MESSAGE_LIMIT_MAX ||
                    (e->limit_per_s && limit_per_s && e->limit_per_s != limit_per_s))
                        return false;
                limit_per_s = e->limit_per_s ? e->limit_per_s : limit_per_s;
        }
        return true;
}

static bool are_ports(const struct message_request *m) {
        if (m->ports.count < 1 || m->ports.count > MESSAGE_PORTS_MAX)
                return false;
        for (uint32_t i = 0; i < m->ports.count; i++)
                if (m->ports.list[i] == 0)
                        return false;
        return true;
}

static bool are_operands(const struct message_request *m) {
        switch ((enum message_operation) m->operation) {
        case MESSAGE_TABLE:
        case MESSAGE_NO_RULES:
        case MESSAGE_ENDS:
        case MESSAGE_NO_PORTS:
                return true;
        case MESSAGE_RULES:
        case MESSAGE_LOG:
                return is_log(&m->log);
        case MESSAGE_SAMPLE:
                return is_sample(&m->sample);
        case MESSAGE_COUNTERS:
                return m->counters != 0 && m->counters < UINT32_C(1) << MESSAGE_COUNTERS_COUNT;
        case MESSAGE_BLOCK:
        case MESSAGE_UNBLOCK:
                return are_entries(m);
        case MESSAGE_PORTS:
                return are_ports(m);
        case MESSAGE_SYNCOOKIES:
                return m->syncookies <= MESSAGE_COOKIES_MAX;
        case MESSAGE_HELLO:
        case MESSAGE_OPERATIONS:
                break;
        }
        return false;
}

int message_request_check(const void *data, size_t length) {
        struct message_request m;

        if (length != sizeof m)
                return -EPROTO;
        memcpy(&m, data, sizeof m);
        if (m.magic != MAGIC)
                return -EPROTO;
        if (m.sequence == 0 || m.until_us == 0 || m.operation >= MESSAGE_OPERATIONS)
                return -EINVAL;
        return are_operands(&m) ? 0 : -EINVAL;
}

int message_reply_check(const void *data, size_t length) {
        struct message_reply m;

        if (length != sizeof m)
                return -EPROTO;
        memcpy(&m, data, sizeof m);
        if (m.magic != MAGIC)
                return -EPROTO;
        if (m.operation >= MESSAGE_OPERATIONS || (m.operation == MESSAGE_HELLO) != (m.sequence == 0) ||
            m.generation == 0 || m.result > 0 || m.result < -ERRNO_MAX ||
            m.counters_known >= UINT32_C(1) << MESSAGE_COUNTERS_COUNT || !memchr(m.reason, '\0', sizeof m.reason))
                return -EINVAL;
        for (const char *c = m.reason; *c; c++) /* it goes into logs */
                if (*c < ' ' || *c > '~')
                        return -EINVAL;
        return 0;
}

bool message_brings_socket(uint32_t operation) {
        return operation == MESSAGE_LOG || operation == MESSAGE_ENDS;
}
