#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Captures of what people meet, made here, through synwardd --replay: what each is told to be.

usage: test-captures.py [--keep DIR] [NAME ...]"""
import json
import os
import random
import re
import signal
import subprocess
import sys
import tempfile

import cases
from cases import CASES
import cases_files, cases_hosts, cases_traffic  # each adds to CASES

DAEMON = os.path.join(os.environ.get("SYNWARD_BUILD", "."), "synwardd")


def ends_early(folder):
    """A flood through a pipe that does not end; SIGINT does it, and the verdict comes all the same."""
    frames = cases.wrapped(cases.flooded(random.Random("ends_early"), 4, 400))
    command = [DAEMON, "-c", os.path.join(folder, "empty.yaml"), "--replay", "-"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as daemon:
        daemon.stdin.write(cases.pcap(frames))
        daemon.stdin.flush()
        told = daemon.stdout.readline()  # so that it has begun
        daemon.send_signal(signal.SIGINT)
        held, daemon.stdin = daemon.stdin, None
        out, err = daemon.communicate(timeout=60)
        held.close()
    if daemon.returncode != 0 or not out or b"flood-start" not in told:
        return ["exit status %d: %s%s%s" % (daemon.returncode, told, out, err)], None
    s = json.loads(out.splitlines()[-1])
    return [] if s["verdict"] == "flood" and s["complete"] else ["not told as a flood"], s


def through_a_pipe(data, options, status, s, folder):
    """The listeners are found as they show, and yet the answer is the file's."""
    done = subprocess.run([DAEMON, "-c", os.path.join(folder, "empty.yaml"), "--replay", "-", *options],
                          input=data, capture_output=True, timeout=120)
    piped = json.loads(done.stdout.splitlines()[-1]) if done.stdout else {}
    return ["through a pipe: %s, exit status %d: %s" % (what, done.returncode, piped.get("message", done.stderr))
            for what in ("verdict", "situation", "diagnosis")
            if piped.get(what) != s[what] or done.returncode != status]


def check(made, verdict, words, situation, diagnosis, status, options, unlike, listener, totals, folder, keep):
    path = os.path.join(keep or folder, made.__name__ + ".pcap")
    data = made(random.Random(made.__name__))
    with open(path, "wb") as f:
        f.write(data)
    done = subprocess.run([DAEMON, "-c", os.path.join(folder, "empty.yaml"), "--replay", path, *options],
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120)
    if not keep:
        os.unlink(path)
    if verdict is None and done.returncode == status and re.search(words, done.stderr) and not done.stdout:
        return [], None  # it is no capture, and that is told
    if not done.stdout:
        return ["exit status %d: %s" % (done.returncode, done.stderr)], None
    s = json.loads(done.stdout.splitlines()[-1])
    wrong = []

    def want(what, is_it):
        if not is_it:
            wrong.append(what)
    want("exit status %d, not %d" % (done.returncode, status), done.returncode == status)
    want("schema", s["schema"] == "synward.replay.v1" and s["kind"] == "capture")
    want("verdict %s, not %s" % (s["verdict"], verdict), s["verdict"] == verdict)
    want("not said: " + words, re.search(words, s["message"]))
    want("not in words: " + done.stderr, s["message"] in done.stderr)
    want("situation %s, not %s" % (s["situation"], situation), situation in (None, s["situation"]))
    want("diagnosis %s, not %s" % (s["diagnosis"], diagnosis), diagnosis in (None, s["diagnosis"]))
    want("complete", s["complete"] == (status == 0))
    want("a flood has a flood's diagnosis", s["diagnosis"].startswith("flood-") == (verdict == "flood"))
    want("no flood is said", verdict == "no-flood" or "no flood" not in s["message"])
    text = s["message"] + " ".join(n["message"] for n in s["unused"] + s["notes"])
    want("said: %s" % unlike, not unlike or not re.search(unlike, text))
    if listener:
        want("listener %s:%d" % listener, any((l["address"], l["port"]) == listener for l in s["listeners"]))
    reasons = {n["reason"]: n["packets"] for n in s["unused"] + s["notes"]}
    if totals.pop("copies", False):
        want("copies", "copies" in reasons)
    if totals.pop("fragments", False):
        want("fragments", "fragment" in reasons)
    if totals.pop("pipe", True):
        wrong += through_a_pipe(data, options, status, s, folder)
    if "steps" in totals:
        want("steps back", reasons.get("time-steps-back") == totals.pop("steps"))
    if "note" in totals:
        want("a note", totals.pop("note") in text)
    for name, count in totals.items():
        want("%s %d, not %d" % (name, s["totals"][name], count), s["totals"][name] == count)
    return wrong, s


def tell(name, wrong, s):
    print("%s - %s" % ("not ok" if wrong else "ok", name))
    for line in wrong:
        print("#   " + line)
    if wrong and s:
        print("#   " + json.dumps(s)[:1500])
    return bool(wrong)


def main(arguments):
    keep = arguments.pop(1) if arguments[:1] == ["--keep"] else None
    names = [a for a in arguments if not a.startswith("--")]
    failed = 0
    if not os.access(DAEMON, os.X_OK):
        sys.exit("no %s here: build it first" % DAEMON)
    with tempfile.TemporaryDirectory() as folder:
        open(os.path.join(folder, "empty.yaml"), "w").close()
        if keep:
            os.makedirs(keep, exist_ok=True)
        for made, *rest in CASES:
            if not names or made.__name__ in names:
                failed += tell(made.__name__, *check(made, *rest[:-1], dict(rest[-1]), folder, keep))
        if not names:
            failed += tell("ends_early", *ends_early(folder))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
