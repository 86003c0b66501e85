/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The state of a translated connection: how it begins, what its packets change, and which of them are its own. */
#ifndef XDPFW_BPF_CONNECTION_H
#define XDPFW_BPF_CONNECTION_H

#include "checksum.h"
#include "translation.h"

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
