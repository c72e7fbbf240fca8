/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sense_probe.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "sensors/probe.h"
#include "util/log.h"
#include "util/trouble.h"

struct sense_probe {
        sd_event *event;
        const struct settings *settings;
        struct probe *probe; /* NULL: not open */
        sd_event_source *io;
        struct probe_course course;
        struct trouble trouble;
};

int sense_probe_new(sd_event *event, const struct settings *settings, struct sense_probe **ret) {
        struct sense_probe *p = calloc(1, sizeof *p);

        if (!p)
                return -ENOMEM;
        p->event = event;
        p->settings = settings;
        probe_course_configure(&p->course, settings);
        *ret = p;
        return 0;
}

static void close_probe(struct sense_probe *p) {
        p->io = sd_event_source_disable_unref(p->io);
        p->probe = probe_free(p->probe);
}

struct sense_probe *sense_probe_free(struct sense_probe *p) {
        if (!p)
                return NULL;
        close_probe(p);
        free(p);
        return NULL;
}

/* What is under way to a listener that is no longer meant is of no interest. */
void sense_probe_configure(struct sense_probe *p, const struct settings *settings) {
        p->settings = settings;
        probe_course_configure(&p->course, settings);
        close_probe(p);
}

/* --- words ------------------------------------------------------------------------------ */

static const char *words_of(int error, const struct settings *s) {
        switch (-error) {
        case EAFNOSUPPORT:
                return "sockets of this family are forbidden to the daemon, or not there; under the unit it takes a "
                       "drop-in with RestrictAddressFamilies=, see PROBE in synwardd(8)";
        case ENOSYS:
        case EACCES:
                return "the daemon was started without a probe and has forbidden itself to connect: restart it";
        case EADDRNOTAVAIL:
                return address_is_wildcard(&s->probe.from.address) ? "no address or port to connect from"
                                                                   : "probe.from is no address of this host";
        case EPERM:
                return "a packet filter, or IPAddressDeny= of the unit, forbids it, see PROBE in synwardd(8)";
        case ENETUNREACH:
        case EHOSTUNREACH:
                return "there is no route to probe.listener: is it an address of this host?";
        }
        return strerror(-error);
}

static void fail(struct sense_probe *p, int error) {
        const char *why = words_of(error, p->settings);

        probe_course_end(&p->course, OBS_PROBE_FAILED, 0, why);
        if (trouble_note(&p->trouble, error) == TROUBLE_BEGAN)
                log_warning("The probe cannot be tried: %s", why);
}

/* --- attempts ----------------------------------------------------------------------------- */

/* A packet that the unit's filter drops on its way out is told to nobody: SYNs seem to be lost. */
static const char never_answered[] =
        "none was answered since the start: a packet filter, or IPAddressDeny= of the unit, "
        "may drop them, see PROBE in synwardd(8)";
enum { NEVER_AFTER = 3 };

static bool is_never_answered(const struct probe_told *t) {
        return t->ended[OBS_PROBE_CONNECTED] + t->ended[OBS_PROBE_REFUSED] == 0 &&
               t->ended[OBS_PROBE_TIMED_OUT] + 1 >= NEVER_AFTER;
}

static void take_in(struct sense_probe *p, const struct probe_end *e) {
        enum obs_probe_result result = e->error == 0            ? OBS_PROBE_CONNECTED
                                       : e->error == -ETIMEDOUT ? OBS_PROBE_TIMED_OUT
                                                                : OBS_PROBE_REFUSED;

        probe_course_end(&p->course, result, e->took_us,
                         result == OBS_PROBE_TIMED_OUT && is_never_answered(&p->course.told) ? never_answered : NULL);
        if (trouble_note(&p->trouble, 0) == TROUBLE_OVER)
                log_notice("The probe can be tried again");
}

static void receive(struct sense_probe *p, uint64_t now_us) {
        struct probe_end e;

        while (p->probe && probe_ended(p->probe, p->settings->probe.timeout_us, now_us, &e))
                take_in(p, &e);
}

static int on_readable(sd_event_source *source, int fd, uint32_t events, void *userdata) {
        struct sense_probe *p = userdata;
        uint64_t now_us;

        (void) source;
        (void) fd;
        (void) events;
        if (sd_event_now(p->event, CLOCK_BOOTTIME, &now_us) >= 0)
                receive(p, now_us);
        return 0;
}

static int open_probe(struct sense_probe *p) {
        int r;

        if (p->probe)
                return 0;
        r = probe_new(&p->probe);
        if (r >= 0)
                r = sd_event_add_io(p->event, &p->io, probe_fd(p->probe), EPOLLIN, on_readable, p);
        if (r < 0)
                close_probe(p);
        return r;
}

static void begin(struct sense_probe *p, uint64_t now_us) {
        int r = open_probe(p);

        if (r >= 0)
                r = probe_begin(p->probe, &p->settings->probe.listener, &p->settings->probe.from.address, now_us);
        if (r == -EBUSY)
                p->course.told.skipped++;
        else if (r < 0)
                fail(p, r);
}

void sense_probe_observe(struct sense_probe *p, struct observation *o, bool pressing) {
        if (!p->course.told.on)
                return;
        receive(p, o->time_us);
        if (probe_course_is_due(&p->course, p->settings, pressing, o->time_us))
                begin(p, o->time_us);
        o->probe = probe_course_take(&p->course);
        o->known |= OBS_K_PROBE;
}

const struct probe_told *sense_probe_told(const struct sense_probe *p) {
        return &p->course.told;
}
