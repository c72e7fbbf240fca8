/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/diagnose.h"

#include "core/culprits.h"
#include "core/rate.h"

#define BUSY_PER_S 20.0
#define CROWD_FACTOR 3.0
#define SCAN_PER_S 20.0

double few_sources_unfinished(const struct obs_sources *s) {
        bool seen = s->known & OBS_SS_DISOWNED;
        double sum = 0;
        unsigned taken = 0;

        if (!(s->known & OBS_SS_DISTINCT) || !(s->syn_per_s > 0))
                return NAN;
        for (uint32_t i = 0; i < s->count && taken < CULPRITS_FEW; i++) {
                const struct obs_source *source = &s->list[i];

                if (source->prefix.length != ADDRESS_BITS || !(source->known & OBS_S_SYNS) ||
                    !(source->known & OBS_S_COMPLETED) || source->listener == OBS_LISTENER_NONE ||
                    (seen && !(source->is & OBS_S_DISOWNS)))
                        continue;
                sum += fmax(0, source->syn_per_s - source->syn_error_per_s - source->completed_per_s);
                taken++;
        }
        return fmin(1, sum / s->syn_per_s);
}

static bool completes(const struct circumstances *c) {
        return isnan(c->late_share) || c->late_share < 0.2;
}

enum diagnosis diagnose(enum finding finding, const struct evidence *e, const struct circumstances *c) {
        double completed = or_zero(e->completed_per_s);

        if (c->accept_full || c->overflowing)
                return DIAGNOSIS_ACCEPT_STALL;
        if (c->outage)
                return DIAGNOSIS_LOSSY_CLIENTS;
        /* Who says RST has had our SYN-ACK. */
        if (c->late_per_s - or_zero(c->embryonic_rsts_per_s) > 5 && !completes(c) &&
            (c->alive > 0.1 * c->stuck || (completed > 0 && c->aged_share < 0.7)))
                return DIAGNOSIS_LOSSY_CLIENTS;
        if (c->scanning || (c->refused_ports_per_s > SCAN_PER_S && c->refused_ports_per_s > completed))
                return DIAGNOSIS_PORT_SCAN;
        if (isnan(e->completed_per_s) && isnan(e->half_open))
                return DIAGNOSIS_UNKNOWN;
        if (finding == FINDING_SUSPECT && (!completes(c) || isnan(e->completed_per_s)))
                return DIAGNOSIS_UNKNOWN;
        if (completed >= BUSY_PER_S) {
                double strangers = completed - c->allowed_per_s;

                if (strangers > CROWD_FACTOR * c->usual_completed_per_s &&
                    strangers - or_zero(c->usual_completed_per_s) > BUSY_PER_S)
                        return DIAGNOSIS_FLASH_CROWD;
                return DIAGNOSIS_BUSY;
        }
        return DIAGNOSIS_QUIET;
}
