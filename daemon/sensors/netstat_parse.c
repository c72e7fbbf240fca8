/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sensors/netstat_parse.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

struct span {
        const char *at;
        size_t length;
};

static bool span_is(struct span s, const char *text) {
        return strlen(text) == s.length && memcmp(s.at, text, s.length) == 0;
}

/* The line that begins at *rest, without its line break; false at the end, and
 * for a last line that has none. */
static bool next_line(struct span *rest, struct span *ret) {
        const char *end = memchr(rest->at, '\n', rest->length);

        if (!end)
                return false;
        *ret = (struct span) { rest->at, (size_t) (end - rest->at) };
        rest->length -= ret->length + 1;
        rest->at = end + 1;
        return true;
}

static bool next_word(struct span *rest, struct span *ret) {
        const char *end;

        while (rest->length > 0 && *rest->at == ' ') {
                rest->at++;
                rest->length--;
        }
        if (rest->length == 0)
                return false;
        end = memchr(rest->at, ' ', rest->length);
        ret->at = rest->at;
        ret->length = end ? (size_t) (end - rest->at) : rest->length;
        rest->at += ret->length;
        rest->length -= ret->length;
        return true;
}

/* Where the kernel keeps each counter; the same name may occur in other groups. */
static const char *group_of(unsigned column) {
        switch (column) {
        case OBS_PASSIVE_OPENS:
        case OBS_ACTIVE_OPENS:
        case OBS_ATTEMPT_FAILS:
        case OBS_IN_SEGMENTS:
        case OBS_OUT_RSTS:
        case OBS_CSUM_ERRORS:
                return "Tcp:";
        case OBS_COOKIES_SENT:
        case OBS_COOKIES_RECEIVED:
        case OBS_COOKIES_FAILED:
        case OBS_QUEUE_FULL_COOKIES:
        case OBS_QUEUE_FULL_DROPS:
        case OBS_LISTEN_OVERFLOWS:
        case OBS_LISTEN_DROPS:
        case OBS_EMBRYONIC_RSTS:
        case OBS_SYN_RETRANS:
                return "TcpExt:";
        default: /* counted by our own rules, or of another file */
                return NULL;
        }
}

uint32_t netstat_counters(void) {
        uint32_t all = 0;

        for (unsigned c = 0; c < OBS_COUNTERS; c++)
                if (group_of(c))
                        all |= UINT32_C(1) << c;
        return all;
}

/* The counters of one group, found once a pair rather than once a column. */
struct wanted {
        unsigned count;
        struct {
                const char *name;
                size_t length;
                unsigned column;
        } list[NETSTAT_COLUMNS];
};

static void wanted_in(struct span group, struct wanted *w) {
        w->count = 0;
        for (unsigned c = 0; c < NETSTAT_COLUMNS; c++) {
                const char *of = group_of(c), *name;

                if (!of || !span_is(group, of))
                        continue;
                name = obs_counter_name((enum obs_counter) c);
                w->list[w->count].name = name;
                w->list[w->count].length = strlen(name);
                w->list[w->count++].column = c;
        }
}

static bool wanted_find(const struct wanted *w, struct span name, unsigned *ret) {
        for (unsigned i = 0; i < w->count; i++)
                if (w->list[i].length == name.length && memcmp(w->list[i].name, name.at, name.length) == 0) {
                        *ret = w->list[i].column;
                        return true;
                }
        return false;
}

/* Decimal digits only, up to 64 bits. The columns that can be negative
 * (MaxConn) are none of ours. */
static bool number(struct span word, uint64_t *ret) {
        uint64_t value = 0;

        for (size_t i = 0; i < word.length; i++) {
                unsigned digit = (unsigned) (unsigned char) word.at[i] - '0';

                if (digit > 9 || __builtin_mul_overflow(value, UINT64_C(10), &value) ||
                    __builtin_add_overflow(value, digit, &value))
                        return false;
        }
        *ret = value;
        return word.length > 0;
}

/* One pair of lines after their group's name. */
static int parse_pair(const struct wanted *w, struct span names, struct span values, struct netstat_totals *totals) {
        struct netstat_totals found = { 0 };
        uint32_t doubtful = 0;
        struct span name, value;
        unsigned c;

        for (;;) {
                bool more = next_word(&names, &name);
                uint64_t n;

                if (more != next_word(&values, &value))
                        return -EBADMSG;
                if (!more)
                        break;
                if (!wanted_find(w, name, &c))
                        continue;
                if ((found.known & (UINT32_C(1) << c)) || !number(value, &n))
                        doubtful |= UINT32_C(1) << c;
                else {
                        found.value[c] = n;
                        found.known |= UINT32_C(1) << c;
                }
        }
        found.known &= ~doubtful;
        for (unsigned i = 0; i < NETSTAT_COLUMNS; i++)
                if (found.known & (UINT32_C(1) << i))
                        totals->value[i] = found.value[i];
        totals->known |= found.known;
        return 0;
}

static int parse_values(const struct wanted *w, struct span group, struct span names, struct span *rest,
                        struct netstat_totals *totals) {
        struct span after = *rest, values, other;

        /* Another group's line is left for the caller: only this pair is lost. */
        if (!next_line(&after, &values) || !next_word(&values, &other) || other.length != group.length ||
            memcmp(other.at, group.at, group.length) != 0)
                return -EBADMSG;
        *rest = after;
        return parse_pair(w, names, values, totals);
}

int netstat_parse(const char *text, size_t length, struct netstat_totals *totals) {
        struct span rest = { text, length }, names, group;
        struct wanted w;
        int r = 0;

        while (next_line(&rest, &names)) {
                if (!next_word(&names, &group))
                        continue;
                wanted_in(group, &w);
                if (w.count > 0 && parse_values(&w, group, names, &rest, totals) < 0)
                        r = -EBADMSG;
        }
        return rest.length == 0 ? r : -EBADMSG;
}

int netstat_parse_in_use(const char *text, size_t length, struct netstat_totals *totals) {
        struct span rest = { text, length }, line, word, value;
        uint64_t n;

        while (next_line(&rest, &line)) {
                if (!next_word(&line, &word) || !(span_is(word, "TCP:") || span_is(word, "TCP6:")))
                        continue;
                while (next_word(&line, &word) && next_word(&line, &value))
                        if (span_is(word, "inuse") && number(value, &n)) {
                                totals->value[NETSTAT_IN_USE] += n;
                                totals->known |= UINT32_C(1) << NETSTAT_IN_USE;
                                return 0;
                        }
        }
        return -EBADMSG;
}

void netstat_delta(const struct netstat_totals *before, const struct netstat_totals *now, struct observation *o) {
        for (unsigned c = 0; c < OBS_COUNTERS; c++)
                if ((before->known & now->known & (UINT32_C(1) << c)) && now->value[c] >= before->value[c])
                        observation_set(o, (enum obs_counter) c, now->value[c] - before->value[c]);
        if (now->known & (UINT32_C(1) << NETSTAT_IN_USE)) {
                o->in_use = now->value[NETSTAT_IN_USE];
                o->known |= OBS_K_IN_USE;
        }
}
