/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The nflog sensor without the daemon, for the lab and the benchmarks: runs it
 * as the daemon would (a tick of 200 ms), then prints what it saw, one JSON
 * object on standard output. "ready" on standard error says that it listens.
 *
 *   syn-log-probe [-g GROUP] [-r MAX_RATE] [-m] [-l PORT]... SECONDS
 *   -m: rules are made by someone else. SIGTERM: ends a tick later, when what the kernel held for
 *   a batch has come. allocations: by the receiving, -1 unknown. Exit status 3: the sensor failed.
 */

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "privileges.h"
#include "sensors/syn_log.h"

#define TICK_US UINT64_C(200000)

static struct observation last;
static uint64_t syns, received, lost;
static uint32_t sample_most = 1;
static bool receiving;
static volatile sig_atomic_t told_to_end;

static void on_terminate(int signal) {
        (void) signal;
        told_to_end = 1;
}

/* Nothing may be allocated where the messages are taken: counted here, in front of the C library.
 * The sanitizers have put themselves there already. */
#if defined(__SANITIZE_ADDRESS__)
#define COUNTS_ALLOCATIONS 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define COUNTS_ALLOCATIONS 0
#endif
#endif
#ifndef COUNTS_ALLOCATIONS
#define COUNTS_ALLOCATIONS 1
#endif
static long allocations = COUNTS_ALLOCATIONS ? 0 : -1;

#if COUNTS_ALLOCATIONS
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);

void *malloc(size_t size) {
        allocations += receiving;
        return __libc_malloc(size);
}

void *calloc(size_t count, size_t size) {
        allocations += receiving;
        return __libc_calloc(count, size);
}

void *realloc(void *old, size_t size) {
        allocations += receiving;
        return __libc_realloc(old, size);
}
#endif

static uint64_t clock_us(clockid_t id) {
        struct timespec t;

        clock_gettime(id, &t);
        return (uint64_t) t.tv_sec * 1000000 + (uint64_t) t.tv_nsec / 1000;
}

static void tick(struct syn_log *l, const struct obs_listener *listeners, uint32_t count) {
        memset(&last, 0, sizeof last);
        last.known = OBS_K_LISTENERS;
        last.listeners_count = count;
        memcpy(last.listeners, listeners, count * sizeof *listeners);
        syn_log_observe(l, clock_us(CLOCK_BOOTTIME), &last);
        if (observation_knows(&last, OBS_SYNS))
                syns += last.counters[OBS_SYNS];
        received += last.log_received;
        lost += last.log_lost;
        if (last.sample_one_in > sample_most)
                sample_most = last.sample_one_in;
}

static void run(struct syn_log *l, uint64_t until, const struct obs_listener *listeners, uint32_t count) {
        uint64_t next = clock_us(CLOCK_BOOTTIME);
        int fds[SYN_LOG_FDS];

        for (;;) {
                uint64_t now = clock_us(CLOCK_BOOTTIME);
                struct pollfd p[SYN_LOG_FDS];

                if (told_to_end && until > now + TICK_US)
                        until = now + TICK_US;
                if (now >= next) {
                        tick(l, listeners, count);
                        if (now >= until)
                                return;
                        next = now + TICK_US;
                        continue;
                }
                syn_log_fds(l, fds);
                for (unsigned i = 0; i < SYN_LOG_FDS; i++)
                        p[i] = (struct pollfd) { .fd = fds[i], .events = POLLIN };
                if (poll(p, SYN_LOG_FDS, (int) ((next - now) / 1000 + 1)) > 0) {
                        receiving = true;
                        (void) syn_log_receive(l);
                        receiving = false;
                }
        }
}

static void print_source(const struct obs_source *s, const char *comma) {
        char text[ADDRESS_TEXT_MAX];

        printf("%s\n  { \"source\": \"%s\", \"syn_per_s\": %.1f, \"error_per_s\": %.1f, "
               "\"completed_per_s\": %.1f, \"completion_low\": %.4f, \"completion_high\": %.4f }",
               comma, prefix_format(&s->prefix, text), s->syn_per_s, s->syn_error_per_s, s->completed_per_s,
               s->completion_low, s->completion_high);
}

static void print_all(const struct syn_log *l) {
        struct nflog_reader_counts counts = syn_log_counts(l);
        struct rusage u;

        getrusage(RUSAGE_SELF, &u);
        printf("{ \"state\": \"%s\", \"reason\": \"%s\", \"syns\": %llu, \"received\": %llu, "
               "\"lost\": %llu,\n  \"malformed\": %llu, \"foreign\": %llu, \"sample_most\": %u, "
               "\"distinct\": %.0f, \"seen_once_share\": %.3f,\n  \"stray_share\": %.3f, "
               "\"stray_ports\": %u, \"syn_per_s\": %.1f, \"tracked\": %u, \"rss_kib\": %ld, \"cpu_us\": %llu,\n"
               "  \"allocations\": %ld,\n"
               "  \"sources\": [",
               sensor_state_name(syn_log_state(l)), syn_log_reason(l), (unsigned long long) syns,
               (unsigned long long) received, (unsigned long long) lost, (unsigned long long) counts.malformed,
               (unsigned long long) counts.foreign, sample_most, last.sources.distinct, last.sources.seen_once_share,
               last.sources.stray_share, last.sources.stray_ports, last.sources.syn_per_s, last.sources.tracked,
               u.ru_maxrss, (unsigned long long) clock_us(CLOCK_PROCESS_CPUTIME_ID), allocations);
        for (uint32_t i = 0; i < last.sources.count; i++)
                print_source(&last.sources.list[i], i ? "," : "");
        printf(" ] }\n");
}

int main(int argc, char **argv) {
        static struct settings settings;
        struct obs_listener listeners[8] = { 0 };
        struct keyed_hash key;
        struct syn_log *l = NULL;
        struct privileged *privileged;
        pid_t launcher;
        uint32_t seed, count = 0;
        int c, failed;

        settings.nflog.enabled = settings.nflog.manage_rules = true;
        settings.nflog.group = 5;
        settings.nflog.max_rate = 20000;
        settings.nflog.copy_range = 128;
        while ((c = getopt(argc, argv, "g:r:ml:")) != -1) {
                if (c == 'g')
                        settings.nflog.group = (uint16_t) atoi(optarg);
                else if (c == 'r')
                        settings.nflog.max_rate = (uint32_t) atoi(optarg);
                else if (c == 'm')
                        settings.nflog.manage_rules = false;
                else if (c == 'l' && count < 8)
                        listeners[count++].key = (struct listener_key) { .address = address_from_ipv4(0),
                                                                         .port = (uint16_t) atoi(optarg) };
                else
                        return 2;
        }
        if (optind + 1 != argc)
                return 2;
        if (getrandom(&key, sizeof key, 0) < 0 || getrandom(&seed, sizeof seed, 0) < 0)
                return 1;
        if (privileges_part(&privileged, &launcher) < 0 ||
            syn_log_new(&settings, privileged, &key, seed, clock_us(CLOCK_BOOTTIME), &l) < 0)
                return 1;
        signal(SIGTERM, on_terminate);
        fprintf(stderr, "ready\n");
        if (syn_log_state(l) != SENSOR_FAILED)
                run(l, clock_us(CLOCK_BOOTTIME) + (uint64_t) (atof(argv[optind]) * 1e6), listeners, count);
        print_all(l);
        failed = syn_log_state(l) == SENSOR_FAILED;
        syn_log_free(l);
        privileges_end(privileged, launcher);
        return failed ? 3 : 0;
}
