/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Preloaded into a program: each call site of malloc() and its kin fails once, as the table says that
 * FAIL_ALLOC_TABLE names (allocations.h). Nothing is allocated here. What the C library allocates for
 * itself, as in strdup() or fopen(), comes by here as well.
 */
#include "config.h" /* _dl_find_object */

/* glibc 2.35; elsewhere nothing fails. */
#ifdef HAVE__DL_FIND_OBJECT

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <malloc.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>
#include <unwind.h>

#include "allocations.h"

/* glibc's own, below the names that are taken here. */
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t n, size_t size);
extern void *__libc_realloc(void *old, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);

static struct allocations_table *table;
static bool busy; /* the unwinder might allocate */

__attribute__((constructor)) static void find_table(void) {
        const char *path = getenv(ALLOCATIONS_TABLE);
        int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
        void *memory;

        if (fd < 0)
                return;
        /* Shared with what it forks. */
        memory = mmap(NULL, sizeof *table, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        close(fd);
        if (memory != MAP_FAILED)
                table = memory;
}

static uint64_t now_us(void) {
        struct timespec t;

        clock_gettime(CLOCK_MONOTONIC, &t);
        return (uint64_t) t.tv_sec * 1000000 + (uint64_t) t.tv_nsec / 1000;
}

/* By name, which the daemon's processes set after they were forked, and may not ask for any more once
 * their system calls are filtered. */
static bool is_ours(void) {
        static char name[ALLOCATIONS_PROCESS_MAX];

        (void) prctl(PR_GET_NAME, name, 0, 0, 0);
        return strncmp(name, table->process, sizeof name) == 0;
}

/* --- where we are called from ------------------------------------------------------ */

struct stack {
        uintptr_t ours; /* this file's beginning in memory */
        uint64_t hash;
        uint32_t count, depth;
        uintptr_t at[ALLOCATIONS_FRAMES_MAX], base[ALLOCATIONS_FRAMES_MAX];
};

static void mix(uint64_t *hash, uint64_t value) {
        *hash = (*hash ^ value) * UINT64_C(0x9e3779b97f4a7c15);
        *hash ^= *hash >> 29;
}

static uint64_t hash_name(const char *name) {
        uint64_t hash = 1;

        for (; *name; name++)
                mix(&hash, (unsigned char) *name);
        return hash;
}

static const char *file_of(uintptr_t at, uintptr_t *ret_base) {
        struct dl_find_object o;
        const char *slash;

        *ret_base = 0;
        if (_dl_find_object((void *) at, &o) != 0)
                return "?";
        *ret_base = (uintptr_t) o.dlfo_map_start;
        slash = strrchr(o.dlfo_link_map->l_name, '/');
        return slash ? slash + 1 : o.dlfo_link_map->l_name;
}

static _Unwind_Reason_Code on_frame(struct _Unwind_Context *context, void *userdata) {
        struct stack *s = userdata;
        uintptr_t at = (uintptr_t) _Unwind_GetIP(context), base;
        const char *name;

        if (at == 0)
                return _URC_END_OF_STACK;
        name = file_of(at, &base);
        if (base == s->ours)
                return _URC_NO_REASON;
        if (s->depth++ < table->depth || !table->depth) {
                mix(&s->hash, hash_name(name));
                mix(&s->hash, at - base);
        }
        if (s->count < ALLOCATIONS_FRAMES_MAX) {
                s->at[s->count] = at;
                s->base[s->count++] = base;
        }
        return _URC_NO_REASON;
}

static void look(struct stack *s) {
        *s = (struct stack) { .hash = 1 };
        (void) file_of((uintptr_t) look, &s->ours);
        (void) _Unwind_Backtrace(on_frame, s);
        s->hash |= 1;
}

static void fill(struct allocations_site *site, const struct stack *s) {
        site->hash = s->hash;
        site->frames_count = s->count;
        for (uint32_t i = 0; i < s->count; i++) {
                uintptr_t base;
                const char *name = file_of(s->at[i], &base);

                site->frames[i].offset = s->at[i] - base;
                strncpy(site->frames[i].file, name, ALLOCATIONS_NAME_MAX - 1);
        }
}

/* NULL: the table is full. */
static struct allocations_site *find_site(const struct stack *s) {
        for (uint32_t i = 0; i < ALLOCATIONS_SITES_MAX; i++) {
                struct allocations_site *site = &table->sites[(s->hash + i) % ALLOCATIONS_SITES_MAX];

                if (site->hash == s->hash)
                        return site;
                if (site->hash)
                        continue;
                if (table->sites_count >= ALLOCATIONS_SITES_MAX * 3 / 4)
                        break;
                fill(site, s);
                table->sites_count++;
                return site;
        }
        table->dropped++;
        return NULL;
}

static bool fails_now(void) {
        struct allocations_site *site;
        struct stack s;
        uint64_t us;

        look(&s);
        site = find_site(&s);
        if (!site)
                return false;
        site->calls++;
        if (site->failed || (table->shares && s.hash / 2 % table->shares != table->share))
                return false;
        us = now_us();
        if (table->last_us && us - table->last_us < table->gap_us)
                return false;
        table->last_us = us;
        site->failed = ++table->failures;
        return true;
}

static bool fails(void) {
        int saved = errno;
        bool is = false;

        if (!table || !atomic_load(&table->armed) || busy || !is_ours())
                return false;
        busy = true;
        is = fails_now();
        busy = false;
        errno = is ? ENOMEM : saved;
        return is;
}

/* --- what is preloaded ---------------------------------------------------------------- */

void *malloc(size_t size) {
        return fails() ? NULL : __libc_malloc(size);
}

void *calloc(size_t n, size_t size) {
        return fails() ? NULL : __libc_calloc(n, size);
}

void *realloc(void *old, size_t size) {
        return fails() ? NULL : __libc_realloc(old, size);
}

void *memalign(size_t alignment, size_t size) {
        return fails() ? NULL : __libc_memalign(alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size) {
        return memalign(alignment, size);
}

int posix_memalign(void **ret, size_t alignment, size_t size) {
        void *memory = memalign(alignment, size);

        if (!memory)
                return ENOMEM;
        *ret = memory;
        return 0;
}

#endif
