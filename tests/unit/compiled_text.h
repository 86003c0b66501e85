/* SPDX-License-Identifier: GPL-2.0-only */
/* A text, compiled: for a host that is always the same. */
#ifndef XDPFW_TESTS_COMPILED_TEXT_H
#define XDPFW_TESTS_COMPILED_TEXT_H

#include "compile.h"
#include "ruleset.h"

#define HZ 250

/* What compile_text() has made. */
extern struct compiled {
	struct xdpfw_policy_head head;
	struct xdpfw_port_table ports[3][3];
	struct xdpfw_link_table links[3];
	struct xdpfw_listener_table listeners[XDPFW_LISTENER_TABLES][XDPFW_LISTENER_FAMILIES];
	struct xdpfw_forward forwards[XDPFW_FORWARDS];
	struct xdpfw_condition conditions[XDPFW_CONDITIONS];
} compiled;

/* Rules get the counters 1, 2, ..., forwards 1001, 1002, ... */
void give_counters(struct ruleset *set);

void compile_text(const char *text);

/* As the data path reads it. */
static inline __u32 cell_of(const struct xdpfw_port_table *t, __u16 port)
{
	return t->have_usual[port / 64] >> port % 64 & 1 ? t->usual : t->cells[port];
}

#endif
