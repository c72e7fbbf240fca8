/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "replay/summary.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "core/explain.h"
#include "format/time_text.h"
#include "util/json_text.h"

enum { LISTENERS_TOLD = 8 };

/* How tallies are called; in the order they are told. */
static const struct {
        const char *name;
        enum ledger_tally tally;
} names[] = {
        { "syns", LEDGER_SYNS },       { "handshakes", LEDGER_HANDSHAKES }, { "answered", LEDGER_SYN_ACKED },
        { "finished", LEDGER_DONE },   { "reset", LEDGER_ENDED },           { "refused", LEDGER_CLOSED },
        { "retried", LEDGER_RETRIED }, { "answered_again", LEDGER_RESENT },
};

static json_int_t unanswered(const struct ledger_counts *c) {
        return (json_int_t) (c->of[LEDGER_HANDSHAKES] - c->of[LEDGER_SYN_ACKED] - c->of[LEDGER_CLOSED]);
}

static void add_counts(json_t *json, const struct ledger_counts *c) {
        uint64_t open = c->of[LEDGER_HANDSHAKES] - c->of[LEDGER_DONE] - c->of[LEDGER_CLOSED] - c->of[LEDGER_ENDED];

        for (size_t i = 0; i < sizeof names / sizeof *names; i++)
                json_object_set_new(json, names[i].name, json_integer((json_int_t) c->of[names[i].tally]));
        json_object_set_new(json, "unanswered", json_integer(unanswered(c)));
        json_object_set_new(json, "unfinished", json_integer((json_int_t) open));
}

static json_t *time_json(uint64_t us) {
        char text[TIME_TEXT_MAX];

        return us ? json_string(time_text_format(us, text)) : json_null();
}

static json_t *service_json(const struct replay_summary *s, unsigned i) {
        const struct capture_service *service = capture_hosts_service(pcap_replay_hosts(s->capture), i);
        struct ledger_service l = ledger_service(pcap_replay_ledger(s->capture), i);
        bool any = address_is_wildcard(&service->key.address);
        char address[ADDRESS_TEXT_MAX] = "*", network[ADDRESS_TEXT_MAX];
        json_t *json;

        if (!any)
                address_format(&service->key.address, address);
        json = json_pack("{s:s, s:i, s:o, s:b, s:b, s:f}", "address", address, "port", service->key.port, "network",
                         any && service->network.length ? json_string(prefix_format(&service->network, network))
                                                        : json_null(),
                         "closed", service->closed, "flood", s->verdict.flooded[i], "clients", round(l.clients));
        if (!json)
                return NULL;
        add_counts(json, &l.counts);
        json_object_set_new(json, "peak_per_s", json_real(l.peak_per_s));
        json_object_set_new(json, "peak_unfinished_per_s", json_real(l.longest.peak_bad_per_s));
        json_object_set_new(json, "finish_delay_ms",
                            isnan(l.finish_delay_s) ? json_null() : json_real(round(1000 * l.finish_delay_s)));
        return json;
}

static void add_notes(json_t *json, const struct capture_verdict *v) {
        json_t *unused = json_array(), *notes = json_array();

        for (unsigned i = 0; i < v->notes_count; i++) {
                const struct capture_note *n = &v->notes[i];

                json_array_append_new(n->packets ? unused : notes,
                                      json_pack("{s:s, s:I, s:b, s:s}", "reason", n->reason, "packets",
                                                (json_int_t) n->packets, "lost", n->loss, "message", n->text));
        }
        json_object_set_new(json, "unused", unused);
        json_object_set_new(json, "notes", notes);
}

static void add_capture(json_t *json, const struct replay_summary *s) {
        const struct capture_facts *f = pcap_replay_facts(s->capture);
        const struct capture_hosts *hosts = pcap_replay_hosts(s->capture);
        struct ledger_service elsewhere = ledger_service(pcap_replay_ledger(s->capture), LEDGER_ELSEWHERE);
        struct ledger_counts sum = elsewhere.counts;
        json_t *totals = json_object(), *list = json_array();

        for (unsigned i = 0; i < capture_hosts_count(hosts); i++) {
                struct ledger_service l = ledger_service(pcap_replay_ledger(s->capture), i);

                for (unsigned t = 0; t < LEDGER_TALLIES; t++)
                        sum.of[t] += l.counts.of[t];
                if (capture_hosts_service(hosts, i)->merged == CAPTURE_NO_SERVICE)
                        json_array_append_new(list, service_json(s, i));
        }
        json_object_set_new(totals, "packets", json_integer((json_int_t) f->frames));
        json_object_set_new(totals, "tcp", json_integer((json_int_t) f->kinds[CAPTURE_SEGMENT]));
        add_counts(totals, &sum);
        json_object_set_new(json, "duration_s", json_real(f->duration_s));
        json_object_set_new(json, "totals", totals);
        json_object_set_new(json, "listeners", list);
}

static void add_recording(json_t *json, const struct replay_summary *s) {
        json_object_set_new(json, "duration_s", json_real((double) (s->end_us - s->begin_us) / 1e6));
        json_object_set_new(json, "totals", json_pack("{s:f, s:f}", "syns", s->syns, "finished", s->finished));
        json_object_set_new(json, "listeners", json_array());
}

char *replay_summary_line(const struct replay_summary *s) {
        const struct capture_verdict *v = &s->verdict;
        json_t *file = json_string(s->file); /* NULL: no UTF-8 */
        json_t *json = json_pack("{s:s, s:o, s:s, s:s, s:s, s:s, s:s, s:o, s:o, s:I, s:I, s:I, s:b}", "schema",
                                 REPLAY_JSON_SCHEMA, "file", file ? file : json_null(), "kind",
                                 s->capture ? "capture" : "recording",
                                 "verdict", capture_outcome_name(v->outcome), "diagnosis", diagnosis_name(v->diagnosis),
                                 "situation", v->situation, "message", v->text, "begin", time_json(s->begin_us), "end",
                                 time_json(s->end_us), "observations", (json_int_t) s->observations, "events",
                                 (json_int_t) s->events, "incidents", (json_int_t) s->incidents, "complete",
                                 !replay_summary_has_loss(s));
        char *line;

        if (!json)
                return NULL;
        if (s->capture)
                add_capture(json, s);
        else
                add_recording(json, s);
        add_notes(json, v);
        line = json_text_write(json, JSON_COMPACT | JSON_REAL_PRECISION(15), "\n");
        json_decref(json);
        return line;
}

bool replay_summary_has_loss(const struct replay_summary *s) {
        for (unsigned i = 0; i < s->verdict.notes_count; i++)
                if (s->verdict.notes[i].loss)
                        return true;
        return false;
}

static void tell_service(const struct replay_summary *s, unsigned i, FILE *f) {
        const struct capture_service *service = capture_hosts_service(pcap_replay_hosts(s->capture), i);
        struct ledger_service l = ledger_service(pcap_replay_ledger(s->capture), i);
        const struct ledger_counts *c = &l.counts;
        char name[VERDICT_NAME_MAX], n[6][32];

        fprintf(f, "  %s%s%s: %s handshake%s; %s answered, %s finished, %s reset, %s refused, %s unanswered\n",
                capture_service_name(service, name), service->closed ? ", closed" : "",
                s->verdict.flooded[i] ? ", flooded" : "", explain_count((double) c->of[LEDGER_HANDSHAKES], n[0]),
                c->of[LEDGER_HANDSHAKES] == 1 ? "" : "s", explain_count((double) c->of[LEDGER_SYN_ACKED], n[1]),
                explain_count((double) c->of[LEDGER_DONE], n[2]), explain_count((double) c->of[LEDGER_ENDED], n[3]),
                explain_count((double) c->of[LEDGER_CLOSED], n[4]), explain_count((double) unanswered(c), n[5]));
}

static void tell_services(const struct replay_summary *s, FILE *f) {
        const struct capture_hosts *hosts = pcap_replay_hosts(s->capture);
        uint32_t count = capture_hosts_count(hosts), all = 0, listeners = 0, told = 0;
        uint64_t packets = pcap_replay_facts(s->capture)->frames;
        char n[32];

        for (uint32_t i = 0; i < count; i++) {
                const struct capture_service *service = capture_hosts_service(hosts, i);

                all += service->merged == CAPTURE_NO_SERVICE;
                listeners += service->merged == CAPTURE_NO_SERVICE && !service->closed;
        }
        fprintf(f, "  a capture of %s packet%s; %u listener%s found\n", explain_count((double) packets, n),
                packets == 1 ? "" : "s", listeners, listeners == 1 ? "" : "s");
        for (uint32_t i = 0; i < count && told < LISTENERS_TOLD; i++)
                if (capture_hosts_service(hosts, i)->merged == CAPTURE_NO_SERVICE &&
                    (s->verdict.flooded[i] || all <= LISTENERS_TOLD || s->verdict.outcome != OUTCOME_FLOOD)) {
                        tell_service(s, i, f);
                        told++;
                }
        if (told < all)
                fprintf(f, "  and %u more\n", all - told);
}

void replay_summary_tell(const struct replay_summary *s, FILE *f) {
        fprintf(f, "  %s\n", s->verdict.text);
        if (s->capture)
                tell_services(s, f);
        for (unsigned i = 0; i < s->verdict.notes_count; i++)
                fprintf(f, "  %s%s\n", s->verdict.notes[i].loss ? "not used: " : "", s->verdict.notes[i].text);
}
