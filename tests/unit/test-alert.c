/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "actions/alert.h"
#include "actions/journal_sink.h"
#include "actions/syslog_sink.h"
#include "util/log.h"

/* --- a journal that keeps the last entry ---------------------------------- */

static char journal_text[8192];
static unsigned journal_entries;
static int journal_result;

static int journal_keep(const struct iovec *iov, int n) {
        size_t at = 0;

        journal_entries++;
        for (int i = 0; i < n; i++) {
                assert_true(at + iov[i].iov_len + 2 < sizeof journal_text);
                memcpy(journal_text + at, iov[i].iov_base, iov[i].iov_len);
                at += iov[i].iov_len;
                journal_text[at++] = '\n';
        }
        journal_text[at] = '\0';
        return journal_result;
}

static const struct alert_outlets under_journal = { true, journal_keep };

struct place {
        char directory[64], path[96], other[96];
        struct settings settings;
        struct event e;
        struct alert *a;
        struct alert_changes changes;
};

static int place_make(void **state) {
        struct place *p = calloc(1, sizeof *p);

        snprintf(p->directory, sizeof p->directory, "/tmp/test-alert-XXXXXX");
        if (!mkdtemp(p->directory))
                return -1;
        snprintf(p->path, sizeof p->path, "%s/it", p->directory);
        snprintf(p->other, sizeof p->other, "%s/it.1", p->directory);
        p->e = event_make(EVENT_FLOOD_START);
        p->e.realtime_us = UINT64_C(1767225600123456);
        p->e.incident = 3;
        p->e.has_listener = true;
        p->e.listener = (struct listener_key) { .address = address_from_ipv4(0), .port = 80 };
        p->e.state = STATE_FLOOD;
        p->e.diagnosis = DIAGNOSIS_FLOOD_SPOOFED;
        p->e.evidence.syn_per_s = 1000.5;
        p->e.evidence.half_open = 511;
        snprintf(p->e.message, sizeof p->e.message, "SYN flood on 0.0.0.0:80");
        journal_entries = 0;
        journal_result = 0;
        *state = p;
        return 0;
}

static int place_remove(void **state) {
        struct place *p = *state;

        alert_free(p->a);
        unlink(p->path);
        unlink(p->other);
        rmdir(p->directory);
        free(p);
        return 0;
}

static void deliver(struct place *p) {
        alert_deliver(p->a, &p->e, false, &p->changes);
}

static void to_the_journal(void **state) {
        struct place *p = *state;

        p->settings.alerts.journal = true;
        assert_int_equal(alert_new(&p->settings, &under_journal, NULL, NULL, &p->a), 0);
        deliver(p);
        assert_int_equal(p->changes.count, 0);
        assert_int_equal(journal_entries, 1);
        assert_non_null(strstr(journal_text, "MESSAGE=SYN flood on 0.0.0.0:80\nMESSAGE_ID="));
        assert_non_null(strstr(journal_text, journal_sink_message_id(EVENT_FLOOD_START)));
        assert_non_null(strstr(journal_text, "\nPRIORITY=2\nSYNWARD_EVENT=flood-start\nSYNWARD_SEVERITY=crit\n"
                                             "SYNWARD_INCIDENT=3\nSYNWARD_LISTENER=0.0.0.0:80\n"
                                             "SYNWARD_STATE=flood\nSYNWARD_DIAGNOSIS=flood-spoofed\n"
                                             "SYNWARD_HALF_OPEN=511\nSYNWARD_SYN_PER_S=1000.500\n"));
        assert_null(strstr(journal_text, "SYNWARD_BACKLOG")); /* not known */

        alert_deliver(p->a, &p->e, true, &p->changes); /* muted */
        assert_int_equal(journal_entries, 1);

        p->a = alert_free(p->a);
        p->settings.alerts.journal = false;
        assert_int_equal(alert_new(&p->settings, &under_journal, NULL, NULL, &p->a), 0);
        deliver(p);
        assert_int_equal(journal_entries, 1);
}

static void trouble_is_told_once(void **state) {
        struct place *p = *state;
        static const int results[] = { 0, -EIO, -EIO, 0, 0, -EIO };
        static const unsigned changes[] = { 0, 1, 0, 1, 0, 1 };

        p->settings.alerts.journal = true;
        assert_int_equal(alert_new(&p->settings, &under_journal, NULL, NULL, &p->a), 0);
        for (size_t i = 0; i < sizeof results / sizeof *results; i++) {
                journal_result = results[i];
                deliver(p);
                assert_int_equal(p->changes.count, changes[i]);
                if (p->changes.count) {
                        assert_int_equal(p->changes.list[0].sink, ALERT_JOURNAL);
                        assert_int_equal(p->changes.list[0].error, results[i]);
                }
        }
}

static void to_stderr(void **state) {
        static const struct alert_outlets terminal = { false, journal_keep };
        struct place *p = *state;
        int ends[2], kept = dup(STDERR_FILENO);
        char text[1024];
        ssize_t n;

        p->settings.alerts.journal = true;
        assert_int_equal(alert_new(&p->settings, &terminal, NULL, NULL, &p->a), 0);
        assert_int_equal(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
        assert_int_equal(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
        deliver(p);
        assert_int_equal(dup2(kept, STDERR_FILENO), STDERR_FILENO);
        n = read(ends[0], text, sizeof text - 1);
        assert_true(n > 0);
        text[n] = '\0';
        assert_non_null(strstr(text, " critical: flood-start: SYN flood on 0.0.0.0:80\n"));
        assert_int_equal(journal_entries, 0);
        close(ends[0]);
        close(ends[1]);
        close(kept);
}

/* --- every event is explained ---------------------------------------------- */

static void catalog_explains_every_event(void **state) {
        const char *srcdir = getenv("srcdir");
        char path[512], *text = calloc(1, 64 * 1024);
        unsigned entries = 0;
        size_t n;
        FILE *f;

        snprintf(path, sizeof path, "%s/systemd/synward.catalog", srcdir ? srcdir : ".");
        f = fopen(path, "re");
        if (!f)
                fail_msg("%s: %s", path, strerror(errno));
        n = fread(text, 1, 64 * 1024 - 1, f);
        assert_in_range(n, 1, 64 * 1024 - 2);
        fclose(f);
        for (unsigned i = 0; i < EVENT_TYPES; i++) {
                const char *id = journal_sink_message_id((enum event_type) i);
                char header[64];

                assert_int_equal(strspn(id, "0123456789abcdef"), 32);
                assert_int_equal(strlen(id), 32);
                for (unsigned k = 0; k < i; k++)
                        assert_string_not_equal(id, journal_sink_message_id((enum event_type) k));
                snprintf(header, sizeof header, "\n-- %s\nSubject: ", id);
                if (!strstr(text, header))
                        fail_msg("%s has no entry for %s", path, event_type_name((enum event_type) i));
        }
        for (const char *at = text; (at = strstr(at, "\n-- ")); at++)
                entries++;
        assert_int_equal(entries, EVENT_TYPES);
        free(text);
}

/* --- syslog ------------------------------------------------------------------ */

static void syslog_format(void **state) {
        struct place *p = *state;
        char text[SYSLOG_SINK_MESSAGE_MAX];
        size_t n;

        snprintf(p->e.message, sizeof p->e.message, "a]\"\\b\nc");
        n = syslog_sink_format(&p->e, 3, "host", 42, text);
        assert_string_equal(text, "<26>1 2026-01-01T00:00:00.123Z host synwardd 42 flood-start "
                                  "[synward@32473 event=\"flood-start\" severity=\"crit\" incident=\"3\" "
                                  "listener=\"0.0.0.0:80\" state=\"flood\" diagnosis=\"flood-spoofed\" "
                                  "half_open=\"511\" syn_per_s=\"1000.500\"] a]\"\\b?c");
        assert_int_equal(n, strlen(text));

        /* "[::]:80" holds a bracket that has to be escaped. */
        memset(&p->e.listener.address, 0, sizeof p->e.listener.address);
        syslog_sink_format(&p->e, 23, "host", 42, text);
        assert_non_null(strstr(text, "<186>1 "));
        assert_non_null(strstr(text, " listener=\"[::\\]:80\" "));

        /* The longest of everything still fits. */
        for (size_t at = 0; at < sizeof p->e.evidence; at += sizeof(double))
                memcpy((char *) &p->e.evidence + at, &(double) { 9007199254740992.0 }, sizeof(double));
        p->e.evidence.pattern = "overwhelming";
        memset(p->e.message, 'x', sizeof p->e.message - 1);
        n = syslog_sink_format(&p->e, 23, "host", 42, text);
        assert_true(n < SYSLOG_SINK_MESSAGE_MAX - 512);
}

static int listen_on(const char *path, int type) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        int fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

        unlink(path);
        memcpy(address.sun_path, path, strlen(path));
        assert_int_equal(bind(fd, (struct sockaddr *) &address, sizeof address), 0);
        if (type == SOCK_STREAM)
                assert_int_equal(listen(fd, 5), 0);
        return fd;
}

static void syslog_setup_at(struct place *p) {
        p->settings.alerts.syslog.enabled = true;
        p->settings.alerts.syslog.facility = 3;
        snprintf(p->settings.alerts.syslog.socket, sizeof p->settings.alerts.syslog.socket, "%s", p->path);
        assert_int_equal(alert_new(&p->settings, &under_journal, NULL, NULL, &p->a), 0);
}

static void syslog_datagrams(void **state) {
        struct place *p = *state;
        char text[SYSLOG_SINK_MESSAGE_MAX + 1];
        unsigned sent = 0;
        ssize_t n;
        int fd;

        syslog_setup_at(p);
        deliver(p);
        assert_int_equal(p->changes.count, 1);
        assert_int_equal(p->changes.list[0].sink, ALERT_SYSLOG);
        assert_int_equal(p->changes.list[0].error, -ENOENT);

        fd = listen_on(p->path, SOCK_DGRAM);
        deliver(p);
        assert_int_equal(p->changes.count, 1);
        assert_int_equal(p->changes.list[0].error, 0);
        n = recv(fd, text, sizeof text, 0);
        assert_true(n > 0);
        assert_memory_equal(text, "<26>1 2026-01-01T00:00:00.123Z ", 31);
        assert_memory_equal(text + n - 8, "0.0.0:80", 8); /* no line feed */

        close(fd); /* the server starts again */
        fd = listen_on(p->path, SOCK_DGRAM);
        deliver(p);
        assert_int_equal(p->changes.count, 0);
        assert_true(recv(fd, text, sizeof text, 0) > 0);

        do { /* it does not read: nothing waits */
                deliver(p);
                sent++;
        } while (p->changes.count == 0 && sent < 100000);
        assert_int_equal(p->changes.list[0].error, -EAGAIN);
        while (recv(fd, text, sizeof text, 0) > 0)
                sent--;
        assert_int_equal(sent, 1); /* the one that was refused */
        deliver(p);
        assert_int_equal(p->changes.list[0].error, 0);
        close(fd);
}

static void syslog_stream(void **state) {
        struct place *p = *state;
        int fd = listen_on(p->path, SOCK_STREAM), peer;
        static char text[1024 * 1024];
        unsigned sent = 0, lines = 0;
        ssize_t n;

        syslog_setup_at(p);
        deliver(p);
        assert_int_equal(p->changes.count, 0);
        peer = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        assert_true(peer >= 0);
        n = recv(peer, text, sizeof text, 0);
        assert_true(n > 0);
        assert_memory_equal(text + n - 4, ":80\n", 4);

        close(peer);
        deliver(p); /* on a new connection */
        assert_int_equal(p->changes.count, 0);
        peer = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        assert_true(peer >= 0);
        assert_true(recv(peer, text, sizeof text, 0) > 0);

        do {
                deliver(p);
                sent++;
        } while (p->changes.count == 0 && sent < 100000);
        assert_int_equal(p->changes.list[0].error, -EAGAIN);
        while ((n = recv(peer, text, sizeof text, 0)) > 0)
                for (ssize_t i = 0; i < n; i++)
                        lines += text[i] == '\n';
        assert_int_equal(lines, sent - 1);
        close(peer);
        close(fd);
}

/* --- the file ------------------------------------------------------------------ */

/* How many lines of JSON a file has; fails on any other line. */
static unsigned json_lines(const char *path, unsigned broken) {
        char line[8192];
        unsigned n = 0;
        FILE *f = fopen(path, "re");

        assert_non_null(f);
        while (fgets(line, sizeof line, f)) {
                json_t *j = json_loads(line, JSON_REJECT_DUPLICATES, NULL);

                if (j && strchr(line, '\n'))
                        n++;
                else {
                        assert_true(broken > 0);
                        broken--;
                }
                json_decref(j);
        }
        fclose(f);
        assert_int_equal(broken, 0);
        return n;
}

static void file_setup(struct place *p) {
        snprintf(p->settings.alerts.file, sizeof p->settings.alerts.file, "%s", p->path);
        assert_int_equal(alert_new(&p->settings, &under_journal, NULL, NULL, &p->a), 0);
}

static void file_survives_logrotate(void **state) {
        struct place *p = *state;

        file_setup(p);
        deliver(p);
        deliver(p);
        assert_int_equal(json_lines(p->path, 0), 2);

        assert_int_equal(rename(p->path, p->other), 0); /* "nocreate" */
        deliver(p);
        assert_int_equal(json_lines(p->path, 0), 1);
        assert_int_equal(json_lines(p->other, 0), 2);

        assert_int_equal(rename(p->path, p->other), 0); /* "create" */
        close(open(p->path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
        deliver(p);
        assert_int_equal(json_lines(p->path, 0), 1);

        assert_int_equal(truncate(p->path, 0), 0); /* "copytruncate" */
        deliver(p);
        assert_int_equal(json_lines(p->path, 0), 1);

        assert_int_equal(unlink(p->path), 0);
        deliver(p);
        assert_int_equal(json_lines(p->path, 0), 1);
        assert_int_equal(p->changes.count, 0);
}

static void file_on_a_full_disk(void **state) {
        struct place *p = *state;
        struct rlimit before, low;
        struct stat st;

        signal(SIGXFSZ, SIG_IGN);
        file_setup(p);
        deliver(p);
        assert_int_equal(stat(p->path, &st), 0);
        assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
        low = before;
        low.rlim_cur = (rlim_t) st.st_size * 3 / 2;
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &low), 0);
        deliver(p); /* half a line */
        assert_int_equal(p->changes.count, 1);
        assert_int_equal(p->changes.list[0].error, -ENOSPC);
        deliver(p);
        assert_int_equal(p->changes.count, 0);
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
        deliver(p);
        assert_int_equal(p->changes.count, 1);
        assert_int_equal(p->changes.list[0].error, 0);
        assert_int_equal(json_lines(p->path, 1), 2);
}

static void file_that_never_answers(void **state) {
        struct place *p = *state;
        unsigned sent = 0;
        int fd;

        assert_int_equal(mkfifo(p->path, 0600), 0);
        file_setup(p);
        deliver(p); /* open(2) would wait for a reader */
        assert_int_equal(p->changes.list[0].error, -ENXIO);
        fd = open(p->path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
        deliver(p);
        assert_int_equal(p->changes.list[0].error, 0);
        do {
                deliver(p);
                sent++;
        } while (p->changes.count == 0 && sent < 100000);
        assert_int_equal(p->changes.count, 1);
        close(fd);
}

/* --- a file that another process writes ---------------------------------------- */

static struct {
        unsigned lines;
        int refuse;
        char path[96], line[4096];
} other;

static int append(void *userdata, const char *path, const char *line) {
        assert_ptr_equal(userdata, &other);
        if (other.refuse)
                return other.refuse;
        other.lines++;
        snprintf(other.path, sizeof other.path, "%s", path);
        snprintf(other.line, sizeof other.line, "%s", line);
        return 0;
}

static void file_by_another(void **state) {
        struct place *p = *state;

        memset(&other, 0, sizeof other);
        snprintf(p->settings.alerts.file, sizeof p->settings.alerts.file, "%s", p->path);
        assert_int_equal(alert_new(&p->settings, &under_journal, append, &other, &p->a), 0);
        deliver(p);
        assert_int_equal(other.lines, 1);
        assert_string_equal(other.path, p->path);
        assert_non_null(strstr(other.line, "\"flood-start\""));
        assert_int_equal(access(p->path, F_OK), -1);
        assert_int_equal(p->changes.count, 0);

        alert_appended(p->a, -ENOSPC, &p->changes);
        assert_int_equal(p->changes.count, 1);
        assert_int_equal(p->changes.list[0].error, -ENOSPC);
        deliver(p); /* says nothing of it yet */
        assert_int_equal(p->changes.count, 0);
        alert_appended(p->a, 0, &p->changes);
        assert_int_equal(p->changes.count, 1);
        assert_int_equal(p->changes.list[0].error, 0);

        other.refuse = -ENOBUFS;
        deliver(p);
        assert_int_equal(p->changes.count, 1);
        assert_int_equal(p->changes.list[0].error, -ENOBUFS);
}

/* Nothing is waited for there, and another process has not what it leads to. */
static void a_pipe_by_itself(void **state) {
        struct place *p = *state;
        int fd;

        memset(&other, 0, sizeof other);
        assert_int_equal(mkfifo(p->path, 0600), 0);
        fd = open(p->path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
        snprintf(p->settings.alerts.file, sizeof p->settings.alerts.file, "%s", p->path);
        assert_int_equal(alert_new(&p->settings, &under_journal, append, &other, &p->a), 0);
        deliver(p);
        assert_int_equal(other.lines, 0);
        assert_true(read(fd, other.line, sizeof other.line) > 0);
        close(fd);
}

int main(void) {
        const struct CMUnitTest tests[] = {
#define TEST(f) cmocka_unit_test_setup_teardown(f, place_make, place_remove)
                TEST(to_the_journal),      TEST(trouble_is_told_once),
                TEST(to_stderr),           cmocka_unit_test(catalog_explains_every_event),
                TEST(syslog_format),       TEST(syslog_datagrams),
                TEST(syslog_stream),       TEST(file_survives_logrotate),
                TEST(file_on_a_full_disk), TEST(file_that_never_answers),
                TEST(file_by_another),     TEST(a_pipe_by_itself),
#undef TEST
        };

        log_setup(0);
        return cmocka_run_group_tests(tests, NULL, NULL);
}
