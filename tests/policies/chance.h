/* SPDX-License-Identifier: GPL-2.0-only */
/* Random policies and random requests, the same for the same seed on every machine. */
#ifndef XDPFW_TESTS_CHANCE_H
#define XDPFW_TESTS_CHANCE_H

#include "evaluate.h"

#define FORWARDS_TRIED    6
#define CANDIDATE_RANGES  4
#define CANDIDATE_TARGETS 5

struct chance {
	__u64 state;
};

/* 0 .. @bound - 1 */
unsigned int below(struct chance *chance, unsigned int bound);

/* Once in @times. */
static inline bool once_in(struct chance *chance, unsigned int times)
{
	return below(chance, times) == 0;
}

/* A forward as somebody might type it, and what it says. */
struct candidate {
	char line[1000];
	char wrong[700]; /* the word that is to be refused; empty if there is none */
	struct forward said;
	struct port_range listen[CANDIDATE_RANGES], ports[CANDIDATE_TARGETS][CANDIDATE_RANGES];
	struct forward_target targets[CANDIDATE_TARGETS];
};

struct forwards {
	int count;
	struct candidate tried[FORWARDS_TRIED];
};

/*
 * The text of a policy that can be parsed: mostly a handful of rules, sometimes hundreds. Its ports, networks, owners and
 * times are few and near one another, so that its rules meet. A new string, NULL without memory. @forwards: what is to be
 * added to it, as far as it can be.
 */
char *random_policy(struct chance *chance, struct forwards *forwards);

/* A request at the edge of what the policy mentions: one that a rule is for, or would be but for one thing or two. */
struct request random_request(struct chance *chance, const struct ruleset *set);

#endif
