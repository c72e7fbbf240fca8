/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * xdp-pass DEVICE: an XDP program that lets everything pass, until it is ended. Prints "ready PROGRAM",
 * the number that the kernel gave it; status 77 where this kernel has none.
 */
#include "config.h"

#include <errno.h>
#include <linux/bpf.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common.h"

static int bpf(int command, union bpf_attr *attr) {
        return (int) syscall(__NR_bpf, command, attr, sizeof *attr);
}

static int load(void) {
        const struct bpf_insn pass[] = {
                { .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = XDP_PASS },
                { .code = BPF_JMP | BPF_EXIT },
        };
        union bpf_attr attr;

        memset(&attr, 0, sizeof attr);
        attr.prog_type = BPF_PROG_TYPE_XDP;
        attr.insns = (uintptr_t) pass;
        attr.insn_cnt = sizeof pass / sizeof *pass;
        attr.license = (uintptr_t) "GPL";
        return bpf(BPF_PROG_LOAD, &attr);
}

/* By a link, which ends with its last descriptor: with this process. */
static int attach(int program, unsigned device) {
        union bpf_attr attr;

        memset(&attr, 0, sizeof attr);
        attr.link_create.prog_fd = (uint32_t) program;
        attr.link_create.target_ifindex = device;
        attr.link_create.attach_type = BPF_XDP;
        attr.link_create.flags = XDP_FLAGS_SKB_MODE;
        return bpf(BPF_LINK_CREATE, &attr);
}

static uint32_t number(int program) {
        struct bpf_prog_info info = { 0 };
        union bpf_attr attr;

        memset(&attr, 0, sizeof attr);
        attr.info.bpf_fd = (uint32_t) program;
        attr.info.info_len = sizeof info;
        attr.info.info = (uintptr_t) &info;
        if (bpf(BPF_OBJ_GET_INFO_BY_FD, &attr) < 0)
                lab_die("BPF_OBJ_GET_INFO_BY_FD");
        return info.id;
}

int main(int argc, char **argv) {
        unsigned device = argc == 2 ? if_nametoindex(argv[1]) : 0;
        int program;

        if (device == 0)
                lab_usage("DEVICE");
        program = load();
        if (program < 0 || attach(program, device) < 0) {
                fprintf(stderr, "xdp-pass: %s\n", strerror(errno));
                return 77;
        }
        printf("ready %u\n", number(program));
        fflush(stdout);
        pause();
        return 0;
}
