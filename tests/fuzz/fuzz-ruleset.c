/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The bytes are a firewall's rules, as libnftables lists them: whatever they are, following them ends, and
 * what is told of them is of their own. */

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/ruleset.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds) {
        if (!holds)
                abort();
}

static void judge(const struct ruleset *r, bool six, uint16_t port) {
        struct ruleset_verdict v, again;

        ruleset_judge(r, six, port, &v);
        ruleset_judge(r, six, port, &again);
        require(v.fate == again.fate && v.fate < RULESET_FATES);
        if (v.fate == RULESET_PASSES)
                return;
        require(strcmp(v.family, "inet") == 0 || strcmp(v.family, six ? "ip6" : "ip") == 0);
        require(v.table && v.chain && v.unit && v.per);
        require(v.rate == 0 || v.fate == RULESET_LIMITED || v.fate == RULESET_LIMITED_EACH);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        static const uint16_t ports[] = { 22, 80, 8080 };
        json_t *list = json_loadb((const char *) data, size, 0, NULL);
        struct ruleset *r;

        if (!list)
                return 0;
        if (ruleset_new(list, &r) == 0) {
                for (size_t i = 0; i < sizeof ports / sizeof *ports; i++) {
                        judge(r, false, ports[i]);
                        judge(r, true, ports[i]);
                }
                ruleset_free(r);
        }
        json_decref(list);
        return 0;
}
