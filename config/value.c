/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config/value.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* Largest first: what is printed is the largest that divides a value. */
struct unit {
        const char *name;
        uint64_t factor;
};

static const struct unit durations[] = {
        { "y", UINT64_C(31536000000000) }, /* of 365 days */
        { "d", UINT64_C(86400000000) },
        { "h", UINT64_C(3600000000) },
        { "m", 60000000 },
        { "s", 1000000 },
        { "ms", 1000 },
        { NULL, 0 },
};

static const struct unit sizes[] = {
        { "GiB", 1 << 30 },
        { "MiB", 1 << 20 },
        { "KiB", 1 << 10 },
        { NULL, 0 },
};

static const char digits[] = "0123456789";

int value_parse_number(const char *text, uint64_t *ret) {
        uint64_t value = 0;

        if (*text == '\0' || text[strspn(text, digits)] != '\0' || (text[0] == '0' && text[1] != '\0'))
                return -EINVAL;
        for (const char *p = text; *p; p++)
                if (__builtin_mul_overflow(value, 10, &value) ||
                    __builtin_add_overflow(value, (uint64_t) (*p - '0'), &value))
                        return -ERANGE;
        *ret = value;
        return 0;
}

/* "500" and "ms" of "500ms". */
static int split(const char *text, uint64_t *ret_number, const char **ret_unit) {
        char number[24];
        size_t n = strspn(text, digits);

        if (n >= sizeof number)
                return -ERANGE;
        memcpy(number, text, n);
        number[n] = '\0';
        *ret_unit = text + n;
        return value_parse_number(number, ret_number);
}

static int parse_with_unit(const struct unit *units, const char *text, const char *example, uint64_t *ret,
                           struct value_why *ret_why) {
        const char *unit;
        uint64_t number;
        int r;

        r = split(text, &number, &unit);
        if (r == -ERANGE) {
                (void) snprintf(ret_why->text, sizeof ret_why->text, "too large");
                return r;
        }
        if (r < 0) {
                (void) snprintf(ret_why->text, sizeof ret_why->text,
                                "'%.32s' is not a number with a unit; write it like %s", text, example);
                return r;
        }
        for (const struct unit *u = units; u->name; u++)
                if (strcmp(unit, u->name) == 0) {
                        if (!__builtin_mul_overflow(number, u->factor, ret))
                                return 0;
                        (void) snprintf(ret_why->text, sizeof ret_why->text, "too large");
                        return -ERANGE;
                }
        if (*unit == '\0')
                (void) snprintf(ret_why->text, sizeof ret_why->text, "%.24s has no unit; write it like %s", text,
                                example);
        else
                (void) snprintf(ret_why->text, sizeof ret_why->text, "unknown unit '%.16s'; write it like %s", unit,
                                example);
        return -EINVAL;
}

/* "1%" or "0.5%", to permille. */
static int parse_percent(const char *text, uint64_t *ret, struct value_why *ret_why) {
        const char *rest;
        uint64_t whole, tenths = 0;
        int r;

        r = split(text, &whole, &rest);
        if (r == 0 && rest[0] == '.' && strspn(rest + 1, digits) == 1) {
                tenths = (uint64_t) (rest[1] - '0');
                rest += 2;
        }
        if (r == 0 && strcmp(rest, "%") == 0 && whole <= 1000000) {
                *ret = whole * 10 + tenths;
                return 0;
        }
        if (r == 0 && *rest == '\0')
                (void) snprintf(ret_why->text, sizeof ret_why->text, "%.24s has no unit; write %.24s%%", text, text);
        else
                (void) snprintf(ret_why->text, sizeof ret_why->text,
                                "'%.32s' is not a share; write it like 5%% or 0.5%%", text);
        return -EINVAL;
}

static int parse_bool(const char *text, bool plain, uint64_t *ret, struct value_why *ret_why) {
        if (plain && (strcmp(text, "true") == 0 || strcmp(text, "false") == 0)) {
                *ret = text[0] == 't';
                return 0;
        }
        (void) snprintf(ret_why->text, sizeof ret_why->text, "write true or false%s, not '%.32s'",
                        plain ? "" : " without quotes", text);
        return -EINVAL;
}

static int parse_count(const struct key *key, const char *text, bool plain, uint64_t *ret, struct value_why *ret_why) {
        int r = plain ? value_parse_number(text, ret) : -EINVAL;

        if (r == -ERANGE)
                (void) snprintf(ret_why->text, sizeof ret_why->text, "too large");
        else if (r < 0)
                (void) snprintf(ret_why->text, sizeof ret_why->text, "'%.32s' is not a whole decimal number%s%s%s",
                                text, key->unit ? " of " : "", key->unit ? key->unit : "",
                                plain ? "" : " (write it without quotes)");
        return r;
}

static int parse_enum(const struct key *key, const char *text, uint64_t *ret, struct value_why *ret_why) {
        char names[VALUE_NAMES_MAX];
        const char *near;

        for (uint64_t i = 0; key->names[i]; i++)
                if (strcmp(key->names[i], text) == 0) {
                        *ret = i;
                        return 0;
                }
        near = value_suggest(text, key->names);
        if (near)
                (void) snprintf(ret_why->text, sizeof ret_why->text, "unknown value '%.32s'; did you mean %s?", text,
                                near);
        else
                (void) snprintf(ret_why->text, sizeof ret_why->text, "unknown value '%.32s'; it can be %.120s", text,
                                value_format_range(key, names));
        return -EINVAL;
}

/* systemd takes names of files, and none that leads elsewhere. */
static bool is_credential(const struct key *key, const char *text) {
        return key->credential && !strchr(text, '/') && strcmp(text, ".") != 0 && strcmp(text, "..") != 0;
}

static int check_path(const struct key *key, const char *text, uint64_t *ret, struct value_why *ret_why) {
        *ret = strlen(text);
        if (*ret == 0 && key->min == 0)
                return 0;
        if (text[0] != '/' && !is_credential(key, text)) {
                (void) snprintf(ret_why->text, sizeof ret_why->text, "'%.64s' is not an absolute path%s", text,
                                key->credential ? ", nor the name of a credential" : "");
                return -EINVAL;
        }
        for (const char *p = text; *p; p++)
                if ((unsigned char) *p < 0x20 || *p == 0x7f) {
                        (void) snprintf(ret_why->text, sizeof ret_why->text, "a control character in a path");
                        return -EINVAL;
                }
        if (*ret > key->max) {
                (void) snprintf(ret_why->text, sizeof ret_why->text, "a path longer than %" PRIu64 " bytes", key->max);
                return -ERANGE;
        }
        return 0;
}

static int parse_any(const struct key *key, const char *text, bool plain, uint64_t *ret, struct value_why *ret_why) {
        switch (key->type) {
        case KEY_BOOL:
                return parse_bool(text, plain, ret, ret_why);
        case KEY_DURATION:
                return parse_with_unit(durations, text, "500ms, 10s, 5m, 1h", ret, ret_why);
        case KEY_SIZE:
                return parse_with_unit(sizes, text, "64KiB, 64MiB, 1GiB", ret, ret_why);
        case KEY_PERCENT:
                return parse_percent(text, ret, ret_why);
        case KEY_COUNT:
                return parse_count(key, text, plain, ret, ret_why);
        case KEY_ENUM:
                return parse_enum(key, text, ret, ret_why);
        case KEY_PATH:
                return check_path(key, text, ret, ret_why);
        case KEY_ADDRESS:
        case KEY_LIST:
                break;
        }
        assert(false);
        return -EINVAL;
}

static bool has_range(const struct key *key) {
        return key->type == KEY_DURATION || key->type == KEY_SIZE || key->type == KEY_PERCENT || key->type == KEY_COUNT;
}

int value_parse(const struct key *key, const char *text, bool plain, uint64_t *ret, struct value_why *ret_why) {
        char range[VALUE_NAMES_MAX];
        uint64_t value;
        int r;

        if (*text == '\0' && plain) {
                (void) snprintf(ret_why->text, sizeof ret_why->text, "has no value");
                return -EINVAL;
        }
        r = parse_any(key, text, plain, &value, ret_why);
        if (r < 0)
                return r;
        if (has_range(key) && (value < key->min || value > key->max)) {
                (void) snprintf(ret_why->text, sizeof ret_why->text, "%.24s is out of range (%.100s)", text,
                                value_format_range(key, range));
                return -ERANGE;
        }
        *ret = value;
        return 0;
}

static void format_with_unit(const struct unit *units, uint64_t value, char *text) {
        const struct unit *u = units, *last = units;

        for (; u->name && (value == 0 || value % u->factor != 0); u++)
                last = u;
        if (!u->name)
                u = last;
        /* Zero is written in seconds. */
        if (value == 0 && units == durations)
                for (u = units; u->factor != 1000000;)
                        u++;
        (void) snprintf(text, VALUE_TEXT_MAX, "%" PRIu64 "%s", value / u->factor, u->name);
}

char *value_format(const struct key *key, uint64_t value, char text[static VALUE_TEXT_MAX]) {
        switch (key->type) {
        case KEY_BOOL:
                (void) snprintf(text, VALUE_TEXT_MAX, "%s", value ? "true" : "false");
                break;
        case KEY_DURATION:
                format_with_unit(durations, value, text);
                break;
        case KEY_SIZE:
                format_with_unit(sizes, value, text);
                break;
        case KEY_PERCENT:
                if (value % 10 > 0)
                        (void) snprintf(text, VALUE_TEXT_MAX, "%" PRIu64 ".%" PRIu64 "%%", value / 10, value % 10);
                else
                        (void) snprintf(text, VALUE_TEXT_MAX, "%" PRIu64 "%%", value / 10);
                break;
        case KEY_COUNT:
                (void) snprintf(text, VALUE_TEXT_MAX, "%" PRIu64, value);
                break;
        case KEY_ENUM:
                (void) snprintf(text, VALUE_TEXT_MAX, "%s", key->names[value]);
                break;
        case KEY_PATH:
        case KEY_ADDRESS:
        case KEY_LIST:
                assert(false);
                break;
        }
        return text;
}

static void join_names(const char *const *names, char text[static VALUE_NAMES_MAX]) {
        size_t used = 0;

        text[0] = '\0';
        for (; *names && used < VALUE_NAMES_MAX; names++)
                used += (size_t) snprintf(text + used, VALUE_NAMES_MAX - used, "%s%s", used > 0 ? ", " : "", *names);
}

char *value_format_range(const struct key *key, char text[static VALUE_NAMES_MAX]) {
        char from[VALUE_TEXT_MAX], to[VALUE_TEXT_MAX];

        switch (key->type) {
        case KEY_BOOL:
                (void) snprintf(text, VALUE_NAMES_MAX, "true or false");
                break;
        case KEY_DURATION:
        case KEY_SIZE:
        case KEY_PERCENT:
        case KEY_COUNT:
                (void) snprintf(text, VALUE_NAMES_MAX, "%s to %s%s%s", value_format(key, key->min, from),
                                value_format(key, key->max, to), key->unit ? " " : "", key->unit ? key->unit : "");
                break;
        case KEY_ENUM:
                join_names(key->names, text);
                break;
        case KEY_PATH:
                (void) snprintf(text, VALUE_NAMES_MAX, "an absolute path of at most %" PRIu64 " bytes%s%s", key->max,
                                key->credential ? ", the name of a credential" : "", key->min == 0 ? ", or empty" : "");
                break;
        case KEY_ADDRESS:
                (void) snprintf(text, VALUE_NAMES_MAX, "%s, or empty",
                                key->max > 0 ? "ADDRESS:PORT or [ADDRESS]:PORT" : "an address");
                break;
        case KEY_LIST:
                (void) snprintf(text, VALUE_NAMES_MAX, "at most %" PRIu64 " entries", key->max);
                break;
        }
        return text;
}

int value_parse_ports(const char *text, struct settings_port_range *ret) {
        char first_text[8];
        const char *dash = strchr(text, '-');
        size_t n = dash ? (size_t) (dash - text) : strlen(text);
        uint64_t first, last;

        if (n >= sizeof first_text)
                return -EINVAL;
        memcpy(first_text, text, n);
        first_text[n] = '\0';
        if (value_parse_number(first_text, &first) < 0 || value_parse_number(dash ? dash + 1 : first_text, &last) < 0)
                return -EINVAL;
        if (first < 1 || first > last || last > UINT16_MAX)
                return -ERANGE;
        *ret = (struct settings_port_range) { (uint16_t) first, (uint16_t) last };
        return 0;
}

char *value_format_ports(struct settings_port_range p, char text[static VALUE_TEXT_MAX]) {
        if (p.first == p.last)
                (void) snprintf(text, VALUE_TEXT_MAX, "%u", p.first);
        else
                (void) snprintf(text, VALUE_TEXT_MAX, "%u-%u", p.first, p.last);
        return text;
}

/* Digits where the pattern has a 0, and its own characters elsewhere. */
static bool looks_like(const char *text, const char *pattern) {
        for (; *pattern; pattern++, text++)
                if (*pattern == '0' ? (*text < '0' || *text > '9') : *text != *pattern)
                        return false;
        return true;
}

static int two_digits(const char *p) {
        return (p[0] - '0') * 10 + (p[1] - '0');
}

/* Seconds east of UTC. */
static int parse_offset(const char *text, int64_t *ret) {
        int hours, minutes;

        if (strcmp(text, "Z") == 0) {
                *ret = 0;
                return 0;
        }
        if ((text[0] != '+' && text[0] != '-') || !looks_like(text + 1, "00:00") || text[6] != '\0')
                return -EINVAL;
        hours = two_digits(text + 1);
        minutes = two_digits(text + 4);
        if (hours > 23 || minutes > 59)
                return -EINVAL;
        *ret = (text[0] == '-' ? -60 : 60) * (hours * 60 + minutes);
        return 0;
}

int value_parse_time(const char *text, uint64_t *ret_us) {
        struct tm t = { 0 }, normal;
        int64_t offset, seconds;

        if (!looks_like(text, "0000-00-00T00:00:00") || parse_offset(text + 19, &offset) < 0)
                return -EINVAL;
        t.tm_year = two_digits(text) * 100 + two_digits(text + 2) - 1900;
        t.tm_mon = two_digits(text + 5) - 1;
        t.tm_mday = two_digits(text + 8);
        t.tm_hour = two_digits(text + 11);
        t.tm_min = two_digits(text + 14);
        t.tm_sec = two_digits(text + 17);
        normal = t;
        seconds = timegm(&normal);
        /* timegm() takes 31 June for 1 July. */
        if (normal.tm_mday != t.tm_mday || normal.tm_mon != t.tm_mon || normal.tm_hour != t.tm_hour ||
            normal.tm_min != t.tm_min || normal.tm_sec != t.tm_sec || t.tm_year < 100)
                return -EINVAL;
        *ret_us = (uint64_t) (seconds - offset) * 1000000;
        return 0;
}

char *value_format_time(uint64_t us, char text[static VALUE_TEXT_MAX]) {
        time_t seconds = (time_t) (us / 1000000);
        struct tm t;

        (void) gmtime_r(&seconds, &t);
        if (strftime(text, VALUE_TEXT_MAX, "%Y-%m-%dT%H:%M:%SZ", &t) == 0)
                text[0] = '\0';
        return text;
}

enum { SUGGEST_LENGTH_MAX = 32 };

static unsigned smallest(unsigned a, unsigned b, unsigned c) {
        unsigned m = a < b ? a : b;

        return m < c ? m : c;
}

/* Insertions, deletions, replacements and swaps of neighbours (optimal string alignment). */
static unsigned edit_distance(const char *a, size_t n, const char *b, size_t m) {
        unsigned d[SUGGEST_LENGTH_MAX + 1][SUGGEST_LENGTH_MAX + 1];

        for (unsigned i = 0; i <= n; i++)
                d[i][0] = i;
        for (unsigned j = 0; j <= m; j++)
                d[0][j] = j;
        for (size_t i = 1; i <= n; i++)
                for (size_t j = 1; j <= m; j++) {
                        d[i][j] = smallest(d[i - 1][j] + 1, d[i][j - 1] + 1, d[i - 1][j - 1] + (a[i - 1] != b[j - 1]));
                        if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
                            d[i - 2][j - 2] + 1 < d[i][j])
                                d[i][j] = d[i - 2][j - 2] + 1;
                }
        return d[n][m];
}

const char *value_suggest(const char *text, const char *const *names) {
        size_t n = strlen(text);
        unsigned best = n < 3 ? 1 : (unsigned) (n / 3) + 1; /* a third of it may be wrong */
        const char *near = NULL;

        if (n == 0 || n > SUGGEST_LENGTH_MAX)
                return NULL;
        for (; *names; names++) {
                size_t m = strlen(*names);
                unsigned distance;

                if (m > SUGGEST_LENGTH_MAX)
                        continue;
                distance = edit_distance(text, n, *names, m);
                if (distance < best || (distance == best && !near && n >= 3)) {
                        best = distance;
                        near = *names;
                }
        }
        return near;
}
