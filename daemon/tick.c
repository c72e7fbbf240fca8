/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tick.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config.h"
#include "config/load.h"
#include "config/print.h"
#include "core/engine.h"
#include "core/explain.h"
#include "core/history.h"
#include "look_log.h"
#include "records.h"
#include "sense.h"
#include "util/log.h"
#include "util/trouble.h"

struct tick {
        const struct tick_options *options;
        struct settings *settings; /* on the heap: others keep pointers to it */
        struct loop_time time;     /* of the tick at hand */

        struct sense *sense;
        struct engine *engine;
        struct act *act;
        struct records *records;
        struct incident_record *incidents; /* of records */

        struct trouble sensors[SENSORS]; /* what was told of each */
        struct observation observation;  /* of the tick at hand */
        struct history *history;         /* the figures of the last hours */
};

static void on_act_event(void *userdata, struct event *e, uint32_t hooks);

static char *policy_text(void *userdata) {
        const struct tick *t = userdata;
        char *text = NULL;
        size_t size;
        FILE *f = open_memstream(&text, &size);
        int r;

        if (!f)
                return NULL;
        r = config_print(t->settings, f);
        if (fclose(f) != 0 || r < 0) {
                free(text);
                return NULL;
        }
        return text;
}

static void on_syn(void *userdata, const struct syn *s, const uint8_t *packet, size_t length) {
        struct tick *t = userdata;

        incident_record_syn(t->incidents, s, packet, length);
}

static void news(void *userdata) {
        const struct tick *t = userdata;

        if (t->options->news)
                t->options->news(t->options->userdata);
}

static void on_clients_saved(void *userdata, int result) {
        act_clients_saved(((struct tick *) userdata)->act, result);
}

static void on_line_written(void *userdata, uint64_t id, int result) {
        act_line_written(((struct tick *) userdata)->act, id, result);
}

static int open_records(struct tick *t, sd_event *event) {
        const struct records_options options = {
                .state_dir = t->options->act.state_dir,
                .version = PACKAGE_VERSION,
                .dry_run = t->options->act.dry_run,
                .policy_text = policy_text,
                .ready = news,
                .clients_saved = on_clients_saved,
                .line_written = on_line_written,
                .userdata = t,
        };
        int r = records_new(event, t->settings, &options, &t->records);

        if (r >= 0)
                t->incidents = records_incident(t->records);
        return r;
}

int tick_new(sd_event *event, struct settings *settings, const struct tick_options *options, struct tick **ret) {
        struct tick *t = calloc(1, sizeof *t);
        int r = -ENOMEM;

        if (!t)
                return -ENOMEM;
        t->options = options;
        t->settings = malloc(sizeof *t->settings);
        if (!t->settings)
                goto fail;
        *t->settings = *settings;
        r = open_records(t, event);
        if (r < 0)
                goto fail;
        r = -ENOMEM;
        t->engine = engine_new(t->settings);
        t->history = history_new();
        if (!t->engine || !t->history)
                goto fail;
        engine_snapshot(t->engine)->version = PACKAGE_VERSION;
        engine_snapshot(t->engine)->pid = getpid();
        r = sense_new(event, t->settings, options->act.privileged, &t->sense);
        if (r < 0)
                goto fail;
        sense_set_tap(t->sense, on_syn, t);
        r = act_new(event, t->settings, &options->act, records_scribe(t->records), sense_peers(t->sense), on_act_event,
                    t, &t->act);
        if (r < 0)
                goto fail;
        sense_set_clients(t->sense, act_known_clients(t->act));
        *ret = t;
        return 0;

fail:
        free(t->settings);
        t->settings = NULL;
        tick_free(t);
        return r;
}

struct tick *tick_free(struct tick *t) {
        if (!t)
                return NULL;
        sense_free(t->sense);
        act_free(t->act);
        records_free(t->records);
        history_free(t->history);
        engine_free(t->engine);
        if (t->settings)
                settings_release(t->settings);
        free(t->settings);
        free(t);
        return NULL;
}

/* --- telling ------------------------------------------------------------------- */

/* An event that is in the engine's log. */
static void deliver(struct tick *t, const struct event *e, bool alert, uint32_t hooks) {
        incident_record_event(t->incidents, e);
        act_tell(t->act, e, alert, hooks);
        news(t);
}

/* What does not come from the traffic. */
static void tell(struct tick *t, struct event *e, uint32_t hooks) {
        bool alert = engine_tell(t->engine, e, t->time.now_us, t->time.realtime_us);

        deliver(t, e, alert, hooks);
}

static void on_act_event(void *userdata, struct event *e, uint32_t hooks) {
        tell(userdata, e, hooks);
}

/* One that is switched off is as it should be, and one that was is not working again. */
static void tell_sensor(struct tick *t, enum sensor_id id, const struct snapshot_sensor *now) {
        bool works = now->state == SENSOR_OK || now->state == SENSOR_OFF;
        enum trouble_news news = trouble_note(&t->sensors[id], works ? 0 : -EIO);
        struct event e;

        if (news == TROUBLE_BEGAN) {
                e = event_make(EVENT_SENSOR_DEGRADED);
                snprintf(e.message, sizeof e.message, "sensor %s %s: %s; the others work on", sensor_id_name(id),
                         sensor_state_name(now->state), now->reason);
                tell(t, &e, 0);
        } else if (news == TROUBLE_OVER && now->state == SENSOR_OK) {
                e = event_make(EVENT_SENSOR_RECOVERED);
                snprintf(e.message, sizeof e.message, "sensor %s works again", sensor_id_name(id));
                tell(t, &e, 0);
        }
}

static void tell_sensors(struct tick *t) {
        for (unsigned i = 0; i < SENSORS; i++)
                tell_sensor(t, (enum sensor_id) i, &engine_snapshot(t->engine)->sensors[i]);
}

static void report_status(struct tick *t) {
        const struct engine_look *look = engine_last(t->engine);
        const struct snapshot *s = &look->snapshot;
        char status[256], figures[160];

        if (!look->decision.state_changed && s->totals.ticks > 1)
                return;
        snprintf(status, sizeof status, "%s: %s; %s", flood_state_name(s->state), explain_diagnosis(s->diagnosis),
                 explain_evidence(&s->host, NULL, figures, sizeof figures));
        loop_notify_status(status);
}

static void record(struct tick *t) {
        int r;

        incident_record_observe(t->incidents, &t->observation);
        if (!t->options->recording)
                return;
        r = recording_write(t->options->recording, &t->observation);
        if (r < 0)
                log_error("Recording ended: %s", strerror(-r));
}

/* --- the tick -------------------------------------------------------------------- */

void tick_run(struct tick *t, const struct loop_time *time) {
        const struct engine_look *look;
        const struct decision *d;

        t->time = *time;
        sense_observe(t->sense, time->now_us, time->realtime_us, engine_is_alarmed(t->engine), &t->observation);
        record(t);
        look = engine_step(t->engine, &t->observation);
        d = &look->decision;
        look_log(look, false);
        incident_record_follow(t->incidents, d);
        for (uint32_t i = 0; i < d->events_count; i++)
                deliver(t, &d->events[i].event, d->events[i].alert, d->events[i].hooks);
        act_step(t->act, &t->observation, look);
        incident_record_write(t->incidents);

        sense_describe(t->sense, engine_snapshot(t->engine));
        act_describe(t->act, engine_snapshot(t->engine));
        records_describe(t->records, engine_snapshot(t->engine));
        history_add(t->history, engine_snapshot(t->engine));
        incident_record_history(t->incidents, t->history, engine_snapshot(t->engine));
        tell_sensors(t);
        report_status(t);
        records_step(t->records, time->now_us);
}

void tick_stop(struct tick *t, const struct loop_time *time) {
        t->time = *time;
        act_stop(t->act, time->now_us);
        records_stop(t->records);
}

int tick_configure(struct tick *t, struct settings *settings, const struct loop_time *time) {
        struct settings *fresh = malloc(sizeof *fresh), *old = t->settings;
        struct event e = event_make(EVENT_CONFIG_RELOADED);
        int r;

        if (!fresh)
                return -ENOMEM;
        *fresh = *settings;
        r = act_configure(t->act, fresh);
        if (r < 0) {
                free(fresh);
                return r;
        }
        t->settings = fresh;
        engine_configure(t->engine, fresh);
        sense_configure(t->sense, fresh);
        sense_set_clients(t->sense, act_known_clients(t->act));
        incident_record_configure(t->incidents, fresh);
        settings_release(old);
        free(old);

        t->time = *time;
        snprintf(e.message, sizeof e.message, "configuration reloaded");
        tell(t, &e, 0);
        return 0;
}

void tick_reject(struct tick *t, const char *errors, const struct loop_time *time) {
        struct event e = event_make(EVENT_CONFIG_REJECTED);

        t->time = *time;
        /* The first error; whoever asked for the reload is shown all of them. */
        snprintf(e.message, sizeof e.message, "configuration refused, the old one stays in force: %.*s",
                 (int) strcspn(errors, "\n"), errors);
        tell(t, &e, 0);
}

void tick_note_clients(struct tick *t, const struct snapshot_clients *clients) {
        engine_snapshot(t->engine)->clients = *clients;
}

const struct settings *tick_settings(const struct tick *t) {
        return t->settings;
}

const struct snapshot *tick_snapshot(const struct tick *t) {
        const struct snapshot *s = &engine_last(t->engine)->snapshot;

        return s->totals.ticks ? s : NULL;
}

const struct event_log *tick_events(const struct tick *t) {
        return engine_events(t->engine);
}

const struct history *tick_history(const struct tick *t) {
        return t->history;
}

json_t *tick_blocked(const struct tick *t) {
        return act_blocked(t->act);
}

int tick_ask_incidents(struct tick *t, const char *id, uint64_t *ret_ticket) {
        return incident_desk_ask(records_desk(t->records), id, ret_ticket);
}

int tick_incidents_answer(const struct tick *t, uint64_t ticket, const char **ret_text, size_t *ret_length) {
        return incident_desk_answer(records_desk(t->records), ticket, ret_text, ret_length);
}

void tick_end_incidents(struct tick *t, uint64_t ticket) {
        incident_desk_end(records_desk(t->records), ticket);
}

const struct fleet_sketch *tick_fleet(const struct tick *t) {
        return sense_fleet(t->sense);
}

bool tick_is_blind(const struct tick *t) {
        return sense_is_blind(t->sense);
}
