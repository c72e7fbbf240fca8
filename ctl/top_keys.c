/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#ifdef HAVE_NCURSES
#include "ctl/top_keys.h"

#include <curses.h>
#include <stdlib.h>

#include "ctl/ctl.h"

enum { KEY_ESCAPE = 27 };

static void select_listener(struct top_view *v, const struct feed *feed, int step) {
        const json_t *listeners = json_object_get(feed->parts[FEED_STATUS], "listeners");
        const json_t **sorted = worst_sort(listeners, v->order);
        size_t count = json_array_size(listeners);

        if (!sorted)
                return;
        if (v->name[0] == '\0')
                v->selected = 0;
        else if (step < 0 && v->selected > 0)
                v->selected--;
        else if (step > 0)
                v->selected++;
        if (v->selected >= count)
                v->selected = count - 1;
        term_listener(ctl_text(sorted[v->selected], "address"), ctl_number(sorted[v->selected], "port"), v->name,
                      sizeof v->name);
        free(sorted);
}

bool top_keys_take(struct top_view *v, const struct feed *feed, int key) {
        if (key == 'q' || key == 'Q')
                return false;
        if (v->help) {
                v->help = key == KEY_RESIZE;
                return true;
        }
        if (key == 's')
                v->order = (v->order + 1) % WORST_ORDERS;
        else if (key == 'p' || key == ' ')
                v->paused = !v->paused;
        else if (key == 'h' || key == '?')
                v->help = true;
        else if (key == KEY_UP || key == 'k')
                select_listener(v, feed, -1);
        else if (key == KEY_DOWN || key == 'j')
                select_listener(v, feed, 1);
        else if (key == '\n' || key == '\r' || key == KEY_ENTER) {
                if (v->name[0] == '\0')
                        select_listener(v, feed, 0);
                v->one = v->name[0] != '\0';
        } else if (key == KEY_ESCAPE) {
                if (!v->one)
                        v->name[0] = '\0';
                v->one = false;
        }
        return true;
}
#endif
