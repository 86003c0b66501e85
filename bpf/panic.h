/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * panic: nothing passes, and of what is open only this host's TCP connections to a few ports goes on (sshd).
 *
 * The compiled policy drops everything already, so this stage has only to stop what passes without it: replies. What it
 * lets go on is judged as ever: a segment passes if a socket owns it, so a request never does.
 */
#ifndef XDPFW_BPF_PANIC_H
#define XDPFW_BPF_PANIC_H

#include "common.h"
#include "essential.h"
#include "link.h"
#include "policy.h"

/* The port that the other side talks to: going out, the one on the wire may be another. */
static __always_inline bool is_kept(const struct pkt *p)
{
	__u16 port = p->dir == XDPFW_IN ? p->destination_port : behind_link(p, p->source_port);
	const struct xdpfw_policy_head *head = policy_head(p->slot);

	for (__u32 i = 0; head && i < XDPFW_MAX_KEPT; i++)
		if (i < head->nr_kept && head->kept[i] == port)
			return true;
	return false;
}

static __noinline __u32 panic(const struct pkt *p)
{
	if (p->fragment == FRAGMENT_LATER) /* follows its first */
		return 0;
	if (is_essential(p) || (p->dir == XDPFW_IN && is_icmp_error(p)))
		return 0;
	if (p->protocol == IPPROTO_TCP && !is_tcp_request(p) && !p->forwarded && is_kept(p))
		return 0;
	return drop(XDPFW_R_PANIC);
}

#endif
