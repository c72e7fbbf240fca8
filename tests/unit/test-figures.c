/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/unit.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/api.h"
#include "core/figures.h"
#include "core/observation.h"

static bool ends_with(const char *text, const char *end) {
        size_t n = strlen(text), m = strlen(end);

        return n >= m && strcmp(text + n - m, end) == 0;
}

static bool begins_with(const char *text, const char *start) {
        return strncmp(text, start, strlen(start)) == 0;
}

static unsigned count(const char *text, const char *word) {
        unsigned n = 0;

        for (; (text = strstr(text, word)); text++)
                n++;
        return n;
}

/* Every double of struct evidence is told. */
static void nothing_is_left_out(void **state) {
        struct evidence e = evidence_unknown();

        for (size_t at = 0; at < offsetof(struct evidence, top); at += sizeof(double)) {
                bool found = false;

                for (const struct figure *f = figures; f->name; f++)
                        found |= f->offset == at;
                assert_true(found);
        }
        for (const struct figure *f = figures; f->name; f++)
                assert_true(isnan(figure_value(f, &e)));
}

/* The manual prefixes the source, the help stands for itself. */
static void every_row_is_whole(void **state) {
        const unsigned places = FIGURE_IN_EVENT | FIGURE_OF_HOST | FIGURE_OF_LISTENER | FIGURE_IN_HISTORY;

        for (const struct figure *f = figures; f->name; f++) {
                if (!f->help || !isupper((unsigned char) *f->help) || !ends_with(f->help, "."))
                        fail_msg("%s: its help is no sentence", f->name);
                if (!f->source || strlen(f->source) < 10 || !ends_with(f->source, "."))
                        fail_msg("%s: nobody says where it is taken from", f->name);
                if (!(f->places & places))
                        fail_msg("%s is told nowhere", f->name);
                if ((f->places & FIGURE_IN_HISTORY) && !(f->places & FIGURE_OF_HOST))
                        fail_msg("%s: history is of the host", f->name);
                assert_non_null(figure_unit_text(f->unit));
                assert_non_null(figure_kind_text(f->kind));
                for (const struct figure *other = figures; other != f; other++)
                        if (strcmp(other->name, f->name) == 0)
                                fail_msg("%s is there twice", f->name);
        }
}

static bool has_ending_of_its_unit(const struct figure *f) {
        bool rate = ends_with(f->name, "_per_s"), ms = ends_with(f->name, "_ms");
        bool share = ends_with(f->name, "_share") || ends_with(f->name, "_ratio");

        switch (f->unit) {
        case FIGURE_RATE:
                return rate;
        case FIGURE_MS:
                return ms;
        case FIGURE_SHARE:
                return share || strcmp(f->name, "fill") == 0; /* its name is older than the rule */
        case FIGURE_COUNT:
        case FIGURE_TIMES:
                return !rate && !ms && !share;
        }
        return false;
}

static void names_end_in_the_unit(void **state) {
        for (const struct figure *f = figures; f->name; f++)
                if (!has_ending_of_its_unit(f))
                        fail_msg("%s is no name of a figure %s", f->name, figure_unit_text(f->unit));
}

static unsigned count_metrics(const char *name) {
        unsigned n = 0;

        for (const struct figure *f = figures; f->name; f++) {
                n += f->host_metric && strcmp(f->host_metric, name) == 0;
                n += f->listener_metric && strcmp(f->listener_metric, name) == 0;
        }
        return n;
}

static void check_metric(const struct figure *f, const char *metric, const char *start) {
        bool rate = ends_with(metric, "_per_second"), share = ends_with(metric, "_ratio");

        if (!begins_with(metric, start) || rate != (f->unit == FIGURE_RATE) || share != (f->unit == FIGURE_SHARE))
                fail_msg("%s is no name of a metric %s", metric, figure_unit_text(f->unit));
        if (f->unit == FIGURE_MS)
                fail_msg("%s: Prometheus has seconds", metric);
        assert_int_equal(count_metrics(metric), 1);
}

static void metrics_are_as_prometheus_wants_them(void **state) {
        for (const struct figure *f = figures; f->name; f++) {
                if (f->host_metric) {
                        check_metric(f, f->host_metric, "synward_");
                        assert_false(begins_with(f->host_metric, "synward_listener_"));
                        assert_true(f->places & FIGURE_OF_HOST);
                }
                if (f->listener_metric) {
                        check_metric(f, f->listener_metric, "synward_listener_");
                        assert_true(f->places & FIGURE_OF_LISTENER);
                }
        }
}

/* "SyncookiesSent of /proc/net/netstat": what the kernel is said to count is a counter that is read. */
static void counters_of_the_kernel_are_read(void **state) {
        unsigned found = 0;

        for (const struct figure *f = figures; f->name; f++) {
                const char *end = strstr(f->source, " of /proc/net/"), *start = end;
                enum obs_counter c;
                char name[64];

                if (!end)
                        continue;
                while (start > f->source && isalnum((unsigned char) start[-1]))
                        start--;
                snprintf(name, sizeof name, "%.*s", (int) (end - start), start);
                if (obs_counter_from_name(name, &c) < 0)
                        fail_msg("%s: %s is not read", f->name, name);
                found++;
        }
        assert_true(found >= 5);
}

/* From start to end, as a text of its own. */
static char *part(const char *text, const char *start, const char *end) {
        const char *from = strstr(text, start), *to = from ? strstr(from + strlen(start), end) : NULL;

        if (!to)
                fail_msg("there is no \"%s\" with an end", start);
        return strndup(from, (size_t) (to - from) + 1);
}

static void check_type(const char *start, enum figure_place place, unsigned others) {
        char *type = part(api_interface_description(), start, "\n)"), line[128];
        unsigned told = 0;

        for (const struct figure *f = figures; f->name; f++) {
                unsigned expected = (f->places & place) != 0;

                snprintf(line, sizeof line, "\n  %s: ?%s,\n", f->name, f->unit == FIGURE_COUNT ? "int" : "float");
                if (count(type, line) != expected)
                        fail_msg("%s is %u times in%s", f->name, count(type, line), start);
                told += expected;
        }
        assert_int_equal(count(type, ": ?int") + count(type, ": ?float"), told + others);
        free(type);
}

static void the_interface_has_each_once(void **state) {
        check_type("\ntype Host (", FIGURE_OF_HOST, 0);
        check_type("\ntype Listener (", FIGURE_OF_LISTENER, 1); /* ifindex */
}

/* What make has made beside this test. */
static char *manual(void) {
        static char text[256 * 1024];
        const char *build = getenv("SYNWARD_BUILD");
        char path[4096];
        FILE *f;

        snprintf(path, sizeof path, "%s/doc/synward.7", build ? build : ".");
        f = fopen(path, "re");
        if (!f)
                fail_msg("%s cannot be opened", path);
        text[fread(text, 1, sizeof text - 1, f)] = '\0';
        fclose(f);
        return text;
}

static void the_manual_has_each_once(void **state) {
        char *section = part(manual(), "\n.Sh FIGURES\n", "\n.Sh "), line[128];
        unsigned rows = 0;

        for (const struct figure *f = figures; f->name; f++, rows++) {
                snprintf(line, sizeof line, "\n.It Va %s\n", f->name);
                if (count(section, line) != 1)
                        fail_msg("%s is in the manual %u times", f->name, count(section, line));
                snprintf(line, sizeof line, ".Va %s ", f->host_metric);
                assert_int_equal(count(section, line), f->host_metric != NULL);
        }
        assert_int_equal(count(section, "\n.It "), rows);
        assert_int_equal(count(section, "\nFrom: "), rows);
        free(section);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(nothing_is_left_out),
                cmocka_unit_test(every_row_is_whole),
                cmocka_unit_test(names_end_in_the_unit),
                cmocka_unit_test(metrics_are_as_prometheus_wants_them),
                cmocka_unit_test(counters_of_the_kernel_are_read),
                cmocka_unit_test(the_interface_has_each_once),
                cmocka_unit_test(the_manual_has_each_once),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
