/* SPDX-License-Identifier: GPL-2.0-or-later */
/* synwardctl doctor --fix: from findings to a script. */
#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/mend.h"

static struct advice_list list;
static struct mend plan;

static int begin(void **state) {
        (void) state;
        list.count = 0;
        return 0;
}

static char *print(void) {
        char *text = NULL;
        size_t size;
        FILE *f = open_memstream(&text, &size);

        assert_non_null(f);
        mend_plan(&list, &plan);
        mend_print(&plan, f);
        fclose(f);
        return text;
}

static unsigned occurrences(const char *text, const char *what) {
        unsigned n = 0;

        for (text = strstr(text, what); text; text = strstr(text + 1, what))
                n++;
        return n;
}

static void nothing_is_one_line(void **state) {
        char *text;

        (void) state;
        advice_add(&list, ADVICE_FINE, "somaxconn", "listen queues may be long", NULL, "4096.");
        advice_add(&list, ADVICE_WARNING, "kernel_log", "the kernel has seen full queues", NULL, "Once.");
        text = print();
        assert_string_equal(text, "# There is nothing to mend.\n");
        free(text);
}

/* The larger of two values, under the reasons of both; the same reason for a hundred listeners once. */
static void a_key_stands_once(void **state) {
        char *text;

        (void) state;
        advice_add(&list, ADVICE_WARNING, "somaxconn", "short", "sysctl -w net.core.somaxconn=4096", "It is 128.");
        advice_add(&list, ADVICE_WARNING, "backlog", "a queue", "sysctl -w net.core.somaxconn=8192", "first holds 1.");
        advice_add(&list, ADVICE_WARNING, "backlog", "a queue", "sysctl -w net.core.somaxconn=256", "second holds 2.");
        text = print();
        assert_int_equal(occurrences(text, "net.core.somaxconn = "), 1);
        assert_non_null(strstr(text, "\nnet.core.somaxconn = 8192\n"));
        assert_int_equal(plan.count, 3); /* each backlog as a remark as well */
        assert_int_equal(plan.steps[0].reasons, 2);
        assert_int_equal(occurrences(text, "# warning: a queue. first holds 1.\n"), 2);
        assert_int_equal(occurrences(text, "# warning: a queue. second holds 2.\n"), 1);
        free(text);
}

static void the_worst_comes_first(void **state) {
        (void) state;
        advice_add(&list, ADVICE_INFO, "a", "a", "sysctl -w net.a=1", "A.");
        advice_add(&list, ADVICE_SERIOUS, "b", "b", "sysctl -w net.b=-2", "B.");
        mend_plan(&list, &plan);
        assert_int_equal(plan.count, 2);
        assert_string_equal(plan.steps[0].key, "net.b");
        assert_int_equal(plan.steps[0].value, -2);
        assert_string_equal(plan.steps[1].key, "net.a");
}

/* What is no plain setting of this host stays a command, once. */
static void other_commands_are_no_settings(void **state) {
        static const char *const commands[] = {
                "systemctl enable --now synward",
                "nsenter -t 7 -n sysctl -w net.ipv4.tcp_syncookies=1",
                "sysctl -w net.ipv4.tcp_rmem=4096 131072 6291456",
                "sysctl -w =1",
                "sysctl -w net.a;b=1",
                "sysctl -w net.c",
        };
        enum { COMMANDS = sizeof commands / sizeof *commands };
        char *text;

        (void) state;
        for (unsigned i = 0; i < 2 * COMMANDS; i++)
                advice_add(&list, ADVICE_WARNING, "x", "x", commands[i % COMMANDS], "X.");
        text = print();
        assert_int_equal(plan.count, COMMANDS);
        for (unsigned i = 0; i < COMMANDS; i++) {
                assert_int_equal(plan.steps[i].kind, MEND_COMMAND);
                assert_int_equal(occurrences(text, commands[i]), 1);
        }
        assert_null(strstr(text, MEND_SYSCTL_FILE));
        free(text);
}

/* A line break in a reason would begin a command: every line of it stays a comment. */
static void reasons_stay_comments(void **state) {
        char *text;

        (void) state;
        advice_add(
                &list, ADVICE_WARNING, "x", "x", "sysctl -w net.a=1", "%s",
                "a\nEND\nrm -r \033[2J/ "
                "word word word word word word word word word word word word word word word word word word word word "
                "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa z");
        text = print();
        assert_null(strchr(text, '\033'));
        assert_int_equal(occurrences(text, "\nEND\n"), 1);
        assert_int_equal(occurrences(text, "\nrm "), 0);
        assert_non_null(strstr(text, "\n# warning: x. a?END?rm -r ?[2J/ word "));
        assert_int_equal(occurrences(text, "word"), 20);
        assert_int_equal(occurrences(text, "\nword"), 0);
        assert_int_equal(occurrences(text, "\n# aaa"), 1);
        assert_int_equal(occurrences(text, "\n# z\n"), 1);
        free(text);
}

/* Of a full list, each with a remark beside its setting. */
static void a_full_list_fits(void **state) {
        char command[ADVICE_COMMAND_MAX];

        (void) state;
        for (unsigned i = 0; i < ADVICE_MAX + 1; i++) {
                snprintf(command, sizeof command, "sysctl -w net.x%u=1", i);
                advice_add(&list, ADVICE_WARNING, "backlog", "x", command, "X.");
        }
        mend_plan(&list, &plan);
        assert_int_equal(plan.count, 2 * ADVICE_MAX);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup(nothing_is_one_line, begin),
                cmocka_unit_test_setup(a_key_stands_once, begin),
                cmocka_unit_test_setup(the_worst_comes_first, begin),
                cmocka_unit_test_setup(other_commands_are_no_settings, begin),
                cmocka_unit_test_setup(reasons_stay_comments, begin),
                cmocka_unit_test_setup(a_full_list_fits, begin),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
