/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Stands in for libFuzzer: runs a fuzzer once over each file that is named. */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { INPUT_MAX = 1 << 20 };

int main(int argc, char **argv) {
        for (int i = 1; i < argc; i++) {
                FILE *f = fopen(argv[i], "rb");
                uint8_t *data = malloc(INPUT_MAX);
                size_t size;

                if (!f || !data) {
                        perror(argv[i]);
                        return 1;
                }
                size = fread(data, 1, INPUT_MAX, f);
                fclose(f);
                LLVMFuzzerTestOneInput(data, size);
                free(data);
        }
        printf("%d inputs\n", argc - 1);
        return argc > 1 ? 0 : 1;
}
