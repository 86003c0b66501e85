// SPDX-License-Identifier: GPL-2.0-only
/*
 * Forwards to other hosts at TC: what the packet looks like that is sent on. Routes come from the kernel's FIB, so
 * these tests have a network namespace of their own, as in test_routed.c: OTHER lies behind a router's interface,
 * which talks to it as HOST; PEER behind another. Whether it arrives is tested end to end.
 */
#include <string.h>

#include "crossing.h"
#include "namespace.h"
#include "rows.h"

static void enter_router(void)
{
	enter_namespace();
	run_command("ip addr add 8.0.0.1/32 dev lo && ip addr add 2001:db8:86dd::1/128 dev lo nodad");
	run_command("ip link add r0 type veth peer name r1 && ip link set r0 up && ip link set r1 up");
	run_command("ip addr add 8.0.9.1/24 dev r0 && ip addr add 2001:db8:86dd:9::1/64 dev r0 nodad");
	run_command("ip route add 8.0.0.2 dev r0 && ip route add 2001:db8:86dd::2 dev r0");
	run_command("ip route add 8.0.9.9 dev r0 src 8.0.0.1");
	run_command("ip route add 2001:db8:86dd:9::9 dev r0 src 2001:db8:86dd::1");
	run_command("echo 1 > /proc/sys/net/ipv4/ip_forward && echo 1 > /proc/sys/net/ipv6/conf/all/forwarding");
	fixture_open();
}

TestSuite(remote, .init = enter_router, .fini = fixture_close);

#define POLICY                                                                                                         \
	"forward 8080:8.0.9.9:2988 keep-source\n"                                                                      \
	"forward 8080:[2001:db8:86dd:9::9]:2988 keep-source"

/* One hop less, and other addresses and ports. */
#define TO_TARGET   .to = OTHER, .hop_limit = 63
#define FROM_TARGET .from = OTHER, .to = PEER, .sport = 2988
#define TO_CLIENT   .from = HOST, .to = PEER, .sport = 8080, .hop_limit = 63

/* Both families would want the client's own port at the target, so each has a scene of its own. */
static void begin_connections(enum family family)
{
	static const struct packet begin[] = {UDP(8080), TCP(8080, SYN)};
	static struct outcome outcome;
	struct frame f;

	SCENE();
	set_policy(POLICY);
	for (size_t i = 0; i < ARRAY_SIZE(begin); i++) {
		build(&f, &begin[i], family, ARRIVES);
		send_uncounted(ON_TC, ARRIVES, &f, &outcome);
		cr_assert_eq(outcome.action, ANSWERED, "no connection [%s]", family_name(family));
	}
}

static void every_checksum(enum family family)
{
	const struct crossing crossings[] = {
		{ON_TC, family, ARRIVES, ANSWERED, UDP(8080), UDP(2988, TO_TARGET)},
		{ON_TC, family, ARRIVES, ANSWERED, UDP(40000, FROM_TARGET), UDP(40000, TO_CLIENT)},
		{ON_TC, family, ARRIVES, ANSWERED, TCP(8080, ACK), TCP(2988, ACK, TO_TARGET)},
	};

	for (size_t i = 0; i < ARRAY_SIZE(crossings); i++)
		cross_all(&crossings[i]);
}

/* The packet sent on, compared whole. */
static void send_on(enum family family, const struct packet *before, const struct packet *after)
{
	static struct outcome outcome;
	struct frame sent, expected;

	build(&sent, before, family, ARRIVES);
	build(&expected, after, family, ARRIVES);
	send_uncounted(ON_TC, ARRIVES, &sent, &outcome);
	cr_expect(outcome.action == ANSWERED && outcome.frame.size == expected.size &&
			  !memcmp(outcome.frame.bytes, expected.bytes, expected.size),
		  "protocol %u, port %u [%s]: not sent on as it should be", before->protocol, before->dport,
		  family_name(family));
}

/* Without a checksum, with one that cannot be told to be complete, in parts; and an error about a packet. */
static void what_is_not_plain(enum family family)
{
	static const struct packet none = UDP(8080, .no_checksum = true);
	static const struct packet none_sent = UDP(2988, TO_TARGET, .no_checksum = true);
	static const struct packet options = UDP(8080, .options = BYTES("\x94\x04\x00\x00"), .chain = {DESTINATION});
	static const struct packet options_sent =
		UDP(2988, TO_TARGET, .options = BYTES("\x94\x04\x00\x00"), .chain = {DESTINATION});
	static const struct packet first = UDP(8080, .fragment = {.given = true, .more = true, .id = 1}, .data = 24);
	static const struct packet first_sent =
		UDP(2988, TO_TARGET, .fragment = {.given = true, .more = true, .id = 1}, .data = 24);
	static const struct packet later = RAW(IPPROTO_UDP, .fragment = {.given = true, .offset = 32, .id = 1});
	static const struct packet later_sent =
		RAW(IPPROTO_UDP, TO_TARGET, .fragment = {.given = true, .offset = 32, .id = 1});
	static const struct packet quoted = UDP(2988, .from = PEER, .to = OTHER, .no_checksum = true);
	static const struct packet quoted_sent = UDP(8080, .from = PEER, .to = HOST, .no_checksum = true);
	static const struct packet error = ICMP(UNREACHABLE, .from = OTHER, .to = PEER, .quoted = &quoted);
	static const struct packet error_sent =
		ICMP(UNREACHABLE, .from = HOST, .to = PEER, .hop_limit = 63, .quoted = &quoted_sent);

	send_on(family, &none, &none_sent);
	send_on(family, &options, &options_sent);
	send_on(family, &first, &first_sent);
	send_on(family, &later, &later_sent);
	send_on(family, &error, &error_sent);
}

static void send_all(void)
{
	for (enum family family = V4; family <= V6; family++) {
		begin_connections(family);
		every_checksum(family);
		what_is_not_plain(family);
	}
}

/* The kernel would drop them, but what is sent on it does not see. */
static void addresses_that_stay(enum hooks hooks, enum family family)
{
	static const struct packet packets[] = {UDP(8080, .from = UNSPECIFIED), UDP(8080, .to = LOOPBACK)};
	static struct outcome outcome;
	struct frame f;

	SCENE();
	set_policy(POLICY);
	for (size_t i = 0; i < ARRAY_SIZE(packets); i++) {
		build(&f, &packets[i], family, ARRIVES);
		send_frame(hooks, ARRIVES, &f, NULL, &outcome);
		cr_expect(outcome.action == DROPPED && outcome.reason == XDPFW_R_DEFAULT, "%zu [%s]: reason %d", i,
			  family_name(family), outcome.reason);
	}
}

Test(remote, nobody_and_loopback)
{
	for (enum family family = V4; family <= V6; family++) {
		addresses_that_stay(ON_TC, family);
		addresses_that_stay(ON_XDP, family);
	}
}

Test(remote, checksums)
{
	send_all();
}

Test(remote, summed_up_by_the_driver)
{
	if (!sum_up())
		cr_skip_test("this kernel's test runs do not compare CHECKSUM_COMPLETE (Linux 6.16)");
	send_all();
}

#define MASQUERADED                                                                                                    \
	"forward 8080:8.0.9.9:2988/udp\n"                                                                              \
	"forward 8080:8.0.9.9:2988/sctp\n"                                                                             \
	"forward 8080:[2001:db8:86dd:9::9]:2988/udp\n"                                                                 \
	"forward 8080:[2001:db8:86dd:9::9]:2988/sctp"

/* The source port of a new connection to the target. */
static __u16 port_given(__u8 protocol, enum family family)
{
	const struct packet request = {.protocol = protocol, .dport = 8080};
	static struct outcome outcome;
	struct frame f;

	build(&f, &request, family, ARRIVES);
	send_frame(ON_TC, ARRIVES, &f, NULL, &outcome);
	cr_assert(outcome.action == ANSWERED && outcome.twin_agrees, "protocol %u: not forwarded", protocol);
	return outcome.frame.bytes[f.l4] << 8 | outcome.frame.bytes[f.l4 + 1];
}

/* What this host itself sends to the target from that port. */
static void send_own(__u8 protocol, enum family family, __u16 port, struct outcome *outcome)
{
	const struct packet own = {.protocol = protocol, .to = OTHER, .sport = port, .dport = 2988};
	struct frame f;

	build(&f, &own, family, LEAVES);
	send_frame(ON_TC, LEAVES, &f, NULL, outcome);
	cr_expect(outcome->twin_agrees && !outcome->twin_wrote);
}

/* To the target a program of this host and a client of the forward are the same sender, if their ports are. Whoever comes
 * second gets another one, or no further. (Programs with sockets: test_clash.py.) */
static void begin_twice(__u8 protocol, enum family family)
{
	static struct outcome outcome;
	__u16 port;

	SCENE();
	set_policy(MASQUERADED);
	port = port_given(protocol, family);
	watch_twin(true);
	send_own(protocol, family, port, &outcome);
	cr_expect(outcome.verdict == XDPFW_REJECT && outcome.reason == XDPFW_R_PORT_CLASH,
		  "protocol %u: would be answered at the client [%s]", protocol, family_name(family));
	pass_time(3600);
	send_own(protocol, family, port, &outcome);
	cr_expect_eq(outcome.action, PASSED, "protocol %u: the forwarded one is over", protocol);
	watch_twin(false);
	cr_expect_neq(port_given(protocol, family), port, "protocol %u: the port that a program has [%s]", protocol,
		      family_name(family));
	pass_time(3600);
	cr_expect_eq(port_given(protocol, family), port, "protocol %u: that is over, too", protocol);
}

Test(remote, ports_of_programs)
{
	for (enum family family = V4; family <= V6; family++) {
		begin_twice(IPPROTO_UDP, family);
		begin_twice(IPPROTO_SCTP, family);
	}
}
