/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sensors/nflog_reader.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/netlink.h>

#include "sensors/nflog_parse.h"
#include "util/log_batch.h"

struct nflog_reader {
        int fd;
        struct source_table *table;
        bool has_sequence;
        uint32_t next_sequence;
        struct nflog_reader_counts counts;
        nflog_reader_tap *tap;
        void *tap_userdata;
        uint8_t buffer[LOG_BATCH_BYTES];
};

int nflog_reader_new(int fd, struct source_table *table, struct nflog_reader **ret) {
        struct nflog_reader *r = calloc(1, sizeof *r);

        if (!r)
                return -ENOMEM;
        r->table = table;
        r->fd = fd;
        *ret = r;
        return 0;
}

struct nflog_reader *nflog_reader_free(struct nflog_reader *r) {
        if (!r)
                return NULL;
        close(r->fd);
        free(r);
        return NULL;
}

int nflog_reader_fd(const struct nflog_reader *r) {
        return r->fd;
}

void nflog_reader_set_tap(struct nflog_reader *r, nflog_reader_tap *tap, void *userdata) {
        r->tap = tap;
        r->tap_userdata = userdata;
}

struct nflog_reader_counts nflog_reader_counts(const struct nflog_reader *r) {
        return r->counts;
}

static void follow_sequence(struct nflog_reader *r, uint32_t sequence) {
        uint32_t gap = sequence - r->next_sequence;

        r->next_sequence = sequence + 1;
        if (!r->has_sequence) {
                r->has_sequence = true;
                gap = 0;
        }
        if (gap) {
                r->counts.lost += gap;
                source_table_lost(r->table, gap);
        }
}

static void take_packet(struct nflog_reader *r, const struct nflog_message *m) {
        struct syn s;
        int e = nflog_parse_packet(m->packet, m->packet_length, &s);

        if (e == -EMSGSIZE && !m->reset) {
                r->counts.unread++;
                r->counts.syns += m->sample & SOURCE_BY_PACKET ? m->one_in : 0;
                return;
        }
        if (e < 0 || s.reset != m->reset) {
                r->counts.malformed += e == -EBADMSG || e == -EMSGSIZE;
                r->counts.foreign += e >= 0 || e == -EPROTO;
                return;
        }
        if (s.reset) {
                r->counts.resets++;
                source_table_set_resets_known(r->table); /* the rules may be others' */
                source_table_disowned(r->table, &s.source);
                return;
        }
        r->counts.received++;
        if (m->sample & SOURCE_BY_PACKET) {
                r->counts.syns += m->one_in;
                r->counts.by_packet_one_in = m->one_in;
        } else
                r->counts.by_source++;
        if (m->sample & SOURCE_BY_SOURCE)
                r->counts.by_source_one_in = m->one_in;
        source_table_add(r->table, &s, m->sample, m->one_in);
        if (r->tap)
                r->tap(r->tap_userdata, &s, m->packet, m->packet_length);
}

/* Returns how many messages were in it. */
static unsigned take_batch(struct nflog_reader *r, size_t length) {
        const struct nlmsghdr *h = (const void *) r->buffer;
        unsigned n = 0;

        while (length >= sizeof *h && h->nlmsg_len >= sizeof *h && h->nlmsg_len <= length) {
                size_t step = NLMSG_ALIGN((size_t) h->nlmsg_len);
                struct nflog_message m;

                n++;
                if (!nflog_parse_is_packet(h)) {
                        r->counts.foreign += h->nlmsg_type >= NLMSG_MIN_TYPE;
                } else if (nflog_parse_message(h, &m) < 0) {
                        r->counts.malformed++;
                } else {
                        if (m.has_sequence)
                                follow_sequence(r, m.sequence);
                        take_packet(r, &m);
                }
                if (step >= length)
                        break;
                length -= step;
                h = (const void *) ((const uint8_t *) h + step);
        }
        return n;
}

/* A recvmmsg(2) would save a system call for every batch of 512: a thousandth of the cost. */
int nflog_reader_receive(struct nflog_reader *r, unsigned max_batches) {
        int fd = nflog_reader_fd(r);
        unsigned n = 0;

        while (n < max_batches) {
                struct sockaddr_nl from;
                socklen_t from_length = sizeof from;
                ssize_t length = recvfrom(fd, r->buffer, sizeof r->buffer, MSG_DONTWAIT | MSG_TRUNC,
                                          (struct sockaddr *) &from, &from_length);

                if (length < 0 && errno == EINTR)
                        continue;
                if (length < 0)
                        return errno == EAGAIN ? (int) n : -errno;
                n++;
                if (from.nl_pid != 0 || (size_t) length > sizeof r->buffer) {
                        r->counts.foreign++; /* not from the kernel */
                        continue;
                }
                /* One that is not full was sent for its age: there is no other yet. */
                if (take_batch(r, (size_t) length) < LOG_BATCH_SYNS)
                        break;
        }
        return (int) n;
}
