/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How a port of this host looks from outside: what the policy says to a request from just anyone, and which rules
 * before that say something else to some. (evaluate.h answers for one request; this for all senders of a port.)
 */
#ifndef XDPFW_USER_EXPOSURE_H
#define XDPFW_USER_EXPOSURE_H

#include "listeners.h"
#include "ruleset.h"

struct exposure {
	enum xdpfw_verdict verdict;
	bool limited;
	const struct statement *by;          /* rule or forward; NULL: the default */
	const struct statement **exceptions; /* rules that decide first, for some senders, addresses or interfaces */
	size_t count;
};

/* For requests to @port, as it is on the wire, that reach @l; @now in Unix seconds. 0 or -ENOMEM. */
int exposure_find(const struct ruleset *set, const struct listener *l, __u16 port, __u64 now, struct exposure *x);
void exposure_free(struct exposure *x);

/* Does a forward lead everyone's requests to @port, which would reach @l, elsewhere? */
bool forwarded_away(const struct ruleset *set, const struct listener *l, __u16 port, __u64 now);

/* Does the forward @s lead requests to @l? Then *@wire is the port that is asked. */
bool forward_leads_to(const struct statement *s, const struct listener *l, __u16 *wire);

#endif
