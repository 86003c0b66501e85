// SPDX-License-Identifier: GPL-2.0-only
#include "gen_frame.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "util.h"

/* Both families side by side; only the one asked for is filled. */
struct addresses {
	unsigned char source[16], target[16];
	size_t length;
};

static int parse_addresses(const struct options *options, struct addresses *addresses)
{
	addresses->length = options->family == AF_INET ? 4 : 16;
	if (inet_pton(options->family, options->source_text, addresses->source) != 1)
		return bad_word("src", options->source_text, "an address of the --family");
	if (inet_pton(options->family, options->target_text, addresses->target) != 1)
		return bad_word("dst", options->target_text, "an address of the --family");
	return 0;
}

static __u32 sum_of(const void *data, size_t length)
{
	const unsigned char *bytes = data;
	__u32 sum = 0;
	__u16 word;

	/* Every header and pseudo header here has an even length. */
	for (size_t i = 0; i < length; i += sizeof(word)) {
		memcpy(&word, bytes + i, sizeof(word));
		sum += word;
	}
	return sum;
}

static size_t l4_header_length(const struct options *options)
{
	return options->proto == PROTO_UDP ? sizeof(struct udphdr) : sizeof(struct tcphdr);
}

static int l4_number(const struct options *options)
{
	return options->proto == PROTO_UDP ? IPPROTO_UDP : IPPROTO_TCP;
}

/* Read the interface's own address: the frame should look as if it came from there. */
static int read_source_mac(const char *iface, unsigned char *mac)
{
	_close_ int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq request = {};

	if (fd < 0)
		return -errno;
	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", iface);
	if (ioctl(fd, SIOCGIFHWADDR, &request))
		return -errno;
	memcpy(mac, request.ifr_hwaddr.sa_data, ETH_ALEN);
	return 0;
}

static int write_eth(const struct options *options, unsigned char *frame)
{
	struct ethhdr eth = {.h_proto = htons(options->family == AF_INET ? ETH_P_IP : ETH_P_IPV6)};
	int error = read_source_mac(options->iface, eth.h_source);

	if (error) {
		fprintf(stderr, "gen: --iface: %s: %s\n", options->iface, strerror(-error));
		return error;
	}
	memcpy(eth.h_dest, &options->target_mac, ETH_ALEN);
	memcpy(frame, &eth, sizeof(eth));
	return 0;
}

static void write_ipv4(const struct options *options, const struct addresses *addresses, unsigned char *frame,
		       struct gen_config *config)
{
	struct iphdr ip = {
		.version = 4,
		.ihl = sizeof(ip) / 4,
		.tot_len = htons(options->size - ETH_HLEN),
		.frag_off = htons(IP_DF),
		.ttl = 64,
		.protocol = l4_number(options),
	};

	memcpy(&ip.saddr, addresses->source, sizeof(ip.saddr));
	memcpy(&ip.daddr, addresses->target, sizeof(ip.daddr));
	config->ip_sum_at = ETH_HLEN + offsetof(struct iphdr, check);
	config->source_at = ETH_HLEN + offsetof(struct iphdr, saddr);
	memcpy(frame + ETH_HLEN, &ip, sizeof(ip));
}

static void write_ipv6(const struct options *options, const struct addresses *addresses, unsigned char *frame,
		       struct gen_config *config)
{
	struct ip6_hdr ip = {
		.ip6_flow = htonl(6u << 28),
		.ip6_plen = htons(options->size - ETH_HLEN - sizeof(ip)),
		.ip6_nxt = l4_number(options),
		.ip6_hlim = 64,
	};

	memcpy(&ip.ip6_src, addresses->source, sizeof(ip.ip6_src));
	memcpy(&ip.ip6_dst, addresses->target, sizeof(ip.ip6_dst));
	config->source_at = ETH_HLEN + offsetof(struct ip6_hdr, ip6_src) + 12;
	memcpy(frame + ETH_HLEN, &ip, sizeof(ip));
}

static void write_udp(size_t length, unsigned char *frame, struct gen_config *config)
{
	struct udphdr udp = {.len = htons(length)};

	config->l4_sum_at = config->ports_at + offsetof(struct udphdr, check);
	memcpy(frame + config->ports_at, &udp, sizeof(udp));
}

static void write_tcp(bool is_syn, unsigned char *frame, struct gen_config *config)
{
	struct tcphdr tcp = {
		.seq = htonl(1000),
		.ack_seq = is_syn ? 0 : htonl(1000),
		.doff = sizeof(tcp) / 4,
		.syn = is_syn,
		.ack = !is_syn,
		.window = htons(64240),
	};

	config->l4_sum_at = config->ports_at + offsetof(struct tcphdr, check);
	memcpy(frame + config->ports_at, &tcp, sizeof(tcp));
}

/* RFC 768, 9293 and 8200 (8.1): the addresses, the protocol and the length count, in any order. */
static __u32 pseudo_sum(const struct options *options, const struct addresses *addresses, size_t l4_length)
{
	return sum_of(addresses->source, addresses->length) + sum_of(addresses->target, addresses->length) +
	       htons(l4_number(options)) + htons(l4_length);
}

/* Take the varying 32 bits out of the source address; the program puts them back in, moved on. */
static void split_source(struct addresses *addresses, struct gen_config *config)
{
	unsigned char *last = addresses->source + addresses->length - sizeof(config->source_base);
	__be32 base;

	memcpy(&base, last, sizeof(base));
	config->source_base = ntohl(base);
	memset(last, 0, sizeof(base));
}

static int build_frame(const struct options *options, struct addresses *addresses, unsigned char *frame,
		       struct gen_config *config)
{
	size_t l4_length, header_length;
	int error = write_eth(options, frame);

	if (error)
		return error;
	config->ipv4 = options->family == AF_INET;
	config->udp = options->proto == PROTO_UDP;
	config->ports_at = ETH_HLEN + (config->ipv4 ? sizeof(struct iphdr) : sizeof(struct ip6_hdr));
	header_length = config->ports_at + l4_header_length(options);
	config->words = (header_length + 7) / 8;
	if (options->size < config->words * 8) {
		fprintf(stderr, "gen: --size: %u: this kind of frame needs %u\n", options->size, config->words * 8);
		return -EINVAL;
	}
	l4_length = options->size - config->ports_at;

	split_source(addresses, config);
	if (config->ipv4)
		write_ipv4(options, addresses, frame, config);
	else
		write_ipv6(options, addresses, frame, config);
	if (config->udp)
		write_udp(l4_length, frame, config);
	else
		write_tcp(options->proto == PROTO_SYN, frame, config);

	config->ip_sum = sum_of(frame + ETH_HLEN, sizeof(struct iphdr));
	config->l4_sum =
		pseudo_sum(options, addresses, l4_length) + sum_of(frame + config->ports_at, l4_header_length(options));
	memcpy(config->header, frame, config->words * 8);
	return 0;
}

int build_config(const struct options *options, unsigned int listed, unsigned char *frame, struct gen_config *config)
{
	struct addresses addresses = {};
	int error = parse_addresses(options, &addresses);

	if (error)
		return error;
	config->ifindex = if_nametoindex(options->iface);
	config->listed = listed;
	config->sources = options->sources;
	config->source_ports = options->source_ports;
	config->target_ports = options->target_ports;
	config->source_port_base = options->source_port;
	config->target_port_base = options->target_port;
	config->interval = options->pps ? 1000000000 / options->pps : 0;
	return build_frame(options, &addresses, frame, config);
}
