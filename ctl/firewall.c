/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "ctl/firewall.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/ruleset_read.h"
#include "ctl/term.h"

enum {
        GROUPS_MAX = 8,  /* findings told; a host has two or three chains at most that drop */
        NAMES_MAX = 128, /* of listeners in one */
        LOOK_MAX = 224,
        LEGACY_MAX = 64,
};

/* Listeners that the same rule decides about. */
struct group {
        struct ruleset_verdict verdict;
        char names[NAMES_MAX];
        unsigned count, told;
};

struct groups {
        struct group list[GROUPS_MAX];
        unsigned count;
};

static bool is_same(const struct ruleset_verdict *a, const struct ruleset_verdict *b) {
        return a->fate == b->fate && a->rule == b->rule && strcmp(a->family, b->family) == 0 &&
               strcmp(a->table, b->table) == 0 && strcmp(a->chain, b->chain) == 0;
}

static void add_name(struct group *g, const char *name) {
        size_t used = strlen(g->names);

        g->count++;
        if (g->told + 1 < g->count || used + strlen(name) + 3 > sizeof g->names)
                return; /* of those that do not fit only the number is told */
        snprintf(g->names + used, sizeof g->names - used, "%s%s", used ? ", " : "", name);
        g->told++;
}

static void add_verdict(struct groups *all, const struct ruleset_verdict *v, const char *name) {
        for (unsigned i = 0; i < all->count; i++)
                if (is_same(&all->list[i].verdict, v)) {
                        add_name(&all->list[i], name);
                        return;
                }
        if (all->count == GROUPS_MAX)
                return;
        all->list[all->count] = (struct group) { .verdict = *v };
        add_name(&all->list[all->count++], name);
}

static bool read_port(const char *address, uint16_t *ret) {
        const char *colon = strrchr(address, ':');
        long port = colon ? strtol(colon + 1, NULL, 10) : 0;

        if (port <= 0 || port > UINT16_MAX)
                return false;
        *ret = (uint16_t) port;
        return true;
}

/* One that is bound to [::] may take IPv4 as well: closed is what is closed to both. */
static void judge(const struct ruleset *r, const char *address, uint16_t port, struct ruleset_verdict *ret) {
        struct ruleset_verdict four;

        ruleset_judge(r, address[0] == '[', port, ret);
        if (strncmp(address, "[::]:", 5) != 0)
                return;
        ruleset_judge(r, false, port, &four);
        if (four.fate == ret->fate)
                return;
        if (ret->fate == RULESET_CLOSED || ret->fate == RULESET_PASSES)
                *ret = four;
        if (ret->fate == RULESET_CLOSED)
                ret->fate = RULESET_PASSES;
}

static void judge_all(const struct ruleset *r, const struct listening *list, int count, struct groups *all) {
        for (int i = 0; i < count; i++) {
                struct ruleset_verdict v;
                bool before = list[i].loopback;
                uint16_t port;

                for (int k = 0; k < i && !before; k++) /* of an SO_REUSEPORT group */
                        before = strcmp(list[k].address, list[i].address) == 0;
                if (before || !read_port(list[i].address, &port))
                        continue;
                judge(r, list[i].address, port, &v);
                if (v.fate != RULESET_PASSES)
                        add_verdict(all, &v, list[i].address);
        }
}

static void say_names(const struct group *g, char text[static NAMES_MAX + 32]) {
        if (g->told < g->count)
                snprintf(text, NAMES_MAX + 32, "%s and %u more", g->names, g->count - g->told);
        else
                snprintf(text, NAMES_MAX + 32, "%s", g->names);
}

/* "rule 12 of inet filter input, which has met 34 packets" */
static void say_rule(const struct ruleset_verdict *v, char text[static LOOK_MAX]) {
        char packets[64] = "";

        if (v->packets >= 0)
                snprintf(packets, sizeof packets, ", by its counter %" PRId64 " packets so far", v->packets);
        if (v->rule > 0)
                snprintf(text, LOOK_MAX, "rule %" PRId64 " (chain %.20s %.40s %.40s%s)", v->rule, v->family, v->table,
                         v->chain, packets);
        else
                snprintf(text, LOOK_MAX, "the policy of chain %.20s %.40s %.40s", v->family, v->table, v->chain);
}

static void advise_group(const struct group *g, struct advice_list *l) {
        const struct ruleset_verdict *v = &g->verdict;
        char names[NAMES_MAX + 32], rule[LOOK_MAX], rate[64] = "a rate";
        const char *each = v->rate > 0 ? "of each" : "of each (of what, its hashlimit-mode says)";

        say_names(g, names);
        say_rule(v, rule);
        if (v->rate > 0)
                snprintf(rate, sizeof rate, "%.0f %.10s a %.10s", v->rate, v->unit, v->per);
        switch (v->fate) {
        case RULESET_CLOSED:
                advice_add(
                        l, ADVICE_INFO, "firewall_drops", "a firewall drops SYNs before listeners", NULL,
                        "%s: no new connection from other hosts gets there; %s drops or refuses it. If that is meant, nothing is wrong: a "
                        "flood cannot fill that queue, and synwardd does not see it. To look: nft -a list chain "
                        "%.20s %.40s %.40s.",
                        names, rule, v->family, v->table, v->chain);
                break;
        case RULESET_LIMITED:
                advice_add(
                        l, ADVICE_WARNING, "firewall_limits", "a firewall limits all SYNs of listeners together", NULL,
                        "%s: %s lets %s pass, whoever sends them, and the rest is dropped. A flood uses that up, and real "
                        "clients are dropped with it, before TCP or synwardd count them. SYN cookies need no such limit. To "
                        "look: nft -a list chain %.20s %.40s %.40s.",
                        names, rule, rate, v->family, v->table, v->chain);
                break;
        case RULESET_LIMITED_EACH:
                advice_add(l, ADVICE_INFO, "firewall_limits_each", "a firewall limits SYNs by who sends them", NULL,
                           "%s: %s lets %s %s pass. Forged addresses are not held by it; what it drops neither TCP nor "
                           "synwardd counts, so a flood from few sources looks smaller. To look: nft -a list chain "
                           "%.20s %.40s %.40s.",
                           names, rule, rate, each, v->family, v->table, v->chain);
                break;
        case RULESET_UNCLEAR:
                advice_add(
                        l, ADVICE_INFO, "firewall_unclear", "a firewall may drop SYNs before listeners", NULL,
                        "%s: chain %.20s %.40s %.40s drops, or limits, what no rule of it accepts, and some of those are not "
                        "understood here (iptables' own matches are listed by name only). Whether SYNs pass is to be seen there: "
                        "nft list chain %.20s %.40s %.40s.",
                        names, v->family, v->table, v->chain, v->family, v->table, v->chain);
                break;
        case RULESET_PASSES:
        case RULESET_FATES:
                break;
        }
}

static void advise_unread(int error, struct advice_list *l) {
        advice_add(l, ADVICE_INFO, "firewall_unseen", "firewall rules cannot be read", NULL,
                   "%s. Whether they drop SYNs before a listener is not known; as root: nft list ruleset.",
                   error == -EPERM      ? "It takes root (CAP_NET_ADMIN)"
                   : error == -EMSGSIZE ? "There are more than 64 MiB of them"
                   : error == -ENOMEM   ? "There is not enough memory"
                   : error == -ENOENT   ? "There is no nft here (package nftables)"
                                        : "nft cannot list them");
}

void firewall_advise(const struct ruleset *r, int error, const char *legacy, const struct listening *list, int count,
                     struct advice_list *l) {
        static struct groups all; /* large */

        all.count = 0;
        if (legacy[0])
                advice_add(
                        l, ADVICE_INFO, "firewall_legacy", "tables of iptables-legacy are loaded", NULL,
                        "%s: they are not read here. Whether their rules drop SYNs before a listener: iptables-legacy-save, "
                        "ip6tables-legacy-save.",
                        legacy);
        if (!r) {
                advise_unread(error, l);
                return;
        }
        judge_all(r, list, count, &all);
        for (unsigned i = 0; i < all.count; i++)
                advise_group(&all.list[i], l);
        if (all.count == 0)
                advice_add(l, ADVICE_FINE, "firewall", "no rule of nftables is known to keep SYNs from a listener",
                           NULL, "%u rules before the listeners were looked at.", ruleset_count(r));
}

static bool is_loaded(const char *proc, const char *file, const char *table) {
        char path[512], line[64];
        bool found = false;
        FILE *f;

        snprintf(path, sizeof path, "%s/net/%s", proc, file);
        f = fopen(path, "re");
        if (!f)
                return false;
        while (!found && fgets(line, sizeof line, f)) {
                line[strcspn(line, "\n")] = '\0';
                found = strcmp(line, table) == 0;
        }
        fclose(f);
        return found;
}

/* "filter" in /proc/net/ip_tables_names and ip6_tables_names (net/netfilter/x_tables.c), which only what
 * iptables-legacy uses is in. nat does not drop. */
static void read_legacy(const char *proc, char legacy[static LEGACY_MAX]) {
        static const char *const files[] = { "ip_tables_names", "ip6_tables_names" }, *const tables[] = { "filter",
                                                                                                          "mangle",
                                                                                                          "raw" };
        const char *before = "";
        size_t used = 0;

        legacy[0] = '\0';
        for (size_t k = 0; k < sizeof tables / sizeof *tables; k++)
                if (is_loaded(proc, files[0], tables[k]) || is_loaded(proc, files[1], tables[k])) {
                        used += (size_t) snprintf(legacy + used, LEGACY_MAX - used, "%s%s", before, tables[k]);
                        before = ", ";
                }
}

void firewall_look(const char *proc, const struct listening *list, int count, struct advice_list *l) {
        struct ruleset *r = NULL;
        char legacy[LEGACY_MAX];
        int error = ruleset_read(&r);

        read_legacy(proc, legacy);
        firewall_advise(error < 0 ? NULL : r, error, legacy, list, count, l);
        ruleset_free(error < 0 ? NULL : r);
}
