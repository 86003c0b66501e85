/* SPDX-License-Identifier: GPL-2.0-only */
/* What the statements of one random policy have in common, so that they meet, and how they write it. */
#ifndef XDPFW_TESTS_POLICIES_THEME_H
#define XDPFW_TESTS_POLICIES_THEME_H

#include <stdio.h>

#include "chance.h"
#include "util.h"

#define PORTS_SHARED    5
#define NETWORKS_SHARED 3

struct theme {
	struct chance *chance;
	FILE *to;
	__u16 ports[PORTS_SHARED];
	struct xdpfw_addr networks[2][NETWORKS_SHARED]; /* by family: IPv4, IPv6 */
	int rules;
	int members;  /* at most, of a set */
	int forwards; /* at most: some are refused */
	bool wide;    /* a port for each rule, nearly: else hundreds of rules are too many questions for a packet */
	bool deep;    /* no rule is without conditions, so none ends the questions of a port */
};

#define PICK(theme, words) ((words)[below((theme)->chance, ARRAY_SIZE(words))])

static inline bool once(const struct theme *theme, int times)
{
	return once_in(theme->chance, times);
}

__u16 random_port(const struct theme *theme);
void write_prefix(const struct theme *theme, int family);
void write_time(const struct theme *theme);

/* A line that may be added to the policy, or (@wrong) be refused in a line that begins with that word. */
void random_forward(const struct theme *theme, struct candidate *candidate);

#endif
