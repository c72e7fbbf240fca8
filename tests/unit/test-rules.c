/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which rules match, what they want together, and what a mute covers. */
#include "tests/unit/unit.h"

#include <string.h>

#include "core/rules.h"

static struct settings settings;

static int set_up(void **state) {
        memset(&settings, 0, sizeof settings);
        return 0;
}

static void give(struct settings_rule r) {
        settings.rules_given = true;
        settings.rules[settings.rules_count++] = r;
}

static void without_a_policy_the_built_in_one(void **state) {
        struct rules_wish w = rules_apply(&settings, STATE_FLOOD, DIAGNOSIS_FLOOD_SPOOFED, false);

        assert_true(w.alert && !w.syncookies && !w.block && !w.hooks);
        w = rules_apply(&settings, STATE_FLOOD, DIAGNOSIS_FLOOD_SPOOFED, true);
        assert_true(w.alert && w.syncookies && !w.block && !w.hooks);
        w = rules_apply(&settings, STATE_RECOVERING, DIAGNOSIS_FLOOD_SPOOFED, true);
        assert_false(w.alert || w.syncookies || w.block);
}

static void a_given_policy_replaces_it(void **state) {
        struct rules_wish w;

        give((struct settings_rule) { .states = 1u << STATE_SUSPECT, .block = true });
        w = rules_apply(&settings, STATE_FLOOD, DIAGNOSIS_FLOOD_SPOOFED, true);
        assert_false(w.alert || w.syncookies || w.block);
}

static void a_rule_matches_all_it_names(void **state) {
        struct settings_rule r = { .states = 1u << STATE_FLOOD | 1u << STATE_RECOVERING,
                                   .diagnoses = 1u << DIAGNOSIS_FLOOD_CONCENTRATED,
                                   .pressure = PRESSURE_NO,
                                   .block = true };

        give(r);
        assert_true(rules_apply(&settings, STATE_FLOOD, DIAGNOSIS_FLOOD_CONCENTRATED, false).block);
        assert_true(rules_apply(&settings, STATE_RECOVERING, DIAGNOSIS_FLOOD_CONCENTRATED, false).block);
        assert_false(rules_apply(&settings, STATE_SUSPECT, DIAGNOSIS_FLOOD_CONCENTRATED, false).block);
        assert_false(rules_apply(&settings, STATE_FLOOD, DIAGNOSIS_FLOOD_SPOOFED, false).block);
        assert_false(rules_apply(&settings, STATE_FLOOD, DIAGNOSIS_FLOOD_CONCENTRATED, true).block);
}

/* One that names nothing matches always. */
static void matching_rules_add_up(void **state) {
        struct rules_wish w;

        give((struct settings_rule) { .alert = true });
        give((struct settings_rule) { .hook = { .argc = 1 } });
        give((struct settings_rule) { .states = 1u << STATE_NORMAL, .block = true, .hook = { .argc = 1 } });
        give((struct settings_rule) { .syncookies = true, .hook = { .argc = 2 } });
        w = rules_apply(&settings, STATE_FLOOD, DIAGNOSIS_FLOOD_REFLECTED, false);
        assert_true(w.alert && w.syncookies && !w.block);
        assert_int_equal(w.hooks, 1u << 1 | 1u << 3);
}

static void mutes_have_an_end(void **state) {
        struct listener_key https = { .port = 443 }, http = { .port = 80 }, above = { .port = 446 };

        settings.mutes_count = 2;
        settings.mutes[0] = (struct settings_mute) { .ports = { 443, 445 }, .until_us = 100 };
        settings.mutes[1] = (struct settings_mute) { .any_listener = true, .from_us = 200, .until_us = 300 };
        assert_true(rules_mute(&settings, 99, &https));
        assert_false(rules_mute(&settings, 100, &https));
        assert_false(rules_mute(&settings, 99, &http));
        assert_false(rules_mute(&settings, 99, &above));
        assert_false(rules_mute(&settings, 99, NULL));
        assert_false(rules_mute(&settings, 199, NULL));
        assert_true(rules_mute(&settings, 200, NULL));
        assert_true(rules_mute(&settings, 299, &http));
        assert_false(rules_mute(&settings, 300, &http));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup(without_a_policy_the_built_in_one, set_up),
                cmocka_unit_test_setup(a_given_policy_replaces_it, set_up),
                cmocka_unit_test_setup(a_rule_matches_all_it_names, set_up),
                cmocka_unit_test_setup(matching_rules_add_up, set_up),
                cmocka_unit_test_setup(mutes_have_an_end, set_up),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
