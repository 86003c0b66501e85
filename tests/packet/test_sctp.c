// SPDX-License-Identifier: GPL-2.0-only
/*
 * Forwards of SCTP. Its checksum is over the whole packet and is mended without reading it: expected frames are built from
 * scratch, so each row compares it with one that is reckoned bit by bit.
 */
#include <arpa/inet.h>
#include <string.h>

#include "../bitwise_crc32c.h"
#include "rows.h"

TestSuite(sctp, .init = fixture_open, .fini = fixture_close);

#define LINK    "forward 8080:2988/sctp"
#define ONE_WAY LINK " one-way"

/* The type of the first chunk stands in the first byte of the payload, which makes it an INIT unless told otherwise. */
#define DATA        .word = 0x0003
#define COOKIE_ECHO .word = 0x0a00
#define NOT_SUMMED  .lies = {{AT_L4, 8, 4, 0}}
#define DEEP        .options = BYTES("\x94\x04\x00\x00"), .chain = {HOP_BY_HOP, DESTINATION}
#define FIRST(id_)  .fragment = {.given = true, .more = true, .id = (id_)}, .data = 36
#define LATER(id_)  RAW(IPPROTO_SCTP, .fragment = {.given = true, .offset = 48, .id = (id_)}, .data = 24)

/* The payload's third and fourth byte are the length of the first chunk, 3862: so long is a packet of one chunk. */
#define ONE_CHUNK 3864

/* A chunk that ends in the first fragment says nothing of the packet's length. */
#define SHORT_CHUNK .lies = {{AT_L4, 14, 2, 20}}

static const struct packet in_2988 = SCTP(2988), in_8080 = SCTP(8080);
static const struct packet out_8080 = SCTP(40000, .sport = 8080), out_2988 = SCTP(40000, .sport = 2988);

static void linked_ports_swap(void)
{
	static const struct packet bare = SCTP(2988, .data = NO_DATA), odd = SCTP(2988, .data = 1);
	static const struct packet deep = SCTP(40000, .sport = 8080, DEEP, .data = 1001);
	static const struct packet tagged = SCTP(2988, .tags = {{VLAN, 5}}), padded = SCTP(2988, .trailer = 20);
	static const struct packet data = SCTP(2988, DATA, .data = 1400);
	static const struct row rows[] = {
		{"in, listening port", SCTP(8080), PASSES(FORWARD), .rule = 1, .becomes = &in_2988},
		{"in, target", SCTP(2988), PASSES(FORWARD), .rule = 1, .becomes = &in_8080},
		{"out, from the target", SCTP(40000, .sport = 2988), .leaves = true, PASSES(DEFAULT),
		 .becomes = &out_8080},
		{"out, from the listening port", SCTP(40000, .sport = 8080), .leaves = true, PASSES(DEFAULT),
		 .becomes = &out_2988},
		{"no INIT: a link has no state", SCTP(8080, DATA, .data = 1400), PASSES(FORWARD), .rule = 1,
		 .becomes = &data},
		{"no chunk", SCTP(8080, .data = NO_DATA), PASSES(FORWARD), .rule = 1, .becomes = &bare,
		 .hooks = ON_ETHERNET},
		{"an odd length", SCTP(8080, .data = 1), PASSES(FORWARD), .rule = 1, .becomes = &odd,
		 .hooks = ON_ETHERNET},
		{"options, extension headers", SCTP(40000, .sport = 2988, DEEP, .data = 1001), .leaves = true,
		 PASSES(DEFAULT), .becomes = &deep},
		{"tags", SCTP(8080, .tags = {{VLAN, 5}}), PASSES(FORWARD), .rule = 1, .becomes = &tagged,
		 .hooks = ON_ETHERNET},
		{"padding", SCTP(8080, .trailer = 20), PASSES(FORWARD), .rule = 1, .becomes = &padded},
		{"another port", SCTP(8081), DROPS(DEFAULT)},
		{"another protocol", UDP(8080), DROPS(DEFAULT), IN(8080)},
	};

	PLAY(LINK, rows);
}

/* What the device will sum up has 0 for a checksum, and keeps it. */
static void left_to_the_device(void)
{
	static const struct packet in = SCTP(2988, NOT_SUMMED), out = SCTP(40000, .sport = 8080, NOT_SUMMED);
	static const struct row rows[] = {
		{"in", SCTP(8080, NOT_SUMMED), PASSES(FORWARD), .rule = 1, .becomes = &in},
		{"out", SCTP(40000, .sport = 2988, NOT_SUMMED), .leaves = true, PASSES(DEFAULT), .becomes = &out},
	};

	PLAY(LINK, rows);
}

/* TRAPS 19. The checksum is not quoted; only that of the ICMP message covers the ports. */
static void icmp_errors(void)
{
	static const struct packet about_2988 = ICMP(UNREACHABLE, .from = OTHER, .quoted = &out_2988);
	static const struct packet about_8080 = ICMP(UNREACHABLE, .code = PORT_UNREACHABLE, .quoted = &in_8080);
	static const struct row rows[] = {
		{"about what left by the link", ICMP(UNREACHABLE, .from = OTHER, .quoted = &out_8080),
		 PASSES(ESSENTIAL), .becomes = &about_2988},
		{"this host complains", ICMP(UNREACHABLE, .code = PORT_UNREACHABLE, .quoted = &in_2988), .leaves = true,
		 PASSES(DEFAULT), .becomes = &about_8080},
	};

	PLAY(LINK, rows);
}

/* The checksum is over all fragments, and can be mended in the first if their length is known. */
static void fragments_of_unknown_length(void)
{
	static const struct row rows[] = {
		{"first", SCTP(8080, FIRST(1), SHORT_CHUNK), DROPS(FRAGMENT)},
		{"later", LATER(1), DROPS(FRAGMENT)},
		{"going out", SCTP(40000, .sport = 2988, FIRST(2), SHORT_CHUNK), .leaves = true, DROPS(FRAGMENT)},
		{"of another port", SCTP(22, FIRST(3), SHORT_CHUNK), PASSES(RULE), .rule = 2},
		{"its later one", LATER(3), PASSES(FRAGMENT)},
	};

	PLAY(LINK "\nallow in 22/sctp", rows);
}

/* The first fragment of a packet of one chunk: what the packet begins with, its checksum included. */
static void build_first(struct frame *f, __u16 port, enum family family)
{
	const struct packet whole = SCTP(port, .data = ONE_CHUNK), first = SCTP(port, FIRST(1));
	static struct frame all;

	build(&all, &whole, family, ARRIVES);
	build(f, &first, family, ARRIVES);
	memcpy(f->bytes + f->l4, all.bytes + all.l4, f->size - f->l4);
}

static void expect_mended(enum family family)
{
	static struct frame sent, expected;
	static struct outcome outcome;

	build_first(&sent, 8080, family);
	build_first(&expected, 2988, family);
	send_frame(ON_TC, ARRIVES, &sent, NULL, &outcome);
	cr_expect(outcome.action == PASSED && memcmp(outcome.frame.bytes, expected.bytes, expected.size) == 0,
		  "%s: not rewritten, or another checksum", family_name(family));
}

static void fragments_of_one_chunk(void)
{
	static const struct row later = {"later", LATER(1), PASSES(FRAGMENT)};

	SCENE();
	set_policy(LINK);
	expect_mended(V4);
	play_row(&later, ON_TC, V4);
	expect_mended(V6);
	play_row(&later, ON_TC, V6);
}

static void requests_one_way_answers_the_other(void)
{
	static const struct packet data_in = SCTP(2988, DATA), zero_out = SCTP(40000, .sport = 8080, NOT_SUMMED);
	static const struct row rows[] = {
		{"out of the blue", SCTP(8080, COOKIE_ECHO), DROPS(NO_STATE)},
		{"INIT", SCTP(8080), PASSES(FORWARD), .rule = 1, .becomes = &in_2988},
		{"INIT ACK", SCTP(40000, .sport = 2988), .leaves = true, PASSES(REPLY), .rule = 1 + ANSWERS,
		 .becomes = &out_8080},
		{"DATA", SCTP(8080, DATA), PASSES(FORWARD), .rule = 1, .becomes = &data_in},
		{"left to the device", SCTP(40000, .sport = 2988, NOT_SUMMED), .leaves = true, PASSES(REPLY),
		 .rule = 1 + ANSWERS, .becomes = &zero_out},
		{"the target is not opened", SCTP(2988, .sport = 41000), DROPS(DEFAULT)},
		{"nor does it answer for others", SCTP(41000, .sport = 2988), .leaves = true, PASSES(DEFAULT)},
		{"UDP of the same endpoints", UDP(8080), DROPS(DEFAULT), IN(8080)},
		{"fragments", SCTP(8080, DATA, FIRST(1), SHORT_CHUNK), DROPS(FRAGMENT)},
		{"of answers, too", SCTP(40000, .sport = 2988, DATA, FIRST(2), SHORT_CHUNK), .leaves = true,
		 DROPS(FRAGMENT)},
		{"time passes: less", SCTP(8080, DATA), PASSES(FORWARD), .rule = 1, .becomes = &data_in, .later = 205},
		{"and more", SCTP(8080, DATA), DROPS(NO_STATE), .later = 212},
	};

	PLAY(ONE_WAY, rows);
}

static void put_parameter(struct frame *f, size_t offset, __u16 type, __u16 length)
{
	const __u16 header[] = {htons(type), htons(length)};

	memcpy(f->bytes + f->l4 + offset, header, sizeof(header));
}

/* An INIT whose parameters have these types: an IPv4 address, the families that are known, an IPv6 address, the first again. */
static void build_init(struct frame *f, __u16 port, enum family family, __u16 v4, __u16 v6, bool summed)
{
	const struct packet init = SCTP(port, .sport = family == V4 ? 40000 : 41000, .data = 20 + 8 + 8 + 20 + 8);
	__u32 crc = 0;

	build(f, &init, family, ARRIVES);
	put_parameter(f, 32, v4, 8);
	put_parameter(f, 40, 12, 6);
	put_parameter(f, 48, v6, 20);
	put_parameter(f, 68, v4, 8);
	memcpy(f->bytes + f->l4 + 8, &crc, sizeof(crc));
	if (summed)
		crc = bitwise_crc32c(f->bytes + f->l4, f->size - f->l4);
	memcpy(f->bytes + f->l4 + 8, &crc, sizeof(crc));
}

/* An association by a forward has one way: other addresses become padding (RFC 4820), of which the checksum knows. */
static void hides_addresses(enum family family, bool summed)
{
	static struct frame sent, expected;
	static struct outcome outcome;

	build_init(&sent, 8080, family, 5, 6, summed);
	build_init(&expected, 2988, family, 0x8005, 0x8005, summed);
	send_frame(ON_TC, ARRIVES, &sent, NULL, &outcome);
	cr_expect(outcome.action == PASSED && memcmp(outcome.frame.bytes, expected.bytes, expected.size) == 0,
		  "%s: not rewritten, or another checksum", family_name(family));
}

static void other_addresses(void)
{
	SCENE();
	set_policy(ONE_WAY);
	for (int summed = 0; summed < 2; summed++) {
		hides_addresses(V4, summed);
		hides_addresses(V6, summed);
	}
}

/* A link has no state that one address could be missing in. */
static void linked_addresses_stay(void)
{
	static struct frame sent, expected;
	static struct outcome outcome;

	SCENE();
	set_policy(LINK);
	build_init(&sent, 8080, V4, 5, 6, true);
	build_init(&expected, 2988, V4, 5, 6, true);
	send_frame(ON_TC, ARRIVES, &sent, NULL, &outcome);
	cr_expect(outcome.action == PASSED && memcmp(outcome.frame.bytes, expected.bytes, expected.size) == 0);
}

/* UDP and SCTP share the places of connections; one does not stand for the other. */
static void beside_udp(void)
{
	static const struct packet udp_in = UDP(2989), udp_out = UDP(40000, .sport = 8080);
	static const struct packet sctp_in = SCTP(2988, .sport = 41000), sctp_out = SCTP(41000, .sport = 8080);
	static const struct row rows[] = {
		{"UDP", UDP(8080), PASSES(FORWARD), .rule = 2, IN(8080), .becomes = &udp_in},
		{"its answer", UDP(40000, .sport = 2989), .leaves = true, PASSES(REPLY), .rule = 2 + ANSWERS, IN(8080),
		 .becomes = &udp_out},
		{"SCTP is none", SCTP(40000, .sport = 2989), .leaves = true, PASSES(DEFAULT)},
		{"nor a request", SCTP(8080, DATA), DROPS(NO_STATE)},
		{"SCTP from a fresh port", SCTP(8080, .sport = 41000), PASSES(FORWARD), .rule = 1, .becomes = &sctp_in},
		{"answered", SCTP(41000, .sport = 2988), .leaves = true, PASSES(REPLY), .rule = 1 + ANSWERS,
		 .becomes = &sctp_out},
		{"UDP is no answer", UDP(41000, .sport = 2988), .leaves = true, PASSES(DEFAULT), OUT(41000)},
	};

	PLAY(ONE_WAY "\nforward 8080:2989/udp one-way", rows);
}

/* As in test_forward.c; of SCTP not even a chunk in the midst may reach what this host has at the port, which would end the
 * association by ABORT. */
static void a_place_lost_on_the_way(void)
{
	const struct packet init = SCTP(8080), data = SCTP(8080, DATA), direct = SCTP(2988, DATA);
	static struct outcome outcome;
	static struct frame f;

	SCENE();
	set_policy("allow in 2988/sctp\n" ONE_WAY);
	build_for(&f, &init, ON_XDP, V4, ARRIVES);
	send_behind_xdp(&f, &outcome);
	cr_expect(outcome.action == DROPPED && outcome.reason == XDPFW_R_NO_PORT);
	build_for(&f, &data, ON_XDP, V6, ARRIVES);
	send_behind_xdp(&f, &outcome);
	cr_expect(outcome.action == DROPPED && outcome.reason == XDPFW_R_NO_PORT);
	build_for(&f, &direct, ON_XDP, V4, ARRIVES);
	send_behind_xdp(&f, &outcome);
	cr_expect(outcome.action == PASSED && outcome.nr_reasons == 0, "nobody forwards this one");
}

/* Of each length, there and back, with every byte compared. */
static void cross(enum hooks hooks, enum family family, enum way way, int data)
{
	const struct packet before = way == ARRIVES ? (struct packet)SCTP(8080) : (struct packet)SCTP(9, .sport = 2988);
	const struct packet after = way == ARRIVES ? (struct packet)SCTP(2988) : (struct packet)SCTP(9, .sport = 8080);
	struct packet sent_packet = before, expected_packet = after;
	static struct outcome outcome;
	static struct frame sent, expected;

	sent_packet.data = expected_packet.data = data;
	build(&sent, &sent_packet, family, way);
	build(&expected, &expected_packet, family, way);
	if (!can_send(hooks, way, &sent))
		return;
	send_uncounted(hooks, way, &sent, &outcome);
	if (outcome.action != PASSED || memcmp(outcome.frame.bytes, expected.bytes, expected.size))
		cr_expect_fail("%d bytes [%s %s]: not rewritten, or another checksum", data, hooks_name(hooks),
			       family_name(family));
}

static void every_length(void)
{
	SCENE();
	set_policy(LINK);
	for (int data = 1; data <= 1440; data++) {
		cross(ON_TC, V4, ARRIVES, data);
		cross(ON_TC, V6, LEAVES, data);
		cross(ON_XDP, V6, ARRIVES, data);
	}
	forget_counts();
}

Test(sctp, tables)
{
	watch_twin(true);
	linked_ports_swap();
	left_to_the_device();
	icmp_errors();
	requests_one_way_answers_the_other();
	watch_twin(false);
	fragments_of_unknown_length();
	fragments_of_one_chunk();
	beside_udp();
	other_addresses();
	linked_addresses_stay();
	a_place_lost_on_the_way();
}

/* The same, each packet summed up by the driver. */
Test(sctp, summed_up_by_the_driver)
{
	if (!sum_up())
		cr_skip_test("this kernel's test runs do not compare CHECKSUM_COMPLETE (Linux 6.16)");
	linked_ports_swap();
	left_to_the_device();
	icmp_errors();
	requests_one_way_answers_the_other();
	fragments_of_one_chunk();
	beside_udp();
	other_addresses();
}

Test(sctp, checksums)
{
	every_length();
}
