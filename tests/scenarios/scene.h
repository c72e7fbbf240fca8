/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What scenarios are made of: populations on a listener, floods, troubles.
 */

#include "tests/scenarios/random.h"
#include "tests/scenarios/scenario.h"

#define IS(d) (UINT32_C(1) << DIAGNOSIS_##d)
#define FOREVER 1e12

/* Attacks begin after this much calm, last this long, and are watched so long after. */
#define CALM_S 300.0
#define ATTACK_S 60.0
#define AFTER_S 60.0

/* What happens in it begins then instead, and lasts so long; to be said before anything is added. */
void scene_when(struct scenario *s, double from_s, double lasts_s);
/* Any time: half of them within the first 30 s after the daemon's start. */
double scene_any_time(struct chance *c);
/* All through the scenario, so many connections a second. */
struct population *scene_population(struct scenario *s, enum population_kind kind, double per_s);
/* Clients of an ordinary service. */
struct population *scene_honest(struct scenario *s, double per_s);
/* What every address on the Internet gets: a few SYNs that nobody finishes. */
struct population *scene_noise(struct scenario *s, double per_s);
/* One host that connects as fast as it can, while the event lasts. */
struct population *scene_load_test(struct scenario *s, double per_s);
/* The attack; what it should be called. */
struct population *scene_flood(struct scenario *s, double per_s, uint32_t expected);
/* Only then, and at that rate. */
void scene_during(struct population *p, double from_s, double to_s, double per_s);
/* The floods so far come once more, so long after their end. */
void scene_again(struct scenario *s, double after_s);
/* A listener is attacked then, and has to be named by itself. */
void scene_attacked(struct scenario *s, unsigned listener, double from_s, double to_s);
struct trouble *scene_trouble(struct scenario *s, enum trouble_kind kind, double from_s, double to_s, double value);
/* Puts the first address of a population, or its prefix, on the allow list. */
void scene_allow(struct scenario *s, const struct population *p);

/* The families, each file one part of the catalogue. */
void attacks_add(struct catalogue *c);
void repeated_syns_add(struct catalogue *c);
void honest_events_add(struct catalogue *c);
void honest_days_add(struct catalogue *c, double days);
/* A few days more, for each hard kind. */
void hard_days_add(struct catalogue *c, double days);
/* Their members' figures are drawn. */
void by_chance_attacks_add(struct catalogue *c, struct chance *chance);
void by_chance_honest_add(struct catalogue *c, struct chance *chance);
