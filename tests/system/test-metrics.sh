#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Metrics over HTTP, as synward-metrics.socket serves them (here by systemd-socket-activate):
# curl, HEAD and OpenMetrics; clean refusals; then 10,000 clients that are slow, half, huge and
# wrong, and 200 at once, while a real daemon's ticks stay on time.
#   test-metrics.sh [CLIENTS]
set -eu

source=$(cd "$(dirname "$0")/../.." && pwd)
build=${SYNWARD_BUILD:-$source/build}
[ -x "$build/synwardd" ] || { echo "SKIP: no synwardd in $build"; exit 77; }
. "$source/tests/system/alone.sh"
for program in curl python3 jq systemd-socket-activate; do
        command -v $program >/dev/null || { echo "SKIP: no $program"; exit 77; }
done
clients=10000
[ -z "${2-}" ] || clients=$2
url=http://127.0.0.1:19796/metrics
ctl() { "$build/synwardctl" --socket "$dir/run/control.sock" "$@"; }
serves() { curl -sf -o /dev/null --max-time 5 "$url"; }

mkdir -p "$dir/run" "$dir/state"
: >"$dir/synward.yaml"
"$build/synwardd" -c "$dir/synward.yaml" --control "$dir/run/control.sock" --state-dir "$dir/state" \
        --runtime-dir "$dir/run" 2>"$dir/log" & daemon=$! pids="$pids $!"
until_true ctl ping || fail "the daemon does not answer: $(cat "$dir/log")"
systemd-socket-activate --accept --inetd -l 127.0.0.1:19796 \
        "$build/synwardctl" --socket "$dir/run/control.sock" metrics --http >"$dir/activate" 2>&1 & pids="$pids $!"
until_true serves || fail "nobody serves: $(cat "$dir/activate")"

# --- what a scraper asks -----------------------------------------------------------------
type_of() { curl -s -o "$dir/body" -w '%{http_code} %{content_type}' --max-time 5 "$@" "$url"; }
[ "$(type_of)" = "200 text/plain; version=0.0.4; charset=utf-8" ] || fail "text: $(type_of)"
grep -q '^synward_build_info' "$dir/body" || fail "no metrics: $(cat "$dir/body")"
[ "$(type_of -H 'Accept: application/openmetrics-text;version=1.0.0,text/plain;q=0.5')" = \
        "200 application/openmetrics-text; version=1.0.0; charset=utf-8" ] || fail "OpenMetrics"
[ "$(tail -n 1 "$dir/body")" = "# EOF" ] || fail "OpenMetrics has no end"
if /usr/bin/python3 -c 'import prometheus_client' 2>/dev/null; then
        /usr/bin/python3 -c 'import sys; from prometheus_client.openmetrics import parser
list(parser.text_fd_to_metric_families(open(sys.argv[1])))' "$dir/body" || fail "that is no OpenMetrics"
        ok "OpenMetrics, as its own parser has it"
else
        echo "skipped: python3-prometheus-client, the parser of OpenMetrics"
fi
[ "$(type_of -I | head -c 3)" = 200 ] || fail "HEAD: $(type_of -I)"
[ "$(type_of -X POST -d x | head -c 3)" = 405 ] || fail "POST is taken"
[ "$(curl -s -o /dev/null -w '%{http_code}' http://127.0.0.1:19796/)" = 404 ] || fail "/ is there"
[ "$(curl -s -o /dev/null -w '%{http_code}' -H "X: $(printf 'x%.0s' {1..9000})" "$url")" = 431 ] || fail "long fields are taken"
ok "GET, HEAD, OpenMetrics, 404, 405, 431"

# --- rude clients ----------------------------------------------------------------------------
cat >"$dir/rude.py" <<'END'
import collections, random, select, socket, sys, time
total, at_once = int(sys.argv[1]), 200
random.seed(1)
GOOD = b"GET /metrics HTTP/1.1\r\nHost: h\r\n\r\n"
KINDS = {  # what is sent, and what may be answered; b"": it goes without a word
    "good": (GOOD, {b"200"}), "wrong": (b"BREW /pot HTTP/1.1\r\nHost: h\r\n\r\n", {b"405"}),
    "tls": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\n\n", {b"400"}),
    "half": (GOOD[:20], {b"400"}), "huge": (b"GET /" + b"a" * 200000, {b"414"}),
    "fields": (GOOD[:-2] + b"X: y\r\n" * 40000, {b"431"}), "nothing": (b"", {b""}),
    "body": (GOOD[:-2] + b"Content-Length: 99999\r\n\r\n" + b"b" * 99999, {b"413"}),
}
# A huge request may be reset while it is still sent: then nothing was answered, which is clean.
for kind in ("huge", "fields", "body"):
    KINDS[kind][1].add(b"")
names, results, slow = list(KINDS), collections.Counter(), []
bad = collections.Counter()
def connect():
    s = socket.create_connection(("127.0.0.1", 19796), timeout=20)
    return s
def exchange(s, kind):
    data, wanted = KINDS[kind]
    answer = b""
    try:
        s.sendall(data)
        s.shutdown(socket.SHUT_WR)
        while True:
            part = s.recv(65536)
            if not part:
                break
            answer += part
    except OSError:
        pass
    s.close()
    code = answer[9:12] if answer.startswith(b"HTTP/1.1 ") else b"" if not answer else b"???"
    results[code.decode()] += 1
    if code not in wanted and code != b"503":
        bad[kind + " " + code.decode()] += 1
# Some that send nothing, or a byte a second, and stay: they get 408.
for i in range(20):
    s = connect()
    s.send(b"G" if i % 2 else b"")
    slow.append(s)
begun = time.monotonic()
done = 0
while done < total:
    burst = [connect() for _ in range(at_once if done == 0 else 8)]
    for s in burst:
        exchange(s, random.choice(names))
    done += len(burst)
print(f"{done} clients in {time.monotonic() - begun:.1f} s: {dict(results)}")
for s in slow:
    s.settimeout(20)
    answer = b""
    try:
        answer = s.recv(4096)
    except OSError:
        pass
    if answer[9:12] != b"408":
        bad["slow " + repr(answer[:20])] += 1
if bad:
    sys.exit(f"not so clean: {dict(bad)}")
END
ticks() { ctl metrics | awk '$1 == "synward_ticks_total" { print $2 }'; }
ticks_before=$(ticks) start_us=${EPOCHREALTIME/./}
python3 "$dir/rude.py" $clients >"$dir/rude" 2>&1 || fail "rude clients: $(tail -n 3 "$dir/rude")"
ticks_after=$(ticks) took_us=$((${EPOCHREALTIME/./} - start_us))
ok "$(cat "$dir/rude")"
# A tick every 200 ms.
on_time=$((100 * (ticks_after - ticks_before) * 200000 / took_us))
[ "$on_time" -ge 95 ] || fail "of the daemon's ticks only $on_time % came in that time"
ok "$on_time % of the daemon's ticks came in that time"
serves || fail "nobody serves afterwards"
left() { [ "$(pgrep -c -f "^$build/synwardctl --socket $dir/run/control.sock metrics")" = 0 ]; }
until_true left || fail "processes are left over"
[ "$(ctl --json status | jq .clients.now)" -le 2 ] || fail "the control socket still has clients"

# --- no daemon ----------------------------------------------------------------------------------
kill "$daemon"
wait "$daemon" || fail "the daemon ends with $?"
pids=${pids#" $daemon"}
[ "$(type_of | head -c 3)" = 503 ] || fail "without a daemon: $(type_of)"
ok "503 without a daemon"
finish
