/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "ctl/ruleset_match.h"

#include <string.h>

enum {
        DEPTH_MAX = 8, /* of sets in elements in sets; listed are two */
        PROTOCOL_TCP = 6,
        FLAG_SYN = 0x02,
};

/* What the left side of a match reads. */
enum subject {
        SUBJECT_OTHER, /* what differs from SYN to SYN */
        SUBJECT_NEVER, /* of another protocol than a SYN's */
        SUBJECT_PORT,
        SUBJECT_PROTOCOL,
        SUBJECT_FAMILY,
        SUBJECT_FLAGS,
        SUBJECT_STATE,
        SUBJECT_STATUS,
        SUBJECT_INTERFACE,
        SUBJECT_PACKET,
};

enum answer { ANSWER_NO, ANSWER_YES, ANSWER_UNCLEAR };

struct asked {
        enum subject subject;
        unsigned flags; /* those of the SYN that are looked at */
        const struct syn *syn;
        syn_match_set_fn *set;
        void *userdata;
};

static bool is_among(const char *word, const char *const *words) {
        for (; word && *words; words++)
                if (strcmp(word, *words) == 0)
                        return true;
        return false;
}

static const char *text_of(const json_t *object, const char *key) {
        return json_string_value(json_object_get(object, key));
}

/* A match on a header's field holds for packets with that header only. */
static enum subject read_payload(const json_t *payload, const struct syn *syn) {
        static const char *const others[] = { "udp",  "udplite", "sctp", "dccp", "icmp", "icmpv6",
                                              "igmp", "esp",     "ah",   "comp", "arp",  NULL };
        const char *protocol = text_of(payload, "protocol"), *field = text_of(payload, "field");

        if (!protocol || !field)
                return SUBJECT_OTHER;
        if (is_among(protocol, others) || strcmp(protocol, syn->six ? "ip" : "ip6") == 0)
                return SUBJECT_NEVER;
        if ((strcmp(protocol, "tcp") == 0 || strcmp(protocol, "th") == 0) && strcmp(field, "dport") == 0)
                return SUBJECT_PORT;
        if (strcmp(protocol, "tcp") == 0 && strcmp(field, "flags") == 0)
                return SUBJECT_FLAGS;
        /* IPv6 may have other headers in between; who sends SYNs by such is none of the many. */
        if ((strcmp(protocol, "ip") == 0 && strcmp(field, "protocol") == 0) ||
            (strcmp(protocol, "ip6") == 0 && strcmp(field, "nexthdr") == 0))
                return SUBJECT_PROTOCOL;
        return SUBJECT_OTHER;
}

static enum subject read_meta(const json_t *meta) {
        static const struct {
                const char *key;
                enum subject subject;
        } keys[] = {
                { "l4proto", SUBJECT_PROTOCOL }, { "nfproto", SUBJECT_FAMILY },    { "protocol", SUBJECT_FAMILY },
                { "iif", SUBJECT_INTERFACE },    { "iifname", SUBJECT_INTERFACE }, { "pkttype", SUBJECT_PACKET },
        };
        const char *key = text_of(meta, "key");

        for (size_t i = 0; key && i < sizeof keys / sizeof *keys; i++)
                if (strcmp(key, keys[i].key) == 0)
                        return keys[i].subject;
        return SUBJECT_OTHER;
}

static enum subject read_subject(const json_t *left, const struct syn *syn) {
        const json_t *ct = json_object_get(left, "ct");
        const char *key = text_of(ct, "key");

        if (json_object_get(left, "payload"))
                return read_payload(json_object_get(left, "payload"), syn);
        if (json_object_get(left, "meta"))
                return read_meta(json_object_get(left, "meta"));
        if (key && strcmp(key, "state") == 0)
                return SUBJECT_STATE;
        if (key && strcmp(key, "status") == 0)
                return SUBJECT_STATUS;
        return SUBJECT_OTHER;
}

/* The bits of "syn", of [ "fin", "syn" ] or of { "|": [ "fin", "syn" ] }. */
static bool read_flags(const json_t *value, unsigned *flags, int depth) {
        static const char *const names[] = { "fin", "syn", "rst", "psh", "ack", "urg", "ecn", "cwr" };
        const json_t *list = json_is_object(value) ? json_object_get(value, "|") : value, *one;
        size_t index;

        if (depth == DEPTH_MAX)
                return false;
        if (json_is_integer(list) && json_integer_value(list) >= 0 && json_integer_value(list) <= UINT8_MAX) {
                *flags |= (unsigned) json_integer_value(list);
                return true;
        }
        for (unsigned i = 0; json_is_string(list) && i < sizeof names / sizeof *names; i++)
                if (strcmp(json_string_value(list), names[i]) == 0) {
                        *flags |= 1U << i;
                        return true;
                }
        if (!json_is_array(list))
                return false;
        json_array_foreach(list, index, one)
                if (!read_flags(one, flags, depth + 1))
                        return false;
        return true;
}

static enum answer answer_of(bool holds) {
        return holds ? ANSWER_YES : ANSWER_NO;
}

/* A name that is not known here may stand for the same. */
static enum answer ask_word(const struct asked *a, const char *word) {
        switch (a->subject) {
        case SUBJECT_PROTOCOL:
                return answer_of(strcmp(word, "tcp") == 0);
        case SUBJECT_FAMILY:
                return answer_of(strcmp(word, a->syn->six ? "ipv6" : "ipv4") == 0 ||
                                 strcmp(word, a->syn->six ? "ip6" : "ip") == 0);
        case SUBJECT_STATE:
                if (!a->syn->tracked ||
                    (a->syn->untracks && (strcmp(word, "new") == 0 || strcmp(word, "untracked") == 0)))
                        return ANSWER_UNCLEAR;
                return answer_of(strcmp(word, "new") == 0);
        case SUBJECT_STATUS:
                return strcmp(word, "dnat") == 0 && !a->syn->rewritten ? ANSWER_NO : ANSWER_UNCLEAR;
        case SUBJECT_INTERFACE:
                return strcmp(word, "lo") == 0 ? ANSWER_NO : ANSWER_UNCLEAR;
        case SUBJECT_PACKET:
                if (strcmp(word, "host") == 0 || strcmp(word, "unicast") == 0)
                        return ANSWER_YES;
                return strcmp(word, "broadcast") == 0 || strcmp(word, "multicast") == 0 ? ANSWER_NO : ANSWER_UNCLEAR;
        case SUBJECT_OTHER:
        case SUBJECT_NEVER:
        case SUBJECT_PORT:
        case SUBJECT_FLAGS:
                break;
        }
        return ANSWER_UNCLEAR;
}

static enum answer ask_number(const struct asked *a, json_int_t first, json_int_t last) {
        json_int_t number = a->subject == SUBJECT_PORT ? a->syn->port : PROTOCOL_TCP;

        if (a->subject != SUBJECT_PORT && a->subject != SUBJECT_PROTOCOL)
                return ANSWER_UNCLEAR;
        return answer_of(first <= number && number <= last);
}

static enum answer ask(const struct asked *a, const json_t *value, int depth);

static enum answer ask_any(const struct asked *a, const json_t *values, int depth) {
        enum answer all = ANSWER_NO;
        const json_t *value;
        size_t index;

        json_array_foreach(values, index, value) {
                enum answer one = ask(a, value, depth + 1);

                if (one == ANSWER_YES)
                        return one;
                if (one == ANSWER_UNCLEAR)
                        all = one;
        }
        return all;
}

static enum answer ask_range(const struct asked *a, const json_t *range) {
        const json_t *first = json_array_get(range, 0), *last = json_array_get(range, 1);

        if (!json_is_integer(first) || !json_is_integer(last))
                return ANSWER_UNCLEAR;
        return ask_number(a, json_integer_value(first), json_integer_value(last));
}

/* Does the SYN have this value, or one of these? */
static enum answer ask(const struct asked *a, const json_t *value, int depth) {
        const char *word = json_string_value(value);
        const json_t *inner;

        if (depth == DEPTH_MAX)
                return ANSWER_UNCLEAR;
        if (a->subject == SUBJECT_NEVER)
                return ANSWER_NO;
        if (word && word[0] == '@') {
                inner = a->set(a->userdata, word + 1);
                return inner ? ask(a, inner, depth + 1) : ANSWER_UNCLEAR;
        }
        if (word)
                return ask_word(a, word);
        if (json_is_integer(value))
                return ask_number(a, json_integer_value(value), json_integer_value(value));
        if (json_is_array(value))
                return ask_any(a, value, depth);
        if ((inner = json_object_get(value, "set")))
                return ask(a, inner, depth + 1);
        if ((inner = json_object_get(value, "range")))
                return ask_range(a, inner);
        if ((inner = json_object_get(json_object_get(value, "elem"), "val")))
                return ask(a, inner, depth + 1);
        return ANSWER_UNCLEAR;
}

/* Of flags a list means their sum; it is a set that means one of several. */
static enum answer ask_flags(const struct asked *a, const json_t *value, bool any_bit) {
        const json_t *set = json_object_get(value, "set"), *one;
        unsigned flags = 0;
        size_t index;

        if (json_is_array(set)) {
                json_array_foreach(set, index, one)
                        if (ask_flags(a, one, any_bit) != ANSWER_NO)
                                return ask_flags(a, one, any_bit);
                return ANSWER_NO;
        }
        if (!read_flags(value, &flags, 0))
                return ANSWER_UNCLEAR;
        return answer_of(any_bit ? (a->flags & flags) != 0 : a->flags == flags);
}

static enum portion portion_of(enum answer answer, bool negated) {
        if (answer == ANSWER_UNCLEAR)
                return PORTION_PART;
        return (answer == ANSWER_YES) != negated ? PORTION_WHOLE : PORTION_NONE;
}

static bool is_op(const char *op, const char *other) {
        return strcmp(op, other) == 0;
}

enum portion syn_match(const json_t *match, const struct syn *syn, syn_match_set_fn *set, void *userdata) {
        const json_t *left = json_object_get(match, "left"), *right = json_object_get(match, "right");
        const json_t *masked = json_object_get(left, "&");
        const char *op = text_of(match, "op");
        struct asked a = { .syn = syn, .set = set, .userdata = userdata, .flags = FLAG_SYN };
        bool negated;

        if (!op || !right)
                return PORTION_PART;
        a.subject = read_subject(json_is_array(masked) ? json_array_get(masked, 0) : left, syn);
        if (a.subject == SUBJECT_NEVER)
                return PORTION_NONE;
        negated = is_op(op, "!=") || is_op(op, "!");
        if (!negated && !is_op(op, "==") && !is_op(op, "in"))
                return PORTION_PART;
        if (a.subject == SUBJECT_FLAGS) {
                unsigned mask = 0;

                if (masked && !read_flags(json_array_get(masked, 1), &mask, 0))
                        return PORTION_PART;
                a.flags &= masked ? mask : UINT8_MAX;
                return portion_of(ask_flags(&a, right, is_op(op, "in") || is_op(op, "!")), negated);
        }
        return portion_of(masked ? ANSWER_UNCLEAR : ask(&a, right, 0), negated);
}

enum portion syn_match_element(const json_t *key, const json_t *element, const struct syn *syn, syn_match_set_fn *set,
                               void *userdata) {
        struct asked a = {
                .subject = read_subject(key, syn), .flags = FLAG_SYN, .syn = syn, .set = set, .userdata = userdata
        };

        if (a.subject == SUBJECT_FLAGS)
                return portion_of(ask_flags(&a, element, false), false);
        return portion_of(ask(&a, element, 0), false);
}
