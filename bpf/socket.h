/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * TCP of this host keeps no flow table: the kernel's own sockets are the truth about
 * handshakes, time-outs, sequence numbers and TIME_WAIT, and nothing can be evicted.
 *
 * In front of the lookup stands a small array per CPU that remembers only "yes", for one
 * second, so that a flood cannot enter it.
 */
#ifndef XDPFW_BPF_SOCKET_H
#define XDPFW_BPF_SOCKET_H

#include "budget.h"
#include "common.h"
#include "config.h"
#include "fingerprint.h"
#include "link.h"
#include "maps.h"

static __always_inline struct xdpfw_flow_key flow_key(const struct pkt *p)
{
	struct xdpfw_flow_key key = {
		.local = *local_addr(p),
		.remote = *remote_addr(p),
		.local_port = local_port(p),
		.remote_port = remote_port(p),
		.protocol = p->protocol,
	};

	return key;
}

static __always_inline bool keys_equal(const struct xdpfw_flow_key *a, const struct xdpfw_flow_key *b)
{
	return addr_equal(&a->local, &b->local) && addr_equal(&a->remote, &b->remote) &&
	       *(const __u64 *)&a->local_port == *(const __u64 *)&b->local_port;
}

/* The places where this connection can be remembered on this CPU. */
static __always_inline struct xdpfw_socket_set *socket_set(const struct xdpfw_flow_key *key)
{
	__u64 mix = key->remote.halves[0] ^ key->remote.halves[1] ^ *(const __u64 *)&key->local_port;
	__u32 index = (mix * 0x9e3779b97f4a7c15ULL) >> 32 & (XDPFW_SOCKET_SETS_PER_CPU - 1);

	index += bpf_get_smp_processor_id() * XDPFW_SOCKET_SETS_PER_CPU;
	return bpf_map_lookup_elem(&sockets, &index);
}

/* What an inbound packet between these ends is looked up by; returns its size, which tells the family. */
static __always_inline __u32 fill_tuple(struct bpf_sock_tuple *tuple, __u8 family, const struct xdpfw_addr *source,
					__u16 source_port, const struct xdpfw_addr *destination, __u16 port)
{
	if (family == 4) {
		tuple->ipv4.saddr = source->words[3];
		tuple->ipv4.daddr = destination->words[3];
		tuple->ipv4.sport = bpf_htons(source_port);
		tuple->ipv4.dport = bpf_htons(port);
		return sizeof(tuple->ipv4);
	}
	__builtin_memcpy(tuple->ipv6.saddr, source, sizeof(*source));
	__builtin_memcpy(tuple->ipv6.daddr, destination, sizeof(*destination));
	tuple->ipv6.sport = bpf_htons(source_port);
	tuple->ipv6.dport = bpf_htons(port);
	return sizeof(tuple->ipv6);
}

static __always_inline struct bpf_sock *look_up_tcp(void *ctx, __u8 family, const struct xdpfw_addr *source,
						    __u16 source_port, const struct xdpfw_addr *destination, __u16 port)
{
	struct bpf_sock_tuple tuple = {};
	__u32 size = fill_tuple(&tuple, family, source, source_port, destination, port);

	return bpf_skc_lookup_tcp(ctx, &tuple, size, BPF_F_CURRENT_NETNS, 0);
}

static __always_inline struct bpf_sock *look_up_udp(void *ctx, __u8 family, const struct xdpfw_addr *source,
						    __u16 source_port, const struct xdpfw_addr *destination, __u16 port)
{
	struct bpf_sock_tuple tuple = {};
	__u32 size = fill_tuple(&tuple, family, source, source_port, destination, port);

	return bpf_sk_lookup_udp(ctx, &tuple, size, BPF_F_CURRENT_NETNS, 0);
}

/*
 * Does a socket of this host own the connection of this inbound packet, had it these ports? A listener does
 * not, and a SYN meets TIME_WAIT as a new request, which the policy has denied.
 */
static __noinline bool has_socket_from(void *ctx, const struct pkt *p, __u16 source, __u16 port)
{
	struct bpf_sock *sk = look_up_tcp(ctx, p->family, &p->source, source, &p->destination, port);
	bool owned;

	if (!sk)
		return false;
	owned = sk->state != BPF_TCP_LISTEN && !(sk->state == BPF_TCP_TIME_WAIT && is_tcp_request(p));
	bpf_sk_release(sk);
	return owned;
}

static __always_inline bool has_socket(void *ctx, const struct pkt *p, __u16 port)
{
	return has_socket_from(ctx, p, p->source_port, port);
}

/* Confirmed on this CPU within the last second? */
static __always_inline bool is_cached(const struct xdpfw_socket_set *set, const struct xdpfw_flow_key *key)
{
	for (int i = 0; set && i < 2; i++) {
		const struct xdpfw_socket *place = &set->ways[i];

		if (bpf_jiffies64() - place->confirmed < cfg_hz && keys_equal(&place->key, key))
			return true;
	}
	return false;
}

/* In the place of the one that was confirmed longer ago. */
static __always_inline void cache(struct xdpfw_socket_set *set, const struct xdpfw_flow_key *key)
{
	struct xdpfw_socket *place;

	if (!set || cfg_observe)
		return;
	place = set->ways[0].confirmed <= set->ways[1].confirmed ? &set->ways[0] : &set->ways[1];
	place->key = *key;
	place->confirmed = bpf_jiffies64();
}

#endif
