/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Everything an administrator can set, as plain values.
 *
 * config/ fills it from YAML by one table of keys, which also holds each key's
 * unit, range, default and help. Whoever reads a setting gets it from here and
 * knows nothing of files.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/address.h"
#include "core/siphash.h"

enum {
        SETTINGS_ALLOW_MAX = 256,
        SETTINGS_LISTENERS_MAX = 32,
        SETTINGS_PORTS_MAX = 16,
        SETTINGS_RULES_MAX = 32,
        SETTINGS_HOOK_ARGS_MAX = 16,
        SETTINGS_PATH_MAX = 256,
        SETTINGS_MUTES_MAX = 16,
};

enum settings_mode { MODE_ENFORCE, MODE_OBSERVE };
enum settings_syncookies_mode { SYNCOOKIES_AUTO, SYNCOOKIES_OFF };
enum settings_pressure { PRESSURE_ANY, PRESSURE_NO, PRESSURE_YES };

/* Thresholds and holds of the detector; each listener can have its own. */
struct settings_detect {
        uint64_t survival_age_us;   /* a half-open older than this is taken as unanswered */
        uint32_t unanswered_share_permille; /* a flood leaves at least this share unfinished */
        uint32_t unanswered_per_s;  /* fewer unfinished handshakes a second are noise */
        uint32_t fill_permille;     /* a queue filled this far can hurt */
        uint64_t hold_us;           /* calm that must last before flood becomes recovering */
        uint64_t recover_us;        /* and before recovering becomes normal */
        uint64_t warmup_us;         /* of calm, in which all that comes is usual; the host's only */
        uint64_t false_alarm_us;    /* noise alone passes for a flood once in so long, at most */
};

struct settings_port_range {
        uint16_t first, last;
};

/* An override, the first that matches wins. */
struct settings_listener {
        bool any_address;
        struct prefix address;
        uint32_t ports_count; /* 0: any port */
        struct settings_port_range ports[SETTINGS_PORTS_MAX];
        uint32_t detect_set;  /* which keys the file named, a bit each in the table's order */
        struct settings_detect detect; /* complete: the unnamed ones are the host's */
};

struct settings_hook {
        uint32_t argc;
        char *argv[SETTINGS_HOOK_ARGS_MAX + 1]; /* owned by the settings; NULL-terminated */
};

/* A rule of the policy: what to do when. Every rule that matches is done. */
struct settings_rule {
        uint32_t states;    /* 1 << enum flood_state, 0: any */
        uint32_t diagnoses; /* 1 << enum diagnosis, 0: any */
        enum settings_pressure pressure;
        bool alert, syncookies, block;
        struct settings_hook hook; /* argc 0: none */
};

/* A time in which nobody wants to be woken: events are recorded, not alerted. */
struct settings_mute {
        bool any_listener;
        struct settings_port_range ports;
        uint64_t from_us, until_us; /* CLOCK_REALTIME; from 0: always; an end is required */
};

/* An address, of a listener with its port. port 0 of a listener, and a wildcard of any other: none. */
struct settings_address {
        struct address address;
        uint16_t port;
};

struct settings {
        enum settings_mode mode;

        struct {
                uint64_t interval_us;      /* between walks of the socket table in calm */
                uint64_t fast_interval_us; /* between ticks; between walks when something is up */
                uint64_t max_interval_us;  /* the longest that the budget may stretch */
                uint32_t budget_permille;  /* of one CPU, for walks in calm */
                uint32_t alarm_budget_permille; /* the same when something is up */
        } poll;

        struct {
                bool enabled;
                uint16_t group;
                bool manage_rules;
                uint32_t max_rate;   /* messages a second of a sample: sensors/sampling.h */
                uint32_t copy_range; /* bytes */
        } nflog;

        struct settings_detect detect;

        uint32_t listeners_count;
        struct settings_listener listeners[SETTINGS_LISTENERS_MAX];

        uint32_t allow_count;
        struct prefix allow[SETTINGS_ALLOW_MAX];

        bool rules_given; /* false: the built-in policy */
        uint32_t rules_count;
        struct settings_rule rules[SETTINGS_RULES_MAX];

        struct {
                enum settings_syncookies_mode mode;
                uint8_t flood_value; /* 1 or 2 */
                uint64_t hold_us;    /* calm before the old value is put back */
                uint32_t max_changes_per_hour;
        } syncookies;

        struct {
                bool journal;
                struct {
                        bool enabled;
                        char socket[SETTINGS_PATH_MAX];
                        uint8_t facility; /* RFC 5424, 6.2.1 */
                } syslog;
                char file[SETTINGS_PATH_MAX]; /* empty: none */
                uint64_t hook_timeout_us;
                uint32_t hooks_at_once;
                uint64_t update_interval_us; /* at most one flood-update in this time */
        } alerts;

        uint32_t mutes_count;
        struct settings_mute mutes[SETTINGS_MUTES_MAX];

        struct {
                bool enabled;
                uint64_t timeout_us;
                uint64_t known_for_us; /* who finished a handshake in this time is never blocked */
                uint32_t max_entries;
                uint32_t min_syn_per_s;
                uint32_t limit_per_s; /* SYNs that a client who floods may send; 0: whatever it sends */
        } block;

        struct {
                uint32_t keep;
                uint64_t max_size; /* bytes */
                uint64_t max_age_us; /* 0: however old */
                uint32_t pcap_packets;
        } incidents;

        struct {
                struct settings_address listener; /* port 0: there is no probe */
                struct settings_address from;     /* a wildcard: as the kernel chooses; its port is 0 */
                uint64_t interval_us;             /* from one attempt's begin to the next */
                uint64_t flood_interval_us;       /* the same while something is up */
                uint64_t timeout_us;              /* after which an attempt is given up */
        } probe;

        struct {
                char fleet_key[SETTINGS_PATH_MAX]; /* a file, or a credential's name; empty: no sketches */
                bool key_known; /* what it holds was read (fleet_key.h), … */
                struct siphash_key key; /* … and never leaves the process */
        } metrics;
};

/* Frees what they own, the hooks' arguments, and leaves them without rules. */
void settings_release(struct settings *s);

/* The thresholds for a listener: of the first override that matches, or the host's. */
const struct settings_detect *settings_detect_for(const struct settings *s, const struct address *address,
                                                  uint16_t port);
/* The policy in force: the rules that were given, or the built-in ones. */
const struct settings_rule *settings_rules(const struct settings *s, uint32_t *ret_count);
/* Of the hooks named by 1 << index of their rule those that are the same command in both. */
uint32_t settings_same_hooks(const struct settings *a, const struct settings *b, uint32_t hooks);
/* Of the hooks' commands, whose they are, and their limits: two processes that read the same have the
 * same digest, and others but by chance another. No defence against whoever chooses commands. */
uint64_t settings_hooks_digest(const struct settings *s);
/* Whether an address is on the allow list. */
bool settings_allows(const struct settings *s, const struct address *a);
