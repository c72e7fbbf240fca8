/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/scenarios/judge_synward.h"

#include <stdlib.h>
#include <string.h>

#include "config/keys.h"
#include "core/settings.h"

struct synward {
        double thresholds[SWEEP_THRESHOLDS];
        struct settings settings;
        struct engine *engine;
        uint32_t incidents;
};

static void *synward_new(const double thresholds[static SWEEP_THRESHOLDS]) {
        struct synward *s = calloc(1, sizeof *s);

        if (!s)
                abort();
        memcpy(s->thresholds, thresholds, sizeof s->thresholds);
        config_defaults(&s->settings);
        s->engine = engine_new(&s->settings);
        if (!s->engine)
                abort();
        return s;
}

static void *synward_free(void *j) {
        struct synward *s = j;

        if (s) {
                s->engine = engine_free(s->engine);
                free(s);
        }
        return NULL;
}

/* With the default threshold the state that users see; with others what the strength of the evidence
 * would say. */
static uint32_t synward_step(void *j, const struct observation *o, const struct traffic_truth *truth) {
        const uint32_t plain = UINT32_C(1) << SWEEP_PLAIN;
        struct synward *s = j;
        const struct engine_look *l = engine_step(s->engine, o);
        uint32_t alarms;

        (void) truth;
        for (uint32_t i = 0; i < l->decision.events_count; i++)
                s->incidents += l->decision.events[i].event.type == EVENT_FLOOD_START;
        alarms = judge_above(s->thresholds, l->verdicts.host.strength) & ~plain;
        return l->decision.state == STATE_FLOOD ? alarms | plain : alarms;
}

const struct judge judge_synward = {
        .name = "synward",
        .parameter = "strength",
        .lowest = 0.1,
        .highest = 10,
        .plain = 1,
        .new = synward_new,
        .free = synward_free,
        .step = synward_step,
};

void judge_synward_allow(void *j, const struct prefix *p) {
        struct settings *s = &((struct synward *) j)->settings;

        s->allow[s->allow_count++] = *p;
}

const struct engine_look *judge_synward_look(const void *j) {
        return engine_last(((const struct synward *) j)->engine);
}

enum flood_state judge_synward_state(const void *j) {
        return judge_synward_look(j)->decision.state;
}

enum diagnosis judge_synward_diagnosis(const void *j) {
        return judge_synward_look(j)->decision.diagnosis;
}

enum flood_state judge_synward_listener_state(const void *j, uint16_t port) {
        const struct engine_look *l = judge_synward_look(j);

        for (uint32_t i = 0; i < l->verdicts.listeners_count; i++)
                if (l->verdicts.listeners[i].key.port == port)
                        return l->decision.listeners[i].state;
        return STATE_NORMAL;
}

uint32_t judge_synward_incidents(const void *j) {
        return ((const struct synward *) j)->incidents;
}

bool judge_synward_alert(const void *j) {
        return engine_is_alarmed(((const struct synward *) j)->engine);
}

void judge_synward_explain(const void *j, FILE *to) {
        const struct evidence *e = &judge_synward_look(j)->verdicts.host.evidence;

        fprintf(to,
                "half-open %.0f aged %.0f of %.0f (%.2f), SYN/s %.0f done %.1f unanswered %.1f (%.2f), "
                "cookies %.0f/%.0f, drops %.0f, overflows %.0f, once %.2f, top %.2f",
                e->half_open, e->half_open_aged, e->backlog, e->fill, e->syn_per_s, e->completed_per_s,
                e->unanswered_per_s, e->unanswered_share, e->cookies_sent_per_s, e->cookies_received_per_s,
                e->queue_drops_per_s, e->accept_overflows_per_s, e->seen_once_share, e->top_share);
}
