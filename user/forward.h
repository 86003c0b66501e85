/* SPDX-License-Identifier: GPL-2.0-only */
/* What a forward owns, and what can be asked of one. */
#ifndef XDPFW_USER_FORWARD_H
#define XDPFW_USER_FORWARD_H

#include "ruleset.h"

void forward_free(struct forward *f);

/* Deep copy; 0 or -ENOMEM. */
int forward_copy(const struct forward *from, struct forward *to);

/* Of two forwards with the same match part: do they say the same? */
bool forward_same_value(const struct forward *a, const struct forward *b);

/* A link of local ports, both ways: needs no state. */
bool forward_is_link(const struct forward *f);
bool forward_is_remote(const struct forward *f);

/* Which families of requests it can be for: [0] IPv4, [1] IPv6. */
void forward_families(const struct forward *f, bool families[2]);

/* Does it take requests to this port? A link does so at both ends. */
bool forward_listens_on(const struct forward *f, __u16 port);

/* Is it for some requests to its ports only? */
bool forward_is_conditional(const struct forward *f);

static inline unsigned int range_length(const struct port_range *range)
{
	return range->last - range->first + 1;
}

#endif
