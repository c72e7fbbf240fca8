/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The engine is its parts and nothing else; what it tells is stamped, numbered and muted. */
#include "tests/unit/unit.h"

#include <math.h>
#include <stdlib.h>

#include "config/keys.h"
#include "core/engine.h"
#include "core/picture.h"
#include "replay/kernel_model.h"

#define S UINT64_C(1000000)
#define TICK_US UINT64_C(200000)
#define BEGIN_US (1000 * S)

enum { BACKLOG = 256, FLOOD_PER_S = 500, HONEST_PER_S = 50 };

/* A host with one listener, its traffic, and the engine that watches it. */
struct world {
        struct settings settings;
        struct kernel_model *kernel;
        unsigned listener;
        uint32_t next_address;
        uint64_t now_us;
        struct engine *engine;
        struct observation o;
};

static int set_up(void **state) {
        struct kernel_model_settings kernel = kernel_model_defaults();
        struct kernel_model_listener l = {
                .key = { .address = address_from_ipv4(0), .port = 443 },
                .backlog = BACKLOG,
                .accepts_per_s = KERNEL_MODEL_AT_ONCE,
        };
        struct world *w = calloc(1, sizeof *w);

        if (!w || kernel_model_new(&kernel, &w->kernel) < 0 ||
            kernel_model_add_listener(w->kernel, &l, &w->listener) < 0)
                return -1;
        config_defaults(&w->settings);
        w->now_us = BEGIN_US;
        w->engine = engine_new(&w->settings);
        *state = w;
        return w->engine ? 0 : -1;
}

static int tear_down(void **state) {
        struct world *w = *state;

        engine_free(w->engine);
        kernel_model_free(w->kernel);
        free(w);
        return 0;
}

static void send_syn(struct world *w, bool finish) {
        struct kernel_model_peer peer = { .port = 1024 };
        bool cookie;

        peer.address = address_from_ipv4(++w->next_address);
        cookie = kernel_model_syn(w->kernel, w->now_us, (int) w->listener, &peer, 0) == KERNEL_COOKIE;
        if (finish)
                kernel_model_ack(w->kernel, w->now_us, (int) w->listener, &peer, cookie ? KERNEL_ACK_VALID_COOKIE : 0);
}

/* The next tick's observation. */
static const struct observation *observe(struct world *w, bool flood) {
        unsigned count = FLOOD_PER_S * TICK_US / S;
        uint64_t begin_us = w->now_us;

        for (unsigned i = 0; i < count; i++) {
                w->now_us = begin_us + TICK_US * i / count;
                if (flood)
                        send_syn(w, false);
                if (i % (FLOOD_PER_S / HONEST_PER_S) == 0)
                        send_syn(w, true);
        }
        w->now_us = begin_us + TICK_US;
        kernel_model_observe(w->kernel, w->now_us, &w->o);
        return &w->o;
}

static void run(struct world *w, bool flood, uint64_t us) {
        for (uint64_t t = 0; t < us; t += TICK_US)
                engine_step(w->engine, observe(w, flood));
}

/* The same observations through the parts by hand. */
static void is_its_parts(void **state) {
        struct world *w = *state;
        struct detector *detector = detector_new(&w->settings);
        struct policy *policy = policy_new(&w->settings);
        struct engine_look *by_hand = calloc(1, sizeof *by_hand);
        bool flood_seen = false;

        for (uint64_t t = 0; t < 20 * S; t += TICK_US) {
                const struct observation *o = observe(w, t >= 5 * S && t < 10 * S);
                const struct engine_look *look = engine_step(w->engine, o);

                detector_step(detector, o, &by_hand->verdicts);
                policy_step(policy, o, &by_hand->verdicts, &by_hand->decision);
                picture_update(&by_hand->snapshot, o, &by_hand->verdicts, &by_hand->decision);
                assert_int_equal(look->verdicts.host.finding, by_hand->verdicts.host.finding);
                assert_true(look->verdicts.host.strength == by_hand->verdicts.host.strength);
                assert_int_equal(look->decision.state, by_hand->decision.state);
                assert_int_equal(look->decision.incident.id, by_hand->decision.incident.id);
                assert_int_equal(look->decision.events_count, by_hand->decision.events_count);
                assert_int_equal(look->snapshot.state, look->decision.state);
                assert_memory_equal(&look->snapshot.totals, &by_hand->snapshot.totals, sizeof look->snapshot.totals);
                assert_int_equal(engine_is_alarmed(w->engine),
                                 look->decision.state == STATE_FLOOD || look->verdicts.host.finding != FINDING_NONE);
                assert_ptr_equal(engine_last(w->engine), look);
                flood_seen |= look->decision.state == STATE_FLOOD;
        }
        assert_true(flood_seen);
        free(by_hand);
        policy_free(policy);
        detector_free(detector);
}

static void the_owners_part_stays(void **state) {
        struct world *w = *state;
        struct snapshot *s = engine_snapshot(w->engine);

        assert_int_equal(s->totals.ticks, 0);
        assert_int_equal(s->syncookies_original, -1);
        s->pid = 42;
        s->sensors[SENSOR_NFLOG].state = SENSOR_FAILED;
        s->syncookies_original = 2;
        run(w, true, 5 * S);
        assert_ptr_equal(engine_snapshot(w->engine), s);
        assert_int_equal(s->totals.ticks, 25);
        assert_int_equal(s->pid, 42);
        assert_int_equal(s->sensors[SENSOR_NFLOG].state, SENSOR_FAILED);
        assert_int_equal(s->syncookies_original, 2);
}

/* Who sent before the log died is not who sends now. */
static void sources_do_not_outlive_the_log(void **state) {
        struct world *w = *state;
        const struct snapshot *s = engine_snapshot(w->engine);

        observe(w, false);
        w->o.known |= OBS_K_SOURCES;
        w->o.sources = (struct obs_sources) {
                .known = OBS_SS_DISTINCT,
                .count = 1,
                .tracked = 5,
                .distinct = 5,
                .syn_per_s = 10,
                .list = { { .known = OBS_S_SYNS, .syn_per_s = 9 } },
        };
        engine_step(w->engine, &w->o);
        assert_int_equal(s->sources_count, 1);
        assert_int_equal(s->sources_tracked, 5);
        assert_true(s->sources_distinct == 5);

        observe(w, false);
        w->o.known &= ~(uint32_t) OBS_K_SOURCES;
        engine_step(w->engine, &w->o);
        assert_int_equal(s->sources_count, 0);
        assert_int_equal(s->sources_tracked, 0);
        assert_true(isnan(s->sources_distinct));
}

/* In the log in order, whoever they come from. */
static void events_are_numbered(void **state) {
        struct world *w = *state;
        const struct event_log *log = engine_events(w->engine);
        struct event e = event_make(EVENT_CONFIG_RELOADED);

        assert_int_equal(log->next, 1);
        assert_true(engine_tell(w->engine, &e, w->now_us, 7 * S));
        assert_int_equal(e.sequence, 1);
        run(w, false, 5 * S);
        assert_int_equal(log->next, 2);
        while (engine_last(w->engine)->decision.events_count == 0 && w->now_us < BEGIN_US + 20 * S)
                engine_step(w->engine, observe(w, true));
        assert_int_equal(engine_last(w->engine)->decision.events[0].event.sequence, 2);
        assert_int_equal(event_log_get(log, 2)->type, EVENT_FLOOD_START);
        assert_int_equal(event_log_get(log, 2)->time_us, w->now_us);
        assert_true(engine_last(w->engine)->decision.events[0].alert);
}

static void what_others_tell_is_stamped(void **state) {
        struct world *w = *state;
        const struct decision *d = &engine_last(w->engine)->decision;
        struct event e = event_make(EVENT_SYNCOOKIES_SET);

        run(w, false, 5 * S);
        run(w, true, 5 * S);
        assert_int_equal(d->state, STATE_FLOOD);
        e.new_value = 1;
        assert_true(engine_tell(w->engine, &e, w->now_us + 3, 9 * S));
        assert_int_equal(e.time_us, w->now_us + 3);
        assert_int_equal(e.realtime_us, 9 * S);
        assert_int_equal(e.state, STATE_FLOOD);
        assert_int_equal(e.diagnosis, d->diagnosis);
        assert_int_equal(e.incident, d->incident.id);
        assert_memory_equal(event_log_get(engine_events(w->engine), e.sequence), &e, sizeof e);
        /* … and the incident knows of it. */
        run(w, true, TICK_US);
        assert_int_equal(d->incident.syncookies, 1);
}

static void a_mute_only_records(void **state) {
        struct world *w = *state;
        struct settings muted = w->settings;
        struct event e = event_make(EVENT_SENSOR_DEGRADED);

        muted.mutes_count = 1;
        muted.mutes[0] = (struct settings_mute) { .any_listener = true, .from_us = S, .until_us = 2 * S };
        engine_configure(w->engine, &muted);
        assert_true(engine_tell(w->engine, &e, w->now_us, 2 * S));
        assert_false(engine_tell(w->engine, &e, w->now_us, S));
        assert_int_equal(engine_events(w->engine)->next, 3);
        engine_configure(w->engine, &w->settings);
        assert_true(engine_tell(w->engine, &e, w->now_us, S));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(is_its_parts, set_up, tear_down),
                cmocka_unit_test_setup_teardown(the_owners_part_stays, set_up, tear_down),
                cmocka_unit_test_setup_teardown(sources_do_not_outlive_the_log, set_up, tear_down),
                cmocka_unit_test_setup_teardown(events_are_numbered, set_up, tear_down),
                cmocka_unit_test_setup_teardown(what_others_tell_is_stamped, set_up, tear_down),
                cmocka_unit_test_setup_teardown(a_mute_only_records, set_up, tear_down),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
