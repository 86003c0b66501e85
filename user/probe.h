/* SPDX-License-Identifier: GPL-2.0-only */
/* Is a target alive? A command of the user's own says so, run by /bin/sh with ADDR, PORT and PROTO in its environment. */
#ifndef XDPFW_USER_PROBE_H
#define XDPFW_USER_PROBE_H

#include <stdbool.h>
#include <stddef.h>

#include "error.h"
#include "parse_addr.h"

#define PROBE_SECONDS 5

struct probe {
	char addr[ADDR_TEXT_MAX];
	unsigned short port;
	const char *protocol;
	bool alive;   /* the command has exited 0 in time */
	char why[64]; /* ... or what it has done instead */
};

/* Run @command for each of @probes, several at a time; each gets @seconds, then it and all its children are killed. */
int probes_run(const char *command, unsigned int seconds, struct probe *probes, size_t count, struct error *e);

#endif
