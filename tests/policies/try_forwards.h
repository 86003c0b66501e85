/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef XDPFW_TESTS_POLICIES_TRY_FORWARDS_H
#define XDPFW_TESTS_POLICIES_TRY_FORWARDS_H

#include "chance.h"

/*
 * Add forwards to a policy as a user would, one by one: with a mistake in it, or beside one that has a port of it already, it
 * must be refused in a line that begins with the word that is wrong. The others must mean what they say; their lines are
 * added to @text, a new string. False, and printed, if something is otherwise.
 */
bool try_forwards(const struct forwards *forwards, struct ruleset *set, char **text, unsigned long *mistaken,
		  unsigned long *unfit);

#endif
