/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "format/metrics_text.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/figures.h"

/* In OpenMetrics a counter is named without its "_total", which only its samples have. */
struct exposition {
        FILE *f;
        bool openmetrics;
};

static void head(const struct exposition *x, const char *name, const char *type, const char *help) {
        size_t n = strlen(name), suffix = strlen("_total");

        if (x->openmetrics && strcmp(type, "counter") == 0 && n > suffix)
                n -= suffix;
        fprintf(x->f, "# HELP %.*s %s\n# TYPE %.*s %s\n", (int) n, name, help, (int) n, name, type);
}

/* Every digit that counts and none more: 0.1 stays 0.1. */
static void number(FILE *f, double value) {
        fprintf(f, " %.15g\n", value);
}

static void gauge(const struct exposition *x, const char *name, const char *help, double value) {
        if (!isfinite(value))
                return;
        head(x, name, "gauge", help);
        fputs(name, x->f);
        number(x->f, value);
}

static void counter(const struct exposition *x, const char *name, const char *help, uint64_t value) {
        head(x, name, "counter", help);
        fprintf(x->f, "%s %" PRIu64 "\n", name, value);
}

static void label_value(FILE *f, const char *text) {
        for (; *text; text++) {
                if (*text == '\n') {
                        fputs("\\n", f);
                        continue;
                }
                if (*text == '\\' || *text == '"')
                        fputc('\\', f);
                fputc(*text, f);
        }
}

static void build_info(const struct exposition *x, const struct snapshot *s) {
        head(x, "synward_build_info", "gauge", "Always 1; the version is a label.");
        fputs("synward_build_info{version=\"", x->f);
        label_value(x->f, s->version ? s->version : "");
        fputs("\"} 1\n", x->f);
}

static void states(const struct exposition *x, const struct snapshot *s) {
        head(x, "synward_state", "gauge", "1 for the state the host is in, 0 for the others.");
        for (unsigned i = 0; i < STATES; i++)
                fprintf(x->f, "synward_state{state=\"%s\"} %d\n", flood_state_name((enum flood_state) i),
                        s->state == i);
        head(x, "synward_diagnosis", "gauge", "1 for the present diagnosis, 0 for the others.");
        for (unsigned i = 0; i < DIAGNOSES; i++)
                fprintf(x->f, "synward_diagnosis{diagnosis=\"%s\"} %d\n", diagnosis_name((enum diagnosis) i),
                        s->diagnosis == i);
}

static void host(const struct exposition *x, const struct snapshot *s) {
        for (const struct figure *g = figures; g->name; g++)
                if (g->host_metric)
                        gauge(x, g->host_metric, g->help, figure_value(g, &s->host));
        head(x, "synward_explained_per_second", "gauge", "Unfinished handshakes that this accounts for.");
        for (unsigned i = 0; i < EXPLANATIONS; i++) {
                if (!isfinite(s->host.explained_per_s[i]))
                        continue;
                fprintf(x->f, "synward_explained_per_second{explanation=\"%s\"}",
                        explanation_name((enum explanation) i));
                number(x->f, s->host.explained_per_s[i]);
        }
        gauge(x, "synward_sources_distinct_estimate", "Addresses that sent a SYN lately.", s->sources_distinct);
        gauge(x, "synward_tcp_syncookies", "Value of net.ipv4.tcp_syncookies.",
              s->syncookies_value < 0 ? (double) NAN : (double) s->syncookies_value);
        gauge(x, "synward_syncookies_managed", "1 if that value is synward's.", s->syncookies_managed);
        gauge(x, "synward_blocked_entries", "Sources and prefixes on the block list.", s->blocked_entries);
        gauge(x, "synward_limited_entries", "Those of the block list that are limited to a rate instead of cut off.",
              s->limited_entries);
        gauge(x, "synward_incident_active", "1 during an incident.", s->incident.id != 0);
        gauge(x, "synward_uptime_seconds", "Since the daemon started.", (double) s->uptime_us / 1e6);
}

static void listener_labels(FILE *f, const struct listener_key *key) {
        char address[ADDRESS_TEXT_MAX];

        fprintf(f, "{address=\"%s\",port=\"%u\"", address_format(&key->address, address), (unsigned) key->port);
        if (key->ifindex)
                fprintf(f, ",ifindex=\"%" PRIu32 "\"", key->ifindex);
        fputc('}', f);
}

static void listener_gauge(const struct exposition *x, const struct snapshot *s, const struct figure *g) {
        head(x, g->listener_metric, "gauge", g->help);
        for (unsigned i = 0; i < s->listeners_count; i++) {
                double value = figure_value(g, &s->listeners[i].evidence);

                if (!isfinite(value))
                        continue;
                fputs(g->listener_metric, x->f);
                listener_labels(x->f, &s->listeners[i].key);
                number(x->f, value);
        }
}

/* What can be summed over listeners, hosts and time. */
static void listener_counters(const struct exposition *x, const struct snapshot *s) {
        static const struct {
                const char *name, *help;
                size_t offset; /* in struct listener_total */
        } counters[] = {
                { "synward_listener_syns_total", "SYNs that came in for a listener.",
                  offsetof(struct listener_total, syns) },
                { "synward_listener_completed_total",
                  "Handshakes of a listener that clients finished, as far as they can be told apart.",
                  offsetof(struct listener_total, completed) },
                { "synward_listener_unanswered_total", "Handshakes of a listener that nobody finished.",
                  offsetof(struct listener_total, unanswered) },
                { "synward_listener_refused_total", "SYNs refused because a listener's queue was full.",
                  offsetof(struct listener_total, refused) },
        };

        for (size_t c = 0; c < sizeof counters / sizeof *counters; c++) {
                head(x, counters[c].name, "counter", counters[c].help);
                for (unsigned i = 0; i < s->listeners_count; i++) {
                        const struct snapshot_listener *l = &s->listeners[i];
                        double value;

                        memcpy(&value, (const char *) &l->total + counters[c].offset, sizeof value);
                        fputs(counters[c].name, x->f);
                        listener_labels(x->f, &l->key);
                        fprintf(x->f, " %.0f\n", floor(value));
                }
        }
}

static void listeners(const struct exposition *x, const struct snapshot *s) {
        for (const struct figure *g = figures; g->name; g++)
                if (g->listener_metric)
                        listener_gauge(x, s, g);
        listener_counters(x, s);
}

static void incident_info(const struct exposition *x, const struct snapshot *s) {
        const struct snapshot_incident *n = &s->incident;
        char listener[ADDRESS_TEXT_MAX];

        if (n->id == 0)
                return;
        head(x, "synward_incident_info", "gauge", "Always 1; the incident at hand is in the labels.");
        fprintf(x->f, "synward_incident_info{id=\"%" PRIu64 "\",diagnosis=\"%s\",listener=\"%s\"} 1\n", n->id,
                diagnosis_name(n->diagnosis), n->has_listener ? listener_key_format(&n->listener, listener) : "");
}

static void totals(const struct exposition *x, const struct snapshot_totals *t) {
        counter(x, "synward_syns_total", "SYNs that came in, but for those of blocked sources.", t->syns);
        counter(x, "synward_blocked_syns_total", "SYNs of blocked and limited sources, which were dropped.",
                t->blocked_syns);
        counter(x, "synward_handshakes_completed_total", "Handshakes that clients finished.", t->handshakes_completed);
        counter(x, "synward_cookies_sent_total", "SYN-ACKs sent with a SYN cookie.", t->cookies_sent);
        counter(x, "synward_cookies_received_total", "Valid SYN cookies that came back.", t->cookies_received);
        counter(x, "synward_queue_drops_total", "SYNs refused because the queue was full.", t->queue_drops);
        counter(x, "synward_accept_overflows_total", "SYNs and ACKs refused because the accept queue was full.",
                t->accept_overflows);
        counter(x, "synward_nflog_received_total", "SYNs read from the netfilter log.", t->log_received);
        counter(x, "synward_nflog_lost_total", "SYNs the netfilter log lost before we read them.", t->log_lost);
        counter(x, "synward_ticks_total", "Rounds of the daemon.", t->ticks);
        head(x, "synward_incidents_total", "counter", "Floods, by what they were.");
        for (unsigned i = 0; i < DIAGNOSES; i++)
                if (diagnosis_is_flood((enum diagnosis) i) || t->incidents[i] > 0)
                        fprintf(x->f, "synward_incidents_total{diagnosis=\"%s\"} %" PRIu64 "\n",
                                diagnosis_name((enum diagnosis) i), t->incidents[i]);
}

static void sensors(const struct exposition *x, const struct snapshot *s) {
        head(x, "synward_sensor_up", "gauge",
             "1 if the sensor works, if only in part; one that is set to be off has none.");
        for (unsigned i = 0; i < SENSORS; i++) {
                if (s->sensors[i].state == SENSOR_OFF)
                        continue;
                fprintf(x->f, "synward_sensor_up{sensor=\"%s\"} %d\n", sensor_id_name((enum sensor_id) i),
                        s->sensors[i].state == SENSOR_OK || s->sensors[i].state == SENSOR_DEGRADED);
        }
        head(x, "synward_sensor_degraded", "gauge", "1 if the sensor works only in part.");
        for (unsigned i = 0; i < SENSORS; i++)
                fprintf(x->f, "synward_sensor_degraded{sensor=\"%s\"} %d\n", sensor_id_name((enum sensor_id) i),
                        s->sensors[i].state == SENSOR_DEGRADED);
}

static void polls(const struct exposition *x, const struct snapshot *s) {
        static const char name[] = "synward_poll_duration_seconds";
        uint64_t count = 0;

        head(x, name, "histogram", "Walks of the kernel's socket table.");
        for (unsigned i = 0; i < SNAPSHOT_POLL_BUCKETS; i++) {
                count += s->totals.poll_buckets[i];
                fprintf(x->f, "%s_bucket{le=\"%g\"} %" PRIu64 "\n", name, (double) snapshot_poll_bounds_us[i] / 1e6,
                        count);
        }
        count += s->totals.poll_buckets[SNAPSHOT_POLL_BUCKETS];
        fprintf(x->f, "%s_bucket{le=\"+Inf\"} %" PRIu64 "\n%s_sum", name, count, name);
        number(x->f, (double) s->totals.poll_us_sum / 1e6);
        fprintf(x->f, "%s_count %" PRIu64 "\n", name, count);
        if (s->dump_interval_us > 0)
                gauge(x, "synward_poll_interval_seconds", "Between two such walks, at present.",
                      (double) s->dump_interval_us / 1e6);
}

static void probe(const struct exposition *x, const struct probe_told *p) {
        static const char name[] = "synward_probe_duration_seconds";
        const struct listener_key key = { .address = p->listener.address, .port = p->listener.port };
        char listener[ADDRESS_TEXT_MAX];
        uint64_t count = 0;

        if (!p->on)
                return;
        head(x, "synward_probe_info", "gauge", "Always 1; whom the probe connects to is a label.");
        fprintf(x->f, "synward_probe_info{listener=\"%s\"} 1\n", listener_key_format(&key, listener));
        head(x, "synward_probe_handshakes_total", "counter", "Handshakes of the probe, by what became of them.");
        for (unsigned i = 0; i < OBS_PROBE_RESULTS; i++)
                fprintf(x->f, "synward_probe_handshakes_total{result=\"%s\"} %" PRIu64 "\n",
                        obs_probe_result_name((enum obs_probe_result) i), p->ended[i]);
        counter(x, "synward_probe_skipped_total", "Handshakes not begun, for too many were under way.", p->skipped);
        head(x, name, "histogram", "The probe's handshakes that connected, from SYN to SYN-ACK.");
        for (unsigned i = 0; i < PROBE_COURSE_BUCKETS; i++) {
                count += p->buckets[i];
                fprintf(x->f, "%s_bucket{le=\"%g\"} %" PRIu64 "\n", name, (double) probe_course_bounds_us[i] / 1e6,
                        count);
        }
        count += p->buckets[PROBE_COURSE_BUCKETS];
        fprintf(x->f, "%s_bucket{le=\"+Inf\"} %" PRIu64 "\n%s_sum", name, count, name);
        number(x->f, (double) p->us_sum / 1e6);
        fprintf(x->f, "%s_count %" PRIu64 "\n", name, count);
}

/* What Prometheus can merge over hosts, and that only of the same key. */
static void fleet(const struct exposition *x, const struct fleet_told *t) {
        if (!t->known)
                return;
        head(x, "synward_fleet_cell_total", "counter",
             "Unfinished handshakes by cells of their prefixes, up to the last whole minute: sum them.");
        for (unsigned row = 0; row < FLEET_SKETCH_ROWS; row++)
                for (unsigned i = 0; i < FLEET_SKETCH_CELLS; i++)
                        fprintf(x->f, "synward_fleet_cell_total{key=\"%04x\",row=\"%u\",cell=\"%u\"} %" PRIu64 "\n",
                                t->mark, row, i, t->cells[row][i]);
        head(x, "synward_fleet_register", "gauge",
             "HyperLogLog of the prefixes that left handshakes unfinished in the last whole minute: take the largest.");
        for (unsigned i = 0; i < FLEET_SKETCH_REGISTERS; i++)
                fprintf(x->f, "synward_fleet_register{key=\"%04x\",register=\"%u\"} %u\n", t->mark, i, t->registers[i]);
}

static void records(const struct exposition *x, const struct snapshot *s) {
        gauge(x, "synward_records_waiting_bytes", "Of records, not yet taken by the disk.",
              (double) s->records_waiting_bytes);
        counter(x, "synward_records_dropped_total", "Writes of records given up, because the disk stood still.",
                s->totals.records_dropped);
}

static void clients(const struct exposition *x, const struct snapshot_clients *c) {
        gauge(x, "synward_control_clients", "Connections to the control socket.", c->now);
        counter(x, "synward_control_accepted_total", "Connections to the control socket taken.", c->accepted);
        counter(x, "synward_control_refused_total", "Connections refused, for there were too many.", c->refused);
        counter(x, "synward_control_dropped_total", "Connections ended by us: rubbish, too long or too slow.",
                c->dropped);
        counter(x, "synward_control_accept_failed_total",
                "Connections that could not be taken for want of descriptors or memory.", c->accept_failed);
}

char *metrics_text(const struct snapshot *s, bool openmetrics) {
        char *text = NULL;
        size_t size;
        FILE *f = open_memstream(&text, &size);
        struct exposition x = { f, openmetrics };
        bool failed;

        if (!f)
                return NULL;
        build_info(&x, s);
        states(&x, s);
        host(&x, s);
        incident_info(&x, s);
        listeners(&x, s);
        totals(&x, &s->totals);
        sensors(&x, s);
        polls(&x, s);
        probe(&x, &s->probe);
        clients(&x, &s->clients);
        records(&x, s);
        fleet(&x, &s->fleet);
        if (openmetrics)
                fputs("# EOF\n", f);
        failed = ferror(f);
        if (fclose(f) != 0 || failed) {
                free(text);
                return NULL;
        }
        return text;
}
