// SPDX-License-Identifier: GPL-2.0-only
/* The compiler by example: what a few lines become. Rules have the counters 1, 2, ..., forwards 1001, 1002, ... */
#include "compiled_text.h"
#include "unit.h"

/* The mark of cells for `in` has a test of its own. */
static __u32 unmarked(__u32 cell)
{
	return cell & ~XDPFW_ASK_ROUTED;
}

static __u32 in_tcp(int port)
{
	return unmarked(compiled.ports[XDPFW_IN][XDPFW_TCP].cells[port]);
}

static __u32 in_udp(int port)
{
	return unmarked(compiled.ports[XDPFW_IN][XDPFW_UDP].cells[port]);
}

static __u32 in_icmp(int family, int type)
{
	return unmarked(compiled.head.icmp_types[XDPFW_IN][family][type]);
}

static __u32 in_protocol(int protocol)
{
	return unmarked(compiled.head.protocols[XDPFW_IN][protocol]);
}

static __u32 out_udp(int port)
{
	return compiled.ports[XDPFW_OUT][XDPFW_UDP].cells[port];
}

Test(compile, no_statements)
{
	compile_text("");
	cr_expect_eq(in_tcp(0), xdpfw_decision(XDPFW_DROP, XDPFW_R_PORT_ZERO, 0));
	cr_expect_eq(in_tcp(22), xdpfw_decision(XDPFW_DROP, XDPFW_R_DEFAULT, 0));
	cr_expect_eq(out_udp(0), xdpfw_decision(XDPFW_DROP, XDPFW_R_PORT_ZERO, 0));
	cr_expect_eq(out_udp(53), xdpfw_decision(XDPFW_PASS, XDPFW_R_DEFAULT, 0));
	cr_expect_eq(in_protocol(47), xdpfw_decision(XDPFW_DROP, XDPFW_R_DEFAULT, 0));
	cr_expect_eq(compiled.head.flags, XDPFW_PASS_NOT_IP, "port 0 alone does not make OUT_DENIES");
}

Test(compile, the_first_rule_that_matches_decides)
{
	compile_text("deny in 20-30/tcp\nallow in 22\nreject in any\nallow in 80\n");
	cr_expect_eq(in_tcp(22), xdpfw_decision(XDPFW_DROP, XDPFW_R_RULE, 1));
	cr_expect_eq(in_udp(22), xdpfw_decision(XDPFW_PASS, XDPFW_R_RULE, 2));
	cr_expect_eq(in_tcp(80), xdpfw_decision(XDPFW_REJECT, XDPFW_R_RULE, 3));
	cr_expect_eq(in_tcp(0), xdpfw_decision(XDPFW_REJECT, XDPFW_R_RULE, 3), "a rule overrules port 0");
	cr_expect_eq(in_protocol(132), xdpfw_decision(XDPFW_REJECT, XDPFW_R_RULE, 3));
	cr_expect_eq(in_icmp(0, 8), xdpfw_decision(XDPFW_REJECT, XDPFW_R_RULE, 3));
	cr_expect_eq(compiled.head.protocols[XDPFW_OUT][132], xdpfw_decision(XDPFW_PASS, XDPFW_R_DEFAULT, 0));
}

Test(compile, a_forward_lets_in_and_links)
{
	compile_text("deny in 2988\nforward 8080:2988/tcp\nallow in 8081\n");
	cr_expect_eq(in_tcp(8080), xdpfw_decision(XDPFW_PASS, XDPFW_R_FORWARD, 1001));
	cr_expect_eq(in_tcp(2988), xdpfw_decision(XDPFW_DROP, XDPFW_R_RULE, 1), "a rule comes before a forward");
	cr_expect_eq(in_udp(8080), xdpfw_decision(XDPFW_DROP, XDPFW_R_DEFAULT, 0));
	cr_expect_eq(compiled.ports[XDPFW_OUT][XDPFW_TCP].cells[8080], xdpfw_decision(XDPFW_PASS, XDPFW_R_DEFAULT, 0));
	cr_expect_eq(compiled.links[XDPFW_TCP].delta[8080], 8080 ^ 2988);
	cr_expect_eq(compiled.links[XDPFW_TCP].delta[2988], 8080 ^ 2988);
	cr_expect_eq(compiled.links[XDPFW_UDP].delta[8080], 0);
	cr_expect_eq(compiled.head.flags, XDPFW_PASS_NOT_IP | XDPFW_HAS_LINKS);
}

static __u16 listener(int table, int family, int port)
{
	return compiled.listeners[table][family].ports[port];
}

Test(compile, ranges_are_linked_port_by_port)
{
	compile_text("forward 8000-8002:9000-9002/tcp\nforward 80,443:1080,1443/udp\n");
	for (int i = 0; i < 3; i++) {
		cr_expect_eq(compiled.links[XDPFW_TCP].delta[8000 + i], (8000 + i) ^ (9000 + i));
		cr_expect_eq(compiled.links[XDPFW_TCP].delta[9000 + i], (8000 + i) ^ (9000 + i));
		cr_expect_eq(in_tcp(9000 + i), xdpfw_decision(XDPFW_PASS, XDPFW_R_FORWARD, 1001));
	}
	cr_expect_eq(compiled.links[XDPFW_TCP].delta[8003], 0);
	cr_expect_eq(compiled.links[XDPFW_UDP].delta[443], 443 ^ 1443);
	cr_expect_eq(in_udp(1080), xdpfw_decision(XDPFW_PASS, XDPFW_R_FORWARD, 1002));
}

static bool is_elsewhere(int family, const struct xdpfw_addr *address)
{
	__u32 bit = xdpfw_address_bit(address);

	return compiled.listeners[XDPFW_UDP][family].elsewhere[bit / 64] >> bit % 64 & 1;
}

/* One port may be both: listened on here, and what it leads to. */
Test(compile, a_forward_to_the_same_port_elsewhere)
{
	compile_text("forward 53:10.0.0.5:53/udp keep-source\n");
	cr_expect_eq(listener(XDPFW_UDP, 0, 53), 1 | XDPFW_TARGETED_ELSEWHERE);
	cr_expect_eq(xdpfw_listening(listener(XDPFW_UDP, 0, 53)), 1);
	compile_text("forward 53:10.0.0.5:53/udp\n");
	cr_expect_eq(listener(XDPFW_UDP, 0, 53), 1);
	cr_expect_not(is_elsewhere(0, &compiled.forwards[1].targets[0].addr));
}

Test(compile, a_one_way_forward_listens_on_one_end)
{
	compile_text("forward 8000-8001:9000-9001/tcp one-way\n");
	cr_expect_eq(in_tcp(8001), xdpfw_decision(XDPFW_DROP, XDPFW_R_DEFAULT, 0),
		     "it lets in what it takes by itself");
	cr_expect_eq(in_tcp(9001), xdpfw_decision(XDPFW_DROP, XDPFW_R_DEFAULT, 0), "its target is not opened");
	for (int family = 0; family < 2; family++) {
		cr_expect_eq(listener(XDPFW_TCP, family, 8000), 1);
		cr_expect_eq(listener(XDPFW_TCP, family, 9001), 1 | XDPFW_TARGETED);
		cr_expect_eq(listener(XDPFW_TCP, family, 8002), 0);
		cr_expect_eq(listener(XDPFW_UDP, family, 8000), 0);
	}
	cr_expect_eq(compiled.forwards[1].flags, XDPFW_FORWARD_LOCAL | XDPFW_FORWARD_KEEP_SOURCE);
	cr_expect(compiled.forwards[1].listen == 8000 && compiled.forwards[1].targets[0].port == 9000);
	cr_expect(compiled.forwards[1].counter == 1001 && compiled.forwards[1].answers == 5001);
	cr_expect_eq(compiled.forwards[1].expiry, XDPFW_NEVER);
	cr_expect_eq(compiled.links[XDPFW_TCP].delta[8000], 0);
}

/* Another host listens for its own family only; what is for some requests only opens no cell. */
Test(compile, forwards_to_other_hosts)
{
	const struct xdpfw_forward *f = &compiled.forwards[1];

	compile_text("forward 443:10.0.0.5:8443,10.0.0.6:8444/tcp from 192.0.2.0/24 to 203.0.113.1 on eth1 "
		     "until 2033-05-18T03:34:00Z\nforward 53:[fd00::53]:5300/udp keep-source\n");
	cr_expect_eq(in_tcp(443), xdpfw_decision(XDPFW_DROP, XDPFW_R_DEFAULT, 0), "the data path decides");
	cr_expect(listener(XDPFW_TCP, 0, 443) == 1 && listener(XDPFW_TCP, 1, 443) == 0);
	cr_expect(listener(XDPFW_UDP, 0, 53) == 0 && listener(XDPFW_UDP, 1, 53) == 2);
	cr_expect(listener(XDPFW_TCP, 0, 8443) == 0 && listener(XDPFW_UDP, 0, 5300) == 0);
	cr_expect_eq(listener(XDPFW_UDP, 1, 5300), XDPFW_TARGETED_ELSEWHERE, "the target sees the client");
	cr_expect(is_elsewhere(1, &compiled.forwards[2].targets[0].addr) && !is_elsewhere(1, &f->targets[0].addr));
	cr_expect(f->flags == XDPFW_FORWARD_TO && f->nr_targets == 2 && f->ifindex == 3 && f->from_length == 120);
	cr_expect(f->targets[0].addr.bytes[15] == 5 && f->targets[0].port == 8443 && f->targets[1].port == 8444);
	cr_expect_eq(f->targets[0].source.bytes[15], 1, "as the host's routes say");
	cr_expect_eq(f->expiry, (1000000 + 40 * HZ) >> XDPFW_EXPIRY_SHIFT);
	cr_expect_neq(f->targets[0].hash, f->targets[1].hash);
	cr_expect_eq(compiled.forwards[2].flags, XDPFW_FORWARD_KEEP_SOURCE);
	cr_expect_eq(compiled.forwards[2].targets[0].source.halves[1], 0);
	compile_text("forward 443:10.0.0.5:8443 on tun7\n");
	cr_expect_eq(f->ifindex, ~0U, "an interface that is not there is nobody's");
}

Test(compile, ping_is_a_courtesy_that_rules_and_the_option_overrule)
{
	__u32 courtesy = xdpfw_decision(XDPFW_PASS, XDPFW_R_COURTESY, 0);
	__u32 dropped = xdpfw_decision(XDPFW_DROP, XDPFW_R_DEFAULT, 0);

	compile_text("deny in 1-65535\n");
	cr_expect_eq(in_icmp(0, 8), courtesy);
	cr_expect_eq(in_icmp(1, 128), courtesy);
	cr_expect_eq(in_icmp(1, 8), dropped);
	cr_expect_eq(in_icmp(0, 128), dropped);
	compile_text("option allow-ping off\n");
	cr_expect_eq(in_icmp(0, 8), dropped);
	compile_text("deny in any\n");
	cr_expect_eq(in_icmp(1, 128), xdpfw_decision(XDPFW_DROP, XDPFW_R_RULE, 1));
}

Test(compile, courtesy_is_judged_by_family)
{
	compile_text("deny in icmp4/echo-request\n");
	cr_expect_eq(in_icmp(0, 8), xdpfw_decision(XDPFW_DROP, XDPFW_R_RULE, 1));
	cr_expect_eq(in_icmp(1, 128), xdpfw_decision(XDPFW_PASS, XDPFW_R_COURTESY, 0));
	compile_text("option allow-ping off\nallow in icmp6\n");
	cr_expect_eq(in_icmp(0, 8), xdpfw_decision(XDPFW_DROP, XDPFW_R_DEFAULT, 0));
	cr_expect_eq(in_icmp(1, 128), xdpfw_decision(XDPFW_PASS, XDPFW_R_RULE, 1));
}

Test(compile, protocols_without_ports)
{
	compile_text("deny in proto gre\nallow in proto 50\nallow in icmp/redirect\nreject in icmp\nallow in any\n"
		     "deny in proto 51\n");
	cr_expect_eq(in_protocol(47), xdpfw_decision(XDPFW_DROP, XDPFW_R_RULE, 1));
	cr_expect_eq(in_protocol(50), xdpfw_decision(XDPFW_PASS, XDPFW_R_RULE, 2));
	cr_expect_eq(in_protocol(51), xdpfw_decision(XDPFW_PASS, XDPFW_R_RULE, 5), "any comes first");
	cr_expect_eq(in_icmp(0, 5), xdpfw_decision(XDPFW_PASS, XDPFW_R_RULE, 3));
	cr_expect_eq(in_icmp(1, 137), xdpfw_decision(XDPFW_PASS, XDPFW_R_RULE, 3));
	cr_expect_eq(in_icmp(1, 5), xdpfw_decision(XDPFW_REJECT, XDPFW_R_RULE, 4));
	cr_expect_eq(in_tcp(47), xdpfw_decision(XDPFW_PASS, XDPFW_R_RULE, 5));
	cr_expect_eq(compiled.head.protocols[XDPFW_OUT][47], xdpfw_decision(XDPFW_PASS, XDPFW_R_DEFAULT, 0));
}

Test(compile, sctp_has_ports_of_its_own)
{
	const __u32 *sctp = compiled.ports[XDPFW_IN][XDPFW_SCTP].cells;

	compile_text("allow in 80\nallow in 3868/sctp\nforward 81:82\n");
	cr_expect_eq(unmarked(sctp[80]), xdpfw_decision(XDPFW_DROP, XDPFW_R_DEFAULT, 0), "tcp and udp only");
	cr_expect_eq(unmarked(sctp[3868]), xdpfw_decision(XDPFW_PASS, XDPFW_R_RULE, 2));
	cr_expect_eq(in_tcp(3868), xdpfw_decision(XDPFW_DROP, XDPFW_R_DEFAULT, 0));
	cr_expect_eq(unmarked(sctp[0]), xdpfw_decision(XDPFW_DROP, XDPFW_R_PORT_ZERO, 0));
	cr_expect_eq(unmarked(sctp[81]), xdpfw_decision(XDPFW_DROP, XDPFW_R_DEFAULT, 0));
	cr_expect_eq(compiled.links[XDPFW_SCTP].delta[81], 0);
	compile_text("forward 81:82/sctp\nforward 83:84/sctp one-way\n");
	cr_expect_eq(unmarked(sctp[81]), xdpfw_decision(XDPFW_PASS, XDPFW_R_FORWARD, 1001));
	cr_expect_eq(compiled.links[XDPFW_SCTP].delta[81], 81 ^ 82);
	cr_expect_eq(compiled.links[XDPFW_TCP].delta[81], 0);
	cr_expect_eq(listener(XDPFW_SCTP, 0, 83), 1);
	cr_expect_eq(listener(XDPFW_SCTP, 1, 84), XDPFW_TARGETED | 1);
	cr_expect_eq(listener(XDPFW_UDP, 0, 83), 0);
}

/* Where both meet the same verdict nobody need ask whose packet it is, whatever the reasons are. */
Test(compile, the_usual_cell_has_a_bit_for_each_port)
{
	const struct xdpfw_port_table *tcp = &compiled.ports[XDPFW_IN][XDPFW_TCP];
	int usual = 0;

	compile_text("allow in 22\nallow in 80\n");
	for (int port = 0; port < XDPFW_PORTS; port++)
		usual += tcp->have_usual[port / 64] >> port % 64 & 1;
	cr_expect_eq(usual, XDPFW_PORTS - 3); /* port 0 is another */
	cr_expect_eq(tcp->usual, tcp->cells[23]);
	cr_expect_eq(cell_of(tcp, 22), tcp->cells[22]);
	cr_expect_neq(tcp->cells[22], tcp->usual);
}

Test(compile, cells_are_marked_where_routed_requests_fare_otherwise)
{
	const __u32 *in = compiled.ports[XDPFW_IN][XDPFW_TCP].cells,
		    *routed = compiled.ports[XDPFW_ROUTED][XDPFW_TCP].cells;

	compile_text("allow in 22\nroute allow 22-23/tcp\ndeny in 25\nforward 81:82/tcp\nallow in proto gre\n");
	cr_expect_eq(in[22], xdpfw_decision(XDPFW_PASS, XDPFW_R_RULE, 1) | XDPFW_ASK_ROUTED, "another rule counts it");
	cr_expect_eq(routed[22], xdpfw_decision(XDPFW_PASS, XDPFW_R_RULE, 2));
	cr_expect_eq(in[23], xdpfw_decision(XDPFW_DROP, XDPFW_R_DEFAULT, 0) | XDPFW_ASK_ROUTED);
	cr_expect_eq(in[25], xdpfw_decision(XDPFW_DROP, XDPFW_R_RULE, 3), "the default denies it too");
	cr_expect_eq(in[81], xdpfw_decision(XDPFW_PASS, XDPFW_R_FORWARD, 1001) | XDPFW_ASK_ROUTED);
	cr_expect_eq(routed[81], xdpfw_decision(XDPFW_DROP, XDPFW_R_DEFAULT, 0), "a forward is for this host");
	cr_expect_eq(in[0], xdpfw_decision(XDPFW_DROP, XDPFW_R_PORT_ZERO, 0));
	cr_expect_eq(compiled.head.protocols[XDPFW_IN][47],
		     xdpfw_decision(XDPFW_PASS, XDPFW_R_RULE, 4) | XDPFW_ASK_ROUTED);
	cr_expect_eq(compiled.head.protocols[XDPFW_IN][50], xdpfw_decision(XDPFW_DROP, XDPFW_R_DEFAULT, 0));
	cr_expect_eq(compiled.head.icmp_types[XDPFW_IN][0][8],
		     xdpfw_decision(XDPFW_PASS, XDPFW_R_COURTESY, 0) | XDPFW_ASK_ROUTED, "courtesy is for this host");
	cr_expect_eq(compiled.head.icmp_types[XDPFW_ROUTED][0][8], xdpfw_decision(XDPFW_DROP, XDPFW_R_DEFAULT, 0));
	compile_text("default reject routed\ndefault deny in\n");
	cr_expect_eq(in[80], xdpfw_decision(XDPFW_DROP, XDPFW_R_DEFAULT, 0) | XDPFW_ASK_ROUTED);
}

Test(compile, timeouts_in_jiffies)
{
	compile_text("option udp-timeout 60s\n");
	cr_expect_eq(compiled.head.timeouts[XDPFW_T_UDP], 60 * HZ);
	cr_expect_eq(compiled.head.timeouts[XDPFW_T_UDP_REPLIED], 120 * HZ);
	cr_expect_eq(compiled.head.timeouts[XDPFW_T_TCP_ESTABLISHED], 432000 * HZ);
}

Test(compile, flags)
{
	static const struct {
		const char *text;
		__u32 flags;
	} cases[] = {
		{"option non-ip off\n", 0},
		{"option non-ip off\nblock ::1\n", XDPFW_HAS_BLOCKS},
		{"option non-ip off\nforward 1:2\n", XDPFW_HAS_LINKS},
		{"option non-ip off\nforward 1:2 one-way\n", XDPFW_HAS_FORWARDS},
		{"option non-ip off\nforward 1:2\nforward 3:10.0.0.5:3\n", XDPFW_HAS_LINKS | XDPFW_HAS_FORWARDS},
		{"option non-ip off\ndeny out 25/tcp\n", 0},
		{"option non-ip off\ndeny out 25/udp\n", XDPFW_OUT_DENIES},
		{"option non-ip off\nreject out 0\n", XDPFW_OUT_DENIES},
		{"option non-ip off\ndefault reject out\n", XDPFW_OUT_DENIES},
		{"option non-ip off\ndefault deny out\nallow out 1-65535/udp\n", XDPFW_OUT_DENIES},
		{"", XDPFW_PASS_NOT_IP},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		compile_text(cases[i].text);
		cr_expect_eq(compiled.head.flags, cases[i].flags, "%s", cases[i].text);
	}
}

/* 60,000 rules that each cover almost every port: painting cell by cell would be 4 billion steps a table. */
Test(growth, compiling_wide_ranges, .timeout = 60)
{
	_free_ char *text = malloc(60000 * 32);
	struct timespec start;
	char *end = text;

	for (int i = 0; i < 60000; i++)
		end += sprintf(end, "%s in %d-65535\n", i % 2 ? "allow" : "deny", 65535 - i);
	clock_gettime(CLOCK_MONOTONIC, &start);
	compile_text(text);
	cr_expect_lt(seconds_since(&start), 5);
	cr_expect_eq(in_tcp(65535), xdpfw_decision(XDPFW_DROP, XDPFW_R_RULE, 1));
	cr_expect_eq(in_tcp(5536), xdpfw_decision(XDPFW_PASS, XDPFW_R_RULE, 60000));
	cr_expect_eq(in_tcp(5535), xdpfw_decision(XDPFW_DROP, XDPFW_R_DEFAULT, 0));
}

/* 60,000 rules of every kind, as many as there can be. */
Test(growth, compiling_all_kinds, .timeout = 60)
{
	static const char *const rules[] = {"allow in %d/tcp", "deny out %d/udp", "route allow %d", "allow in %d/sctp",
					    "route deny %d/sctp"};
	_free_ char *text = malloc(62000 * 40);
	struct timespec start;
	char *end = text;

	for (int type = 0; type < 256; type++)
		end += sprintf(end, "allow in icmp4/%d\nroute deny icmp6/%d\ndeny out icmp4/%d\n", type, type, type);
	for (int protocol = 61; protocol < 132; protocol++)
		end += sprintf(end, "deny in proto %d\nroute allow proto %d\n", protocol, protocol);
	for (int i = 0; i < 60000; i++) {
		end += sprintf(end, rules[i % ARRAY_SIZE(rules)], i);
		*end++ = '\n';
	}
	*end = '\0';
	clock_gettime(CLOCK_MONOTONIC, &start);
	compile_text(text);
	cr_expect_lt(seconds_since(&start), 5);
	cr_expect_eq(compiled.ports[XDPFW_IN][XDPFW_TCP].cells[59995] >> 30, XDPFW_PASS);
}
