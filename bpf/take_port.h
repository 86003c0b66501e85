/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A place in the table of translations for a new connection, which is the source port that its target sees: not one that
 * anybody else has. A place is taken by an atomic exchange of its version, so two CPUs never give one port to two connections.
 */
#ifndef XDPFW_BPF_TAKE_PORT_H
#define XDPFW_BPF_TAKE_PORT_H

#include "own_port.h"
#include "policy.h"
#include "socket.h"
#include "translation.h"

/*
 * May a connection give way to a new one? One that has not been answered, for it is not to be told apart from a flood: UDP
 * once the answer must have come; TCP at once, since the target's answer names the request it belongs to, but by heads or
 * tails: two clients that send their SYNs again at the same time would take the last place from each other for ever. TCP
 * that is over, once nothing of it can be under way. And a direct connection, always, to another client: nothing becomes of its
 * packets. (To its own it does not: the target would take the new one for it.)
 */
static __always_inline bool gives_way(const struct xdpfw_translation *t, const struct pkt *p)
{
	bool silent = !xdpfw_seen_within(t->seen, xdpfw_seen_at(bpf_jiffies64()), cfg_hz);

	if (is_unchanged(t))
		return t->low[XDPFW_CLIENT] != p->source.words[3];
	if (p->protocol != IPPROTO_TCP)
		return !t->replied && silent;
	if (t->state == XDPFW_FLOW_SYN)
		return bpf_get_prandom_u32() & 1;
	return t->state != XDPFW_FLOW_ESTABLISHED && silent;
}

/* The version under which a place that is vacant (or, with @force, gives way) can be written; 0 if it is neither. */
__noinline __u32 vacancy(const struct pkt *p, __u32 place, bool force)
{
	struct xdpfw_translation *t = translation_at(place);
	__u32 version;

	if (!p || !t)
		return 0;
	version = *(volatile __u32 *)&t->version;
	if (version & 1 || (is_live(t, p) && !(force && gives_way(t, p))))
		return 0;
	return version + 1;
}

/* Take a place for writing, unless another CPU was faster. */
static __always_inline bool claim_place(__u32 place, __u32 version)
{
	struct xdpfw_translation *t = translation_at(place);

	if (!version || !t)
		return false;
	return cfg_observe || __sync_val_compare_and_swap(&t->version, version - 1, version) == version - 1;
}

/* A port that the inbound policy lets in belongs to a service of this host. */
static __always_inline bool is_own_service(const struct pkt *p, __u16 port)
{
	return is_service(port_cell(p->slot, XDPFW_IN, p->table, port));
}

/*
 * What a new connection of the request @p is to be, in one register, since a function has no more than five arguments.
 *
 *	bits 47..32  enum xdpfw_forward_flags
 *	bits 31..16  the source port that it may be given
 *	bits 15..0   the target's port
 */
static __always_inline __u64 wish(__u32 flags, __u16 target_port)
{
	return (__u64)flags << 32 | target_port;
}

static __always_inline __u64 wish_port(__u64 wish, __u16 port)
{
	return wish | (__u64)port << 16;
}

/*
 * Does this host have a connection of its own whose answers would be taken for those of the translation? To this host it is
 * the client's own one to the target port (unless that is the very one that is to be noted as direct); to another host, if that
 * sees this one (@source), any of this host with @target.
 */
static __always_inline bool is_taken(void *ctx, const struct pkt *p, const struct xdpfw_addr *source,
				     const struct xdpfw_addr *target, __u64 wish)
{
	__u32 flags = wish >> 32, ports = wish;

	if (flags & XDPFW_FORWARD_DIRECT && ports >> 16 == p->source_port)
		return false;
	if (flags & XDPFW_FORWARD_LOCAL)
		return p->protocol == IPPROTO_TCP && has_socket_from(ctx, p, ports >> 16, ports & 0xffff);
	if (flags & XDPFW_FORWARD_KEEP_SOURCE)
		return false;
	return is_own_service(p, ports >> 16) || is_own_port(ctx, p, source, target, ports);
}

__noinline bool is_taken_xdp(struct xdp_md *xdp, const struct pkt *p, const struct xdpfw_addr *source,
			     const struct xdpfw_addr *target, __u64 wish)
{
	return !p || !source || !target || is_taken(xdp, p, source, target, wish);
}

__noinline bool is_taken_skb(struct __sk_buff *skb, const struct pkt *p, const struct xdpfw_addr *source,
			     const struct xdpfw_addr *target, __u64 wish)
{
	return !p || !source || !target || is_taken(skb, p, source, target, wish);
}

/* Take the place, if this host has not the port. That is asked last, for it costs most. */
static __always_inline bool take(void *ctx, enum hook hook, const struct pkt *p, const struct xdpfw_addr *source,
				 const struct xdpfw_addr *target, __u64 wish, __u32 place, bool force)
{
	__u32 version = vacancy(p, place, force);

	if (!version)
		return false;
	wish = wish_port(wish, place % XDPFW_PORTS);
	if (hook == HOOK_XDP ? is_taken_xdp(ctx, p, source, target, wish) : is_taken_skb(ctx, p, source, target, wish))
		return false;
	return claim_place(place, version);
}

/* The port that the client itself uses is kept if the target is to see the client. */
static __always_inline __u32 take_own_port(void *ctx, enum hook hook, const struct pkt *p,
					   const struct xdpfw_addr *source, const struct xdpfw_addr *target, __u64 wish)
{
	__u32 place = xdpfw_translation_place(p->table, p->source_port);

	if (!(wish >> 32 & XDPFW_FORWARD_KEEP_SOURCE))
		return NO_PLACE;
	return take(ctx, hook, p, source, target, wish, place, false) ? place : NO_PLACE;
}

/* Some place in the two buckets: a vacant one, or else one that gives way. */
static __always_inline __u32 take_any_port(void *ctx, enum hook hook, const struct pkt *p,
					   const struct xdpfw_addr *source, const struct xdpfw_addr *target, __u64 wish)
{
	__u64 hash = request_hash(p);

	for (__u32 i = 0; i < 4 * XDPFW_WAYS; i++) {
		__u32 place = bucket_place(p, hash, i / XDPFW_WAYS % 2) + i % XDPFW_WAYS;

		if (take(ctx, hook, p, source, target, wish, place, i >= 2 * XDPFW_WAYS))
			return place;
	}
	return NO_PLACE;
}

static __always_inline __u32 take_either_port(void *ctx, enum hook hook, const struct pkt *p,
					      const struct xdpfw_addr *source, const struct xdpfw_addr *target,
					      __u64 wish)
{
	__u32 place = take_own_port(ctx, hook, p, source, target, wish);

	return place == NO_PLACE ? take_any_port(ctx, hook, p, source, target, wish) : place;
}

__noinline __u32 take_port_xdp(struct xdp_md *xdp, const struct pkt *p, const struct xdpfw_addr *source,
			       const struct xdpfw_addr *target, __u64 wish)
{
	return p && source && target ? take_either_port(xdp, HOOK_XDP, p, source, target, wish) : NO_PLACE;
}

__noinline __u32 take_port_skb(struct __sk_buff *skb, const struct pkt *p, const struct xdpfw_addr *source,
			       const struct xdpfw_addr *target, __u64 wish)
{
	return p && source && target ? take_either_port(skb, HOOK_TC, p, source, target, wish) : NO_PLACE;
}

/* A place for a new connection, which @target will see as @source's; NO_PLACE if every port that it could have is taken. */
static __always_inline __u32 take_port(void *ctx, enum hook hook, const struct pkt *p, const struct xdpfw_addr *source,
				       const struct xdpfw_addr *target, __u64 wish)
{
	return hook == HOOK_XDP ? take_port_xdp(ctx, p, source, target, wish)
				: take_port_skb(ctx, p, source, target, wish);
}

#endif
