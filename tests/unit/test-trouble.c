/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/unit.h"

#include <errno.h>

#include "util/trouble.h"

static void is_told_once(void **state) {
        struct trouble t = { 0 };

        assert_int_equal(trouble_note(&t, 0), TROUBLE_NO_NEWS);
        assert_int_equal(trouble_note(&t, -EIO), TROUBLE_BEGAN);
        assert_int_equal(trouble_note(&t, -EIO), TROUBLE_NO_NEWS);
        assert_int_equal(trouble_note(&t, -ENOSPC), TROUBLE_CHANGED);
        assert_int_equal(trouble_note(&t, -ENOSPC), TROUBLE_NO_NEWS);
        assert_int_equal(t.error, -ENOSPC);
        assert_int_equal(trouble_note(&t, 0), TROUBLE_OVER);
        assert_int_equal(trouble_note(&t, 0), TROUBLE_NO_NEWS);
        assert_int_equal(trouble_note(&t, -EIO), TROUBLE_BEGAN);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(is_told_once),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
