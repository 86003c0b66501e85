/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Translations: the connections of forwards with state, found from both ends; see include/xdpfw/forward.h.
 *
 * A connection has few places it can be in: the one of the client's own port (where the target may see it), and two
 * buckets of eight by a hash of the request's endpoints. A place is taken by an atomic exchange of its version, so
 * two CPUs never give one port to two connections.
 */
#ifndef XDPFW_BPF_TRANSLATION_H
#define XDPFW_BPF_TRANSLATION_H

#include "checksum.h"
#include "common.h"
#include "config.h"
#include "flow.h"
#include "maps.h"
#include "own_port.h"

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

static __always_inline struct xdpfw_forward *forward_at(__u32 slot, __u32 number)
{
	__u32 index = xdpfw_forward_index(slot, number);

	return number && number < XDPFW_FORWARDS ? bpf_map_lookup_elem(&forwards, &index) : NULL;
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

/* Fill a place that was taken; target, source and counters stand there already. */
static __always_inline void fill_translation(struct xdpfw_translation *t, struct xdpfw_ends *ends, const struct pkt *p,
					     __u32 flags, __u32 place)
{
	ends->at[XDPFW_CLIENT] = p->source;
	ends->at[XDPFW_HOST] = p->destination;
	for (int i = 0; i < XDPFW_NR_ENDS; i++)
		t->low[i] = ends->at[i].words[3];
	t->client_port = p->source_port;
	t->host_port = p->destination_port;
	t->source_port = place % XDPFW_PORTS;
	t->kind = p->kind;
	t->state = p->protocol == IPPROTO_TCP ? XDPFW_FLOW_SYN : XDPFW_FLOW_PLAIN;
	t->replied = t->fins = 0;
	t->flags = flags;
	t->acked[SIDE_CLIENT] = t->acked[SIDE_TARGET] = 0;
	t->sent[SIDE_CLIENT] = p->sequence + 1;
	t->change = sum_difference(sum_addresses(&ends->at[XDPFW_SOURCE], &ends->at[XDPFW_TARGET]),
				   sum_addresses(&p->source, &p->destination));
	t->seen = xdpfw_seen_at(bpf_jiffies64());
}

/* Let readers see it. */
static __always_inline __u32 publish(struct xdpfw_translation *t, const struct pkt *p, __u32 place)
{
	struct xdpfw_bucket *bucket = bucket_at(place);
	__u32 version = t->version + 1;

	if (bucket)
		bucket->tags[place % XDPFW_WAYS] = tag_of(request_hash(p));
	barrier();
	*(volatile __u32 *)&t->version = version;
	return xdpfw_connection(place, version, false);
}

/* Its time-out begins anew. */
static __always_inline void touch_translation(struct xdpfw_translation *t)
{
	__u32 now = xdpfw_seen_at(bpf_jiffies64());

	if (t->seen != now)
		t->seen = now;
}

static __always_inline enum side other_side(enum side side)
{
	return side == SIDE_CLIENT ? SIDE_TARGET : SIDE_CLIENT;
}

/* A RST counts where the other end expects the next byte, or right behind what its sender has sent, which may not have been
 * acknowledged; after a blind one the connection goes on (RFC 5961). */
static __always_inline bool ends_connection(const struct xdpfw_translation *t, const struct pkt *p, enum side side)
{
	return t->state == XDPFW_FLOW_SYN || p->sequence == t->acked[other_side(side)] || p->sequence == t->sent[side];
}

/* Only what joins on, for the same reason: a blind segment must not say where a RST counts. */
static __always_inline void note_sent(struct xdpfw_translation *t, const struct pkt *p, enum side side)
{
	__u32 end = p->sequence + sequence_length(p);

	if ((p->sequence == t->sent[side] || p->sequence == t->acked[other_side(side)]) && before(t->sent[side], end))
		t->sent[side] = end;
}

static __always_inline void note_segment(struct xdpfw_translation *t, const struct pkt *p, enum side side)
{
	__u8 fin = side == SIDE_TARGET ? XDPFW_FIN_LOCAL : XDPFW_FIN_REMOTE;

	if (p->tcp_flags & TCP_RST) {
		if (ends_connection(t, p, side))
			t->state = XDPFW_FLOW_CLOSED;
		return;
	}
	if (p->tcp_flags & TCP_ACK && t->acked[side] != p->acknowledged)
		t->acked[side] = p->acknowledged;
	if (p->tcp_flags & TCP_FIN)
		t->fins |= fin;
	if (t->fins == (XDPFW_FIN_LOCAL | XDPFW_FIN_REMOTE))
		t->state = XDPFW_FLOW_CLOSING;
	else if (t->state == XDPFW_FLOW_CLOSED || (t->state == XDPFW_FLOW_SYN && t->replied && side == SIDE_CLIENT))
		t->state = XDPFW_FLOW_ESTABLISHED;
	if (t->state != XDPFW_FLOW_SYN)
		note_sent(t, p, side);
	else if (side == SIDE_TARGET)
		t->sent[side] = p->sequence + sequence_length(p);
}

/* A SYN opens the connection anew once it is over (TIME_WAIT), and is sent again while it is not answered. */
static __always_inline void note_request(struct xdpfw_translation *t, const struct pkt *p)
{
	if (cfg_observe)
		return;
	touch_translation(t);
	if (p->protocol != IPPROTO_TCP)
		return;
	if (!is_tcp_request(p)) {
		note_segment(t, p, SIDE_CLIENT);
	} else if (t->state != XDPFW_FLOW_ESTABLISHED) {
		t->state = XDPFW_FLOW_SYN;
		t->replied = t->fins = 0;
		t->sent[SIDE_CLIENT] = p->sequence + 1;
	}
}

/* Does a segment from the target belong to this connection? Until it is established only what acknowledges the
 * client's SYN does: an answer to the one that gave way would go astray. */
static __always_inline bool answers_request(const struct xdpfw_translation *t, const struct pkt *p)
{
	if (p->protocol != IPPROTO_TCP || t->state != XDPFW_FLOW_SYN)
		return true;
	return p->tcp_flags & TCP_ACK && p->acknowledged - t->sent[SIDE_CLIENT] <= 0xffff;
}

/* Have the connection begin anew with its next packet, if it can: TCP only while it is not answered. */
static __always_inline bool forget(struct xdpfw_translation *t)
{
	if (!t || (t->protocol == IPPROTO_TCP && t->state != XDPFW_FLOW_SYN))
		return false;
	t->seen = 0;
	return true;
}

static __always_inline void note_answer(struct xdpfw_translation *t, const struct pkt *p)
{
	if (cfg_observe)
		return;
	touch_translation(t);
	if (!t->replied)
		t->replied = 1;
	if (p->protocol == IPPROTO_TCP)
		note_segment(t, p, SIDE_TARGET);
}

#endif
