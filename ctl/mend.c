/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "ctl/mend.h"

#include <stdbool.h>
#include <string.h>

#include "ctl/term.h"
#include "util/kernel_text.h"

enum { WIDTH = 96, REASONS_MAX = sizeof((struct mend_step *) NULL)->because / sizeof(struct advice *) };

/* "sysctl -w KEY=VALUE", and nothing else: what may stand in a file that is read at each boot. */
static bool read_sysctl(const char *command, char key[static ADVICE_COMMAND_MAX], long *ret_value) {
        static const char set[] = "sysctl -w ", letters[] = "abcdefghijklmnopqrstuvwxyz0123456789_.";
        const char *name = command + strlen(set);
        size_t length;

        if (strncmp(command, set, strlen(set)) != 0)
                return false;
        length = strspn(name, letters);
        if (length == 0 || name[length] != '=')
                return false;
        snprintf(key, ADVICE_COMMAND_MAX, "%.*s", (int) length, name);
        name += length + 1;
        return !strpbrk(name, " \t\n") && kernel_text_number(name, strlen(name), ret_value);
}

static bool is_same(const struct mend_step *a, const struct mend_step *b) {
        if (a->kind != b->kind)
                return false;
        switch (a->kind) {
        case MEND_SYSCTL:
                return strcmp(a->key, b->key) == 0;
        case MEND_COMMAND:
                return strcmp(a->because[0]->command, b->because[0]->command) == 0;
        case MEND_REMARK:
                break;
        }
        return false;
}

static void add_reason(struct mend_step *to, const struct mend_step *step) {
        if (to->value < step->value)
                to->value = step->value;
        for (unsigned i = 0; i < to->reasons; i++)
                if (strcmp(to->because[i]->id, step->because[0]->id) == 0)
                        return;
        if (to->reasons < REASONS_MAX)
                to->because[to->reasons++] = step->because[0];
}

static void add_step(struct mend *m, const struct mend_step *step) {
        for (unsigned i = 0; i < m->count; i++)
                if (is_same(&m->steps[i], step)) {
                        add_reason(&m->steps[i], step);
                        return;
                }
        m->steps[m->count++] = *step; /* a finding makes two at most */
}

/* No command of this host's mends it: an application's backlog, a kernel without cookies. What was
 * once, and is over, asks for nothing. */
static bool is_remark(const struct advice *a) {
        if (strcmp(a->id, "backlog") == 0)
                return true;
        return a->severity >= ADVICE_WARNING && a->command[0] == '\0' && strcmp(a->id, "kernel_log") != 0 &&
               strcmp(a->id, "queue_drops") != 0;
}

static void add_finding(struct mend *m, const struct advice *a) {
        struct mend_step step = { .kind = MEND_REMARK, .reasons = 1, .because = { a } };

        if (is_remark(a))
                add_step(m, &step);
        if (a->command[0] == '\0')
                return;
        step.kind = read_sysctl(a->command, step.key, &step.value) ? MEND_SYSCTL : MEND_COMMAND;
        add_step(m, &step);
}

void mend_plan(const struct advice_list *l, struct mend *ret) {
        ret->count = 0;
        for (int severity = ADVICE_SERIOUS; severity >= ADVICE_FINE; severity--)
                for (unsigned i = 0; i < l->count; i++)
                        if ((int) l->list[i].severity == severity)
                                add_finding(ret, &l->list[i]);
}

/* --- as text ------------------------------------------------------------------------ */

/* A comment, broken between words: a line break of somebody else's would end it. */
static void print_comment(FILE *f, const char *text) {
        char clean[ADVICE_WHY_MAX + 128], *rest = term_clean(text, clean, sizeof clean);

        while (*rest) {
                size_t length = strlen(rest), end = length;

                if (length > WIDTH) {
                        for (end = WIDTH; end > 0 && rest[end] != ' '; end--)
                                ;
                        if (end == 0)
                                end = strcspn(rest, " ");
                }
                fprintf(f, "# %.*s\n", (int) end, rest);
                rest += end;
                rest += strspn(rest, " ");
        }
}

static void print_reasons(FILE *f, const struct mend_step *step) {
        char text[ADVICE_WHY_MAX + 128];

        for (unsigned i = 0; i < step->reasons; i++) {
                const struct advice *a = step->because[i];

                snprintf(text, sizeof text, "%s: %s. %s", advice_severity_name(a->severity), a->title, a->why);
                print_comment(f, text);
        }
}

static bool has(const struct mend *m, enum mend_kind kind) {
        for (unsigned i = 0; i < m->count; i++)
                if (m->steps[i].kind == kind)
                        return true;
        return false;
}

/* Appended: what an earlier run put there must outlive this one, and of two lines for a key
 * sysctl.d(5) takes the last. */
static void print_settings(const struct mend *m, FILE *f) {
        fputs("\ncat >>" MEND_SYSCTL_FILE " <<'END'\n# " MEND_SYSCTL_FILE ", from synwardctl doctor --fix\n", f);
        for (unsigned i = 0; i < m->count; i++) {
                const struct mend_step *step = &m->steps[i];

                if (step->kind != MEND_SYSCTL)
                        continue;
                fputc('\n', f);
                print_reasons(f, step);
                fprintf(f, "%s = %ld\n", step->key, step->value);
        }
        fputs("END\nsysctl -p " MEND_SYSCTL_FILE "\n", f);
}

void mend_print(const struct mend *m, FILE *f) {
        char command[ADVICE_COMMAND_MAX];

        if (m->count == 0) {
                fputs("# There is nothing to mend.\n", f);
                return;
        }
        fputs("#!/bin/sh\n# What synwardctl doctor would change on this host. Nothing is changed yet: read it, take out\n"
              "# what you do not want, and run the rest as root.\n",
              f);
        if (has(m, MEND_SYSCTL))
                print_settings(m, f);
        for (int kind = MEND_COMMAND; kind <= MEND_REMARK; kind++) {
                if (kind == MEND_REMARK && has(m, MEND_REMARK))
                        fputs("\n# By hand, in applications and elsewhere:\n", f);
                for (unsigned i = 0; i < m->count; i++) {
                        if ((int) m->steps[i].kind != kind)
                                continue;
                        fputc('\n', f);
                        print_reasons(f, &m->steps[i]);
                        if (kind == MEND_COMMAND)
                                fprintf(f, "%s\n",
                                        term_clean(m->steps[i].because[0]->command, command, sizeof command));
                }
        }
}

/* --- as JSON ------------------------------------------------------------------------ */

static json_t *reasons_json(const struct mend_step *step) {
        json_t *reasons = json_array();
        int error = 0;

        for (unsigned i = 0; i < step->reasons; i++) {
                const struct advice *a = step->because[i];

                error |= json_array_append_new(reasons, json_pack("{s:s, s:s, s:s, s:s}", "id", a->id, "severity",
                                                                  advice_severity_name(a->severity), "finding", a->title,
                                                                  "why", a->why));
        }
        if (!error)
                return reasons;
        json_decref(reasons);
        return NULL;
}

static json_t *step_json(const struct mend_step *step) {
        switch (step->kind) {
        case MEND_SYSCTL:
                return json_pack("{s:s, s:I, s:o}", "key", step->key, "value", (json_int_t) step->value, "because",
                                 reasons_json(step));
        case MEND_COMMAND:
                return json_pack("{s:s, s:o}", "command", step->because[0]->command, "because", reasons_json(step));
        case MEND_REMARK:
                break;
        }
        return json_pack("{s:o}", "because", reasons_json(step));
}

json_t *mend_json(const struct mend *m, enum advice_severity worst) {
        json_t *lists[] = { json_array(), json_array(), json_array() };
        int error = 0;

        for (unsigned i = 0; i < m->count; i++)
                error |= json_array_append_new(lists[m->steps[i].kind], step_json(&m->steps[i]));
        if (error) { /* no memory: all of it or nothing */
                for (unsigned i = 0; i < 3; i++)
                        json_decref(lists[i]);
                return NULL;
        }
        return json_pack("{s:s, s:s, s:s, s:o, s:o, s:o}", "schema", "synward.doctor_fix.v1", "worst",
                         advice_severity_name(worst), "file", MEND_SYSCTL_FILE, "sysctls", lists[MEND_SYSCTL],
                         "commands", lists[MEND_COMMAND], "remarks", lists[MEND_REMARK]);
}
