/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/unit.h"

#include <math.h>

#include "core/naming.h"

#define S UINT64_C(1000000)

static struct culprits c;

/* n handshakes in half a second by that many addresses, chosen at random. */
static struct naming_facts by(double n, double addresses) {
        double different = addresses * -expm1(-n / addresses);

        c = (struct culprits) { .syn_per_s = 2 * n, .unfinished_per_s = 2 * n };
        return (struct naming_facts) {
                .begun_at_most_per_s = 2 * n,
                .usual_addresses = NAN,
                .culprits = &c,
                .strangers = { .begun = (uint64_t) n,
                               .addresses = (uint32_t) lround(different),
                               .one_in = 1,
                               .span_s = 0.5 },
        };
}

static void heaviest(double unfinished_per_s, uint8_t length, uint8_t is) {
        c.list[0] = (struct culprit) {
                .prefix.length = length, .unfinished_per_s = unfinished_per_s, .syn_per_s = unfinished_per_s, .is = is
        };
        c.count = 1;
}

static void how_soon_addresses_come_again(void **state) {
        struct naming_facts f = by(500, 500);

        assert_int_equal(naming_of_flood(&f), DIAGNOSIS_FLOOD_DISTRIBUTED);
        f = by(2500, 20000); /* long before most have come a second time */
        assert_int_equal(naming_of_flood(&f), DIAGNOSIS_FLOOD_DISTRIBUTED);
        f = by(750, 60000); /* every 40 s */
        assert_int_equal(naming_of_flood(&f), DIAGNOSIS_FLOOD_SPOOFED);
        f = by(2500, 4e9);
        assert_int_equal(naming_of_flood(&f), DIAGNOSIS_FLOOD_SPOOFED);
}

/* A crowd of 1,500/s from 3,000 addresses that finishes, beside forged ones. */
static void what_the_honest_repeat_is_not_the_floods(void **state) {
        struct naming_facts f = by(1500, 6000);

        assert_int_equal(naming_of_flood(&f), DIAGNOSIS_FLOOD_DISTRIBUTED);
        f.finished_per_s = 1500; /* half of them */
        assert_int_equal(naming_of_flood(&f), DIAGNOSIS_FLOOD_SPOOFED);
        f.usual_addresses = 1e6; /* those who finish do not come again */
        assert_int_equal(naming_of_flood(&f), DIAGNOSIS_FLOOD_DISTRIBUTED);
}

static void too_few_tell_nothing(void **state) {
        struct naming_facts f = by(10, 6);

        assert_int_equal(naming_of_flood(&f), DIAGNOSIS_FLOOD_SPOOFED);
        f = (struct naming_facts) { .culprits = &c };
        assert_int_equal(naming_of_flood(&f), DIAGNOSIS_FLOOD_SPOOFED);
}

static void few_carry_it(void **state) {
        struct naming_facts f = by(500, 4e9);

        heaviest(600, ADDRESS_BITS, 0);
        assert_int_equal(naming_of_flood(&f), DIAGNOSIS_FLOOD_CONCENTRATED);
        heaviest(600, 120, 0);
        assert_int_equal(naming_of_flood(&f), DIAGNOSIS_FLOOD_CONCENTRATED);
        heaviest(400, 120, 0);
        assert_int_equal(naming_of_flood(&f), DIAGNOSIS_FLOOD_SPOOFED);
        heaviest(600, ADDRESS_BITS, OBS_S_CLIENT); /* it may be forged */
        assert_int_equal(naming_of_flood(&f), DIAGNOSIS_FLOOD_SPOOFED);
        heaviest(600, ADDRESS_BITS, 0);
        f.log_is_blind = true; /* the flood is not in the log: whoever is may be the only honest one */
        assert_int_equal(naming_of_flood(&f), DIAGNOSIS_FLOOD_SPOOFED);
}

static void resets_are_forged_addresses_or_a_victim(void **state) {
        struct naming_facts f = by(750, 60000);

        f.reset_share = 0.9;
        assert_int_equal(naming_of_flood(&f), DIAGNOSIS_FLOOD_SPOOFED);
        heaviest(1400, ADDRESS_BITS, 0);
        assert_int_equal(naming_of_flood(&f), DIAGNOSIS_FLOOD_REFLECTED);
}

static void a_name_stays(void **state) {
        struct name n = { .given = DIAGNOSIS_UNKNOWN };
        uint64_t now = 100 * S;

        assert_int_equal(name_settle(&n, true, DIAGNOSIS_FLOOD_SPOOFED, now), DIAGNOSIS_FLOOD_SPOOFED);
        for (unsigned i = 0; i < 49; i++) /* another, but never for long */
                assert_int_equal(name_settle(&n, true, i % 10 ? DIAGNOSIS_FLOOD_DISTRIBUTED : DIAGNOSIS_FLOOD_SPOOFED,
                                             now += S / 5),
                                 DIAGNOSIS_FLOOD_SPOOFED);
        for (unsigned i = 0; i < 51; i++)
                name_settle(&n, true, DIAGNOSIS_FLOOD_DISTRIBUTED, now += S / 5);
        assert_int_equal(n.given, DIAGNOSIS_FLOOD_DISTRIBUTED);
        name_settle(&n, false, DIAGNOSIS_UNKNOWN, now + 5 * S);
        assert_int_equal(n.given, DIAGNOSIS_FLOOD_DISTRIBUTED); /* a pause of it */
        name_settle(&n, false, DIAGNOSIS_UNKNOWN, now + 11 * S);
        assert_int_equal(n.given, DIAGNOSIS_UNKNOWN);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(how_soon_addresses_come_again),
                cmocka_unit_test(what_the_honest_repeat_is_not_the_floods),
                cmocka_unit_test(too_few_tell_nothing),
                cmocka_unit_test(few_carry_it),
                cmocka_unit_test(resets_are_forged_addresses_or_a_victim),
                cmocka_unit_test(a_name_stays),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
