/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/engine.h"

#include <math.h>
#include <stdlib.h>

#include "core/picture.h"

struct engine {
        struct detector *detector;
        struct policy *policy;
        struct engine_look look;
        struct event_log events;
};

static void look_begin(struct engine_look *l) {
        l->snapshot.sources_distinct = NAN;
        l->snapshot.syncookies_value = l->snapshot.syncookies_original = -1;
        l->snapshot.syncookies_mode = "off";
}

struct engine *engine_new(const struct settings *settings) {
        struct engine *e = calloc(1, sizeof *e);

        if (!e)
                return NULL;
        e->detector = detector_new(settings);
        e->policy = policy_new(settings);
        if (!e->detector || !e->policy)
                return engine_free(e);
        e->events.next = 1;
        look_begin(&e->look);
        return e;
}

struct engine *engine_free(struct engine *e) {
        if (!e)
                return NULL;
        policy_free(e->policy);
        detector_free(e->detector);
        free(e);
        return NULL;
}

void engine_configure(struct engine *e, const struct settings *settings) {
        detector_configure(e->detector, settings);
        policy_configure(e->policy, settings);
}

const struct engine_look *engine_step(struct engine *e, const struct observation *o) {
        struct engine_look *l = &e->look;

        detector_step(e->detector, o, &l->verdicts);
        policy_step(e->policy, o, &l->verdicts, &l->decision);
        for (uint32_t i = 0; i < l->decision.events_count; i++)
                event_log_add(&e->events, &l->decision.events[i].event);
        picture_update(&l->snapshot, o, &l->verdicts, &l->decision);
        return l;
}

const struct engine_look *engine_last(const struct engine *e) {
        return &e->look;
}

struct snapshot *engine_snapshot(struct engine *e) {
        return &e->look.snapshot;
}

bool engine_is_alarmed(const struct engine *e) {
        return e->look.verdicts.host.finding != FINDING_NONE || e->look.decision.state == STATE_FLOOD;
}

bool engine_tell(struct engine *e, struct event *event, uint64_t now_us, uint64_t realtime_us) {
        bool deliver = policy_tell(e->policy, event, now_us, realtime_us);

        event_log_add(&e->events, event);
        return deliver;
}

const struct event_log *engine_events(const struct engine *e) {
        return &e->events;
}
