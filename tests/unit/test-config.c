/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"
#include "tests/unit/unit.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/load.h"
#include "config/print.h"
#include "config/value.h"
#include "config/value_address.h"
#include "core/verdict.h"
#include "tests/unit/config/same.h"

#define DATA TOP_SRCDIR "/tests/unit/config/"

/* --- helpers ------------------------------------------------------------ */

static char *read_file(const char *path, size_t *ret_size) {
        FILE *f = fopen(path, "r");
        char *text = calloc(1, 1 << 20);

        assert_non_null(f);
        assert_non_null(text);
        *ret_size = fread(text, 1, (1 << 20) - 1, f);
        (void) fclose(f);
        return text;
}

static void write_file(const char *directory, const char *name, const char *text) {
        char path[512];
        FILE *f;

        (void) snprintf(path, sizeof path, "%s/%s", directory, name);
        f = fopen(path, "w");
        assert_non_null(f);
        assert_true(fputs(text, f) >= 0);
        assert_int_equal(fclose(f), 0);
}

static void remove_file(const char *directory, const char *name) {
        char path[512];

        (void) snprintf(path, sizeof path, "%s/%s", directory, name);
        (void) remove(path);
}

static void load_good(const char *text, size_t size, struct settings *ret) {
        struct config_errors errors = { 0 };
        int r = config_load_text("text", text, size, ret, &errors);

        config_errors_print(&errors, stderr);
        assert_int_equal(r, 0);
        assert_int_equal(errors.count, 0);
}

/* The first message; what was there before must still be there. */
static const char *load_bad(const char *text, size_t size) {
        static struct config_errors errors;
        struct settings before, s;

        memset(&before, 0x5a, sizeof before);
        memcpy(&s, &before, sizeof s);
        errors = (struct config_errors) { 0 };
        assert_int_equal(config_load_text("text", text, size, &s, &errors), -EINVAL);
        assert_memory_equal(&s, &before, sizeof s);
        assert_true(errors.count > 0);
        return errors.items[0].message;
}

static void assert_default(const char *text, size_t size) {
        struct settings s, defaults;

        config_defaults(&defaults);
        load_good(text, size, &s);
        assert_true(same_settings(&s, &defaults));
        settings_release(&s);
}

/* --- the table ---------------------------------------------------------- */

static void assert_round_trip(const struct key *k, uint64_t value) {
        char text[VALUE_TEXT_MAX];
        struct value_why why;
        uint64_t again;

        value_format(k, value, text);
        if (value_parse(k, text, true, &again, &why) < 0)
                fail_msg("%s: %s: %s", k->path, text, why.text);
        assert_int_equal(again, value);
}

static void assert_group_exists(const char *path) {
        char group[KEYS_PATH_MAX];
        const char *dot = strrchr(path, '.');

        if (!dot)
                return;
        memcpy(group, path, (size_t) (dot - path));
        group[dot - path] = '\0';
        if (!keys_find_group(group))
                fail_msg("%s: its group has no help", path);
        assert_group_exists(group);
}

static void table_is_sound(void **state) {
        assert_in_range(keys_count, 40, KEYS_MAX);
        for (size_t i = 0; i < keys_count; i++) {
                const struct key *k = &keys_table[i];

                assert_ptr_equal(keys_find(k->path), k); /* no other has its path */
                assert_true(strlen(k->path) < KEYS_PATH_MAX);
                assert_int_equal(k->help[strlen(k->help) - 1], '.');
                assert_group_exists(k->path);
                if (k->type == KEY_PATH) {
                        assert_in_range(strlen(k->initial_text), k->min, k->max);
                        assert_true(k->max < k->width);
                } else if (k->type == KEY_ADDRESS) {
                        assert_string_equal(k->initial_text, "");
                        assert_int_equal(k->width, sizeof(struct settings_address));
                        assert_true(k->max == 0 || k->max == UINT16_MAX);
                } else if (k->type != KEY_LIST) {
                        assert_round_trip(k, k->initial);
                }
                if (k->type == KEY_DURATION || k->type == KEY_SIZE || k->type == KEY_PERCENT || k->type == KEY_COUNT) {
                        assert_in_range(k->initial, k->min, k->max);
                        assert_round_trip(k, k->min);
                        assert_round_trip(k, k->max);
                        assert_true(k->width == 8 || k->max >> 8 * k->width == 0);
                }
        }
}

/* Every field of the settings is some key's: a value set is the value got, and nobody else's. */
static void keys_do_not_overlap(void **state) {
        static char owner[sizeof(struct settings)];

        for (size_t i = 0; i < keys_count; i++) {
                const struct key *k = &keys_table[i];
                struct settings s;
                size_t at;

                if (k->type == KEY_LIST)
                        continue;
                at = (size_t) ((char *) keys_base(k, &s) - (char *) &s) + k->offset;
                for (size_t j = 0; j < k->width; j++)
                        assert_int_equal(owner[at + j]++, 0);
        }
}

/* The contract's own figures. */
static void defaults_are_as_told(void **state) {
        struct settings s;

        config_defaults(&s);
        assert_int_equal(s.mode, MODE_ENFORCE);
        assert_int_equal(s.poll.interval_us, 1000000);
        assert_int_equal(s.poll.fast_interval_us, 200000);
        assert_int_equal(s.poll.budget_permille, 10);
        assert_true(s.nflog.enabled);
        assert_int_equal(s.nflog.group, 5);
        assert_true(s.nflog.manage_rules);
        assert_int_equal(s.syncookies.mode, SYNCOOKIES_AUTO);
        assert_int_equal(s.syncookies.flood_value, 1);
        assert_int_equal(s.syncookies.hold_us, 60000000);
        assert_true(s.alerts.journal);
        assert_string_equal(s.alerts.syslog.socket, "/dev/log");
        assert_string_equal(s.alerts.file, "");
        assert_false(s.block.enabled);
        assert_int_equal(s.probe.listener.port, 0);
        assert_int_equal(s.block.timeout_us, 300000000);
        assert_int_equal(s.block.max_entries, 1024);
        assert_int_equal(s.incidents.keep, 50);
        assert_int_equal(s.incidents.max_size, 64 << 20);
        assert_false(s.rules_given);
}

static void addresses(void **state) {
        static const struct {
                const char *key, *text, *why; /* NULL: it is good, and printed as it is written */
        } cases[] = {
                { "probe.listener", "192.0.2.1:443", NULL },
                { "probe.listener", "[2001:db8::1]:65535", NULL },
                { "probe.listener", "127.0.0.1:1", NULL },
                { "probe.listener", "", NULL },
                { "probe.from", "192.0.2.1", NULL },
                { "probe.from", "2001:db8::1", NULL },
                { "probe.from", "", NULL },
                { "probe.listener", "192.0.2.1", "write it like" },
                { "probe.listener", "192.0.2.1:", "write it like" },
                { "probe.listener", "192.0.2.1:0", "write it like" },
                { "probe.listener", "192.0.2.1:65536", "write it like" },
                { "probe.listener", "192.0.2.1:80-90", "write it like" },
                { "probe.listener", "2001:db8::1:443", "write it like" },
                { "probe.listener", "[2001:db8::1]", "write it like" },
                { "probe.listener", "[2001:db8::1]443", "write it like" },
                { "probe.listener", "[2001:db8::1]x:443", "write it like" },
                { "probe.listener", ":443", "write it like" },
                { "probe.listener", "www:443", "write it like" },
                { "probe.listener", "[]:443", "write it like" },
                { "probe.listener", "0.0.0.0:443", "no single address" },
                { "probe.listener", "[::]:443", "no single address" },
                { "probe.listener", "224.0.0.1:443", "not the address of one host" },
                { "probe.listener", "[ff02::1]:443", "not the address of one host" },
                { "probe.listener", "[fe80::1]:443", "one device only" },
                { "probe.from", "192.0.2.1:80", "is not an address" },
                { "probe.from", "192.0.2.0/24", "is not an address" },
                { "probe.from", "::", "no single address" },
                { "probe.from", "2001:0db8:0000:0000:0000:0000:0000:0001:0000:0000:0000:0000:0000:0000:0000:0000:0000",
                  "too long" },
        };

        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
                const struct key *k = keys_find(cases[i].key);
                struct settings_address a;
                struct value_why why;
                char text[VALUE_ADDRESS_MAX];
                int r = value_parse_address(k, cases[i].text, &a, &why);

                if (cases[i].why ? r != -EINVAL || !strstr(why.text, cases[i].why) : r != 0)
                        fail_msg("%s: %d: %s", cases[i].text, r, r < 0 ? why.text : "");
                if (!cases[i].why)
                        assert_string_equal(value_format_address(k, &a, text), cases[i].text);
        }
}

/* --- values ------------------------------------------------------------- */

static void times(void **state) {
        static const char *const bad[] = {
                "",
                "2026-11-22",
                "2026-11-22T20:00:00",
                "2026-11-22 20:00:00Z",
                "2026-11-22T20:00:60Z",
                "2026-02-30T00:00:00Z",
                "2026-13-01T00:00:00Z",
                "2026-00-01T00:00:00Z",
                "1999-01-01T00:00:00Z",
                "2026-11-22T20:00:00Zx",
                "2026-11-22T20:00:00+24:00",
                "2026-11-22T20:00:00+0100",
                "2026-11-22T20:00:00.5Z",
        };
        char text[VALUE_TEXT_MAX];
        uint64_t us, other_us;

        assert_int_equal(value_parse_time("2026-11-22T20:00:00Z", &us), 0);
        assert_int_equal(us, UINT64_C(1795377600000000));
        assert_string_equal(value_format_time(us, text), "2026-11-22T20:00:00Z");
        assert_int_equal(value_parse_time("2026-11-22T22:30:00+02:30", &other_us), 0);
        assert_int_equal(other_us, us);
        assert_int_equal(value_parse_time("2026-11-22T12:00:00-08:00", &other_us), 0);
        assert_int_equal(other_us, us);
        for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
                assert_int_equal(value_parse_time(bad[i], &us), -EINVAL);
}

static void suggestions(void **state) {
        static const char *const names[] = { "interval", "fast_interval", "budget", "on", NULL };

        assert_string_equal(value_suggest("intervall", names), "interval");
        assert_string_equal(value_suggest("inetrval", names), "interval");
        assert_string_equal(value_suggest("bugdet", names), "budget");
        assert_string_equal(value_suggest("fast-interval", names), "fast_interval");
        assert_null(value_suggest("colour", names));
        assert_null(value_suggest("x", names));
        assert_null(value_suggest("", names));
        assert_null(value_suggest("a_very_long_name_that_nobody_could_have_meant", names));
}

/* --- files -------------------------------------------------------------- */

static void nothing_is_the_default(void **state) {
        static const char *const texts[] = {
                "",
                "\n",
                "# nothing\n",
                "---\n",
                "---\n...\n",
                "{}\n",
                "\xef\xbb\xbf",
                "\xef\xbb\xbf# mark\r\n",
                "%YAML 1.1\n---\n",
                "poll:\n",
                "alerts: { syslog: }\n",
        };

        for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
                assert_default(texts[i], strlen(texts[i]));
}

static int is_good(const struct dirent *e) {
        return strncmp(e->d_name, "good-", 5) == 0;
}

static int is_bad(const struct dirent *e) {
        return strncmp(e->d_name, "bad-", 4) == 0;
}

static void each_file(int (*filter)(const struct dirent *), int at_least,
                      void (*check)(const char *text, size_t size, const char *name)) {
        struct dirent **entries;
        int n = scandir(DATA, &entries, filter, alphasort);

        assert_true(n >= at_least);
        for (int i = 0; i < n; i++) {
                char path[512], *text;
                size_t size;

                (void) snprintf(path, sizeof path, "%s%s", DATA, entries[i]->d_name);
                text = read_file(path, &size);
                check(text, size, entries[i]->d_name);
                free(text);
                free(entries[i]);
        }
        free(entries);
}

static void print_loads_back(const struct settings *s) {
        char *printed, *again;
        size_t printed_size, again_size;
        struct settings t;
        FILE *f;

        f = open_memstream(&printed, &printed_size);
        assert_int_equal(config_print(s, f), 0);
        (void) fclose(f);
        load_good(printed, printed_size, &t);
        assert_true(same_settings(s, &t));
        f = open_memstream(&again, &again_size);
        assert_int_equal(config_print(&t, f), 0);
        (void) fclose(f);
        assert_string_equal(printed, again);
        settings_release(&t);
        free(printed);
        free(again);
}

static void check_good(const char *text, size_t size, const char *name) {
        struct settings s;

        load_good(text, size, &s);
        print_loads_back(&s);
        settings_release(&s);
}

static void good_files_print_and_load_back(void **state) {
        struct settings defaults;

        config_defaults(&defaults);
        print_loads_back(&defaults);
        each_file(is_good, 3, check_good);
}

static void the_built_in_policy_is_printed(void **state) {
        struct settings defaults, t;
        char *printed;
        size_t size;
        FILE *f;

        config_defaults(&defaults);
        f = open_memstream(&printed, &size);
        assert_int_equal(config_print(&defaults, f), 0);
        (void) fclose(f);
        load_good(printed, size, &t);
        assert_true(t.rules_given);
        assert_int_equal(t.rules_count, 2);
        assert_true(t.rules[0].alert && t.rules[0].pressure == PRESSURE_ANY);
        assert_true(t.rules[1].syncookies && t.rules[1].pressure == PRESSURE_YES);
        settings_release(&t);
        free(printed);
}

/* Each bad file says in its comments what has to be said about it. */
static void check_bad(const char *text, size_t size, const char *name) {
        struct config_errors errors = { 0 };
        struct settings s;
        uint32_t i = 0;

        assert_int_equal(config_load_text(name, text, size, &s, &errors), -EINVAL);
        for (const char *p = text; (p = strstr(p, "# expect ")); i++) {
                char line[512];
                size_t n = strcspn(p += 9, "\n");
                const struct config_error *e = &errors.items[i];

                assert_true(i < errors.count);
                (void) snprintf(line, sizeof line, "%u:%u: %s", e->at.line, e->at.column, e->message);
                if (strlen(line) != n || strncmp(line, p, n) != 0)
                        fail_msg("%s:%s\ninstead of %.*s", name, line, (int) n, p);
        }
        assert_true(i > 0);
        assert_int_equal(i, errors.count);
        assert_int_equal(errors.dropped, 0);
}

static void bad_files_say_where(void **state) {
        each_file(is_bad, 10, check_bad);
}

static void rich_file_is_understood(void **state) {
        struct settings s;
        const struct settings_listener *o = s.listeners;
        char *text;
        size_t size;

        text = read_file(DATA "good-rich.yaml", &size);
        load_good(text, size, &s);
        free(text);
        assert_int_equal(s.mode, MODE_OBSERVE);
        assert_int_equal(s.poll.budget_permille, 5);
        assert_int_equal(s.syncookies.mode, SYNCOOKIES_OFF);
        assert_int_equal(s.alerts.syslog.facility, 23);
        assert_int_equal(s.listeners_count, 4);
        assert_false(o[0].any_address);
        assert_int_equal(o[0].detect.survival_age_us, 1200000);
        assert_int_equal(o[0].detect.unanswered_share_permille, 999);
        assert_int_equal(o[0].detect.warmup_us, 0);
        /* Unnamed ones come from the host's, though those stand further down. */
        assert_int_equal(o[0].detect.hold_us, 7000000);
        assert_int_equal(o[0].detect.fill_permille, 513);
        assert_int_equal(o[1].detect.fill_permille, 50);
        assert_true(o[1].any_address);
        assert_int_equal(o[1].ports[0].last, 8080);
        assert_int_equal(o[2].ports_count, 3);
        assert_int_equal(o[2].detect_set, 0);
        assert_int_equal(s.rules_count, 3);
        assert_int_equal(s.rules[0].states, 1u << STATE_FLOOD);
        assert_true(s.rules[0].alert && !s.rules[0].block && s.rules[0].hook.argc == 0);
        assert_int_equal(s.rules[1].pressure, PRESSURE_NO);
        assert_int_equal(s.rules[1].diagnoses, 1u << DIAGNOSIS_LOSSY_CLIENTS);
        assert_int_equal(s.rules[1].hook.argc, 9);
        assert_string_equal(s.rules[1].hook.argv[1], "%s\n");
        assert_string_equal(s.rules[1].hook.argv[3], "");
        assert_string_equal(s.rules[1].hook.argv[7], "-1");
        assert_int_equal(s.mutes_count, 4);
        assert_true(s.mutes[3].any_listener);
        assert_int_equal(s.mutes[1].from_us, 0);
        assert_string_equal(s.metrics.fleet_key, "fleet.key");
        settings_release(&s);
        settings_release(&s); /* does no harm */
}

/* --- hostile input ------------------------------------------------------ */

static void refuses_rubbish(void **state) {
        static const struct {
                const char *text;
                size_t size;
                const char *message;
        } cases[] = {
#define CASE(text, message) { text, sizeof text - 1, message }
                CASE("mode: observe\n\0", "not a text in UTF-8"),
                CASE("mode: \"a\\0b\"\n", "a zero byte"),
                CASE("mode: \xff\n", "not a text in UTF-8"),
                CASE("mode: \xc3", "not a text in UTF-8"),
                CASE("\xff\xfem\0o\0", "not a text in UTF-8"),
                CASE("\xfe\xff\0m\0o", "not a text in UTF-8"),
                CASE("\x7f"
                     "ELF\x02\x01\x01",
                     "not a text in UTF-8"),
                CASE("mode: \x1b[31m\n", "not a text in UTF-8"),
                CASE("mode: \"\\e[31m\"\n", "mode: unknown value '?[31m'"),
                CASE("mode: \"\\x9b31m\"\n", "mode: unknown value '?31m'"),
                CASE("\"\\n\\u2028x\": 1\n", "?"),
                CASE("? [ a ]\n: b\n", "a key must be a word"),
                CASE("*a : b\n", "an alias (*) cannot be a key"),
                CASE("%TAG ! tag:x,2000:\n---\nmode: observe\n", "%TAG"),
                CASE("%YAML 3.0\n---\n", "not YAML"),
                CASE("a text\n", "expected keys"),
        };

        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
                const char *message = load_bad(cases[i].text, cases[i].size);

                if (strncmp(message, cases[i].message, strlen(cases[i].message)) != 0)
                        fail_msg("%zu: %s", i, message);
        }
}

static void refuses_what_is_too_much(void **state) {
        const size_t size = 200000;
        char *text = malloc(size + 1);
        size_t used;

        assert_non_null(text);
        memset(text, '[', size);
        assert_string_equal(load_bad(text, size), "more than 16 levels deep");
        for (size_t i = 0; i < size; i++)
                text[i] = "a: {"[i % 4];
        assert_non_null(strstr(load_bad(text, size - size % 4), "levels deep"));
        for (size_t i = 0; i < size; i++)
                text[i] = "- a\n"[i % 4];
        assert_string_equal(load_bad(text, size), "more than 8192 values");
        used = 0;
        for (int i = 0; i < 200; i++)
                used += (size_t) sprintf(text + used, "k%d: 1\n", i);
        assert_string_equal(load_bad(text, used), "more than 128 keys in one place");
        free(text);
}

static void limits_size(void **state) {
        const size_t limit = 1 << 20;
        char path[] = "/tmp/synward-test-XXXXXX", *text = malloc(10 * limit);
        struct config_errors errors = { 0 };
        struct settings s;
        int fd = mkstemp(path);

        assert_true(fd >= 0);
        assert_non_null(text);
        memset(text, '#', 10 * limit);
        assert_default(text, limit);
        assert_string_equal(load_bad(text, limit + 1), "larger than 1 MiB");
        assert_int_equal(write(fd, text, 10 * limit), (ssize_t) (10 * limit));
        assert_int_equal(config_load_file(path, &s, &errors), -EINVAL);
        assert_string_equal(errors.items[0].message, "larger than 1 MiB");
        (void) close(fd);
        (void) unlink(path);
        free(text);
}

/* A rich file cut short anywhere, and with any one byte spoilt, is read or refused. */
static void survives_damage(void **state) {
        char *text, *damaged;
        size_t size;

        text = read_file(DATA "good-rich.yaml", &size);
        for (size_t i = 0; i < 2 * size; i++) {
                struct config_errors errors = { 0 };
                size_t length = i < size ? i : size;
                struct settings s;

                damaged = malloc(length + 1); /* its own, so that overruns are seen */
                assert_non_null(damaged);
                memcpy(damaged, text, length);
                if (i >= size)
                        damaged[i - size] ^= (char) (1 + i % 255);
                if (config_load_text("text", damaged, length, &s, &errors) == 0)
                        settings_release(&s);
                else
                        assert_true(errors.count > 0);
                free(damaged);
        }
        free(text);
}

static void counts_further_errors(void **state) {
        struct config_errors errors = { 0 };
        char text[2048] = "", *printed;
        struct settings s;
        size_t size;
        FILE *f;

        for (int i = 0; i < 25; i++)
                (void) sprintf(text + strlen(text), "key%d: 1\n", i);
        assert_int_equal(config_load_text("t", text, strlen(text), &s, &errors), -EINVAL);
        assert_int_equal(errors.count, CONFIG_ERRORS_MAX);
        assert_int_equal(errors.dropped, 5);
        f = open_memstream(&printed, &size);
        config_errors_print(&errors, f);
        (void) fclose(f);
        assert_non_null(strstr(printed, "t:1:1: key0: unknown key\n    key0: 1\n    ^\n"));
        assert_non_null(strstr(printed, "5 more errors not shown\n"));
        free(printed);
}

/* The caret stands below the character, whatever is before it and however far to the right. */
static void points_at_the_place(void **state) {
        static const char *const texts[] = {
                "mode: \u00e9\u2603x\r\nallow: [ \"\u00e9\u2603\u00e9\", @@]\r\n",
                ("allow: [ 10.0.0.0/8, 10.0.0.0/8, 10.0.0.0/8, 10.0.0.0/8, 10.0.0.0/8, 10.0.0.0/8, "
                 "10.0.0.0/8,\t@@, 10.0.0.0/8, 10.0.0.0/8, 10.0.0.0/8 ]\n"),
                "mode: x\u2028allow: [ \u00e9, @@]\n",
        };

        for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
                struct config_errors errors = { 0 };
                const struct config_error *e;
                struct settings s;
                const char *p;

                assert_int_equal(config_load_text("t", texts[i], strlen(texts[i]), &s, &errors), -EINVAL);
                e = &errors.items[errors.count - 1];
                p = e->excerpt;
                for (uint32_t j = 0; j < e->caret; j++)
                        do
                                p++;
                        while (((unsigned char) *p & 0xc0) == 0x80);
                if (strncmp(p, "@@", 2) != 0)
                        fail_msg("%zu: %s: %s at %u", i, e->message, e->excerpt, e->caret);
        }
}

/* --- main file and drop-ins --------------------------------------------- */

struct tree {
        char root[64];
        char directory[128];
        char dropins[160];
};

static int make_tree(void **state) {
        struct tree *t = calloc(1, sizeof *t);

        assert_non_null(t);
        strcpy(t->root, "/tmp/synward-test-XXXXXX");
        assert_non_null(mkdtemp(t->root));
        (void) snprintf(t->directory, sizeof t->directory, "%s/synward", t->root);
        (void) snprintf(t->dropins, sizeof t->dropins, "%s/synward.d", t->directory);
        assert_int_equal(mkdir(t->directory, 0700), 0);
        assert_int_equal(mkdir(t->dropins, 0700), 0);
        *state = t;
        return 0;
}

static int remove_tree(void **state) {
        static const char *const names[] = { "10-a.yaml", "20-b.yaml", ".c.yaml", "d.yml", "fifo.yaml" };
        struct tree *t = *state;

        for (size_t i = 0; i < sizeof names / sizeof *names; i++)
                remove_file(t->dropins, names[i]);
        remove_file(t->directory, "synward.yaml");
        (void) rmdir(t->dropins);
        (void) rmdir(t->directory);
        assert_int_equal(rmdir(t->root), 0);
        free(t);
        return 0;
}

static void drop_ins_merge(void **state) {
        const struct tree *t = *state;
        struct config_errors errors = { 0 };
        struct settings s;
        bool found = false;

        write_file(t->directory, "synward.yaml",
                   "poll: { interval: 2s, budget: 2% }\nallow: [ 10.0.0.0/8, 11.0.0.0/8 ]\n"
                   "listeners: [ { match: { port: 443 }, detect: { fill: 30% } } ]\n"
                   "policy: [ { when: { state: flood }, do: [ { hook: [ /bin/a ] } ] } ]\n");
        write_file(t->dropins, "20-b.yaml", "poll: { interval: 4s }\ndetect: { hold: 9s }\n");
        write_file(t->dropins, "10-a.yaml",
                   "poll: { interval: 3s, max_interval: 1m }\nallow: [ 12.0.0.0/8 ]\n"
                   "policy: [ { when: { state: flood }, do: [ { hook: [ /bin/b ] } ] } ]\n");
        write_file(t->dropins, ".c.yaml", "rubbish");
        write_file(t->dropins, "d.yml", "rubbish");
        assert_int_equal(config_load_default(t->root, &s, &found, &errors), 0);
        assert_true(found);
        assert_int_equal(s.poll.interval_us, 4000000);
        assert_int_equal(s.poll.max_interval_us, 60000000);
        assert_int_equal(s.poll.budget_permille, 20);
        assert_int_equal(s.allow_count, 1);
        assert_int_equal(s.allow[0].address.bytes[12], 12);
        assert_int_equal(s.listeners[0].detect.hold_us, 9000000);
        assert_int_equal(s.listeners[0].detect.fill_permille, 300);
        assert_int_equal(s.rules_count, 1);
        assert_string_equal(s.rules[0].hook.argv[0], "/bin/b");
        settings_release(&s);
}

static void errors_name_the_drop_in(void **state) {
        const struct tree *t = *state;
        struct config_errors errors = { 0 };
        struct settings s;
        bool found = false;

        write_file(t->directory, "synward.yaml",
                   "poll: { interval: 20s, max_interval: 30s }\nx: 1\n"
                   "policy: [ { when: { state: flood }, do: [ { hook: [ /bin/a ] } ] } ]\n");
        write_file(t->dropins, "10-a.yaml", "\npoll: { max_interval: 5s }\n");
        write_file(t->dropins, "20-b.yaml", "- x\n");
        assert_int_equal(config_load_default(t->root, &s, &found, &errors), -EINVAL);
        assert_false(found);
        assert_int_equal(errors.count, 3);
        assert_non_null(strstr(errors.items[0].file, "/synward.yaml"));
        assert_non_null(strstr(errors.items[1].file, "/20-b.yaml"));
        /* Found after all files were read, and still quoted. */
        assert_non_null(strstr(errors.items[2].message, "must not be more than poll.max_interval"));
        assert_non_null(strstr(errors.items[2].excerpt, "interval: 20s"));
}

static void main_file_may_be_missing(void **state) {
        const struct tree *t = *state;
        struct config_errors errors = { 0 };
        struct settings s, defaults;
        bool found = true;

        config_defaults(&defaults);
        assert_int_equal(config_load_default("/nonexistent", &s, &found, &errors), 0);
        assert_false(found);
        assert_true(same_settings(&s, &defaults));
        write_file(t->dropins, "10-a.yaml", "mode: observe\n");
        assert_int_equal(config_load_default(t->root, &s, &found, &errors), 0);
        assert_false(found);
        assert_int_equal(s.mode, MODE_OBSERVE);
        assert_int_equal(errors.count, 0);
}

static void a_named_file_may_not(void **state) {
        struct config_errors errors = { 0 };
        struct settings s;

        assert_int_equal(config_load_file("/nonexistent/a.yaml", &s, &errors), -ENOENT);
        assert_string_equal(errors.items[0].message, "cannot be read: No such file or directory");
        assert_int_equal(config_load_file("/", &s, &errors), -EISDIR);
        assert_int_equal(errors.count, 2);
}

static void a_fifo_does_not_block(void **state) {
        const struct tree *t = *state;
        struct config_errors errors = { 0 };
        struct settings s;
        char path[256];
        bool found;

        (void) snprintf(path, sizeof path, "%s/fifo.yaml", t->dropins);
        assert_int_equal(mkfifo(path, 0600), 0);
        (void) alarm(10); /* dead rather than stuck */
        assert_int_equal(config_load_default(t->root, &s, &found, &errors), -EINVAL);
        (void) alarm(0);
        assert_int_equal(errors.count, 1);
}

static void print_reports_a_full_disk(void **state) {
        struct settings s;
        FILE *f = fopen("/dev/full", "w");

        if (!f)
                skip();
        (void) setvbuf(f, NULL, _IONBF, 0);
        config_defaults(&s);
        assert_int_equal(config_print(&s, f), -EIO);
        (void) fclose(f);
}

/* --- the shipped file --------------------------------------------------- */

/* The file as it is, and with every line below its head uncommented, is the default. */
static void shipped_file_is_the_default(void **state) {
        char *text, *to;
        size_t size;

        text = read_file(TOP_SRCDIR "/config/synward.yaml", &size);
        assert_default(text, size);
        to = strstr(text, "\n\n");
        assert_non_null(to);
        for (const char *from = to; *from; from++)
                if (*from != '#' || from[-1] != '\n')
                        *to++ = *from;
        *to = '\0';
        assert_non_null(strstr(text, "\n  fast_interval: 200ms\n"));
        assert_default(text, strlen(text));
        free(text);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(table_is_sound),
                cmocka_unit_test(keys_do_not_overlap),
                cmocka_unit_test(defaults_are_as_told),
                cmocka_unit_test(times),
                cmocka_unit_test(addresses),
                cmocka_unit_test(suggestions),
                cmocka_unit_test(nothing_is_the_default),
                cmocka_unit_test(good_files_print_and_load_back),
                cmocka_unit_test(the_built_in_policy_is_printed),
                cmocka_unit_test(bad_files_say_where),
                cmocka_unit_test(rich_file_is_understood),
                cmocka_unit_test(refuses_rubbish),
                cmocka_unit_test(refuses_what_is_too_much),
                cmocka_unit_test(limits_size),
                cmocka_unit_test(survives_damage),
                cmocka_unit_test(counts_further_errors),
                cmocka_unit_test(points_at_the_place),
                cmocka_unit_test_setup_teardown(drop_ins_merge, make_tree, remove_tree),
                cmocka_unit_test_setup_teardown(errors_name_the_drop_in, make_tree, remove_tree),
                cmocka_unit_test_setup_teardown(main_file_may_be_missing, make_tree, remove_tree),
                cmocka_unit_test(a_named_file_may_not),
                cmocka_unit_test_setup_teardown(a_fifo_does_not_block, make_tree, remove_tree),
                cmocka_unit_test(print_reports_a_full_disk),
                cmocka_unit_test(shipped_file_is_the_default),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
