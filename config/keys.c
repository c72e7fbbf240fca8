/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config/keys.h"

#include <assert.h>
#include <string.h>

#define MS UINT64_C(1000)
#define SECOND (1000 * MS)
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)
#define YEAR (365 * DAY)
#define MIB (UINT64_C(1) << 20)
#define GIB (UINT64_C(1) << 30)
#define PERCENT 10 /* permille */

#define IN(member)                                                    \
        .place = KEY_IN_SETTINGS, .offset = offsetof(struct settings, member), \
        .width = sizeof ((struct settings *) NULL)->member
#define IN_DETECT(member)                                             \
        .place = KEY_IN_DETECT, .offset = offsetof(struct settings_detect, member), \
        .width = sizeof ((struct settings_detect *) NULL)->member

/* In the order of their enumerations. */
static const char *const modes[] = { "enforce", "observe", NULL };
static const char *const syncookies_modes[] = { "auto", "off", NULL };
/* RFC 5424, 6.2.1; the words of syslog.conf where it has one. */
/* clang-format off */
static const char *const facilities[] = {
        "kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news",
        "uucp", "cron", "authpriv", "ftp", "ntp", "audit", "alert", "clock",
        "local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7", NULL,
};
/* clang-format on */
enum { FACILITY_DAEMON = 3 };

static const struct key_group groups[] = {
        { "poll", "How often the kernel is asked, and what that may cost." },
        { "nflog", "The log of incoming SYNs, from which sources are known. "
                   "Without it a flood is still found, but not where it comes from." },
        { "detect", "When unanswered handshakes are a flood, and when it is over. "
                    "Every one of these can be set for single listeners too." },
        { "syncookies", "The sysctl net.ipv4.tcp_syncookies." },
        { "alerts", "Who is told, and how often." },
        { "alerts.syslog", "RFC 5424 messages to a local syslog daemon." },
        { "alerts.file", "Events as JSON lines in a file." },
        { "block", "Dropping for a while, by an nftables set, who is shown to leave handshakes of a "
                   "flooded listener unfinished. Nobody is blocked for a spoofed flood, no known "
                   "client, and nobody who has a connection." },
        { "incidents", "The records of past floods." },
        { "probe", "A handshake of the daemon's own with one listener of this host, now and then, and its time. "
                   "It measures what that listener's queue does to whoever connects, not the way to its clients. "
                   "Off as long as no listener is named. See PROBE in synwardd(8)." },
        { "metrics", "What is told to Prometheus beside the host's own figures." },
};

/* clang-format off */
const struct key keys_table[] = {
        { .path = "mode", .type = KEY_ENUM, IN(mode), .names = modes, .initial = MODE_ENFORCE,
          .help = "With observe everything is decided and reported, and nothing is touched "
                  "(the rules that log SYNs are there all the same: see nflog.manage_rules). "
                  "Use it to get to know a new policy, not as a way to silence alerts." },

        { .path = "poll.interval", .type = KEY_DURATION, IN(poll.interval_us),
          .min = 100 * MS, .max = MINUTE, .initial = SECOND,
          .help = "Between walks of the socket table while nothing is up. "
                  "A longer one delays the first sign of a slow flood. "
                  "Do not shorten it to see floods sooner: the fast tick does that, at less cost." },
        { .path = "poll.fast_interval", .type = KEY_DURATION, IN(poll.fast_interval_us),
          .min = 50 * MS, .max = SECOND, .initial = 200 * MS,
          .help = "Between looks at the kernel's counters, and between walks while something is "
                  "up. Below the clients' round trip it makes nothing faster." },
        { .path = "poll.max_interval", .type = KEY_DURATION, IN(poll.max_interval_us),
          .min = SECOND, .max = 10 * MINUTE, .initial = MINUTE,
          .help = "The longest that poll.budget may stretch poll.interval on hosts with very many "
                  "sockets: a million at the built-in budget. With a shorter one such hosts are seen "
                  "sooner and spend more than the budget." },
        { .path = "poll.budget", .type = KEY_PERCENT, IN(poll.budget_permille),
          .min = 1, .max = 50 * PERCENT, .initial = 1 * PERCENT,
          .help = "The share of one CPU that walks may take while nothing is up. A walk costs "
                  "about 0.2 microseconds for every socket on the host. "
                  "Raise it rather than shorten poll.interval." },
        { .path = "poll.alarm_budget", .type = KEY_PERCENT, IN(poll.alarm_budget_permille),
          .min = 1, .max = 100 * PERCENT, .initial = 10 * PERCENT,
          .help = "The same while something is up. Lower it where the CPU that serves clients "
                  "under a flood has nothing to spare." },

        { .path = "nflog.enabled", .type = KEY_BOOL, IN(nflog.enabled), .initial = true,
          .help = "Without it, and where nftables is missing, every flood is called spoofed (or "
                  "reflected), and nobody is blocked." },
        { .path = "nflog.group", .type = KEY_COUNT, IN(nflog.group),
          .min = 0, .max = 65535, .initial = 5,
          .help = "The netlink group that carries the log. One program can own a group: change "
                  "it when another logger has this one. The kernel logs to group 0 itself." },
        { .path = "nflog.manage_rules", .type = KEY_BOOL, IN(nflog.manage_rules), .initial = true,
          .help = "Keep the rules that count and log SYNs in a table of synward's own, which "
                  "vanishes with the daemon. Set it to false only when the firewall's rules send "
                  "SYNs to the group: those that are handed to this host, last of all at input." },
        { .path = "nflog.max_rate", .type = KEY_COUNT, IN(nflog.max_rate),
          .min = 100, .max = 1000000, .initial = 20000, .unit = "messages a second",
          .help = "From a quarter of it, in SYNs a second, the log is sampled: one address in 8, "
                  "64 or 512, so that no more than this are logged of them, and twice as many "
                  "SYNs at random. The number of SYNs is counted exactly all the same." },
        { .path = "nflog.copy_range", .type = KEY_COUNT, IN(nflog.copy_range),
          .min = 40, .max = 2048, .initial = 512, .unit = "bytes",
          .help = "How much of each SYN is copied, at most: one has 60 bytes as a rule. Below 60 "
                  "IPv6 headers are cut short; options and extension headers need more." },

        { .path = "detect.survival_age", .type = KEY_DURATION, IN_DETECT(survival_age_us),
          .min = 100 * MS, .max = 5 * SECOND, .initial = 400 * MS,
          .help = "A half-open connection older than this is taken as unanswered. "
                  "Where clients are farther away that is learnt, and until then 800 ms are "
                  "allowed for; raise it only where many far clients come rarely, at the price of "
                  "as much delay." },
        { .path = "detect.unanswered_share", .type = KEY_PERCENT,
          IN_DETECT(unanswered_share_permille),
          .min = 1 * PERCENT, .max = 100 * PERCENT, .initial = 20 * PERCENT,
          .help = "A flood leaves at least this share of all handshakes unfinished. "
                  "Raise it where clients lose many packets; a flood smaller than the honest "
                  "load may then be missed." },
        { .path = "detect.unanswered_rate", .type = KEY_COUNT, IN_DETECT(unanswered_per_s),
          .min = 1, .max = 1000000, .initial = 10, .unit = "handshakes a second",
          .help = "Fewer unfinished handshakes are the Internet's background noise. "
                  "Do not raise it to silence alerts of a listener with a small backlog: "
                  "20 a second fill a queue of 128 in seven seconds." },
        { .path = "detect.fill", .type = KEY_PERCENT, IN_DETECT(fill_permille),
          .min = 5 * PERCENT, .max = 100 * PERCENT, .initial = 50 * PERCENT,
          .help = "A listener's queue filled this far can hurt honest clients, and allows actions. "
                  "Far above 50% there may be no time left to act." },
        { .path = "detect.hold", .type = KEY_DURATION, IN_DETECT(hold_us),
          .min = SECOND, .max = 10 * MINUTE, .initial = 3 * SECOND,
          .help = "Calm that must last before flood becomes recovering. Raise it when floods that "
                  "pulse are reported as many." },
        { .path = "detect.recover", .type = KEY_DURATION, IN_DETECT(recover_us),
          .min = SECOND, .max = HOUR, .initial = 60 * SECOND,
          .help = "Calm that must last before recovering becomes normal. A half-open connection "
                  "lives 63 seconds, so a much shorter one ends with the queue still full." },
        { .path = "detect.warmup", .type = KEY_DURATION, IN_DETECT(warmup_us),
          .min = 0, .max = DAY, .initial = 2 * MINUTE,
          .help = "After a start all that comes in so much calm is learnt as usual. Later more than "
                  "three times the usual becomes usual slowly only, lest what follows a crowd look "
                  "like an outage. Floods are found all the same. It holds for the whole host: a "
                  "listener's own is not used." },
        { .path = "detect.false_alarm_interval", .type = KEY_DURATION, IN_DETECT(false_alarm_us),
          .min = HOUR, .max = 100 * YEAR, .initial = YEAR,
          .help = "How long it takes until noise of two fifths of unanswered_rate gathers by chance what a quiet "
                  "flood leaves unfinished: 15 handshakes, half of that for an hour. As many in two "
                  "looks, 37 a second, or twice as many in one, 300, need not gather. It bounds chance alone: what is taken for a flood "
                  "because it is explained wrongly is not prevented by a longer one." },

        { .path = "listeners", .type = KEY_LIST, .max = SETTINGS_LISTENERS_MAX,
          .initial_text = "[]",
          .help = "Other thresholds for some listeners; the first entry that matches is used. "
                  "match names port (or ports: numbers and ranges), address (or network), or both. "
                  "What detect does not name there is as in detect above.",
          .example = "- match: { port: 443 }\n"
                     "  detect: { fill: 30%, unanswered_rate: 50 }\n"
                     "- match: { ports: [ 25, 8000-8080 ], address: 192.0.2.0/24 }\n"
                     "  detect: { survival_age: 900ms }\n" },
        { .path = "allow", .type = KEY_LIST, .max = SETTINGS_ALLOW_MAX, .initial_text = "[]",
          .help = "Addresses and networks that are never blocked. What they complete counts for "
                  "nothing suspicious: a load test from there is no crowd and no heavy source "
                  "(once its connections end, which is when they are counted for a source). "
                  "What they leave unfinished is a flood as anybody's is. "
                  "Do not list networks from which strangers can send.",
          .example = "- 10.0.0.0/8\n"
                     "- \"2001:db8::/32\"\n" },
        { .path = "policy", .type = KEY_LIST, .max = SETTINGS_RULES_MAX,
          .help = "What to do when; every rule that matches is done. Without it: alert of every "
                  "flood, and syncookies under pressure. "
                  "Given at all, even empty, it replaces that built-in policy whole. "
                  "when names state, diagnosis (a word or a list) and pressure (true: honest "
                  "clients are at risk now). "
                  "do lists alert, syncookies, block, and hook with a command and its arguments, "
                  "run without a shell; beside block it also runs for source-blocked, "
                  "source-unblocked, source-limited and source-unlimited.",
          .example = "- when: { state: flood }\n"
                     "  do: [ alert ]\n"
                     "- when: { state: flood, pressure: true }\n"
                     "  do: [ syncookies ]\n"
                     "- when: { state: flood, diagnosis: [ flood-concentrated ], pressure: true }\n"
                     "  do: [ block, { hook: [ /usr/local/bin/page-me, --urgent ] } ]\n" },

        { .path = "syncookies.mode", .type = KEY_ENUM, IN(syncookies.mode),
          .names = syncookies_modes, .initial = SYNCOOKIES_AUTO,
          .help = "With off the sysctl is never written. "
                  "Use it where configuration management insists on a value." },
        { .path = "syncookies.flood_value", .type = KEY_COUNT, IN(syncookies.flood_value),
          .min = 1, .max = 2, .initial = 1,
          .help = "What is written under pressure; a value that is already as high is left alone. "
                  "1 answers by cookie once the queue is full and saves the service. "
                  "2 always answers by cookie: it saves memory and timers, and costs every client "
                  "its TCP options unless timestamps carry them. "
                  "Not for hosts with long, fast paths." },
        { .path = "syncookies.hold", .type = KEY_DURATION, IN(syncookies.hold_us),
          .min = SECOND, .max = DAY, .initial = 60 * SECOND,
          .help = "Calm that must last before the old value is put back. "
                  "Shorter than a minute, cookies still under way are refused." },
        { .path = "syncookies.max_changes_per_hour", .type = KEY_COUNT,
          IN(syncookies.max_changes_per_hour), .min = 3, .max = 32, .initial = 12,
          .unit = "changes an hour",
          .help = "Nobody who pulses a flood can make the daemon write the sysctl more often." },

        { .path = "alerts.journal", .type = KEY_BOOL, IN(alerts.journal), .initial = true,
          .help = "Events with their fields in the systemd journal." },
        { .path = "alerts.syslog.enabled", .type = KEY_BOOL, IN(alerts.syslog.enabled),
          .initial = false,
          .help = "Where the journal is forwarded to syslog this tells everything twice." },
        { .path = "alerts.syslog.path", .type = KEY_PATH, IN(alerts.syslog.socket),
          .min = 1, .max = 107, .initial_text = "/dev/log",
          .help = "The datagram socket that the syslog daemon listens on." },
        { .path = "alerts.syslog.facility", .type = KEY_ENUM, IN(alerts.syslog.facility),
          .names = facilities, .initial = FACILITY_DAEMON,
          .help = "The facility of the messages." },
        { .path = "alerts.file.path", .type = KEY_PATH, IN(alerts.file),
          .min = 0, .max = SETTINGS_PATH_MAX - 1, .initial_text = "",
          .help = "One JSON object a line is appended; empty: none. "
                  "The daemon's user must be able to write there, and something must rotate it. "
                  "One in another folder takes a restart: a reload with it is refused." },
        { .path = "alerts.hook_timeout", .type = KEY_DURATION, IN(alerts.hook_timeout_us),
          .min = 100 * MS, .max = 10 * MINUTE, .initial = 10 * SECOND,
          .help = "A hook that runs longer is killed. "
                  "Let a slow one hand its work to another service instead of raising it." },
        { .path = "alerts.hooks_at_once", .type = KEY_COUNT, IN(alerts.hooks_at_once),
          .min = 1, .max = 64, .initial = 4, .unit = "processes",
          .help = "Further hooks fail while so many run. A flood is no time for many processes." },
        { .path = "alerts.update_interval", .type = KEY_DURATION, IN(alerts.update_interval_us),
          .min = SECOND, .max = DAY, .initial = 60 * SECOND,
          .help = "At most one flood-update for each incident in this time. "
                  "Begin and end are told at once whatever is set here." },
        { .path = "mute", .type = KEY_LIST, .max = SETTINGS_MUTES_MAX, .initial_text = "[]",
          .help = "Times in which events are recorded and nobody is alerted; actions go on. "
                  "A flood that still lasts when the time is over is told then; whoever was told "
                  "of one before is told of its end. Hooks beside a block go on too: they keep "
                  "somebody else's list. "
                  "until is required, from is not; ports (a number or a range) limits it to those "
                  "listeners. Times are as in RFC 3339, with Z or an offset.",
          .example = "- ports: 443\n"
                     "  from: 2030-11-22T20:00:00Z\n"
                     "  until: 2030-11-22T22:00:00Z\n" },

        { .path = "block.enabled", .type = KEY_BOOL, IN(block.enabled), .initial = false,
          .help = "Leave it off where many clients share an address (NAT, proxies): one of them "
                  "that floods blocks them all, unless one finished a handshake within known_for. "
                  "A policy's block does nothing while this is false." },
        { .path = "block.timeout", .type = KEY_DURATION, IN(block.timeout_us),
          .min = SECOND, .max = DAY, .initial = 5 * MINUTE,
          .help = "For how long a source is dropped. "
                  "A long one hurts whoever gets the address next." },
        { .path = "block.known_for", .type = KEY_DURATION, IN(block.known_for_us),
          .min = MINUTE, .max = 365 * DAY, .initial = DAY,
          .help = "Who has finished a handshake in this time is never blocked: an enemy may forge "
                  "the address. Kept over restarts; counted from when blocking was switched on." },
        { .path = "block.max_entries", .type = KEY_COUNT, IN(block.max_entries),
          .min = 1, .max = 65536, .initial = 1024, .unit = "sources",
          .help = "Sources and prefixes blocked at a time." },
        { .path = "block.min_rate", .type = KEY_COUNT, IN(block.min_syn_per_s),
          .min = 1, .max = 1000000, .initial = 50, .unit = "SYNs a second",
          .help = "No source that certainly leaves fewer unfinished, at flooded listeners, is blocked. "
                  "Lower it only for listeners that few clients use." },
        { .path = "block.limit", .type = KEY_COUNT, IN(block.limit_per_s),
          .min = 0, .max = 10000, .initial = 0, .unit = "SYNs a second",
          .help = "What still passes of a source that floods and is spared for having a connection, or "
                  "for known_for; of a network with such a one in it, all together. Half of it is "
                  "for SYNs sent again, so that an honest connection is a second late. 0: all "
                  "passes. Off at first: an enemy can forge the address of a client whose firewall "
                  "keeps it silent, and, if he sends each SYN again after a second, keep new "
                  "connections of its out. 10 is no flood; a larger one may be." },

        { .path = "incidents.keep", .type = KEY_COUNT, IN(incidents.keep),
          .min = 1, .max = 10000, .initial = 50, .unit = "incidents",
          .help = "The oldest records beyond it are deleted." },
        { .path = "incidents.max_size", .type = KEY_SIZE, IN(incidents.max_size),
          .min = MIB, .max = 64 * GIB, .initial = 64 * MIB,
          .help = "What all records together may take on disk; the oldest go first." },
        { .path = "incidents.max_age", .type = KEY_DURATION, IN(incidents.max_age_us),
          .min = 0, .max = 3650 * DAY, .initial = 30 * DAY,
          .help = "Records are deleted so long after the end of their flood; 0s: never for their "
                  "age. They hold addresses of clients, which may not be kept for ever." },
        { .path = "incidents.pcap_packets", .type = KEY_COUNT, IN(incidents.pcap_packets),
          .min = 0, .max = 100000, .initial = 1000, .unit = "packets",
          .help = "SYNs kept as a sample with each incident; 0: none. "
                  "They hold addresses of clients: mind who may read them." },

        { .path = "probe.listener", .type = KEY_ADDRESS, IN(probe.listener), .max = 65535, .initial_text = "",
          .help = "Whom to connect to: an address of this host with the port, 192.0.2.1:443 or "
                  "[2001:db8::1]:443; empty: nobody. Nothing is sent, and the connection is ended at once. "
                  "To name one where there was none, or another port, takes a restart. Under the unit it "
                  "needs a drop-in. Do not name a listener that cannot bear a connection without a request." },
        { .path = "probe.from", .type = KEY_ADDRESS, IN(probe.from), .max = 0, .initial_text = "",
          .help = "The address to connect from, one of this host's, of the listener's family; empty: as the "
                  "kernel chooses. Give one of its own to the probe where a firewall or a log is to know it." },
        { .path = "probe.interval", .type = KEY_DURATION, IN(probe.interval_us),
          .min = SECOND, .max = MINUTE, .initial = 5 * SECOND,
          .help = "From one handshake to the next while nothing is up. A long one leaves little to compare "
                  "a flood with; a short one is seen in the listener's log." },
        { .path = "probe.flood_interval", .type = KEY_DURATION, IN(probe.flood_interval_us),
          .min = 200 * MS, .max = MINUTE, .initial = 500 * MS,
          .help = "The same while something is up. A long one says little of a short flood; a short one "
                  "takes from the queue what honest clients need: at 500 ms two places a second." },
        { .path = "probe.timeout", .type = KEY_DURATION, IN(probe.timeout_us),
          .min = 100 * MS, .max = 10 * SECOND, .initial = 3 * SECOND,
          .help = "A handshake that takes longer is given up and counts as timed out. A SYN is sent again after "
                  "a second, so below that one that is lost counts as no service at all; with much more what "
                  "is told is old." },

        { .path = "metrics.fleet_key", .type = KEY_PATH, IN(metrics.fleet_key),
          .min = 0, .max = SETTINGS_PATH_MAX - 1, .credential = true, .initial_text = "",
          .help = "Where the fleet's secret is, the same on all its hosts: a file, or the name of a credential "
                  "(LoadCredential= in the unit). It holds 32 hexadecimal digits, as systemd-id128 new "
                  "prints them. It turns on 192 series of sketches, which Prometheus merges over the "
                  "fleet (contrib/prometheus); empty: none. With a thousand hosts that is 192,000 "
                  "series. See THE FLEET'S SKETCHES for what they give away, and what they do not see." },
};
/* clang-format on */

const size_t keys_count = sizeof keys_table / sizeof *keys_table;

const struct key *keys_find(const char *path) {
        for (size_t i = 0; i < keys_count; i++)
                if (strcmp(keys_table[i].path, path) == 0)
                        return &keys_table[i];
        return NULL;
}

const struct key_group *keys_find_group(const char *path) {
        for (size_t i = 0; i < sizeof groups / sizeof *groups; i++)
                if (strcmp(groups[i].path, path) == 0)
                        return &groups[i];
        return NULL;
}

size_t keys_children(const char *prefix, char ret[static KEYS_CHILDREN_MAX][KEYS_NAME_MAX]) {
        size_t prefix_length = strlen(prefix), count = 0;

        for (size_t i = 0; i < keys_count; i++) {
                const char *name = keys_table[i].path + prefix_length;
                size_t length;

                if (strncmp(keys_table[i].path, prefix, prefix_length) != 0)
                        continue;
                length = strcspn(name, ".");
                /* The keys of a group stand together. */
                if (count > 0 && strncmp(ret[count - 1], name, length) == 0 && ret[count - 1][length] == '\0')
                        continue;
                assert(count < KEYS_CHILDREN_MAX && length < KEYS_NAME_MAX);
                memcpy(ret[count], name, length);
                ret[count++][length] = '\0';
        }
        return count;
}

uint32_t keys_detect_bit(const struct key *key) {
        uint32_t bit = 1;

        assert(key->place == KEY_IN_DETECT);
        for (const struct key *k = keys_table; k < key; k++)
                if (k->place == KEY_IN_DETECT)
                        bit <<= 1;
        return bit;
}

void *keys_base(const struct key *key, struct settings *s) {
        switch (key->place) {
        case KEY_IN_SETTINGS:
                return s;
        case KEY_IN_DETECT:
                return &s->detect;
        }
        return NULL;
}

const void *keys_base_const(const struct key *key, const struct settings *s) {
        switch (key->place) {
        case KEY_IN_SETTINGS:
                return s;
        case KEY_IN_DETECT:
                return &s->detect;
        }
        return NULL;
}

uint64_t keys_get(const struct key *key, const void *base) {
        const void *from = (const char *) base + key->offset;
        union {
                uint8_t u8;
                uint16_t u16;
                uint32_t u32;
                uint64_t u64;
        } v;

        assert(key->type != KEY_PATH && key->type != KEY_ADDRESS && key->type != KEY_LIST);
        memcpy(&v, from, key->width);
        switch (key->width) {
        case sizeof v.u8:
                return v.u8;
        case sizeof v.u16:
                return v.u16;
        case sizeof v.u32:
                return v.u32;
        }
        assert(key->width == sizeof v.u64);
        return v.u64;
}

void keys_set(const struct key *key, void *base, uint64_t value) {
        void *to = (char *) base + key->offset;

        assert(key->type != KEY_PATH && key->type != KEY_ADDRESS && key->type != KEY_LIST);
        switch (key->width) {
        case sizeof(uint8_t):
                memcpy(to, &(uint8_t) { (uint8_t) value }, key->width);
                return;
        case sizeof(uint16_t):
                memcpy(to, &(uint16_t) { (uint16_t) value }, key->width);
                return;
        case sizeof(uint32_t):
                memcpy(to, &(uint32_t) { (uint32_t) value }, key->width);
                return;
        }
        assert(key->width == sizeof value);
        memcpy(to, &value, key->width);
}

const char *keys_get_path(const struct key *key, const void *base) {
        assert(key->type == KEY_PATH);
        return (const char *) base + key->offset;
}

void keys_set_path(const struct key *key, void *base, const char *text) {
        assert(key->type == KEY_PATH && strlen(text) < key->width);
        memcpy((char *) base + key->offset, text, strlen(text) + 1);
}

const struct settings_address *keys_get_address(const struct key *key, const void *base) {
        assert(key->type == KEY_ADDRESS);
        return (const struct settings_address *) (const void *) ((const char *) base + key->offset);
}

void keys_set_address(const struct key *key, void *base, const struct settings_address *value) {
        assert(key->type == KEY_ADDRESS && key->width == sizeof *value);
        memcpy((char *) base + key->offset, value, sizeof *value);
}

void config_defaults(struct settings *ret) {
        memset(ret, 0, sizeof *ret);
        for (size_t i = 0; i < keys_count; i++) {
                const struct key *k = &keys_table[i];

                if (k->type == KEY_PATH)
                        keys_set_path(k, keys_base(k, ret), k->initial_text);
                else if (k->type != KEY_LIST && k->type != KEY_ADDRESS) /* no address: zeros */
                        keys_set(k, keys_base(k, ret), k->initial);
        }
}
