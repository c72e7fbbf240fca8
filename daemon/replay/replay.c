/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "replay/replay.h"

#include <stdlib.h>

struct replay {
        struct detector *detector;
        struct policy *policy;
        uint64_t next_sequence;
        struct replay_result result;
};

struct replay *replay_new(const struct settings *settings) {
        struct replay *r = calloc(1, sizeof *r);

        if (!r)
                return NULL;
        r->next_sequence = 1;
        r->detector = detector_new(settings);
        r->policy = policy_new(settings);
        if (!r->detector || !r->policy)
                return replay_free(r);
        return r;
}

struct replay *replay_free(struct replay *r) {
        if (!r)
                return NULL;
        detector_free(r->detector);
        policy_free(r->policy);
        free(r);
        return NULL;
}

const struct replay_result *replay_step(struct replay *r, const struct observation *o) {
        detector_step(r->detector, o, &r->result.verdicts);
        policy_step(r->policy, o, &r->result.verdicts, &r->result.decision);
        for (uint32_t i = 0; i < r->result.decision.events_count; i++)
                r->result.decision.events[i].event.sequence = r->next_sequence++;
        return &r->result;
}
