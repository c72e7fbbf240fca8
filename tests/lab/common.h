/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What the lab's programs share: a clock, command-line numbers, addresses, a
 * small random generator and a histogram of times. All times in microseconds.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

uint64_t lab_now_us(void);      /* CLOCK_MONOTONIC */
uint64_t lab_realtime_us(void); /* CLOCK_REALTIME, what the daemon's JSON shows */
void lab_sleep_until_us(uint64_t monotonic_us);

/* Ends the program with status 2 and "program: message". */
void lab_usage(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));
/* Ends the program with status 1, "program: message: strerror(errno)". */
void lab_die(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

/* A number from min to max, or lab_usage(). */
double lab_number(const char *option, const char *text, double min, double max);
uint64_t lab_integer(const char *option, const char *text, uint64_t min, uint64_t max);
/* "120ms", "250us", "3s". */
uint64_t lab_duration_us(const char *option, const char *text);

/* An address with a port, "10.0.0.1:80" or "[::]:80". */
struct lab_endpoint {
        struct sockaddr_storage address;
        socklen_t length;
};
struct lab_endpoint lab_endpoint_parse(const char *option, const char *text);

/* A source range, "100.64.0.0/16" or "2001:db8:64::/64". */
struct lab_range {
        int family;
        uint8_t base[16]; /* IPv4 in the first four bytes */
        unsigned length;
};
struct lab_range lab_range_parse(const char *option, const char *text);
/* The nth address of the range, 0 being the one after the base; wraps. */
void lab_range_address(const struct lab_range *r, uint64_t n, uint8_t ret[16]);

/* xorshift64*; any seed but 0. */
uint64_t lab_random(uint64_t *state);
/* Evenly from [0, 1). */
double lab_random_unit(uint64_t *state);

/* Times in bins of 100 us, up to 20 s. */
enum { LAB_HISTOGRAM_BINS = 200000, LAB_HISTOGRAM_BIN_US = 100 };
struct lab_histogram {
        uint64_t count, max_us;
        uint32_t bins[LAB_HISTOGRAM_BINS];
};
void lab_histogram_add(struct lab_histogram *h, uint64_t us);
/* In milliseconds; 0 when empty. */
double lab_histogram_quantile_ms(const struct lab_histogram *h, double q);

/* RLIMIT_NOFILE's soft limit to the hard one; returns it. */
unsigned lab_raise_nofile(void);

/* Until SIGTERM or SIGINT has come, or the lab that started us is gone. */
bool lab_running(void);
void lab_catch_signals(void);

/* Ends the program with status 2 unless it is in a network namespace that the
 * lab made: one that ip-netns(8) knows by a name with this prefix. */
#define LAB_NAMESPACE_PREFIX "sw-lab-"
void lab_require_namespace(void);
