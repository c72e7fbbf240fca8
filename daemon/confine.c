/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h" /* realpath */

#include "confine.h"

#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "confine/landlock.h"
#include "confine/syscalls.h"
#include "util/log.h"

enum { PLACES_MAX = 3 };

/* Where files may be made: all that a file of the configuration can be in. By what they are, for a
 * folder has many names. */
struct confine {
        bool bounded;
        bool filtered;       /* system calls are */
        bool ports_bounded;  /* by Landlock, from Linux 6.7 on */
        uint16_t probe_port; /* 0: none */
        unsigned count;
        struct {
                dev_t device;
                ino_t inode;
        } places[PLACES_MAX];
};

struct confine *confine_free(struct confine *c) {
        free(c);
        return NULL;
}

/* --- names ----------------------------------------------------------------------------- */

/* The folder that the file is in, or would be. */
static int folder_of(const char *file, char ret[static PATH_MAX]) {
        char real[PATH_MAX];

        /* What a link leads to, where it leads anywhere. */
        if (!realpath(file, real)) {
                if (errno != ENOENT || strlen(file) >= sizeof real)
                        return errno == ENOENT ? -ENAMETOOLONG : -errno;
                strcpy(real, file);
        }
        return realpath(dirname(real), ret) ? 0 : -errno;
}

/* A terminal, a pipe, /dev/null: that one, and not its folder. */
static bool is_no_file(const char *path) {
        struct stat st;

        return stat(path, &st) == 0 && !S_ISREG(st.st_mode);
}

static bool is_place(const struct confine *c, const struct stat *st) {
        for (unsigned i = 0; i < c->count; i++)
                if (c->places[i].device == st->st_dev && c->places[i].inode == st->st_ino)
                        return true;
        return false;
}

static void remember(struct confine *c, const char *path) {
        struct stat st;

        if (c->count < PLACES_MAX && stat(path, &st) == 0) {
                c->places[c->count].device = st.st_dev;
                c->places[c->count++].inode = st.st_ino;
        }
}

bool confine_may_write(const struct confine *c, const char *file) {
        char folder[PATH_MAX];
        struct stat st;

        if (!c || !c->bounded)
                return true;
        if (is_no_file(file))
                return stat(file, &st) == 0 && is_place(c, &st);
        if (folder_of(file, folder) < 0)
                return false;
        while (true) {
                if (stat(folder, &st) == 0 && is_place(c, &st))
                        return true;
                if (strcmp(folder, "/") == 0)
                        return false;
                (void) dirname(folder);
        }
}

bool confine_may_connect(const struct confine *c, uint16_t port) {
        if (!c)
                return true;
        return c->probe_port ? !c->ports_bounded || port == c->probe_port : !c->filtered && !c->ports_bounded;
}

/* --- writing --------------------------------------------------------------------------- */

static void tell(const char *path, int error) {
        log_warning("Cannot keep %s for writing: %s; what is to be written there will fail until a restart", path,
                    strerror(-error));
}

static void allow(struct confine *c, int ruleset, const char *path, enum landlock_rights rights, bool keep) {
        int r = landlock_allow(ruleset, path, rights);

        if (r < 0)
                tell(path, r);
        else if (keep)
                remember(c, path);
}

static void allow_alerts(struct confine *c, int ruleset, const char *file) {
        char folder[PATH_MAX];
        int r;

        if (is_no_file(file)) {
                allow(c, ruleset, file, LANDLOCK_WRITE, true);
                return;
        }
        r = folder_of(file, folder);
        if (r < 0)
                tell(file, r);
        else
                allow(c, ruleset, folder, LANDLOCK_ADD, true);
}

/* Who cannot make one is told when it is written to. */
static void make(const char *folder, mode_t mode) {
        if (mkdir(folder, mode) < 0)
                return;
}

/* A dry run writes nothing, and needs no folder. */
static void keep(struct confine *c, int ruleset, const char *folder, bool make_it) {
        if (make_it)
                make(folder, 0750);
        if (make_it || access(folder, F_OK) == 0)
                allow(c, ruleset, folder, LANDLOCK_KEEP, true);
}

static int bound_writing(struct confine *c, const struct confine_places *places) {
        char path[PATH_MAX];
        int ruleset = -1, r = landlock_new(&ruleset);

        if (r < 0)
                return r;
        keep(c, ruleset, places->state_dir, places->make_state);
        if (places->runtime_dir)
                keep(c, ruleset, places->runtime_dir, places->make_state);
        if (strlen(places->control) < sizeof path) {
                const char *folder = dirname(strcpy(path, places->control));

                make(folder, 0755);
                allow(c, ruleset, folder, LANDLOCK_LISTEN, false);
        }
        if (*places->alerts_file)
                allow_alerts(c, ruleset, places->alerts_file);
        (void) landlock_allow(ruleset, "/dev/null", LANDLOCK_WRITE);
        if (places->probe_port && landlock_allow_tcp(ruleset, places->probe_port) < 0)
                log_warning("Cannot keep port %u for the probe: it will fail until a restart",
                            (unsigned) places->probe_port);
        r = landlock_enforce(ruleset);
        close(ruleset);
        return r;
}

/* --- both ------------------------------------------------------------------------------ */

#ifdef CONFINE_NOTHING

struct confine *confine_apply(const struct confine_places *places) {
        (void) places, (void) bound_writing;
        log_notice("Not confined: this build is for tests");
        return NULL;
}

#else

static bool filter_syscalls(bool tcp) {
        int r = syscalls_confine(tcp);

        if (r == -EOPNOTSUPP)
                log_notice("Built without libseccomp: any system call may be used");
        else if (r < 0)
                log_warning("Cannot filter system calls: %s, going on without", strerror(-r));
        return r >= 0;
}

struct confine *confine_apply(const struct confine_places *places) {
        struct confine *c = calloc(1, sizeof *c);
        int r = c ? bound_writing(c, places) : -ENOMEM;
        bool ports_bounded, filtered;

        if (r == -ENOSYS || r == -EOPNOTSUPP)
                log_info("No Landlock here (Linux 5.13): where may be written is left to the user's rights");
        else if (r < 0)
                log_warning("Cannot bound where may be written: %s, going on without", strerror(-r));
        else
                c->bounded = true;
        ports_bounded = c && c->bounded && landlock_bounds_tcp(); /* later it cannot be asked */
        filtered = filter_syscalls(places->probe_port != 0);
        if (c) {
                c->filtered = filtered;
                c->ports_bounded = ports_bounded;
                c->probe_port = places->probe_port;
        }
        return c;
}

#endif
