/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "ctl/ruleset.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/ruleset_match.h"

enum {
        NAME_MAX_LENGTH = 512, /* a family, a table's and a chain's name: 128 letters each at most (NFT_NAME_MAXLEN) */
        DEPTH_MAX = 16, /* of jumps (include/net/netfilter/nf_tables.h: NFT_JUMP_STACK_SIZE) */
        STEPS_MAX = 200000, /* rules gone through for one verdict */
        PRIORITY_TRACKING = -200, /* where connection tracking stands (include/uapi/linux/netfilter_ipv4.h) */
};

struct ruleset {
        json_t *list;
        json_t *chains; /* the rules of each, in order, by "family table chain" */
        json_t *sets; /* the elements of each, by "family table set" */
        json_t *bases; /* the chains that begin at a hook before a listener */
        unsigned count;
        bool rewrites, untracks;
};

/* A walk through what begins at one base chain. */
struct walk {
        const struct ruleset *rules;
        struct syn syn;
        const char *family, *table;
        unsigned accepted; /* portions, enum portion */
        bool handed; /* some of them are given another destination */
        unsigned steps;
        const json_t *drops, *limits; /* the first rule that drops all, and that limits all */
        const json_t *limit; /* what is under "limit" of it; NULL: not listed */
        bool decides; /* it has a verdict of its own, and does not only jump */
};

/* A rule, as far as it has been read. */
struct reading {
        const json_t *rule, *limit;
        enum portion holds; /* for which of those that come to it */
        enum portion limited; /* NONE: it has no limit */
        bool beyond; /* it holds for what exceeds that */
};

/* --- reading the list ------------------------------------------------------------------- */

static const char *text_of(const json_t *object, const char *key) {
        const char *text = json_string_value(json_object_get(object, key));

        return text ? text : "";
}

static bool is(const json_t *object, const char *key, const char *text) {
        return strcmp(text_of(object, key), text) == 0;
}

static char *name_of(const char *family, const char *table, const char *name, char text[static NAME_MAX_LENGTH]) {
        snprintf(text, NAME_MAX_LENGTH, "%s %s %s", family, table, name);
        return text;
}

static bool is_looked_at(const json_t *object) {
        return (is(object, "family", "ip") || is(object, "family", "ip6") || is(object, "family", "inet")) &&
               !(is(object, "family", "inet") && is(object, "table", "synward"));
}

static int add_chain(struct ruleset *r, json_t *chain) {
        bool before = is(chain, "hook", "prerouting") || is(chain, "hook", "input");

        if (before && json_array_append(r->bases, chain) < 0)
                return -ENOMEM;
        return 0;
}

static int add_set(struct ruleset *r, const json_t *set) {
        json_t *elements = json_object_get(set, "elem");
        char name[NAME_MAX_LENGTH];

        name_of(text_of(set, "family"), text_of(set, "table"), text_of(set, "name"), name);
        /* One without elements is listed without. */
        if (json_is_array(elements) ? json_object_set(r->sets, name, elements) < 0
                                    : json_object_set_new(r->sets, name, json_array()) < 0)
                return -ENOMEM;
        return 0;
}

/* What one rule does decides how matches of others are to be read. */
static void note_statement(struct ruleset *r, const json_t *statement) {
        const json_t *xt = json_object_get(statement, "xt");

        if (json_object_get(statement, "dnat") || json_object_get(statement, "redirect") ||
            json_object_get(statement, "tproxy"))
                r->rewrites = true;
        if (json_object_get(statement, "notrack"))
                r->untracks = true;
        if (!xt)
                return;
        if (!is(xt, "type", "match"))
                r->rewrites = r->untracks = true; /* any of iptables' targets, such as DNAT or CT */
}

static int add_rule(struct ruleset *r, json_t *rule) {
        char name[NAME_MAX_LENGTH];
        const json_t *statement;
        json_t *rules;
        size_t index;

        name_of(text_of(rule, "family"), text_of(rule, "table"), text_of(rule, "chain"), name);
        rules = json_object_get(r->chains, name);
        if (!rules) {
                rules = json_array();
                if (json_object_set_new(r->chains, name, rules) < 0)
                        return -ENOMEM;
        }
        json_array_foreach(json_object_get(rule, "expr"), index, statement)
                note_statement(r, statement);
        r->count++;
        return json_array_append(rules, rule) < 0 ? -ENOMEM : 0;
}

static int add_object(struct ruleset *r, const json_t *object) {
        json_t *inner;

        if ((inner = json_object_get(object, "chain")) && is_looked_at(inner))
                return add_chain(r, inner);
        if ((inner = json_object_get(object, "rule")) && is_looked_at(inner))
                return add_rule(r, inner);
        if (((inner = json_object_get(object, "set")) || (inner = json_object_get(object, "map"))) &&
            is_looked_at(inner))
                return add_set(r, inner);
        return 0;
}

int ruleset_new(json_t *list, struct ruleset **ret) {
        const json_t *objects = json_object_get(list, "nftables"), *object;
        struct ruleset *r;
        size_t index;

        if (!json_is_array(objects))
                return -EBADMSG;
        r = calloc(1, sizeof *r);
        if (!r)
                return -ENOMEM;
        *r = (struct ruleset) {
                .list = json_incref(list), .chains = json_object(), .sets = json_object(), .bases = json_array()
        };
        if (!r->chains || !r->sets || !r->bases) {
                ruleset_free(r);
                return -ENOMEM;
        }
        json_array_foreach(objects, index, object)
                if (add_object(r, object) < 0) {
                        ruleset_free(r);
                        return -ENOMEM;
                }
        *ret = r;
        return 0;
}

struct ruleset *ruleset_free(struct ruleset *r) {
        if (!r)
                return NULL;
        json_decref(r->chains);
        json_decref(r->sets);
        json_decref(r->bases);
        json_decref(r->list);
        free(r);
        return NULL;
}

unsigned ruleset_count(const struct ruleset *r) {
        return r->count;
}

/* --- portions ----------------------------------------------------------------------------- */

/* Of what comes, of which something else holds besides. */
static unsigned narrow(unsigned portions, enum portion to) {
        unsigned narrowed = 0;

        for (unsigned one = PORTION_WHOLE; one <= PORTION_VAGUE; one <<= 1)
                if (portions & one)
                        narrowed |= one > to ? one : to;
        return to == PORTION_NONE ? 0 : narrowed;
}

static enum portion narrower(enum portion a, enum portion b) {
        if (a == PORTION_NONE || b == PORTION_NONE)
                return PORTION_NONE;
        return a > b ? a : b;
}

/* --- one rule ------------------------------------------------------------------------------ */

static unsigned walk_chain(struct walk *w, const char *name, unsigned portions, int depth);

static const json_t *find_set(void *userdata, const char *set) {
        const struct walk *w = userdata;
        char name[NAME_MAX_LENGTH];

        return json_object_get(w->rules->sets, name_of(w->family, w->table, set, name));
}

static void see_limit(struct reading *r, const json_t *limit, enum portion limited) {
        r->limited = limited;
        r->limit = limit;
        r->beyond = json_is_true(json_object_get(limit, "inv"));
}

/* A source's address, alone, masked, or with others. */
static bool has_source(const json_t *key, int depth) {
        const json_t *parts = json_object_get(key, "concat"), *part;
        size_t index;

        if (is(json_object_get(key, "payload"), "field", "saddr"))
                return true;
        if (!parts)
                parts = json_object_get(key, "&");
        if (!parts)
                parts = json_object_get(json_object_get(key, "elem"), "val") ? json_object_get(key, "elem") : NULL;
        if (json_is_object(parts))
                return depth < DEPTH_MAX && has_source(json_object_get(parts, "val"), depth + 1);
        json_array_foreach(parts, index, part)
                if (depth < DEPTH_MAX && has_source(part, depth + 1))
                        return true;
        return false;
}

/* A limit for each element of a set: of each source, or, for one listener, of all together. */
static void see_set(struct reading *r, const json_t *set) {
        const json_t *statements = json_object_get(set, "stmt"), *statement;
        const json_t *key = json_object_get(set, json_object_get(set, "elem") ? "elem" : "key");
        enum portion limited = has_source(key, 0) ? PORTION_LIMITED_EACH : PORTION_LIMITED;
        size_t index;

        if (json_object_get(statements, "limit")) /* a meter has one */
                see_limit(r, json_object_get(statements, "limit"), limited);
        else if (json_is_object(statements)) /* it counts, by "ct count" */
                r->holds = narrower(r->holds, PORTION_PART);
        json_array_foreach(statements, index, statement) {
                if (json_object_get(statement, "limit"))
                        see_limit(r, json_object_get(statement, "limit"), limited);
                else if (!json_object_get(statement, "counter"))
                        r->holds = narrower(r->holds, PORTION_PART);
        }
}

/* One that only jumps may do so to note it; where there is one that decides, that is told. */
static void note_limit(struct walk *w, const struct reading *r, const char *verdict) {
        bool decides = strcmp(verdict, "jump") != 0 && strcmp(verdict, "goto") != 0 && strcmp(verdict, "continue") != 0;

        if (w->limits && (w->decides || !decides))
                return;
        w->limits = r->rule;
        w->limit = r->limit;
        w->decides = decides;
}

/* Goes on with what comes to a verdict. Returns what remains of alive for the next rule; adds to *returned
 * what leaves the chain. */
static unsigned follow(struct walk *w, const struct reading *r, const char *verdict, const json_t *body, unsigned alive,
                       unsigned *returned, int depth) {
        bool drops = strcmp(verdict, "drop") == 0 || strcmp(verdict, "reject") == 0, all = r->holds == PORTION_WHOLE;
        unsigned there = narrow(alive, r->holds), remains = all ? 0 : alive;

        if (r->limited != PORTION_NONE) {
                remains = alive;
                if (all)
                        note_limit(w, r, verdict);
                if (all && r->beyond)
                        remains = narrow(alive, r->limited);
                if (!r->beyond)
                        there = narrow(there, r->limited);
        } else if (all && drops && alive != 0 && !w->drops)
                w->drops = r->rule;
        if (strcmp(verdict, "accept") == 0)
                w->accepted |= there;
        else if (strcmp(verdict, "return") == 0)
                *returned |= there;
        else if (strcmp(verdict, "jump") == 0)
                remains |= walk_chain(w, text_of(body, "target"), there, depth + 1);
        else if (strcmp(verdict, "goto") == 0)
                *returned |= walk_chain(w, text_of(body, "target"), there, depth + 1);
        else if (strcmp(verdict, "continue") == 0)
                remains = alive;
        return remains;
}

static const char *first_key(json_t *object) {
        return json_object_iter_key(json_object_iter(object));
}

/* "vmap": each value that what is read may have, with its verdict. */
static unsigned follow_map(struct walk *w, const struct reading *r, const json_t *map, unsigned alive,
                           unsigned *returned, int depth) {
        const json_t *key = json_object_get(map, "key"), *data = json_object_get(map, "data"), *pair;
        const char *name = json_string_value(data);
        unsigned remains = alive;
        size_t index;

        if (name)
                data = name[0] == '@' ? find_set(w, name + 1) : NULL;
        else
                data = json_object_get(data, "set");
        if (!json_is_array(data)) {
                w->accepted |= narrow(alive, PORTION_VAGUE);
                return alive;
        }
        json_array_foreach(data, index, pair) {
                struct reading one = *r;
                json_t *verdict = json_array_get(pair, 1);
                const char *word = first_key(verdict);
                enum portion holds = syn_match_element(key, json_array_get(pair, 0), &w->syn, find_set, w);

                if (++w->steps > STEPS_MAX)
                        break;
                one.holds = narrower(r->holds, holds);
                if (one.holds == PORTION_NONE)
                        continue;
                if (!word) {
                        w->accepted |= narrow(alive, PORTION_VAGUE);
                        continue;
                }
                /* Of values only one can be it, so each has all that came. */
                remains = follow(w, &one, word, json_object_get(verdict, word), alive, returned, depth) |
                          (one.holds == PORTION_WHOLE ? 0 : remains);
                if (holds == PORTION_WHOLE)
                        break;
        }
        return remains;
}

/* Something of iptables that is listed by its name alone. */
static const char *see_xt(struct reading *r, const json_t *xt) {
        static const char *const without[] = { "LOG",      "NFLOG", "MARK",  "CONNMARK", "TCPMSS",
                                               "CHECKSUM", "TRACE", "AUDIT", NULL };
        const char *name = text_of(xt, "name");

        if (is(xt, "type", "match") && strcmp(name, "comment") == 0)
                return NULL;
        if (is(xt, "type", "match") && strcmp(name, "hashlimit") == 0) {
                r->limited = PORTION_LIMITED_EACH; /* whether beyond it or within, the verdict tells */
                r->limit = NULL;
                return NULL;
        }
        if (is(xt, "type", "target")) {
                for (const char *const *n = without; *n; n++)
                        if (strcmp(*n, name) == 0)
                                return NULL;
                if (strcmp(name, "REJECT") == 0 || strcmp(name, "DROP") == 0)
                        return "drop";
                if (strcmp(name, "DNAT") == 0 || strcmp(name, "REDIRECT") == 0 || strcmp(name, "TPROXY") == 0)
                        return "redirect";
        }
        r->holds = narrower(r->holds, PORTION_VAGUE);
        return is(xt, "type", "match") ? NULL : "?";
}

static bool is_one_of(const char *word, const char *const *words) {
        for (; *words; words++)
                if (strcmp(word, *words) == 0)
                        return true;
        return false;
}

/* A statement that is no match, no limit and no map. NULL: it leaves the packet to the next. "?": who knows. */
static const char *read_statement(struct reading *r, const char *key, const json_t *body) {
        static const char *const without[] = { "counter", "log",       "comment",    "mangle",         "notrack",
                                               "last",    "ct helper", "ct timeout", "ct expectation", "flow",
                                               "dup",     "secmark",   NULL };
        static const char *const verdicts[] = {
                "accept", "drop", "reject", "return", "jump", "goto", "continue", NULL
        };
        static const char *const counts[] = { "quota", "ct count", NULL };
        static const char *const rewriters[] = { "dnat", "redirect", "tproxy", NULL };

        if (is_one_of(key, verdicts))
                return key;
        if (is_one_of(key, without))
                return NULL;
        if (is_one_of(key, rewriters))
                return "redirect";
        if (is_one_of(key, counts)) {
                r->holds = narrower(r->holds, PORTION_PART);
                return NULL;
        }
        if (strcmp(key, "xt") == 0)
                return see_xt(r, body);
        r->holds = narrower(r->holds, PORTION_VAGUE);
        return "?";
}

/* Returns what remains of alive for the next rule. */
static unsigned walk_rule(struct walk *w, const json_t *rule, unsigned alive, unsigned *returned, int depth) {
        struct reading r = { .rule = rule, .holds = PORTION_WHOLE };
        json_t *statement;
        size_t index;

        json_array_foreach(json_object_get(rule, "expr"), index, statement) {
                const char *key = first_key(statement), *verdict;
                const json_t *body = key ? json_object_get(statement, key) : NULL;

                if (!key)
                        key = "?";
                if (strcmp(key, "match") == 0)
                        r.holds = narrower(r.holds, syn_match(body, &w->syn, find_set, w));
                else if (strcmp(key, "limit") == 0)
                        see_limit(&r, body, PORTION_LIMITED);
                else if (strcmp(key, "set") == 0 || strcmp(key, "meter") == 0 || strcmp(key, "map") == 0)
                        see_set(&r, body);
                else if (strcmp(key, "vmap") == 0)
                        return r.limited == PORTION_NONE ? follow_map(w, &r, body, alive, returned, depth)
                                                         : (w->accepted |= narrow(alive, PORTION_VAGUE), alive);
                else if ((verdict = read_statement(&r, key, body))) {
                        if (r.limited == PORTION_LIMITED_EACH && !r.limit)
                                r.beyond = strcmp(verdict, "drop") == 0;
                        if (strcmp(verdict, "redirect") == 0) {
                                w->handed |= r.holds != PORTION_NONE && alive != 0;
                                verdict = "accept";
                        }
                        if (strcmp(verdict, "?") != 0)
                                return r.holds == PORTION_NONE ? alive
                                                               : follow(w, &r, verdict, body, alive, returned, depth);
                        w->accepted |= narrow(alive, r.holds);
                        w->handed |= r.holds != PORTION_NONE && is(body, "type", "target") && alive != 0;
                }
                if (r.holds == PORTION_NONE)
                        return alive;
        }
        return alive;
}

/* Returns what comes back of them, by the end of the chain or before. */
static unsigned walk_chain(struct walk *w, const char *chain, unsigned portions, int depth) {
        char name[NAME_MAX_LENGTH];
        unsigned returned = 0;
        const json_t *rule;
        size_t index;

        if (depth > DEPTH_MAX) /* no kernel has that */
                w->steps = STEPS_MAX;
        json_array_foreach(json_object_get(w->rules->chains, name_of(w->family, w->table, chain, name)), index, rule) {
                if (portions == 0 || ++w->steps > STEPS_MAX)
                        break;
                portions = walk_rule(w, rule, portions, &returned, depth);
        }
        return portions | returned;
}

/* --- verdicts ------------------------------------------------------------------------------- */

static bool begin(struct walk *w, const struct ruleset *r, const json_t *base, bool six, uint16_t port) {
        const json_t *priority = json_object_get(base, "prio");
        bool tracked = is(base, "hook", "input") ||
                       (json_is_integer(priority) && json_integer_value(priority) > PRIORITY_TRACKING);

        *w = (struct walk) {
                .rules = r,
                .syn = { .six = six,
                         .port = port,
                         .tracked = tracked,
                         .untracks = r->untracks,
                         .rewritten = r->rewrites },
                .family = text_of(base, "family"),
                .table = text_of(base, "table"),
        };
        return strcmp(w->family, six ? "ip" : "ip6") != 0;
}

static enum ruleset_fate walk_base(struct walk *w, const json_t *base) {
        unsigned end = walk_chain(w, text_of(base, "name"), PORTION_WHOLE, 0);

        if (!is(base, "policy", "drop"))
                w->accepted |= end;
        if (w->steps > STEPS_MAX)
                return RULESET_UNCLEAR;
        if (w->accepted == 0)
                return RULESET_CLOSED;
        if (w->accepted & PORTION_WHOLE)
                return RULESET_PASSES;
        if (w->accepted & PORTION_VAGUE)
                return RULESET_UNCLEAR;
        if (w->accepted & PORTION_LIMITED)
                return RULESET_LIMITED;
        return w->accepted & PORTION_LIMITED_EACH ? RULESET_LIMITED_EACH : RULESET_PASSES;
}

static void tell(const struct walk *w, const json_t *base, enum ruleset_fate fate, struct ruleset_verdict *ret) {
        bool limited = fate == RULESET_LIMITED || fate == RULESET_LIMITED_EACH;
        const json_t *rule = limited ? w->limits : fate == RULESET_CLOSED ? w->drops : NULL, *statement, *packets;
        size_t index;

        *ret = (struct ruleset_verdict) { .fate = fate,
                                          .family = w->family,
                                          .table = w->table,
                                          .chain = text_of(base, "name"),
                                          .rule = json_integer_value(json_object_get(rule, "handle")),
                                          .packets = -1,
                                          .unit = "SYNs",
                                          .per = "second" };
        json_array_foreach(json_object_get(rule, "expr"), index, statement)
                if ((packets = json_object_get(json_object_get(statement, "counter"), "packets")))
                        ret->packets = json_integer_value(packets);
        if (!limited || !json_is_string(json_object_get(w->limit, "per")))
                return;
        ret->rate = json_number_value(json_object_get(w->limit, "rate"));
        ret->per = text_of(w->limit, "per");
        if (json_is_string(json_object_get(w->limit, "rate_unit")) && !is(w->limit, "rate_unit", "packets"))
                ret->unit = text_of(w->limit, "rate_unit");
}

/* A packet meets every base chain, until one drops it. Before a destination is rewritten a port is not yet
 * the listener's: with rules that do so, drops before the input hook say nothing of it. */
void ruleset_judge(const struct ruleset *r, bool six, uint16_t port, struct ruleset_verdict *ret) {
        static const int rank[RULESET_FATES] = { [RULESET_PASSES] = 0,
                                                 [RULESET_UNCLEAR] = 1,
                                                 [RULESET_LIMITED_EACH] = 2,
                                                 [RULESET_LIMITED] = 3,
                                                 [RULESET_CLOSED] = 4 };
        struct ruleset_verdict found = { .fate = RULESET_PASSES };
        const json_t *base;
        struct walk w;
        size_t index;

        json_array_foreach(r->bases, index, base) {
                enum ruleset_fate fate;

                if (!begin(&w, r, base, six, port))
                        continue;
                fate = walk_base(&w, base);
                if (w.handed) { /* to another port or host: not to this listener, or not all of them */
                        *ret = (struct ruleset_verdict) { .fate = RULESET_PASSES };
                        return;
                }
                if (!is(base, "type", "filter") || (r->rewrites && !is(base, "hook", "input")))
                        continue;
                if (rank[fate] > rank[found.fate])
                        tell(&w, base, fate, &found);
        }
        *ret = found;
}
