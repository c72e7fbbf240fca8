/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/listener_accounts.h"

#include <math.h>

#include "core/rate.h"

static double hurt(const struct listener_account *l) {
        return or_zero(l->unfinished) + or_zero(l->refused);
}

static struct listener_account *lightest(struct listener_accounts *a) {
        struct listener_account *least = &a->list[0];

        for (uint32_t i = 1; i < a->count; i++)
                if (hurt(&a->list[i]) < hurt(least))
                        least = &a->list[i];
        return least;
}

static struct listener_account *account_of(struct listener_accounts *a, const struct listener_key *key) {
        struct listener_account *l;

        for (uint32_t i = 0; i < a->count; i++)
                if (listener_key_equal(&a->list[i].key, key))
                        return &a->list[i];
        if (a->count < OBS_LISTENERS_MAX)
                l = &a->list[a->count++];
        else {
                l = lightest(a);
                a->forgotten++;
        }
        *l = (struct listener_account) {
                .key = *key,
                .syns = NAN,
                .finished = NAN,
                .unfinished = NAN,
                .refused = NAN,
                .peak_half_open = NAN,
                .peak_backlog = NAN,
        };
        return l;
}

static void sum_up(double *sum, double per_s, double elapsed_s) {
        if (!isnan(per_s))
                *sum = or_zero(*sum) + per_s * elapsed_s;
}

static void count(struct listener_account *l, const struct evidence *e, double elapsed_s) {
        l->flood_s += elapsed_s;
        sum_up(&l->syns, e->syn_per_s, elapsed_s);
        sum_up(&l->finished, e->completed_per_s, elapsed_s);
        sum_up(&l->unfinished, e->unanswered_per_s, elapsed_s);
        sum_up(&l->refused, e->queue_drops_per_s, elapsed_s);
        if (isnan(e->half_open) || e->half_open <= l->peak_half_open)
                return;
        l->peak_half_open = e->half_open;
        l->peak_backlog = e->backlog;
}

void listener_accounts_add(struct listener_accounts *a, const struct verdicts *v, double elapsed_s) {
        for (uint32_t i = 0; i < v->listeners_count; i++) {
                const struct listener_verdict *l = &v->listeners[i];

                if (l->verdict.finding == FINDING_FLOOD)
                        count(account_of(a, &l->key), &l->verdict.evidence, elapsed_s);
        }
}

size_t listener_accounts_tell(const struct listener_accounts *a,
                              const struct listener_account *ret[static LISTENER_ACCOUNTS_TOLD]) {
        size_t told = 0;

        for (uint32_t i = 0; i < a->count; i++) {
                const struct listener_account *l = &a->list[i];
                size_t at = told;

                for (; at > 0 && hurt(l) > hurt(ret[at - 1]); at--)
                        if (at < LISTENER_ACCOUNTS_TOLD)
                                ret[at] = ret[at - 1];
                if (at < LISTENER_ACCOUNTS_TOLD)
                        ret[at] = l;
                told += told < LISTENER_ACCOUNTS_TOLD;
        }
        return told;
}
