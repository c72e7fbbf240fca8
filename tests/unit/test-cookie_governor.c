/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The ways a person would tell it; test-cookie_governor_model.c takes all the others. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <string.h>

#include "core/cookie_governor.h"

#define SECOND_US UINT64_C(1000000)

struct fixture {
        struct cookie_governor g;
        struct cookie_input in;
        struct cookie_action a;
};

static struct fixture begin(int value, uint8_t flood_value) {
        struct fixture f = {
                .in = { .now_us = 1000 * SECOND_US,
                        .value = value,
                        .flood_value = flood_value,
                        .hold_us = 60 * SECOND_US,
                        .max_changes_per_hour = 10 },
        };

        cookie_governor_init(&f.g, "boot/net");
        return f;
}

static void finish(struct fixture *f, int error, uint8_t found) {
        const struct cookie_result result = { .error = error, .found = found };

        cookie_governor_done(&f->g, &f->in, &f->a, &result);
}

static void wants(struct fixture *f, enum cookie_action_kind kind, enum cookie_why why) {
        f->a = cookie_governor_step(&f->g, &f->in);
        assert_int_equal(f->a.kind, kind);
        assert_int_equal(f->a.why, why);
}

/* The action is the expected one and succeeds. */
static void does(struct fixture *f, enum cookie_action_kind kind, enum cookie_why why) {
        wants(f, kind, why);
        if (kind == COOKIE_WRITE)
                f->in.value = f->a.value;
        finish(f, 0, 0);
}

static void load_nothing(struct fixture *f) {
        wants(f, COOKIE_LOAD, COOKIE_WHY_NONE);
        finish(f, -ENOENT, 0);
}

static void load(struct fixture *f, const char *epoch, uint8_t original, uint8_t previous, uint8_t written) {
        struct cookie_result result = {
                .loaded = { .owned = true,
                            .original = original,
                            .previous = previous,
                            .written = written,
                            .changes_count = 1,
                            .changes_us = { f->in.now_us - SECOND_US } },
        };

        strcpy(result.loaded.epoch, epoch);
        wants(f, COOKIE_LOAD, COOKIE_WHY_NONE);
        cookie_governor_done(&f->g, &f->in, &f->a, &result);
}

static void raise_from(struct fixture *f) {
        load_nothing(f);
        f->in.want = COOKIE_WANT_RAISE;
        does(f, COOKIE_SAVE, COOKIE_WHY_FLOOD);
        does(f, COOKIE_WRITE, COOKIE_WHY_FLOOD);
        assert_true(cookie_governor_holds(&f->g));
        assert_false(cookie_governor_settled(&f->g));
}

static void there_and_back(void **state) {
        struct fixture f = begin(0, 1);

        raise_from(&f);
        assert_int_equal(f.in.value, 1);
        assert_int_equal(cookie_governor_original(&f.g), 0);
        wants(&f, COOKIE_NOTHING, COOKIE_WHY_NONE);
        f.in.want = COOKIE_WANT_CALM;
        f.in.now_us += 59 * SECOND_US;
        wants(&f, COOKIE_NOTHING, COOKIE_WHY_NONE);
        assert_int_equal(f.a.wait_until_us, 1060 * SECOND_US);
        f.in.now_us += SECOND_US;
        does(&f, COOKIE_WRITE, COOKIE_WHY_CALM);
        assert_int_equal(f.in.value, 0);
        does(&f, COOKIE_FORGET, COOKIE_WHY_RESTORED);
        assert_true(cookie_governor_settled(&f.g));
        assert_int_equal(cookie_governor_original(&f.g), -1);
        wants(&f, COOKIE_NOTHING, COOKIE_WHY_NONE);
}

static void flood_without_pressure_keeps(void **state) {
        struct fixture f = begin(0, 1);

        raise_from(&f);
        f.in.want = COOKIE_WANT_KEEP;
        f.in.now_us += 3600 * SECOND_US;
        wants(&f, COOKIE_NOTHING, COOKIE_WHY_NONE);

        f = begin(0, 1);
        load_nothing(&f);
        f.in.want = COOKIE_WANT_KEEP;
        wants(&f, COOKIE_NOTHING, COOKIE_WHY_NONE);
}

static void no_hold_is_not_no_flood(void **state) {
        struct fixture f = begin(0, 1);

        f.in.hold_us = 0;
        raise_from(&f);
        wants(&f, COOKIE_NOTHING, COOKIE_WHY_NONE);
        f.in.want = COOKIE_WANT_CALM;
        wants(&f, COOKIE_WRITE, COOKIE_WHY_CALM);
}

static void leaves_what_does(void **state) {
        static const struct {
                int value;
                uint8_t flood_value;
                int raised_to;
        } cases[] = {
                { 0, 1, 1 },  { 0, 2, 2 },   { 1, 1, -1 },
                { 1, 2, 2 },  { 2, 1, -1 },  { 2, 2, -1 },
                { 3, 1, -1 }, { 255, 2, 2 }, { COOKIE_VALUE_UNKNOWN, 1, -1 },
        };

        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
                struct fixture f = begin(cases[i].value, cases[i].flood_value);

                load_nothing(&f);
                f.in.want = COOKIE_WANT_RAISE;
                f.a = cookie_governor_step(&f.g, &f.in);
                assert_int_equal(f.a.kind, cases[i].raised_to < 0 ? COOKIE_NOTHING : COOKIE_SAVE);
                if (cases[i].raised_to >= 0)
                        assert_int_equal(f.a.value, cases[i].raised_to);
        }
}

static void from_two_by_way_of_one(void **state) {
        struct fixture f = begin(0, 2);

        raise_from(&f);
        assert_int_equal(f.in.value, 2);
        f.in.release = true;
        does(&f, COOKIE_SAVE, COOKIE_WHY_STEP_DOWN);
        does(&f, COOKIE_WRITE, COOKIE_WHY_STEP_DOWN);
        assert_int_equal(f.in.value, 1);
        f.in.now_us += 119 * SECOND_US;
        wants(&f, COOKIE_NOTHING, COOKIE_WHY_LIFE);
        assert_int_equal(f.a.wait_until_us, 1120 * SECOND_US);
        f.in.now_us += SECOND_US;
        does(&f, COOKIE_WRITE, COOKIE_WHY_RELEASE);
        assert_int_equal(f.in.value, 0);
        does(&f, COOKIE_FORGET, COOKIE_WHY_RESTORED);
}

/* From 2 to 1 no cookie is lost: at once. */
static void from_two_to_one(void **state) {
        struct fixture f = begin(1, 2);

        raise_from(&f);
        f.in.release = true;
        does(&f, COOKIE_WRITE, COOKIE_WHY_RELEASE);
        assert_int_equal(f.in.value, 1);
}

static void foreign_value_is_left(void **state) {
        struct fixture f = begin(0, 1);

        raise_from(&f);
        f.in.value = 0;
        wants(&f, COOKIE_FOREIGN, COOKIE_WHY_FOREIGN);
        assert_int_equal(f.a.expected, 1);
        assert_int_equal(f.a.value, 0);
        finish(&f, 0, 0);
        does(&f, COOKIE_FORGET, COOKIE_WHY_FOREIGN);
        assert_true(cookie_governor_settled(&f.g));
        f.in.now_us += 3600 * SECOND_US; /* however long this flood lasts */
        wants(&f, COOKIE_NOTHING, COOKIE_WHY_FOREIGN);
        f.in.reset = true;
        wants(&f, COOKIE_SAVE, COOKIE_WHY_FLOOD);
}

static void foreign_value_found_while_writing(void **state) {
        struct fixture f = begin(0, 1);

        raise_from(&f);
        f.in.release = true;
        wants(&f, COOKIE_WRITE, COOKIE_WHY_RELEASE);
        finish(&f, -ESTALE, 2);
        wants(&f, COOKIE_FOREIGN, COOKIE_WHY_FOREIGN);
        assert_int_equal(f.a.value, 2);
}

static void next_flood_after_a_foreign_one(void **state) {
        struct fixture f = begin(0, 1);

        raise_from(&f);
        f.in.value = 0;
        does(&f, COOKIE_FOREIGN, COOKIE_WHY_FOREIGN);
        does(&f, COOKIE_FORGET, COOKIE_WHY_FOREIGN);
        f.in.want = COOKIE_WANT_CALM;
        f.in.now_us += 60 * SECOND_US;
        /* Nothing to put back, but the calm has to be noticed. */
        assert_true(cookie_governor_settled(&f.g));
        assert_false(cookie_governor_idle(&f.g));
        wants(&f, COOKIE_NOTHING, COOKIE_WHY_NONE);
        assert_true(cookie_governor_idle(&f.g));
        f.in.want = COOKIE_WANT_RAISE;
        wants(&f, COOKIE_SAVE, COOKIE_WHY_FLOOD);
}

/* Everything that is to do now succeeds. */
static void does_all(struct fixture *f) {
        do {
                f->a = cookie_governor_step(&f->g, &f->in);
                if (f->a.kind == COOKIE_WRITE)
                        f->in.value = f->a.value;
                finish(f, 0, 0);
        } while (f->a.kind != COOKIE_NOTHING);
}

/* Who pulses just slowly enough uses up the changes of an hour: the last ones leave the service
 * saved, not open. */
static void pulses_end_with_cookies_on(void **state) {
        struct fixture f = begin(0, 1);

        load_nothing(&f);
        for (unsigned pulse = 0; pulse < 20; pulse++) {
                f.in.want = COOKIE_WANT_RAISE;
                does_all(&f);
                assert_int_equal(f.in.value, 1);
                f.in.want = COOKIE_WANT_CALM;
                f.in.now_us += 66 * SECOND_US;
                does_all(&f);
        }
        assert_int_equal(f.in.value, 1);
        wants(&f, COOKIE_NOTHING, COOKIE_WHY_LIMIT);
        assert_true(f.a.wait_until_us > f.in.now_us);
        assert_true(f.a.wait_until_us <= f.in.now_us + COOKIE_HOUR_US);
        f.in.now_us += COOKIE_HOUR_US;
        does(&f, COOKIE_WRITE, COOKIE_WHY_CALM);
        assert_int_equal(f.in.value, 0);
}

static void no_record_no_write(void **state) {
        struct fixture f = begin(0, 1);

        load_nothing(&f);
        f.in.want = COOKIE_WANT_RAISE;
        wants(&f, COOKIE_SAVE, COOKIE_WHY_FLOOD);
        finish(&f, -ENOSPC, 0);
        wants(&f, COOKIE_FORGET, COOKIE_WHY_ABANDONED); /* it may be there all the same */
        finish(&f, -EIO, 0);
        wants(&f, COOKIE_NOTHING, COOKIE_WHY_RETRY);
        f.in.now_us += 5 * SECOND_US;
        wants(&f, COOKIE_NOTHING, COOKIE_WHY_RETRY);
        f.in.now_us += 5 * SECOND_US;
        does(&f, COOKIE_FORGET, COOKIE_WHY_ABANDONED);
        wants(&f, COOKIE_SAVE, COOKIE_WHY_FLOOD);
}

static void record_unreadable_no_write(void **state) {
        struct fixture f = begin(0, 1);

        wants(&f, COOKIE_LOAD, COOKIE_WHY_NONE);
        finish(&f, -EIO, 0);
        f.in.want = COOKIE_WANT_RAISE;
        wants(&f, COOKIE_NOTHING, COOKIE_WHY_RETRY);
        f.in.now_us += 10 * SECOND_US;
        wants(&f, COOKIE_LOAD, COOKIE_WHY_NONE);
}

/* A flood is not waited through for want of a few bytes. */
static void no_memory_is_soon_tried_again(void **state) {
        struct fixture f = begin(0, 1);

        wants(&f, COOKIE_LOAD, COOKIE_WHY_NONE);
        finish(&f, -ENOMEM, 0);
        wants(&f, COOKIE_NOTHING, COOKIE_WHY_RETRY);
        f.in.now_us += SECOND_US / 5;
        load_nothing(&f);
        f.in.want = COOKIE_WANT_RAISE;
        wants(&f, COOKIE_SAVE, COOKIE_WHY_FLOOD);
        finish(&f, -ENOMEM, 0);
        does(&f, COOKIE_FORGET, COOKIE_WHY_ABANDONED);
        wants(&f, COOKIE_NOTHING, COOKIE_WHY_RETRY);
        f.in.now_us += SECOND_US / 5;
        wants(&f, COOKIE_SAVE, COOKIE_WHY_FLOOD);
}

static void adopts_after_a_crash(void **state) {
        struct fixture f = begin(1, 1);

        load(&f, "boot/net", 0, 0, 1);
        wants(&f, COOKIE_NOTHING, COOKIE_WHY_NONE);
        assert_true(cookie_governor_holds(&f.g));
        f.in.now_us += 10 * SECOND_US; /* nothing seems to go on: not the whole hold */
        does(&f, COOKIE_WRITE, COOKIE_WHY_CALM);
        assert_int_equal(f.in.value, 0);
}

static void record_of_an_earlier_boot(void **state) {
        struct fixture f = begin(1, 1);

        load(&f, "earlier/net", 0, 0, 1);
        does(&f, COOKIE_FORGET, COOKIE_WHY_REBOOT);
        assert_true(cookie_governor_settled(&f.g));
        assert_int_equal(f.g.record.changes_count, 0);
}

static void crash_before_the_write(void **state) {
        struct fixture f = begin(0, 1);

        load(&f, "boot/net", 0, 0, 1);
        does(&f, COOKIE_FORGET, COOKIE_WHY_RESTORED);
}

static void crash_and_foreign(void **state) {
        struct fixture f = begin(2, 1);

        load(&f, "boot/net", 0, 0, 1);
        does(&f, COOKIE_FOREIGN, COOKIE_WHY_FOREIGN);
        does(&f, COOKIE_FORGET, COOKIE_WHY_FOREIGN);
}

static void crash_on_the_way_down(void **state) {
        struct fixture f = begin(1, 2);

        load(&f, "boot/net", 0, 2, 1);
        f.in.release = true;
        wants(&f, COOKIE_NOTHING, COOKIE_WHY_LIFE);
        assert_int_equal(f.a.wait_until_us, f.in.now_us + COOKIE_LIFE_US);
}

static void limit_counts_the_way_back(void **state) {
        struct fixture f = begin(0, 1);

        f.in.max_changes_per_hour = 3;
        raise_from(&f);
        f.in.release = true;
        does(&f, COOKIE_WRITE, COOKIE_WHY_RELEASE);
        does(&f, COOKIE_FORGET, COOKIE_WHY_RESTORED);
        f.in.release = false;
        wants(&f, COOKIE_NOTHING, COOKIE_WHY_LIMIT);
        f.in.now_us += 3600 * SECOND_US;
        wants(&f, COOKIE_SAVE, COOKIE_WHY_FLOOD);
}

static void failed_raise_is_not_a_change(void **state) {
        struct fixture f = begin(0, 1);

        load_nothing(&f);
        f.in.want = COOKIE_WANT_RAISE;
        does(&f, COOKIE_SAVE, COOKIE_WHY_FLOOD);
        wants(&f, COOKIE_WRITE, COOKIE_WHY_FLOOD);
        finish(&f, -EROFS, 0);
        does(&f, COOKIE_FORGET, COOKIE_WHY_ABANDONED);
        wants(&f, COOKIE_NOTHING, COOKIE_WHY_RETRY);
        assert_int_equal(f.g.record.changes_count, 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(there_and_back),
                cmocka_unit_test(flood_without_pressure_keeps),
                cmocka_unit_test(no_hold_is_not_no_flood),
                cmocka_unit_test(leaves_what_does),
                cmocka_unit_test(from_two_by_way_of_one),
                cmocka_unit_test(from_two_to_one),
                cmocka_unit_test(foreign_value_is_left),
                cmocka_unit_test(foreign_value_found_while_writing),
                cmocka_unit_test(next_flood_after_a_foreign_one),
                cmocka_unit_test(pulses_end_with_cookies_on),
                cmocka_unit_test(no_record_no_write),
                cmocka_unit_test(record_unreadable_no_write),
                cmocka_unit_test(no_memory_is_soon_tried_again),
                cmocka_unit_test(adopts_after_a_crash),
                cmocka_unit_test(record_of_an_earlier_boot),
                cmocka_unit_test(crash_before_the_write),
                cmocka_unit_test(crash_and_foreign),
                cmocka_unit_test(crash_on_the_way_down),
                cmocka_unit_test(limit_counts_the_way_back),
                cmocka_unit_test(failed_raise_is_not_a_change),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
