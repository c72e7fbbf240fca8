/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/attribution.h"

#include "core/rate.h"
#include "core/verdict.h"

/* Counts of cookies and of SYNs are not of quite the same moment. */
#define MARGIN (1 / VERDICT_ABOUT_AS_MUCH)

/* Turns weights into shares of whole, which is theirs altogether if it is not known or less. */
static void normalize(double *weights, uint32_t count, double whole) {
        double sum = 0;

        for (uint32_t i = 0; i < count; i++)
                sum += weights[i];
        if (isnan(whole) || whole < sum)
                whole = sum;
        for (uint32_t i = 0; i < count; i++)
                weights[i] = whole > 0 ? weights[i] / whole : 0;
}

static bool begun_is_known(const struct claim *list, uint32_t count) {
        for (uint32_t i = 0; i < count; i++)
                if (isnan(list[i].begun_per_s))
                        return false;
        return true;
}

/* At least what ended there, at most what began and was not left; without a log: anything. */
static double may_have_finished(const struct claim *c, double in_vain_per_s) {
        double begun = c->begun_per_s;

        if (isnan(begun))
                return 1;
        return fmin(begun, fmax(or_zero(c->ended_per_s),
                                begun - or_zero(c->late_per_s) - or_zero(c->dropped_per_s) - in_vain_per_s));
}

static double has_not_ended(const struct claim *c) {
        return fmax(0, c->begun_per_s - or_zero(c->ended_per_s));
}

static bool sends_cookies(const struct claim *c, int syncookies) {
        return syncookies == 2 || (syncookies != 0 && c->full);
}

static void share_finished(const struct claim *list, uint32_t count, const double *cookies, double in_vain_per_s,
                           bool log, double weights[static OBS_LISTENERS_MAX]) {
        for (uint32_t i = 0; i < count; i++)
                weights[i] = may_have_finished(&list[i], cookies[i] * or_zero(in_vain_per_s));
        /* Without a log nobody can say whose they are: each may have had them all. */
        if (log)
                normalize(weights, count, NAN);
}

/* What began lately and is not known to have ended as a connection, where cookies are sent. */
static double may_have_left(const struct claim *c, int syncookies) {
        return sends_cookies(c, syncookies) ? fmax(0, c->begun_lately_per_s - or_zero(c->ended_per_s)) : 0;
}

/* Handshakes that cookies have finished, and that no connection's end shows to be one listener's:
 * of each listener as many may be. SYNs that no cookie answered say as little. */
static double finished_anywhere(const struct claim *list, uint32_t count, const struct host_figures *host) {
        double begun = 0, ended = 0, unanswered;

        for (uint32_t i = 0; i < count; i++) {
                if (!sends_cookies(&list[i], host->syncookies))
                        continue;
                begun += list[i].begun_per_s;
                ended += fmin(or_zero(list[i].ended_per_s), list[i].begun_per_s);
        }
        if (isnan(host->sent_per_s) || isnan(host->received_at_most_per_s))
                return INFINITY;
        unanswered = begun > MARGIN * host->sent_per_s ? begun - host->sent_per_s : 0;
        return MARGIN * fmax(0, host->received_at_most_per_s - ended) + unanswered;
}

/* More than all others may have left, or more than has been finished anywhere. */
static double has_left(const struct claim *c, const struct host_figures *host, double sum, double finished) {
        double others = sum - may_have_left(c, host->syncookies);
        double begun = sends_cookies(c, host->syncookies) ? c->begun_per_s - or_zero(c->ended_per_s) : 0;

        return fmax(0, fmax(host->in_vain_per_s - MARGIN * others, begun - finished));
}

/* To those who surely have some already, or else to whom most may be of; never more than may be. */
static void share_rest(const struct claim *list, uint32_t count, const struct host_figures *host, double sum,
                       double rest, double shares[static OBS_LISTENERS_MAX]) {
        double room[OBS_LISTENERS_MAX], all = 0;

        for (uint32_t i = 0; i < count; i++) {
                double may = may_have_left(&list[i], host->syncookies);

                room[i] = shares[i] > 0 || may >= sum / 2 ? fmax(0, fmin(1, may / host->in_vain_per_s) - shares[i]) : 0;
                all += room[i];
        }
        for (uint32_t i = 0; i < count && all > 0; i++)
                shares[i] += room[i] * fmin(1, rest / all);
}

static void share_cookies(const struct claim *list, uint32_t count, const struct host_figures *host, bool log,
                          double shares[static OBS_LISTENERS_MAX]) {
        double sum = 0, sure = 0, finished;

        for (uint32_t i = 0; i < count; i++)
                sum += log ? may_have_left(&list[i], host->syncookies) : 0;
        if (!(sum > 0)) {
                for (uint32_t i = 0; i < count; i++)
                        shares[i] = sends_cookies(&list[i], host->syncookies);
                normalize(shares, count, NAN);
                return;
        }
        finished = finished_anywhere(list, count, host);
        for (uint32_t i = 0; i < count; i++) {
                shares[i] = host->in_vain_per_s > 0 ? has_left(&list[i], host, sum, finished) / host->in_vain_per_s : 0;
                sure += shares[i];
        }
        share_rest(list, count, host, sum, fmax(0, 1 - sure), shares);
        normalize(shares, count, fmax(sure, 1));
}

static void share_refused(const struct claim *list, uint32_t count, const struct host_figures *host,
                          double weights[static OBS_LISTENERS_MAX]) {
        double own = 0;

        for (uint32_t i = 0; i < count; i++) {
                weights[i] = list[i].accept_full || host->syncookies > 0 ? 0 : or_zero(list[i].dropped_per_s);
                own += weights[i];
        }
        if (own > 0) {
                normalize(weights, count, host->refused_per_s);
                return;
        }
        for (uint32_t i = 0; i < count; i++)
                weights[i] = list[i].full;
        normalize(weights, count, NAN);
}

static void share_reset(const struct claim *list, uint32_t count, bool log, double weights[static OBS_LISTENERS_MAX]) {
        for (uint32_t i = 0; i < count; i++)
                weights[i] = log ? fmax(0, has_not_ended(&list[i]) - or_zero(list[i].late_per_s) -
                                                   or_zero(list[i].dropped_per_s))
                                 : count == 1;
        normalize(weights, count, NAN);
}

void attribution(const struct claim *list, uint32_t count, const struct host_figures *host, struct share_of_host *ret) {
        double finished[OBS_LISTENERS_MAX], cookies[OBS_LISTENERS_MAX];
        double refused[OBS_LISTENERS_MAX], reset[OBS_LISTENERS_MAX];
        bool log = begun_is_known(list, count);

        share_cookies(list, count, host, log, cookies);
        share_finished(list, count, cookies, host->in_vain_per_s, log, finished);
        share_refused(list, count, host, refused);
        share_reset(list, count, log, reset);
        for (uint32_t i = 0; i < count; i++)
                ret[i] = (struct share_of_host) {
                        .finished = finished[i],
                        .cookies = cookies[i],
                        .refused = refused[i],
                        .reset = reset[i],
                };
        if (count == 1)
                ret[0].finished = ret[0].reset = 1;
}
