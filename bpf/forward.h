/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * forward: one-way forwards and those to other hosts, as far as a verdict needs them. Which connection a packet
 * belongs to is noted in the packet (p->connection); rewriting it is the business of translate_skb.h and translate_xdp.h.
 *
 * Rules come first and are about the port on the wire. A forward is an implicit allow behind them.
 */
#ifndef XDPFW_BPF_FORWARD_H
#define XDPFW_BPF_FORWARD_H

#include "begin.h"
#include "block.h"
#include "common.h"
#include "connection.h"
#include "fragment.h"
#include "icmp_error.h"
#include "translation.h"

/* Rules that come later leave it alone. (Datagrams are requests each; so they are to a port of this host.) */
static __always_inline bool is_open(const struct xdpfw_translation *t, const struct pkt *p)
{
	return p->protocol == IPPROTO_TCP && !is_tcp_request(p) && t->state != XDPFW_FLOW_SYN;
}

/*
 * A direct connection that the policy would not let in any more. Open ones live on: as what the stages behind know of sockets
 * and flows, but the sockets of this host know one with another port by that. (A SYN is a new request.)
 */
static __always_inline __u32 leave_open(struct pkt *p, __u32 connection, struct xdpfw_translation *t, __u32 decision)
{
	belongs_to(p, connection, t);
	if (!p->connection || !is_open(t, p))
		return decision;
	note_request(t, p);
	return pass(XDPFW_R_REPLY);
}

/* A packet of a connection that is being forwarded already, or directly with its target. */
static __always_inline __u32 follow_request(struct pkt *p, __u32 connection, __u32 decision)
{
	struct xdpfw_translation *t = connection_of(connection);
	bool refused = is_refused(decision);

	if (!t)
		return drop(XDPFW_R_INTERNAL);
	if (t->flags & XDPFW_FORWARD_DIRECT && !passes(decision))
		return leave_open(p, connection, t, decision);
	if (refused && (!is_open(t, p) || p->flags & XDPFW_PANIC))
		return decision;
	note_request(t, p);
	belongs_to(p, connection, t);
	if (refused)
		return pass(XDPFW_R_REPLY);
	return t->flags & XDPFW_FORWARD_DIRECT ? decision : let_in(decision, t->counter);
}

/* Of a packet that belongs to a connection. */
static __always_inline bool is_direct(const struct pkt *p)
{
	const struct xdpfw_translation *t = connection_of(p->connection);

	return t && t->flags & XDPFW_FORWARD_DIRECT;
}

/* By a forward; what goes directly to a target needs a rule. */
static __always_inline bool is_listened_on(__u32 listening)
{
	return xdpfw_listening(listening) && !(listening & XDPFW_TARGETED);
}

/* Of what is denied. */
static __always_inline bool may_be_open(const struct pkt *p, __u32 listening)
{
	if (p->protocol == IPPROTO_TCP)
		return !is_tcp_request(p);
	return listening & (XDPFW_TARGETED | XDPFW_TARGETED_ELSEWHERE);
}

/* No new connection; one that is open may be. A global function, for the reason given in parse_ip.h. */
__noinline __u32 follow_denied(struct pkt *p, __u32 decision)
{
	__u32 connection = find_request(p);

	if (!p || !connection)
		return decision;
	return follow_request(p, connection, decision);
}

/* What the policy has decided on an inbound packet, and forwards make of it. */
static __always_inline __u32 forward_request(void *ctx, enum hook hook, struct pkt *p, __u32 decision)
{
	__u32 listening, connection;

	if (p->connection || !p->ported)
		return decision;
	listening = listener(p, p->destination_port);
	if (!listening)
		return decision;
	if (!passes(decision) && (!is_listened_on(listening) || is_refused(decision)))
		return may_be_open(p, listening) ? follow_denied(p, decision) : decision;
	connection = hook == HOOK_XDP ? find_request_here(p) : find_request(p);
	if (connection)
		return follow_request(p, connection, decision);
	return hook == HOOK_XDP ? begin_xdp(ctx, p, decision) : begin(ctx, HOOK_TC, p, decision);
}

/* At XDP each packet of a connection would pay for a call; at TC it hardly counts. */
__noinline __u32 forward_request_skb(struct __sk_buff *skb, struct pkt *p, __u32 decision)
{
	return p ? forward_request(skb, HOOK_TC, p, decision) : drop(XDPFW_R_INTERNAL);
}

/*
 * What the target says to a SYN if it still has the connection that gave way to this one. The client must see it: it
 * answers RST, which ends that connection (RFC 9293 3.5.1), and its next SYN is welcome.
 */
static __always_inline bool is_bare_ack(const struct pkt *p)
{
	return (p->tcp_flags & (TCP_SYN | TCP_RST | TCP_ACK)) == TCP_ACK && p->l4_length == p->l4_header;
}

/* A packet from a target: a decision, or 0 if it is none of a forwarded connection. Going out, the packet is from now on
 * known by its ports on the wire. */
__noinline __u32 forward_answer(struct pkt *p)
{
	struct xdpfw_translation *t;
	__u32 connection;
	bool direct;

	if (!p || !p->ported)
		return 0;
	if (p->dir == XDPFW_OUT && !(listener(p, p->source_port) & XDPFW_TARGETED))
		return 0;
	connection = find_answer_here(p);
	t = connection_of(connection);
	if (!connection || !t || !!(t->flags & XDPFW_FORWARD_LOCAL) != (p->dir == XDPFW_OUT))
		return 0;
	direct = t->flags & XDPFW_FORWARD_DIRECT;
	if (direct || answers_request(t, p))
		note_answer(t, p);
	else if (!is_bare_ack(p))
		return drop(XDPFW_R_INVALID);
	belongs_to(p, connection, t);
	if (p->dir == XDPFW_OUT) {
		p->source_port = t->host_port;
		p->destination_port = t->client_port;
	}
	return direct ? 0 : xdpfw_decision(XDPFW_PASS, XDPFW_R_REPLY, t->answers);
}

/* The connection of a packet, from either side, if packets about it are rewritten in direction @dir: at ingress, and at egress
 * what this host itself says, as the target or as a router of what is direct. */
static __always_inline __u32 find_rewritten(const struct pkt *p, __u8 dir)
{
	__u32 connection = find_either(p);
	const struct xdpfw_translation *t = connection_of(connection);

	if (!t || is_unchanged(t) || (dir == XDPFW_OUT && !(t->flags & (XDPFW_FORWARD_LOCAL | XDPFW_FORWARD_DIRECT))))
		return 0;
	return connection;
}

/*
 * An ICMP error about a packet of a forwarded connection: @p belongs to the connection like the answer to the quoted
 * packet would.
 */
static __always_inline __u32 forward_error(void *ctx, enum hook hook, struct pkt *p)
{
	struct pkt quoted = {};

	if (!(hook == HOOK_XDP ? quote_xdp(ctx, p, &quoted) : quote_skb(ctx, p, &quoted)))
		return 0;
	if (!quoted.ported || !addr_equal(&quoted.source, &p->destination)) /* it is for who sent what it quotes */
		return 0;
	reverse(&quoted);
	p->connection = find_rewritten(&quoted, p->dir);
	p->quoted_l4 = quoted.l4;
	return p->connection ? xdpfw_decision(XDPFW_PASS, XDPFW_R_ESSENTIAL, forward_counter(p)) : 0;
}

__noinline __u32 forward_error_xdp(struct xdp_md *xdp, struct pkt *p)
{
	return p ? forward_error(xdp, HOOK_XDP, p) : 0;
}

__noinline __u32 forward_error_skb(struct __sk_buff *skb, struct pkt *p)
{
	return p ? forward_error(skb, HOOK_TC, p) : 0;
}

/* Has any connection this port, or had it? Inlined: mostly none has, and a call costs as much as the question. */
static __always_inline bool has_holder(const struct pkt *p, __u16 port)
{
	__u32 place = xdpfw_translation_place(p->table, port);
	struct xdpfw_bucket *bucket = p->ported ? bucket_at(place) : NULL;

	return bucket && bucket->tags[place % XDPFW_WAYS];
}

/* What comes back from forwards, whatever the rules say: a decision, or 0. */
static __always_inline __u32 forwarded_back(void *ctx, enum hook hook, struct pkt *p)
{
	if (likely(!is_icmp_error(p)))
		return has_holder(p, p->destination_port) ? forward_answer(p) : 0;
	return hook == HOOK_XDP ? forward_error_xdp(ctx, p) : forward_error_skb(ctx, p);
}

/*
 * Does this outbound packet look to its destination as if it came from a forward's client? Then a program has bound the port
 * after the connection was given it (else: is_taken()), and the answer would go to that client.
 */
__noinline bool looks_forwarded(const struct pkt *p)
{
	struct xdpfw_translation *t;
	__u32 place;

	if (!p)
		return false;
	place = xdpfw_translation_place(p->table, p->source_port);
	t = translation_at(place);
	return t && !(t->flags & (XDPFW_FORWARD_LOCAL | XDPFW_FORWARD_KEEP_SOURCE)) && is_seen_as(t, place, p) &&
	       is_live(t, p);
}

/* Of TCP and SCTP what begins a connection; without that there is none. Programs mostly have ports that no forward gives. */
static __always_inline bool may_look_forwarded(const struct pkt *p)
{
	return may_be_given(p->source_port) && may_begin(p) && has_holder(p, p->source_port);
}

/* What forwards have to say of what leaves: a decision, or 0. (The program is told: it need not wait, but try another port.) */
static __always_inline __u32 forwarded_out(struct __sk_buff *skb, struct pkt *p)
{
	if (unlikely(may_look_forwarded(p)) && looks_forwarded(p))
		return xdpfw_decision(XDPFW_REJECT, XDPFW_R_PORT_CLASH, 0);
	return forwarded_back(skb, HOOK_TC, p);
}

/*
 * Behind XDP: was a connection noted there for this request, which has given way meanwhile? (XDP sees many packets
 * before TC sees the first of them.) The request must not reach what this host itself has at the port.
 */
__noinline bool has_lost_connection(struct __sk_buff *skb, const struct pkt *p)
{
	struct xdpfw_forward *f;
	__u32 listening;

	if (!p || p->connection || !p->ported)
		return false;
	listening = listener(p, p->destination_port);
	f = forward_at(p->slot, xdpfw_listening(listening)); /* none for what is draining */
	if (!f || listening & XDPFW_TARGETED || !is_asked_here(skb, HOOK_TC, f, p))
		return false;
	/* Of SCTP any chunk: what this host says to it, ABORT, would end the association. */
	if (p->protocol == PROTO_SCTP)
		return !is_other_reply(p);
	return may_begin(p) && !(p->protocol == IPPROTO_UDP && is_udp_reply(p));
}

/*
 * Nothing goes to a blocked address, by a forward neither: what is sent on to another host is not judged again on its way out.
 * (begin_translation() asks for the first packet.)
 */
static __always_inline bool is_end_blocked(const struct pkt *p)
{
	enum xdpfw_end end = xdpfw_connection_from_target(p->connection) ? XDPFW_CLIENT : XDPFW_TARGET;
	const struct xdpfw_translation *t = connection_of(p->connection);
	const struct xdpfw_addr *address = part_of(ends_at(xdpfw_connection_place(p->connection)), at[end]);

	return t && address && !(t->flags & (XDPFW_FORWARD_LOCAL | XDPFW_FORWARD_DIRECT)) && is_blocked(p, address);
}

/* For a packet that has been judged: which connection is it of? */
static __always_inline void find_connection(struct __sk_buff *skb, struct pkt *p)
{
	if (p->fragment == FRAGMENT_LATER) {
		find_first(p);
	} else if (is_icmp_error(p)) {
		forward_error_skb(skb, p);
	} else if (p->ported) {
		p->connection = find_rewritten(p, XDPFW_IN);
	}
}

#endif
