/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Hooks: attaching a program to an interface, in a way that outlives this process.
 *
 * XDP and TCX attachments are links, pinned as "ROLE_IFINDEX" in the instance's directory.
 * Where the kernel has no TCX (before 6.6) the TC programs are clsact filters, which the
 * qdisc itself keeps. Attaching is always done by a program that does not filter yet
 * (see xdpfw_armed()), so the order among hooks does not matter.
 */
#ifndef XDPFW_USER_HOOKS_H
#define XDPFW_USER_HOOKS_H

#include <stdbool.h>

#include "error.h"
#include "instance.h"
#include "xdpfw/policy.h"

enum hook_role {
	ROLE_XDP,  /* inbound at XDP */
	ROLE_IN,   /* inbound at TC ingress */
	ROLE_SWAP, /* rewriting at TC ingress behind XDP */
	ROLE_OUT,  /* outbound at TC egress */
	NR_ROLES,
};

/* Attach @prog, or replace the program of a link that is pinned already, in place. @generic matters to ROLE_XDP only;
 * *@out_hook tells which kind of TC attachment it became (untouched for ROLE_XDP). */
int hook_attach(const struct instance *in, enum hook_role role, int ifindex, int prog, bool generic,
		enum xdpfw_out_hook *out_hook, struct error *e);

/* Replace the program only where something of ours is attached; 0 also if nothing is. */
int hook_replace(const struct instance *in, enum hook_role role, int ifindex, int prog, struct error *e);

/* Detach, if attached. */
void hook_detach(const struct instance *in, enum hook_role role, int ifindex);

/* Is something of ours attached there, and is its interface still alive? */
enum hook_state {
	HOOK_NONE,
	HOOK_ATTACHED,
	HOOK_HUSK, /* the link is there, the interface is not */
};
enum hook_state hook_state(const struct instance *in, enum hook_role role, int ifindex);

/* Is something of ours attached there, by whatever kind of TC attachment? */
bool hook_is_attached(const struct instance *in, enum hook_role role, int ifindex);

/* The name of a BPF program by its id, for messages; "?" if it is gone. */
void program_name(unsigned int id, char name[64]);

/* How many TC programs stand before ours at this hook (TCX only). */
int hook_programs_in_front(const struct instance *in, enum hook_role role, int ifindex);

#endif
