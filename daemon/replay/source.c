/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "replay/source.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "replay/recording.h"

enum { MAGIC_SIZE = 4 };

struct replay_source {
        char path[256];
        struct recording_reader *recording;
        FILE *file;       /* the recording's, to ask where it is */
        double file_size; /* 0: not known */
        struct pcap_replay *capture;
};

/* By its first bytes; zeros at the end of fewer than four are not compared. */
static const struct {
        uint8_t bytes[MAGIC_SIZE];
        unsigned count;
        const char *remedy; /* NULL: a capture */
} magics[] = {
        { { 0xa1, 0xb2, 0xc3, 0xd4 }, 4, NULL }, /* pcap, µs */
        { { 0xd4, 0xc3, 0xb2, 0xa1 }, 4, NULL },
        { { 0xa1, 0xb2, 0x3c, 0x4d }, 4, NULL }, /* pcap, ns */
        { { 0x4d, 0x3c, 0xb2, 0xa1 }, 4, NULL },
        { { 0xa1, 0xb2, 0xcd, 0x34 }, 4, NULL }, /* pcap, Kuznetzov's */
        { { 0x34, 0xcd, 0xb2, 0xa1 }, 4, NULL },
        { { 0x0a, 0x0d, 0x0d, 0x0a }, 4, NULL }, /* pcapng */
        { { 0x1f, 0x8b }, 2, "packed by gzip: unpack it first (gzip -d)" },
        { { 'B', 'Z', 'h' }, 3, "packed by bzip2: unpack it first (bzip2 -d)" },
        { { 0x28, 0xb5, 0x2f, 0xfd }, 4, "packed by zstd: unpack it first (zstd -d)" },
        { { 0xfd, '7', 'z', 'X' }, 4, "packed by xz: unpack it first (xz -d)" },
        { { 0x04, 0x22, 0x4d, 0x18 }, 4, "packed by lz4: unpack it first (lz4 -d)" },
        { { 'P', 'K', 3, 4 }, 4, "a zip archive: unpack it first (unzip)" },
        { { '7', 'z', 0xbc, 0xaf }, 4, "a 7z archive: unpack it first (7z x)" },
        { { 's', 'n', 'o', 'o' }, 4, "a capture of snoop: convert it first (editcap -F pcap FILE NEW)" },
        { { 'G', 'M', 'B', 'U' }, 4, "a capture of Network Monitor: convert it first (editcap -F pcap FILE NEW)" },
        { { 'X', 'C', 'P', 0 }, 4, "a capture of NetXray: convert it first (editcap -F pcap FILE NEW)" },
};

static int fail(int r, char *error, const char *path, const char *what) {
        snprintf(error, REPLAY_ERROR_MAX, "%.250s: %.380s", path, what);
        return r;
}

static bool is_text(const uint8_t *b, size_t count) {
        for (size_t i = 0; i < count; i++)
                if ((b[i] < ' ' && b[i] != '\t' && b[i] != '\n' && b[i] != '\r') || b[i] > '~')
                        return false;
        return true;
}

/* 0: a capture. */
static int look_at_magic(const uint8_t *b, size_t count, const char *path, char *error) {
        if (count == 0)
                return fail(-EBADMSG, error, path, "there is nothing in it");
        for (size_t i = 0; i < sizeof magics / sizeof *magics; i++) {
                if (count < magics[i].count || memcmp(b, magics[i].bytes, magics[i].count) != 0)
                        continue;
                return magics[i].remedy ? fail(-EBADMSG, error, path, magics[i].remedy) : 0;
        }
        return fail(-EBADMSG, error, path,
                    is_text(b, count)
                            ? "neither a recording (JSON lines of synwardd --record) nor a capture (pcap, pcapng), "
                              "but text; a capture is written by tcpdump -w FILE"
                            : "neither a recording (JSON lines of synwardd --record) nor a capture (pcap, pcapng); "
                              "what Wireshark reads, editcap -F pcap FILE NEW converts");
}

static int open_recording(struct replay_source *s, int fd, bool model_given, char *error) {
        FILE *f;
        int r;

        if (model_given) {
                close(fd);
                return fail(-EINVAL, error, s->path,
                            "a recording has the kernel's own figures; --replay-backlog, "
                            "--replay-syncookies, --replay-local and --replay-listen are for captures");
        }
        f = fdopen(fd, "r");
        if (!f) {
                r = -errno;
                close(fd);
                return fail(r, error, s->path, strerror(-r));
        }
        ungetc('{', f); /* one character can be put back everywhere, also into a pipe */
        r = recording_reader_new(f, &s->recording);
        if (r < 0) {
                fclose(f);
                return fail(r, error, s->path, strerror(-r));
        }
        s->file = f;
        return 0;
}

static int open_capture(struct replay_source *s, int fd, const uint8_t *magic, size_t count,
                        const struct pcap_replay_options *model, char *error) {
        char why[PCAP_REPLAY_ERROR_MAX];
        int r = look_at_magic(magic, count, s->path, error);

        if (r < 0) {
                close(fd);
                return r;
        }
        lseek(fd, -(off_t) count, SEEK_CUR); /* of a pipe it fails, and they are handed over */
        r = pcap_replay_new(fd, s->path, magic, count, model, &s->capture, why);
        if (r < 0)
                snprintf(error, REPLAY_ERROR_MAX, "%s", why);
        return r;
}

/* Some at most, fewer at the end. */
static ssize_t read_some(int fd, uint8_t *ret, size_t count) {
        size_t got = 0;

        while (got < count) {
                ssize_t n = read(fd, ret + got, count - got);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;
                if (n == 0)
                        break;
                got += (size_t) n;
        }
        return (ssize_t) got;
}

static int open_either(struct replay_source *s, const struct pcap_replay_options *model, bool model_given,
                       char *error) {
        bool standard_input = strcmp(s->path, "-") == 0;
        int fd = standard_input ? dup(STDIN_FILENO) : open(s->path, O_RDONLY | O_CLOEXEC);
        uint8_t magic[MAGIC_SIZE] = { 0 };
        struct stat st;
        ssize_t n;

        if (fd < 0)
                return fail(-errno, error, s->path, strerror(errno));
        if (standard_input)
                snprintf(s->path, sizeof s->path, "standard input");
        if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
                s->file_size = (double) st.st_size;
        n = read_some(fd, magic, 1);
        if (n == 1 && magic[0] == '{')
                return open_recording(s, fd, model_given, error);
        if (n == 1) {
                ssize_t more = read_some(fd, magic + 1, sizeof magic - 1);

                n = more < 0 ? more : 1 + more;
        }
        if (n < 0) {
                close(fd);
                return fail((int) n, error, s->path, strerror((int) -n));
        }
        return open_capture(s, fd, magic, (size_t) n, model, error);
}

int replay_source_open(const char *path, const struct pcap_replay_options *model, bool model_given,
                       struct replay_source **ret, char error[static REPLAY_ERROR_MAX]) {
        struct replay_source *s;
        int r;

        if (strlen(path) >= sizeof s->path)
                return fail(-ENAMETOOLONG, error, path, strerror(ENAMETOOLONG));
        s = calloc(1, sizeof *s);
        if (!s)
                return fail(-ENOMEM, error, path, strerror(ENOMEM));
        strcpy(s->path, path);
        r = open_either(s, model, model_given, error);
        if (r < 0) {
                replay_source_free(s);
                return r;
        }
        *ret = s;
        return 0;
}

struct replay_source *replay_source_free(struct replay_source *s) {
        if (s) {
                recording_reader_free(s->recording);
                pcap_replay_free(s->capture);
        }
        free(s);
        return NULL;
}

int replay_source_next(struct replay_source *s, struct observation *ret, char error[static REPLAY_ERROR_MAX]) {
        char why[PCAP_REPLAY_ERROR_MAX];
        int r;

        if (s->capture)
                return pcap_replay_next(s->capture, ret);
        r = recording_read(s->recording, ret, why);
        return r < 0 ? fail(r, error, s->path, why) : r;
}

double replay_source_progress(const struct replay_source *s) {
        long place;

        if (s->capture)
                return pcap_replay_progress(s->capture);
        place = ftell(s->file);
        return place >= 0 && s->file_size > 0 ? fmin(1, (double) place / s->file_size) : NAN;
}

struct pcap_replay *replay_source_capture(const struct replay_source *s) {
        return s->capture;
}

const char *replay_source_name(const struct replay_source *s) {
        return s->path;
}
