/* SPDX-License-Identifier: GPL-2.0-or-later */
/* synwardctl doctor: what firewall rules let become of new SYNs. The rulesets are as "nft --json list ruleset"
 * writes them; tests/lab/test-doctor.sh has the kernel list such. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/firewall.h"

/* Of table inet filter, unless said otherwise; ' stands for ". */
#define IN "'family': 'inet', 'table': 'filter', "
#define BASE(hook, priority, policy) "{'chain': {" IN "'name': '" hook "', 'type': 'filter', 'hook': '" hook "', 'prio': " #priority ", 'policy': '" policy "'}}"
#define INPUT(policy) BASE("input", 0, policy)
#define CHAIN(name) "{'chain': {" IN "'name': '" name "'}}"
#define RULE_IN(chain, handle, expr) "{'rule': {" IN "'chain': '" chain "', 'handle': " #handle ", 'expr': [" expr "]}}"
#define RULE(handle, expr) RULE_IN("input", handle, expr)
#define IP_TABLE(policy) "{'chain': {'family': 'ip', 'table': 'filter', 'name': 'INPUT', 'type': 'filter', 'hook': 'input', 'prio': 0, 'policy': '" policy "'}}"
#define IP_RULE(handle, expr) "{'rule': {'family': 'ip', 'table': 'filter', 'chain': 'INPUT', 'handle': " #handle ", 'expr': [" expr "]}}"

#define MATCH(op, left, right) "{'match': {'op': '" op "', 'left': " left ", 'right': " right "}}"
#define PAYLOAD(protocol, field) "{'payload': {'protocol': '" protocol "', 'field': '" field "'}}"
#define META(key) "{'meta': {'key': '" key "'}}"
#define CT(key) "{'ct': {'key': '" key "'}}"
#define DPORT(right) MATCH("==", PAYLOAD("tcp", "dport"), right)
#define SADDR(right) MATCH("==", PAYLOAD("ip", "saddr"), right)
#define SYN_ONLY(op) MATCH(op, "{'&': [" PAYLOAD("tcp", "flags") ", ['fin', 'syn', 'rst', 'ack']]}", "'syn'")
#define LIMIT(rate) "{'limit': {'rate': " #rate ", 'burst': 5, 'per': 'second'}}"
#define OVER(rate) "{'limit': {'rate': " #rate ", 'burst': 5, 'per': 'second', 'inv': true}}"
#define COUNTER(packets) "{'counter': {'packets': " #packets ", 'bytes': 0}}"
#define ACCEPT "{'accept': null}"
#define DROP "{'drop': null}"
#define REJECT "{'reject': {'type': 'icmpx', 'expr': 'admin-prohibited'}}"
#define RETURN "{'return': null}"
#define JUMP(to) "{'jump': {'target': '" to "'}}"
#define GOTO(to) "{'goto': {'target': '" to "'}}"
#define XT(type, name) "{'xt': {'type': '" type "', 'name': '" name "'}}"

#define ESTABLISHED MATCH("in", CT("state"), "['established', 'related']") ", " ACCEPT
#define LOOPBACK MATCH("==", META("iifname"), "'lo'") ", " ACCEPT

static struct ruleset *read_rules(const char *objects) {
        size_t size = strlen(objects) + 64;
        struct ruleset *r = NULL;
        char *text = malloc(size);
        json_t *list;

        assert_non_null(text);
        snprintf(text, size, "{'nftables': [{'metainfo': {'json_schema_version': 1}}, %s]}", objects);
        for (char *c = text; *c; c++)
                if (*c == '\'')
                        *c = '"';
        list = json_loads(text, 0, NULL);
        assert_non_null(list);
        assert_int_equal(ruleset_new(list, &r), 0);
        json_decref(list);
        free(text);
        return r;
}

static enum ruleset_fate fate_of(const char *objects, bool six, uint16_t port) {
        struct ruleset *r = read_rules(objects);
        struct ruleset_verdict v;

        ruleset_judge(r, six, port, &v);
        ruleset_free(r);
        return v.fate;
}

struct fate_case {
        const char *objects;
        uint16_t port;
        enum ruleset_fate four, six;
};

static void check_all(const struct fate_case *cases, size_t count) {
        for (size_t i = 0; i < count; i++) {
                if (fate_of(cases[i].objects, false, cases[i].port) != cases[i].four)
                        fail_msg("case %zu by IPv4 is %d", i, fate_of(cases[i].objects, false, cases[i].port));
                if (fate_of(cases[i].objects, true, cases[i].port) != cases[i].six)
                        fail_msg("case %zu by IPv6 is %d", i, fate_of(cases[i].objects, true, cases[i].port));
        }
}
#define CHECK_ALL(cases) check_all(cases, sizeof(cases) / sizeof *(cases))
#define BOTH(fate) RULESET_##fate, RULESET_##fate

static void closed_ports(void **state) {
        static const struct fate_case cases[] = {
                /* The policy, and what is accepted. */
                { INPUT("drop"), 80, BOTH(CLOSED) },
                { INPUT("drop") "," RULE(2, ESTABLISHED) "," RULE(3, LOOPBACK) "," RULE(4, DPORT("22") "," ACCEPT), 80,
                  BOTH(CLOSED) },
                { INPUT("drop") "," RULE(2, ESTABLISHED) "," RULE(3, LOOPBACK) "," RULE(4, DPORT("22") "," ACCEPT), 22,
                  BOTH(PASSES) },
                { INPUT("drop") "," RULE(2, DPORT("{'set': [22, {'range': [79, 81]}]}") "," ACCEPT), 80, BOTH(PASSES) },
                { INPUT("drop") "," RULE(2, DPORT("{'set': [22, {'range': [81, 90]}]}") "," ACCEPT), 80, BOTH(CLOSED) },
                { INPUT("drop") "," RULE(2, MATCH("==", PAYLOAD("udp", "dport"), "80") "," ACCEPT), 80, BOTH(CLOSED) },
                { INPUT("drop") "," RULE(2, MATCH("==", PAYLOAD("th", "dport"), "80") "," ACCEPT), 80, BOTH(PASSES) },
                { INPUT("drop") "," RULE(2, MATCH("==", META("l4proto"), "{'set': ['icmp', 'ipv6-icmp']}") "," ACCEPT),
                  80, BOTH(CLOSED) },
                { INPUT("drop") "," RULE(2, MATCH("==", META("l4proto"), "6") "," ACCEPT), 80, BOTH(PASSES) },
                { INPUT("drop") "," RULE(2, MATCH("==", META("nfproto"), "'ipv4'") "," ACCEPT), 80, RULESET_PASSES,
                  RULESET_CLOSED },
                { INPUT("drop") "," RULE(2, MATCH("!=", META("iif"), "'lo'") "," ACCEPT), 80, BOTH(PASSES) },
                { INPUT("drop") "," RULE(2, SYN_ONLY("!=") "," ACCEPT), 80, BOTH(CLOSED) },
                { INPUT("drop") "," RULE(2, SYN_ONLY("==") "," ACCEPT), 80, BOTH(PASSES) },
                /* Rules that drop. */
                { INPUT("accept") "," RULE(2, DPORT("80") "," COUNTER(7) "," DROP), 80, BOTH(CLOSED) },
                { INPUT("accept") "," RULE(2, DPORT("80") "," DROP), 81, BOTH(PASSES) },
                { INPUT("accept") "," RULE(2, DPORT("80") "," REJECT), 80, BOTH(CLOSED) },
                { INPUT("accept") "," RULE(2, DPORT("80") "," ACCEPT) "," RULE(3, DPORT("80") "," DROP), 80,
                  BOTH(PASSES) },
                { INPUT("accept") "," RULE(2, MATCH("!=", PAYLOAD("tcp", "dport"), "{'set': [22, 80]}") "," DROP), 81,
                  BOTH(CLOSED) },
                { INPUT("accept") "," RULE(2, MATCH("!=", PAYLOAD("tcp", "dport"), "{'set': [22, 80]}") "," DROP), 80,
                  BOTH(PASSES) },
                { INPUT("accept") "," RULE(2, MATCH("in", PAYLOAD("tcp", "flags"), "'syn'") "," DROP), 80,
                  BOTH(CLOSED) },
                { INPUT("accept") "," RULE(2, MATCH("in", PAYLOAD("tcp", "flags"), "['fin', 'rst']") "," DROP), 80,
                  BOTH(PASSES) },
                { INPUT("accept") "," RULE(2, MATCH("in", CT("state"), "'new'") "," DROP), 80, BOTH(CLOSED) },
                { BASE("prerouting", -300, "accept") "," RULE_IN("prerouting", 2, DPORT("80") "," DROP), 80,
                  BOTH(CLOSED) },
                /* Another chain's accept saves from no drop. */
                { INPUT("accept") "," RULE(2, ACCEPT) "," IP_TABLE("drop"), 80, RULESET_CLOSED, RULESET_PASSES },
        };

        CHECK_ALL(cases);
}

/* Where some may pass, or what decides is not in the rule, nobody is accused. */
static void open_ports(void **state) {
        static const struct fate_case cases[] = {
                { INPUT("accept"), 80, BOTH(PASSES) },
                { INPUT("drop") "," RULE(2, SADDR("{'prefix': {'addr': '10.0.0.0', 'len': 8}}") "," ACCEPT), 80,
                  RULESET_PASSES, RULESET_CLOSED },
                { INPUT("drop") "," RULE(2, MATCH("==", META("iifname"), "'eth1'") "," ACCEPT), 80, BOTH(PASSES) },
                { INPUT("drop") "," RULE(2, MATCH("==", META("iifname"), "{'set': ['lo', 'br-*']}") "," ACCEPT), 80,
                  BOTH(PASSES) },
                { INPUT("drop") "," RULE(2, MATCH("==", META("mark"), "1") "," ACCEPT), 80, BOTH(PASSES) },
                { INPUT("drop") "," RULE(2, DPORT("'@none'") "," ACCEPT), 80, BOTH(PASSES) },
                { INPUT("drop") "," RULE(
                          2, MATCH("==", "{'concat': [" PAYLOAD("ip", "saddr") "," PAYLOAD("tcp", "dport") "]}",
                                   "'@pairs'") "," ACCEPT),
                  80, BOTH(PASSES) },
                { INPUT("drop") "," RULE(2, MATCH("<", PAYLOAD("tcp", "dport"), "100") "," ACCEPT), 80, BOTH(PASSES) },
                { INPUT("accept") "," RULE(2, SADDR("'192.0.2.1'") "," DROP), 80, BOTH(PASSES) },
                { INPUT("accept") "," RULE(2, MATCH("in", CT("state"), "'invalid'") "," DROP), 80, BOTH(PASSES) },
                { INPUT("accept") "," RULE(2, SYN_ONLY("!=") "," MATCH("in", CT("state"), "'new'") "," DROP), 80,
                  BOTH(PASSES) },
                { INPUT("accept") "," RULE(2, DPORT("80") ","
                                                          "{'ct count': {'val': 20, 'inv': true}}"
                                                          "," DROP),
                  80, BOTH(PASSES) },
                { INPUT("accept") "," RULE(2, "{'quota': {'val': 1, 'val_unit': 'bytes', 'inv': true}}"
                                              "," DROP),
                  80, BOTH(PASSES) },
                { INPUT("accept") "," RULE(2, MATCH("==", "{'fib': {'result': 'oif', 'flags': ['saddr', 'iif']}}",
                                                    "false") "," DROP),
                  80, BOTH(PASSES) },
                { INPUT("accept") "," RULE(2, LIMIT(3) ","
                                                       "{'log': {'prefix': 'new'}}"),
                  80, BOTH(PASSES) },
                { INPUT("accept") "," RULE(2, DPORT("80") ","
                                                          "{'notrack': null}") "," RULE(3, MATCH("in", CT("state"),
                                                                                                 "'new'") "," DROP),
                  80, BOTH(PASSES) },
                /* Before connection tracking has seen it, its state is none. */
                { BASE("prerouting", -300, "accept") "," RULE_IN("prerouting", 2,
                                                                 MATCH("in", CT("state"), "'new'") "," DROP),
                  80, BOTH(PASSES) },
                /* A port that is rewritten to is not the one that comes in. */
                { BASE("prerouting", -150, "accept") "," RULE_IN(
                          "prerouting", 2,
                          DPORT("8080") "," DROP) ","
                                                  "{'chain': {'family': 'ip', 'table': 'nat', 'name': 'pre', 'type': 'nat', 'hook': 'prerouting', 'prio': -100, 'policy': 'accept'}}"
                                                  ","
                                                  "{'rule': {'family': 'ip', 'table': 'nat', 'chain': 'pre', 'handle': 5, 'expr': [" DPORT(
                                                          "80") ", {'redirect': {'port': 8080}}]}}",
                  8080, BOTH(PASSES) },
                { INPUT("drop") ","
                                "{'chain': {'family': 'inet', 'table': 'nat', 'name': 'pre', 'type': 'nat', 'hook': 'prerouting', 'prio': -100, 'policy': 'accept'}}"
                                ","
                                "{'rule': {'family': 'inet', 'table': 'nat', 'chain': 'pre', 'handle': 5, 'expr': [" DPORT(
                                        "80") ", {'dnat': {'addr': '172.17.0.2'}}]}}",
                  80, BOTH(PASSES) },
                /* synwardd's own, a device's, a bridge's, one that is no hook before a listener. */
                { "{'chain': {'family': 'inet', 'table': 'synward', 'name': 'in', 'type': 'filter', 'hook': 'input', 'prio': 0, 'policy': 'drop'}}",
                  80, BOTH(PASSES) },
                { "{'chain': {'family': 'netdev', 'table': 'x', 'name': 'in', 'type': 'filter', 'hook': 'ingress', 'dev': 'eth0', 'prio': 0, 'policy': 'drop'}}",
                  80, BOTH(PASSES) },
                { "{'chain': {'family': 'bridge', 'table': 'x', 'name': 'in', 'type': 'filter', 'hook': 'input', 'prio': 0, 'policy': 'drop'}}",
                  80, BOTH(PASSES) },
                { BASE("forward", 0, "drop") "," BASE("output", 0, "drop"), 80, BOTH(PASSES) },
                { CHAIN("alone") "," RULE_IN("alone", 2, DROP), 80, BOTH(PASSES) },
        };

        CHECK_ALL(cases);
}

static void limited_ports(void **state) {
        static const struct fate_case cases[] = {
                { INPUT("accept") "," RULE(2, SYN_ONLY("==") "," OVER(25) "," DROP), 80, BOTH(LIMITED) },
                { INPUT("drop") "," RULE(2, DPORT("80") "," LIMIT(25) "," ACCEPT), 80, BOTH(LIMITED) },
                { INPUT("accept") "," RULE(2, DPORT("80") "," LIMIT(25) "," ACCEPT), 80, BOTH(PASSES) },
                { INPUT("accept") "," RULE(2, DPORT("81") "," OVER(25) "," DROP), 80, BOTH(PASSES) },
                { INPUT("accept") "," RULE(2, SADDR("'192.0.2.1'") "," OVER(25) "," DROP), 80, BOTH(PASSES) },
                /* Who is let through before it, is none of those that it limits. */
                { INPUT("accept") "," RULE(2, SADDR("'192.0.2.1'") "," ACCEPT) "," RULE(3, OVER(25) "," DROP), 80,
                  BOTH(LIMITED) },
                { INPUT("accept") "," RULE(2, ACCEPT) "," RULE(3, OVER(25) "," DROP), 80, BOTH(PASSES) },
                /* A chain for it, as many have one. */
                { INPUT("accept") "," CHAIN("syns") "," RULE(2, SYN_ONLY("==") "," JUMP("syns")) "," RULE_IN(
                          "syns", 3, LIMIT(25) "," RETURN) "," RULE_IN("syns", 4, DROP),
                  80, BOTH(LIMITED) },
                { INPUT("accept") "," CHAIN(
                          "bad") "," RULE(2, SYN_ONLY("==") "," OVER(25) "," JUMP("bad")) "," RULE_IN("bad", 3, DROP),
                  80, BOTH(LIMITED) },
                { INPUT("accept") "," CHAIN("noted") "," RULE(
                          2, SYN_ONLY("==") "," OVER(25) "," JUMP("noted")) "," RULE_IN("noted", 3, "{'log': null}"),
                  80, BOTH(PASSES) },
                /* Of each source; with others of a key; and by no source, which is of all that come to a listener. */
                { INPUT("accept") "," RULE(
                          2, "{'meter': {'key': {'concat': [" PAYLOAD("ip", "saddr") "," PAYLOAD(
                                     "tcp", "dport") "]}, 'stmt': " OVER(10) ", 'size': 9, 'name': 'm'}}," DROP),
                  80, BOTH(LIMITED_EACH) },
                { INPUT("accept") "," RULE(
                          2, "{'meter': {'key': {'&': [" PAYLOAD("ip", "saddr") ",'255.255.255.0']}, 'stmt': " OVER(
                                     10) ", 'size': 9, 'name': 'm'}}," DROP),
                  80, BOTH(LIMITED_EACH) },
                { INPUT("accept") "," RULE(
                          2, "{'set': {'op': 'add', 'elem': {'elem': {'val': " PAYLOAD(
                                     "ip", "saddr") ", 'timeout': 60}}, 'set': '@s', 'stmt': [" OVER(10) "]}}," DROP),
                  80, BOTH(LIMITED_EACH) },
                { INPUT("accept") "," RULE(2, "{'meter': {'key': " PAYLOAD("ip", "daddr") ", 'stmt': " OVER(
                                                      10) ", 'size': 9, 'name': 'm'}}," DROP),
                  80, BOTH(LIMITED) },
                { INPUT("accept") "," RULE(2, DPORT("80") ",{'set': {'op': 'add', 'elem': " PAYLOAD(
                                                      "ip", "saddr") ", 'set': '@s', 'stmt': [" OVER(10) "]}}," DROP),
                  80, BOTH(LIMITED_EACH) },
                { INPUT("accept") "," RULE(2,
                                           DPORT("80") ",{'meter': {'key': " PAYLOAD("ip", "saddr") ", 'stmt': " OVER(
                                                   10) ", 'size': 9, 'name': 'm'}}," DROP),
                  80, BOTH(LIMITED_EACH) },
                { INPUT("accept") "," RULE(
                          2, DPORT("80") ",{'set': {'op': 'add', 'elem': " PAYLOAD("ip", "saddr") ", 'set': '@s'}}"),
                  80, BOTH(PASSES) },
                { INPUT("accept") "," RULE(
                          2, DPORT("80") ",{'set': {'op': 'add', 'elem': " PAYLOAD(
                                     "ip",
                                     "saddr") ", 'set': '@s', 'stmt': [{'ct count': {'val': 9, 'inv': true}}]}}," DROP),
                  80, BOTH(PASSES) },
                { IP_TABLE("accept") "," IP_RULE(2,
                                                 SYN_ONLY("==") "," XT("match", "hashlimit") "," COUNTER(1) "," DROP),
                  80, RULESET_LIMITED_EACH, RULESET_PASSES },
                { IP_TABLE("drop") "," IP_RULE(2, SYN_ONLY("==") "," XT("match", "hashlimit") "," ACCEPT), 80,
                  RULESET_LIMITED_EACH, RULESET_PASSES },
        };

        CHECK_ALL(cases);
}

static void chains_and_maps(void **state) {
#define VMAP(key, pairs) "{'vmap': {'key': " key ", 'data': {'set': [" pairs "]}}}"
        static const struct fate_case cases[] = {
                { INPUT("drop") "," RULE(2, VMAP(CT("state"), "['established', " ACCEPT "], ['related', " ACCEPT
                                                              "], ['invalid', " DROP "]")),
                  80, BOTH(CLOSED) },
                { INPUT("drop") "," RULE(2, VMAP(CT("state"), "['established', " ACCEPT "], ['new', " ACCEPT "]")), 80,
                  BOTH(PASSES) },
                { INPUT("accept") "," RULE(2, VMAP(PAYLOAD("tcp", "dport"), "[22, " ACCEPT "], [80, " DROP "]")), 80,
                  BOTH(CLOSED) },
                { INPUT("accept") "," RULE(2, VMAP(PAYLOAD("tcp", "dport"), "[22, " ACCEPT "], [80, " DROP "]")), 22,
                  BOTH(PASSES) },
                { INPUT("drop") "," RULE(2, VMAP(PAYLOAD("ip", "saddr"), "['192.0.2.1', " ACCEPT "]")), 80,
                  RULESET_PASSES, RULESET_CLOSED },
                { INPUT("drop") ","
                                "{'map': {" IN
                                "'name': 'ports', 'type': 'inet_service', 'map': 'verdict', 'elem': [[22, " DROP
                                "], [{'range': [80, 90]}, " JUMP(
                                        "web") "]]}}"
                                               "," CHAIN("web") "," RULE(
                                                       2, "{'vmap': {'key': " PAYLOAD(
                                                                  "tcp",
                                                                  "dport") ", 'data': '@ports'}}") "," RULE_IN("web", 3,
                                                                                                               ACCEPT),
                  85, BOTH(PASSES) },
                { INPUT("drop") ","
                                "{'set': {" IN
                                "'name': 'ports', 'type': 'inet_service', 'elem': [80, {'elem': {'val': 443, 'comment': 'x'}}]}}"
                                "," RULE(2, DPORT("'@ports'") "," ACCEPT),
                  443, BOTH(PASSES) },
                { INPUT("drop") ","
                                "{'set': {" IN "'name': 'ports', 'type': 'inet_service', 'elem': [80, 443]}}"
                                "," RULE(2, DPORT("'@ports'") "," ACCEPT),
                  22, BOTH(CLOSED) },
                { INPUT("drop") ","
                                "{'set': {" IN "'name': 'ports', 'type': 'inet_service'}}"
                                "," RULE(2, DPORT("'@ports'") "," ACCEPT),
                  22, BOTH(CLOSED) },
                /* jump comes back, goto does not. */
                { INPUT("accept") "," CHAIN(
                          "a") "," RULE(2, JUMP("a")) "," RULE(3, DROP) "," RULE_IN("a", 4, DPORT("22") "," ACCEPT),
                  80, BOTH(CLOSED) },
                { INPUT("accept") "," CHAIN(
                          "a") "," RULE(2, GOTO("a")) "," RULE(3, DROP) "," RULE_IN("a", 4, DPORT("22") "," ACCEPT),
                  80, BOTH(PASSES) },
                { INPUT("accept") "," CHAIN("a") "," RULE(2, JUMP("a")) "," RULE_IN(
                          "a", 4, DPORT("80") "," RETURN) "," RULE_IN("a", 5, DROP),
                  80, BOTH(PASSES) },
                { INPUT("accept") "," CHAIN("a") "," RULE(2, JUMP("a")) "," RULE_IN(
                          "a", 4, DPORT("80") "," RETURN) "," RULE_IN("a", 5, DROP),
                  81, BOTH(CLOSED) },
                /* No kernel lists it; it ends. */
                { INPUT("drop") "," RULE(2, JUMP("input")) "," RULE(3, JUMP("input")), 80, BOTH(UNCLEAR) },
        };

        CHECK_ALL(cases);
}

/* Of what iptables wrote some is listed by name only. */
static void not_understood(void **state) {
        static const struct fate_case cases[] = {
                { IP_TABLE("drop") "," IP_RULE(2, XT("match", "conntrack") "," ACCEPT), 80, RULESET_UNCLEAR,
                  RULESET_PASSES },
                { IP_TABLE("accept") "," IP_RULE(2, XT("match", "conntrack") "," DROP), 80, BOTH(PASSES) },
                { IP_TABLE("drop") "," IP_RULE(2, XT("match", "comment") "," DPORT("22") "," ACCEPT), 80,
                  RULESET_CLOSED, RULESET_PASSES },
                { IP_TABLE("drop") "," IP_RULE(2, DPORT("80") "," XT("match", "conntrack") "," LIMIT(25) "," ACCEPT),
                  80, RULESET_UNCLEAR, RULESET_PASSES },
                { IP_TABLE("accept") "," IP_RULE(2, DPORT("80") "," XT("target", "REJECT")), 80, RULESET_CLOSED,
                  RULESET_PASSES },
                { IP_TABLE("accept") "," IP_RULE(2, DPORT("80") "," XT("target", "LOG") "," DROP), 80, RULESET_CLOSED,
                  RULESET_PASSES },
                { IP_TABLE("drop") "," IP_RULE(2, DPORT("80") "," XT("target", "SYNPROXY")), 80, BOTH(PASSES) },
                { INPUT("drop") "," RULE(2, DPORT("80") ",{'synproxy': {'mss': 1460}}"), 80, BOTH(UNCLEAR) },
                { INPUT("drop") "," RULE(2, DPORT("80") ",{'queue': {'num': 0}}"), 80, BOTH(UNCLEAR) },
                { INPUT("drop") "," RULE(2, "{'xt': null}"), 80, BOTH(UNCLEAR) },
                { INPUT("drop") "," RULE(2, "null"), 80, BOTH(UNCLEAR) },
        };

        CHECK_ALL(cases);
}

static void wrong_documents(void **state) {
        static const char *const texts[] = { "{}", "[]", "{\"nftables\": {}}", "{\"nftables\": 1}" };
        struct ruleset *r = NULL;

        for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
                json_t *list = json_loads(texts[i], 0, NULL);

                assert_int_equal(ruleset_new(list, &r), -EBADMSG);
                json_decref(list);
        }
        assert_null(r);
}

/* --- what is told ------------------------------------------------------------------------ */

static struct advice_list told;

static const struct advice *advise(const char *objects, const struct listening *list, int count, const char *id) {
        struct ruleset *r = read_rules(objects);

        told.count = 0;
        firewall_advise(r, 0, "", list, count, &told);
        ruleset_free(r);
        return advice_find(&told, id);
}

static void told_of_closed(void **state) {
        static const struct listening list[] = { { .address = "0.0.0.0:80" },
                                                 { .address = "0.0.0.0:80" },
                                                 { .address = "[::]:443" },
                                                 { .address = "127.0.0.1:25", .loopback = 1 } };
        const struct advice *a = advise(INPUT("accept") "," RULE(12, COUNTER(34) "," DROP), list, 4, "firewall_drops");

        assert_non_null(a);
        assert_int_equal(told.count, 1);
        assert_int_equal(a->severity, ADVICE_INFO);
        assert_string_equal(a->command, "");
        assert_non_null(strstr(a->why, "0.0.0.0:80, [::]:443: no new connection"));
        assert_non_null(strstr(a->why, "rule 12 (chain inet filter input, by its counter 34 packets so far)"));
        assert_non_null(strstr(a->why, "nft -a list chain inet filter input."));
        a = advise(INPUT("drop"), list, 1, "firewall_drops");
        assert_non_null(strstr(a->why, "the policy of chain inet filter input drops"));
        a = advise(INPUT("accept"), list, 4, "firewall");
        assert_int_equal(told.count, 1);
        assert_int_equal(a->severity, ADVICE_FINE);
}

/* It may take IPv4 as well, so one of both is not enough; of a limit it is. */
static void told_of_both_families(void **state) {
        static const struct listening any = { .address = "[::]:80" }, one = { .address = "[2001:db8::1]:80" };
#define SIX(expr) RULE(2, MATCH("==", META("nfproto"), "'ipv6'") "," expr)
#define FOUR(expr) RULE(3, MATCH("==", META("nfproto"), "'ipv4'") "," expr)

        assert_null(advise(INPUT("accept") "," SIX(DROP), &any, 1, "firewall_drops"));
        assert_null(advise(INPUT("accept") "," FOUR(DROP), &any, 1, "firewall_drops"));
        assert_non_null(advise(INPUT("accept") "," SIX(DROP) "," FOUR(DROP), &any, 1, "firewall_drops"));
        assert_non_null(advise(INPUT("accept") "," SIX(DROP), &one, 1, "firewall_drops"));
        assert_non_null(advise(INPUT("accept") "," FOUR(OVER(9) "," DROP), &any, 1, "firewall_limits"));
        assert_non_null(advise(INPUT("accept") "," SIX(OVER(9) "," DROP), &any, 1, "firewall_limits"));
}

static void told_of_limits(void **state) {
        static const struct listening list = { .address = "0.0.0.0:80" };
        const struct advice *a = advise(INPUT("accept") "," RULE(12, SYN_ONLY("==") "," OVER(25) "," DROP), &list, 1,
                                        "firewall_limits");

        assert_non_null(a);
        assert_int_equal(a->severity, ADVICE_WARNING);
        assert_non_null(
                strstr(a->why, "0.0.0.0:80: rule 12 (chain inet filter input) lets 25 SYNs a second pass, whoever"));
        /* Not the rule that only notes some. */
        a = advise(INPUT("accept") "," CHAIN("noted") "," RULE(11, LIMIT(3) "," JUMP("noted")) "," RULE_IN(
                           "noted", 13, "{'log': null}") "," RULE(12, OVER(25) "," DROP),
                   &list, 1, "firewall_limits");
        assert_non_null(strstr(a->why, "rule 12 (chain inet filter input) lets 25 SYNs a second"));
        a = advise(
                INPUT("accept") "," RULE(
                        12,
                        "{'limit': {'rate': 10, 'burst': 0, 'per': 'minute', 'inv': true, 'rate_unit': 'mbytes'}}," DROP),
                &list, 1, "firewall_limits");
        assert_non_null(strstr(a->why, "lets 10 mbytes a minute pass"));
        a = advise(IP_TABLE("accept") "," IP_RULE(3, XT("match", "hashlimit") "," DROP), &list, 1,
                   "firewall_limits_each");
        assert_int_equal(a->severity, ADVICE_INFO);
        assert_non_null(strstr(a->why, "lets a rate of each (of what, its hashlimit-mode says) pass"));
        a = advise(IP_TABLE("drop") "," IP_RULE(3, XT("match", "multiport") "," ACCEPT), &list, 1, "firewall_unclear");
        assert_int_equal(a->severity, ADVICE_INFO);
        assert_int_equal(told.count, 1);
}

/* However many, and however long their names: it ends with the command. */
static void told_of_many(void **state) {
        static struct listening list[300];
        const struct advice *a;

        for (unsigned i = 0; i < 300; i++)
                snprintf(list[i].address, sizeof list[i].address, "[2001:db8:1234:5678:9abc:def0:1234:%x]:%u", 4096 + i,
                         50000 + i);
        a = advise(
                "{'chain': {'family': 'inet', 'table': 'a-table-with-a-rather-long-name-is-here', 'name': 'a-chain-with-a-rather-long-name-is-here-', 'type': 'filter', 'hook': 'input', 'prio': 0, 'policy': 'drop'}}",
                list, 300, "firewall_drops");
        assert_non_null(a);
        assert_non_null(strstr(a->why, " and 298 more: "));
        assert_string_equal(a->why + strlen(a->why) - strlen("-is-here-."), "-is-here-.");
        assert_int_equal(told.count, 1);
}

static void told_what_is_not_known(void **state) {
        static const struct {
                int error;
                const char *words;
        } cases[] = { { -EPERM, "takes root" },
                      { -EMSGSIZE, "64 MiB" },
                      { -ENOMEM, "memory" },
                      { -ENOENT, "no nft" },
                      { -EBADMSG, "cannot list" } };

        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
                told.count = 0;
                firewall_advise(NULL, cases[i].error, "", NULL, 0, &told);
                assert_int_equal(told.count, 1);
                assert_non_null(strstr(advice_find(&told, "firewall_unseen")->why, cases[i].words));
        }
        told.count = 0;
        firewall_advise(NULL, -EPERM, "filter, mangle", NULL, 0, &told);
        assert_non_null(strstr(advice_find(&told, "firewall_legacy")->why, "filter, mangle: "));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(closed_ports),           cmocka_unit_test(open_ports),
                cmocka_unit_test(limited_ports),          cmocka_unit_test(chains_and_maps),
                cmocka_unit_test(not_understood),         cmocka_unit_test(wrong_documents),
                cmocka_unit_test(told_of_closed),         cmocka_unit_test(told_of_both_families),
                cmocka_unit_test(told_of_limits),         cmocka_unit_test(told_of_many),
                cmocka_unit_test(told_what_is_not_known),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
