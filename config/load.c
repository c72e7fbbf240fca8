/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "config/load.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/lists.h"
#include "config/loader.h"
#include "config/value.h"
#include "config/yaml_tree.h"

/* A file, kept until the end so that late errors can quote it. */
struct file {
        char *name;
        char *text;
        struct config_source source;
};

/* Pairs that must be in order, whichever of the two was named. */
static const struct {
        const char *lesser, *greater;
} ordered[] = {
        { "poll.fast_interval", "poll.interval" },
        { "poll.interval", "poll.max_interval" },
        { "poll.budget", "poll.alarm_budget" },
        { "probe.flood_interval", "probe.interval" },
};

static int load_source(struct loader *l, const struct config_source *source) {
        uint32_t first = l->errors->count;
        const struct yaml_node *root;
        struct yaml_tree *tree;
        int r;

        l->source = source;
        r = yaml_tree_parse(source, l->errors, &tree);
        if (r < 0)
                return r == -EBADMSG ? 0 : r;
        root = yaml_tree_root(tree);
        if (root && root->kind == YAML_KIND_MAPPING && !root->refused)
                loader_group(l, root, "", NULL);
        else if (root && !root->refused && (root->kind != YAML_KIND_SCALAR || !root->plain || *root->text))
                loader_error(l, root->at, "expected keys, like mode: enforce");
        yaml_tree_free(tree);
        config_errors_sort(l->errors, first);
        return l->out_of_memory ? -ENOMEM : 0;
}

/* What an override does not name is the host's, which a later file may have set. */
static void complete_listeners(struct settings *s) {
        for (uint32_t i = 0; i < s->listeners_count; i++)
                for (size_t j = 0; j < keys_count; j++) {
                        struct settings_listener *o = &s->listeners[i];
                        const struct key *k = &keys_table[j];

                        if (k->place == KEY_IN_DETECT && !(o->detect_set & keys_detect_bit(k)))
                                keys_set(k, &o->detect, keys_get(k, &s->detect));
                }
}

static void check_order(struct loader *l, const struct key *lesser, const struct key *greater) {
        const struct origin *a = &l->origins[lesser - keys_table];
        const struct origin *b = &l->origins[greater - keys_table], *blamed = a->source ? a : b;
        uint64_t low = keys_get(lesser, keys_base(lesser, l->settings));
        uint64_t high = keys_get(greater, keys_base(greater, l->settings));
        char low_text[VALUE_TEXT_MAX], high_text[VALUE_TEXT_MAX];

        if (low <= high)
                return;
        assert(blamed->source); /* the defaults are in order */
        config_errors_add(l->errors, blamed->source, blamed->at, "%s (%s) must not be more than %s (%s)", lesser->path,
                          value_format(lesser, low, low_text), greater->path, value_format(greater, high, high_text));
}

static void check_families(struct loader *l) {
        const struct key *from = keys_find("probe.from");
        const struct settings *s = l->settings;
        const struct origin *blamed = &l->origins[from - keys_table];

        if (!s->probe.listener.port || address_is_wildcard(&s->probe.from.address) ||
            address_is_ipv4(&s->probe.listener.address) == address_is_ipv4(&s->probe.from.address))
                return;
        config_errors_add(l->errors, blamed->source, blamed->at,
                          "probe.from and probe.listener must both be IPv4, or both IPv6");
}

static int load_sources(const struct file *files, size_t count, struct settings *ret, struct config_errors *errors) {
        struct settings s;
        struct loader l = { .settings = &s, .errors = errors, .list = lists_load };
        int r = 0;

        assert(keys_count <= KEYS_MAX);
        config_defaults(&s);
        for (size_t i = 0; i < count && r == 0; i++)
                r = load_source(&l, &files[i].source);
        if (r == 0)
                for (size_t i = 0; i < sizeof ordered / sizeof *ordered; i++)
                        check_order(&l, keys_find(ordered[i].lesser), keys_find(ordered[i].greater));
        if (r == 0)
                check_families(&l);
        if (r == 0 && errors->count > 0)
                r = -EINVAL;
        if (r < 0) {
                settings_release(&s);
                return r;
        }
        complete_listeners(&s);
        *ret = s;
        return 0;
}

/* An editor on another system may have left a byte order mark. */
static struct config_source make_source(const char *name, const char *text, size_t size) {
        size_t skip = size >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;

        return (struct config_source) { .name = name, .text = text + skip, .size = size - skip };
}

int config_load_text(const char *name, const char *text, size_t size, struct settings *ret,
                     struct config_errors *errors) {
        struct file file = { .source = make_source(name, text, size) };

        return load_sources(&file, 1, ret, errors);
}

/* At most one byte more than is taken, so that no file can cost more memory. */
static int read_all(int fd, char **ret_text, size_t *ret_size) {
        const size_t limit = YAML_TREE_SIZE_MAX + 3 + 1;
        size_t size = 0;
        char *text = malloc(limit);

        if (!text)
                return -ENOMEM;
        while (size < limit) {
                ssize_t n = read(fd, text + size, limit - size);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0) {
                        int r = -errno;

                        free(text);
                        return r;
                }
                if (n == 0)
                        break;
                size += (size_t) n;
        }
        *ret_text = text;
        *ret_size = size;
        return 0;
}

static int file_read(struct file *f, const char *path) {
        size_t size = 0;
        int fd, r;

        fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
        if (fd < 0)
                return -errno;
        r = read_all(fd, &f->text, &size);
        (void) close(fd);
        if (r < 0)
                return r;
        f->name = strdup(path);
        if (!f->name) {
                free(f->text);
                return -ENOMEM;
        }
        f->source = make_source(f->name, f->text, size);
        return 0;
}

static void files_free(struct file *files, size_t count) {
        for (size_t i = 0; i < count; i++) {
                free(files[i].name);
                free(files[i].text);
        }
}

static void cannot_read(struct config_errors *errors, const char *path, int error) {
        const struct config_source source = { .name = path };

        config_errors_add(errors, &source, (struct config_position) { 0 }, "cannot be read: %s", strerror(-error));
}

int config_load_file(const char *path, struct settings *ret, struct config_errors *errors) {
        struct file file = { 0 };
        int r;

        r = file_read(&file, path);
        if (r < 0) {
                cannot_read(errors, path, r);
                return r;
        }
        r = load_sources(&file, 1, ret, errors);
        files_free(&file, 1);
        return r;
}

static int is_dropin(const struct dirent *e) {
        size_t n = strlen(e->d_name);

        return e->d_name[0] != '.' && n > 5 && strcmp(e->d_name + n - 5, ".yaml") == 0;
}

/* alphasort() would depend on the locale. */
static int by_bytes(const struct dirent **a, const struct dirent **b) {
        return strcmp((*a)->d_name, (*b)->d_name);
}

static int read_dropin(const char *directory, const char *name, struct file *f, struct config_errors *errors) {
        struct stat st;
        char *path;
        int r;

        if (asprintf(&path, "%s/%s", directory, name) < 0)
                return -ENOMEM;
        /* A FIFO there would block a reload for ever. */
        if (stat(path, &st) < 0)
                r = -errno;
        else
                r = S_ISREG(st.st_mode) ? file_read(f, path) : -EINVAL;
        if (r < 0)
                cannot_read(errors, path, r);
        free(path);
        return r;
}

static int read_dropins(const char *directory, struct file *files, size_t *count, struct config_errors *errors) {
        struct dirent **entries = NULL;
        int n, r = 0;

        n = scandir(directory, &entries, is_dropin, by_bytes);
        if (n < 0 && errno == ENOENT)
                return 0;
        if (n < 0 || n > CONFIG_DROPINS_MAX) {
                r = n < 0 ? -errno : -E2BIG;
                cannot_read(errors, directory, r);
        }
        for (int i = 0; i < n; i++) {
                if (r == 0)
                        r = read_dropin(directory, entries[i]->d_name, &files[*count], errors);
                if (r == 0)
                        ++*count;
                free(entries[i]);
        }
        free(entries);
        return r;
}

static int load_default_paths(const char *path, const char *directory, struct settings *ret, bool *ret_found,
                              struct config_errors *errors) {
        struct file files[1 + CONFIG_DROPINS_MAX] = { 0 };
        size_t count = 0;
        bool found;
        int r;

        r = file_read(&files[0], path);
        found = r == 0;
        if (found)
                count = 1;
        else if (r != -ENOENT)
                cannot_read(errors, path, r);
        if (found || r == -ENOENT)
                r = read_dropins(directory, files, &count, errors);
        if (r == 0)
                r = load_sources(files, count, ret, errors);
        if (r == 0)
                *ret_found = found;
        files_free(files, count);
        /* Only the caller's own file can be "not there". */
        return r == -ENOENT ? -EINVAL : r;
}

int config_load_default(const char *sysconfdir, struct settings *ret, bool *ret_found, struct config_errors *errors) {
        char *path = NULL, *directory = NULL;
        int r = -ENOMEM;

        if (asprintf(&path, "%s/synward/synward.yaml", sysconfdir) < 0)
                return -ENOMEM;
        if (asprintf(&directory, "%s/synward/synward.d", sysconfdir) >= 0) {
                r = load_default_paths(path, directory, ret, ret_found, errors);
                free(directory);
        }
        free(path);
        return r;
}
