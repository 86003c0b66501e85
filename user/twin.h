/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Twins of the loaded programs (xdpfw/twin.h): never attached, asked by `explain` and `bench`. They write nothing, so
 * any number may be asked at once. The first to ask loads them, which takes most of a second, and pins them for those
 * that follow, as twin_NAME_BUILD.
 */
#ifndef XDPFW_USER_TWIN_H
#define XDPFW_USER_TWIN_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>

#include "error.h"
#include "instance.h"
#include "xdpfw/decision.h"
#include "xdpfw/policy.h"

/* Remove the pinned twins of other builds than ours. */
void twins_forget_others(const struct instance *in);

/* The twins of one interface. */
struct twins {
	int in, swap, out; /* program descriptors; swap is -1 at TC */
	bool xdp;
	int ifindex;
};

/* -EIO if the programs that are attached are not those that this binary brings: their twins cannot be had from it. */
int twins_open(const struct instance *in, const struct xdpfw_control *control, const struct xdpfw_iface *iface,
	       struct twins *t, struct error *e);
void twins_close(struct twins *t);

/*
 * A test run lays an skb into one page. Interfaces without an Ethernet header are asked about a frame that has one,
 * too: a test run of a TC program takes it off.
 */
#define TWIN_FRAME_MAX   3500
#define TWIN_FRAME_LEAST 54

struct twin_frame {
	size_t size;
	unsigned char bytes[TWIN_FRAME_MAX];
};

/* Of a packet that leaves. */
struct sender {
	bool forwarded; /* no socket of this host: it is routed */
	__u32 user;
};

/*
 * What would become of @f? Returns 0 and *@decision; @f is then the packet as it goes on, rewritten where a forward does
 * so.
 */
int twins_ask(const struct twins *t, enum xdpfw_dir dir, const struct sender *sender, struct twin_frame *f,
	      __u32 *decision, struct error *e);

/* Nanoseconds that one such run takes, the mean of @repeat. */
int twins_time(const struct twins *t, enum xdpfw_dir dir, const struct twin_frame *f, unsigned int repeat,
	       unsigned int *ns, struct error *e);

#endif
