/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "replay/capture_say.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/explain.h"
#include "replay/words.h"

void say(struct look *k, const char *format, ...) {
        size_t used = strlen(k->v->text);
        va_list args;

        va_start(args, format);
        vsnprintf(k->v->text + used, sizeof k->v->text - used, format, args);
        va_end(args);
}

char *say_service(const struct look *k, unsigned i, char text[static VERDICT_NAME_MAX]) {
        return capture_service_name(capture_hosts_service(k->hosts, i), text);
}

void say_verdict(struct look *k, enum capture_outcome o, enum diagnosis d, const char *situation, int service) {
        k->v->outcome = o;
        k->v->diagnosis = d;
        k->v->situation = situation;
        k->v->service = service;
}

char *say_about(double estimate, double most, char text[static 32]) {
        return explain_count(fmin(round(estimate), most), text);
}

void say_handshakes(struct look *k, const struct ledger_counts *c, double s) {
        char n[32], t[32], p[32];
        double all = of(c, LEDGER_HANDSHAKES), done = of(c, LEDGER_DONE);

        say(k, "%s handshake%s in %s", words_count(all, n), all == 1 ? "" : "s", words_seconds(s, t));
        if (all > 0 && done >= all)
                say(k, ", all finished");
        else if (done == 0)
                say(k, ", none finished");
        else
                say(k, ", %s finished (%.0f %%)", words_count(done, p), floor(100 * done / all));
}
