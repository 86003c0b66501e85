/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * judge: the stages in their order. Each returns 0 ("go on") or a decision.
 *
 *	parse      what is it?
 *	sanity     is it possible?
 *	panic      is everything shut out?
 *	blocked    is its other end shut out?
 *	fragment   does it follow another packet's verdict?
 *	forward    does it come from the target of a forward, or look as if it came from a client of one?
 *	policy     what do the rules say, and forwards behind them?
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
#include "forward.h"
#include "fragment.h"
#include "icmp_error.h"
#include "panic.h"
#include "parse.h"
#include "policy.h"
#include "routed.h"
#include "sanity.h"
#include "service.h"
#include "socket.h"
#include "tcp_flow.h"

/* Rare: one question for both keeps others from paying. */
static __always_inline __u32 shut_out(const struct pkt *p)
{
	__u32 decision = p->flags & XDPFW_PANIC ? panic(p) : 0;

	return decision ? decision : blocked(p);
}

/* The stages behind parse that do not depend on rules. */
static __always_inline __u32 examine(void *ctx, struct pkt *p)
{
	__u32 decision = sanity(p);

	if (!decision && unlikely(p->flags & (XDPFW_PANIC | XDPFW_HAS_BLOCKS)))
		decision = shut_out(p);
	if (!decision)
		decision = fragment(ctx, p);
	return decision;
}

/* Of what is neither UDP nor TCP. */
static __always_inline __u32 reply_in(void *ctx, enum hook hook, const struct pkt *p)
{
	if (is_icmp_error(p))
		return hook == HOOK_XDP ? judge_icmp_error_xdp(ctx, p) : judge_icmp_error_skb(ctx, p);
	if (is_icmp(p) && !is_echo_reply(p))
		return 0;
	return is_other_reply(p) ? pass(XDPFW_R_REPLY) : 0;
}

/*
 * What lets an inbound packet in although the policy says @decision: 0 if nothing does. UDP and TCP by ways of their
 * own, so that each is asked for nothing that only the other can be.
 */
static __always_inline __u32 exception_in(void *ctx, enum hook hook, const struct pkt *p, __u32 decision)
{
	__u32 exception;

	__builtin_assume(p->dir == XDPFW_IN); /* it has been in other hands */
	if (p->protocol == IPPROTO_UDP) {
		if (is_udp_reply(p))
			return pass(XDPFW_R_REPLY);
		__builtin_assume(p->dir == XDPFW_IN);
		if (is_dhcp(p))
			return pass(XDPFW_R_ESSENTIAL);
		return is_courtesy(p, decision) ? pass(XDPFW_R_COURTESY) : 0;
	}
	if (p->protocol == IPPROTO_TCP)
		return reply_tcp(ctx, p);
	exception = reply_in(ctx, hook, p);
	return !exception && is_discovery(p) ? pass(XDPFW_R_ESSENTIAL) : exception;
}

/* As if no address were blocked behind a forward. */
static __always_inline __u32 judge_arrived(void *ctx, enum hook hook, struct pkt *p)
{
	__u32 decision, exception;

	__builtin_assume(p->dir == XDPFW_IN);
	decision = examine(ctx, p);
	if (!decision && unlikely(p->flags & XDPFW_HAS_FORWARDS))
		decision = forwarded_back(ctx, hook, p);
	if (decision)
		return decision;
	decision = inbound_policy(ctx, hook, p);
	if (unlikely(p->flags & XDPFW_HAS_FORWARDS))
		decision = hook == HOOK_XDP ? forward_request(ctx, hook, p, decision)
					    : forward_request_skb(ctx, p, decision);
	if (passes(decision)) {
		if (likely(!p->connection) || is_direct(p))
			record_guest(p);
		return decision;
	}
	exception = exception_in(ctx, hook, p, decision);
	return exception ? exception : decision;
}

/* @p has been parsed. @hook is a constant that the compiler can see. */
static __always_inline __u32 judge_in(void *ctx, enum hook hook, struct pkt *p)
{
	__u32 decision = judge_arrived(ctx, hook, p);

	if (likely(!(p->flags & XDPFW_HAS_BLOCKS)) || !p->connection || !passes(decision) || !is_end_blocked(p))
		return decision;
	p->connection = 0; /* it is not counted as the forward's */
	return drop(XDPFW_R_BLOCKED);
}

/* A SYN made by hand (traceroute -T, scanners) has a socket, but none that TCP would find for the answer. */
#define TYPE_RAW 3 /* SOCK_RAW of <sys/socket.h> */

static __always_inline bool is_sent_raw(struct __sk_buff *skb)
{
	struct bpf_sock *sk = skb->sk;

	sk = sk ? bpf_sk_fullsock(sk) : NULL;
	return sk && sk->type == TYPE_RAW;
}

/*
 * An outbound packet that the policy passes: note the request, so that its answer is known. What leaves from a
 * port that the inbound policy passes needs no note (its answers pass anyway), and must have
 * none: strangers cause it by asking.
 */
static __always_inline void record_request(struct __sk_buff *skb, const struct pkt *p)
{
	if (p->protocol == IPPROTO_TCP) {
		if (unlikely(p->forwarded) || (is_tcp_request(p) && unlikely(is_sent_raw(skb))))
			follow_tcp_out(skb, p, true);
		else if (is_tcp_request(p))
			mark_flow(XDPFW_FP_TCP, p, p->source_port, p->destination_port);
	} else if (has_ports(p)) {
		if (!lets_in(skb, p))
			begin_plain_flow(p, XDPFW_FLOW_PLAIN);
	} else if (!is_icmp(p) || is_echo_request(p)) {
		begin_plain_flow(p, XDPFW_FLOW_PLAIN);
	}
}

/* Outbound, what answers an inbound packet passes: TCP that is no request, echo replies, ICMP errors
 * (only a stack makes these three), others to whoever asked or was spoken to before a rule changed. */
static __always_inline __u32 reply_out(struct __sk_buff *skb, const struct pkt *p)
{
	if (p->protocol == IPPROTO_TCP) {
		if (is_tcp_request(p))
			return 0;
		if (unlikely(p->forwarded))
			follow_tcp_out(skb, p, false);
		return pass(XDPFW_R_REPLY);
	}
	if (p->protocol == IPPROTO_UDP)
		return is_udp_reply(p) || has_guest(p) ? pass(XDPFW_R_REPLY) : 0;
	if (is_icmp_error(p))
		return pass(XDPFW_R_ESSENTIAL);
	if (is_echo_reply(p))
		return pass(XDPFW_R_REPLY);
	if (is_icmp(p) && !is_echo_request(p))
		return 0;
	return is_other_reply(p) || has_guest(p) ? pass(XDPFW_R_REPLY) : 0;
}

static __always_inline __u32 judge_out(struct __sk_buff *skb, struct pkt *p)
{
	__u32 decision = examine(skb, p), exception;

	if (!decision && unlikely(p->flags & XDPFW_HAS_FORWARDS))
		decision = forwarded_out(skb, p);
	if (decision)
		return decision;
	if (p->ported && unlikely(p->flags & XDPFW_HAS_LINKS)) {
		p->foreign = p->forwarded && is_routed(skb, p, &p->source);
		if (!p->foreign)
			p->source_port = behind_link(p, p->source_port); /* the port on the wire */
	}
	decision = decide(skb, HOOK_TC, p, policy(p, XDPFW_OUT), ASKING_REQUEST);
	if (passes(decision)) {
		record_request(skb, p);
		return decision;
	}
	exception = reply_out(skb, p);
	if (exception)
		return exception;
	return is_essential(p) ? pass(XDPFW_R_ESSENTIAL) : decision;
}

#endif
