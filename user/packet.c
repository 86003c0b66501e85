// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include "packet.h"

#include <linux/if_ether.h>
#include <netinet/icmp6.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/ip_icmp.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <stdio.h>
#include <string.h>

#include "event.h"
#include "parse_addr.h"
#include "util.h"

#define SCTP_HEADER   12
#define PAYLOAD       16 /* of what is no TCP */
#define VLAN_TAG      4
#define VLAN_TAGS     2
#define SCTP_INIT     1
#define ND_HOPS       255 /* RFC 4861 */
#define USUAL_HOPS    64
#define MLD_HOPS      1
#define EXTENSIONS    8
#define FRAGMENT_BITS 0x1fff

/* Building */

static __u32 add(__u32 sum, const void *data, size_t size)
{
	const __u8 *bytes = data;

	for (size_t i = 0; i < size; i++)
		sum += i & 1 ? bytes[i] : bytes[i] << 8;
	return sum;
}

static __u16 finish(__u32 sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return htons(~sum);
}

/* Over the pseudo-header and the L4 part. v4-mapped addresses would add 0xffff twice, which is zero in ones' complement. */
static __u16 l4_checksum(const struct packet *p, const void *l4, size_t size)
{
	__u32 sum = p->protocol + size;

	if (p->protocol == IPPROTO_ICMP)
		return finish(add(0, l4, size));
	sum = add(sum, &p->from, sizeof(p->from));
	sum = add(sum, &p->to, sizeof(p->to));
	return finish(add(sum, l4, size));
}

static size_t build_tcp(const struct packet *p, void *l4)
{
	struct tcphdr *tcp = l4;

	tcp->source = htons(p->from_port);
	tcp->dest = htons(p->to_port);
	tcp->seq = htonl(1);
	tcp->doff = sizeof(*tcp) / 4;
	tcp->th_flags = p->tcp_flags;
	tcp->window = htons(65535);
	tcp->check = l4_checksum(p, tcp, sizeof(*tcp));
	return sizeof(*tcp);
}

static size_t build_udp(const struct packet *p, void *l4)
{
	struct udphdr *udp = l4;
	size_t size = sizeof(*udp) + PAYLOAD;

	udp->source = htons(p->from_port);
	udp->dest = htons(p->to_port);
	udp->len = htons(size);
	udp->check = l4_checksum(p, udp, size);
	return size;
}

static size_t build_sctp(const struct packet *p, __u8 *l4)
{
	__be16 ports[2] = {htons(p->from_port), htons(p->to_port)};

	memcpy(l4, ports, sizeof(ports));
	l4[SCTP_HEADER] = SCTP_INIT;
	return SCTP_HEADER + PAYLOAD;
}

static size_t build_icmp(const struct packet *p, void *l4)
{
	struct icmphdr *icmp = l4;
	size_t size = sizeof(*icmp) + PAYLOAD;

	icmp->type = p->icmp_type;
	icmp->code = p->icmp_code;
	icmp->un.echo.id = htons(p->echo_id);
	icmp->checksum = l4_checksum(p, icmp, size);
	return size;
}

static size_t build_l4(const struct packet *p, void *l4)
{
	switch (p->protocol) {
	case IPPROTO_TCP:
		return build_tcp(p, l4);
	case IPPROTO_UDP:
		return build_udp(p, l4);
	case IPPROTO_SCTP:
		return build_sctp(p, l4);
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		return build_icmp(p, l4);
	}
	return PAYLOAD;
}

/* Neighbour discovery and MLD are believed only with these (RFC 4861, RFC 3810). */
static __u8 hop_limit(const struct packet *p)
{
	if (p->protocol != IPPROTO_ICMPV6)
		return USUAL_HOPS;
	if (p->icmp_type >= ND_ROUTER_SOLICIT && p->icmp_type <= ND_REDIRECT)
		return ND_HOPS;
	return (p->icmp_type >= MLD_LISTENER_QUERY && p->icmp_type <= MLD_LISTENER_REDUCTION) ||
			       p->icmp_type == 143 /* MLDv2 */
		       ? MLD_HOPS
		       : USUAL_HOPS;
}

static size_t build_v4(const struct packet *p, void *l3)
{
	struct iphdr *ip = l3;
	size_t size = sizeof(*ip) + build_l4(p, ip + 1);

	ip->version = 4;
	ip->ihl = sizeof(*ip) / 4;
	ip->tot_len = htons(size);
	ip->ttl = hop_limit(p);
	ip->protocol = p->protocol;
	ip->saddr = p->from.words[3];
	ip->daddr = p->to.words[3];
	ip->check = finish(add(0, ip, sizeof(*ip)));
	return size;
}

static size_t build_v6(const struct packet *p, void *l3)
{
	struct ip6_hdr *ip = l3;
	size_t payload = build_l4(p, ip + 1);

	ip->ip6_flow = htonl(6U << 28);
	ip->ip6_plen = htons(payload);
	ip->ip6_nxt = p->protocol;
	ip->ip6_hlim = hop_limit(p);
	memcpy(&ip->ip6_src, &p->from, sizeof(ip->ip6_src));
	memcpy(&ip->ip6_dst, &p->to, sizeof(ip->ip6_dst));
	return sizeof(*ip) + payload;
}

void packet_build(const struct packet *p, struct twin_frame *f)
{
	struct ethhdr *eth;

	memset(f, 0, sizeof(*f));
	eth = (void *)f->bytes;
	eth->h_dest[0] = eth->h_source[0] = 0x02; /* locally administered: of no importance */
	eth->h_source[5] = 1;
	eth->h_proto = htons(p->family == 4 ? ETH_P_IP : ETH_P_IPV6);
	f->size = sizeof(*eth) + (p->family == 4 ? build_v4(p, eth + 1) : build_v6(p, eth + 1));
}

/* Reading */

static void read_l4(const struct twin_frame *f, size_t l4, struct packet *p)
{
	const __u8 *bytes = f->bytes + l4;
	size_t left = l4 < f->size ? f->size - l4 : 0;

	if (event_has_ports(p->protocol) && left >= 4) {
		p->has_ports = true;
		p->from_port = bytes[0] << 8 | bytes[1];
		p->to_port = bytes[2] << 8 | bytes[3];
		if (p->protocol == IPPROTO_TCP && left >= 14)
			p->tcp_flags = bytes[13];
	} else if ((p->protocol == IPPROTO_ICMP || p->protocol == IPPROTO_ICMPV6) && left >= 2) {
		p->icmp_type = bytes[0];
		p->icmp_code = bytes[1];
	}
}

static void read_v4(const struct twin_frame *f, size_t l3, struct packet *p)
{
	struct iphdr ip;

	if (l3 + sizeof(ip) > f->size)
		return;
	memcpy(&ip, f->bytes + l3, sizeof(ip));
	p->family = 4;
	p->protocol = ip.protocol;
	p->from.words[2] = p->to.words[2] = htonl(0xffff);
	p->from.words[3] = ip.saddr;
	p->to.words[3] = ip.daddr;
	if (!(ntohs(ip.frag_off) & FRAGMENT_BITS))
		read_l4(f, l3 + ip.ihl * 4, p);
}

static bool is_extension(__u8 protocol)
{
	return protocol == IPPROTO_HOPOPTS || protocol == IPPROTO_ROUTING || protocol == IPPROTO_DSTOPTS ||
	       protocol == IPPROTO_FRAGMENT;
}

static void read_v6(const struct twin_frame *f, size_t l3, struct packet *p)
{
	size_t l4 = l3 + sizeof(struct ip6_hdr);
	struct ip6_hdr ip;

	if (l4 > f->size)
		return;
	memcpy(&ip, f->bytes + l3, sizeof(ip));
	p->family = 6;
	p->protocol = ip.ip6_nxt;
	memcpy(&p->from, &ip.ip6_src, sizeof(p->from));
	memcpy(&p->to, &ip.ip6_dst, sizeof(p->to));
	for (int i = 0; i < EXTENSIONS && is_extension(p->protocol) && l4 + 8 <= f->size; i++) {
		const __u8 *header = f->bytes + l4;
		bool later = p->protocol == IPPROTO_FRAGMENT && ((header[2] << 8 | header[3]) & 0xfff8);

		l4 += p->protocol == IPPROTO_FRAGMENT ? 8 : (header[1] + 1) * 8;
		p->protocol = header[0];
		if (later)
			return;
	}
	read_l4(f, l4, p);
}

void packet_read(const struct twin_frame *f, struct packet *p)
{
	size_t l3 = ETH_HLEN;
	__u16 type = 0;

	memset(p, 0, sizeof(*p));
	for (int tags = 0; tags <= VLAN_TAGS && l3 <= f->size; tags++, l3 += VLAN_TAG) {
		type = f->bytes[l3 - 2] << 8 | f->bytes[l3 - 1];
		if (type != ETH_P_8021Q && type != ETH_P_8021AD)
			break;
	}
	if (type == ETH_P_IP)
		read_v4(f, l3, p);
	else if (type == ETH_P_IPV6)
		read_v6(f, l3, p);
}

/* Telling */

const char *packet_endpoint(const struct packet *p, const struct xdpfw_addr *addr, __u16 port,
			    char text[PACKET_ENDPOINT_MAX])
{
	char plain[ADDR_TEXT_MAX];

	format_addr(addr, plain);
	if (!p->has_ports)
		snprintf(text, PACKET_ENDPOINT_MAX, "%s", plain);
	else
		snprintf(text, PACKET_ENDPOINT_MAX, addr_is_ipv4(addr) ? "%s:%u" : "[%s]:%u", plain, port);
	return text;
}

const char *packet_text(const struct packet *p, char text[PACKET_TEXT_MAX])
{
	struct event ev = {.family = p->family,
			   .protocol = p->protocol,
			   .has_ports = p->has_ports,
			   .tcp_flags = p->tcp_flags,
			   .icmp_type = p->icmp_type};
	char protocol[EVENT_PROTOCOL_MAX], detail[EVENT_DETAIL_MAX];
	char from[PACKET_ENDPOINT_MAX], to[PACKET_ENDPOINT_MAX];

	if (!p->family)
		return "not IP";
	event_detail(&ev, detail);
	snprintf(text, PACKET_TEXT_MAX, "%s %s > %s%s%s", event_protocol(&ev, protocol),
		 packet_endpoint(p, &p->from, p->from_port, from), packet_endpoint(p, &p->to, p->to_port, to),
		 *detail ? " " : "", detail);
	return text;
}
