/* SPDX-License-Identifier: GPL-2.0-only */
/* Random policies and random requests, the same for the same seed on every machine. */
#ifndef XDPFW_TESTS_CHANCE_H
#define XDPFW_TESTS_CHANCE_H

#include "evaluate.h"

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

/*
 * The text of a policy that can be parsed: mostly a handful of rules, sometimes hundreds. Its ports, networks, owners and
 * times are few and near one another, so that its rules meet. A new string, NULL without memory.
 */
char *random_policy(struct chance *chance);

/* A request at the edge of what the policy mentions: one that a rule is for, or would be but for one thing or two. */
struct request random_request(struct chance *chance, const struct ruleset *set);

#endif
