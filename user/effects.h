/* SPDX-License-Identifier: GPL-2.0-only */
/* What a change of the policy would mean to those who are there: who listens, and whose connections are open. */
#ifndef XDPFW_USER_EFFECTS_H
#define XDPFW_USER_EFFECTS_H

#include "flows.h"
#include "listeners.h"
#include "session.h"

/* A listener that just anyone could reach and cannot any more, or the reverse. */
struct listener_effect {
	struct listener listener;
	__u16 port; /* on the wire, before */
	enum xdpfw_verdict before, after;
	const struct statement *cause; /* what decides afterwards; NULL: the default */
};

enum connection_fate {
	FATE_NONE,
	FATE_CUT,       /* blocked, or the port behind a link is another one */
	FATE_NOT_AGAIN, /* lives on; a new one like it would not be let through */
};

struct connection_effect {
	struct flow_row row;
	enum xdpfw_dir dir; /* of the request, as far as sockets tell */
	enum connection_fate fate;
	const struct statement *cause; /* NULL: the default, or a link that goes */
};

struct effects {
	struct listener_effect *listeners;
	size_t nr_listeners;
	struct connection_effect *connections;
	size_t nr_connections;
};

/* From s->now, which is live, to @after, which must outlive the result. */
int effects_find(const struct session *s, const struct ruleset *after, struct effects *fx, struct error *e);
void effects_free(struct effects *fx);

/* The judgement itself, of one connection that came in (or went out) by @interface. */
enum connection_fate connection_fate(const struct ruleset *before, const struct ruleset *after,
				     const struct flow_row *row, enum xdpfw_dir dir, const char *interface, __u64 now,
				     const struct statement **cause);

#endif
