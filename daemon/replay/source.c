/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "replay/source.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "replay/recording.h"

enum { MAGIC_SIZE = 4 };

struct replay_source {
        char path[256];
        struct recording_reader *recording;
        FILE *file;       /* the recording's, to ask where it is */
        double file_size; /* 0: not known */
        struct pcap_replay *capture;
};

static const struct {
        uint8_t bytes[MAGIC_SIZE];
        const char *packer; /* NULL: a capture */
} magics[] = {
        { { 0xa1, 0xb2, 0xc3, 0xd4 }, NULL }, /* pcap, µs */
        { { 0xd4, 0xc3, 0xb2, 0xa1 }, NULL },
        { { 0xa1, 0xb2, 0x3c, 0x4d }, NULL }, /* pcap, ns */
        { { 0x4d, 0x3c, 0xb2, 0xa1 }, NULL },
        { { 0x0a, 0x0d, 0x0d, 0x0a }, NULL }, /* pcapng */
        { { 0x28, 0xb5, 0x2f, 0xfd }, "zstd" },
        { { 0xfd, '7', 'z', 'X' }, "xz" },
};

static int fail(int r, char *error, const char *path, const char *what) {
        snprintf(error, REPLAY_ERROR_MAX, "%.250s: %.380s", path, what);
        return r;
}

/* 0: a capture. */
static int look_at_magic(FILE *f, const char *path, char *error) {
        uint8_t b[MAGIC_SIZE] = { 0 };
        char what[128];

        if (fread(b, 1, sizeof b, f) == 0)
                return ferror(f) ? fail(-EIO, error, path, strerror(EIO))
                                 : fail(-EBADMSG, error, path, "there is nothing in it");
        if (b[0] == 0x1f && b[1] == 0x8b)
                return fail(-EBADMSG, error, path, "packed by gzip: unpack it first (gzip -d)");
        for (size_t i = 0; i < sizeof magics / sizeof *magics; i++) {
                if (memcmp(b, magics[i].bytes, sizeof b) != 0)
                        continue;
                if (!magics[i].packer)
                        return 0;
                snprintf(what, sizeof what, "packed by %s: unpack it first (%s -d)", magics[i].packer,
                         magics[i].packer);
                return fail(-EBADMSG, error, path, what);
        }
        return fail(-EBADMSG, error, path,
                    "neither a recording (JSON lines of synwardd --record) nor a capture (pcap, pcapng)");
}

static int open_recording(struct replay_source *s, FILE *f, bool model_given, char *error) {
        int r;

        if (model_given) {
                fclose(f);
                return fail(-EINVAL, error, s->path,
                            "a recording has the kernel's own figures; --replay-backlog, "
                            "--replay-syncookies and --replay-local are for captures");
        }
        r = recording_reader_new(f, &s->recording);
        if (r < 0) {
                fclose(f);
                return fail(r, error, s->path, strerror(-r));
        }
        s->file = f;
        return 0;
}

static int open_capture(struct replay_source *s, FILE *f, bool regular,
                        const struct pcap_replay_options *model, char *error) {
        char why[PCAP_REPLAY_ERROR_MAX];
        int r = look_at_magic(f, s->path, error);

        fclose(f);
        if (r < 0)
                return r;
        if (!regular)
                return fail(-ESPIPE, error, s->path, "a capture is read twice: save it to a file first");
        r = pcap_replay_new(s->path, model, &s->capture, why);
        if (r < 0)
                snprintf(error, REPLAY_ERROR_MAX, "%s", why);
        return r;
}

static int open_either(struct replay_source *s, const struct pcap_replay_options *model,
                       bool model_given, char *error) {
        FILE *f = fopen(s->path, "re");
        struct stat st;
        bool regular;
        int c;

        if (!f)
                return fail(-errno, error, s->path, strerror(errno));
        if (fstat(fileno(f), &st) == 0 && S_ISDIR(st.st_mode)) {
                fclose(f);
                return fail(-EISDIR, error, s->path, strerror(EISDIR));
        }
        regular = S_ISREG(st.st_mode);
        s->file_size = regular ? (double) st.st_size : 0;
        /* One character can be put back everywhere, also into a pipe. */
        c = getc(f);
        if (c != EOF)
                ungetc(c, f);
        if (c == '{')
                return open_recording(s, f, model_given, error);
        return open_capture(s, f, regular, model, error);
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

int replay_source_next(struct replay_source *s, struct observation *ret,
                       char error[static REPLAY_ERROR_MAX]) {
        char why[PCAP_REPLAY_ERROR_MAX];
        int r;

        if (s->capture) {
                r = pcap_replay_next(s->capture, ret, why);
                if (r < 0)
                        snprintf(error, REPLAY_ERROR_MAX, "%s", why); /* has the name in it */
                return r;
        }
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

bool replay_source_is_capture(const struct replay_source *s, struct pcap_replay_counts *ret_counts) {
        if (s->capture && ret_counts)
                *ret_counts = pcap_replay_counts(s->capture);
        return s->capture != NULL;
}
