/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "actions/journal_sink.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "actions/message_ids.h"
#include "format/event_fields.h"

enum {
        OWN_FIELDS = 3,
        ENTRY_MAX = sizeof "SYNWARD_" + EVENT_FIELD_NAME_MAX + EVENT_FIELD_TEXT_MAX,
};

static const char *const message_ids[EVENT_TYPES] = {
        [EVENT_FLOOD_START] = MESSAGE_ID_FLOOD_START,
        [EVENT_FLOOD_UPDATE] = MESSAGE_ID_FLOOD_UPDATE,
        [EVENT_FLOOD_END] = MESSAGE_ID_FLOOD_END,
        [EVENT_SYNCOOKIES_SET] = MESSAGE_ID_SYNCOOKIES_SET,
        [EVENT_SYNCOOKIES_RESTORED] = MESSAGE_ID_SYNCOOKIES_RESTORED,
        [EVENT_SYNCOOKIES_FOREIGN] = MESSAGE_ID_SYNCOOKIES_FOREIGN,
        [EVENT_SOURCE_BLOCKED] = MESSAGE_ID_SOURCE_BLOCKED,
        [EVENT_SOURCE_UNBLOCKED] = MESSAGE_ID_SOURCE_UNBLOCKED,
        [EVENT_SOURCE_LIMITED] = MESSAGE_ID_SOURCE_LIMITED,
        [EVENT_SOURCE_UNLIMITED] = MESSAGE_ID_SOURCE_UNLIMITED,
        [EVENT_SENSOR_DEGRADED] = MESSAGE_ID_SENSOR_DEGRADED,
        [EVENT_SENSOR_RECOVERED] = MESSAGE_ID_SENSOR_RECOVERED,
        [EVENT_CONFIG_RELOADED] = MESSAGE_ID_CONFIG_RELOADED,
        [EVENT_CONFIG_REJECTED] = MESSAGE_ID_CONFIG_REJECTED,
        [EVENT_HOOK_FAILED] = MESSAGE_ID_HOOK_FAILED,
};

const char *journal_sink_message_id(enum event_type type) {
        return message_ids[type];
}

static struct iovec entry(char *text) {
        return (struct iovec) { text, strlen(text) };
}

/* SYNWARD_SYN_PER_S=1000.000 */
static void format_field(const struct event_field *f, char text[static ENTRY_MAX]) {
        snprintf(text, ENTRY_MAX, "SYNWARD_%s=%s", f->name, f->text);
        for (char *p = text; *p && *p != '='; p++)
                *p = (char) toupper((unsigned char) *p);
}

int journal_sink_write(int (*sendv)(const struct iovec *iov, int n), const struct event *e) {
        char message[EVENT_MESSAGE_MAX + sizeof "MESSAGE="], id[64], priority[32];
        char entries[EVENT_FIELDS_MAX][ENTRY_MAX];
        struct event_field fields[EVENT_FIELDS_MAX];
        struct iovec iov[OWN_FIELDS + EVENT_FIELDS_MAX];
        unsigned count = event_fields(e, fields);
        int n = 0;

        snprintf(message, sizeof message, "MESSAGE=%s", e->message);
        snprintf(id, sizeof id, "MESSAGE_ID=%s", message_ids[e->type]);
        snprintf(priority, sizeof priority, "PRIORITY=%i", (int) e->severity);
        iov[n++] = entry(message);
        iov[n++] = entry(id);
        iov[n++] = entry(priority);
        for (unsigned i = 0; i < count; i++) {
                format_field(&fields[i], entries[i]);
                iov[n++] = entry(entries[i]);
        }
        return sendv(iov, n);
}
