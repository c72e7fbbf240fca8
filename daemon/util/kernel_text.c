/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "util/kernel_text.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NUMBER_TEXT_MAX = 64, FILE_MAX = 1024 * 1024, FILE_FIRST = 8192 };

struct span {
        const char *at;
        size_t length;
};

/* --- pure ---------------------------------------------------------------------------- */

static bool is_blank(char c) {
        return c == ' ' || c == '\t' || c == '\n';
}

bool kernel_text_number(const char *text, size_t length, long *ret) {
        size_t i = 0, first;
        bool negative;
        long value = 0;

        while (i < length && is_blank(text[i]))
                i++;
        negative = i < length && text[i] == '-';
        first = i += negative;
        for (; i < length && text[i] >= '0' && text[i] <= '9'; i++)
                if (__builtin_mul_overflow(value, 10L, &value) ||
                    __builtin_sub_overflow(value, (long) (text[i] - '0'), &value)) /* its least has no positive */
                        return false;
        if (i == first || (i < length && !is_blank(text[i])) || (!negative && value == LONG_MIN))
                return false;
        *ret = negative ? value : -value;
        return true;
}

/* What is before the next of these, which is left out; false: there is none. */
static bool cut(struct span *rest, char at, struct span *ret) {
        const char *end = rest->length > 0 ? memchr(rest->at, at, rest->length) : NULL;
        size_t n = end ? (size_t) (end - rest->at) : rest->length;

        *ret = (struct span) { rest->at, n };
        rest->at += end ? n + 1 : n;
        rest->length -= end ? n + 1 : n;
        return end != NULL;
}

static bool next_word(struct span *line, struct span *ret) {
        do
                cut(line, ' ', ret);
        while (ret->length == 0 && line->length > 0);
        return ret->length > 0;
}

static bool begins(struct span s, const char *with) {
        return s.length >= strlen(with) && memcmp(s.at, with, strlen(with)) == 0;
}

/* Of one pair behind the group's name. False: more of one than of the other, or no number. */
static bool add_pair(struct span names, struct span values, const char *begin, bool *found, uint64_t *sum) {
        struct span name, value;
        long n;

        for (;;) {
                bool more = next_word(&names, &name);

                if (more != next_word(&values, &value))
                        return false;
                if (!more)
                        return true;
                if (!begins(name, begin))
                        continue;
                if (!kernel_text_number(value.at, value.length, &n) || n < 0)
                        return false;
                if (__builtin_add_overflow(*sum, (uint64_t) n, sum))
                        *sum = UINT64_MAX;
                *found = true;
        }
}

bool kernel_text_counters(const char *text, size_t length, const char *group, const char *begin, uint64_t *ret) {
        struct span rest = { text, length }, names, values, word;
        uint64_t sum = 0;
        bool found = false;

        while (cut(&rest, '\n', &names) && cut(&rest, '\n', &values))
                if (next_word(&names, &word) && word.length == strlen(group) && begins(word, group) &&
                    (!next_word(&values, &word) || !begins(word, group) ||
                     !add_pair(names, values, begin, &found, &sum)))
                        return false;
        if (found)
                *ret = sum;
        return found;
}

static bool next_field(struct span *line, struct span *ret) {
        size_t n = 0;

        while (line->length > 0 && is_blank(*line->at))
                line->at++, line->length--;
        while (n < line->length && !is_blank(line->at[n]))
                n++;
        *ret = (struct span) { line->at, n };
        line->at += n;
        line->length -= n;
        return n > 0;
}

static bool hexadecimal(struct span word, uint64_t *ret) {
        uint64_t value = 0;

        if (word.length == 0 || word.length > 16)
                return false;
        for (size_t i = 0; i < word.length; i++) {
                char c = word.at[i];

                if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')))
                        return false;
                value = value << 4 | (uint64_t) (c <= '9' ? c - '0' : c - 'a' + 10);
        }
        *ret = value;
        return true;
}

bool kernel_text_column(const char *text, size_t length, const char *name, uint64_t *ret) {
        struct span rest = { text, length }, line, word = { text, 0 };
        uint64_t sum = 0, value;
        unsigned column = 0;
        bool found = false;

        cut(&rest, '\n', &line);
        while (next_field(&line, &word) && !(word.length == strlen(name) && begins(word, name)))
                column++;
        if (word.length == 0)
                return false;
        while (cut(&rest, '\n', &line)) {
                for (unsigned i = 0; i <= column; i++)
                        next_field(&line, &word);
                if (!hexadecimal(word, &value))
                        return false;
                sum += value;
                found = true;
        }
        if (found)
                *ret = sum;
        return found;
}

/* --- files ---------------------------------------------------------------------------- */

long kernel_text_read_number(const char *path) {
        char text[NUMBER_TEXT_MAX];
        FILE *f = fopen(path, "re");
        long value;
        size_t n;

        if (!f)
                return -1;
        n = fread(text, 1, sizeof text, f);
        fclose(f);
        return kernel_text_number(text, n, &value) ? value : -1;
}

/* All of it; to be freed. NULL: longer than FILE_MAX, or no memory. */
static char *read_all(FILE *f, size_t *ret_length) {
        char *text = NULL;

        for (size_t size = FILE_FIRST, length = 0; size <= FILE_MAX; size *= 2) {
                char *larger = realloc(text, size);

                if (!larger)
                        break;
                text = larger;
                length += fread(text + length, 1, size - length, f);
                if (length < size) {
                        *ret_length = length;
                        return text;
                }
        }
        free(text);
        return NULL;
}

/* To be freed; NULL: there is none, or no memory. */
static char *read_file(const char *path, size_t *ret_length) {
        FILE *f = fopen(path, "re");
        char *text = f ? read_all(f, ret_length) : NULL;

        if (f)
                fclose(f);
        return text;
}

bool kernel_text_read_column(const char *path, const char *name, uint64_t *ret) {
        size_t length;
        char *text = read_file(path, &length);
        bool found = text && kernel_text_column(text, length, name, ret);

        free(text);
        return found;
}

bool kernel_text_read_counters(const char *path, const char *group, const char *begin, uint64_t *ret) {
        size_t length;
        char *text = read_file(path, &length);
        bool found = text && kernel_text_counters(text, length, group, begin, ret);

        free(text);
        return found;
}
