// SPDX-License-Identifier: GPL-2.0-only
/* Rules, defaults, directions, and what is counted for whom. */
#include "rig.h"
#include "rows.h"
#include "store.h"

TestSuite(policy, .init = fixture_open, .fini = fixture_close);

static void a_new_instance_denies_in_and_allows_out(void)
{
	static const struct row rows[] = {
		{"TCP request", TCP(22, SYN), DROPS(DEFAULT), IN(22)},
		{"UDP request", UDP(53), DROPS(DEFAULT), IN(53)},
		{"unknown protocol", RAW(47), DROPS(DEFAULT)},
		{"tunnel", RAW(IPPROTO_IPV6), DROPS(DEFAULT), .families = V6},
		{"tunnel", RAW(IPPROTO_IPIP), DROPS(DEFAULT)},
		{"SCTP", SCTP(22), DROPS(DEFAULT)},
		{"nothing behind the header", RAW(IPPROTO_NONE, .data = NO_DATA), DROPS(DEFAULT), .hooks = ON_XDP},
		{"TCP request out", TCP(25, SYN), .leaves = true, PASSES(DEFAULT), OUT(25)},
		{"UDP request out", UDP(123), .leaves = true, PASSES(DEFAULT), OUT(123)},
		{"tunnel out", RAW(47), .leaves = true, PASSES(DEFAULT)},
		{"SCTP out", SCTP(22), .leaves = true, PASSES(DEFAULT)},
	};

	PLAY("", rows);
}

static void the_other_way_round(void)
{
	static const struct row rows[] = {
		{"TCP request", TCP(22, SYN), PASSES(DEFAULT), IN(22)},
		{"UDP request", UDP(65535), PASSES(DEFAULT), IN(65535)},
		{"unknown protocol", RAW(47), PASSES(DEFAULT)},
		{"TCP request out", TCP(25, SYN), .leaves = true, DROPS(DEFAULT), OUT(25)},
		{"UDP request out", UDP(123), .leaves = true, DROPS(DEFAULT), OUT(123)},
		{"SCTP out", SCTP(22), .leaves = true, DROPS(DEFAULT)},
	};

	PLAY("default allow in\ndefault deny out\n", rows);
}

static void rules_have_a_direction_a_protocol_and_ports(void)
{
	static const char policy[] = "allow in 22/tcp\n"
				     "allow in 6000-6010\n"
				     "deny out 25/tcp\n"
				     "allow in 65535/udp\n";
	static const struct row rows[] = {
		{"the port", TCP(22, SYN), PASSES(RULE), .rule = 1, IN(22)},
		{"the other protocol", UDP(22), DROPS(DEFAULT), IN(22)},
		{"the port out", TCP(22, SYN), .leaves = true, PASSES(DEFAULT), OUT(22)},
		{"below the range", UDP(5999), DROPS(DEFAULT), IN(5999)},
		{"its first", UDP(6000), PASSES(RULE), .rule = 2, IN(6000)},
		{"its last", TCP(6010, SYN), PASSES(RULE), .rule = 2, IN(6010)},
		{"above it", TCP(6011, SYN), DROPS(DEFAULT), IN(6011)},
		{"denied out", TCP(25, SYN), .leaves = true, DROPS(RULE), .rule = 3, OUT(25)},
		{"denied out, other protocol", UDP(25), .leaves = true, PASSES(DEFAULT), OUT(25)},
		{"denied out, comes in", TCP(25, SYN), DROPS(DEFAULT), IN(25)},
		{"the last port", UDP(65535), PASSES(RULE), .rule = 4, IN(65535)},
		{"a source port is no destination", UDP(9, .sport = 6000), DROPS(DEFAULT), IN(9)},
		{"SCTP is another protocol", SCTP(22), DROPS(DEFAULT)},
	};

	PLAY(policy, rows);
}

static void the_first_rule_that_matches_decides(void)
{
	static const char policy[] = "deny in 20-30/tcp\n"
				     "allow in 22\n"
				     "reject in 80/tcp\n"
				     "allow in any\n"
				     "deny in 443\n"
				     "deny out 53\n"
				     "allow out any\n";
	static const struct row rows[] = {
		{"denied before it is allowed", TCP(22, SYN), DROPS(RULE), .rule = 1, IN(22)},
		{"only the other protocol is denied", UDP(22), PASSES(RULE), .rule = 2, IN(22)},
		{"rejected before it is allowed", TCP(80, RST), REJECTS(RULE), .rule = 3, IN(80)},
		{"allowed before it is denied", TCP(443, SYN), PASSES(RULE), .rule = 4, IN(443)},
		{"any is every protocol", RAW(47), PASSES(RULE), .rule = 4},
		{"any is ping, too", ICMP(ECHO_REQUEST), PASSES(RULE), .rule = 4},
		{"out", UDP(53), .leaves = true, DROPS(RULE), .rule = 6, OUT(53)},
		{"out, any", RAW(47), .leaves = true, PASSES(RULE), .rule = 7},
	};

	PLAY(policy, rows);
}

#define TIMESTAMP BRACED(13, 255)

static void rules_for_other_protocols(void)
{
	static const char policy[] = "allow in 22/sctp\n"
				     "allow in proto gre\n"
				     "deny in icmp/echo-request\n"
				     "allow in icmp/timestamp-request\n"
				     "deny out 9/sctp\n"
				     "deny out proto 99\n"
				     "deny out icmp6\n";
	static const struct row rows[] = {
		{"SCTP", SCTP(22), PASSES(RULE), .rule = 1},
		{"SCTP, another port", SCTP(23), DROPS(DEFAULT)},
		{"SCTP, port 0", SCTP(0), DROPS(PORT_ZERO)},
		{"TCP of that port", TCP(22, SYN), DROPS(DEFAULT), IN(22)},
		{"GRE", RAW(IPPROTO_GRE), PASSES(RULE), .rule = 2},
		{"another number", RAW(99), DROPS(DEFAULT)},
		{"ping", ICMP(ECHO_REQUEST), DROPS(RULE), .rule = 3},
		{"timestamp request", ICMP(TIMESTAMP), PASSES(RULE), .rule = 4, .families = V4},
		{"SCTP out", SCTP(9), .leaves = true, DROPS(RULE), .rule = 5},
		{"SCTP out, another port", SCTP(22), .leaves = true, PASSES(DEFAULT)},
		{"a number out", RAW(99), .leaves = true, DROPS(RULE), .rule = 6},
		{"GRE out", RAW(IPPROTO_GRE), .leaves = true, PASSES(DEFAULT)},
		{"ping out", ICMP(ECHO_REQUEST), .leaves = true, PASSES(DEFAULT), .families = V4},
		{"ping out", ICMP(ECHO_REQUEST), .leaves = true, DROPS(RULE), .rule = 7, .families = V6},
	};

	PLAY(policy, rows);
}

/* TRAPS 9: port 0 is a port. */
static void port_zero_drops_unless_a_rule_names_it(void)
{
	static const struct row rows[] = {
		{"TCP", TCP(0, SYN), DROPS(PORT_ZERO), IN(0)},
		{"UDP", UDP(0), DROPS(PORT_ZERO), IN(0)},
		{"TCP out", TCP(0, SYN), .leaves = true, DROPS(PORT_ZERO), OUT(0)},
		{"UDP out", UDP(0), .leaves = true, DROPS(PORT_ZERO), OUT(0)},
		{"a rule for it", TCP(0, SYN), PASSES(RULE), .rule = 1, IN(0), .policy = "allow in 0/tcp"},
		{"and not for the other protocol", UDP(0), DROPS(PORT_ZERO), IN(0)},
		{"a range with it", UDP(0), PASSES(RULE), .rule = 1, IN(0), .policy = "allow in 0-9"},
	};

	PLAY("default allow in", rows);
}

/* A service's answers count under the service, whoever they go to. */
static void the_service_port_counts(void)
{
	static const struct row rows[] = {
		{"request in", TCP(22, SYN), PASSES(RULE), .rule = 1, IN(22)},
		{"its answer", TCP(40000, SYN | ACK, .sport = 22), .leaves = true, PASSES(DEFAULT), IN(22)},
		{"question in", UDP(53), PASSES(RULE), .rule = 2, IN(53)},
		{"its answer", UDP(40000, .sport = 53), .leaves = true, PASSES(DEFAULT), IN(53)},
		{"this host asks another's port 22", TCP(22, SYN), .leaves = true, PASSES(DEFAULT), OUT(22)},
		{"from the service port itself", TCP(53, SYN, .sport = 22), .leaves = true, PASSES(DEFAULT), OUT(53)},
		{"which is answered", TCP(22, SYN | ACK, .sport = 53), PASSES(RULE), .rule = 1, OUT(53)},
		{"while others still ask", TCP(22, SYN, .sport = 54), PASSES(RULE), .rule = 1, IN(22)},
	};

	PLAY("allow in 22/tcp\nallow in 53/udp", rows);
}

/* Where no state tells, by the destination port. */
static void under_default_allow_the_destination_counts(void)
{
	static const struct row rows[] = {
		{"in", TCP(22, SYN), PASSES(DEFAULT), IN(22)},
		{"out", TCP(80, SYN, .sport = 22), .leaves = true, PASSES(DEFAULT), OUT(80)},
		{"answer in", TCP(40000, ACK, .sport = 80), PASSES(DEFAULT), IN(40000)},
	};

	PLAY("default allow in", rows);
}

/* TRAPS 24: a GSO packet is as many packets as it has segments. */
static void segments_are_counted(void)
{
	static const struct row rows[] = {
		{"45 segments in", TCP(22, ACK, .data = 2000), PASSES(RULE), .rule = 1, IN(22), .hooks = ON_TC | ON_L3,
		 .skb = {.gso_segs = 45}},
		{"3 segments dropped", TCP(23, ACK, .data = 2000), DROPS(DEFAULT), IN(23), .hooks = ON_TC | ON_L3,
		 .skb = {.gso_segs = 3}},
		{"7 segments out", TCP(9, ACK, .data = 2000), .leaves = true, PASSES(DEFAULT), OUT(9),
		 .skb = {.gso_segs = 7}},
		{"one", TCP(22, ACK), PASSES(RULE), .rule = 1, IN(22), .skb = {.gso_segs = 1}},
	};

	PLAY("allow in 22", rows);
}

static void what_is_not_ip(void)
{
	static const struct row rows[] = {
		{"ARP", RAW(0, .ethertype = ARP), PASSES(ESSENTIAL), .hooks = ON_ETHERNET},
		{"ARP out", RAW(0, .ethertype = ARP), .leaves = true, PASSES(ESSENTIAL), .hooks = ON_ETHERNET},
		{"ARP with a tag", RAW(0, .ethertype = ARP, .tags = {{VLAN, 9}}), PASSES(ESSENTIAL),
		 .hooks = ON_ETHERNET},
		{"LLDP", RAW(0, .ethertype = LLDP), PASSES(NOT_IP), .hooks = ON_ETHERNET},
		{"LLDP out", RAW(0, .ethertype = LLDP), .leaves = true, PASSES(NOT_IP), .hooks = ON_ETHERNET},
		{"LLDP, by option", RAW(0, .ethertype = LLDP), DROPS(NOT_IP), .hooks = ON_ETHERNET,
		 .policy = "option non-ip off\nallow in any"},
		{"LLDP out, by option", RAW(0, .ethertype = LLDP), .leaves = true, DROPS(NOT_IP), .hooks = ON_ETHERNET},
		{"ARP, still", RAW(0, .ethertype = ARP), PASSES(ESSENTIAL), .hooks = ON_ETHERNET},
	};

	PLAY("deny in any\ndeny out any", rows);
}

static void count_often(const struct packet *packet, enum hooks hooks, enum family family, int times)
{
	static struct outcome outcome;
	struct frame f;

	build_for(&f, packet, hooks, family, ARRIVES);
	send_often(hooks, ARRIVES, &f, times, &outcome);
	cr_expect_eq(outcome.rule_count.packets, times, "%d: rule", times);
	cr_expect_eq(outcome.rule_count.bytes, times * f.size, "%d: rule", times);
	cr_expect_eq(outcome.port.count.packets, times, "%d: port", times);
	cr_expect_eq(outcome.port.count.bytes, times * f.size, "%d: port", times);
	cr_expect_eq(outcome.reason_count.packets, times, "%d: reason", times);
	cr_expect_eq(outcome.reason_count.bytes, times * f.size, "%d: reason", times);
}

/*
 * Drops and rules are counted in a small delta that is added to the count when it is full, of packets or of bytes, and
 * at once for a packet that is too long or too short for it: nothing gets lost.
 */
static void many_packets(void)
{
	static const int times[] = {1, 2, 62, 63, 64, 65, 300};
	static const struct packet dropped = TCP(23, SYN), passed = UDP(22), jumbo = TCP(23, ACK, .data = 8900),
				   empty = UDP(23), padded = UDP(23, .data = 18);

	SCENE();
	set_policy("deny in 23\nallow in 22");
	for (size_t i = 0; i < ARRAY_SIZE(times); i++) {
		count_often(&dropped, ON_XDP, V4, times[i]);
		count_often(&passed, ON_XDP, V6, times[i]);
		count_often(&jumbo, ON_XDP, V6, times[i]);
		count_often(&empty, ON_XDP, V4, times[i]);
		count_often(&padded, ON_XDP, V4, times[i]);
		count_often(&padded, ON_TC, V6, times[i]);
		count_often(&dropped, ON_L3, V4, times[i]);
	}
}

/* Long and short ones in turns, on one port: what the delta holds is added together with what it does not. */
static void packets_of_many_sizes(void)
{
	struct xdpfw_count count;
	__u64 bytes = 0;

	SCENE();
	set_policy("deny in 23");
	forget_counts();
	for (unsigned int i = 0; i < 500; i++) {
		const struct packet packet = UDP(23, .data = i * i % 1400);
		static struct outcome outcome;
		struct frame f;

		build_for(&f, &packet, ON_XDP, V4, ARRIVES);
		send_uncounted(ON_XDP, ARRIVES, &f, &outcome);
		bytes += f.size;
	}
	count = store_total(
		&rig.port_counts[xdpfw_port_counts_index(rig.cpu, XDPFW_IN, XDPFW_UDP, XDPFW_DROPPED)].ports[23],
		&rig.tallies[rig.cpu].drops[XDPFW_IN][XDPFW_UDP].ports[23]);
	cr_expect_eq(count.packets, 500);
	cr_expect_eq(count.bytes, bytes);
	forget_counts();
}

static void count_on(unsigned int cpu)
{
	static const struct row row = {"on this CPU", TCP(22, SYN), PASSES(RULE), .rule = 1, IN(22)};

	move_to_cpu(cpu);
	play_row(&row, ON_XDP, V4);
	play_row(&row, ON_TC, V6);
}

/* Each CPU has counters of its own; what fixture.c finds for one was written for it. */
static void every_cpu_counts(void)
{
	SCENE();
	set_policy("allow in 22");
	for (unsigned int cpu = 0; cpu < nr_cpus(); cpu++)
		count_on(cpu);
}

Test(policy, rules_and_counters)
{
	a_new_instance_denies_in_and_allows_out();
	the_other_way_round();
	rules_have_a_direction_a_protocol_and_ports();
	the_first_rule_that_matches_decides();
	rules_for_other_protocols();
	port_zero_drops_unless_a_rule_names_it();
	what_is_not_ip();
	the_service_port_counts();
	under_default_allow_the_destination_counts();
	segments_are_counted();
	many_packets();
	packets_of_many_sizes();
	every_cpu_counts();
}
