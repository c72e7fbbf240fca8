/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Who may change net.ipv4.tcp_syncookies, when, and in which order.
 *
 * A state machine that does nothing itself: cookie_governor_step() names one
 * action, the caller carries it out and hands the result to
 * cookie_governor_done(). The process may die between any two of these, or
 * during an action; what is in the file then is enough to put the old value back.
 * tests/unit/test-cookie_governor_model.c walks through all such orders.
 *
 * What it keeps to:
 *  - A record with the old value is written before the first write of the sysctl. No record,
 *    no write.
 *  - Its writes are conditional on the value that it expects to find. A value
 *    it has not written is somebody else's: reported once, left alone, and
 *    taken as the new old value by the next flood, or after a reset.
 *  - From 2 to 0 by way of 1, where it stays for a cookie's life: at 2 every
 *    handshake under way hangs on a cookie, at 0 no cookie is accepted.
 *  - Putting back is never subject to the limit of changes: a change is only
 *    begun if the way back fits too. But 0 is not put back in calm while the limit
 *    would leave it to the next flood: whoever pulses must not use up the changes.
 *  - A record belongs to one life of the setting (one boot, one network
 *    namespace). After a reboot the value is what the boot made it, by
 *    sysctl.d or by default, and the record of the earlier life is void.
 *
 * What no record can tell apart: after a crash, a value that somebody else set
 * to just what the record says this program was about to write or had written.
 * It is taken for its own.
 */

#include <stdbool.h>
#include <stdint.h>

enum {
        COOKIE_EPOCH_MAX = 80,
        COOKIE_CHANGES_MAX = 32,
        COOKIE_VALUE_UNKNOWN = -1,
};

/*
 * include/net/tcp.h: a cookie is accepted for MAX_SYNCOOKIE_AGE (2) periods of
 * TCP_SYNCOOKIE_PERIOD (60 s) at most, and only for as long after the last one
 * was sent (tcp_synq_no_recent_overflow). After that 0 takes nothing from anybody.
 */
#define COOKIE_LIFE_US UINT64_C(120000000)
/* Between attempts after an action failed. */
#define COOKIE_RETRY_US UINT64_C(10000000)
#define COOKIE_RETRY_SOON_US UINT64_C(200000) /* where only memory was lacking */
/* After a restart a flood that still lasts shows itself well within this time;
 * without one the old value need not wait for the whole hold. */
#define COOKIE_ADOPT_HOLD_US UINT64_C(10000000)
#define COOKIE_HOUR_US UINT64_C(3600000000)

/* What the disk holds. */
struct cookie_record {
        bool owned;       /* false: nothing is changed, only the history counts */
        char epoch[COOKIE_EPOCH_MAX]; /* the life of the setting, see syncookies.h */
        uint8_t original; /* found before the first change; to be put back */
        uint8_t previous; /* what it was when written was decided on: original or our own */
        uint8_t written;  /* what was to be written next; perhaps it was */
        uint32_t changes_count;
        uint64_t changes_us[COOKIE_CHANGES_MAX]; /* CLOCK_BOOTTIME of changes, oldest first */
};

enum cookie_want {
        COOKIE_WANT_CALM,
        COOKIE_WANT_KEEP,  /* flood without pressure: no reason to begin, none to end */
        COOKIE_WANT_RAISE, /* flood with pressure */
};

struct cookie_input {
        uint64_t now_us;      /* CLOCK_BOOTTIME */
        int value;            /* of the sysctl now, or COOKIE_VALUE_UNKNOWN */
        enum cookie_want want;
        uint8_t flood_value;  /* 1, or 2 where the administrator asked for it */
        uint64_t hold_us;     /* calm before the old value is put back */
        uint32_t max_changes_per_hour; /* more than COOKIE_CHANGES_MAX means that many */
        bool release;         /* put back without a hold and begin nothing: stop, off, observe */
        bool reset;           /* the administrator hands a foreign value back */
};

enum cookie_action_kind {
        COOKIE_NOTHING,
        COOKIE_LOAD,    /* read the record */
        COOKIE_SAVE,    /* make action.record durable */
        COOKIE_WRITE,   /* if the value is still action.expected: write action.value */
        COOKIE_FORGET,  /* make action.record (not owned) durable, or remove the record */
        COOKIE_FOREIGN, /* report: action.expected was written by us, action.value was found */
};

enum cookie_why {
        COOKIE_WHY_NONE,
        COOKIE_WHY_FLOOD,     /* raise */
        COOKIE_WHY_CALM,      /* put back after the hold */
        COOKIE_WHY_RELEASE,   /* put back because it was asked for */
        COOKIE_WHY_STEP_DOWN, /* from 2 to 1, on the way to 0 */
        COOKIE_WHY_ABANDONED, /* forget: the change was not made after all */
        COOKIE_WHY_RESTORED,  /* forget: the old value is back */
        COOKIE_WHY_REBOOT,    /* forget: the record is of an earlier life */
        COOKIE_WHY_FOREIGN,   /* somebody else's value */
        COOKIE_WHY_LIMIT,     /* nothing: too many changes in this hour */
        COOKIE_WHY_LIFE,      /* nothing: a cookie's life has not passed */
        COOKIE_WHY_RETRY,     /* nothing: an action failed and is tried again later */
};

struct cookie_action {
        enum cookie_action_kind kind;
        enum cookie_why why;
        uint8_t expected, value, original; /* of COOKIE_WRITE and COOKIE_FOREIGN */
        uint64_t wait_until_us; /* of COOKIE_NOTHING: time alone changes nothing before; 0: never */
        struct cookie_record record;
};

struct cookie_result {
        int error; /* 0 or -errno. COOKIE_LOAD: -ENOENT if there is none; COOKIE_WRITE: -ESTALE
                    * if the value was not the expected one */
        uint8_t found; /* with -ESTALE */
        struct cookie_record loaded;
};

enum cookie_phase {
        COOKIE_PHASE_LOAD,
        COOKIE_PHASE_RECOVER,   /* an owned record was loaded; the value decides what it means */
        COOKIE_PHASE_IDLE,
        COOKIE_PHASE_ARMED,     /* record saved, raise not yet written */
        COOKIE_PHASE_HELD,      /* the value is ours */
        COOKIE_PHASE_STEPPING,  /* record saved, 1 on the way to 0 not yet written */
        COOKIE_PHASE_FOREIGN,   /* to be reported */
        COOKIE_PHASE_FORGET,
        COOKIE_PHASE_HANDS_OFF, /* until calm or reset */
};

/* A value: may be copied. The fields are cookie_governor.c's and the model test's. */
struct cookie_governor {
        enum cookie_phase phase;
        enum cookie_phase after_forget;
        enum cookie_why why_forget;
        char epoch[COOKIE_EPOCH_MAX];
        struct cookie_record record;
        uint8_t held;  /* what we believe to be there: HELD, STEPPING */
        uint8_t found; /* FOREIGN */
        uint64_t calm_at_us;    /* not put back before, nor hands on again */
        uint64_t cool_until_us; /* no 0 before */
        uint64_t write_by_us;   /* after this the saved record's time of change is too old */
        uint64_t raise_at_us;   /* no raise before: one has failed */
        uint64_t retry_at_us;   /* nothing is tried before: something else has failed */
};

/* epoch identifies the present life of the setting; it is copied. */
void cookie_governor_init(struct cookie_governor *g, const char *epoch);
/* The next action. Repeating a step without cookie_governor_done() is harmless. */
struct cookie_action cookie_governor_step(struct cookie_governor *g, const struct cookie_input *in);
/* What became of the action that the last step returned. */
void cookie_governor_done(struct cookie_governor *g, const struct cookie_input *in, const struct cookie_action *a,
                          const struct cookie_result *result);

/* Nothing of ours is left to put back: the process may end. */
bool cookie_governor_settled(const struct cookie_governor *g);
/* Nothing happens in calm: it need not be stepped. Hands off a foreign value end by stepping. */
bool cookie_governor_idle(const struct cookie_governor *g);
/* The present value is ours. */
bool cookie_governor_holds(const struct cookie_governor *g);
/* The value that will be put back, or -1 when none is held. */
int cookie_governor_original(const struct cookie_governor *g);
