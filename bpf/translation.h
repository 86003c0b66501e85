/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Translations: the connections of forwards with state, found from both ends; see include/xdpfw/forward.h.
 *
 * A connection has few places it can be in: the one of the client's own port (where the target may see it), and two
 * buckets of eight by a hash of the request's endpoints.
 *
 *	translation.h   the table, and how connections are found in it
 *	take_port.h     a place for a new one, which is its port
 *	connection.h    what packets change in one
 */
#ifndef XDPFW_BPF_TRANSLATION_H
#define XDPFW_BPF_TRANSLATION_H

#include "common.h"
#include "config.h"
#include "flow.h"
#include "maps.h"

#define NO_PLACE 0xffffffffU

static __always_inline struct xdpfw_bucket *bucket_at(__u32 place)
{
	__u32 index = place / XDPFW_WAYS;

	return bpf_map_lookup_elem(&translation_tags, &index);
}

static __always_inline struct xdpfw_translation *translation_at(__u32 place)
{
	return bpf_map_lookup_elem(&translations, &place);
}

static __always_inline struct xdpfw_ends *ends_at(__u32 place)
{
	return bpf_map_lookup_elem(&translation_ends, &place);
}

static __always_inline __u64 timeout_at(const struct pkt *p, __u32 which)
{
	const struct xdpfw_policy_head *head = policy_head(p->slot);

	return head && which < XDPFW_NR_TIMEOUTS ? head->timeouts[which] : 0;
}

static __always_inline bool is_live(const struct xdpfw_translation *t, const struct pkt *p)
{
	__u32 now = xdpfw_seen_at(bpf_jiffies64());

	if (!t->seen)
		return false;
	if (likely(t->seen == now)) /* a busy one's time-out need not be looked up */
		return true;
	return xdpfw_seen_within(t->seen, now, timeout_at(p, timeout_for(t->protocol, t->state, t->replied)));
}

/* Keyed at every step: whoever can choose addresses and ports must not be able to choose places. */
static __always_inline __u64 mix_in(__u64 hash, __u64 word)
{
	hash = (hash ^ word) * HASH_FACTOR;
	return hash ^ hash >> 29;
}

static __always_inline __u64 request_hash(const struct pkt *p)
{
	__u64 hash = control.seed;

	if (p->family == 4) {
		hash = mix_in(hash, (__u64)p->source.words[3] << 32 | p->destination.words[3]);
	} else {
		hash = mix_in(hash, p->source.halves[0]);
		hash = mix_in(hash, p->source.halves[1]);
		hash = mix_in(hash, p->destination.halves[0] ^ p->destination.halves[1]);
	}
	return mix_in(hash, (__u64)p->source_port << 16 | p->destination_port);
}

static __always_inline __u16 tag_of(__u64 hash)
{
	return (__u16)hash | 1;
}

/* Could a forward have given this port to a connection? */
static __always_inline bool may_be_given(__u16 port)
{
	__u32 bucket = port / XDPFW_WAYS;

	return bucket - cfg_low_bucket < cfg_low_buckets || bucket >= cfg_high_bucket;
}

/* The first place of one of the two buckets that the hash leads to. */
static __always_inline __u32 bucket_place(const struct pkt *p, __u64 hash, __u32 choice)
{
	__u32 high = XDPFW_PORTS / XDPFW_WAYS - cfg_high_bucket;
	__u32 part = choice ? hash >> 32 : (hash * HASH_FACTOR) >> 32;
	__u32 bucket = ((__u64)part * (cfg_low_buckets + high)) >> 32;

	bucket = bucket < cfg_low_buckets ? cfg_low_bucket + bucket : cfg_high_bucket + bucket - cfg_low_buckets;
	return xdpfw_translation_place(p->table, bucket * XDPFW_WAYS);
}

/* Does the packet go from the end @from of the connection at @place to its end @to? */
static __always_inline bool runs_between(const struct xdpfw_translation *t, __u32 place, const struct pkt *p,
					 enum xdpfw_end from, enum xdpfw_end to)
{
	const struct xdpfw_ends *ends;

	if (t->low[from] != p->source.words[3] || t->low[to] != p->destination.words[3] || t->kind != p->kind)
		return false;
	if (p->family == 4)
		return true;
	ends = ends_at(place);
	return ends && addr_equal(&ends->at[from], &p->source) && addr_equal(&ends->at[to], &p->destination);
}

static __always_inline bool is_request_of(const struct xdpfw_translation *t, __u32 place, const struct pkt *p)
{
	return t->client_port == p->source_port && t->host_port == p->destination_port &&
	       runs_between(t, place, p, XDPFW_CLIENT, XDPFW_HOST) && is_live(t, p);
}

static __always_inline bool is_answer_of(const struct xdpfw_translation *t, __u32 place, const struct pkt *p)
{
	return t->target_port == p->source_port && t->source_port == p->destination_port &&
	       runs_between(t, place, p, XDPFW_TARGET, XDPFW_SOURCE) && is_live(t, p);
}

/* Is this how the target sees the requests of the connection? */
static __always_inline bool is_seen_as(const struct xdpfw_translation *t, __u32 place, const struct pkt *p)
{
	return t->source_port == p->source_port && t->target_port == p->destination_port &&
	       runs_between(t, place, p, XDPFW_SOURCE, XDPFW_TARGET);
}

/* A reference to the connection at @place, unless it has become another one since @version was read. */
static __always_inline __u32 refer(const struct xdpfw_translation *t, __u32 place, __u32 version, enum side side)
{
	barrier();
	if (version & 1 || *(volatile const __u32 *)&t->version != version)
		return 0;
	return xdpfw_connection(place, version, side == SIDE_TARGET);
}

static __always_inline __u32 request_at(__u32 place, const struct pkt *p)
{
	struct xdpfw_translation *t = translation_at(place);
	__u32 version;

	if (!t)
		return 0;
	version = *(volatile __u32 *)&t->version;
	return is_request_of(t, place, p) ? refer(t, place, version, SIDE_CLIENT) : 0;
}

static __always_inline __u32 find_in_bucket(__u32 first, __u16 tag, const struct pkt *p)
{
	struct xdpfw_bucket *bucket = bucket_at(first);

#pragma clang loop unroll(disable)
	for (__u32 way = 0; bucket && way < XDPFW_WAYS; way++) {
		__u32 found = bucket->tags[way] == tag ? request_at(first + way, p) : 0;

		if (found)
			return found;
	}
	return 0;
}

static __always_inline bool has_tag(__u32 place, __u16 tag)
{
	struct xdpfw_bucket *bucket = bucket_at(place);

	return bucket && bucket->tags[place % XDPFW_WAYS] == tag;
}

/* The connection is not where most are. (The hash is reckoned again: kept for this, it would be stored for each packet.)
 * Global functions, here and below, for the reason given in parse_ip.h. */
__noinline __u32 find_request_elsewhere(const struct pkt *p)
{
	__u32 place, found = 0;
	__u64 hash;

	if (!p)
		return 0;
	hash = request_hash(p);
	place = xdpfw_translation_place(p->table, p->source_port);
	if (has_tag(place, tag_of(hash)))
		found = request_at(place, p);
	return found ? found : find_in_bucket(bucket_place(p, hash, 1), tag_of(hash), p);
}

/* The connection that a packet from a client belongs to; 0 if there is none. Inlined where each packet of a connection
 * comes by. */
static __always_inline __u32 find_request_here(const struct pkt *p)
{
	__u64 hash = request_hash(p);
	__u32 found = find_in_bucket(bucket_place(p, hash, 0), tag_of(hash), p);

	return likely(found) ? found : find_request_elsewhere(p);
}

__noinline __u32 find_request(const struct pkt *p)
{
	return p ? find_request_here(p) : 0;
}

/* The same for a packet from a target. */
static __always_inline __u32 find_answer_here(const struct pkt *p)
{
	__u32 place = xdpfw_translation_place(p->table, p->destination_port);
	struct xdpfw_translation *t = translation_at(place);
	__u32 version;

	if (!t)
		return 0;
	version = *(volatile __u32 *)&t->version;
	return is_answer_of(t, place, p) ? refer(t, place, version, SIDE_TARGET) : 0;
}

__noinline __u32 find_answer(const struct pkt *p)
{
	return p ? find_answer_here(p) : 0;
}

/* The connection of a packet from either side. */
static __always_inline __u32 find_either(const struct pkt *p)
{
	__u32 connection = find_answer(p);

	return connection ? connection : find_request(p);
}

/* The entry that a packet refers to. */
static __always_inline struct xdpfw_translation *connection_of(__u32 connection)
{
	return translation_at(xdpfw_connection_place(connection));
}

/* Do its packets look the same on both sides? */
static __always_inline bool is_unchanged(const struct xdpfw_translation *t)
{
	return t->flags & XDPFW_FORWARD_DIRECT && t->source_port == t->client_port;
}

/* Number of the counters of the forward that this packet belongs to, for its direction; 0 if it is none's. */
static __always_inline __u32 forward_counter(const struct pkt *p)
{
	const struct xdpfw_translation *t = connection_of(p->connection);

	if (!p->connection || !t)
		return 0;
	return xdpfw_connection_from_target(p->connection) ? t->answers : t->counter;
}

#endif
