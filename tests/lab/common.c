/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <glob.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>

#include "common.h"

static volatile sig_atomic_t stop_requested;

static uint64_t read_clock_us(clockid_t clock) {
        struct timespec t;

        clock_gettime(clock, &t);
        return (uint64_t) t.tv_sec * 1000000 + (uint64_t) t.tv_nsec / 1000;
}

uint64_t lab_now_us(void) {
        return read_clock_us(CLOCK_MONOTONIC);
}

uint64_t lab_realtime_us(void) {
        return read_clock_us(CLOCK_REALTIME);
}

void lab_sleep_until_us(uint64_t monotonic_us) {
        struct timespec t = {
                .tv_sec = (time_t) (monotonic_us / 1000000),
                .tv_nsec = (long) (monotonic_us % 1000000) * 1000,
        };

        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
}

void lab_usage(const char *format, ...) {
        va_list ap;

        va_start(ap, format);
        fprintf(stderr, "%s: ", program_invocation_short_name);
        vfprintf(stderr, format, ap);
        fputc('\n', stderr);
        va_end(ap);
        exit(2);
}

void lab_die(const char *format, ...) {
        int error = errno;
        va_list ap;

        va_start(ap, format);
        fprintf(stderr, "%s: ", program_invocation_short_name);
        vfprintf(stderr, format, ap);
        fprintf(stderr, ": %s\n", strerror(error));
        va_end(ap);
        exit(1);
}

double lab_number(const char *option, const char *text, double min, double max) {
        char *end;
        double v = strtod(text, &end);

        if (end == text || *end || !(v >= min && v <= max))
                lab_usage("%s: %s is not a number from %g to %g", option, text, min, max);
        return v;
}

uint64_t lab_integer(const char *option, const char *text, uint64_t min, uint64_t max) {
        char *end;
        uint64_t v;

        errno = 0;
        v = strtoull(text, &end, 10);
        if (end == text || *end || *text == '-' || errno || v < min || v > max)
                lab_usage("%s: %s is not an integer from %llu to %llu", option, text, (unsigned long long) min,
                          (unsigned long long) max);
        return v;
}

uint64_t lab_duration_us(const char *option, const char *text) {
        static const struct {
                const char *unit;
                double us;
        } units[] = { { "us", 1 }, { "ms", 1e3 }, { "s", 1e6 } };
        char *end;
        double v = strtod(text, &end);

        for (size_t i = 0; end != text && i < sizeof(units) / sizeof(units[0]); i++)
                if (strcmp(end, units[i].unit) == 0 && v >= 0 && v <= 3600e6 / units[i].us)
                        return (uint64_t) (v * units[i].us);
        lab_usage("%s: %s is not a time such as 250us, 120ms or 3s", option, text);
}

struct lab_endpoint lab_endpoint_parse(const char *option, const char *text) {
        struct lab_endpoint e = { 0 };
        struct sockaddr_in *in4 = (struct sockaddr_in *) &e.address;
        struct sockaddr_in6 *in6 = (struct sockaddr_in6 *) &e.address;
        const char *colon = strrchr(text, ':');
        char host[64];
        uint16_t port;

        if (!colon || colon == text || (size_t) (colon - text) >= sizeof(host))
                lab_usage("%s: %s is not ADDRESS:PORT", option, text);
        port = htons((uint16_t) lab_integer(option, colon + 1, 1, 65535));
        memcpy(host, text, (size_t) (colon - text));
        host[colon - text] = 0;

        if (inet_pton(AF_INET, host, &in4->sin_addr) == 1) {
                in4->sin_family = AF_INET;
                in4->sin_port = port;
                e.length = sizeof(*in4);
                return e;
        }
        if (host[0] == '[' && host[strlen(host) - 1] == ']') {
                host[strlen(host) - 1] = 0;
                if (inet_pton(AF_INET6, host + 1, &in6->sin6_addr) == 1) {
                        in6->sin6_family = AF_INET6;
                        in6->sin6_port = port;
                        e.length = sizeof(*in6);
                        return e;
                }
        }
        lab_usage("%s: %s is not ADDRESS:PORT", option, text);
}

struct lab_range lab_range_parse(const char *option, const char *text) {
        struct lab_range r = { 0 };
        const char *slash = strchr(text, '/');
        char host[64];

        if (!slash || (size_t) (slash - text) >= sizeof(host))
                lab_usage("%s: %s is not ADDRESS/LENGTH", option, text);
        memcpy(host, text, (size_t) (slash - text));
        host[slash - text] = 0;
        r.family = strchr(host, ':') ? AF_INET6 : AF_INET;
        if (inet_pton(r.family, host, r.base) != 1)
                lab_usage("%s: %s is not ADDRESS/LENGTH", option, text);
        r.length = (unsigned) lab_integer(option, slash + 1, 1, r.family == AF_INET ? 32 : 128);
        return r;
}

void lab_range_address(const struct lab_range *r, uint64_t n, uint8_t ret[16]) {
        unsigned size = r->family == AF_INET ? 4 : 16;
        unsigned host_bits = size * 8 - r->length;
        uint64_t hosts;

        memcpy(ret, r->base, 16);
        if (host_bits < 2)
                return;
        /* Neither the first nor the last: they mean the net and everybody in it. */
        hosts = (host_bits < 64 ? UINT64_C(1) << host_bits : UINT64_MAX) - 2;
        n = n % hosts + 1;
        for (unsigned i = size; n && i-- > 0; n >>= 8)
                ret[i] = (uint8_t) (ret[i] | (n & 0xff));
}

uint64_t lab_random(uint64_t *state) {
        uint64_t x = *state;

        x ^= x >> 12;
        x ^= x << 25;
        x ^= x >> 27;
        *state = x;
        return x * UINT64_C(2685821657736338717);
}

double lab_random_unit(uint64_t *state) {
        return (double) (lab_random(state) >> 11) / 9007199254740992.0;
}

void lab_histogram_add(struct lab_histogram *h, uint64_t us) {
        uint64_t bin = us / LAB_HISTOGRAM_BIN_US;

        h->bins[bin < LAB_HISTOGRAM_BINS ? bin : LAB_HISTOGRAM_BINS - 1]++;
        h->count++;
        if (us > h->max_us)
                h->max_us = us;
}

double lab_histogram_quantile_ms(const struct lab_histogram *h, double q) {
        uint64_t wanted = (uint64_t) (q * (double) h->count), seen = 0;

        if (h->count == 0)
                return 0;
        for (size_t i = 0; i < LAB_HISTOGRAM_BINS; i++) {
                seen += h->bins[i];
                if (seen > wanted)
                        return (double) i * (double) LAB_HISTOGRAM_BIN_US / 1e3;
        }
        return (double) h->max_us / 1e3;
}

unsigned lab_raise_nofile(void) {
        struct rlimit l;

        if (getrlimit(RLIMIT_NOFILE, &l) < 0)
                lab_die("getrlimit");
        l.rlim_cur = l.rlim_max;
        if (setrlimit(RLIMIT_NOFILE, &l) < 0)
                lab_die("setrlimit");
        return (unsigned) l.rlim_cur;
}

static void on_signal(int number) {
        (void) number;
        stop_requested = 1;
}

bool lab_running(void) {
        return !stop_requested;
}

void lab_catch_signals(void) {
        struct sigaction a = { .sa_handler = on_signal };

        sigaction(SIGTERM, &a, NULL);
        sigaction(SIGINT, &a, NULL);
        signal(SIGPIPE, SIG_IGN);
        /* A lab that is killed outright cannot clean up after itself. */
        if (prctl(PR_SET_PDEATHSIG, SIGTERM) < 0)
                lab_die("prctl");
}

void lab_require_namespace(void) {
        static const char pattern[] = "/run/netns/" LAB_NAMESPACE_PREFIX "*";
        struct stat ours, named;
        glob_t names = { 0 };
        bool found = false;

        if (stat("/proc/self/ns/net", &ours) < 0)
                lab_die("/proc/self/ns/net");
        if (glob(pattern, 0, NULL, &names) == 0)
                for (size_t i = 0; i < names.gl_pathc && !found; i++)
                        found = stat(names.gl_pathv[i], &named) == 0 && named.st_dev == ours.st_dev &&
                                named.st_ino == ours.st_ino;
        globfree(&names);
        if (!found)
                lab_usage("refusing to run: this network namespace is none of %s", pattern);
}
