/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "actions/incident_sample.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>
#ifdef HAVE_PCAP
#include <pcap/pcap.h>
#endif

#include "core/heavy_hitters.h"
#include "core/keyed_hash.h"

enum {
        FINGERPRINTS = 256, /* counted at a time */
        FINGERPRINTS_TOLD = 64,
        SNAPLEN = 256,
        TICKS_TO_FILL = 50, /* the sample is spread over so many ticks at least */
};

struct incident_sample {
        struct heavy_hitters *fingerprints;
        struct keyed_hash key;
        uint64_t syns, ttl[256];

        uint32_t packets_max, packets;
        uint32_t allowed; /* until the next tick */
        uint64_t realtime_us; /* of the last tick: packets carry no time of their own */
#ifdef HAVE_PCAP
        pcap_t *pcap;
        pcap_dumper_t *dumper; /* into text; NULL: none are wanted, or no memory */
        char *text;
        size_t text_size;
#endif
};

#ifdef HAVE_PCAP
static void close_file(struct incident_sample *s) {
        if (s->dumper)
                pcap_dump_close(s->dumper);
        if (s->pcap)
                pcap_close(s->pcap);
        free(s->text);
}

/* Into memory: the file itself is another process' business. */
static void begin_file(struct incident_sample *s) {
        FILE *f = open_memstream(&s->text, &s->text_size);

        if (!f)
                return;
        s->pcap = pcap_open_dead(DLT_RAW, SNAPLEN);
        if (!s->pcap) {
                fclose(f);
                return;
        }
        /* Closes f itself if it cannot write the file's header, which stays in the buffer. */
        s->dumper = pcap_dump_fopen(s->pcap, f);
}

/* What the packet was before it was cut for the log. */
static uint32_t full_length(const uint8_t *packet, size_t length) {
        size_t full = length;

        if (length >= 20 && packet[0] >> 4 == 4)
                full = (size_t) packet[2] << 8 | packet[3];
        else if (length >= 40 && packet[0] >> 4 == 6)
                full = 40 + ((size_t) packet[4] << 8 | packet[5]);
        return (uint32_t) (full > length ? full : length);
}

static void keep_packet(struct incident_sample *s, const uint8_t *packet, size_t length) {
        struct pcap_pkthdr h = {
                .ts = { .tv_sec = (time_t) (s->realtime_us / 1000000),
                        .tv_usec = (suseconds_t) (s->realtime_us % 1000000) },
                .caplen = (uint32_t) (length < SNAPLEN ? length : SNAPLEN),
                .len = full_length(packet, length),
        };

        if (!s->dumper || s->allowed == 0 || s->packets >= s->packets_max)
                return;
        s->allowed--;
        s->packets++;
        pcap_dump((u_char *) s->dumper, &h, packet);
}

size_t incident_sample_take(struct incident_sample *s, uint64_t realtime_us, const void **ret) {
        FILE *f = s->dumper ? pcap_dump_file(s->dumper) : NULL;
        long length;

        s->realtime_us = realtime_us;
        s->allowed = s->packets_max / TICKS_TO_FILL + 1;
        if (!f || fflush(f) != 0)
                return 0;
        length = ftell(f);
        *ret = s->text;
        rewind(f);
        return length > 0 ? (size_t) length : 0;
}
#else
static void close_file(struct incident_sample *s) {
        (void) s;
}

static void begin_file(struct incident_sample *s) {
        (void) s;
}

static void keep_packet(struct incident_sample *s, const uint8_t *packet, size_t length) {
        (void) s;
        (void) packet;
        (void) length;
}

size_t incident_sample_take(struct incident_sample *s, uint64_t realtime_us, const void **ret) {
        s->realtime_us = realtime_us;
        *ret = NULL;
        return 0;
}
#endif

int incident_sample_new(uint32_t packets_max, struct incident_sample **ret) {
        struct incident_sample *s = calloc(1, sizeof *s);

        if (!s)
                return -ENOMEM;
        if (heavy_hitters_new(FINGERPRINTS, &s->fingerprints) < 0 ||
            getrandom(&s->key, sizeof s->key, 0) != sizeof s->key) {
                incident_sample_free(s);
                return -ENOMEM;
        }
        s->packets_max = packets_max;
        if (packets_max > 0)
                begin_file(s);
        *ret = s;
        return 0;
}

struct incident_sample *incident_sample_free(struct incident_sample *s) {
        if (!s)
                return NULL;
        close_file(s);
        heavy_hitters_free(s->fingerprints);
        free(s);
        return NULL;
}

/* A fingerprint fits into the key of the table of addresses. */
static struct address fingerprint_key(const struct syn_fingerprint *f) {
        struct address a;
        uint8_t *b = a.bytes;

        memset(&a, 0, sizeof a);
        b[0] = f->ttl;
        b[1] = f->window_scale;
        memcpy(b + 2, &f->window, 2);
        memcpy(b + 4, &f->mss, 2);
        memcpy(b + 6, &f->options, 2);
        memcpy(b + 8, &f->order, 4);
        return a;
}

static struct syn_fingerprint key_fingerprint(const struct address *a) {
        struct syn_fingerprint f = { .ttl = a->bytes[0], .window_scale = a->bytes[1] };

        memcpy(&f.window, a->bytes + 2, 2);
        memcpy(&f.mss, a->bytes + 4, 2);
        memcpy(&f.options, a->bytes + 6, 2);
        memcpy(&f.order, a->bytes + 8, 4);
        return f;
}

void incident_sample_add(struct incident_sample *s, const struct syn *syn, const uint8_t *packet, size_t length) {
        struct syn_fingerprint f = syn_fingerprint(syn);
        struct heavy_key key = { .address = fingerprint_key(&f) };

        s->syns++;
        s->ttl[syn->ttl]++;
        heavy_hitters_add(s->fingerprints, &key, keyed_hash_address(&s->key, &key.address), 1);
        keep_packet(s, packet, length);
}

uint32_t incident_sample_packets(const struct incident_sample *s) {
        return s->packets;
}

/* --- in words ----------------------------------------------------------------------- */

static const char *option_name(unsigned kind) {
        static const char *const names[16] = {
                [1] = "nop", [2] = "mss", [3] = "window-scale", [4] = "sack", [8] = "timestamp",
        };

        return names[kind] ? names[kind] : "other";
}

static json_t *options_json(const struct syn_fingerprint *f) {
        json_t *array = json_array();

        for (int shift = 28; shift >= 0; shift -= 4)
                if (f->order >> shift)
                        json_array_append_new(array, json_string(option_name(f->order >> shift & 15)));
        return array;
}

static json_t *fingerprint_json(const struct heavy_hitter *h) {
        struct syn_fingerprint f = key_fingerprint(&h->key.address);

        return json_pack("{s:i, s:i, s:o, s:o, s:o, s:b, s:I, s:I}", "ttl", (int) f.ttl,
                         "window", (int) f.window,
                         "window_scale", f.options & SYN_OPT_WINDOW_SCALE
                                 ? json_integer(f.window_scale) : json_null(),
                         "mss", f.options & SYN_OPT_MSS ? json_integer(f.mss) : json_null(),
                         "options", options_json(&f),
                         "cut", (f.options & SYN_OPT_CUT) != 0,
                         "syns", (json_int_t) llround(h->count),
                         "error", (json_int_t) llround(h->error));
}

static json_t *ttl_json(const struct incident_sample *s) {
        json_t *o = json_object();
        char name[8];

        for (unsigned i = 0; o && i < 256; i++) {
                if (s->ttl[i] == 0)
                        continue;
                snprintf(name, sizeof name, "%u", i);
                json_object_set_new(o, name, json_integer((json_int_t) s->ttl[i]));
        }
        return o;
}

json_t *incident_sample_json(const struct incident_sample *s) {
        struct heavy_hitter top[FINGERPRINTS_TOLD];
        size_t n = heavy_hitters_top(s->fingerprints, 1, FINGERPRINTS_TOLD, top);
        json_t *array = json_array();

        for (size_t i = 0; i < n; i++)
                json_array_append_new(array, fingerprint_json(&top[i]));
        return json_pack("{s:I, s:o, s:o}", "syns", (json_int_t) s->syns, "ttl", ttl_json(s),
                         "fingerprints", array);
}
