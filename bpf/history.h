/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* history: note what was dropped, within a budget; see xdpfw/history.h. */
#ifndef XDPFW_BPF_HISTORY_H
#define XDPFW_BPF_HISTORY_H

#include "common.h"
#include "config.h"
#include "maps.h"

static __always_inline struct xdpfw_past_key past_key(const struct pkt *p, __u32 decision)
{
	struct xdpfw_past_key key = {
		.remote = *remote_addr(p),
		.port = p->ported ? p->destination_port : p->icmp_type,
		.protocol = p->protocol,
		.dir = p->dir,
		.met = decision >> XDPFW_REASON_SHIFT,
		.family = p->family,
	};

	return key;
}

static __always_inline bool past_keys_equal(const struct xdpfw_past_key *a, const struct xdpfw_past_key *b)
{
	return addr_equal(&a->remote, &b->remote) && *(const __u64 *)&a->port == *(const __u64 *)&b->port;
}

/* A product's high bits depend on all bits below, so what differs high up (the end of an IPv4 address) is folded down
 * first and the result taken from the top. */
static __always_inline __u32 past_set(const struct xdpfw_past_key *key)
{
	const __u64 golden = 0x9e3779b97f4a7c15ULL;
	__u64 mix = (key->remote.halves[0] ^ *(const __u64 *)&key->port) * golden;

	mix ^= mix >> 32 ^ key->remote.halves[1];
	mix = (mix ^ mix >> 32) * golden;
	return mix >> (64 - XDPFW_PAST_SET_BITS);
}

/* Take one entry out of the budget; the caller has seen that this jiffy's is not spent. */
static __always_inline void spend(struct xdpfw_history *h, struct xdpfw_tallies *t, __u64 jiffy, __u64 now)
{
	h->budget += (jiffy - h->refilled) * XDPFW_PAST_RATE;
	if (h->budget > (__u64)XDPFW_PAST_RATE * cfg_hz)
		h->budget = (__u64)XDPFW_PAST_RATE * cfg_hz;
	h->refilled = jiffy;
	h->budget -= h->budget < cfg_hz ? h->budget : cfg_hz;
	if (h->budget < cfg_hz) {
		t->history_spent = jiffy;
		h->overrun = now;
	}
}

/* The entry of this kind, or the one that it takes the place of. */
static __always_inline struct xdpfw_past *find_past(struct xdpfw_history *h, const struct xdpfw_past_key *key)
{
	__u32 ways = h->budget < (__u64)XDPFW_PAST_RATE / 2 * cfg_hz ? XDPFW_PAST_WAYS / 2 : XDPFW_PAST_WAYS;
	struct xdpfw_past *set = h->sets[past_set(key)], *oldest = set;

	for (__u32 i = 0; i < XDPFW_PAST_WAYS; i++) {
		struct xdpfw_past *past = &set[i];

		if (past->last && past_keys_equal(&past->key, key))
			return past;
		if (i < ways && past->last < oldest->last)
			oldest = past;
	}
	return oldest;
}

static __always_inline void write_past(struct xdpfw_past *past, const struct xdpfw_past_key *key, const struct pkt *p,
				       __u32 decision, __u64 now)
{
	bool known = past->last && past_keys_equal(&past->key, key);

	past->version++;
	barrier();
	past->key = *key;
	past->local = *local_addr(p);
	past->last = now;
	past->decision = decision;
	past->ifindex = p->ifindex;
	past->length = p->length;
	past->source_port = p->source_port;
	past->tcp_flags = p->tcp_flags;
	past->first = known ? past->first : now;
	past->packets = (known ? past->packets : 0) + p->segments;
	barrier();
	past->version++;
}

/* A global function, for the reason given in parse_ip.h. */
__noinline bool remember_drop(const struct pkt *p, __u32 decision)
{
	__u32 cpu = bpf_get_smp_processor_id();
	struct xdpfw_history *h = bpf_map_lookup_elem(&history, &cpu);
	struct xdpfw_tallies *t = bpf_map_lookup_elem(&tallies, &cpu);
	__u64 now = bpf_ktime_get_boot_ns();
	struct xdpfw_past_key key;

	if (!h || !t || !p)
		return false;
	key = past_key(p, decision);
	spend(h, t, bpf_jiffies64(), now);
	write_past(find_past(h, &key), &key, p, decision, now);
	return true;
}

static __always_inline void note_drop(const struct xdpfw_tallies *t, const struct pkt *p, __u32 decision)
{
	if (unlikely(t->history_spent != bpf_jiffies64()))
		remember_drop(p, decision);
}

#endif
