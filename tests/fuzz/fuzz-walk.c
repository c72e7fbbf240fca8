/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Walks of the socket table on a kernel that means ill, several with one sensor, for it compares them. The
 * first byte says which kinds, two bits each; behind it the datagrams, as hostile-kernel.h has them. */

#include <stdlib.h>
#include <string.h>

#include "sensors/sock_diag.h"
#include "tests/fuzz/hostile-kernel.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { WALKS = 4 };

static void require(bool holds) {
        if (!holds)
                abort();
}

/* What a walk that ended well has told. */
static void look_at(const struct observation *o, bool full) {
        uint64_t half_open = 0;

        require((o->known & OBS_K_LISTENERS) && o->listeners_count <= OBS_LISTENERS_MAX);
        require(o->listeners_left_out == 0 || o->listeners_count == OBS_LISTENERS_MAX);
        require(full == ((o->known & OBS_K_DUMP) != 0));
        for (uint32_t i = 0; i < o->listeners_count; i++) {
                const struct obs_listener *l = &o->listeners[i];
                uint64_t ages = l->deferred;

                for (unsigned k = 0; k < OBS_AGE_BINS; k++)
                        ages += l->age[k];
                require(l->sockets > 0 && (l->known & OBS_L_LIMITS));
                require(!full || ages == l->half_open);
                for (uint32_t k = 0; k < i; k++)
                        require(!listener_key_equal(&l->key, &o->listeners[k].key));
                half_open += l->half_open;
        }
        if (full)
                require(o->aged <= o->half_open && o->deferred <= o->half_open && o->ghosts <= o->half_open &&
                        half_open + o->ghosts <= o->half_open);
}

static int walk(struct sock_diag *s, unsigned kind, struct observation *o) {
        uint32_t connections;

        if (kind == 0)
                return sock_diag_dump_listeners(s, o);
        return kind == 1 ? sock_diag_dump_connections(s, o, &connections) : sock_diag_dump(s, o);
}

static void hear(void *data, const struct address *remote, const struct address *local, uint16_t port,
                 uint64_t age_us) {
        (void) age_us;
        (void) data;
        (void) port;
        require(!remote || local);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        static struct observation o;
        struct hostile_kernel k = { 0 };
        const struct netlink_kernel kernel = hostile_kernel(&k);
        struct sock_diag *s;

        if (size < 1 || sock_diag_new(&kernel, &s) < 0)
                return 0;
        sock_diag_set_half_open_sink(s, hear, NULL);
        k.data = data + 1;
        k.left = size - 1;
        for (unsigned i = 0; i < WALKS && k.left >= 2; i++) {
                unsigned kind = data[0] >> 2 * i & 3;

                o.known = 0;
                o.listeners_count = 0;
                if (walk(s, kind, &o) < 0)
                        require(o.known == 0 && o.listeners_count == 0);
                else
                        look_at(&o, kind != 0);
        }
        sock_diag_free(s);
        return 0;
}
