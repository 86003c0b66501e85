// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The programs: thin entry points for each kind of hook over one pipeline (judge.h).
 *
 *	xdp_in      inbound at XDP
 *	tc_in       inbound at TC ingress; with forwards, rewrites too
 *	tc_swap     TC ingress behind xdp_in, attached only while a forward exists: rewrites what xdp_in has left to it
 *	tc_out      outbound at TC egress
 *	..._l3      the same for interfaces without an Ethernet header
 *
 * A packet that passes is left to whoever stands behind: XDP_PASS, TC_ACT_UNSPEC. Twins (xdpfw/twin.h) return
 * the decision instead.
 */
#include "common.h"
#include "config.h"
#include "count.h"
#include "history.h"
#include "judge.h"
#include "log.h"
#include "maps.h"
#include "reject.h"
#include "rewrite.h"
#include "translate_skb.h"
#include "translate_xdp.h"

/*
 * The policy for this packet: the active slot, or the fallback once a trial is over. False if these
 * programs do not filter now.
 */
static __always_inline bool choose_policy(struct pkt *p)
{
	__u64 word = *(volatile __u64 *)&control.word;

	if (!cfg_observe && !xdpfw_armed(word, cfg_epoch_from, cfg_epoch_window))
		return false;
	p->slot = xdpfw_control_active(word);
	if (unlikely(xdpfw_control_deadline(word) && xdpfw_trial_is_over(word, bpf_jiffies64()))) {
		if (cfg_trial && cfg_trial == xdpfw_control_deadline(word))
			return false;
		p->slot = xdpfw_control_fallback(word);
	}
	p->flags = control.flags[p->slot & XDPFW_ACTIVE_MASK] | control.listening;
	return true;
}

/* What every packet does at the end, whatever became of it. */
static __always_inline void settle(void *ctx, const struct pkt *p, enum xdpfw_dir dir, __u32 decision)
{
	__u32 cpu = bpf_get_smp_processor_id();
	struct xdpfw_tallies *t = bpf_map_lookup_elem(&tallies, &cpu);

	if (unlikely(p->fragment == FRAGMENT_FIRST))
		remember_fragment(p, decision);
	if (!t)
		return;
	count(ctx, t, p, cpu, dir, decision);
	if (!passes(decision))
		note_drop(t, p, decision);
}

SEC("xdp")
int xdp_in(struct xdp_md *xdp)
{
	struct pkt p = {.segments = 1, .dir = XDPFW_IN};
	bool filters = choose_policy(&p);
	__u32 decision;

	if (!filters)
		return XDP_PASS;
	decision = parse_xdp(xdp, &p);
	if (!decision)
		decision = judge_in(xdp, HOOK_XDP, &p);
	if (cfg_observe)
		return decision;
	settle(xdp, &p, XDPFW_IN, decision);
	if (is_logged(&p, XDPFW_IN, decision))
		send_event_xdp(xdp, &p, decision);
	if (passes(decision))
		return unlikely(p.connection) ? translate_xdp(xdp, &p) : XDP_PASS;
	if (xdpfw_verdict_of(decision) == XDPFW_REJECT && cfg_xdp_tx && answer_xdp(xdp, &p))
		return XDP_TX;
	return XDP_DROP;
}

static __always_inline int send_answer(struct __sk_buff *skb, struct pkt *p, __u64 redirect_flags)
{
	/* Generic XDP meets the answer on its way back into the stack and cannot see the mark: a note lets it in. */
	if (cfg_xdp_generic && p->protocol == IPPROTO_UDP)
		begin_plain_flow(p, XDPFW_FLOW_REJECTED);
	if (!answer_skb(skb, p, COMPLAIN_REFUSED, 0))
		return ACT_DROP;
	skb->mark = MARK_OWN;
	return bpf_redirect(skb->ifindex, redirect_flags);
}

/* Drop a packet that has been counted as one that passes. */
static __noinline int lose(struct __sk_buff *skb, struct pkt *p, enum xdpfw_reason reason)
{
	p->connection = 0; /* whose counters know of it already */
	settle(skb, p, XDPFW_IN, drop(reason));
	return ACT_DROP;
}

/* A packet of a forwarded connection. */
static __always_inline int translate(struct __sk_buff *skb, struct pkt *p)
{
	int action = is_icmp_error(p) ? translate_error(skb, p) : translate_packet(skb, p);

	if (action == ACT_LOSE && !cfg_observe)
		return lose(skb, p, XDPFW_R_NO_ROUTE);
	if (!is_complaint(action))
		return action;
	if (!answer_skb(skb, p, action >> 16, action & 0xffff))
		return ACT_DROP;
	skb->mark = MARK_OWN;
	return bpf_redirect(skb->ifindex, 0);
}

/* Rewrite a packet that passes. */
static __always_inline int rewrite(struct __sk_buff *skb, struct pkt *p, enum xdpfw_dir dir)
{
	if (unlikely(p->connection))
		return translate(skb, p);
	if (unlikely(p->flags & XDPFW_HAS_LINKS) && !swap_ports(skb, p, dir))
		return ACT_DROP;
	return ACT_PASS;
}

/* The end of a packet at the twin of a TC program: rewritten, but neither counted nor answered. */
static __always_inline int tell(struct __sk_buff *skb, struct pkt *p, enum xdpfw_dir dir, __u32 decision)
{
	int action = passes(decision) ? rewrite(skb, p, dir) : ACT_PASS;

	if (action == ACT_LOSE)
		return drop(XDPFW_R_NO_ROUTE);
	return action == ACT_DROP ? drop(XDPFW_R_INTERNAL) : decision;
}

/* The end of a packet at TC. The answer to an outbound packet is turned back into the stack. */
static __always_inline int act(struct __sk_buff *skb, struct pkt *p, enum xdpfw_dir dir, __u32 decision, bool l3)
{
	if (cfg_observe)
		return tell(skb, p, dir, decision);
	settle(skb, p, dir, decision);
	if (is_logged(p, dir, decision))
		send_event_skb(skb, p, decision, l3);
	if (passes(decision))
		return rewrite(skb, p, dir);
	if (xdpfw_verdict_of(decision) == XDPFW_REJECT)
		return send_answer(skb, p, dir == XDPFW_IN ? 0 : BPF_F_INGRESS);
	return ACT_DROP;
}

static __always_inline bool is_own(struct __sk_buff *skb)
{
	if (likely(skb->mark != MARK_OWN))
		return false;
	skb->mark = 0;
	return true;
}

static __always_inline int filter_in(struct __sk_buff *skb, bool l3)
{
	struct pkt p = {.dir = XDPFW_IN};
	bool filters = choose_policy(&p);
	__u32 decision;

	if (!filters || is_own(skb))
		return ACT_PASS;
	decision = parse_skb(skb, &p, l3);
	if (!decision)
		decision = judge_in(skb, HOOK_TC, &p);
	return act(skb, &p, XDPFW_IN, decision, l3);
}

static __always_inline int filter_out(struct __sk_buff *skb, bool l3)
{
	struct pkt p = {.dir = XDPFW_OUT};
	bool filters = choose_policy(&p);
	__u32 decision;

	if (!filters || is_own(skb))
		return ACT_PASS;
	decision = parse_skb(skb, &p, l3);
	if (!decision)
		decision = judge_out(skb, &p);
	return act(skb, &p, XDPFW_OUT, decision, l3);
}

SEC("tc")
int tc_in(struct __sk_buff *skb)
{
	return filter_in(skb, false);
}

SEC("tc")
int tc_in_l3(struct __sk_buff *skb)
{
	return filter_in(skb, true);
}

SEC("tc")
int tc_out(struct __sk_buff *skb)
{
	return filter_out(skb, false);
}

SEC("tc")
int tc_out_l3(struct __sk_buff *skb)
{
	return filter_out(skb, true);
}

SEC("tc")
int tc_swap(struct __sk_buff *skb)
{
	struct pkt p = {.dir = XDPFW_IN};
	bool filters = choose_policy(&p);

	if (!filters || !(p.flags & (XDPFW_HAS_LINKS | XDPFW_HAS_FORWARDS)) || is_own(skb))
		return ACT_PASS;
	if (parse_skb(skb, &p, false)) /* judged at XDP */
		return ACT_PASS;
	if (p.flags & XDPFW_HAS_FORWARDS) {
		find_connection(skb, &p);
		if (!cfg_observe && has_lost_connection(skb, &p)) /* a twin notes none */
			return lose(skb, &p, XDPFW_R_NO_PORT);
	}
	return cfg_observe ? tell(skb, &p, XDPFW_IN, pass(XDPFW_R_NONE)) : rewrite(skb, &p, XDPFW_IN);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
