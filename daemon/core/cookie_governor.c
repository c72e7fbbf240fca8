/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/cookie_governor.h"

#include <errno.h>
#include <string.h>

void cookie_governor_init(struct cookie_governor *g, const char *epoch) {
        memset(g, 0, sizeof *g);
        g->phase = COOKIE_PHASE_LOAD;
        strncpy(g->epoch, epoch, sizeof g->epoch - 1);
}

/* The value for a flood, or -1 where the present one does as well or better.
 * The kernel takes 3 to 255 as 1 (tcp_conn_request asks for 0 and 2 only). */
static int target_for(uint8_t original, uint8_t flood_value) {
        if (original == 2)
                return -1;
        if (flood_value == 2)
                return 2;
        return original == 0 ? 1 : -1;
}

static uint32_t changes_for(uint8_t original, int target) {
        return original == 0 && target == 2 ? 3 : 2;
}

static void count_change(struct cookie_record *r, uint64_t now_us) {
        if (r->changes_count == COOKIE_CHANGES_MAX) {
                memmove(r->changes_us, r->changes_us + 1, (COOKIE_CHANGES_MAX - 1) * sizeof *r->changes_us);
                r->changes_count--;
        }
        r->changes_us[r->changes_count++] = now_us;
}

static void uncount_change(struct cookie_record *r) {
        if (r->changes_count > 0)
                r->changes_us[--r->changes_count] = 0;
}

static uint32_t changes_in_hour(const struct cookie_record *r, uint64_t now_us) {
        uint32_t n = 0;

        for (uint32_t i = 0; i < r->changes_count; i++)
                if (r->changes_us[i] + COOKIE_HOUR_US > now_us)
                        n++;
        return n;
}

static uint32_t limit_of(const struct cookie_input *in) {
        return in->max_changes_per_hour < COOKIE_CHANGES_MAX ? in->max_changes_per_hour : COOKIE_CHANGES_MAX;
}

static struct cookie_action nothing(enum cookie_why why, uint64_t wait_until_us) {
        return (struct cookie_action) {
                .kind = COOKIE_NOTHING,
                .why = why,
                .wait_until_us = wait_until_us,
        };
}

/* Memory that is lacking may be there in a moment; a disk, or a privilege, is not. */
static uint64_t retry_us(int error) {
        return error == -ENOMEM ? COOKIE_RETRY_SOON_US : COOKIE_RETRY_US;
}

/* It was not made, but its record may be on disk; the next attempt can wait. */
static void abandon(struct cookie_governor *g, uint64_t now_us, int error) {
        g->raise_at_us = now_us + retry_us(error);
        g->phase = COOKIE_PHASE_FORGET;
        g->why_forget = COOKIE_WHY_ABANDONED;
        g->after_forget = COOKIE_PHASE_IDLE;
}

static void go_forget(struct cookie_governor *g, enum cookie_why why, enum cookie_phase after) {
        g->phase = COOKIE_PHASE_FORGET;
        g->why_forget = why;
        g->after_forget = after;
}

static void go_foreign(struct cookie_governor *g, uint8_t found) {
        g->phase = COOKIE_PHASE_FOREIGN;
        g->found = found;
}

static struct cookie_action save(const struct cookie_governor *g, const struct cookie_input *in, enum cookie_why why,
                                 uint8_t original, uint8_t previous, uint8_t written) {
        struct cookie_action a = { .kind = COOKIE_SAVE,
                                   .why = why,
                                   .original = original,
                                   .expected = previous,
                                   .value = written,
                                   .record = g->record };

        a.record.owned = true;
        memcpy(a.record.epoch, g->epoch, sizeof a.record.epoch);
        a.record.original = original;
        a.record.previous = previous;
        a.record.written = written;
        count_change(&a.record, in->now_us);
        return a;
}

static struct cookie_action write_value(const struct cookie_governor *g, enum cookie_why why, uint8_t expected,
                                        uint8_t value) {
        return (struct cookie_action) {
                .kind = COOKIE_WRITE,
                .why = why,
                .original = g->record.original,
                .expected = expected,
                .value = value,
                .record = g->record,
        };
}

static struct cookie_action step_idle(struct cookie_governor *g, const struct cookie_input *in) {
        int target;

        if (in->want != COOKIE_WANT_RAISE || in->release || in->value < 0)
                return nothing(COOKIE_WHY_NONE, 0);
        target = target_for((uint8_t) in->value, in->flood_value);
        if (target < 0)
                return nothing(COOKIE_WHY_NONE, 0);
        if (in->now_us < g->raise_at_us)
                return nothing(COOKIE_WHY_RETRY, g->raise_at_us);
        if (changes_in_hour(&g->record, in->now_us) + changes_for((uint8_t) in->value, target) > limit_of(in))
                return nothing(COOKIE_WHY_LIMIT, 0);
        return save(g, in, COOKIE_WHY_FLOOD, (uint8_t) in->value, (uint8_t) in->value, (uint8_t) target);
}

static struct cookie_action step_forget(const struct cookie_governor *g) {
        struct cookie_action a = { .kind = COOKIE_FORGET, .why = g->why_forget, .record = g->record };

        a.record.owned = false;
        a.record.original = a.record.previous = a.record.written = 0;
        memcpy(a.record.epoch, g->epoch, sizeof a.record.epoch);
        return a;
}

static struct cookie_action step_armed(struct cookie_governor *g, const struct cookie_input *in) {
        const struct cookie_record *r = &g->record;

        if (in->want == COOKIE_WANT_CALM || in->release || in->now_us > g->write_by_us ||
            (in->value >= 0 && in->value != r->previous)) {
                uncount_change(&g->record);
                go_forget(g, COOKIE_WHY_ABANDONED, COOKIE_PHASE_IDLE);
                return step_forget(g);
        }
        return write_value(g, COOKIE_WHY_FLOOD, r->previous, r->written);
}

static struct cookie_action step_foreign(const struct cookie_governor *g) {
        return (struct cookie_action) {
                .kind = COOKIE_FOREIGN,
                .why = COOKIE_WHY_FOREIGN,
                .expected = g->held,
                .value = g->found,
                .original = g->record.original,
        };
}

static bool is_foreign(struct cookie_governor *g, const struct cookie_input *in) {
        if (in->value < 0 || in->value == g->held)
                return false;
        go_foreign(g, (uint8_t) in->value);
        return true;
}

/* When the last step back to 0 and the next flood's changes fit the limit both; 0: now. The
 * step from 2 to 1 is taken before: 1 serves against the next flood as well. */
static uint64_t put_back_at_us(const struct cookie_governor *g, const struct cookie_input *in) {
        const struct cookie_record *r = &g->record;
        uint32_t in_hour = changes_in_hour(r, in->now_us);
        uint32_t needed = 1 + changes_for(0, in->flood_value == 2 ? 2 : 1);

        if (r->original != 0 || in_hour == 0 || in_hour + needed <= limit_of(in))
                return 0;
        return r->changes_us[r->changes_count - in_hour] + COOKIE_HOUR_US;
}

static struct cookie_action step_held(struct cookie_governor *g, const struct cookie_input *in) {
        enum cookie_why why = in->release ? COOKIE_WHY_RELEASE : COOKIE_WHY_CALM;

        if (is_foreign(g, in))
                return step_foreign(g);
        if (in->want != COOKIE_WANT_CALM)
                g->calm_at_us = in->now_us + in->hold_us;
        if (!in->release && in->want != COOKIE_WANT_CALM)
                return nothing(COOKIE_WHY_NONE, 0);
        if (!in->release && in->now_us < g->calm_at_us)
                return nothing(COOKIE_WHY_NONE, g->calm_at_us);
        if (g->record.original == 0 && g->held == 2)
                return save(g, in, COOKIE_WHY_STEP_DOWN, 0, 2, 1);
        if (!in->release && in->now_us < put_back_at_us(g, in))
                return nothing(COOKIE_WHY_LIMIT, put_back_at_us(g, in));
        if (g->record.original == 0 && in->now_us < g->cool_until_us)
                return nothing(COOKIE_WHY_LIFE, g->cool_until_us);
        return write_value(g, why, g->held, g->record.original);
}

static struct cookie_action step_stepping(struct cookie_governor *g, const struct cookie_input *in) {
        if (is_foreign(g, in))
                return step_foreign(g);
        if (in->now_us > g->write_by_us)
                return save(g, in, COOKIE_WHY_STEP_DOWN, 0, 2, 1);
        return write_value(g, COOKIE_WHY_STEP_DOWN, 2, 1);
}

/* What an owned record means, now that the value is known. */
static void recover(struct cookie_governor *g, const struct cookie_input *in) {
        struct cookie_record *r = &g->record;
        uint64_t hold_us = in->hold_us < COOKIE_ADOPT_HOLD_US ? in->hold_us : COOKIE_ADOPT_HOLD_US;
        uint8_t value = (uint8_t) in->value;

        g->calm_at_us = in->now_us + hold_us;
        /* The old value may have been put back without a trace; counted as if it was. */
        count_change(r, in->now_us);
        if (value == r->original) {
                go_forget(g, COOKIE_WHY_RESTORED, COOKIE_PHASE_IDLE);
                return;
        }
        g->held = r->written;
        if (value != r->written && value != r->previous) {
                go_foreign(g, value);
                return;
        }
        g->held = value;
        g->phase = COOKIE_PHASE_HELD;
        /* How long ago 2 became 1 is not known: the whole wait again. */
        if (value == 1 && r->previous == 2)
                g->cool_until_us = in->now_us + COOKIE_LIFE_US;
}

static struct cookie_action step_hands_off(struct cookie_governor *g, const struct cookie_input *in) {
        if (in->want != COOKIE_WANT_CALM)
                g->calm_at_us = in->now_us + in->hold_us;
        if (!in->reset && in->want != COOKIE_WANT_CALM)
                return nothing(COOKIE_WHY_FOREIGN, 0);
        if (!in->reset && in->now_us < g->calm_at_us)
                return nothing(COOKIE_WHY_FOREIGN, g->calm_at_us);
        g->phase = COOKIE_PHASE_IDLE;
        return step_idle(g, in);
}

struct cookie_action cookie_governor_step(struct cookie_governor *g, const struct cookie_input *in) {
        if (g->phase == COOKIE_PHASE_RECOVER && in->value >= 0)
                recover(g, in);
        if (in->now_us < g->retry_at_us)
                return nothing(COOKIE_WHY_RETRY, g->retry_at_us);

        switch (g->phase) {
        case COOKIE_PHASE_LOAD:
                return (struct cookie_action) { .kind = COOKIE_LOAD };
        case COOKIE_PHASE_RECOVER:
                return nothing(COOKIE_WHY_NONE, 0);
        case COOKIE_PHASE_IDLE:
                return step_idle(g, in);
        case COOKIE_PHASE_ARMED:
                return step_armed(g, in);
        case COOKIE_PHASE_HELD:
                return step_held(g, in);
        case COOKIE_PHASE_STEPPING:
                return step_stepping(g, in);
        case COOKIE_PHASE_FOREIGN:
                return step_foreign(g);
        case COOKIE_PHASE_FORGET:
                return step_forget(g);
        case COOKIE_PHASE_HANDS_OFF:
                return step_hands_off(g, in);
        }
        return nothing(COOKIE_WHY_NONE, 0);
}

static void done_load(struct cookie_governor *g, const struct cookie_result *result) {
        bool same_life;

        if (result->error == -ENOENT) {
                g->phase = COOKIE_PHASE_IDLE;
                return;
        }
        same_life = strncmp(result->loaded.epoch, g->epoch, sizeof g->epoch) == 0;
        if (same_life)
                g->record = result->loaded;
        if (!result->loaded.owned)
                g->phase = COOKIE_PHASE_IDLE;
        else if (same_life)
                g->phase = COOKIE_PHASE_RECOVER;
        else
                go_forget(g, COOKIE_WHY_REBOOT, COOKIE_PHASE_IDLE);
}

static void done_save(struct cookie_governor *g, const struct cookie_input *in, const struct cookie_action *a,
                      int error) {
        if (error == 0) {
                g->write_by_us = in->now_us + COOKIE_RETRY_US;
                g->record = a->record;
                g->phase = a->why == COOKIE_WHY_FLOOD ? COOKIE_PHASE_ARMED : COOKIE_PHASE_STEPPING;
        } else if (a->why == COOKIE_WHY_FLOOD)
                abandon(g, in->now_us, error);
        /* A step down that could not be saved is tried again from HELD. */
}

static void done_write(struct cookie_governor *g, const struct cookie_input *in, const struct cookie_action *a,
                       const struct cookie_result *result) {
        bool raise = a->why == COOKIE_WHY_FLOOD;

        if (result->error == 0 && raise) {
                g->phase = COOKIE_PHASE_HELD;
                g->held = a->value;
                g->calm_at_us = in->now_us + in->hold_us;
        } else if (result->error == 0 && a->why == COOKIE_WHY_STEP_DOWN) {
                g->phase = COOKIE_PHASE_HELD;
                g->held = a->value;
                g->cool_until_us = in->now_us + COOKIE_LIFE_US;
        } else if (result->error == 0) {
                count_change(&g->record, in->now_us);
                go_forget(g, COOKIE_WHY_RESTORED, COOKIE_PHASE_IDLE);
        } else if (raise) {
                /* Not ours yet, whoever changed it or whatever forbids it. */
                uncount_change(&g->record);
                if (result->error == -ESTALE)
                        go_forget(g, COOKIE_WHY_ABANDONED, COOKIE_PHASE_IDLE);
                else
                        abandon(g, in->now_us, result->error);
        } else if (result->error == -ESTALE) {
                go_foreign(g, result->found);
        }
}

void cookie_governor_done(struct cookie_governor *g, const struct cookie_input *in, const struct cookie_action *a,
                          const struct cookie_result *result) {
        int error = result->error;

        switch (a->kind) {
        case COOKIE_NOTHING:
                return;
        case COOKIE_LOAD:
                if (error == 0 || error == -ENOENT)
                        done_load(g, result);
                if (error == -ENOENT)
                        error = 0;
                break;
        case COOKIE_SAVE:
                done_save(g, in, a, error);
                break;
        case COOKIE_WRITE:
                done_write(g, in, a, result);
                if (error == -ESTALE)
                        error = 0;
                break;
        case COOKIE_FORGET:
                if (error == 0) {
                        g->record = a->record;
                        g->phase = g->after_forget;
                }
                break;
        case COOKIE_FOREIGN:
                g->calm_at_us = in->now_us + in->hold_us;
                go_forget(g, COOKIE_WHY_FOREIGN, COOKIE_PHASE_HANDS_OFF);
                break;
        }
        if (error == 0 || a->why == COOKIE_WHY_FLOOD)
                g->retry_at_us = 0;
        else
                g->retry_at_us = in->now_us + retry_us(error);
}

bool cookie_governor_settled(const struct cookie_governor *g) {
        return g->phase == COOKIE_PHASE_IDLE || g->phase == COOKIE_PHASE_HANDS_OFF;
}

bool cookie_governor_idle(const struct cookie_governor *g) {
        return g->phase == COOKIE_PHASE_IDLE;
}

bool cookie_governor_holds(const struct cookie_governor *g) {
        return g->phase == COOKIE_PHASE_HELD || g->phase == COOKIE_PHASE_STEPPING;
}

int cookie_governor_original(const struct cookie_governor *g) {
        return cookie_governor_holds(g) ? g->record.original : -1;
}
