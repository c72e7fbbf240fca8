/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "format/event_fields.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>

#include "core/figures.h"
#include "format/json_value.h"

struct list {
        struct event_field *fields;
        unsigned count;
};

static struct event_field *add(struct list *l, const char *name, enum event_field_kind kind) {
        struct event_field *f = &l->fields[l->count++];

        assert(l->count <= EVENT_FIELDS_MAX);
        *f = (struct event_field) { .name = name, .kind = kind };
        return f;
}

static void add_text(struct list *l, const char *name, const char *text) {
        struct event_field *f = add(l, name, EVENT_FIELD_TEXT);

        snprintf(f->text, sizeof f->text, "%s", text);
}

static void add_integer(struct list *l, const char *name, long long value) {
        struct event_field *f = add(l, name, EVENT_FIELD_INTEGER);

        f->integer = value;
        snprintf(f->text, sizeof f->text, "%lld", value);
}

static void add_figure(struct list *l, const char *name, double value, int decimals) {
        struct event_field *f;
        double scale = pow(10, decimals);

        if (!isfinite(value) || fabs(value) > JSON_VALUE_WHOLE_MAX)
                return;
        if (decimals == 0) {
                add_integer(l, name, llround(value));
                return;
        }
        f = add(l, name, EVENT_FIELD_REAL);
        f->real = round(value * scale) / scale;
        snprintf(f->text, sizeof f->text, "%.*f", decimals, f->real);
}

static void add_evidence(struct list *l, const struct evidence *evidence) {
        static const int decimals[] = {
                [FIGURE_COUNT] = 0, [FIGURE_RATE] = 3, [FIGURE_SHARE] = 4, [FIGURE_MS] = 3, [FIGURE_TIMES] = 3
        };

        for (const struct figure *f = figures; f->name; f++)
                if (f->places & FIGURE_IN_EVENT)
                        add_figure(l, f->name, figure_value(f, evidence), decimals[f->unit]);
}

/* "loss 12.0, half-open-checks 250.0": handshakes a second. */
static void add_explained(struct list *l, const struct evidence *evidence) {
        char text[EVENT_FIELD_TEXT_MAX] = "";
        size_t used = 0;

        for (unsigned i = 0; i < EXPLANATIONS && used < sizeof text; i++)
                if (evidence->explained_per_s[i] >= 1)
                        used += (size_t) snprintf(text + used, sizeof text - used, "%s%s %.1f", used ? ", " : "",
                                                  explanation_name((enum explanation) i), evidence->explained_per_s[i]);
        if (used)
                add_text(l, "explained", text);
}

unsigned event_fields(const struct event *e, struct event_field fields[static EVENT_FIELDS_MAX]) {
        struct list l = { .fields = fields };
        char text[ADDRESS_TEXT_MAX];

        add_text(&l, "event", event_type_name(e->type));
        add_text(&l, "severity", event_severity_name(e->severity));
        if (e->sequence)
                add_integer(&l, "sequence", (long long) e->sequence);
        if (e->incident)
                add_integer(&l, "incident", (long long) e->incident);
        if (e->has_listener)
                add_text(&l, "listener", listener_key_format(&e->listener, text));
        add_text(&l, "state", flood_state_name(e->state));
        add_text(&l, "diagnosis", diagnosis_name(e->diagnosis));
        add_evidence(&l, &e->evidence);
        if (e->evidence.pattern)
                add_text(&l, "pattern", e->evidence.pattern);
        add_explained(&l, &e->evidence);
        add_figure(&l, "duration_s", e->duration_s, 3);
        add_figure(&l, "peak_syn_per_s", e->peak_syn_per_s, 3);
        if (e->top_count) {
                add_text(&l, "top_source", prefix_format(&e->top[0].prefix, text));
                add_figure(&l, "top_source_share", e->top[0].share, 4);
        }
        if (e->sources_count) {
                add_text(&l, "source", prefix_format(&e->sources[0], text));
                add_integer(&l, "sources_count", e->sources_count);
        }
        if (e->old_value >= 0)
                add_integer(&l, "old_value", e->old_value);
        if (e->new_value >= 0)
                add_integer(&l, "new_value", e->new_value);
        return l.count;
}
