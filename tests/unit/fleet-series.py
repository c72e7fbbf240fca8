#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Tests for promtool of contrib's fleet rules: hosts with a day's rhythm, crowds of real clients,
restarts and lost scrapes, with or without a thin flood. What is printed depends on the seed alone.

  fleet-series.py RULES flood HOSTS    four hours (90 minutes for more than 100 hosts), of which the
                                       last eight minutes have the flood
  fleet-series.py RULES crowd HOSTS    the same with a crowd at every host for an hour, and no flood
  fleet-series.py RULES week HOSTS     a week of crowds, scraped once a minute
"""
import math
import random
import sys

HONEST_PER_S = 200       # finished at a busy hour, each host
LOSS = 0.002             # of them left unfinished by lost packets
FLOOD_PER_S = 3          # each host


def poisson(mean):
    """By the normal distribution where that is as good."""
    if mean > 30:
        return max(0, round(random.gauss(mean, math.sqrt(mean))))
    limit, n, product = math.exp(-mean), 0, random.random()
    while product > limit:
        n, product = n + 1, product * random.random()
    return n


def rhythm(second):
    return 0.65 - 0.35 * math.cos(2 * math.pi * second / 86400)


def crowd(second, host, crowd_from):
    """Everywhere for an hour, six times the usual; and each host has its own."""
    factor = 6 if crowd_from <= second < crowd_from + 3600 else 1
    if (second // 3600 + 37 * host) % 61 == 0:
        factor *= 4
    return factor


def lossy(second, host):
    """Now and then one host's own path loses a twentieth."""
    return 0.05 if (second // 7200 + 5 * host) % 83 == 0 else LOSS


def series(host, seconds, step, flood_from, crowd_from):
    completed, unanswered, values = 0, 0, ([], [])
    for second in range(0, seconds, step):
        honest = HONEST_PER_S * rhythm(second) * crowd(second, host, crowd_from)
        completed += poisson(honest * step)
        unanswered += poisson(honest * step * (lossy(second, host) if seconds > 86400 else LOSS))
        if second >= flood_from:
            unanswered += poisson(FLOOD_PER_S * step)
        if random.random() < 0.00005:
            completed = unanswered = 0  # a restart
        lost = random.random() < 0.001
        values[0].append("_" if lost else str(completed))
        values[1].append("_" if lost else str(unanswered))
    return values


def write_series(hosts, seconds, step, flood_from, crowd_from):
    print("    input_series:")
    for host in range(hosts):
        for name, values in zip(("completed", "unanswered"), series(host, seconds, step, flood_from, crowd_from)):
            labels = f'instance="h{host}",job="synward",address="0.0.0.0",port="80"'
            print(f"      - series: 'synward_listener_{name}_total{{{labels}}}'")
            print(f"        values: {' '.join(values)}")


def firing(alert, at, times):
    """Of the alert's evaluations up to that time, how many fired; 0: none may have."""
    print(f"      - expr: count(count_over_time(ALERTS{{alertname=\"{alert}\",alertstate=\"firing\"}}[8d])) or vector(0)")
    print(f"        eval_time: {at}s")
    print(f"        exp_samples: [ {{ labels: '{{}}', value: {times} }} ]")


def main():
    rules, kind, hosts = sys.argv[1], sys.argv[2], int(sys.argv[3])
    random.seed(1)
    step = 60 if kind == "week" else 15
    seconds = 7 * 86400 if kind == "week" else 4 * 3600
    if hosts > 100:
        seconds = min(seconds, 5400)  # as short as the rules can do: promtool takes a second for each minute
    flood_from = seconds - 480 if kind == "flood" else seconds
    crowd_from = {"week": 2 * 86400 + 64800, "crowd": seconds * 5 // 8, "flood": seconds}[kind]
    print(f"rule_files: [ {rules} ]")
    print(f"evaluation_interval: {step}s")
    print("tests:")
    print(f"  - interval: {step}s")
    write_series(hosts, seconds, step, flood_from, crowd_from)
    print("    promql_expr_test:")
    for alert in ("SynwardFleetFlood", "SynwardFleetSpread"):
        if kind == "flood":
            firing(alert, flood_from, 0)
            firing(alert, flood_from + 120, 1)
        else:
            firing(alert, seconds - step, 0)


main()
