// SPDX-License-Identifier: GPL-2.0-only
#include "frames.h"
#include "../bitwise_crc32c.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <string.h>

#define PAYLOAD       16
#define SOURCE_PORT   40000
#define HOP_LIMIT     64
#define QUOTED_L4     8
#define ALLOWED_PORT  22
#define CHAIN_MAX     10
#define DONT_FRAGMENT 0x4000

static const char *const places[NR_PLACES][2] = {
	[HOST] = {"8.0.0.1", "2001:db8:86dd::1"},
	[PEER] = {"8.0.0.2", "2001:db8:86dd::2"},
	[OTHER] = {"8.0.9.9", "2001:db8:86dd:9::9"},
	[UNSPECIFIED] = {"0.0.0.0", "::"},
	[LOOPBACK] = {"127.0.0.1", "::1"},
	[GROUP] = {"239.1.2.3", "ff05::123"},
	[BROADCAST] = {"255.255.255.255", "ff02::1"},
	[MDNS_GROUP] = {"224.0.0.251", "ff02::fb"},
	[LINK_LOCAL] = {"169.254.7.7", "fe80::7"},
	[MAPPED] = {NULL, "::ffff:8.0.0.2"},
};

const char *address(enum place place, enum family family)
{
	const char *text = places[place][family == V6];

	cr_assert(text, "no such address in %s", family_name(family));
	return text;
}

const char *family_name(enum family family)
{
	return family == V4 ? "v4" : "v6";
}

/* Writing */

static void *append(struct frame *f, size_t size)
{
	void *place = f->bytes + f->size;

	cr_assert_leq(f->size + size, FRAME_MAX);
	memset(place, 0, size);
	f->size += size;
	return place;
}

static void put8(struct frame *f, __u8 value)
{
	*(__u8 *)append(f, 1) = value;
}

static void put16(struct frame *f, __u16 value)
{
	put8(f, value >> 8);
	put8(f, value & 0xff);
}

static void put32(struct frame *f, __u32 value)
{
	put16(f, value >> 16);
	put16(f, value & 0xffff);
}

static void put_bytes(struct frame *f, const void *data, size_t size)
{
	memcpy(append(f, size), data, size);
}

static void set(struct frame *f, size_t offset, size_t size, __u32 value)
{
	cr_assert_leq(offset + size, f->size, "a lie beyond the end of the frame");
	while (size--) {
		f->bytes[offset + size] = value & 0xff;
		value >>= 8;
	}
}

static __u16 get16(const struct frame *f, size_t offset)
{
	return f->bytes[offset] << 8 | f->bytes[offset + 1];
}

/* Checksums (RFC 1071) */

static __u32 sum(const unsigned char *data, size_t size, __u32 start)
{
	__u64 total = start;

	for (size_t i = 0; i < size; i++)
		total += i % 2 ? data[i] : data[i] << 8;
	while (total >> 16)
		total = (total & 0xffff) + (total >> 16);
	return total;
}

static __u32 pseudo_sum(const struct frame *f, enum family family, __u8 protocol, size_t size)
{
	size_t addresses = family == V4 ? 8 : 32;

	return sum(f->bytes + f->l3 + (family == V4 ? 12 : 8), addresses, protocol + size);
}

static __u32 l4_sum(const struct frame *f, enum family family, __u8 protocol, size_t size)
{
	return sum(f->bytes + f->l4, size, protocol == IPPROTO_ICMP ? 0 : pseudo_sum(f, family, protocol, size));
}

static size_t checksum_offset(__u8 protocol)
{
	switch (protocol) {
	case IPPROTO_TCP:
		return 16;
	case IPPROTO_UDP:
		return 6;
	default:
		return 2;
	}
}

static void fix_l4_checksum(struct frame *f, const struct packet *p, enum family family, __u8 protocol)
{
	size_t size = f->size - f->l4;
	__u16 check;

	if (p->headless || (p->protocol == IPPROTO_UDP && p->no_checksum))
		return;
	if (protocol == IPPROTO_SCTP) {
		set(f, f->l4 + 8, 4, htonl(bitwise_crc32c(f->bytes + f->l4, size)));
		return;
	}
	check = ~l4_sum(f, family, protocol, size);
	if (protocol == IPPROTO_UDP && check == 0)
		check = 0xffff; /* RFC 768: 0 means "none" */
	set(f, f->l4 + checksum_offset(protocol), 2, check);
}

static void fix_ipv4_checksum(struct frame *f)
{
	size_t header = (f->bytes[f->l3] & 15) * 4;

	set(f, f->l3 + 10, 2, 0);
	set(f, f->l3 + 10, 2, ~sum(f->bytes + f->l3, header, 0) & 0xffff);
}

/* Layers */

static void put_ethernet(struct frame *f, const struct packet *p, enum family family, enum way way)
{
	static const unsigned char macs[2][6] = {{2, 0, 0, 0, 0, 1}, {2, 0, 0, 0, 0, 2}};

	put_bytes(f, macs[way == LEAVES], 6);
	if (p->to_group)
		f->bytes[0] |= 1;
	put_bytes(f, macs[way == ARRIVES], 6);
	for (size_t i = 0; i < sizeof(p->tags) / sizeof(p->tags[0]) && p->tags[i].type; i++) {
		put16(f, p->tags[i].type);
		put16(f, p->tags[i].id);
	}
	if (p->ethertype)
		put16(f, p->ethertype);
	else
		put16(f, family == V4 ? IPV4_TYPE : IPV6_TYPE);
}

static void put_address(struct frame *f, enum place place, enum family family)
{
	void *to = append(f, family == V4 ? 4 : 16);

	cr_assert_eq(inet_pton(family == V4 ? AF_INET : AF_INET6, address(place, family), to), 1);
}

static void put_addresses(struct frame *f, const struct packet *p, enum family family, enum way way)
{
	put_address(f, p->from ? p->from : way == ARRIVES ? PEER : HOST, family);
	put_address(f, p->to ? p->to : way == ARRIVES ? HOST : PEER, family);
}

static void put_ipv4(struct frame *f, const struct packet *p, enum way way)
{
	const struct fragment *fragment = &p->fragment;

	put8(f, 0x40 | (5 + p->options.size / 4));
	put8(f, 0);
	put16(f, 0); /* total length, later */
	put16(f, fragment->id);
	put16(f, fragment->given ? (fragment->more ? 0x2000 : 0) | fragment->offset / 8 : DONT_FRAGMENT);
	put8(f, p->hop_limit ? p->hop_limit : HOP_LIMIT);
	put8(f, p->protocol);
	put16(f, 0); /* checksum, later */
	put_addresses(f, p, V4, way);
	put_bytes(f, p->options.data, p->options.size);
	f->l4 = f->size;
}

static void put_fragment_header(struct frame *f, const struct fragment *fragment, __u8 next)
{
	put8(f, next);
	put8(f, 0);
	put16(f, fragment->offset | fragment->more);
	put32(f, fragment->id);
}

static void put_extension(struct frame *f, const struct packet *p, const struct extension *extension, __u8 next)
{
	size_t size = extension->size ? extension->size : extension->type == IPPROTO_AH ? 24 : 8;
	unsigned char *body;

	if (extension->type == IPPROTO_FRAGMENT) {
		put_fragment_header(f, &p->fragment, next);
		return;
	}
	body = append(f, size);
	body[0] = next;
	body[1] = extension->type == IPPROTO_AH ? size / 4 - 2 : size / 8 - 1;
	if (extension->type == IPPROTO_ROUTING) {
		body[2] = extension->routing_type;
	} else if (extension->type != IPPROTO_AH && size == 8) {
		body[2] = 1; /* PadN, over the four bytes behind it */
		body[3] = 4;
	}
}

static bool names_fragment(const struct extension *chain, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (chain[i].type == IPPROTO_FRAGMENT)
			return true;
	return false;
}

/* The chain with its fragment header; returns how many there are. */
static size_t complete_chain(const struct packet *p, struct extension chain[CHAIN_MAX])
{
	size_t count = 0, given = sizeof(p->chain) / sizeof(p->chain[0]);

	for (; count < given && (p->chain[count].type || p->chain[count].size); count++)
		chain[count] = p->chain[count];
	if (p->fragment.given && !names_fragment(chain, count))
		chain[count++] = (struct extension){.type = IPPROTO_FRAGMENT};
	return count;
}

static void put_ipv6(struct frame *f, const struct packet *p, __u8 protocol, enum way way)
{
	struct extension chain[CHAIN_MAX];
	size_t count = complete_chain(p, chain);

	put32(f, 6U << 28);
	put16(f, 0); /* payload length, later */
	put8(f, count ? chain[0].type : protocol);
	put8(f, p->hop_limit ? p->hop_limit : HOP_LIMIT);
	put_addresses(f, p, V6, way);
	for (size_t i = 0; i < count; i++)
		put_extension(f, p, &chain[i], i + 1 < count ? chain[i + 1].type : protocol);
	f->l4 = f->size;
}

static void put_ports(struct frame *f, const struct packet *p)
{
	put16(f, p->sport ? p->sport : SOURCE_PORT);
	put16(f, p->dport);
}

static void put_tcp(struct frame *f, const struct packet *p)
{
	put_ports(f, p);
	put32(f, p->seq);
	put32(f, p->ack);
	put8(f, 5 << 4);
	put8(f, p->flags);
	append(f, 6); /* window, checksum, urgent pointer */
}

static void put_sctp(struct frame *f, const struct packet *p)
{
	put_ports(f, p);
	append(f, 8); /* tag, checksum */
}

static void put_icmp(struct frame *f, const struct packet *p, enum family family)
{
	put8(f, p->type[family == V6]);
	put8(f, p->code[family == V6]);
	put16(f, 0);
	put16(f, p->id);
	put16(f, 0);
}

static void put_quoted(struct frame *f, const struct packet *p, enum family family, enum way way)
{
	struct frame quoted;
	size_t size;

	build(&quoted, p->quoted, family, way == ARRIVES ? LEAVES : ARRIVES);
	size = quoted.l4 - quoted.l3 + (p->quoted_l4 ? p->quoted_l4 : QUOTED_L4);
	cr_assert_leq(quoted.l3 + size, quoted.size);
	put_bytes(f, quoted.bytes + quoted.l3, size);
}

static void put_payload(struct frame *f, const struct packet *p)
{
	int size = p->data == NO_DATA ? 0 : p->data ? p->data : PAYLOAD;
	unsigned char *data = append(f, size);

	for (int i = 0; i < size; i++)
		data[i] = i * 7 + 1;
	if (p->word)
		set(f, f->size - size, 2, p->word);
}

static void put_l4(struct frame *f, const struct packet *p, enum family family, __u8 protocol)
{
	if (p->headless)
		return;
	switch (protocol) {
	case IPPROTO_TCP:
		put_tcp(f, p);
		break;
	case IPPROTO_UDP:
		put_ports(f, p);
		append(f, 4); /* length, checksum */
		break;
	case IPPROTO_SCTP:
		put_sctp(f, p);
		break;
	default:
		put_icmp(f, p, family);
	}
}

static void fix_lengths(struct frame *f, const struct packet *p, enum family family)
{
	if (family == V4)
		set(f, f->l3 + 2, 2, f->size - f->l3 + p->longer);
	else
		set(f, f->l3 + 4, 2, f->size - f->l3 - 40 + p->longer);
	if (p->protocol == IPPROTO_UDP && !p->headless)
		set(f, f->l4 + 4, 2, f->size - f->l4);
}

static void tell_lies(struct frame *f, const struct packet *p)
{
	for (size_t i = 0; i < sizeof(p->lies) / sizeof(p->lies[0]) && p->lies[i].layer; i++) {
		const struct lie *lie = &p->lies[i];

		set(f, (lie->layer == AT_IP ? f->l3 : f->l4) + lie->offset, lie->size, lie->value);
	}
}

void build(struct frame *f, const struct packet *p, enum family family, enum way way)
{
	__u8 protocol = family == V6 && p->protocol == IPPROTO_ICMP ? IPPROTO_ICMPV6 : p->protocol;

	f->size = 0;
	put_ethernet(f, p, family, way);
	f->l3 = f->size;
	if (family == V4)
		put_ipv4(f, p, way);
	else
		put_ipv6(f, p, protocol, way);
	put_l4(f, p, family, protocol);
	if (p->quoted)
		put_quoted(f, p, family, way);
	else
		put_payload(f, p);
	fix_lengths(f, p, family);
	fix_l4_checksum(f, p, family, protocol);
	if (family == V4)
		fix_ipv4_checksum(f);
	tell_lies(f, p);
	for (size_t i = 0; i < p->trailer / 2; i++)
		put16(f, ALLOWED_PORT);
}

void strip_ethernet(struct frame *f)
{
	cr_assert_eq(f->l3, ETHERNET_SIZE, "a tag has no place without an Ethernet header");
	f->size -= ETHERNET_SIZE;
	f->l3 = 0;
	f->l4 -= ETHERNET_SIZE;
	memmove(f->bytes, f->bytes + ETHERNET_SIZE, f->size);
}

void shorten(struct frame *f, enum family family, size_t size)
{
	f->size = size;
	if (family == V4) {
		set(f, f->l3 + 2, 2, size - f->l3);
		fix_ipv4_checksum(f);
	} else {
		set(f, f->l3 + 4, 2, size - f->l3 - 40);
	}
}

static __u8 protocol_of(const struct frame *f, enum family family)
{
	return f->bytes[f->l3 + (family == V4 ? 9 : 6)];
}

bool looks_incomplete(const struct frame *f, enum family family)
{
	__u8 protocol = protocol_of(f, family);

	return get16(f, f->l4 + checksum_offset(protocol)) == pseudo_sum(f, family, protocol, f->size - f->l4);
}

bool checksums_hold(const struct frame *f, enum family family)
{
	__u8 protocol = protocol_of(f, family);

	if (family == V4 && sum(f->bytes + f->l3, f->l4 - f->l3, 0) != 0xffff)
		return false;
	if (protocol == IPPROTO_UDP && get16(f, f->l4 + 6) == 0)
		return family == V4;
	return l4_sum(f, family, protocol, f->size - f->l4) == 0xffff;
}
