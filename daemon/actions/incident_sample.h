/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The SYNs of an incident, as far as they were logged: what kinds of senders
 * they come from, and a sample of their headers for a packet analyser.
 *
 * An attacker can make every SYN different, so the fingerprints are counted in
 * fixed memory (core/heavy_hitters.h): each count may be too high by its error.
 */

#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "core/syn.h"

struct incident_sample;

/* packets_max: how many headers are kept, spread over the first seconds. */
int incident_sample_new(uint32_t packets_max, struct incident_sample **ret);
struct incident_sample *incident_sample_free(struct incident_sample *s);

/* A SYN with the packet it was read from, from its IP header on. Writes to memory only. */
void incident_sample_add(struct incident_sample *s, const struct syn *syn, const uint8_t *packet, size_t length);

/* Once a tick: what has come for sample.pcap since, *ret until the next packet is added (0 bytes: nothing, and
 * nothing ever when built without libpcap), and allows some more packets. The first begins the file. */
size_t incident_sample_take(struct incident_sample *s, uint64_t realtime_us, const void **ret);

uint32_t incident_sample_packets(const struct incident_sample *s); /* taken */

/* syns, ttl: { "57": count, … } as they arrived, fingerprints: [ { ttl, window, window_scale,
 * mss, options: [ "mss", "sack", … ] in their order, cut, syns, error } ], the usual ones
 * first. NULL: no memory. */
json_t *incident_sample_json(const struct incident_sample *s);
