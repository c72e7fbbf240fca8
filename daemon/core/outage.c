/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/outage.h"

#include <math.h>

#include "core/rate.h"
#include "core/retries.h"
#include "core/share.h"

/* A flood of that size lets a few through even without cookies: slots come free. */
#define NOBODY_SHARE 0.01
/* Its clients have sent their last SYN but one by then. */
#define SETTLES_US RETRY_FOURTH_US
/* So long nobody need be heard of: TCP sends again after 1, 3, 7 and 15 s, and a lost ACK not at all. */
#define SILENT_US RETRY_FOURTH_US
/* Without a log it takes more to know what is usual. */
#define LEARNED_WITHOUT_LOG_US UINT64_C(30000000)
/* None begins while a flood stands for so long already and brings about as much as lately: it
 * is why nobody finishes. */
#define FLOOD_STANDS_US OUTAGE_LEARNED_US
/* Lately: no longer than one is taken to settle. */
#define FLOOD_LATELY_US SETTLES_US

/* Those who had begun are late by then, and too old to count as what is late, aged or stale. */
#define CUT_LEAVES_US RETRY_SECOND_US

/* Whatever is late now came before. Once: it is over when as many come as usual. */
static bool is_cut(struct outage *o, const struct host_track *t, uint64_t now_us) {
        if (t->syns.per_s >= t->usual_arrivals.per_s)
                o->cut_us = 0;
        else if (!o->cut_us && t->syns.per_s < (1 - MOST) * t->usual_arrivals.per_s)
                o->cut_us = now_us;
        return o->cut_us && now_us - o->cut_us < CUT_LEAVES_US;
}

static bool flood_stands(const struct outage *o, double arrivals_per_s, uint64_t now_us) {
        return o->flood_since_us && now_us - o->flood_since_us >= FLOOD_STANDS_US &&
               arrivals_per_s >= MOST * o->flood_arrivals.per_s;
}

void outage_follow_flood(struct outage *o, bool flood, double arrivals_per_s, uint64_t now_us, double elapsed_s) {
        if (!flood) {
                o->flood_since_us = 0;
                return;
        }
        if (!o->flood_since_us) {
                o->flood_since_us = now_us;
                o->flood_arrivals = rate_unknown();
        }
        rate_peak(&o->flood_arrivals, arrivals_per_s, elapsed_s, (double) FLOOD_LATELY_US / 1e6);
}

/* Where the log tells handshakes from SYNs sent again, no more begin than usual; and after a while somebody
 * has to show that he is still there. */
static bool are_the_usual(struct outage *o, const struct host_track *t, const struct outage_clients *c,
                          const struct look *l, double alive_share, uint64_t now_us) {
        bool alive = c->alive >= alive_share * fmax(or_zero(l->stuck), 1) ||
                     c->again_per_s >= alive_share * c->begun_per_s;

        if (isnan(c->begun_per_s))
                return t->learned_us >= LEARNED_WITHOUT_LOG_US;
        if (alive || !o->began_us)
                o->alive_us = now_us;
        return c->begun_per_s <= HOST_TRACK_USUAL_FACTOR * t->usual_arrivals.per_s && now_us - o->alive_us < SILENT_US;
}

bool outage_step(struct outage *o, const struct host_track *t, const struct look *l, const struct outage_clients *c,
                 const struct settings_detect *s, uint64_t now_us) {
        bool settling = o->seen_us && now_us - o->seen_us < SETTLES_US, now;
        double late = or_zero(l->late_steady_per_s) + or_zero(l->cookies_unanswered_per_s);
        double arrivals = host_track_arrivals(t, late);
        /* As large a part of them as the unfinished of a flood would be of all. */
        double alive_share = s->unanswered_share_permille / 1000.0;

        if (t->learned_us < OUTAGE_LEARNED_US || isnan(t->completed_steady.per_s) ||
            arrivals > SYN_RETRIES * t->usual_arrivals.per_s ||
            t->usual_completed.per_s * SYN_RETRIES < s->unanswered_per_s ||
            (!settling && flood_stands(o, arrivals, now_us))) {
                o->began_us = 0;
                return false;
        }
        if (is_cut(o, t, now_us) && late <= t->usual_arrivals.per_s)
                return true;
        /* Where few come at all, nothing is lost. */
        now = are_the_usual(o, t, c, l, alive_share, now_us) &&
              late >= s->unanswered_share_permille / 2000.0 * t->usual_arrivals.per_s &&
              t->completed_steady.per_s < (1 - MOST) * t->usual_completed.per_s &&
              (arrivals <= HOST_TRACK_USUAL_FACTOR * t->usual_arrivals.per_s || t->syncookies > 0 ||
               c->alive >= alive_share * or_zero(l->stuck) ||
               t->completed_steady.per_s < NOBODY_SHARE * t->usual_completed.per_s);
        if (now)
                o->seen_us = now_us;
        if (!now)
                o->began_us = 0;
        else if (!o->began_us)
                o->began_us = now_us;
        return now || settling;
}
