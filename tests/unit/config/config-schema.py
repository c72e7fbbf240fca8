#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The JSON Schema takes the good files and refuses the bad ones."""

import json
import os
import pathlib
import re
import sys

try:
    import jsonschema
    import yaml
except ImportError as error:
    print(f"skipped: {error}")
    sys.exit(77)


class Loader(yaml.SafeLoader):
    """The core schema of YAML 1.2, as editors have it: no dates, and off is a word."""


Loader.yaml_implicit_resolvers = {}
for tag, pattern, first in (
    ("bool", r"true|false", "tf"),
    ("int", r"[-+]?[0-9]+|0x[0-9a-fA-F]+", "-+0123456789"),
    ("float", r"[-+]?[0-9]+\.[0-9]+", "-+0123456789"),
    ("null", r"~|null|", ["~", "n", ""]),
):
    Loader.add_implicit_resolver(f"tag:yaml.org,2002:{tag}", re.compile(f"^(?:{pattern})$"), list(first))
Loader.add_constructor("tag:yaml.org,2002:int", lambda l, n: int(n.value, 0) if "x" in n.value else int(n.value))
Loader.add_constructor("!custom", lambda l, n: [])

with open("config/synward.schema.json", encoding="utf-8") as f:
    schema = json.load(f)
jsonschema.Draft7Validator.check_schema(schema)
validator = jsonschema.Draft7Validator(schema)
top = pathlib.Path(os.environ["srcdir"])
failed = 0


def errors_in(text):
    return [f"{'.'.join(map(str, e.absolute_path))}: {e.message}"[:200]
            for e in validator.iter_errors(yaml.load(text, Loader) or {})]


def expect(name, refused, errors):
    global failed
    if refused != bool(errors):
        failed += 1
        print(f"{name}: {'accepted' if refused else errors}")


good = sorted((top / "tests/unit/config").glob("good-*.yaml")) + [top / "config/synward.yaml"]
bad = sorted((top / "tests/unit/config").glob("bad-*.yaml"))
assert len(good) >= 4 and len(bad) >= 10
for path in good:
    expect(path.name, False, errors_in(path.read_text(encoding="utf-8")))
for path in bad:
    text = path.read_text(encoding="utf-8")
    if "# schema: unreadable" not in text:
        expect(path.name, "# schema: accepts" not in text, errors_in(text))

# One mistake each: in a file with several, one that is found hides the others.
for text in (
    "colour: red", "mode: enforced", "mode: [enforce]", "poll: 1s", "poll: {interval: 5}",
    "poll: {interval: 1sec}", "poll: {interval: 1.5s}", "poll: {budget: 1}", "poll: {budget: 0.55%}",
    "poll: {intervall: 1s}", "nflog: {enabled: yes}", "nflog: {group: 65536}", "nflog: {group: '5'}",
    "detect: {fill: 0.5}", "incidents: {max_size: 64MB}", "alerts: {syslog: {path: dev/log}}",
    "alerts: {syslog: {facility: lokal0}}", "allow: 10.0.0.0/8", "allow: [example.net]",
    "listeners: [{detect: {}}]", "listeners: [{match: {}}]", "listeners: [{match: {port: 0}}]",
    "listeners: [{match: {port: 1}, detect: {fil: 5%}}]", "listeners: [{match: {ports: []}}]",
    "policy: [{do: [alert]}]", "policy: [{when: {state: flood}}]", "policy: [{when: {}, do: [alert]}]",
    "policy: [{when: {state: floood}, do: [alert]}]", "policy: [{when: {state: flood}, do: []}]",
    "policy: [{when: {state: flood}, do: [hook]}]", "policy: [{when: {state: flood}, do: [alert, alert]}]",
    "policy: [{when: {state: flood}, do: [{hook: [page-me]}]}]", "mute: [{ports: 443}]",
    "mute: [{until: 2026-11-22}]", "mute: [{ports: [1, 2], until: 2026-11-22T20:00:00Z}]",
):
    expect(text, True, errors_in(text))

print(f"{len(good)} good, {len(bad)} bad files, {failed} wrong")
sys.exit(failed > 0)
