/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "util/log.h"

/* log_write() is told the place of its caller, which libsystemd's macros would replace. */
#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-journal.h>

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "util/printable.h"

static struct {
        int max_priority;
        bool journal, terminal, colour;
} how = { .max_priority = LOG_INFO };

static const char *const names[] = {
        [LOG_EMERG] = "emergency", [LOG_ALERT] = "alert",     [LOG_CRIT] = "critical",
        [LOG_ERR] = "error",       [LOG_WARNING] = "warning", [LOG_NOTICE] = "notice",
        [LOG_INFO] = "info",       [LOG_DEBUG] = "debug",     [LOG_TRACE] = "debug",
};

/* systemd.exec(5): a program may have been given another stderr since. */
static bool stderr_is_journal(void) {
        const char *stream = getenv("JOURNAL_STREAM");
        uintmax_t device, inode;
        struct stat st;

        if (!stream || sscanf(stream, "%" SCNuMAX ":%" SCNuMAX, &device, &inode) != 2)
                return false;
        return fstat(STDERR_FILENO, &st) == 0 && st.st_dev == device && st.st_ino == inode;
}

void log_setup(int verbosity) {
        const char *no_colour = getenv("NO_COLOR"), *term = getenv("TERM");
        int max = verbosity > 1     ? LOG_TRACE
                  : verbosity == 1  ? LOG_DEBUG
                  : verbosity == 0  ? LOG_INFO
                  : verbosity == -1 ? LOG_WARNING
                                    : LOG_ERR;

        how.max_priority = max;
        how.journal = stderr_is_journal();
        how.terminal = !how.journal && isatty(STDERR_FILENO) == 1;
        how.colour = how.terminal && !(no_colour && *no_colour) && term && strcmp(term, "dumb") != 0;
}

bool log_to_journal(void) {
        return how.journal;
}

bool log_wants(int priority) {
        return priority <= how.max_priority;
}

static int journal_write(int priority, const char *file, int line, const char *function, const char *text) {
        char message[LOG_LINE_MAX + 16], level[32], code_file[256], code_line[32], code_func[128];
        const char *const fields[] = { message, level, code_file, code_line, code_func };
        struct iovec iov[sizeof fields / sizeof *fields];

        snprintf(message, sizeof message, "MESSAGE=%s", text);
        snprintf(level, sizeof level, "PRIORITY=%i", priority < LOG_DEBUG ? priority : LOG_DEBUG);
        snprintf(code_file, sizeof code_file, "CODE_FILE=%s", file);
        snprintf(code_line, sizeof code_line, "CODE_LINE=%i", line);
        snprintf(code_func, sizeof code_func, "CODE_FUNC=%s", function);
        for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
                iov[i] = (struct iovec) { (void *) (uintptr_t) fields[i], strlen(fields[i]) };
        return sd_journal_sendv(iov, sizeof fields / sizeof *fields);
}

/* 20:57:06 for eyes at a terminal, 2026-01-01T20:57:06.123+01:00 for a file. */
static void time_now(char *text, size_t size) {
        struct timespec now;
        struct tm tm;
        char zone[8];

        clock_gettime(CLOCK_REALTIME, &now);
        localtime_r(&now.tv_sec, &tm);
        if (how.terminal) {
                strftime(text, size, "%H:%M:%S", &tm);
                return;
        }
        strftime(text, size, "%Y-%m-%dT%H:%M:%S", &tm);
        strftime(zone, sizeof zone, "%z", &tm);
        snprintf(text + strlen(text), size - strlen(text), ".%03ld%.3s:%.2s", now.tv_nsec / 1000000, zone, zone + 3);
}

static void stderr_write(int priority, const char *text) {
        const char *colour = !how.colour || priority > LOG_WARNING ? ""
                             : priority == LOG_WARNING             ? "\033[33m"
                                                                   : "\033[31m";
        char line[LOG_LINE_MAX + 128], when[64];
        int n;

        if (how.journal) /* journald did not take the entry; it still reads the stream */
                n = snprintf(line, sizeof line, "<%i>%s\n", priority < LOG_DEBUG ? priority : LOG_DEBUG, text);
        else {
                time_now(when, sizeof when);
                n = snprintf(line, sizeof line, "%s %s%s:%s %s\n", when, colour, names[priority],
                             *colour ? "\033[0m" : "", text);
        }
        /* One write, so that lines of several processes do not mix. There is
         * nobody to tell if it fails. */
        if (write(STDERR_FILENO, line, (size_t) n) < 0)
                return;
}

void log_write(int priority, const char *file, int line, const char *function, const char *format, ...) {
        char text[LOG_LINE_MAX];
        int saved_errno = errno;
        va_list args;

        if (!log_wants(priority))
                return;
        va_start(args, format);
        if (vsnprintf(text, sizeof text, format, args) < 0)
                text[0] = '\0';
        va_end(args);
        printable(text);
        if (!how.journal || journal_write(priority, file, line, function, text) < 0)
                stderr_write(priority, text);
        errno = saved_errno;
}
