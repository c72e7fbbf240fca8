/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "util/json_text.h"

#include <setjmp.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* Before each of jansson's blocks. */
struct block {
        _Alignas(max_align_t) struct block *next; /* NULL: it is not of a reading under way */
        struct block *previous;
};

/* jansson's functions for memory are the process', and so is this. */
static uint64_t failures;
static bool watched;
static jmp_buf *break_off; /* of the reading under way; NULL: none */
static struct block reading = { &reading, &reading }; /* what it has taken */

static void unlink_block(struct block *b) {
        b->previous->next = b->next;
        b->next->previous = b->previous;
        b->next = NULL;
}

static void *take(size_t size) {
        struct block *b = malloc(sizeof *b + size);

        if (!b) {
                failures++;
                if (break_off)
                        longjmp(*break_off, 1);
                return NULL;
        }
        b->next = NULL;
        if (break_off) {
                *b = (struct block) { reading.next, &reading };
                b->next->previous = reading.next = b;
        }
        return b + 1;
}

static void give(void *memory) {
        struct block *b;

        if (!memory)
                return;
        b = (struct block *) memory - 1;
        if (b->next)
                unlink_block(b);
        free(b);
}

void json_text_watch(void) {
        watched = true;
        json_set_alloc_funcs(take, give);
}

uint64_t json_text_failures(void) {
        return failures;
}

char *json_text_write(const json_t *value, size_t flags, const char *end) {
        uint64_t before = failures;
        char *text = value ? json_dumps(value, flags) : NULL, *whole = NULL;
        size_t length = text ? strlen(text) : 0;

        if (text && failures == before)
                whole = malloc(length + strlen(end) + 1);
        if (whole) {
                memcpy(whole, text, length);
                strcpy(whole + length, end);
        }
        if (watched)
                give(text);
        else
                free(text);
        return whole;
}

/* Not json_text_read() itself, for what longjmp(3) leaves of a function's variables is not known. */
static int load(const char *text, size_t length, size_t flags, json_error_t *error, json_t **ret) {
        jmp_buf here;

        if (setjmp(here) != 0)
                return -1;
        break_off = &here;
        *ret = json_loadb(text, length, flags, error);
        return 0;
}

json_t *json_text_read(const char *text, size_t length, size_t flags, json_error_t *error, bool *ret_no_memory) {
        json_error_t own;
        json_t *value = NULL;
        bool whole = load(text, length, flags, error ? error : &own, &value) == 0;

        break_off = NULL;
        while (reading.next != &reading) {
                struct block *b = reading.next;

                unlink_block(b);
                if (!whole)
                        free(b);
        }
        if (ret_no_memory)
                *ret_no_memory = !whole ||
                                 (!value && json_error_code(error ? error : &own) == json_error_out_of_memory);
        return whole ? value : NULL;
}
