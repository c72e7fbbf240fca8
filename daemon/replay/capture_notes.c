/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "replay/capture_notes.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "replay/capture_file.h"
#include "replay/words.h"

void capture_verdict_note(struct capture_verdict *v, const char *reason, uint64_t packets, bool loss,
                          const char *format, ...) {
        struct capture_note *n = &v->notes[v->notes_count];
        va_list args;

        if (v->notes_count == VERDICT_NOTES_MAX)
                return;
        v->notes_count++;
        *n = (struct capture_note) { .reason = reason, .packets = packets, .loss = loss };
        va_start(args, format);
        vsnprintf(n->text, sizeof n->text, format, args);
        va_end(args);
}

bool capture_answers_disowned(const struct ledger_counts *c) {
        return c->of[LEDGER_UNASKED] > 0 && 2 * c->of[LEDGER_ENDED] >= c->of[LEDGER_UNASKED];
}

/* TCP's flags stand within 96 bytes, but for long extension headers and tunnels. */
unsigned capture_notes_length(const struct capture_facts *f) {
        return f->truncated_to < 96 ? 96 : f->truncated_to < 256 ? 256 : CAPTURE_FRAME_MAX;
}

const char *capture_notes_kind(enum capture_kind k) {
        switch (k) {
        case CAPTURE_NO_TCP:
                return "no TCP (UDP, ICMP, ARP and the like)";
        case CAPTURE_FRAGMENT:
                return "later fragments, without a TCP header";
        case CAPTURE_TRUNCATED:
                return "kept too short to have TCP flags";
        case CAPTURE_BROKEN:
                return "broken: their lengths cannot be true";
        case CAPTURE_TINY:
                return "first fragments that end within the TCP header";
        case CAPTURE_DEEP:
                return "in more tunnels within each other than are followed";
        case CAPTURE_LINK:
                return "of a link type that is not decoded";
        case CAPTURE_VXLAN:
                return "in VXLAN, which is not decoded: capture behind the tunnel";
        case CAPTURE_GENEVE:
                return "in Geneve, which is not decoded: capture behind the tunnel";
        case CAPTURE_GTP:
                return "in GTP, which is not decoded: capture behind the tunnel";
        case CAPTURE_L2TP:
                return "in L2TP, which is not decoded: capture behind the tunnel";
        case CAPTURE_ERSPAN:
                return "in ERSPAN, which is not decoded: capture at the mirrored port";
        case CAPTURE_PPTP:
                return "in PPTP, which is not decoded: capture behind the tunnel";
        case CAPTURE_ESP:
                return "encrypted by IPsec (ESP): capture behind it";
        case CAPTURE_MACSEC:
                return "in MACsec, which is not decoded: capture behind it";
        case CAPTURE_UNREACHABLE:
                return "ICMP's answers to TCP (unreachable), taken for refusals";
        case CAPTURE_SEGMENT:
        case CAPTURE_KINDS:
                break;
        }
        return "";
}

static void note_kinds(const struct capture_facts *f, struct capture_verdict *v) {
        char n[48], count[32];

        for (unsigned i = 1; i < CAPTURE_KINDS; i++) {
                const char *name = i == CAPTURE_LINK ? capture_link_name(f->unknown_link) : NULL;

                if (f->kinds[i] == 0)
                        continue;
                snprintf(n, sizeof n, "%s packet%s", words_count((double) f->kinds[i], count),
                         f->kinds[i] == 1 ? "" : "s");
                if (i == CAPTURE_LINK)
                        capture_verdict_note(v, capture_kind_name(CAPTURE_LINK), f->kinds[i], true,
                                             "%s of link type %d%s%s%s, which is not decoded", n, f->unknown_link,
                                             name ? " (" : "", name ? name : "", name ? ")" : "");
                else if (i == CAPTURE_TRUNCATED)
                        capture_verdict_note(v, capture_kind_name(CAPTURE_TRUNCATED), f->kinds[i], true,
                                             "%s %s; capture with -s %u", n, capture_notes_kind(CAPTURE_TRUNCATED),
                                             capture_notes_length(f));
                else
                        capture_verdict_note(v, capture_kind_name((enum capture_kind) i), f->kinds[i],
                                             capture_kind_is_loss((enum capture_kind) i), "%s %s%s", n,
                                             i != CAPTURE_NO_TCP && i != CAPTURE_UNREACHABLE ? ""
                                             : f->kinds[i] == 1                              ? "is "
                                                                                             : "are ",
                                             capture_notes_kind((enum capture_kind) i));
        }
}

static void note_time(const struct capture_facts *f, struct capture_verdict *v) {
        const struct capture_clock *c = &f->clock;
        char n[32], t[32];

        if (c->steps_back)
                capture_verdict_note(v, "time-steps-back", c->steps_back, false,
                                     "%s packet%s go%s back in time, by up to %s: time goes on from there",
                                     words_count((double) c->steps_back, n), c->steps_back == 1 ? "" : "s",
                                     c->steps_back == 1 ? "es" : "",
                                     words_seconds((double) c->farthest_back_us / 1e6, t));
        if (f->pause_s > 0)
                capture_verdict_note(v, "pause", 0, false,
                                     "nothing was captured for %s within it: files joined, or a clock that was set",
                                     words_seconds(f->pause_s, t));
        if (c->begun && c->earliest_us == c->latest_us && f->kinds[CAPTURE_SEGMENT] > 1)
                capture_verdict_note(v, "one-time", 0, false, "no time passes in it: how fast it came is not known");
        if (c->strays)
                capture_verdict_note(v, "time-ahead", c->strays, false, "%s packet%s stamped far ahead of those around",
                                     words_count((double) c->strays, n), c->strays == 1 ? " is" : "s are");
        if (c->unstamped)
                capture_verdict_note(v, "no-time", c->unstamped, false, "%s packet%s no usable time",
                                     words_count((double) c->unstamped, n), c->unstamped == 1 ? " has" : "s have");
}

static void note_traffic(const struct capture_hosts *hosts, const struct ledger *ledger, bool aimed,
                         struct capture_verdict *v) {
        const struct ledger_counts counts = ledger_service(ledger, LEDGER_ELSEWHERE).counts, *c = &counts;
        uint64_t copies = ledger_copies(ledger), left_out = capture_hosts_left_out(hosts);
        uint64_t silent = c->of[LEDGER_HANDSHAKES] - c->of[LEDGER_UNASKED];
        char n[32];

        if (copies)
                capture_verdict_note(v, "copies", copies, false,
                                     "%s packet%s captured twice (-i any, a bridge, a mirrored port, a proxy)",
                                     words_count((double) copies, n), copies == 1 ? " was" : "s were");
        if (left_out)
                capture_verdict_note(v, "listeners", left_out, true,
                                     "%s listener%s more than the %d that the detector follows; name those you "
                                     "mean: --replay-listen",
                                     words_count((double) left_out, n), left_out == 1 ? "" : "s", OBS_LISTENERS_MAX);
        if (c->of[LEDGER_UNASKED] && strcmp(v->situation, "backscatter") != 0)
                capture_verdict_note(v, "unasked-answers", c->of[LEDGER_UNASKED], false,
                                     "%s SYN-ACK%s SYNs that are not in the capture%s",
                                     words_count((double) c->of[LEDGER_UNASKED], n),
                                     c->of[LEDGER_UNASKED] == 1 ? " answers" : "s answer",
                                     capture_answers_disowned(c) ? ", and are answered by RST: nobody here asked" : "");
        if (silent && aimed)
                capture_verdict_note(v, "elsewhere", silent, false,
                                     "%s handshake%s elsewhere: to where nobody listens, from this host to others, or "
                                     "through it",
                                     words_count((double) silent, n), silent == 1 ? " goes" : "s go");
}

static void note_cut(const struct capture_facts *f, struct capture_verdict *v) {
        char n[32], b[32];

        if (f->cut)
                capture_verdict_note(v, "cut", 0, true, "the capture is %s after packet %s, at byte %s", f->cut,
                                     words_count((double) f->frames, n), words_count((double) f->bytes, b));
}

void capture_notes_add(const struct capture_facts *f, const struct capture_hosts *hosts, const struct ledger *ledger,
                       bool aimed, struct capture_verdict *v) {
        note_cut(f, v);
        note_time(f, v);
        note_kinds(f, v);
        note_traffic(hosts, ledger, aimed, v);
}
