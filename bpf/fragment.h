/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * fragment: later fragments have no ports, so they follow their first one's verdict.
 *
 * A first fragment is judged like a packet (its L4 header is whole, or parse has
 * dropped it), and if it passes, remember_fragment() notes that. Later ones pass only behind
 * a noted first one, within the 30 seconds that Linux itself waits to reassemble
 * (net.ipv4.ipfrag_time); those that overtake it are dropped and the sender's
 * retransmission repairs that. One that reaches back into the first fragment, where the
 * header was judged, kills the datagram (RFC 3128, RFC 5722).
 *
 * Of SCTP even the first is dropped where its ports would have to be rewritten, unless it tells how long the whole packet is:
 * the checksum covers all fragments, and what it changes by depends on that length.
 */
#ifndef XDPFW_BPF_FRAGMENT_H
#define XDPFW_BPF_FRAGMENT_H

#include "common.h"
#include "config.h"
#include "link.h"
#include "maps.h"
#include "routed.h"
#include "translation.h"

#define FRAGMENT_SECONDS 30

static __always_inline struct xdpfw_fragment_key fragment_key(const struct pkt *p)
{
	struct xdpfw_fragment_key key = {
		.source = p->source,
		.destination = p->destination,
		.id = p->fragment_id,
		/* IPv6 identifies by addresses and id alone (RFC 8200 4.5). */
		.protocol = p->family == 4 ? p->protocol : 0,
		.dir = p->dir,
	};

	return key;
}

static __always_inline __u32 bytes_covered(const struct pkt *p)
{
	return (p->l4 - p->fragment_start) + p->l4_length;
}

static __always_inline bool is_young(const struct xdpfw_fragment *first)
{
	return bpf_jiffies64() - first->seen <= FRAGMENT_SECONDS * cfg_hz;
}

/* The whole datagram dies: what follows is judged by this. */
static __always_inline __u32 condemn(struct xdpfw_fragment *first)
{
	if (!cfg_observe)
		first->decision = drop(XDPFW_R_BAD_FRAGMENT);
	return drop(XDPFW_R_BAD_FRAGMENT);
}

static __noinline __u32 judge_later_fragment(struct pkt *p)
{
	struct xdpfw_fragment_key key = fragment_key(p);
	struct xdpfw_fragment *first = bpf_map_lookup_elem(&fragments, &key);

	if (!first || !is_young(first))
		return drop(XDPFW_R_FRAGMENT);
	if (p->fragment_offset < first->covered)
		return condemn(first);
	p->connection = first->connection; /* a forwarded datagram is forwarded whole */
	return first->decision;
}

/* A second first fragment of another size overlaps the first one: the datagram dies. (One of the same size may be
 * a duplicate, or the next datagram that has come round to the same id.) */
static __noinline __u32 judge_first_fragment(const struct pkt *p)
{
	struct xdpfw_fragment_key key = fragment_key(p);
	struct xdpfw_fragment *first = bpf_map_lookup_elem(&fragments, &key);

	if (!first || !is_young(first) || first->covered == bytes_covered(p))
		return 0;
	return condemn(first);
}

/* As swap_ports() in rewrite.h. */
static __always_inline bool is_swapped(void *ctx, const struct pkt *p)
{
	if (behind_link(p, local_port(p)) == local_port(p))
		return false;
	return p->dir == XDPFW_IN ? !is_routed(ctx, p, &p->destination)
				  : !(p->forwarded && is_routed(ctx, p, &p->source));
}

static __always_inline bool is_translated(const struct pkt *p)
{
	__u32 connection = find_either(p);
	const struct xdpfw_translation *t = connection_of(connection);

	return connection && t && (t->client_port != t->source_port || t->host_port != t->target_port);
}

static __noinline bool needs_other_ports(void *ctx, const struct pkt *p)
{
	return (p->flags & XDPFW_HAS_LINKS && is_swapped(ctx, p)) ||
	       (p->flags & XDPFW_HAS_FORWARDS && is_translated(p));
}

static __always_inline __u32 fragment(void *ctx, struct pkt *p)
{
	if (likely(p->fragment == FRAGMENT_NONE))
		return 0;
	if (p->fragment == FRAGMENT_LATER)
		return judge_later_fragment(p);
	if (p->protocol == PROTO_SCTP && !p->whole && needs_other_ports(ctx, p))
		return drop(XDPFW_R_FRAGMENT);
	return judge_first_fragment(p);
}

/*
 * Note what became of a first fragment. One that is dropped is noted only if that
 * overrules an earlier first fragment of the same datagram: strangers' dropped ones
 * fill no table.
 */
static __noinline void remember_fragment(const struct pkt *p, __u32 decision)
{
	bool dead = xdpfw_reason_of(decision) == XDPFW_R_BAD_FRAGMENT;
	struct xdpfw_fragment_key key = fragment_key(p);
	struct xdpfw_fragment first = {
		.seen = bpf_jiffies64(),
		.decision = passes(decision) ? xdpfw_decision(XDPFW_PASS, XDPFW_R_FRAGMENT, forward_counter(p))
					     : drop(dead ? XDPFW_R_BAD_FRAGMENT : XDPFW_R_FRAGMENT),
		.covered = bytes_covered(p),
		.connection = p->connection,
	};

	bpf_map_update_elem(&fragments, &key, &first, passes(decision) ? BPF_ANY : BPF_EXIST);
}

/* For a later fragment that has been judged: which connection is it of? */
static __noinline void find_first(struct pkt *p)
{
	struct xdpfw_fragment_key key = fragment_key(p);
	struct xdpfw_fragment *first = bpf_map_lookup_elem(&fragments, &key);

	if (first)
		p->connection = first->connection;
}

#endif
