// SPDX-License-Identifier: GPL-2.0-only
/* What `explain` asks about: endpoints in words, packets as bytes. */
#include "packet.h"
#include "parse_endpoint.h"
#include "unit.h"

#include <arpa/inet.h>

Test(parse_endpoint, accepts)
{
	static const struct {
		const char *word, *addr;
		int port;
	} cases[] = {
		{":22", NULL, 22},
		{"192.0.2.1:0", "192.0.2.1", 0},
		{"192.0.2.1", "192.0.2.1", -1},
		{"2001:db8::1", "2001:db8::1", -1},
		{"[2001:db8::1]", "2001:db8::1", -1},
		{"[2001:db8::1]:65535", "2001:db8::1", 65535},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char text[ADDR_TEXT_MAX];
		struct endpoint endpoint;

		cr_assert_eq(parse_endpoint(cases[i].word, &endpoint, NULL), 0, "%s", cases[i].word);
		cr_expect_eq(endpoint.has_addr, cases[i].addr != NULL, "%s", cases[i].word);
		cr_expect_eq(endpoint.has_port, cases[i].port >= 0, "%s", cases[i].word);
		if (cases[i].addr)
			cr_expect_str_eq(format_addr(&endpoint.addr, text), cases[i].addr);
		if (cases[i].port >= 0)
			cr_expect_eq(endpoint.port, cases[i].port, "%s", cases[i].word);
	}
}

Test(parse_endpoint, refuses)
{
	static const struct refusal cases[] = {
		{"", "'': not an endpoint; write 192.0.2.1:22, [2001:db8::1]:22, :22 or an address"},
		{"[]:22", "'[]:22': not an endpoint; write 192.0.2.1:22, [2001:db8::1]:22, :22 or an address"},
		{"[::1", "'[::1': not an endpoint; write 192.0.2.1:22, [2001:db8::1]:22, :22 or an address"},
		{"[::1]22", "'[::1]22': not an endpoint; write 192.0.2.1:22, [2001:db8::1]:22, :22 or an address"},
		{"[192.0.2.1]:22",
		 "'[192.0.2.1]:22': not an endpoint; write 192.0.2.1:22, [2001:db8::1]:22, :22 or an address"},
		{":70000", "'70000': ports are 0..65535"},
		{"210.10.94.277:8082", "'210.10.94.277:8082': 277 is no octet of an IPv4 address; octets are 0..255"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct endpoint endpoint;
		struct error e = {};

		cr_expect_eq(parse_endpoint(cases[i].input, &endpoint, &e), -EINVAL, "%s", cases[i].input);
		cr_expect_str_eq(e.text, cases[i].text);
	}
}

static struct packet packet(int family, __u8 protocol)
{
	struct packet p = {.family = family, .protocol = protocol, .tcp_flags = TCP_FLAG_SYN, .icmp_type = 8};

	p.has_ports = protocol == IPPROTO_TCP || protocol == IPPROTO_UDP || protocol == IPPROTO_SCTP;
	p.from_port = p.has_ports ? 5555 : 0;
	p.to_port = p.has_ports ? 22 : 0;
	inet_pton(AF_INET6, family == 4 ? "::ffff:198.51.100.7" : "2001:db8::7", &p.from);
	inet_pton(AF_INET6, family == 4 ? "::ffff:192.0.2.1" : "2001:db8::1", &p.to);
	return p;
}

Test(packet, reads_what_it_built)
{
	static const __u8 protocols[] = {IPPROTO_TCP, IPPROTO_UDP, IPPROTO_SCTP, IPPROTO_ICMP, IPPROTO_ICMPV6, 47};

	for (int family = 4; family <= 6; family += 2) {
		for (size_t i = 0; i < ARRAY_SIZE(protocols); i++) {
			struct packet p = packet(family, protocols[i]), read;
			char text[PACKET_TEXT_MAX], again[PACKET_TEXT_MAX];
			struct twin_frame f;

			packet_build(&p, &f);
			packet_read(&f, &read);
			cr_expect_str_eq(packet_text(&read, again), packet_text(&p, text));
			cr_expect_geq(f.size, TWIN_FRAME_LEAST - 20U * (family == 4));
		}
	}
}

/* Ones' complement sum of a part of a frame, with what the pseudo-header adds. */
static unsigned int sum(const unsigned char *bytes, size_t size, unsigned int sum)
{
	for (size_t i = 0; i < size; i += 2)
		sum += bytes[i] << 8 | (i + 1 < size ? bytes[i + 1] : 0);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

Test(packet, checksums_hold)
{
	static const __u8 protocols[] = {IPPROTO_TCP, IPPROTO_UDP, IPPROTO_ICMPV6};

	for (int family = 4; family <= 6; family += 2) {
		for (size_t i = 0; i < ARRAY_SIZE(protocols); i++) {
			struct packet p = packet(family, protocols[i]);
			size_t l4 = 14 + (family == 4 ? 20 : 40);
			unsigned int pseudo;
			struct twin_frame f;

			packet_build(&p, &f);
			pseudo = sum(p.from.bytes, 16, sum(p.to.bytes, 16, p.protocol + f.size - l4));
			cr_expect_eq(sum(f.bytes + l4, f.size - l4, pseudo), 0xffff, "IPv%d, %u", family, p.protocol);
			if (family == 4)
				cr_expect_eq(sum(f.bytes + 14, 20, 0), 0xffff);
		}
	}
}

Test(packet, tells)
{
	struct packet p = packet(6, IPPROTO_TCP);
	char text[PACKET_TEXT_MAX];

	p.tcp_flags = TCP_FLAG_SYN | TCP_FLAG_ACK;
	cr_expect_str_eq(packet_text(&p, text), "tcp [2001:db8::7]:5555 > [2001:db8::1]:22 SYN,ACK");
	p = packet(4, IPPROTO_ICMP);
	cr_expect_str_eq(packet_text(&p, text), "icmp 198.51.100.7 > 192.0.2.1 type 8");
	p.family = 0;
	cr_expect_str_eq(packet_text(&p, text), "not IP");
}
