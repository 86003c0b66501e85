/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * essential and courtesy: what the network itself needs passes whatever the rules say; what is
 * merely polite passes unless a rule says otherwise. Both are asked only when the policy
 * would drop, so other packets pay nothing.
 */
#ifndef XDPFW_BPF_ESSENTIAL_H
#define XDPFW_BPF_ESSENTIAL_H

#include "common.h"
#include "flow.h"

#define PORT_MDNS 5353

/* Neighbour discovery, inverse ND and SEND must not have crossed a router (RFC 4861 6.1, RFC 4890 4.4.1). */
static __always_inline bool is_neighbour_discovery(__u8 type)
{
	return (type >= 133 && type <= 136) || type == 141 || type == 142 || type == 148 || type == 149;
}

/* Multicast listener and router discovery travel one hop, MLD also from :: (RFC 3590, RFC 4286). */
static __always_inline bool is_multicast_discovery(__u8 type)
{
	return (type >= 130 && type <= 132) || type == 143 || (type >= 151 && type <= 153);
}

static __always_inline bool is_discovery(const struct pkt *p)
{
	if (p->protocol != IPPROTO_ICMPV6)
		return false;
	return (p->hop_limit == 255 && is_neighbour_discovery(p->icmp_type)) ||
	       (p->hop_limit == 1 && is_multicast_discovery(p->icmp_type));
}

/* From a DHCP server to this host's client, or the other way: no flow can know them, since they go to
 * broadcast or to an address not yet set, and the client reads from a packet socket. */
static __always_inline bool is_dhcp(const struct pkt *p)
{
	__u16 local = local_port(p), remote = remote_port(p);

	if (likely(local != 68 && local != 546)) /* before the question of which family has which */
		return false;
	return p->protocol == IPPROTO_UDP &&
	       (p->family == 4 ? local == 68 && remote == 67 : local == 546 && remote == 547);
}

static __always_inline bool is_essential(const struct pkt *p)
{
	return is_discovery(p) || is_dhcp(p);
}

static __always_inline void set_mdns_group(const struct pkt *p, struct xdpfw_addr *group)
{
	if (p->family == 4) {
		group->words[0] = group->words[1] = 0;
		group->words[2] = bpf_htonl(0xffff);
		group->words[3] = bpf_htonl(0xe00000fb); /* 224.0.0.251 */
	} else {
		group->words[0] = bpf_htonl(0xff020000); /* ff02::fb */
		group->words[1] = group->words[2] = 0;
		group->words[3] = bpf_htonl(0xfb);
	}
}

/*
 * mDNS (RFC 6762): queries and answers to the group, and answers sent by unicast to a
 * one-shot query, which come from another address than the query went to.
 */
static __noinline bool is_mdns(const struct pkt *p)
{
	struct xdpfw_addr group;
	struct xdpfw_flow_key key;
	struct xdpfw_flow *flow;

	set_mdns_group(p, &group);
	if (p->destination_port == PORT_MDNS)
		return addr_equal(&p->destination, &group);
	key = flow_key(p);
	key.remote = group;
	flow = find_flow(&flows, p, &key);
	if (flow)
		touch_flow(flow, true);
	return flow != NULL;
}

/* Of UDP. Only where no rule has spoken. */
static __always_inline bool is_courtesy(const struct pkt *p, __u32 decision)
{
	return unlikely(p->destination_port == PORT_MDNS || p->source_port == PORT_MDNS) &&
	       xdpfw_reason_of(decision) == XDPFW_R_DEFAULT && is_mdns(p);
}

#endif
