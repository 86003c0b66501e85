/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * judge: the stages in their order. Each returns 0 ("go on") or a decision.
 *
 *	parse      what is it?
 *	sanity     is it possible?
 *	blocked    is its other end shut out?
 *	fragment   does it follow another packet's verdict?
 *	policy     what do the rules say?
 *	-- only if the policy alone would not let it pass --
 *	essential  does the network need it?
 *	reply      is it the answer to something that was allowed?
 *	courtesy   is it polite, and no rule objects?
 *
 * So what the policy passes needs no state, and a request to a closed port is dropped
 * without a lookup in any hash, trie or socket table.
 */
#ifndef XDPFW_BPF_JUDGE_H
#define XDPFW_BPF_JUDGE_H

#include "block.h"
#include "common.h"
#include "essential.h"
#include "flow.h"
#include "fragment.h"
#include "icmp_error.h"
#include "parse.h"
#include "policy.h"
#include "sanity.h"
#include "socket.h"

/* The stages behind parse that do not depend on rules. */
static __always_inline __u32 examine(const struct pkt *p)
{
	__u32 decision = sanity(p);

	if (!decision)
		decision = blocked(p);
	if (!decision)
		decision = fragment(p);
	return decision;
}

static __always_inline __u32 reply_in(void *ctx, enum hook hook, const struct pkt *p)
{
	if (p->protocol == IPPROTO_UDP)
		return is_udp_reply(p) ? pass(XDPFW_R_REPLY) : 0;
	if (p->protocol == IPPROTO_TCP)
		return is_tcp_reply(ctx, p) ? pass(XDPFW_R_REPLY) : 0;
	if (is_echo_reply(p))
		return is_echo_answer(p) ? pass(XDPFW_R_REPLY) : 0;
	if (is_icmp_error(p))
		return hook == HOOK_XDP ? judge_icmp_error_xdp(ctx, p) : judge_icmp_error_skb(ctx, p);
	return 0;
}

/* @p has been parsed. @hook is a constant that the compiler can see. */
static __always_inline __u32 judge_in(void *ctx, enum hook hook, const struct pkt *p,
				      const struct xdpfw_policy_head *head)
{
	__u32 decision = examine(p), exception;

	if (decision)
		return decision;
	decision = policy(p, XDPFW_IN, head);
	if (passes(decision)) {
		record_guest_request(p);
		return decision;
	}
	exception = reply_in(ctx, hook, p);
	if (exception)
		return exception;
	if (is_essential(p))
		return pass(XDPFW_R_ESSENTIAL);
	if (is_courtesy(p, decision))
		return pass(XDPFW_R_COURTESY);
	return decision;
}

/* Outbound, what answers an inbound packet passes: TCP that is no request, echo replies, ICMP errors
 * (only the kernel makes these three), UDP to whoever asked or was spoken to before a rule changed. */
static __always_inline __u32 reply_out(const struct pkt *p)
{
	if (p->protocol == IPPROTO_TCP)
		return is_tcp_request(p) ? 0 : pass(XDPFW_R_REPLY);
	if (p->protocol == IPPROTO_UDP)
		return is_udp_reply(p) || has_guest(p) ? pass(XDPFW_R_REPLY) : 0;
	if (is_echo_reply(p))
		return pass(XDPFW_R_REPLY);
	return is_icmp_error(p) ? pass(XDPFW_R_ESSENTIAL) : 0;
}

static __always_inline __u32 judge_out(struct pkt *p, const struct xdpfw_policy_head *head)
{
	__u32 decision = examine(p), exception;

	if (decision)
		return decision;
	if (p->ported)
		p->source_port = behind_link(p, p->source_port); /* the port on the wire */
	decision = policy(p, XDPFW_OUT, head);
	if (passes(decision)) {
		record_request(p);
		return decision;
	}
	exception = reply_out(p);
	if (exception)
		return exception;
	return is_essential(p) ? pass(XDPFW_R_ESSENTIAL) : decision;
}

#endif
