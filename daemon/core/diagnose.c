/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/diagnose.h"

#include "core/rate.h"

/* Spoofed addresses are seen once, sources that keep coming are not. */
#define KEEP_COMING_SHARE 0.5
/* One source or prefix that carries this much is a concentrated flood. */
#define CONCENTRATED_TOP_SHARE 0.5
/* Half-opens ended by an RST of a host that never asked, of those unanswered. */
#define REFLECTED_RST_SHARE 0.5
#define BUSY_PER_S 20.0
#define CROWD_FACTOR 3.0
#define SCAN_RSTS_PER_S 20.0
#define FEW_SOURCES 16

/* The guaranteed share of the few heaviest addresses together. */
static double few_sources_share(const struct obs_sources *s, double syn_per_s) {
        double sum = 0;
        unsigned taken = 0;

        if (s->known & OBS_SS_DISTINCT)
                syn_per_s = s->syn_per_s;
        if (!(syn_per_s > 0))
                return 0;
        for (uint32_t i = 0; i < s->count && taken < FEW_SOURCES; i++) {
                const struct obs_source *source = &s->list[i];

                if (source->prefix.length != ADDRESS_BITS || !(source->known & OBS_S_SYNS))
                        continue;
                sum += source->syn_per_s - source->syn_error_per_s;
                taken++;
        }
        return sum / syn_per_s;
}

double few_sources_unfinished(const struct obs_sources *s) {
        double sum = 0;
        unsigned taken = 0;

        if (!(s->known & OBS_SS_DISTINCT) || !(s->syn_per_s > 0))
                return NAN;
        for (uint32_t i = 0; i < s->count && taken < FEW_SOURCES; i++) {
                const struct obs_source *source = &s->list[i];

                if (source->prefix.length != ADDRESS_BITS || !(source->known & OBS_S_SYNS) ||
                    !(source->known & OBS_S_COMPLETED))
                        continue;
                sum += fmax(0, source->syn_per_s - source->syn_error_per_s - source->completed_per_s);
                taken++;
        }
        return fmin(1, sum / s->syn_per_s);
}

/* Of the flood's own SYNs, the share from addresses seen once, at least: what the others send is
 * taken to be like the usual. */
static double flood_seen_once(const struct evidence *e, const struct circumstances *c) {
        double others = 1 - c->unfinished_share;

        if (!(c->unfinished_share > 0))
                return NAN; /* the look that found it is over */
        return (e->seen_once_share - others * or_zero(c->usual_seen_once_share)) / c->unfinished_share;
}

static enum diagnosis diagnose_flood(const struct evidence *e, const struct circumstances *c) {
        if (c->embryonic_rsts_per_s > REFLECTED_RST_SHARE * or_zero(e->unanswered_per_s) &&
            c->embryonic_rsts_per_s > BUSY_PER_S)
                return DIAGNOSIS_FLOOD_REFLECTED;
        if (!isnan(e->top_share) && e->top_share >= CONCENTRATED_TOP_SHARE)
                return DIAGNOSIS_FLOOD_CONCENTRATED;
        if (c->sources && few_sources_share(c->sources, e->syn_per_s) >= CONCENTRATED_TOP_SHARE)
                return DIAGNOSIS_FLOOD_CONCENTRATED;
        if (flood_seen_once(e, c) < KEEP_COMING_SHARE)
                return DIAGNOSIS_FLOOD_DISTRIBUTED;
        /* Also when nothing is known of the sources: the one diagnosis that
         * never lets anybody be blocked. */
        return DIAGNOSIS_FLOOD_SPOOFED;
}

static bool completes(const struct evidence *e) {
        return isnan(e->unanswered_share) || e->unanswered_share < 0.2;
}

enum diagnosis diagnose(enum finding finding, const struct evidence *e,
                        const struct circumstances *c) {
        double completed = or_zero(e->completed_per_s);

        if (finding == FINDING_FLOOD)
                return diagnose_flood(e, c);
        if (c->accept_full || c->overflowing)
                return DIAGNOSIS_ACCEPT_STALL;
        if (c->outage)
                return DIAGNOSIS_LOSSY_CLIENTS;
        /* Who says RST has had our SYN-ACK. */
        if (or_zero(e->unanswered_per_s) - or_zero(c->embryonic_rsts_per_s) > 5 && !completes(e) &&
            (c->alive > 0.1 * c->stuck ||
             (completed > 0 && c->aged_share < 0.7)))
                return DIAGNOSIS_LOSSY_CLIENTS;
        if (c->scanning || (c->rsts_sent_per_s > SCAN_RSTS_PER_S && c->rsts_sent_per_s > completed))
                return DIAGNOSIS_PORT_SCAN;
        if (isnan(e->completed_per_s) && isnan(e->half_open))
                return DIAGNOSIS_UNKNOWN;
        if (finding == FINDING_SUSPECT && (!completes(e) || isnan(e->completed_per_s)))
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
