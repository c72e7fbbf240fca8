/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "look_log.h"

#include <stdio.h>

#include "core/explain.h"
#include "format/time_text.h"
#include "util/log.h"

static const char *const finding_names[] = {
        [FINDING_NONE] = "none",
        [FINDING_SUSPECT] = "suspect",
        [FINDING_FLOOD] = "flood",
};

/* listener NULL: the host. */
static void log_one(const char *when, const struct listener_key *listener, enum flood_state state,
                    const struct verdict *v) {
        bool calm = state == STATE_NORMAL && v->finding == FINDING_NONE;
        int priority = calm ? LOG_TRACE : LOG_DEBUG;
        char name[ADDRESS_TEXT_MAX] = "host", figures[512];

        if (!log_wants(priority))
                return;
        if (listener)
                listener_key_format(listener, name);
        log_at(priority, "%s%s: %s; found %s, strength %.2f (%s)%s, %s; %s", when, name, flood_state_name(state),
               finding_names[v->finding], v->strength, v->evidence.pattern ? v->evidence.pattern : "nothing",
               v->pressure ? ", pressure" : "", diagnosis_name(v->diagnosis),
               explain_evidence(&v->evidence, NULL, figures, sizeof figures));
}

void look_log(const struct engine_look *l, bool replayed) {
        char when[TIME_TEXT_MAX + 1] = "";

        if (!log_wants(LOG_DEBUG))
                return;
        if (replayed) {
                char text[TIME_TEXT_MAX];

                snprintf(when, sizeof when, "%s ", time_text_format(l->snapshot.realtime_us, text));
        }
        for (uint32_t i = 0; i < l->verdicts.listeners_count; i++)
                log_one(when, &l->verdicts.listeners[i].key, l->decision.listeners[i].state,
                        &l->verdicts.listeners[i].verdict);
        log_one(when, NULL, l->decision.state, &l->verdicts.host);
}
