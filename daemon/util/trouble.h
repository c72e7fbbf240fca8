/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What fails at every try is told once, and once more when it works again.
 * Begins zeroed: nothing is wrong.
 */

struct trouble {
        int error; /* of the last try, negative; 0: it worked */
};

enum trouble_news {
        TROUBLE_NO_NEWS, /* works, or fails, as it did */
        TROUBLE_BEGAN,
        TROUBLE_CHANGED, /* fails as before, but for another reason */
        TROUBLE_OVER,    /* works again */
};

/* Notes how a try went (0, or an error below it) and says what is new in it. */
static inline enum trouble_news trouble_note(struct trouble *t, int error) {
        int before = t->error;

        t->error = error;
        if (error == before)
                return TROUBLE_NO_NEWS;
        if (!before)
                return TROUBLE_BEGAN;
        return error ? TROUBLE_CHANGED : TROUBLE_OVER;
}
