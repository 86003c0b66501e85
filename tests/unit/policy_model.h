/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A policy as a model of its own, and an interpreter of it that knows nothing of the compiler: for each port, walk the
 * statements from the top and take the first that matches.
 */
#ifndef XDPFW_TESTS_POLICY_MODEL_H
#define XDPFW_TESTS_POLICY_MODEL_H

#include <linux/types.h>
#include <stdbool.h>

#include "xdpfw/policy.h"

enum { IN, OUT, ROUTED };
enum { TCP, UDP, SCTP };
enum { PORTS, ANY, PROTOCOL, ICMP };

struct model_rule {
	int verdict; /* 1 pass, 2 drop, 3 reject, as a decision has them */
	int dir;
	int match;
	bool table[3];
	bool ports[65536];
	int protocol;
	bool family[2];
	int type[2]; /* by family, -1 = every type */
};

struct model_forward {
	int a, b;
	bool table[3];
};

#define MAX_RULES    64
#define MAX_FORWARDS 16

extern struct model {
	struct model_rule rules[MAX_RULES];
	struct model_forward forwards[MAX_FORWARDS];
	int nr_rules, nr_forwards;
	int defaults[3];
	int timeouts[XDPFW_NR_TIMEOUTS];
	bool ping, non_ip, blocks;
	char text[65536];
} model;

/* A packet as a policy sees one: its direction, and a port, an ICMP type or a protocol. */
struct packet {
	int dir;
	int kind;   /* PORTS, ICMP or PROTOCOL */
	int table;  /* PORTS */
	int family; /* ICMP */
	int number;
};

/* The rule's counter is its place + 1, the forward's its place + 1001. */
static inline __u32 decision(int verdict, int reason, int counter)
{
	return (__u32)verdict << 30 | (__u32)reason << 24 | counter;
}

__u32 interpret_plain(const struct packet *p);

/* With the mark that a request for another host would fare otherwise. */
__u32 interpret(const struct packet *p);

/* Where a link leads from this port: the port itself, if there is none. */
int interpret_link(int table, int port);

__u32 interpret_flags(void);

#endif
