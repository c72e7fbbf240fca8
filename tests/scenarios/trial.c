/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/scenarios/trial.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/scenarios/judge_synward.h"
#include "tests/scenarios/recorded.h"

const struct judge *const judges[JUDGES] = {
        &judge_synward, &judge_syn_fin, &judge_adaptive, &judge_cusum, &judge_syn_recv,
};

/* Where the observations come from. */
struct stage {
        struct traffic *traffic;   /* or */
        struct recorded *recorded;
};

struct jury {
        void *instances[JUDGES];
        uint32_t alarms[JUDGES];
        double last_s[JUDGES][SWEEP_THRESHOLDS]; /* when the alarm was last there */
        enum flood_state state;
        enum diagnosis diagnosis;
        enum flood_state attacked[SCENARIO_ATTACKED_MAX];
        double rested_s; /* when the flood was last not being sent */
};

/* An end told when a flood in pulses has just begun again is none that is told too early. */
#define BEGINS_AGAIN_S 1.0

static bool in_interval(const struct scenario *s, double now_s) {
        unsigned unused;

        now_s = scenario_time(s, now_s, &unused);
        return s->to_s > s->from_s && now_s > s->from_s && now_s <= s->to_s;
}

static bool flood_or_its_wake(const struct scenario *s, double now_s) {
        unsigned unused;

        now_s = scenario_time(s, now_s, &unused);
        return s->attack && now_s > s->from_s && now_s <= s->to_s + TRIAL_GRACE_S;
}

/* Whether the flood is being sent; one in pulses rests. */
static bool goes_on(const struct scenario *s, const struct traffic_truth *truth, const struct jury *jury) {
        return s->attack && in_interval(s, truth->now_s) && truth->now_s - jury->rested_s > BEGINS_AGAIN_S;
}

/* --- every judge ------------------------------------------------------------------------ */

static void alarm_rises(const struct scenario *s, double now_s, double last_s, struct score *score) {
        unsigned flood;
        double time_s = scenario_time(s, now_s, &flood);

        /* One that was already called a flood for no reason, or for the one before, is not found. */
        if (!(score->floods & 1U << flood) && s->attack && in_interval(s, now_s)) {
                score->floods |= 1U << flood;
                score->found = score->floods == (1U << scenario_floods(s)) - 1;
                score->delay_s = fmax(score->delay_s, time_s - s->from_s);
        }
        if (!flood_or_its_wake(s, now_s) && now_s - last_s > TRIAL_HOLD_S)
                score->false_alarms++;
}

static void judge_step(const struct scenario *s, struct jury *jury, unsigned j, const struct observation *o,
                       const struct traffic_truth *truth, struct row *row) {
        uint32_t now = judges[j]->step(jury->instances[j], o, truth);
        uint32_t changed = now ^ jury->alarms[j];

        while (changed) {
                unsigned i = (unsigned) __builtin_ctz(changed);

                changed &= changed - 1;
                if (now & UINT32_C(1) << i)
                        alarm_rises(s, truth->now_s, jury->last_s[j][i], &row->scores[j][i]);
                else
                        jury->last_s[j][i] = truth->now_s;
        }
        jury->alarms[j] = now;
}

/* --- what synward tells ------------------------------------------------------------------- */

/* A diagnosis counts while a flood is called one, and all through an event after its first 3 s. */
static bool diagnosis_counts(const struct scenario *s, enum flood_state state, double now_s) {
        if (!in_interval(s, now_s))
                return false;
        return s->attack ? state == STATE_FLOOD : now_s > s->from_s + 3;
}

static void note_synward(const struct scenario *s, const struct traffic_truth *truth, const struct jury *jury,
                         enum flood_state before, bool was_found, struct row *row) {
        enum flood_state state = jury->state;
        unsigned unused;
        double time_s;

        if (diagnosis_counts(s, state, truth->now_s))
                row->named[jury->diagnosis]++;
        if (!was_found && row->scores[0][SWEEP_PLAIN].found)
                row->fill = truth->fill;
        if (state == STATE_SUSPECT && before != STATE_SUSPECT)
                row->suspicions++;
        row->early_ends += before == STATE_FLOOD && state != STATE_FLOOD && goes_on(s, truth, jury);
        time_s = scenario_time(s, truth->now_s, &unused);
        if (!s->attack || time_s <= s->to_s)
                return;
        if (state == STATE_FLOOD)
                row->ended = false;
        else if (!row->ended) {
                row->ended = true;
                row->end_s = fmax(row->end_s, time_s - s->to_s);
        }
}

static bool is_attacked(const struct scenario *s, unsigned listener, double now_s) {
        for (unsigned i = 0; i < s->attacked_count; i++)
                if (s->attacked[i].listener == listener && now_s > s->attacked[i].from_s &&
                    now_s <= s->attacked[i].to_s + TRIAL_GRACE_S)
                        return true;
        return false;
}

/* The others than those that are to be named. */
static void note_others(const struct scenario *s, const struct traffic_truth *truth, const struct jury *jury,
                        struct row *row) {
        for (unsigned n = 0; n < s->traffic.listeners_count && s->attacked_count; n++)
                row->blamed += !is_attacked(s, n, truth->now_s) &&
                               judge_synward_listener_state(jury->instances[0], s->traffic.listeners[n].port) ==
                                       STATE_FLOOD;
}

/* The listeners that are to be named by themselves. */
static void note_attacked(const struct scenario *s, const struct traffic_truth *truth, struct jury *jury,
                          struct row *row) {
        for (unsigned i = 0; i < s->attacked_count; i++) {
                const struct attacked *a = &s->attacked[i];
                enum flood_state before = jury->attacked[i], state;

                state = judge_synward_listener_state(jury->instances[0], s->traffic.listeners[a->listener].port);
                jury->attacked[i] = state;
                if (truth->now_s <= a->from_s)
                        continue;
                if (truth->now_s <= a->to_s) {
                        if (state == STATE_FLOOD && !row->attacked[i].found) {
                                row->attacked[i].found = true;
                                row->attacked[i].delay_s = truth->now_s - a->from_s;
                        }
                        row->early_ends += before == STATE_FLOOD && state != STATE_FLOOD;
                } else if (state == STATE_FLOOD)
                        row->attacked[i].ended = false;
                else if (!row->attacked[i].ended) {
                        row->attacked[i].ended = true;
                        row->attacked[i].end_s = truth->now_s - a->to_s;
                }
        }
}

static void tell_change(const struct scenario *s, const struct traffic_truth *truth, const struct jury *jury) {
        fprintf(stderr, "%s: %.1f s: %s, %s: ", s->name, truth->now_s, flood_state_name(jury->state),
                diagnosis_name(jury->diagnosis));
        judge_synward_explain(jury->instances[0], stderr);
        fputc('\n', stderr);
}

/* --- the trial ---------------------------------------------------------------------------- */

static bool next(struct stage *stage, const struct scenario *s, bool alert, struct observation *o,
                 struct traffic_truth *truth) {
        if (stage->recorded)
                return recorded_step(stage->recorded, o, truth);
        if (truth->now_s >= s->length_s)
                return false;
        traffic_step(stage->traffic, alert, o, truth);
        return true;
}

static void jury_begin(struct jury *jury) {
        for (unsigned j = 0; j < JUDGES; j++) {
                double thresholds[SWEEP_THRESHOLDS];

                judge_thresholds(judges[j], thresholds);
                jury->instances[j] = judges[j]->new(thresholds);
                for (unsigned i = 0; i < SWEEP_THRESHOLDS; i++)
                        jury->last_s[j][i] = -INFINITY;
        }
}

void trial_run(const struct scenario *s, bool verbose, struct row *ret) {
        static struct observation o;
        struct stage stage = { 0 };
        struct traffic_truth truth = { 0 };
        struct jury jury = { 0 };
        struct listening *listening = said_begin(s);

        if (s->recording)
                stage.recorded = recorded_open(s->recording);
        else
                stage.traffic = traffic_new(&s->traffic);
        jury_begin(&jury);
        if (s->allowed.length)
                judge_synward_allow(jury.instances[0], &s->allowed);
        while (next(&stage, s, judge_synward_alert(jury.instances[0]), &o, &truth)) {
                enum flood_state before = jury.state;
                enum diagnosis named = jury.diagnosis;
                bool was_found = ret->scores[0][SWEEP_PLAIN].found;

                for (unsigned j = 0; j < JUDGES; j++)
                        judge_step(s, &jury, j, &o, &truth, ret);
                jury.state = judge_synward_state(jury.instances[0]);
                jury.diagnosis = judge_synward_diagnosis(jury.instances[0]);
                if (!s->recording && truth.attack_syns == 0)
                        jury.rested_s = truth.now_s;
                note_synward(s, &truth, &jury, before, was_found, ret);
                note_attacked(s, &truth, &jury, ret);
                note_others(s, &truth, &jury, ret);
                said_note(listening, judge_synward_look(jury.instances[0]), &o, &truth);
                if (verbose && (jury.state != before || jury.diagnosis != named))
                        tell_change(s, &truth, &jury);
        }
        listening = said_end(listening, &ret->said);
        ret->incidents = judge_synward_incidents(jury.instances[0]);
        for (unsigned j = 0; j < JUDGES; j++)
                jury.instances[j] = judges[j]->free(jury.instances[j]);
        stage.traffic = traffic_free(stage.traffic);
        stage.recorded = recorded_free(stage.recorded);
        ret->days = truth.now_s / 86400;
        ret->done = true;
}
