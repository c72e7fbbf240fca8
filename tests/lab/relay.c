/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A long wire between two network devices: every frame that comes in on one
 * goes out on the other after a delay, or is lost; what it does can be changed
 * while it runs. For kernels without netem.
 *
 * Frames travel with their virtio header (PACKET_VNET_HDR), so that checksums
 * the sender left to its device stay "to be done" and the receiver accepts
 * them; offloads need not be switched off.
 */
#include "config.h"

#include <errno.h>
#include <getopt.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/virtio_net.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <arpa/inet.h>
#include <time.h>

#include "common.h"

enum {
        BATCH = 64,
        SLOTS = 1 << 15, /* frames under way in one direction; 50,000/s for 0.6 s */
        SLOT_SIZE = 2048,
        TICK_US = 500, /* under load the relay looks this often, not at every frame */
        RECEIVE_BUFFER = 32 << 20,
        WORDS_MAX = 32,
};

static volatile sig_atomic_t control_asked;

struct slot {
        uint64_t due_us;
        uint32_t length;
        uint8_t frame[SLOT_SIZE - 12]; /* struct virtio_net_hdr first */
};

struct direction {
        int in, out;
        struct slot *slots;
        uint32_t head, tail; /* free-running: send from tail, receive into head */
        const char *from;
        uint64_t last_due_us;
        uint64_t free_us; /* when the wire has taken what was given to it: of the capacity */
        uint64_t received, sent, lost, full, oversized, send_failed;
        struct lab_histogram late; /* how long after its due time a frame left */
};

struct settings {
        const char *devices[2], *control;
        char mute[IFNAMSIZ]; /* the device whose frames are lost; of none: none */
        uint64_t delay_us, jitter_us, queue_us, seed;
        double loss;     /* share, 0..1 */
        bool doubles;    /* each frame leaves twice */
        double capacity; /* frames a second in each direction; 0: no bound */
};

static int open_device(const char *name) {
        struct sockaddr_ll address = {
                .sll_family = AF_PACKET,
                .sll_protocol = htons(ETH_P_ALL),
        };
        struct packet_mreq promiscuous = { .mr_type = PACKET_MR_PROMISC };
        int one = 1, buffer = RECEIVE_BUFFER, fd;

        fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (fd < 0)
                lab_die("AF_PACKET");
        address.sll_ifindex = (int) if_nametoindex(name);
        if (address.sll_ifindex == 0)
                lab_die("%s", name);
        promiscuous.mr_ifindex = address.sll_ifindex;
        if (setsockopt(fd, SOL_PACKET, PACKET_VNET_HDR, &one, sizeof(one)) < 0 ||
            setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one, sizeof(one)) < 0 ||
            setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &promiscuous, sizeof(promiscuous)) < 0 ||
            setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &buffer, sizeof(buffer)) < 0)
                lab_die("%s: setsockopt", name);
        /* Straight to the device: a queue in between would be a second delay. */
        if (setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &one, sizeof(one)) < 0)
                lab_die("%s: PACKET_QDISC_BYPASS", name);
        if (bind(fd, (struct sockaddr *) &address, sizeof(address)) < 0)
                lab_die("%s: bind", name);
        return fd;
}

static struct slot *slot_at(struct direction *d, uint32_t n) {
        return &d->slots[n % SLOTS];
}

/* When the frame that was read now has to leave. Never before the one ahead of
 * it: a path that reorders is another experiment. */
static uint64_t due_time(struct direction *d, const struct settings *s, uint64_t *rng, uint64_t now) {
        uint64_t due = (d->free_us > now ? d->free_us : now) + s->delay_us;

        if (s->jitter_us)
                due += lab_random(rng) % (2 * s->jitter_us + 1);
        if (due < d->last_due_us)
                due = d->last_due_us;
        d->last_due_us = due;
        return due;
}

/* By chance, because nothing comes through from there, or because the wire has a
 * capacity and its queue is full; else it has its place on the wire. */
static bool is_lost(struct direction *d, const struct settings *s, uint64_t *rng, uint64_t now) {
        if (s->loss > 0 && lab_random_unit(rng) < s->loss)
                return true;
        if (strcmp(s->mute, d->from) == 0)
                return true;
        if (s->capacity <= 0)
                return false;
        if (d->free_us < now)
                d->free_us = now;
        if (d->free_us - now > s->queue_us)
                return true;
        d->free_us += (uint64_t) (1e6 / s->capacity);
        return false;
}

/* Returns how many frames were taken from the device. */
static unsigned receive_batch(struct direction *d, const struct settings *s, uint64_t *rng) {
        struct mmsghdr messages[BATCH];
        struct iovec vectors[BATCH];
        uint32_t room = SLOTS - (d->head - d->tail);
        unsigned wanted = room < BATCH ? room : BATCH, kept = 0;
        uint64_t now;
        int n;

        if (wanted == 0)
                return 0; /* the socket's own buffer holds the rest */
        for (unsigned i = 0; i < wanted; i++) {
                vectors[i].iov_base = slot_at(d, d->head + i)->frame;
                vectors[i].iov_len = sizeof(d->slots->frame);
                messages[i].msg_hdr = (struct msghdr) { .msg_iov = &vectors[i], .msg_iovlen = 1 };
        }
        n = recvmmsg(d->in, messages, wanted, MSG_TRUNC, NULL);
        if (n <= 0)
                return 0;

        now = lab_now_us();
        for (unsigned i = 0; i < (unsigned) n; i++) {
                struct slot *from = slot_at(d, d->head + i), *to = slot_at(d, d->head + kept);

                d->received++;
                if (messages[i].msg_len > sizeof(from->frame)) {
                        d->oversized++;
                        continue;
                }
                if (is_lost(d, s, rng, now)) {
                        d->lost++;
                        continue;
                }
                if (to != from)
                        memcpy(to->frame, from->frame, messages[i].msg_len);
                to->length = messages[i].msg_len;
                to->due_us = due_time(d, s, rng, now);
                kept++;
        }
        d->head += kept;
        return (unsigned) n;
}

static unsigned send_batch(struct direction *d, const struct settings *s, uint64_t now) {
        struct mmsghdr messages[BATCH];
        struct iovec vectors[BATCH];
        unsigned wanted = 0;
        int n;

        /* Half a tick early and half a tick late cancel out. */
        while (wanted < BATCH && d->tail + wanted != d->head) {
                struct slot *slot = slot_at(d, d->tail + wanted);

                if (slot->due_us > now + TICK_US / 2)
                        break;
                vectors[wanted] = (struct iovec) { slot->frame, slot->length };
                messages[wanted].msg_hdr = (struct msghdr) { .msg_iov = &vectors[wanted], .msg_iovlen = 1 };
                wanted++;
        }
        if (wanted == 0)
                return 0;

        n = sendmmsg(d->out, messages, wanted, 0);
        if (n > 0 && s->doubles)
                sendmmsg(d->out, messages, (unsigned) n, 0);
        if (n < 0) {
                /* One frame that the device refuses must not block the wire. */
                if (errno == EAGAIN || errno == ENOBUFS)
                        return 0;
                d->send_failed++;
                d->tail++;
                return 1;
        }
        for (unsigned i = 0; i < (unsigned) n; i++) {
                uint64_t due = slot_at(d, d->tail + i)->due_us;

                lab_histogram_add(&d->late, now > due ? now - due : 0);
        }
        d->sent += (unsigned) n;
        d->tail += (unsigned) n;
        return (unsigned) n;
}

static const char help[] = "relay [--delay TIME] [--jitter TIME] [--loss PERCENT] [--double] [--mute DEVICE|none]\n"
                           "      [--capacity FRAMES_PER_S] [--queue TIME] [--control FILE] [--seed N] DEVICE DEVICE\n"
                           "delay: one way; jitter: added, up to twice this; double: each frame leaves twice;\n"
                           "mute: what comes from there is lost; capacity: of each direction, behind a queue of so\n"
                           "much time (1s), beyond which frames are lost; control: on SIGHUP such options\n"
                           "are read from there, words on one line";

static void parse_options(int argc, char **argv, struct settings *s) {
        static const struct option options[] = {
                { "delay", required_argument, NULL, 'd' },
                { "jitter", required_argument, NULL, 'j' },
                { "loss", required_argument, NULL, 'l' },
                { "double", no_argument, NULL, '2' },
                { "mute", required_argument, NULL, 'm' },
                { "capacity", required_argument, NULL, 'c' },
                { "queue", required_argument, NULL, 'q' },
                { "control", required_argument, NULL, 'C' },
                { "seed", required_argument, NULL, 's' },
                { "help", no_argument, NULL, 'h' },
                { 0 },
        };
        int c;

        optind = 0; /* glibc's word for: from the beginning */
        while ((c = getopt_long(argc, argv, "h", options, NULL)) >= 0)
                switch (c) {
                case 'd':
                        s->delay_us = lab_duration_us("--delay", optarg);
                        break;
                case 'j':
                        s->jitter_us = lab_duration_us("--jitter", optarg);
                        break;
                case 'l':
                        s->loss = lab_number("--loss", optarg, 0, 100) / 100;
                        break;
                case '2':
                        s->doubles = true;
                        break;
                case 'm':
                        snprintf(s->mute, sizeof(s->mute), "%s", optarg);
                        break;
                case 'c':
                        s->capacity = lab_number("--capacity", optarg, 0, 1e6);
                        break;
                case 'q':
                        s->queue_us = lab_duration_us("--queue", optarg);
                        break;
                case 'C':
                        s->control = optarg;
                        break;
                case 's':
                        s->seed = lab_integer("--seed", optarg, 1, UINT64_MAX);
                        break;
                case 'h':
                        puts(help);
                        exit(0);
                default:
                        exit(2);
                }
}

static struct settings parse(int argc, char **argv) {
        struct settings s = { .queue_us = 1000000, .seed = 1 };

        parse_options(argc, argv, &s);
        if (argc - optind != 2)
                lab_usage("two devices, please");
        s.devices[0] = argv[optind];
        s.devices[1] = argv[optind + 1];
        return s;
}

static void on_hangup(int number) {
        (void) number;
        control_asked = 1;
}

/* Frames that are under way keep their times. */
static void read_control(struct settings *s) {
        char line[256], name[] = "relay", *words[WORDS_MAX + 1] = { name }, *rest = line, *word;
        int count = 1;
        const char *control = s->control;
        FILE *f = control ? fopen(control, "re") : NULL;

        if (!f || !fgets(line, sizeof(line), f))
                lab_die("--control: %s", control ? control : "not given");
        fclose(f);
        while (count < WORDS_MAX && (word = strsep(&rest, " \n")))
                if (*word)
                        words[count++] = word;
        parse_options(count, words, s);
        s->control = control; /* not what was read */
}

static void run(struct direction directions[2], struct settings *s) {
        struct pollfd fds[2] = { { .fd = directions[0].in, .events = POLLIN },
                                 { .fd = directions[1].in, .events = POLLIN } };
        uint64_t rng = s->seed, next = lab_now_us();

        while (lab_running()) {
                bool pending = false;

                if (control_asked) {
                        control_asked = 0;
                        read_control(s);
                        puts("{\"program\":\"relay\",\"changed\":true}");
                        fflush(stdout);
                }
                for (unsigned i = 0; i < 2; i++) {
                        struct direction *d = &directions[i];

                        while (receive_batch(d, s, &rng) == BATCH)
                                ;
                        while (send_batch(d, s, lab_now_us()) == BATCH)
                                ;
                        if (d->head != d->tail)
                                pending = true;
                }
                if (!pending) {
                        (void) poll(fds, 2, 100);
                        next = lab_now_us();
                        continue;
                }
                next += TICK_US;
                if (next < lab_now_us())
                        next = lab_now_us();
                lab_sleep_until_us(next);
        }
}

static void report(struct direction directions[2], const struct settings *s) {
        for (unsigned i = 0; i < 2; i++) {
                struct direction *d = &directions[i];
                struct tpacket_stats stats = { 0 };
                socklen_t length = sizeof(stats);

                (void) getsockopt(d->in, SOL_PACKET, PACKET_STATISTICS, &stats, &length);
                printf("{\"program\":\"relay\",\"from\":\"%s\",\"delay_ms\":%.3f,"
                       "\"received\":%llu,\"sent\":%llu,\"lost\":%llu,\"oversized\":%llu,"
                       "\"send_failed\":%llu,\"dropped\":%u,"
                       "\"late_p50_ms\":%.1f,\"late_p99_ms\":%.1f,\"late_max_ms\":%.1f}\n",
                       s->devices[i], (double) s->delay_us / 1e3, (unsigned long long) d->received,
                       (unsigned long long) d->sent, (unsigned long long) d->lost, (unsigned long long) d->oversized,
                       (unsigned long long) d->send_failed, stats.tp_drops, lab_histogram_quantile_ms(&d->late, 0.5),
                       lab_histogram_quantile_ms(&d->late, 0.99), (double) d->late.max_us / 1e3);
        }
}

int main(int argc, char **argv) {
        static struct direction directions[2];
        struct settings s = parse(argc, argv);
        struct sigaction hangup = { .sa_handler = on_hangup };
        int fds[2];

        lab_require_namespace();
        lab_catch_signals();
        sigaction(SIGHUP, &hangup, NULL);
        for (unsigned i = 0; i < 2; i++)
                fds[i] = open_device(s.devices[i]);
        for (unsigned i = 0; i < 2; i++) {
                directions[i].from = s.devices[i];
                directions[i].in = fds[i];
                directions[i].out = fds[1 - i];
                directions[i].slots = mmap(NULL, sizeof(struct slot) * SLOTS, PROT_READ | PROT_WRITE,
                                           MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
                if (directions[i].slots == MAP_FAILED)
                        lab_die("mmap");
        }
        puts("{\"program\":\"relay\",\"ready\":true}");
        fflush(stdout);
        run(directions, &s);
        report(directions, &s);
        return 0;
}
