/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Connections that a forward begins, and direct ones to a target that must be told apart from those: which forward it is, where it
 * leads, whom the target sees, and the note of it in the table of translations.
 */
#ifndef XDPFW_BPF_BEGIN_H
#define XDPFW_BPF_BEGIN_H

#include "block.h"
#include "common.h"
#include "connection.h"
#include "essential.h"
#include "hop.h"
#include "maps.h"
#include "parse.h"
#include "policy.h"
#include "routed.h"
#include "take_port.h"
#include "translation.h"

static __always_inline struct xdpfw_forward *forward_at(__u32 slot, __u32 number)
{
	__u32 index = xdpfw_forward_index(slot, number);

	return number && number < XDPFW_FORWARDS ? bpf_map_lookup_elem(&forwards, &index) : NULL;
}

/* What listens on this port: see struct xdpfw_listener_table. */
static __always_inline __u32 listener(const struct pkt *p, __u16 port)
{
	__u32 index = xdpfw_listener_index(p->slot, p->table, p->family == 6);
	struct xdpfw_listener_table *table = bpf_map_lookup_elem(&listeners, &index);

	return table ? table->ports[port] : 0;
}

static __always_inline bool prefix_holds(const struct xdpfw_addr *prefix, __u32 length, const struct xdpfw_addr *addr)
{
	__u64 upper = bpf_be64_to_cpu(prefix->halves[0] ^ addr->halves[0]);
	__u64 lower = bpf_be64_to_cpu(prefix->halves[1] ^ addr->halves[1]);

	if (length <= 64)
		return length == 0 || upper >> (64 - length & 63) == 0;
	return upper == 0 && lower >> (128 - length & 63) == 0;
}

/* Does a forward with keep-source lead to this address, at some port? */
static __always_inline bool is_targeted_elsewhere(const struct pkt *p)
{
	__u32 index = xdpfw_listener_index(p->slot, p->table, p->family == 6), bit = xdpfw_address_bit(&p->destination);
	struct xdpfw_listener_table *table = bpf_map_lookup_elem(&listeners, &index);

	return table && table->elsewhere[bit / 64] >> bit % 64 & 1;
}

/* Is the request of this packet one that the forward is for? */
static __always_inline bool is_for(const struct xdpfw_forward *f, const struct pkt *p)
{
	if (f->ifindex && f->ifindex != p->ifindex)
		return false;
	if (bpf_jiffies64() >> XDPFW_EXPIRY_SHIFT >= f->expiry)
		return false;
	if (f->flags & XDPFW_FORWARD_TO && !addr_equal(&f->to, &p->destination))
		return false;
	return prefix_holds(&f->from, f->from_length, &p->source);
}

/* Was it sent to all who are on the wire? <linux/if_packet.h>: PACKET_BROADCAST, PACKET_MULTICAST. */
static __always_inline bool is_to_all(void *ctx, enum hook hook)
{
	struct frame f;
	__u8 *ethernet;
	__u32 type;

	if (hook == HOOK_TC) {
		type = ((struct __sk_buff *)ctx)->pkt_type;
		return type == 1 || type == 2;
	}
	f = frame_xdp(ctx);
	ethernet = at(&f, 0, ETH_ALEN);
	return ethernet && ethernet[0] & 1;
}

/* From nobody, or for a loopback address: such packets stay on their wire. The kernel drops them, but does not see what is
 * sent on. */
static __always_inline bool has_no_way(const struct pkt *p)
{
	const struct xdpfw_addr *to = &p->destination;

	if (is_unspecified(&p->source))
		return true;
	if (p->family == 4)
		return to->bytes[12] == 127;
	return to->halves[0] == 0 && to->words[2] == 0 && to->words[3] == bpf_htonl(1);
}

/*
 * Is it asked of this host? Not so what groups and hosts behind it are asked, nor what is broadcast, which no router sends on
 * (RFC 1812 5.3.4), nor what this host's own DHCP client waits for.
 */
static __always_inline bool is_asked_here(void *ctx, enum hook hook, const struct xdpfw_forward *f, const struct pkt *p)
{
	if (!is_for(f, p) || is_multicast(p, &p->destination) || is_dhcp(p))
		return false;
	if (!(f->flags & XDPFW_FORWARD_LOCAL) && (is_to_all(ctx, hook) || has_no_way(p)))
		return false;
	return !is_routed(ctx, p, &p->destination);
}

/* (What is not rewritten is a packet like any other.) */
static __always_inline void belongs_to(struct pkt *p, __u32 connection, const struct xdpfw_translation *t)
{
	if (is_unchanged(t))
		return;
	p->connection = connection;
	p->service_port = t->host_port;
}

/* As bits; none if it is all of them. */
static __always_inline __u32 dead_targets_of(const struct xdpfw_forward *f)
{
	__u32 zero = 0, dead;
	struct xdpfw_dead_targets *targets = bpf_map_lookup_elem(&dead_targets, &zero);

	if (!targets)
		return 0;
	dead = targets->of[f->counter & (XDPFW_MAX_RULES - 1)];
	return dead == (1U << (f->nr_targets & 31)) - 1 ? 0 : dead;
}

/* Consistent hashing (highest random weight): of several targets each connection has its own order, so one that is
 * added or removed moves only its own, as does one that dies. */
__noinline __u32 choose_target(const struct pkt *p, __u32 number)
{
	struct xdpfw_forward *f;
	__u64 hash, highest = 0;
	__u32 chosen = 0, dead;

	if (!p)
		return 0;
	f = forward_at(p->slot, number);
	if (!f)
		return 0;
	dead = dead_targets_of(f);
	hash = request_hash(p);
	for (__u32 i = 0; i < XDPFW_FORWARD_TARGETS; i++) {
		__u64 weight;

		if (i >= f->nr_targets)
			break;
		weight = mix_in(hash, f->targets[i].hash);
		if (weight >= highest && !(dead >> i & 1)) {
			highest = weight;
			chosen = i;
		}
	}
	return chosen;
}

/* The compiler must not bound the number in one register and index by another, which the verifier does not follow. */
static __always_inline const struct xdpfw_forward_target *target_at(const struct xdpfw_forward *f, __u32 number)
{
	barrier_var(number);
	return &f->targets[number & (XDPFW_FORWARD_TARGETS - 1)];
}

/* Whom the target sees: the client, or this host. */
static __noinline void choose_source(void *ctx, const struct pkt *p, const struct xdpfw_forward *f,
				     const struct xdpfw_forward_target *t, struct xdpfw_addr *source)
{
	if (f->flags & XDPFW_FORWARD_KEEP_SOURCE)
		*source = p->source;
	else if (!ask_source(ctx, p, &t->addr, source))
		*source = t->source.halves[1] ? t->source : p->destination;
}

/* Note a new connection: 0, or the decision that none can be. */
static __always_inline __u32 begin_translation(void *ctx, enum hook hook, struct pkt *p, __u32 number)
{
	struct xdpfw_forward *f = forward_at(p->slot, number);
	const struct xdpfw_forward_target *target;
	const struct xdpfw_addr *to;
	struct xdpfw_translation *t;
	struct xdpfw_addr source;
	struct xdpfw_ends *ends;
	__u32 place;
	__u16 port;

	if (!f)
		return drop(XDPFW_R_INTERNAL);
	target = target_at(f, choose_target(p, number));
	if (!(f->flags & XDPFW_FORWARD_LOCAL)) {
		if (!route_to(ctx, p, &target->addr))
			return drop(XDPFW_R_NO_ROUTE);
		if (is_blocked(p, &target->addr))
			return drop(XDPFW_R_BLOCKED);
	}
	to = f->flags & XDPFW_FORWARD_LOCAL ? &p->destination : &target->addr;
	choose_source(ctx, p, f, target, &source);
	port = target->port + p->destination_port - f->listen;
	place = take_port(ctx, hook, p, &source, to, wish(f->flags, port));
	t = translation_at(place);
	ends = ends_at(place);
	if (!t || !ends)
		return drop(XDPFW_R_NO_PORT);
	if (cfg_observe)
		return 0;
	t->target_port = port;
	t->counter = f->counter;
	t->answers = f->answers;
	ends->at[XDPFW_TARGET] = *to;
	ends->at[XDPFW_SOURCE] = source;
	fill_translation(t, ends, p, f->flags, place);
	belongs_to(p, publish(t, p, place), t);
	return 0;
}

/* A rule, or a limit of one, has said no. */
static __always_inline bool is_refused(__u32 decision)
{
	__u32 reason = xdpfw_reason_of(decision);

	return !passes(decision) && reason != XDPFW_R_DEFAULT && reason != XDPFW_R_PORT_ZERO;
}

/* Of what is not refused: forwards come behind the rules and in front of the default, whatever that says. */
static __always_inline __u32 let_in(__u32 decision, __u32 counter)
{
	return xdpfw_reason_of(decision) == XDPFW_R_RULE ? decision
							 : xdpfw_decision(XDPFW_PASS, XDPFW_R_FORWARD, counter);
}

/* The place to note a direct connection in; NO_PLACE if it need not be noted, or if no port is left for it: @refusal. */
static __always_inline __u32 direct_place(void *ctx, enum hook hook, const struct pkt *p, __u32 flags, __u32 *refusal)
{
	__u32 place = xdpfw_translation_place(p->table, p->source_port);
	struct xdpfw_translation *t = translation_at(place);

	if (!t || (is_live(t, p) && !is_seen_as(t, place, p)))
		return NO_PLACE; /* whoever has that place does not look like this one */
	if (may_begin(p)) {
		place = take_port(ctx, hook, p, &p->source, &p->destination, wish(flags, p->destination_port));
		if (place == NO_PLACE)
			*refusal = drop(XDPFW_R_NO_PORT);
		return place;
	}
	/* One that was open before the forward is noted on its way, but not on its last. (Of those of this host it has the
	 * sockets.) */
	if (flags & XDPFW_FORWARD_LOCAL || p->tcp_flags & (TCP_FIN | TCP_RST))
		return NO_PLACE;
	return claim_place(place, vacancy(p, place, false)) ? place : NO_PLACE;
}

/*
 * A packet directly to the target of a forward that shows it the client: on this host, or (no XDPFW_FORWARD_LOCAL) on another
 * one that this one routes to. The target cannot tell apart two connections from one endpoint, one direct and one
 * forwarded, so a direct one is noted in the place of its port. Stands a forwarded connection of the same endpoint there,
 * the direct one gets another port; else nothing happens to it. Rules and stack deal with it as if there were no forward.
 */
static __always_inline __u32 begin_direct(void *ctx, enum hook hook, struct pkt *p, __u32 flags, __u32 decision)
{
	struct xdpfw_translation *t;
	struct xdpfw_ends *ends;
	__u32 place;

	flags |= XDPFW_FORWARD_DIRECT | XDPFW_FORWARD_KEEP_SOURCE;
	place = direct_place(ctx, hook, p, flags, &decision);
	t = translation_at(place);
	ends = ends_at(place);
	if (!t || !ends || cfg_observe)
		return decision;
	t->target_port = p->destination_port;
	t->counter = t->answers = 0;
	ends->at[XDPFW_TARGET] = p->destination;
	ends->at[XDPFW_SOURCE] = p->source;
	fill_translation(t, ends, p, flags, place);
	belongs_to(p, publish(t, p, place), t);
	return decision;
}

static __always_inline __u32 begin_forward(void *ctx, enum hook hook, struct pkt *p, __u32 number, __u32 decision)
{
	struct xdpfw_forward *f = forward_at(p->slot, number);
	__u32 refusal;

	if (!f || !is_asked_here(ctx, hook, f, p))
		return decision;
	if (!may_begin(p))
		return drop(XDPFW_R_NO_STATE); /* unless this host itself has the connection */
	if (p->protocol == IPPROTO_UDP && is_udp_reply(p))
		return decision;
	refusal = begin_translation(ctx, hook, p, number);
	if (refusal)
		return refusal;
	return let_in(decision, f->counter);
}

/* A packet that something listens to belongs to no connection yet. */
static __always_inline __u32 begin(void *ctx, enum hook hook, struct pkt *p, __u32 decision)
{
	__u32 listening = listener(p, p->destination_port);

	if (listening & XDPFW_TARGETED_ELSEWHERE && passes(decision) && is_targeted_elsewhere(p) &&
	    is_routed(ctx, p, &p->destination))
		return begin_direct(ctx, hook, p, 0, decision);
	if (listening & XDPFW_TARGETED)
		return is_routed(ctx, p, &p->destination) ? decision
							  : begin_direct(ctx, hook, p, XDPFW_FORWARD_LOCAL, decision);
	return begin_forward(ctx, hook, p, xdpfw_listening(listening), decision); /* not where it is draining */
}

__noinline __u32 begin_xdp(struct xdp_md *xdp, struct pkt *p, __u32 decision)
{
	return p ? begin(xdp, HOOK_XDP, p, decision) : drop(XDPFW_R_INTERNAL);
}

#endif
