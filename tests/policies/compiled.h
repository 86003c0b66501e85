/* SPDX-License-Identifier: GPL-2.0-only */
/* A policy compiled into memory, and walked for one request as the data path walks it (bpf/condition.h, bpf/ranges.h). */
#ifndef XDPFW_TESTS_COMPILED_H
#define XDPFW_TESTS_COMPILED_H

#include "compile.h"
#include "evaluate.h"

/* When the policy is compiled. */
#define COMPILED_NOW     2000000000
#define COMPILED_JIFFIES 1000000
#define COMPILED_HZ      250

/* The host: interfaces eth0, eth1, ... have the numbers 2, 3, ...; users are numbers; of cgroups only gone.slice and what is
 * below it is missing. */
extern const struct environment compiled_host;

struct compiled {
	struct xdpfw_policy_head head;
	struct xdpfw_port_table ports[XDPFW_DIRS][XDPFW_TABLES];
	struct xdpfw_link_table links[XDPFW_TABLES];
	struct xdpfw_listener_table listeners[XDPFW_LISTENER_TABLES][XDPFW_LISTENER_FAMILIES];
	struct xdpfw_forward forwards[XDPFW_FORWARDS];
	struct xdpfw_condition conditions[XDPFW_CONDITIONS];
	struct address_lines lines;
};

/* Gives the rules their counters, 1, 2, ..., and the forwards; 0 or a negative errno, and then what was compiled before is
 * gone. */
int compile_into(struct compiled *c, struct ruleset *set, struct error *e);

/* What the policy decides about a request, before forwards with state. @over_limit: what every limit says of it. */
__u32 compiled_decision(const struct compiled *c, const struct request *r, bool over_limit);

/* Is the address blocked, at the time of the request? */
bool compiled_blocks(const struct compiled *c, const struct request *r, const struct xdpfw_addr *addr);

/* The request's time as conditions have it. */
__u32 compiled_time(const struct request *r);

bool in_prefix(const struct xdpfw_addr *addr, const struct xdpfw_addr *prefix, int length);

#endif
