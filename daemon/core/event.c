/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/event.h"

#include <math.h>

static const struct {
        const char *name;
        enum event_severity severity;
} types[EVENT_TYPES] = {
        [EVENT_FLOOD_START] = { "flood-start", SEVERITY_CRIT },
        [EVENT_FLOOD_UPDATE] = { "flood-update", SEVERITY_WARNING },
        [EVENT_FLOOD_END] = { "flood-end", SEVERITY_NOTICE },
        [EVENT_SYNCOOKIES_SET] = { "syncookies-set", SEVERITY_WARNING },
        [EVENT_SYNCOOKIES_RESTORED] = { "syncookies-restored", SEVERITY_NOTICE },
        [EVENT_SYNCOOKIES_FOREIGN] = { "syncookies-foreign", SEVERITY_WARNING },
        [EVENT_SOURCE_BLOCKED] = { "source-blocked", SEVERITY_WARNING },
        [EVENT_SOURCE_UNBLOCKED] = { "source-unblocked", SEVERITY_NOTICE },
        [EVENT_SOURCE_LIMITED] = { "source-limited", SEVERITY_WARNING },
        [EVENT_SOURCE_UNLIMITED] = { "source-unlimited", SEVERITY_NOTICE },
        [EVENT_SENSOR_DEGRADED] = { "sensor-degraded", SEVERITY_WARNING },
        [EVENT_SENSOR_RECOVERED] = { "sensor-recovered", SEVERITY_NOTICE },
        [EVENT_CONFIG_RELOADED] = { "config-reloaded", SEVERITY_INFO },
        [EVENT_CONFIG_REJECTED] = { "config-rejected", SEVERITY_ERR },
        [EVENT_HOOK_FAILED] = { "hook-failed", SEVERITY_WARNING },
};

static const char *const severity_names[] = {
        [SEVERITY_EMERG] = "emerg", [SEVERITY_ALERT] = "alert",     [SEVERITY_CRIT] = "crit",
        [SEVERITY_ERR] = "err",     [SEVERITY_WARNING] = "warning", [SEVERITY_NOTICE] = "notice",
        [SEVERITY_INFO] = "info",   [SEVERITY_DEBUG] = "debug",
};

struct event event_make(enum event_type type) {
        return (struct event) {
                .type = type,
                .severity = types[type].severity,
                .evidence = evidence_unknown(),
                .duration_s = NAN,
                .peak_syn_per_s = NAN,
                .old_value = -1,
                .new_value = -1,
        };
}

const char *event_type_name(enum event_type t) {
        return types[t].name;
}

const char *event_severity_name(enum event_severity s) {
        return severity_names[s];
}

const struct event *event_log_add(struct event_log *log, struct event *e) {
        struct event *kept;

        if (log->next == 0)
                log->next = 1;
        e->sequence = log->next++;
        kept = &log->ring[e->sequence % EVENT_LOG_MAX];
        *kept = *e;
        return kept;
}

const struct event *event_log_get(const struct event_log *log, uint64_t sequence) {
        if (sequence < event_log_oldest(log) || sequence >= log->next)
                return NULL;
        return &log->ring[sequence % EVENT_LOG_MAX];
}

uint64_t event_log_oldest(const struct event_log *log) {
        if (log->next <= 1)
                return log->next;
        return log->next > EVENT_LOG_MAX ? log->next - EVENT_LOG_MAX : 1;
}
