/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The control socket with real clients, good and bad, all in this process. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "control/control.h"
#include "tests/unit/sample.h"

#define PING "{\"method\":\"io.synward.Ping\"}"

enum { CLIENTS_MAX = 100, STALL_US = 300000, LIMIT_S = 10 };

static char directory[] = "/tmp/test-control-XXXXXX";
static char path[128];
static sd_event *event;
static struct control *control;
static struct snapshot snapshot;
static struct event_log event_log;

static const struct snapshot *get_snapshot(void *userdata) {
        return &snapshot;
}

static const struct event_log *get_events(void *userdata) {
        return &event_log;
}

static int reload(void *userdata, char *error, size_t size) {
        return 0;
}

static const struct api_ops ops = { .snapshot = get_snapshot, .events = get_events, .reload = reload };

static int set_up(void **state) {
        struct server_options options = { .path = path, .group = "no-such-group", .stall_us = STALL_US };

        sample_flood(&snapshot);
        memset(&event_log, 0, sizeof event_log);
        assert_int_equal(sd_event_new(&event), 0);
        return control_new(event, &options, &ops, NULL, &control);
}

static int tear_down(void **state) {
        control = control_free(control);
        event = sd_event_unref(event);
        return access(path, F_OK) == 0 ? -1 : 0;
}

static int make_directory(void **state) {
        if (!mkdtemp(directory))
                return -1;
        snprintf(path, sizeof path, "%s/run/control.sock", directory);
        return 0;
}

static int remove_directory(void **state) {
        char run[128];

        snprintf(run, sizeof run, "%s/run", directory);
        return rmdir(run) < 0 || rmdir(directory) < 0 ? -1 : 0;
}

static double now_s(void) {
        struct timespec t;

        clock_gettime(CLOCK_MONOTONIC, &t);
        return (double) t.tv_sec + (double) t.tv_nsec / 1e9;
}

/* One turn of the daemon's loop; fails the test when the time since start is up. */
static void turn(double start_s) {
        if (now_s() - start_s > (double) LIMIT_S)
                fail_msg("nothing for %d s", LIMIT_S);
        assert_true(sd_event_run(event, 5000) >= 0);
}

#define WAIT_UNTIL(condition)                      \
        do {                                       \
                double wait_from_s = now_s();      \
                while (!(condition))               \
                        turn(wait_from_s);         \
        } while (0)

static int open_client(void) {
        struct sockaddr_un sun = { .sun_family = AF_UNIX };
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

        memcpy(sun.sun_path, path, strlen(path));
        assert_true(fd >= 0);
        assert_int_equal(connect(fd, (struct sockaddr *) &sun, sizeof sun), 0);
        return fd;
}

/* Sends it all, however long the daemon takes. -errno if the daemon has gone. */
static int put(int fd, const char *data, size_t size) {
        double start_s = now_s();

        while (size > 0) {
                ssize_t n = send(fd, data, size, MSG_NOSIGNAL);

                if (n < 0 && errno != EAGAIN)
                        return -errno;
                if (n > 0) {
                        data += n;
                        size -= (size_t) n;
                }
                turn(start_s);
        }
        return 0;
}

static void call(int fd, const char *text) {
        assert_int_equal(put(fd, text, strlen(text) + 1), 0);
}

/* The next message, or NULL when the daemon has hung up. */
static json_t *get(int fd) {
        static char text[SERVER_OUTPUT_MAX];
        double start_s = now_s();
        size_t n = 0;

        for (;;) {
                ssize_t got = recv(fd, text + n, 1, 0);

                if (got == 0 || (got < 0 && errno != EAGAIN))
                        return NULL;
                if (got < 0)
                        turn(start_s);
                else if (text[n++] == '\0')
                        return json_loads(text, 0, NULL);
        }
}

static void is_served(int fd) {
        json_t *answer;

        call(fd, PING);
        answer = get(fd);
        assert_non_null(answer);
        assert_int_equal(json_integer_value(json_object_get(json_object_get(answer, "parameters"), "pid")), 4711);
        json_decref(answer);
}

static void hung_up(int fd) {
        assert_null(get(fd));
        close(fd);
}

static void answers_in_order(void **state) {
        static const char two[] = "{\"method\":\"io.synward.GetStatus\"}\0" PING;
        int fd = open_client();
        json_t *answer;

        is_served(fd);
        is_served(fd);
        assert_int_equal(put(fd, two, sizeof two), 0);
        answer = get(fd);
        assert_non_null(json_object_get(json_object_get(answer, "parameters"), "sensors"));
        json_decref(answer);
        json_decref(get(fd));
        close(fd);
        WAIT_UNTIL(control_stats(control)->clients == 0);
        assert_int_equal(control_stats(control)->dropped, 0);
}

static void answers_to_one_who_ends_first(void **state) {
        static const char three[] = PING "\0" PING "\0" PING;
        int fd = open_client();

        assert_int_equal(put(fd, three, sizeof three), 0);
        shutdown(fd, SHUT_WR);
        for (unsigned i = 0; i < 3; i++) {
                json_t *answer = get(fd);

                assert_non_null(answer);
                json_decref(answer);
        }
        hung_up(fd);
        assert_int_equal(control_stats(control)->dropped, 0);
}

static void oneway_is_not_answered(void **state) {
        int fd = open_client();

        call(fd, "{\"method\":\"io.synward.GetStatus\",\"oneway\":true}");
        is_served(fd);
        call(fd, "{\"method\":\"io.synward.GetEvents\",\"oneway\":true,\"more\":true}");
        is_served(fd);
        close(fd);
}

static void rubbish_is_dropped(void **state) {
        static const char *const texts[] = {
                "GET / HTTP/1.1\r\n\r\n",
                "{\"method\":",
                "[]",
                "",
                "\xff\xfe\xfd",
                "{\"method\":\"io.synward.Ping\",\"parameters\":[]}",
        };
        int good = open_client();

        for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
                int fd = open_client();

                call(fd, texts[i]);
                hung_up(fd);
        }
        assert_int_equal(control_stats(control)->dropped, sizeof texts / sizeof *texts);
        is_served(good);
        close(good);
}

static void half_a_request_has_its_time(void **state) {
        int good = open_client(), bad = open_client(), gone = open_client();
        double start_s = now_s(), last_s;

        assert_int_equal(put(bad, PING, 5), 0);
        assert_int_equal(put(gone, PING, 5), 0);
        close(gone);
        is_served(good);
        /* A byte now and then must not keep it going. */
        for (last_s = start_s; control_stats(control)->clients > 1; turn(start_s))
                if (now_s() - last_s > 0.2 * (double) STALL_US / 1e6) {
                        send(bad, "x", 1, MSG_NOSIGNAL);
                        last_s = now_s();
                }
        assert_true(now_s() - start_s > 0.9 * (double) STALL_US / 1e6);
        assert_true(now_s() - start_s < 10 * STALL_US / 1e6);
        close(bad);
        assert_int_equal(control_stats(control)->dropped, 2);
        /* One that asks nothing may stay. */
        is_served(good);
        close(good);
}

static void ten_megabytes(void **state) {
        static char block[65536];
        int good = open_client(), bad = open_client();
        int error = 0;
        size_t sent = 0;

        memset(block, '[', sizeof block);
        while (error == 0 && sent < 10 * 1024 * 1024) {
                error = put(bad, block, sizeof block);
                sent += sizeof block;
        }
        assert_true(error == -EPIPE || error == -ECONNRESET);
        assert_true(sent <= 1024 * 1024);
        close(bad);
        assert_int_equal(control_stats(control)->dropped, 1);
        is_served(good);
        close(good);
}

static void one_who_never_reads(void **state) {
        int good = open_client(), bad = open_client();
        static char calls[200 * sizeof "{\"method\":\"io.synward.GetMetrics\"}"];
        static const char one[] = "{\"method\":\"io.synward.GetMetrics\"}";
        double start_s = now_s();

        for (size_t i = 0; i < sizeof calls; i += sizeof one)
                memcpy(calls + i, one, sizeof one);
        is_served(good);
        is_served(bad);
        assert_int_equal(put(bad, calls, sizeof calls), 0);
        while (control_stats(control)->clients == 2) {
                is_served(good);
                turn(start_s);
        }
        assert_int_equal(control_stats(control)->dropped, 1);
        assert_true(now_s() - start_s < 10 * STALL_US / 1e6);
        close(bad);
        close(good);
}

static void a_hundred_clients(void **state) {
        int fds[CLIENTS_MAX];

        for (unsigned i = 0; i < CLIENTS_MAX; i++) {
                uint64_t seen = control_stats(control)->accepted + control_stats(control)->refused;

                fds[i] = open_client();
                WAIT_UNTIL(control_stats(control)->accepted + control_stats(control)->refused > seen);
        }
        assert_int_equal(control_stats(control)->clients, SERVER_CLIENTS_MAX);
        assert_int_equal(control_stats(control)->refused, CLIENTS_MAX - SERVER_CLIENTS_MAX);
        for (unsigned i = 0; i < SERVER_CLIENTS_MAX; i++)
                is_served(fds[i]);
        for (unsigned i = SERVER_CLIENTS_MAX; i < CLIENTS_MAX; i++)
                hung_up(fds[i]);
        close(fds[0]);
        WAIT_UNTIL(control_stats(control)->clients < SERVER_CLIENTS_MAX);
        fds[0] = open_client();
        is_served(fds[0]);
        for (unsigned i = 0; i < SERVER_CLIENTS_MAX; i++)
                close(fds[i]);
}

/* Those who may only read cannot take all the room. */
static void others_leave_room_for_root(void **state) {
        enum { NOBODY = 65534 };
        int fds[SERVER_CLIENTS_MAX];

        if (geteuid() != 0) {
                print_message("skipped: needs root to connect as somebody else\n");
                skip();
        }
        chmod(directory, 0755);
        assert_int_equal(chmod(path, 0666), 0);
        for (unsigned i = 0; i < SERVER_CLIENTS_MAX; i++) {
                uint64_t seen = control_stats(control)->accepted + control_stats(control)->refused;

                assert_int_equal(seteuid(NOBODY), 0);
                fds[i] = open_client();
                assert_int_equal(seteuid(0), 0);
                WAIT_UNTIL(control_stats(control)->accepted + control_stats(control)->refused > seen);
        }
        assert_int_equal(control_stats(control)->clients, SERVER_OTHERS_MAX);
        hung_up(fds[SERVER_OTHERS_MAX]);
        close(fds[SERVER_CLIENTS_MAX - 1]);
        fds[SERVER_CLIENTS_MAX - 1] = open_client();
        is_served(fds[SERVER_CLIENTS_MAX - 1]);
        for (unsigned i = 0; i < SERVER_CLIENTS_MAX; i++)
                close(fds[i]);
}

static size_t events_in(json_t *message) {
        size_t n = json_array_size(json_object_get(json_object_get(message, "parameters"), "events"));

        assert_true(json_is_true(json_object_get(message, "continues")));
        json_decref(message);
        return n;
}

static void followers_are_told(void **state) {
        int a = open_client(), b = open_client(), good = open_client();

        sample_add_event(&event_log, EVENT_FLOOD_START);
        call(a, "{\"method\":\"io.synward.GetEvents\",\"more\":true}");
        call(b, "{\"method\":\"io.synward.GetEvents\",\"more\":true,\"parameters\":{\"limit\":0}}");
        assert_int_equal(events_in(get(a)), 1);
        assert_int_equal(events_in(get(b)), 0);
        control_wake(control); /* nothing new: nobody hears anything */
        close(b);
        WAIT_UNTIL(control_stats(control)->clients == 2);
        sample_add_event(&event_log, EVENT_FLOOD_UPDATE);
        sample_add_event(&event_log, EVENT_FLOOD_END);
        control_wake(control);
        assert_int_equal(events_in(get(a)), 2);
        is_served(good);
        close(a);
        close(good);
}

/* A follower that stops reading loses events, then its connection; never the daemon's memory. */
static void a_follower_that_stops(void **state) {
        int fd = open_client();
        double start_s = now_s();

        call(fd, "{\"method\":\"io.synward.GetEvents\",\"more\":true}");
        while (control_stats(control)->clients == 1) {
                sample_add_event(&event_log, EVENT_FLOOD_UPDATE);
                control_wake(control);
                turn(start_s);
        }
        assert_int_equal(control_stats(control)->dropped, 1);
        close(fd);
}

static void survives_lack_of_descriptors(void **state) {
        struct rlimit old, tight;
        int good = open_client(), fd, probe;
        double start_s = now_s();
        unsigned turns = 0;

        is_served(good);
        fd = open_client();
        probe = dup(fd);
        assert_true(probe >= 0);
        close(probe);
        assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
        tight = old;
        tight.rlim_cur = (rlim_t) probe;
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &tight), 0);
        WAIT_UNTIL(control_stats(control)->accept_failed == 1);
        is_served(good);
        /* The connection that waits must not keep the loop spinning. */
        for (start_s = now_s(); now_s() - start_s < 0.1; turns++)
                assert_true(sd_event_run(event, 20000) >= 0);
        assert_in_range(turns, 1, 20);
        assert_int_equal(control_stats(control)->accept_failed, 1);
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
        /* At the next try. A newcomer, for valgrind takes and closes the one that waited. */
        close(fd);
        fd = open_client();
        is_served(fd);
        close(fd);
        close(good);
}

static void place_of_the_socket(void **state) {
        struct server_options options = { .path = path };
        struct control *other = NULL;
        struct stat st;
        int fd;

        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_mode & 07777, 0660);
        /* Somebody answers: keep away. */
        assert_int_equal(control_new(event, &options, &ops, NULL, &other), -EADDRINUSE);
        assert_null(other);
        fd = open_client();
        is_served(fd);
        close(fd);

        /* Left behind: the descriptor is closed, the name still there. */
        assert_int_equal(unlink(path), 0);
        fd = socket(AF_UNIX, SOCK_STREAM, 0);
        {
                struct sockaddr_un sun = { .sun_family = AF_UNIX };

                memcpy(sun.sun_path, path, strlen(path));
                assert_int_equal(bind(fd, (struct sockaddr *) &sun, sizeof sun), 0);
        }
        close(fd);
        assert_int_equal(control_new(event, &options, &ops, NULL, &other), 0);
        control = control_free(control); /* must leave the newcomer's socket alone */
        control = other;
        fd = open_client();
        is_served(fd);
        close(fd);
}

static void refuses_other_places(void **state) {
        char file[160], longest[512];
        struct server_options options = { .path = file };
        struct control *other = NULL;
        int fd;

        snprintf(file, sizeof file, "%s.file", path);
        fd = open(file, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
        assert_true(fd >= 0);
        close(fd);
        assert_int_equal(control_new(event, &options, &ops, NULL, &other), -EEXIST);
        assert_int_equal(unlink(file), 0);
        memset(longest, 'x', sizeof longest);
        longest[sizeof longest - 1] = '\0';
        options.path = longest;
        assert_int_equal(control_new(event, &options, &ops, NULL, &other), -ENAMETOOLONG);
        options.path = "";
        assert_int_equal(control_new(event, &options, &ops, NULL, &other), -EINVAL);
        options.path = "/nonexistent/directory/socket";
        assert_int_equal(control_new(event, &options, &ops, NULL, &other), -ENOENT);
        assert_null(other);
}

static void takes_a_passed_socket(void **state) {
        struct server_options options = { 0 };
        struct sockaddr_un sun = { .sun_family = AF_UNIX };
        struct control *passed = NULL;
        struct stat st;
        char kept[sizeof path];
        int fd;

        options.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        snprintf(sun.sun_path, sizeof sun.sun_path, "%.90s.passed", path);
        assert_int_equal(bind(options.fd, (struct sockaddr *) &sun, sizeof sun), 0);
        assert_int_equal(listen(options.fd, 4), 0);
        assert_int_equal(control_new(event, &options, &ops, NULL, &passed), 0);
        memcpy(kept, path, sizeof path);
        snprintf(path, sizeof path, "%s", sun.sun_path);
        fd = open_client();
        is_served(fd);
        close(fd);
        control_free(passed);
        memcpy(path, kept, sizeof path);
        assert_int_equal(stat(sun.sun_path, &st), 0); /* not ours to remove */
        unlink(sun.sun_path);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        const struct CMUnitTest tests[] = {
                TEST(answers_in_order),
                TEST(answers_to_one_who_ends_first),
                TEST(oneway_is_not_answered),
                TEST(rubbish_is_dropped),
                TEST(half_a_request_has_its_time),
                TEST(ten_megabytes),
                TEST(one_who_never_reads),
                TEST(a_hundred_clients),
                TEST(others_leave_room_for_root),
                TEST(followers_are_told),
                TEST(a_follower_that_stops),
                TEST(survives_lack_of_descriptors),
                TEST(place_of_the_socket),
                TEST(refuses_other_places),
                TEST(takes_a_passed_socket),
        };
#undef TEST
        return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
