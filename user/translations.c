// SPDX-License-Identifier: GPL-2.0-only
#include "translations.h"

#include <netinet/in.h>

#include "datapath.h"
#include "parse_addr.h"
#include "store.h"
#include "xdpfw/flow.h"

/* As timeout_for() in bpf/flow.h. */
static enum xdpfw_timeout timeout_for(__u8 protocol, const struct xdpfw_translation *t)
{
	if (protocol == IPPROTO_UDP)
		return t->replied ? XDPFW_T_UDP_REPLIED : XDPFW_T_UDP;
	return t->state == XDPFW_FLOW_ESTABLISHED ? XDPFW_T_TCP_ESTABLISHED
	       : t->state == XDPFW_FLOW_CLOSING   ? XDPFW_T_TCP_CLOSING
	       : t->state == XDPFW_FLOW_CLOSED    ? XDPFW_T_TCP_CLOSED
						  : XDPFW_T_TCP_SYN;
}

static __u8 protocol_at(unsigned int place)
{
	return place < XDPFW_PORTS ? IPPROTO_TCP : IPPROTO_UDP;
}

/* @jiffies was read before the table, so a connection may be seen a little later than "now". */
static bool is_live(const struct xdpfw_translation *t, __u8 protocol, const __u64 *timeouts, __u64 jiffies)
{
	return t->seen && !(t->version & 1) &&
	       (t->seen >= jiffies || jiffies - t->seen <= timeouts[timeout_for(protocol, t)]);
}

void translations_each(const struct xdpfw_bucket *translations, const __u64 *timeouts, translation_fn fn, void *data)
{
	__u64 jiffies = datapath_jiffies();

	for (unsigned int place = 0; place < XDPFW_TRANSLATIONS; place++) {
		const struct xdpfw_bucket *bucket = &translations[place / XDPFW_WAYS];
		struct xdpfw_translation copy;

		if (!bucket->tags[place % XDPFW_WAYS])
			continue;
		copy = bucket->ways[place % XDPFW_WAYS];
		if (is_live(&copy, protocol_at(place), timeouts, jiffies))
			fn(&copy, protocol_at(place), data);
	}
}

static int cut_once(struct xdpfw_bucket *translations, const __u64 *timeouts, translation_test wanted, const void *data)
{
	__u64 jiffies = datapath_jiffies();
	int count = 0;

	for (unsigned int place = 0; place < XDPFW_TRANSLATIONS; place++) {
		struct xdpfw_bucket *bucket = &translations[place / XDPFW_WAYS];
		struct xdpfw_translation *t = &bucket->ways[place % XDPFW_WAYS];

		if (!bucket->tags[place % XDPFW_WAYS] || !is_live(t, protocol_at(place), timeouts, jiffies) ||
		    !wanted(t, protocol_at(place), data))
			continue;
		__atomic_store_n(&t->seen, 0, __ATOMIC_RELAXED);
		count++;
	}
	return count;
}

/* Twice, because a packet that was under way may have noted itself once more. */
int translations_cut(struct xdpfw_bucket *translations, const __u64 *timeouts, translation_test wanted,
		     const void *data)
{
	int count = cut_once(translations, timeouts, wanted, data);

	if (count) {
		store_wait_for_readers();
		cut_once(translations, timeouts, wanted, data);
	}
	return count;
}

static void drain_port(struct policy_image *image, __u8 protocol, const struct xdpfw_addr *addr, __u16 port, __u16 kind)
{
	int table = protocol == IPPROTO_TCP ? XDPFW_TCP : XDPFW_UDP;
	__u16 *listener = &image->listeners[table][!addr_is_ipv4(addr)]->ports[port];

	if (!*listener)
		*listener = kind | XDPFW_DRAINING;
}

static void drain(const struct xdpfw_translation *t, __u8 protocol, void *data)
{
	struct policy_image *image = data;

	drain_port(image, protocol, &t->host, t->host_port, 0);
	if (t->flags & XDPFW_FORWARD_LOCAL)
		drain_port(image, protocol, &t->host, t->target_port, XDPFW_TARGETED);
	image->head->flags |= XDPFW_HAS_FORWARDS;
}

/* Panic ends them. */
void translations_drain(const struct xdpfw_bucket *translations, struct policy_image *image)
{
	if (!(image->head->flags & XDPFW_PANIC))
		translations_each(translations, image->head->timeouts, drain, image);
}
