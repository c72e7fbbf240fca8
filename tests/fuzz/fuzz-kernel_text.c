/* SPDX-License-Identifier: GPL-2.0-or-later */

/* What is read of /proc and /etc line by line or as a whole; the first byte says as which. */

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actions/block_guard.h"
#include "sensors/listen_owner.h"
#include "util/kernel_text.h"
#include "util/sysctl.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds) {
        if (!holds)
                abort();
}

/* Each address once, none that stands for all. */
static void read_protected(block_guard_take_fn *take, const char *text) {
        static struct block_protected p;
        bool room = true;
        char line[512];

        p.count = 0;
        for (; *text && room; text += strcspn(text, "\n") + (text[strcspn(text, "\n")] == '\n')) {
                snprintf(line, sizeof line, "%.*s", (int) strcspn(text, "\n"), text);
                room = take(line, &p);
        }
        require(p.count <= BLOCK_PROTECTED_MAX && (room || p.count == BLOCK_PROTECTED_MAX));
        for (uint32_t i = 0; i < p.count; i++) {
                require(!address_is_wildcard(&p.list[i]));
                for (uint32_t k = 0; k < i; k++)
                        require(!address_equal(&p.list[i], &p.list[k]));
        }
}

static void read_row(const char *text) {
        uint64_t inode = 77, before = inode;
        uint16_t port;

        if (!listen_owner_row(text, &port, &inode))
                require(inode == before);
}

/* What is a number to one is the same to the other. */
static void read_sysctl(const char *text, size_t length) {
        char again[32];
        uint8_t small;
        long value, same;

        if (kernel_text_number(text, length, &value)) {
                snprintf(again, sizeof again, "%ld\n", value);
                require(kernel_text_number(again, strlen(again), &same) && same == value);
        }
        if (sysctl_parse(text, length, &small) == 0)
                require(kernel_text_number(text, length, &value) && value == small);
}

static void read_counters(const char *text, size_t length) {
        uint64_t one = 0, all;
        bool found = kernel_text_counters(text, length, "TcpExt:", "TCPAbortOn", &one);

        if (found) /* all of them hold these */
                require(!kernel_text_counters(text, length, "TcpExt:", "TCP", &all) || all >= one);
        else
                require(one == 0);
        (void) kernel_text_counters(text, length, "Tcp:", "ActiveOpens", &one);
        (void) kernel_text_column(text, length, "syn_received", &one);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        size_t length;
        char *text;

        if (size < 1)
                return 0;
        length = size - 1;
        text = malloc(size); /* to the byte, so that a read beyond it is seen */
        if (!text)
                return 0;
        memcpy(text, data + 1, length);
        text[length] = '\0';
        switch (data[0] % 6) {
        case 0:
                read_protected(block_guard_take_route4, text);
                break;
        case 1:
                read_protected(block_guard_take_route6, text);
                break;
        case 2:
                read_protected(block_guard_take_resolver, text);
                break;
        case 3:
                read_row(text);
                break;
        case 4:
                read_sysctl(text, length);
                break;
        default:
                read_counters(text, length);
        }
        free(text);
        return 0;
}
