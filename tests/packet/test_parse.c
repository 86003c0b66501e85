// SPDX-License-Identifier: GPL-2.0-only
/* TRAPS 1 to 7: what stands before the ports is walked, and what cannot be is dropped. */
#include "rows.h"

TestSuite(parse, .init = fixture_open, .fini = fixture_close);

static const char open_port_22[] = "allow in 22";

/* Padding in front of an option that matters, or behind it. */
#define NOP  "\x01"
#define NOP4 NOP NOP NOP NOP
#define END4 "\x00\x00\x00\x00"

/* Record route, with room for one address; pointer 4. */
#define RECORD_ROUTE "\x07\x07\x04\x00\x00\x00\x00"

#define LOOSE_SOURCE_ROUTE  "\x83\x07\x04\x08\x00\x00\x02"
#define STRICT_SOURCE_ROUTE "\x89\x07\x04\x08\x00\x00\x02"

/* TRAPS 1 */
static void ipv4_options(void)
{
	static const struct row rows[] = {
		{"no operation", TCP(22, SYN, .options = BYTES(NOP4)), PASSES(RULE), .rule = 1, IN(22)},
		{"no operation, closed", TCP(23, SYN, .options = BYTES(NOP4)), DROPS(DEFAULT), IN(23)},
		{"record route", UDP(22, .options = BYTES(RECORD_ROUTE NOP)), PASSES(RULE), .rule = 1, IN(22)},
		{"record route, closed", UDP(23, .options = BYTES(RECORD_ROUTE NOP)), DROPS(DEFAULT), IN(23)},
		{"record route out", UDP(23, .options = BYTES(RECORD_ROUTE NOP)), .leaves = true, PASSES(DEFAULT),
		 OUT(23)},
		{"an option that looks like ports", UDP(23, .options = BYTES("\x94\x04\x00\x16")), DROPS(DEFAULT),
		 IN(23)},
		{"40 bytes", UDP(22, .options = BYTES(NOP4 NOP4 NOP4 NOP4 NOP4 NOP4 NOP4 NOP4 NOP4 NOP4)), PASSES(RULE),
		 .rule = 1, IN(22)},
		{"40 bytes, closed", UDP(23, .options = BYTES(NOP4 NOP4 NOP4 NOP4 NOP4 NOP4 NOP4 NOP4 NOP4 NOP4)),
		 DROPS(DEFAULT), IN(23)},
		{"end of list", TCP(22, SYN, .options = BYTES(END4)), PASSES(RULE), .rule = 1, IN(22)},
		{"ping", ICMP(ECHO_REQUEST, .options = BYTES(NOP4)), PASSES(COURTESY)},
	};

	PLAY(open_port_22, rows);
}

static void ipv4_source_routing(void)
{
	static const struct row rows[] = {
		{"loose", TCP(22, SYN, .options = BYTES(LOOSE_SOURCE_ROUTE NOP)), DROPS(ROUTING_HEADER),
		 .families = V4},
		{"strict", TCP(22, SYN, .options = BYTES(STRICT_SOURCE_ROUTE NOP)), DROPS(ROUTING_HEADER),
		 .families = V4},
		{"out", TCP(22, SYN, .options = BYTES(LOOSE_SOURCE_ROUTE NOP)), .leaves = true, DROPS(ROUTING_HEADER),
		 .families = V4},
		{"behind no operation", UDP(22, .options = BYTES(NOP LOOSE_SOURCE_ROUTE)), DROPS(ROUTING_HEADER),
		 .families = V4},
		{"behind another option", UDP(22, .options = BYTES(RECORD_ROUTE STRICT_SOURCE_ROUTE NOP NOP)),
		 DROPS(ROUTING_HEADER), .families = V4},
		{"at the end of 40 bytes",
		 UDP(22, .options = BYTES(NOP4 NOP4 NOP4 NOP4 NOP4 NOP4 NOP4 NOP4 NOP LOOSE_SOURCE_ROUTE)),
		 DROPS(ROUTING_HEADER), .families = V4},
		{"inside another option", UDP(22, .options = BYTES("\x94\x09" LOOSE_SOURCE_ROUTE NOP NOP NOP)),
		 PASSES(RULE), .rule = 1, IN(22), .families = V4},
		{"behind the end of the list", UDP(22, .options = BYTES("\x00" LOOSE_SOURCE_ROUTE)), PASSES(RULE),
		 .rule = 1, IN(22), .families = V4},
		{"an option without length", UDP(22, .options = BYTES("\x94\x00" LOOSE_SOURCE_ROUTE NOP NOP NOP)),
		 DROPS(BAD_HEADER), .families = V4},
		{"an option of length 1", UDP(22, .options = BYTES("\x94\x01" LOOSE_SOURCE_ROUTE NOP NOP NOP)),
		 DROPS(BAD_HEADER), .families = V4},
		{"ping", ICMP(ECHO_REQUEST, .options = BYTES(LOOSE_SOURCE_ROUTE NOP)), DROPS(ROUTING_HEADER),
		 .families = V4},
	};

	PLAY(open_port_22, rows);
}

#define FOUR_OF(x) x, x, x, x

/* TRAPS 2 */
static void ipv6_extension_headers(void)
{
	static const struct row rows[] = {
		{"hop-by-hop", UDP(22, .chain = {HOP_BY_HOP}), PASSES(RULE), .rule = 1, IN(22), .families = V6},
		{"hop-by-hop, closed", UDP(23, .chain = {HOP_BY_HOP}), DROPS(DEFAULT), IN(23), .families = V6},
		{"destination options", TCP(22, SYN, .chain = {DESTINATION}), PASSES(RULE), .rule = 1, IN(22),
		 .families = V6},
		{"destination options, closed", TCP(23, SYN, .chain = {DESTINATION}), DROPS(DEFAULT), IN(23),
		 .families = V6},
		{"longest one", UDP(23, .chain = {{.type = IPPROTO_DSTOPTS, .size = 2048}}, .data = 2), DROPS(DEFAULT),
		 IN(23), .families = V6, .hooks = ON_XDP},
		{"out", UDP(23, .chain = {HOP_BY_HOP, DESTINATION}), .leaves = true, PASSES(DEFAULT), OUT(23),
		 .families = V6},
		{"hop-by-hop behind another", UDP(22, .chain = {DESTINATION, HOP_BY_HOP}), DROPS(BAD_HEADER),
		 .families = V6},
		{"8 headers", UDP(22, .chain = {FOUR_OF(DESTINATION), FOUR_OF(DESTINATION)}), PASSES(RULE), .rule = 1,
		 IN(22), .families = V6},
		{"8 headers, closed", UDP(23, .chain = {FOUR_OF(DESTINATION), FOUR_OF(DESTINATION)}), DROPS(DEFAULT),
		 IN(23), .families = V6},
		{"9 headers", UDP(22, .chain = {FOUR_OF(DESTINATION), FOUR_OF(DESTINATION), DESTINATION}),
		 DROPS(TOO_DEEP), .families = V6},
		{"9 headers out", UDP(22, .chain = {FOUR_OF(DESTINATION), FOUR_OF(DESTINATION), DESTINATION}),
		 .leaves = true, DROPS(TOO_DEEP), .families = V6},
		{"ping", ICMP(ECHO_REQUEST, .chain = {HOP_BY_HOP, DESTINATION}), PASSES(COURTESY), .families = V6},
		{"nothing behind the chain", RAW(IPPROTO_NONE, .chain = {DESTINATION}), DROPS(DEFAULT), .families = V6},
		{"a length beyond the datagram", UDP(22, .chain = {DESTINATION}, .lies = {{AT_IP, 41, 1, 200}}),
		 DROPS(BAD_LENGTH), .families = V6},
	};

	PLAY(open_port_22, rows);
}

/* TRAPS 2: its length counts words of 4, less 2. Taken for one of the others it would hide the ports. */
static void authentication_header(void)
{
	static const struct row rows[] = {
		{"24 bytes", UDP(22, .chain = {AUTHENTICATION}), PASSES(RULE), .rule = 1, IN(22), .families = V6},
		{"24 bytes, closed", UDP(23, .chain = {AUTHENTICATION}), DROPS(DEFAULT), IN(23), .families = V6},
		{"16 bytes", TCP(22, SYN, .chain = {{.type = IPPROTO_AH, .size = 16}}), PASSES(RULE), .rule = 1, IN(22),
		 .families = V6},
		{"between others", TCP(23, SYN, .chain = {HOP_BY_HOP, AUTHENTICATION, DESTINATION}), DROPS(DEFAULT),
		 IN(23), .families = V6},
		{"not walked in IPv4", RAW(IPPROTO_AH), DROPS(DEFAULT), .families = V4},
	};

	PLAY(open_port_22, rows);
}

/* TRAPS 3 */
static void ipv6_routing_headers(void)
{
	static const struct row rows[] = {
		{"type 0", TCP(22, SYN, .chain = {ROUTING(0)}), DROPS(ROUTING_HEADER), .families = V6},
		{"type 0 out", TCP(22, SYN, .chain = {ROUTING(0)}), .leaves = true, DROPS(ROUTING_HEADER),
		 .families = V6},
		{"type 0 behind others", TCP(22, SYN, .chain = {HOP_BY_HOP, DESTINATION, ROUTING(0)}),
		 DROPS(ROUTING_HEADER), .families = V6},
		{"type 0 under a ping", ICMP(ECHO_REQUEST, .chain = {ROUTING(0)}), DROPS(ROUTING_HEADER),
		 .families = V6},
		{"type 2", TCP(22, SYN, .chain = {ROUTING(2)}), PASSES(RULE), .rule = 1, IN(22), .families = V6},
		{"type 2, closed", TCP(23, SYN, .chain = {ROUTING(2)}), DROPS(DEFAULT), IN(23), .families = V6},
		{"type 4", UDP(22, .chain = {ROUTING(4)}), PASSES(RULE), .rule = 1, IN(22), .families = V6},
		{"type 4, closed", UDP(23, .chain = {ROUTING(4)}), DROPS(DEFAULT), IN(23), .families = V6},
		{"type 0 behind type 4", UDP(22, .chain = {ROUTING(4), ROUTING(0)}), DROPS(ROUTING_HEADER),
		 .families = V6},
	};

	PLAY(open_port_22, rows);
}

/* TRAPS 4: what is no extension header is not walked like one, and judged by its own number. */
static void unknown_protocols_are_not_walked(void)
{
	static const struct row rows[] = {
		{"ESP", RAW(IPPROTO_ESP), DROPS(DEFAULT)},
		{"GRE", RAW(IPPROTO_GRE), DROPS(DEFAULT)},
		{"IPv4 within", RAW(IPPROTO_IPIP), DROPS(DEFAULT)},
		{"IPv6 within", RAW(IPPROTO_IPV6), DROPS(DEFAULT)},
		{"mobility", RAW(135), DROPS(DEFAULT)},
		{"HIP", RAW(139), DROPS(DEFAULT)},
		{"shim6", RAW(140), DROPS(DEFAULT)},
		{"experiment", RAW(253), DROPS(DEFAULT)},
		{"hop-by-hop in IPv4", RAW(IPPROTO_HOPOPTS), DROPS(DEFAULT), .families = V4},
		{"destination options in IPv4", RAW(IPPROTO_DSTOPTS), DROPS(DEFAULT), .families = V4},
		{"ICMPv6 in IPv4", RAW(IPPROTO_ICMPV6), DROPS(BAD_HEADER), .families = V4},
		{"ICMP in IPv6", RAW(IPPROTO_ESP, .lies = {{AT_IP, 6, 1, IPPROTO_ICMP}}), DROPS(BAD_HEADER),
		 .families = V6},
	};

	PLAY("allow in 0-65535", rows);
}

/* TRAPS 5: Linux delivers all of these. */
static void vlan_tags(void)
{
	static const struct row rows[] = {
		{"one", TCP(22, SYN, .tags = {{VLAN, 5}}), PASSES(RULE), .rule = 1, IN(22), .hooks = ON_ETHERNET},
		{"one, closed", TCP(23, SYN, .tags = {{VLAN, 5}}), DROPS(DEFAULT), IN(23), .hooks = ON_ETHERNET},
		{"priority", UDP(22, .tags = {{VLAN, 0}}), PASSES(RULE), .rule = 1, IN(22), .hooks = ON_ETHERNET},
		{"priority, closed", UDP(23, .tags = {{VLAN, 0}}), DROPS(DEFAULT), IN(23), .hooks = ON_ETHERNET},
		{"802.1ad", UDP(22, .tags = {{QINQ, 7}}), PASSES(RULE), .rule = 1, IN(22), .hooks = ON_ETHERNET},
		{"802.1ad, closed", UDP(23, .tags = {{QINQ, 7}}), DROPS(DEFAULT), IN(23), .hooks = ON_ETHERNET},
		{"two", TCP(22, SYN, .tags = {{QINQ, 7}, {VLAN, 5}}), PASSES(RULE), .rule = 1, IN(22),
		 .hooks = ON_ETHERNET},
		{"two, closed", TCP(23, SYN, .tags = {{QINQ, 7}, {VLAN, 5}}), DROPS(DEFAULT), IN(23),
		 .hooks = ON_ETHERNET},
		{"two of a kind", TCP(23, SYN, .tags = {{VLAN, 0}, {VLAN, 0}}), DROPS(DEFAULT), IN(23),
		 .hooks = ON_ETHERNET},
		{"two, the other way round", TCP(23, SYN, .tags = {{VLAN, 5}, {QINQ, 7}}), DROPS(DEFAULT), IN(23),
		 .hooks = ON_ETHERNET},
		{"three", TCP(22, SYN, .tags = {{VLAN, 1}, {VLAN, 2}, {VLAN, 3}}), DROPS(TOO_DEEP),
		 .hooks = ON_ETHERNET},
		{"five", TCP(22, SYN, .tags = {{QINQ, 1}, {VLAN, 2}, {VLAN, 3}, {VLAN, 4}, {VLAN, 5}}), DROPS(TOO_DEEP),
		 .hooks = ON_ETHERNET},
		{"three out", TCP(22, SYN, .tags = {{VLAN, 1}, {VLAN, 2}, {VLAN, 3}}), .leaves = true, DROPS(TOO_DEEP),
		 .hooks = ON_ETHERNET},
		{"two out", TCP(22, SYN, .tags = {{VLAN, 1}, {VLAN, 2}}), .leaves = true, PASSES(DEFAULT), OUT(22),
		 .hooks = ON_ETHERNET},
		{"under an extension header", UDP(23, .tags = {{QINQ, 7}, {VLAN, 5}}, .chain = {HOP_BY_HOP}),
		 DROPS(DEFAULT), IN(23), .hooks = ON_ETHERNET},
	};

	PLAY(open_port_22, rows);
}

/* TRAPS 6: the datagram ends where its header says, and what lies behind is no header. */
static void padding(void)
{
	static const struct row rows[] = {
		{"behind a small datagram", TCP(22, SYN, .data = 1, .trailer = 40), PASSES(RULE), .rule = 1, IN(22)},
		{"closed, and open ports in the padding", UDP(23, .data = 1, .trailer = 60), DROPS(DEFAULT), IN(23)},
		{"ports in the padding only: UDP", RAW(IPPROTO_UDP, .data = NO_DATA, .trailer = 40), DROPS(BAD_LENGTH)},
		{"ports in the padding only: TCP", RAW(IPPROTO_TCP, .data = NO_DATA, .trailer = 40), DROPS(BAD_LENGTH)},
		{"half the ports in the padding", RAW(IPPROTO_UDP, .data = 2, .trailer = 40), DROPS(BAD_LENGTH)},
		{"ICMP in the padding", RAW(IPPROTO_ICMP, .data = NO_DATA, .trailer = 40), DROPS(BAD_LENGTH),
		 .families = V4},
		{"an extension header in the padding", RAW(IPPROTO_DSTOPTS, .data = NO_DATA, .trailer = 40),
		 DROPS(BAD_LENGTH), .families = V6},
		{"the end of one in the padding", UDP(22, .chain = {DESTINATION}, .longer = -28, .trailer = 20),
		 DROPS(BAD_LENGTH), .families = V6},
	};

	PLAY(open_port_22, rows);
}

/* TRAPS 7 */
static void lengths(void)
{
	static const struct row rows[] = {
		{"longer than the frame", TCP(22, SYN, .longer = 1), DROPS(BAD_LENGTH)},
		{"longest", TCP(22, SYN, .longer = 60000), DROPS(BAD_LENGTH)},
		{"longer out", TCP(22, SYN, .longer = 1), .leaves = true, DROPS(BAD_LENGTH)},
		{"IPv4 length 0", TCP(22, SYN, .lies = {{AT_IP, 2, 2, 0}}), DROPS(BAD_LENGTH), .families = V4},
		{"IPv4 length 19", TCP(22, SYN, .lies = {{AT_IP, 2, 2, 19}}), DROPS(BAD_LENGTH), .families = V4},
		{"IPv6 length 0", TCP(22, SYN, .lies = {{AT_IP, 4, 2, 0}}), DROPS(BAD_LENGTH), .families = V6},
		{"IPv6 jumbogram", UDP(22, .chain = {HOP_BY_HOP}, .lies = {{AT_IP, 4, 2, 0}}), DROPS(BAD_LENGTH),
		 .families = V6},
		{"header longer than the datagram", UDP(22, .data = 8, .lies = {{AT_IP, 0, 1, 0x4f}}),
		 DROPS(BAD_LENGTH), .families = V4},
		{"header length 0", UDP(22, .lies = {{AT_IP, 0, 1, 0x40}}), DROPS(BAD_HEADER), .families = V4},
		{"header length 4", UDP(22, .lies = {{AT_IP, 0, 1, 0x44}}), DROPS(BAD_HEADER), .families = V4},
		{"version 6 under IPv4", UDP(22, .lies = {{AT_IP, 0, 1, 0x65}}), DROPS(BAD_HEADER), .families = V4,
		 .hooks = ON_ETHERNET},
		{"version 5", UDP(22, .lies = {{AT_IP, 0, 1, 0x55}}), DROPS(BAD_HEADER), .hooks = ON_ETHERNET},
		{"version 4 under IPv6", UDP(22, .lies = {{AT_IP, 0, 1, 0x45}}), DROPS(BAD_HEADER), .families = V6,
		 .hooks = ON_ETHERNET},
		{"UDP length 0", UDP(22, .lies = {{AT_L4, 4, 2, 0}}), DROPS(BAD_LENGTH)},
		{"UDP length 7", UDP(22, .lies = {{AT_L4, 4, 2, 7}}), DROPS(BAD_LENGTH)},
		{"UDP length 8, with data", UDP(22, .lies = {{AT_L4, 4, 2, 8}}), PASSES(RULE), .rule = 1, IN(22)},
		{"UDP longer than the datagram", UDP(22, .lies = {{AT_L4, 4, 2, 25}}), DROPS(BAD_LENGTH)},
		{"UDP longer, but for the padding", UDP(22, .lies = {{AT_L4, 4, 2, 25}}, .trailer = 8),
		 DROPS(BAD_LENGTH)},
		{"TCP offset 0", TCP(22, SYN, .lies = {{AT_L4, 12, 1, 0x00}}), DROPS(BAD_HEADER)},
		{"TCP offset 4", TCP(22, SYN, .lies = {{AT_L4, 12, 1, 0x40}}), DROPS(BAD_HEADER)},
		{"TCP offset 9, all there", TCP(22, SYN, .lies = {{AT_L4, 12, 1, 0x90}}), PASSES(RULE), .rule = 1,
		 IN(22)},
		{"TCP offset 10, not there", TCP(22, SYN, .lies = {{AT_L4, 12, 1, 0xa0}}), DROPS(BAD_LENGTH)},
		{"TCP offset 15 out", TCP(22, SYN, .lies = {{AT_L4, 12, 1, 0xf0}}), .leaves = true, DROPS(BAD_LENGTH)},
	};

	PLAY(open_port_22, rows);
}

/* BIG TCP: the length does not fit into 16 bits, and only a GSO packet may say 0. */
static void big_tcp(void)
{
	static const struct row rows[] = {
		{"in", TCP(22, ACK, .lies = {{AT_IP, 2, 2, 0}}), PASSES(RULE), .rule = 1, IN(22), .families = V4,
		 .hooks = ON_TC | ON_L3, .skb = {.gso_segs = 3}},
		{"in", TCP(22, ACK, .lies = {{AT_IP, 4, 2, 0}}), PASSES(RULE), .rule = 1, IN(22), .families = V6,
		 .hooks = ON_TC | ON_L3, .skb = {.gso_segs = 3}},
		{"closed", TCP(23, ACK, .lies = {{AT_IP, 2, 2, 0}}), DROPS(DEFAULT), IN(23), .families = V4,
		 .hooks = ON_TC | ON_L3, .skb = {.gso_segs = 3}},
		{"closed", TCP(23, ACK, .lies = {{AT_IP, 4, 2, 0}}), DROPS(DEFAULT), IN(23), .families = V6,
		 .hooks = ON_TC | ON_L3, .skb = {.gso_segs = 3}},
		{"no GSO", TCP(22, ACK, .lies = {{AT_IP, 2, 2, 0}}), DROPS(BAD_LENGTH), .families = V4,
		 .hooks = ON_TC | ON_L3},
	};

	PLAY(open_port_22, rows);
}

/* XDP sees the first buffer of a jumbo frame; its length is that of all. */
static void jumbo_frames(void)
{
	static const struct row rows[] = {
		{"allowed", TCP(22, ACK, .data = 8900), PASSES(RULE), .rule = 1, IN(22), .hooks = ON_XDP},
		{"closed", UDP(23, .data = 8900), DROPS(DEFAULT), IN(23), .hooks = ON_XDP},
		{"longer than all buffers", UDP(22, .data = 8900, .longer = 1), DROPS(BAD_LENGTH), .hooks = ON_XDP},
	};

	PLAY(open_port_22, rows);
}

Test(parse, headers_and_lengths)
{
	ipv4_options();
	ipv4_source_routing();
	ipv6_extension_headers();
	authentication_header();
	ipv6_routing_headers();
	unknown_protocols_are_not_walked();
	vlan_tags();
	padding();
	lengths();
	big_tcp();
	jumbo_frames();
}
