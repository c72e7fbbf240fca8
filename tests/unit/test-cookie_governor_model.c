/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Every order in which the governor, its disk, the kernel, an administrator
 * and the power supply can take turns, explored breadth first with the real
 * step function. A state is the governor's memory, the record on disk, the
 * sysctl, the flood, and a few ghosts that know the truth. Times are kept as
 * distances from now in steps of ten seconds, and what is over is over, so the
 * states are finite: the search ends because nothing new is found, not at a
 * depth. A violation is printed with the shortest way that leads to it.
 *
 * Not modelled: a disk that returns something else than what was renamed into
 * place, and an administrator who writes in the microseconds between the read
 * and the write of one conditional write (the kernel has no compare-and-set
 * for a sysctl).
 */
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/cookie_governor.h"

enum {
        UNIT_S = 10,
        LIFE_UNITS = 12,
        LONG_UNITS = 120, /* twenty minutes */
        HOUR_UNITS = 360,
        HISTORY_MAX = 6,
        NEVER = 255,
};
#define UNIT_US (UINT64_C(1000000) * UNIT_S)
#define NOW_US (UINT64_C(100) * COOKIE_HOUR_US)

enum running { DEAD, DAEMON, RESTORE };

/* No padding, so that memcmp() compares. */
struct packed_record {
        uint8_t there, owned, past_life, original, previous, written, count;
        uint8_t ages[HISTORY_MAX][2];
};

struct state {
        uint8_t running, value, ours, want, release;
        /* ghosts: values that may be there at the end, whether the record could not tell a
         * foreign value from ours, units since our own 2 became 1, reported already */
        uint8_t accept, ambiguous, since_two, reported;
        uint8_t writes_count;
        uint8_t writes[HISTORY_MAX][2]; /* ages of our writes in this hour */
        uint8_t phase, after_forget, why_forget, held, found, calm, cool, write_by, raise, retry;
        struct packed_record memory, disk;
};

/* What a run explores. */
struct world {
        const char *name;
        uint8_t flood_value;
        uint32_t limit, hold_units;
        bool history;     /* keep the ages of changes; otherwise they play no part */
        uint8_t foreign_values; /* mask */
        bool failures;
        uint32_t time_units[2]; /* 0: none */
};

enum event_kind {
        E_STEP,
        E_STEP_DIES_BEFORE,
        E_STEP_DIES_AFTER,
        E_STEP_FAILS,
        E_STEP_FAILS_DIRTY,
        E_STEP_FOREIGN,
        E_FOREIGN,
        E_WANT,
        E_RELEASE,
        E_RESET,
        E_TIME,
        E_KILL,
        E_START,
        E_RESTORE,
        E_REBOOT,
};
static const char *const event_names[] = {
        "step",
        "step, killed before its action",
        "step, killed after its action",
        "step, action fails",
        "step, action happens but fails",
        "step, with this written by somebody else before its action",
        "somebody else writes",
        "flood is",
        "release is",
        "reset",
        "time passes (10 s)",
        "killed",
        "daemon starts",
        "--restore starts",
        "reboot with value",
};

struct transition {
        enum event_kind kind;
        uint8_t argument;
};

/* --- records and times, packed and unpacked --- */

static uint8_t pack_deadline(uint64_t us) {
        if (us <= NOW_US)
                return 0;
        assert_true((us - NOW_US + UNIT_US - 1) / UNIT_US < 255);
        return (uint8_t) ((us - NOW_US + UNIT_US - 1) / UNIT_US);
}

static uint64_t unpack_deadline(uint8_t units) {
        return units ? NOW_US + units * UNIT_US : 0;
}

static void put16(uint8_t to[2], uint32_t v) {
        to[0] = (uint8_t) (v >> 8);
        to[1] = (uint8_t) v;
}

static uint32_t get16(const uint8_t from[2]) {
        return (uint32_t) from[0] << 8 | from[1];
}

static void pack_record(const struct world *w, const struct cookie_record *r, struct packed_record *p) {
        memset(p, 0, sizeof *p);
        p->there = 1;
        p->owned = r->owned;
        p->past_life = strcmp(r->epoch, "now") != 0;
        p->original = r->original;
        p->previous = r->previous;
        p->written = r->written;
        for (uint32_t i = 0; w->history && i < r->changes_count; i++) {
                uint64_t age = (NOW_US - r->changes_us[i]) / UNIT_US;

                if (age >= HOUR_UNITS)
                        continue;
                if (p->count == HISTORY_MAX) { /* as the governor does, only sooner */
                        memmove(p->ages, p->ages + 1, sizeof p->ages - sizeof *p->ages);
                        p->count--;
                }
                put16(p->ages[p->count++], (uint32_t) age);
        }
}

static struct cookie_record unpack_record(const struct packed_record *p) {
        struct cookie_record r = {
                .owned = p->owned,
                .original = p->original,
                .previous = p->previous,
                .written = p->written,
                .changes_count = p->count,
        };

        strcpy(r.epoch, p->past_life ? "past" : "now");
        for (uint32_t i = 0; i < p->count; i++)
                r.changes_us[i] = NOW_US - get16(p->ages[i]) * UNIT_US;
        return r;
}

static void pack_governor(const struct world *w, const struct cookie_governor *g, struct state *s) {
        s->phase = (uint8_t) g->phase;
        s->after_forget = g->phase == COOKIE_PHASE_FORGET ? (uint8_t) g->after_forget : 0;
        s->why_forget = g->phase == COOKIE_PHASE_FORGET ? (uint8_t) g->why_forget : 0;
        s->held = g->held;
        s->found = g->phase == COOKIE_PHASE_FOREIGN ? g->found : 0;
        s->calm = pack_deadline(g->calm_at_us);
        s->cool = pack_deadline(g->cool_until_us);
        if (g->phase == COOKIE_PHASE_ARMED || g->phase == COOKIE_PHASE_STEPPING)
                s->write_by = pack_deadline(g->write_by_us);
        else
                s->write_by = 0;
        s->raise = pack_deadline(g->raise_at_us);
        s->retry = pack_deadline(g->retry_at_us);
        pack_record(w, &g->record, &s->memory);
}

static struct cookie_governor unpack_governor(const struct state *s) {
        struct cookie_governor g;

        cookie_governor_init(&g, "now");
        g.phase = (enum cookie_phase) s->phase;
        g.after_forget = (enum cookie_phase) s->after_forget;
        g.why_forget = (enum cookie_why) s->why_forget;
        g.held = s->held;
        g.found = s->found;
        g.calm_at_us = unpack_deadline(s->calm);
        g.cool_until_us = unpack_deadline(s->cool);
        g.write_by_us = unpack_deadline(s->write_by);
        g.raise_at_us = unpack_deadline(s->raise);
        g.retry_at_us = unpack_deadline(s->retry);
        g.record = unpack_record(&s->memory);
        return g;
}

static void forget_memory(struct state *s) {
        s->phase = s->after_forget = s->why_forget = s->held = s->found = 0;
        s->calm = s->cool = s->write_by = s->raise = s->retry = 0;
        memset(&s->memory, 0, sizeof s->memory);
        s->running = DEAD;
        s->release = 0;
        s->reported = 0;
}

/* --- the world around the governor; each returns what it broke, or NULL --- */

/* Somebody else's value is just what the record names: see the header's last paragraph. */
static void look_for_ambiguity(struct state *s) {
        const struct packed_record *d = &s->disk;

        if (s->ours || !d->there || !d->owned || d->past_life || s->value == d->original ||
            (s->value != d->written && s->value != d->previous))
                return;
        s->ambiguous = 1;
        s->accept |= (uint8_t) (1 << d->original);
}

static void foreign_write(struct state *s, uint8_t v) {
        if (v == s->value)
                return; /* nobody could notice */
        s->value = v;
        s->ours = 0;
        s->accept = (uint8_t) (1 << v);
        s->ambiguous = 0;
        s->since_two = NEVER;
        s->reported = 0;
        look_for_ambiguity(s);
}

static const char *check_write(const struct world *w, const struct state *s, const struct cookie_action *a) {
        const struct packed_record *d = &s->disk;
        uint32_t writes = 0;

        if (!d->there || !d->owned || d->past_life)
                return "a write without a durable record";
        if (a->value != d->written && a->value != d->original)
                return "wrote what the record does not name";
        if (!s->ours && !s->ambiguous && !(a->why == COOKIE_WHY_FLOOD && s->value == d->original))
                return "overwrote somebody else's value";
        if (a->why == COOKIE_WHY_FLOOD && s->want == COOKIE_WANT_CALM)
                return "raised without a flood";
        if (a->why != COOKIE_WHY_FLOOD && s->running == DAEMON && !s->release && s->want != COOKIE_WANT_CALM &&
            a->why != COOKIE_WHY_STEP_DOWN)
                return "put back during the flood";
        if (s->value == 2 && a->value == 0)
                return "from 2 to 0 at once";
        if (a->value == 0 && s->since_two < LIFE_UNITS)
                return "0 before a cookie's life had passed";
        for (uint32_t i = 0; i < s->writes_count; i++)
                writes += get16(s->writes[i]) < HOUR_UNITS;
        /* What it takes for its own it puts back, limit or not. */
        if (w->history && writes + 1 > w->limit && !s->ambiguous)
                return "more changes than the limit";
        return NULL;
}

static const char *do_write(const struct world *w, struct state *s, const struct cookie_action *a,
                            struct cookie_result *result) {
        const char *broken;

        if (s->value != a->expected) {
                result->error = -ESTALE;
                result->found = s->value;
                return NULL;
        }
        broken = check_write(w, s, a);
        if (s->value == 2)
                s->since_two = s->ours ? 0 : NEVER;
        s->value = a->value;
        s->ours = 1;
        s->reported = 0;
        if (w->history && !broken && !s->ambiguous)
                put16(s->writes[s->writes_count++], 0);
        return broken;
}

static const char *do_report(struct state *s, const struct cookie_action *a) {
        if (s->ours && !s->ambiguous)
                return "called its own value foreign";
        if (a->value == a->expected)
                return "reported a change that is none";
        if (s->reported)
                return "reported the same thing twice";
        s->reported = 1;
        return NULL;
}

static const char *carry_out(const struct world *w, struct state *s, const struct cookie_action *a,
                             struct cookie_result *result) {
        switch (a->kind) {
        case COOKIE_NOTHING:
                return NULL;
        case COOKIE_LOAD:
                result->error = s->disk.there ? 0 : -ENOENT;
                result->loaded = unpack_record(&s->disk);
                return NULL;
        case COOKIE_SAVE:
        case COOKIE_FORGET:
                pack_record(w, &a->record, &s->disk);
                look_for_ambiguity(s);
                return NULL;
        case COOKIE_WRITE:
                return do_write(w, s, a, result);
        case COOKIE_FOREIGN:
                return do_report(s, a);
        }
        return NULL;
}

static struct cookie_input input_for(const struct world *w, const struct state *s, bool reset) {
        return (struct cookie_input) {
                .now_us = NOW_US,
                .value = s->value,
                .want = (enum cookie_want) s->want,
                .flood_value = w->flood_value,
                .hold_us = w->hold_units * UNIT_US,
                .max_changes_per_hour = w->limit,
                .reset = reset,
                .release = s->release || s->running == RESTORE,
        };
}

/* Returns NULL or what was broken; *ret_kind is what the governor wanted. */
static const char *step(const struct world *w, struct state *s, struct transition t,
                        enum cookie_action_kind *ret_kind) {
        struct cookie_governor g = unpack_governor(s);
        struct cookie_input in = input_for(w, s, t.kind == E_RESET);
        struct cookie_action a = cookie_governor_step(&g, &in);
        struct cookie_result result = { 0 };
        const char *broken = NULL;

        *ret_kind = a.kind;
        if (t.kind == E_STEP_DIES_BEFORE) {
                forget_memory(s);
                return NULL;
        }
        if (t.kind == E_STEP_FOREIGN)
                foreign_write(s, t.argument);
        if (t.kind != E_STEP_FAILS)
                broken = carry_out(w, s, &a, &result);
        if (t.kind == E_STEP_DIES_AFTER) {
                forget_memory(s);
                return broken;
        }
        if (t.kind == E_STEP_FAILS || t.kind == E_STEP_FAILS_DIRTY)
                result.error = -EIO;
        cookie_governor_done(&g, &in, &a, &result);
        pack_governor(w, &g, s);
        return broken;
}

static void age(uint8_t (*ages)[2], uint8_t *count, uint32_t units) {
        uint8_t kept = 0;

        for (uint8_t i = 0; i < *count; i++) {
                uint32_t older = get16(ages[i]) + units;

                if (older < HOUR_UNITS)
                        put16(ages[kept++], older);
        }
        for (uint8_t i = kept; i < *count; i++)
                put16(ages[i], 0);
        *count = kept;
}

static uint8_t nearer(uint8_t deadline, uint32_t units) {
        return deadline > units ? (uint8_t) (deadline - units) : 0;
}

static void pass_time(struct state *s, uint32_t units) {
        s->calm = nearer(s->calm, units);
        s->cool = nearer(s->cool, units);
        s->write_by = nearer(s->write_by, units);
        s->raise = nearer(s->raise, units);
        s->retry = nearer(s->retry, units);
        if (s->since_two + units >= LIFE_UNITS)
                s->since_two = NEVER;
        else
                s->since_two = (uint8_t) (s->since_two + units);
        age(s->writes, &s->writes_count, units);
        age(s->memory.ages, &s->memory.count, units);
        age(s->disk.ages, &s->disk.count, units);
}

static void start(const struct world *w, struct state *s, enum running how) {
        struct cookie_governor g;

        cookie_governor_init(&g, "now");
        pack_governor(w, &g, s);
        s->running = (uint8_t) how;
}

static void reboot(struct state *s, uint8_t value) {
        forget_memory(s);
        s->value = value;
        s->ours = s->ambiguous = 0;
        s->accept = (uint8_t) (1 << value);
        s->since_two = NEVER;
        s->disk.past_life = s->disk.there;
        s->writes_count = 0;
        memset(s->writes, 0, sizeof s->writes);
        s->disk.count = 0;
        memset(s->disk.ages, 0, sizeof s->disk.ages);
}

static const char *apply(const struct world *w, struct state *s, struct transition t) {
        enum cookie_action_kind kind;

        switch (t.kind) {
        case E_STEP:
        case E_STEP_DIES_BEFORE:
        case E_STEP_DIES_AFTER:
        case E_STEP_FAILS:
        case E_STEP_FAILS_DIRTY:
        case E_STEP_FOREIGN:
        case E_RESET:
                return step(w, s, t, &kind);
        case E_FOREIGN:
                foreign_write(s, t.argument);
                return NULL;
        case E_WANT:
                s->want = t.argument;
                return NULL;
        case E_RELEASE:
                s->release = t.argument;
                return NULL;
        case E_TIME:
                pass_time(s, t.argument);
                return NULL;
        case E_KILL:
                forget_memory(s);
                return NULL;
        case E_START:
                start(w, s, DAEMON);
                return NULL;
        case E_RESTORE:
                start(w, s, RESTORE);
                return NULL;
        case E_REBOOT:
                reboot(s, t.argument);
                return NULL;
        }
        return NULL;
}

/* Killed here, and then nothing fails any more: is the right value back? */
static const char *check_end(const struct world *w, struct state s, enum running how) {
        enum cookie_action_kind kind;
        const char *broken;

        if (s.running != DEAD)
                forget_memory(&s);
        start(w, &s, how);
        s.want = COOKIE_WANT_CALM;
        for (int i = 0; i < 64; i++) {
                struct cookie_governor g = unpack_governor(&s);

                if (cookie_governor_settled(&g)) {
                        if (s.disk.there && s.disk.owned)
                                return "settled, and the record still owns something";
                        return s.accept & 1 << s.value ? NULL : "the old value did not come back";
                }
                broken = step(w, &s, (struct transition) { .kind = E_STEP }, &kind);
                if (broken)
                        return broken;
                /* The limit may hold the value for an hour. */
                if (kind == COOKIE_NOTHING)
                        pass_time(&s, i < 32 ? 1 : LONG_UNITS);
        }
        return "never settles";
}

/* --- breadth first --- */

struct node {
        struct state state;
        uint32_t parent;
        struct transition by;
};

struct search {
        struct node *nodes;
        uint32_t count, allocated;
        uint32_t *slots; /* index + 1 */
        uint32_t slots_mask;
        uint64_t transitions;
};

static uint32_t hash_state(const struct state *s) {
        const uint8_t *p = (const uint8_t *) s;
        uint32_t h = 2166136261u;

        for (size_t i = 0; i < sizeof *s; i++)
                h = (h ^ p[i]) * 16777619u;
        return h ^ h >> 15;
}

static void grow(struct search *x) {
        x->allocated = x->allocated ? x->allocated * 2 : 1 << 12;
        x->nodes = realloc(x->nodes, x->allocated * sizeof *x->nodes);
        free(x->slots);
        x->slots_mask = x->allocated * 2 - 1;
        x->slots = calloc(x->slots_mask + 1, sizeof *x->slots);
        assert_non_null(x->nodes);
        assert_non_null(x->slots);
        for (uint32_t i = 0; i < x->count; i++) {
                uint32_t at = hash_state(&x->nodes[i].state) & x->slots_mask;

                while (x->slots[at])
                        at = (at + 1) & x->slots_mask;
                x->slots[at] = i + 1;
        }
}

static void visit(struct search *x, const struct state *s, uint32_t parent, struct transition by) {
        uint32_t at;

        if (x->count == x->allocated)
                grow(x);
        at = hash_state(s) & x->slots_mask;
        for (; x->slots[at]; at = (at + 1) & x->slots_mask)
                if (memcmp(&x->nodes[x->slots[at] - 1].state, s, sizeof *s) == 0)
                        return;
        x->nodes[x->count] = (struct node) { .state = *s, .parent = parent, .by = by };
        x->slots[at] = ++x->count;
}

static void print_way(const struct search *x, uint32_t index) {
        const struct node *n = &x->nodes[index];

        if (n->parent != index) {
                print_way(x, n->parent);
                print_message("  %s (%u) -> value %u%s, phase %u\n", event_names[n->by.kind], n->by.argument,
                              n->state.value, n->state.ours ? " ours" : "", n->state.phase);
        } else
                print_message("  begins with value %u\n", n->state.value);
}

static void try(const struct world *w, struct search *x, uint32_t from, enum event_kind kind, uint32_t argument) {
        struct transition t = { .kind = kind, .argument = (uint8_t) argument };
        struct state s = x->nodes[from].state;
        const char *broken = apply(w, &s, t);

        x->transitions++;
        if (broken) {
                print_way(x, from);
                fail_msg("%s: %s (%u): %s", w->name, event_names[kind], argument, broken);
        }
        visit(x, &s, from, t);
}

static bool wants_to_write(const struct world *w, const struct state *s) {
        struct cookie_governor g = unpack_governor(s);
        struct cookie_input in = input_for(w, s, false);

        return cookie_governor_step(&g, &in).kind == COOKIE_WRITE;
}

static void try_running(const struct world *w, struct search *x, uint32_t from) {
        const struct state s = x->nodes[from].state;

        try(w, x, from, E_STEP, 0);
        try(w, x, from, E_STEP_DIES_BEFORE, 0);
        try(w, x, from, E_STEP_DIES_AFTER, 0);
        if (w->failures) {
                try(w, x, from, E_STEP_FAILS, 0);
                if (!wants_to_write(w, &s)) /* the kernel changes a sysctl or fails */
                        try(w, x, from, E_STEP_FAILS_DIRTY, 0);
        }
        for (uint32_t v = 0; v < 4; v++)
                if (w->foreign_values & 1 << v)
                        try(w, x, from, E_STEP_FOREIGN, v);
        if (s.running == DAEMON) {
                try(w, x, from, E_RELEASE, !s.release);
                try(w, x, from, E_RESET, 0);
        }
}

static void try_all(const struct world *w, struct search *x, uint32_t from) {
        const struct state s = x->nodes[from].state;

        if (s.running == DEAD) {
                try(w, x, from, E_START, 0);
                try(w, x, from, E_RESTORE, 0);
        } else
                try_running(w, x, from);
        for (uint32_t v = 0; v < 4; v++)
                if (w->foreign_values & 1 << v)
                        try(w, x, from, E_FOREIGN, v);
        for (uint32_t want = COOKIE_WANT_CALM; want <= COOKIE_WANT_RAISE; want++)
                if (want != s.want)
                        try(w, x, from, E_WANT, want);
        for (size_t i = 0; i < sizeof w->time_units / sizeof *w->time_units; i++)
                if (w->time_units[i])
                        try(w, x, from, E_TIME, w->time_units[i]);
        try(w, x, from, E_REBOOT, 0);
        try(w, x, from, E_REBOOT, 1);
}

static void check_ends(const struct world *w, const struct search *x, uint32_t from) {
        const char *broken = check_end(w, x->nodes[from].state, RESTORE);

        if (!broken)
                broken = check_end(w, x->nodes[from].state, DAEMON);
        if (broken) {
                print_way(x, from);
                fail_msg("%s: killed, and then without any failure: %s", w->name, broken);
        }
}

static void explore(const struct world *w) {
        const char *limit_text = getenv("SYNWARD_MODEL_STATES"); /* under valgrind */
        unsigned long limit = limit_text ? strtoul(limit_text, NULL, 10) : 0;
        struct search x = { 0 };
        uint32_t done;

        for (uint8_t value = 0; value < 4; value++) {
                struct state s;

                memset(&s, 0, sizeof s);
                s.value = value;
                s.accept = (uint8_t) (1 << value);
                s.since_two = NEVER;
                visit(&x, &s, x.count, (struct transition) { 0 });
        }
        for (done = 0; done < x.count && (limit == 0 || done < limit); done++) {
                check_ends(w, &x, done);
                try_all(w, &x, done);
        }
        print_message("%s: %u states of %s, %llu transitions\n", w->name, done, done == x.count ? "all" : "more",
                      (unsigned long long) x.transitions);
        assert_true(x.count > 1000); /* a search that goes nowhere proves nothing */
        free(x.nodes);
        free(x.slots);
}

static void up_to_one(void **state) {
        explore(&(struct world) {
                .name = "flood value 1",
                .flood_value = 1,
                .limit = COOKIE_CHANGES_MAX,
                .hold_units = 6,
                .foreign_values = 0xf,
                .failures = true,
                .time_units = { 1 },
        });
}

static void without_hold(void **state) {
        explore(&(struct world) {
                .name = "no hold",
                .flood_value = 1,
                .limit = COOKIE_CHANGES_MAX,
                .foreign_values = 0xf,
                .failures = true,
                .time_units = { 1 },
        });
}

static void up_to_two(void **state) {
        explore(&(struct world) {
                .name = "flood value 2",
                .flood_value = 2,
                .limit = COOKIE_CHANGES_MAX,
                .hold_units = 6,
                .foreign_values = 0xf,
                .failures = true,
                .time_units = { 1 },
        });
}

/* Twenty minutes at a time, so that the ages of changes stay few. */
static void limited(void **state) {
        explore(&(struct world) {
                .name = "at most 4 changes an hour",
                .flood_value = 2,
                .limit = 4,
                .hold_units = 6,
                .history = true,
                .foreign_values = 0x3,
                .time_units = { LONG_UNITS },
        });
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(up_to_one),
                cmocka_unit_test(without_hold),
                cmocka_unit_test(up_to_two),
                cmocka_unit_test(limited),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
