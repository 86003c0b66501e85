/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * From facts to findings: what stands in the way of the firewall, or makes it slower than it need be, and the command
 * that mends it. Facts are gathered in facts.c; nothing here asks the kernel.
 */
#ifndef XDPFW_USER_DIAGNOSIS_H
#define XDPFW_USER_DIAGNOSIS_H

#include <limits.h>
#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>

#include "offloads.h"
#include "ruleset.h"
#include "xdpfw/policy.h"

struct interface_facts {
	char name[IFNAMSIZ];
	bool loaded;
	bool gone;          /* loaded, but the interface is not there */
	bool wanted;        /* the rules file has a line `load NAME` */
	bool default_route; /* the way to the rest of the world leads by it */
	enum xdpfw_in_hook in_hook;
	enum load_mode mode; /* as asked for */
	char driver[32];
	char kind[16];
	unsigned int mtu;
	char master[IFNAMSIZ], master_kind[16]; /* the bridge or bond of which it is a port */
	char foreign_xdp[64];                   /* the name of an XDP program that is not ours */
	int in_front;                           /* TC programs of others before ours */
	bool other_build;                       /* filtered by the programs of another build of xdpfw */
	bool in_detached, out_detached;         /* loaded, but somebody has taken our program away */
	struct offloads offloads;
};

#define FACTS_INTERFACES 128

struct facts {
	char kernel[65];
	char netns[256]; /* as given to -n, else empty */
	unsigned int cpus;
	bool bpffs, jit, btf, tcx, xdp_frags, membarrier;
	bool live;
	bool in_sync, unfinished, file_writable; /* file_writable: by others than its owner */
	bool routed_rules;                       /* some rule or default lets routed requests pass */
	bool routes_v4, routes_v6;
	bool mark_rule; /* an `ip rule` would route our own answers elsewhere */
	char pin_dir[PATH_MAX], rules_file[PATH_MAX];
	struct interface_facts interfaces[FACTS_INTERFACES];
	size_t count;
};

struct finding {
	const char *id; /* stable word */
	char interface[IFNAMSIZ];
	char text[256];
	char mend[PATH_MAX + 64]; /* a command */
};

#define FINDINGS_MAX 256

/* Returns how many there are. */
size_t diagnose(const struct facts *f, struct finding findings[FINDINGS_MAX]);

#endif
