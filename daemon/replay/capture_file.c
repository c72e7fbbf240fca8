/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "replay/capture_file.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
        BUFFER_SIZE = 1 << 19,
        INTERFACES_MAX = 1024,
        PCAP_HEADER = 24,
        PCAP_RECORD = 16,
        PCAP_RECORD_PATCHED = 24, /* Kuznetsov's: index, protocol and type of packet follow */
        NG_BLOCK_HEADER = 8,
        NG_TRAILER = 4,
        NG_BLOCK_MAX = 16 << 20, /* of a block that is passed over */
};

enum ng_block {
        NG_INTERFACE = 1,
        NG_OLD_PACKET = 2,
        NG_SIMPLE_PACKET = 3,
        NG_PACKET = 6,
        NG_SECTION = 0x0a0d0d0a,
};

enum ng_option { NG_OPTION_END = 0, NG_TSRESOL = 9, NG_TSOFFSET = 14 };

#define NG_BYTE_ORDER UINT32_C(0x1a2b3c4d)
#define YEAR_10000_US (UINT64_C(253402300800) * 1000000)
/* Above are flags: the length of a checksum behind each frame. */
#define LINK_MASK 0xffff

struct interface {
        int link;
        uint32_t snap;
        uint8_t resolution; /* as if_tsresol has it */
        int64_t offset_s;
};

struct capture_file {
        int fd, wait_ms;
        uint8_t *buffer;
        size_t begin, end; /* what is in it and not yet used */
        uint64_t bytes, frames;
        bool over; /* ended or damaged: nothing behind it is read */
        int last;  /* what was returned */
        bool swapped, ng, nanoseconds;
        size_t record;
        uint64_t last_us; /* simple packets have no time of their own */
        uint32_t interfaces_count;
        struct interface interfaces[INTERFACES_MAX];
        char error[CAPTURE_FILE_ERROR_MAX];
};

static int damaged(struct capture_file *f, const char *what) {
        snprintf(f->error, sizeof f->error, "%s", what);
        return -EBADMSG;
}

/* --- bytes ---------------------------------------------------------------------- */

static uint32_t get32(const struct capture_file *f, const uint8_t *p) {
        uint32_t v;

        memcpy(&v, p, sizeof v);
        return f->swapped ? __builtin_bswap32(v) : v;
}

static uint16_t get16(const struct capture_file *f, const uint8_t *p) {
        uint16_t v;

        memcpy(&v, p, sizeof v);
        return f->swapped ? __builtin_bswap16(v) : v;
}

static uint64_t get64(const struct capture_file *f, const uint8_t *p) {
        uint64_t v;

        memcpy(&v, p, sizeof v);
        return f->swapped ? __builtin_bswap64(v) : v;
}

static bool is_there(const struct capture_file *f) {
        struct pollfd p = { .fd = f->fd, .events = POLLIN };

        return f->wait_ms == 0 || poll(&p, 1, f->wait_ms) > 0;
}

/* 1: so many bytes stand at *ret; 0: the file ends just here; -EBADMSG: within them; -EAGAIN. They
 * stay there until the next call, and are used up by take(). */
static int need(struct capture_file *f, size_t n, const uint8_t **ret) {
        while (f->end - f->begin < n) {
                ssize_t got;

                if (f->begin > 0) {
                        memmove(f->buffer, f->buffer + f->begin, f->end - f->begin);
                        f->end -= f->begin;
                        f->begin = 0;
                }
                if (!is_there(f))
                        return -EAGAIN;
                got = read(f->fd, f->buffer + f->end, BUFFER_SIZE - f->end);
                if (got < 0 && errno == EINTR)
                        continue;
                if (got < 0) {
                        int r = -errno;

                        damaged(f, strerror(-r));
                        return r;
                }
                if (got == 0)
                        return f->end == f->begin ? 0 : damaged(f, "cut short");
                f->end += (size_t) got;
        }
        *ret = f->buffer + f->begin;
        return 1;
}

static void take(struct capture_file *f, size_t n) {
        f->begin += n;
        f->bytes += n;
}

/* What belongs to something that has begun: the file must not end here. */
static int need_more(struct capture_file *f, size_t n, const uint8_t **ret) {
        int r = need(f, n, ret);

        return r == 0 ? damaged(f, "cut short") : r;
}

/* --- pcap -------------------------------------------------------------------------- */

static const struct {
        uint32_t magic;
        uint8_t record;
        bool nanoseconds;
} pcap_magics[] = {
        { 0xa1b2c3d4, PCAP_RECORD, false },
        { 0xa1b23c4d, PCAP_RECORD, true },
        { 0xa1b2cd34, PCAP_RECORD_PATCHED, false },
};

/* False, and nothing has changed: it begins no pcap. */
static bool pcap_format(struct capture_file *f, uint32_t magic) {
        for (size_t i = 0; i < sizeof pcap_magics / sizeof *pcap_magics; i++) {
                bool swapped = magic == __builtin_bswap32(pcap_magics[i].magic);

                if (!swapped && magic != pcap_magics[i].magic)
                        continue;
                f->swapped = swapped;
                f->record = pcap_magics[i].record;
                f->nanoseconds = pcap_magics[i].nanoseconds;
                return true;
        }
        return false;
}

static int pcap_begin(struct capture_file *f) {
        const uint8_t *p;
        int r = need_more(f, PCAP_HEADER, &p);

        if (r < 0)
                return r;
        if (get16(f, p + 4) != 2)
                return damaged(f, "a pcap of another version than 2");
        f->interfaces[0].snap = get32(f, p + 16);
        f->interfaces[0].link = (int) (get32(f, p + 20) & LINK_MASK);
        take(f, PCAP_HEADER);
        return 0;
}

/* Files joined by cat(1): a heading where a record would stand, with the zeros of its unused fields
 * where a record has its lengths. */
static bool pcap_begins_again(struct capture_file *f, const uint8_t *p) {
        static const uint8_t zeros[8] = { 0 };
        uint32_t magic;

        memcpy(&magic, p, sizeof magic);
        return memcmp(p + 8, zeros, sizeof zeros) == 0 && pcap_format(f, magic);
}

static int pcap_next(struct capture_file *f, struct capture_frame *ret) {
        const uint8_t *p;
        uint32_t captured;
        uint64_t part;
        int r;

        while ((r = need(f, f->record, &p)) > 0 && pcap_begins_again(f, p)) {
                r = pcap_begin(f);
                if (r < 0)
                        return r;
        }
        if (r <= 0)
                return r;
        captured = get32(f, p + 8);
        if (captured > CAPTURE_FRAME_MAX)
                return damaged(f, "damaged: a packet longer than any can be");
        r = need_more(f, f->record + captured, &p);
        if (r < 0)
                return r;
        part = get32(f, p + 4);
        *ret = (struct capture_frame) {
                .time_us = get32(f, p) * UINT64_C(1000000) + (f->nanoseconds ? part / 1000 : part),
                .link = f->interfaces[0].link,
                .captured = captured,
                .original = get32(f, p + 12),
                .bytes = p + f->record,
        };
        take(f, f->record + captured);
        return 1;
}

/* --- pcapng ------------------------------------------------------------------------ */

/* A stamp in units of the interface's clock. */
static uint64_t ng_time_us(const struct interface *i, uint64_t stamp) {
        unsigned n = i->resolution & 0x7f;
        uint64_t us, s;

        if (i->resolution & 0x80) {
                if (n > 63)
                        return CAPTURE_NO_TIME;
                s = stamp >> n;
                us = stamp & ((UINT64_C(1) << n) - 1);
                for (; n > 40; n--) /* 40 bits more than hold a microsecond */
                        us >>= 1;
                us = us * 1000000 >> n;
        } else {
                uint64_t units = 1;

                for (; n > 0 && units <= UINT64_MAX / 10; n--)
                        units *= 10;
                if (n > 0)
                        return CAPTURE_NO_TIME;
                s = stamp / units;
                us = stamp % units;
                us = units >= 1000000 ? us / (units / 1000000) : us * (1000000 / units);
        }
        s += (uint64_t) i->offset_s; /* may be before: modulo 2^64 */
        return s < YEAR_10000_US / 1000000 ? s * 1000000 + us : CAPTURE_NO_TIME;
}

static int ng_section(struct capture_file *f) {
        const uint8_t *p;
        int r = need_more(f, NG_BLOCK_HEADER + 4, &p);
        uint32_t order;

        if (r < 0)
                return r;
        memcpy(&order, p + NG_BLOCK_HEADER, sizeof order);
        if (order != NG_BYTE_ORDER && order != __builtin_bswap32(NG_BYTE_ORDER))
                return damaged(f, "damaged: a section without a byte order");
        f->swapped = order != NG_BYTE_ORDER;
        f->interfaces_count = 0;
        return 0;
}

static void ng_interface_options(struct capture_file *f, struct interface *i, const uint8_t *p, size_t length) {
        while (length >= 4) {
                uint16_t code = get16(f, p), size = get16(f, p + 2);
                size_t padded = ((size_t) size + 3) / 4 * 4;

                if (code == NG_OPTION_END || padded > length - 4)
                        return;
                if (code == NG_TSRESOL && size >= 1)
                        i->resolution = p[4];
                else if (code == NG_TSOFFSET && size >= 8)
                        i->offset_s = (int64_t) get64(f, p + 4);
                p += 4 + padded;
                length -= 4 + padded;
        }
}

static int ng_interface(struct capture_file *f, const uint8_t *body, size_t length) {
        struct interface *i = &f->interfaces[f->interfaces_count];

        if (length < 8)
                return damaged(f, "damaged: an interface in too short a block");
        if (f->interfaces_count == INTERFACES_MAX)
                return damaged(f, "more than 1,024 interfaces");
        *i = (struct interface) { .link = get16(f, body), .snap = get32(f, body + 4), .resolution = 6 };
        ng_interface_options(f, i, body + 8, length - 8);
        f->interfaces_count++;
        return 0;
}

/* 1: a frame. */
static int ng_frame(struct capture_file *f, uint32_t interface, uint64_t time_us, uint32_t captured, uint32_t original,
                    const uint8_t *bytes, size_t room, struct capture_frame *ret) {
        if (captured > room || captured > CAPTURE_FRAME_MAX)
                return damaged(f, "damaged: a packet longer than its block");
        *ret = (struct capture_frame) {
                .time_us = time_us,
                .link = f->interfaces[interface].link,
                .captured = captured,
                .original = original,
                .bytes = bytes,
        };
        return 1;
}

/* Both kinds of packet with a time: at `lengths` in the body the interface, then stamp and lengths. */
static int ng_packet(struct capture_file *f, enum ng_block type, const uint8_t *body, size_t length,
                     struct capture_frame *ret) {
        uint32_t interface;
        uint64_t stamp;

        if (length < 20)
                return damaged(f, "damaged: a packet in too short a block");
        interface = type == NG_PACKET ? get32(f, body) : get16(f, body);
        if (interface >= f->interfaces_count)
                return damaged(f, "damaged: a packet of an interface that is not described");
        stamp = (uint64_t) get32(f, body + 4) << 32 | get32(f, body + 8);
        f->last_us = ng_time_us(&f->interfaces[interface], stamp);
        return ng_frame(f, interface, f->last_us, get32(f, body + 12), get32(f, body + 16), body + 20, length - 20,
                        ret);
}

static int ng_simple_packet(struct capture_file *f, const uint8_t *body, size_t length, struct capture_frame *ret) {
        uint32_t original, snap;

        if (length < 4)
                return damaged(f, "damaged: a packet in too short a block");
        if (f->interfaces_count == 0)
                return damaged(f, "damaged: a packet of an interface that is not described");
        original = get32(f, body);
        snap = f->interfaces[0].snap;
        return ng_frame(f, 0, f->last_us, snap && snap < original ? snap : original, original, body + 4, length - 4,
                        ret);
}

/* A block that is not for us, in as many reads as it takes. */
static int ng_pass_over(struct capture_file *f, size_t length) {
        const uint8_t *p;

        while (length > 0) {
                size_t part = length < BUFFER_SIZE ? length : BUFFER_SIZE;
                int r;

                while ((r = need_more(f, part, &p)) == -EAGAIN) /* half a block cannot be begun again */
                        ;
                if (r < 0)
                        return r;
                take(f, part);
                length -= part;
        }
        return 0;
}

static bool ng_wanted(uint32_t type) {
        return type == NG_SECTION || type == NG_INTERFACE || type == NG_PACKET || type == NG_SIMPLE_PACKET ||
               type == NG_OLD_PACKET;
}

/* 1: a frame, 0: some other block. */
static int ng_body(struct capture_file *f, uint32_t type, const uint8_t *body, size_t length,
                   struct capture_frame *ret) {
        switch (type) {
        case NG_INTERFACE:
                return ng_interface(f, body, length);
        case NG_PACKET:
        case NG_OLD_PACKET:
                return ng_packet(f, (enum ng_block) type, body, length, ret);
        case NG_SIMPLE_PACKET:
                return ng_simple_packet(f, body, length, ret);
        }
        return 0;
}

/* 1: a frame, 0: a block without one, -ENODATA: the end. */
static int ng_block(struct capture_file *f, struct capture_frame *ret) {
        const uint8_t *p;
        uint32_t type, length;
        int r = need(f, NG_BLOCK_HEADER, &p);

        if (r <= 0)
                return r == 0 ? -ENODATA : r;
        type = get32(f, p);
        if (type == NG_SECTION) {
                r = ng_section(f);
                if (r < 0)
                        return r;
                p = f->buffer + f->begin;
        }
        length = get32(f, p + 4);
        if (length < NG_BLOCK_HEADER + NG_TRAILER || length % 4 || length > NG_BLOCK_MAX)
                return damaged(f, "damaged: a block of an impossible length");
        if (!ng_wanted(type))
                return ng_pass_over(f, length);
        if (length > BUFFER_SIZE)
                return damaged(f, "damaged: a packet longer than any can be");
        r = need_more(f, length, &p);
        if (r < 0)
                return r;
        if (get32(f, p + length - NG_TRAILER) != length)
                return damaged(f, "damaged: a block whose two lengths differ");
        take(f, length);
        return ng_body(f, type, p + NG_BLOCK_HEADER, length - NG_BLOCK_HEADER - NG_TRAILER, ret);
}

static int ng_next(struct capture_file *f, struct capture_frame *ret) {
        int r;

        while ((r = ng_block(f, ret)) == 0)
                ;
        return r == -ENODATA ? 0 : r;
}

/* --- both --------------------------------------------------------------------------- */

static int begin(struct capture_file *f) {
        const uint8_t *p;
        uint32_t magic;
        int r = need_more(f, sizeof magic, &p);

        if (r < 0)
                return r;
        memcpy(&magic, p, sizeof magic);
        if (magic == NG_SECTION) {
                f->ng = true;
                r = need_more(f, NG_BLOCK_HEADER + 20, &p); /* the shortest section's heading */
                return r < 0 ? r : ng_section(f);
        }
        if (pcap_format(f, magic))
                return pcap_begin(f);
        return damaged(f, "no capture: neither pcap nor pcapng");
}

int capture_file_new(int fd, const void *before, size_t count, struct capture_file **ret,
                     char ret_error[static CAPTURE_FILE_ERROR_MAX]) {
        struct capture_file *f = calloc(1, sizeof *f);
        int r = -ENOMEM;

        if (f)
                f->buffer = malloc(BUFFER_SIZE);
        if (!f || !f->buffer) {
                free(f);
                close(fd);
                snprintf(ret_error, CAPTURE_FILE_ERROR_MAX, "%s", strerror(ENOMEM));
                return r;
        }
        f->fd = fd;
        if (count > 0)
                memcpy(f->buffer, before, count);
        f->end = count;
        r = begin(f);
        if (r < 0) {
                snprintf(ret_error, CAPTURE_FILE_ERROR_MAX, "%s", f->error);
                capture_file_free(f);
                return r;
        }
        *ret = f;
        return 0;
}

struct capture_file *capture_file_free(struct capture_file *f) {
        if (f) {
                close(f->fd);
                free(f->buffer);
                free(f);
        }
        return NULL;
}

void capture_file_set_patience(struct capture_file *f, int wait_ms) {
        f->wait_ms = wait_ms;
}

int capture_file_next(struct capture_file *f, struct capture_frame *ret) {
        if (f->over)
                return f->last;
        f->last = f->ng ? ng_next(f, ret) : pcap_next(f, ret);
        f->over = f->last != 1 && f->last != -EAGAIN;
        f->frames += f->last == 1;
        return f->last;
}

const char *capture_file_error(const struct capture_file *f) {
        return f->error;
}

uint64_t capture_file_bytes(const struct capture_file *f) {
        return f->bytes;
}

uint64_t capture_file_frames(const struct capture_file *f) {
        return f->frames;
}
