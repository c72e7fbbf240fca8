/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "blocking.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "actions/block.h"
#include "actions/block_guard.h"
#include "actions/known_clients_file.h"
#include "core/block_news.h"
#include "core/block_policy.h"
#include "util/log.h"
#include "util/trouble.h"

/* An entry that could not be made is tried again after this. */
#define RETRY_US UINT64_C(10000000)
/* Who is never blocked is looked up anew after this. */
#define GATHER_US UINT64_C(60000000)
/* So often the known clients are written down. */
#define SAVE_US UINT64_C(600000000)

struct blocking {
        const struct settings *settings;
        struct scribe_client *scribe;
        struct peer_counter *peers;
        const char *state_dir;
        blocking_event_fn *on_event;
        void *userdata;

        struct block *block;
        struct block_policy *policy;
        struct block_guard guard;
        struct block_protected protect;
        uint64_t gathered_us; /* when protect was, to the end; 0: never */
        uint64_t now_us;      /* of the last step */
        struct trouble trouble, clients_trouble;
        struct block_change changes[BLOCK_CHANGES_MAX];
        struct block_news news;
        uint32_t hooks; /* rules whose hook was told of someone blocked */

        struct known_clients *clients;
        bool clients_loaded;
        uint64_t saved_us; /* 0: never */
};

static int new_clients(struct blocking *b) {
        struct keyed_hash key;

        if (getrandom(&key, sizeof key, 0) != sizeof key)
                return -EIO;
        return known_clients_new(&key, b->settings->block.known_for_us, 0, &b->clients);
}

int blocking_new(const struct settings *settings, struct privileged *privileged, struct scribe_client *scribe,
                 struct peer_counter *peers, const char *state_dir, blocking_event_fn *on_event, void *userdata,
                 struct blocking **ret) {
        struct blocking *b = calloc(1, sizeof *b);
        int r;

        if (!b)
                return -ENOMEM;
        b->settings = settings;
        b->scribe = scribe;
        b->peers = peers;
        b->state_dir = state_dir;
        b->on_event = on_event;
        b->userdata = userdata;
        r = new_clients(b);
        if (r >= 0)
                r = block_new(privileged, &b->block);
        if (r >= 0) {
                b->policy = block_policy_new(settings, b->clients);
                r = b->policy ? 0 : -ENOMEM;
        }
        if (r < 0) {
                blocking_free(b);
                return r;
        }
        *ret = b;
        return 0;
}

struct blocking *blocking_free(struct blocking *b) {
        if (!b)
                return NULL;
        block_policy_free(b->policy);
        block_guard_end(&b->guard);
        block_free(b->block);
        known_clients_free(b->clients);
        free(b);
        return NULL;
}

/* Hooks beside a `block`: they keep somebody else's list. */
static uint32_t hooks_of_block(const struct settings *s, uint32_t rules) {
        for (uint32_t i = 0; i < SETTINGS_RULES_MAX; i++)
                if (i >= s->rules_count || !s->rules[i].block || !s->rules[i].hook.argc)
                        rules &= ~(UINT32_C(1) << i);
        return rules;
}

int blocking_configure(struct blocking *b, const struct settings *settings, bool dry_run, bool was_dry_run) {
        int r = block_policy_configure(b->policy, settings);

        if (r < 0)
                return r;
        b->hooks = hooks_of_block(settings, settings_same_hooks(b->settings, settings, b->hooks));
        b->settings = settings;
        known_clients_remember_for(b->clients, settings->block.known_for_us);
        /* What was only pretended is not in the kernel, and what is there is not pretended. */
        if (dry_run != was_dry_run)
                block_policy_let_go(b->policy, "the mode was changed");
        return 0;
}

/* --- known clients ---------------------------------------------------------------- */

static void note_clients(struct blocking *b, const char *what, int error) {
        enum trouble_news news = trouble_note(&b->clients_trouble, error);

        if (news == TROUBLE_BEGAN)
                log_warning("Known clients in %s: cannot %s: %s, ignoring: who was a client before the next "
                            "start is not known then",
                            b->state_dir, what, strerror(-error));
        else if (news == TROUBLE_OVER)
                log_notice("Known clients are kept again");
}

static void load_clients(struct blocking *b) {
        int r = known_clients_file_load(b->state_dir, b->clients, b->now_us);

        b->clients_loaded = true;
        b->saved_us = b->now_us;
        if (r < 0 && r != -ENOENT)
                note_clients(b, "read", r);
}

void blocking_clients_saved(struct blocking *b, int result) {
        note_clients(b, "write", result);
}

static void save_clients(struct blocking *b) {
        struct scribe_order o = { .operation = SCRIBE_CLIENTS, .length = (uint32_t) known_clients_size(b->clients) };
        void *bytes = malloc(o.length);
        int r = bytes ? 0 : -ENOMEM;

        /* Nothing is written where nothing was added. */
        if (bytes && known_clients_save(b->clients, bytes))
                r = scribe_client_submit(b->scribe, &o, bytes);
        free(bytes);
        if (r < 0)
                note_clients(b, "write", r);
}

static void step_clients(struct blocking *b, bool dry_run) {
        if (!b->clients_loaded)
                load_clients(b);
        known_clients_pass(b->clients, b->now_us);
        if (dry_run || b->now_us - b->saved_us < SAVE_US)
                return;
        b->saved_us = b->now_us;
        save_clients(b);
}

void blocking_stop(struct blocking *b, bool dry_run) {
        if (b->settings->block.enabled && b->clients_loaded && !dry_run)
                save_clients(b);
}

struct known_clients *blocking_clients(struct blocking *b) {
        return b->settings->block.enabled ? b->clients : NULL;
}

/* --- the list ----------------------------------------------------------------------- */

/* error: 0, or -errno for that reason. */
static void note(struct blocking *b, int error, const char *reason) {
        enum trouble_news news = trouble_note(&b->trouble, error);

        if (news == TROUBLE_BEGAN)
                log_warning("Cannot block: %s", reason);
        else if (news == TROUBLE_OVER)
                log_notice("Blocking works again");
}

static void tell(struct blocking *b, const struct decision *d, bool dry_run) {
        struct event e;

        while (block_news_take(&b->news, b->now_us, b->settings->block.timeout_us, dry_run, &e)) {
                if (e.type == EVENT_SOURCE_BLOCKED || e.type == EVENT_SOURCE_LIMITED)
                        b->hooks |= hooks_of_block(b->settings, d->incident.hooks);
                b->on_event(b->userdata, &e, b->hooks);
        }
        /* Whoever was told that someone is blocked is told when nobody is any more. */
        if (block_policy_count(b->policy) == 0)
                b->hooks = 0;
}

static int apply(struct blocking *b, const struct block_change *c, bool dry_run) {
        const struct privileged_entry e = { c->prefix, b->settings->block.timeout_us, c->limit_per_s };
        const char *reason = NULL;
        int r;

        if (c->type == BLOCK_EXPIRED || (dry_run && c->type == BLOCK_ADDED))
                return 0;
        if (c->type == BLOCK_ADDED)
                r = block_add(b->block, &e, &reason);
        else
                r = block_remove(b->block, &e, &reason);
        note(b, r < 0 ? r : 0, reason);
        return r;
}

/* Whose connections have been counted, for whoever is connected is not blocked. */
static uint32_t find_candidates(struct blocking *b, const struct block_scene *scene,
                                struct block_candidate list[static BLOCK_CANDIDATES_MAX]) {
        uint32_t count = block_policy_candidates(b->policy, scene, list);
        int r = block_guard_look(b->peers, b->now_us, list, count);

        if (r >= 0)
                return (uint32_t) r;
        note(b, r, "the connections of who would be blocked cannot be listed");
        return 0;
}

/* Drops hold for the listeners that are flooded, and as long as anybody is blocked. */
static void follow_ports(struct blocking *b, const struct engine_look *look, bool dry_run) {
        uint16_t ports[OBS_LISTENERS_MAX];
        const char *reason = NULL;
        uint32_t n = 0;
        int r;

        if (dry_run)
                return;
        for (uint32_t i = 0; i < look->verdicts.listeners_count; i++)
                if (look->decision.listeners[i].state == STATE_FLOOD)
                        ports[n++] = look->verdicts.listeners[i].key.port;
        r = block_policy_count(b->policy) ? block_add_ports(b->block, ports, n, &reason)
                                          : block_clear_ports(b->block, &reason);
        if (r < 0)
                note(b, r, reason);
}

/* What went with a keeper is made anew. */
static void follow_keeper(struct blocking *b) {
        const char *reason = NULL;
        int r = block_follow(b->block, b->policy, b->now_us, &reason);

        if (r == -EPIPE)
                block_policy_let_go(b->policy, "the privileged process is gone");
        if (r != 0)
                note(b, r < 0 ? r : 0, reason);
}

static void gather(struct blocking *b) {
        if (b->gathered_us && b->now_us - b->gathered_us < GATHER_US)
                return;
        if (!block_guard_gather(&b->guard, &b->protect))
                return;
        b->gathered_us = b->now_us;
        if (!b->protect.known)
                note(b, -ENODATA, "this host's addresses, gateways and resolvers are not all known");
}

void blocking_step(struct blocking *b, const struct observation *o, const struct engine_look *look, bool dry_run) {
        const struct block_scene scene = { .observation = o,
                                           .decision = &look->decision,
                                           .culprits = &look->verdicts.culprits,
                                           .protect = &b->protect };
        struct block_candidate candidates[BLOCK_CANDIDATES_MAX];
        uint32_t count;

        b->now_us = o->time_us;
        if (!b->settings->block.enabled && block_policy_count(b->policy) == 0 && b->news.gone.count == 0)
                return;
        step_clients(b, dry_run);
        gather(b);
        follow_keeper(b);
        count = find_candidates(b, &scene, candidates);
        count = block_policy_step(b->policy, &scene, candidates, count, b->changes);
        follow_ports(b, look, dry_run);
        for (uint32_t i = 0; i < count; i++) {
                if (apply(b, &b->changes[i], dry_run) < 0 && b->changes[i].type == BLOCK_ADDED) {
                        block_policy_forget(b->policy, &b->changes[i].prefix, o->time_us + RETRY_US);
                        continue;
                }
                if (!block_news_has_room(&b->news))
                        tell(b, &look->decision, dry_run);
                block_news_note(&b->news, &b->changes[i]);
        }
        if (block_news_due(&b->news, o->time_us))
                tell(b, &look->decision, dry_run);
}

uint32_t blocking_count(const struct blocking *b) {
        return block_policy_count(b->policy);
}

uint32_t blocking_limited(const struct blocking *b) {
        return block_policy_limited(b->policy);
}

json_t *blocking_json(const struct blocking *b) {
        return block_list_json(b->policy, b->now_us);
}
