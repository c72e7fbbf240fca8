/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fleet_key.h"

#include <ctype.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <systemd/sd-id128.h>

#include "util/log.h"

enum {
        TEXT_MAX = 128,    /* bytes of a file; a key is 32 digits, or 36 characters with dashes */
        DIFFERENT_MIN = 8, /* digits; 1 in 27 million random keys has fewer */
};

#define REMEDY "systemd-id128 new makes one, for all hosts of the fleet"

/* Where systemd puts credentials, for a bare name. */
static int place_of(const char *name, char ret[static PATH_MAX], char *error, size_t size) {
        const char *directory = getenv("CREDENTIALS_DIRECTORY");

        if (*name == '/') {
                snprintf(ret, PATH_MAX, "%s", name);
                return 0;
        }
        if (!directory) {
                snprintf(error, size,
                         "metrics.fleet_key: no credential was handed over, and %s is the name of one: "
                         "LoadCredential=%s:FILE in the unit does it; a file is named by its whole path",
                         name, name);
                return -ENOENT;
        }
        if (snprintf(ret, PATH_MAX, "%s/%s", directory, name) < PATH_MAX)
                return 0;
        snprintf(error, size, "metrics.fleet_key: the name of the credential %s is too long", name);
        return -ENAMETOOLONG;
}

static int read_text(const char *path, char ret[static TEXT_MAX + 1]) {
        /* Neither a FIFO nor a device holds up the start. */
        int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK), r = 0;
        struct stat st;
        ssize_t n = 0;

        if (fd < 0)
                return -errno;
        if (fstat(fd, &st) < 0)
                r = -errno;
        else if (!S_ISREG(st.st_mode))
                r = -EINVAL;
        else if ((n = read(fd, ret, TEXT_MAX)) < 0)
                r = -errno;
        close(fd);
        if (r < 0)
                return r;
        if (st.st_mode & S_IROTH)
                log_warning("%s: anybody on this host may read the fleet's key: chmod o= it", path);
        while (n > 0 && isspace((unsigned char) ret[n - 1]))
                n--;
        ret[n] = '\0';
        return 0;
}

static unsigned different_digits(sd_id128_t id) {
        unsigned seen = 0;

        for (unsigned i = 0; i < sizeof id.bytes; i++)
                seen |= 1u << (id.bytes[i] >> 4) | 1u << (id.bytes[i] & 15);
        return (unsigned) __builtin_popcount(seen);
}

static int parse(const char *path, const char *text, struct siphash_key *ret, char *error, size_t size) {
        sd_id128_t id;

        if (sd_id128_from_string(text, &id) < 0) {
                snprintf(error, size, "metrics.fleet_key: %s must hold 32 hexadecimal digits and nothing else; " REMEDY,
                         path);
                return -EINVAL;
        }
        if (different_digits(id) < DIFFERENT_MIN) {
                snprintf(error, size, "metrics.fleet_key: what %s holds was not drawn by chance; " REMEDY, path);
                return -EINVAL;
        }
        memcpy(ret->words, id.bytes, sizeof ret->words);
        ret->words[0] = le64toh(ret->words[0]);
        ret->words[1] = le64toh(ret->words[1]);
        return 0;
}

int fleet_key_load(struct settings *settings, char *error, size_t size) {
        const char *name = settings->metrics.fleet_key;
        char path[PATH_MAX], text[TEXT_MAX + 1];
        int r;

        settings->metrics.key_known = false;
        if (!*name)
                return 0;
        r = place_of(name, path, error, size);
        if (r < 0)
                return r;
        r = read_text(path, text);
        if (r < 0)
                snprintf(error, size,
                         "metrics.fleet_key: %s cannot be read: %s; the daemon's user must be able to, "
                         "or LoadCredential= hands it over",
                         path, r == -EINVAL ? "no file" : strerror(-r));
        else
                r = parse(path, text, &settings->metrics.key, error, size);
        explicit_bzero(text, sizeof text);
        settings->metrics.key_known = r >= 0;
        return r;
}
