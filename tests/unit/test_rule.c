// SPDX-License-Identifier: GPL-2.0-only
/* What a rule is about: ICMP types, IP protocols, and their texts. */
#include <netinet/in.h>

#include "parse_icmp.h"
#include "parse_ip_protocol.h"
#include "rule.h"
#include "statement.h"
#include "unit.h"

static struct rule parse_icmp_word(const char *word)
{
	struct rule rule = {0};
	struct error e = {0};

	cr_assert(is_icmp_word(word), "%s", word);
	cr_assert_eq(parse_icmp(word, &rule, &e), 0, "%s", e.text);
	cr_expect_eq(rule.match, MATCH_ICMP);
	return rule;
}

Test(parse_icmp, values)
{
	static const struct {
		const char *word;
		unsigned int families;
		bool has_type;
		__u8 type[2];
	} cases[] = {
		{"icmp", ICMP_V4 | ICMP_V6, false, {0, 0}},
		{"icmp4", ICMP_V4, false, {0, 0}},
		{"icmp6", ICMP_V6, false, {0, 0}},
		{"icmp/echo-request", ICMP_V4 | ICMP_V6, true, {8, 128}},
		{"icmp/echo-reply", ICMP_V4 | ICMP_V6, true, {0, 129}},
		{"icmp/destination-unreachable", ICMP_V4 | ICMP_V6, true, {3, 1}},
		{"icmp/source-quench", ICMP_V4, true, {4, 0}},
		{"icmp/redirect", ICMP_V4 | ICMP_V6, true, {5, 137}},
		{"icmp/router-advertisement", ICMP_V4 | ICMP_V6, true, {9, 134}},
		{"icmp/router-solicitation", ICMP_V4 | ICMP_V6, true, {10, 133}},
		{"icmp/time-exceeded", ICMP_V4 | ICMP_V6, true, {11, 3}},
		{"icmp/parameter-problem", ICMP_V4 | ICMP_V6, true, {12, 4}},
		{"icmp/timestamp-request", ICMP_V4, true, {13, 0}},
		{"icmp/timestamp-reply", ICMP_V4, true, {14, 0}},
		{"icmp/info-request", ICMP_V4, true, {15, 0}},
		{"icmp/info-reply", ICMP_V4, true, {16, 0}},
		{"icmp/address-mask-request", ICMP_V4, true, {17, 0}},
		{"icmp/address-mask-reply", ICMP_V4, true, {18, 0}},
		{"icmp/packet-too-big", ICMP_V6, true, {0, 2}},
		{"icmp/mld-listener-query", ICMP_V6, true, {0, 130}},
		{"icmp/mld-listener-report", ICMP_V6, true, {0, 131}},
		{"icmp/mld-listener-done", ICMP_V6, true, {0, 132}},
		{"icmp/mld-listener-reduction", ICMP_V6, true, {0, 132}},
		{"icmp/mld2-listener-report", ICMP_V6, true, {0, 143}},
		{"icmp/router-renumbering", ICMP_V6, true, {0, 138}},
		{"icmp/neighbour-solicitation", ICMP_V6, true, {0, 135}},
		{"icmp/neighbor-solicitation", ICMP_V6, true, {0, 135}},
		{"icmp/neighbour-advertisement", ICMP_V6, true, {0, 136}},
		{"icmp/neighbor-advertisement", ICMP_V6, true, {0, 136}},
		{"icmp/nd-router-solicit", ICMP_V6, true, {0, 133}},
		{"icmp/nd-router-advert", ICMP_V6, true, {0, 134}},
		{"icmp/nd-neighbor-solicit", ICMP_V6, true, {0, 135}},
		{"icmp/nd-neighbor-advert", ICMP_V6, true, {0, 136}},
		{"icmp/nd-redirect", ICMP_V6, true, {0, 137}},
		{"icmp/ping", ICMP_V4 | ICMP_V6, true, {8, 128}},
		{"icmp/pong", ICMP_V4 | ICMP_V6, true, {0, 129}},
		{"icmp/ttl-exceeded", ICMP_V4 | ICMP_V6, true, {11, 3}},
		{"icmp4/redirect", ICMP_V4, true, {5, 0}},
		{"icmp6/redirect", ICMP_V6, true, {0, 137}},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct rule rule = parse_icmp_word(cases[i].word);

		cr_expect_eq(rule.icmp_families, cases[i].families, "%s", cases[i].word);
		cr_expect_eq(rule.has_icmp_type, cases[i].has_type, "%s", cases[i].word);
		cr_expect_arr_eq(rule.icmp_type, cases[i].type, 2, "%s", cases[i].word);
	}
}

/* Every type by number: what is written is read again as the same, by name where there is one. */
Test(parse_icmp, every_number_round_trips)
{
	int named = 0;

	for (int family = 0; family < 2; family++) {
		for (int type = 0; type < 256; type++) {
			_free_ char *text = NULL;
			struct rule rule, again;
			char word[24];

			sprintf(word, "icmp%d/%d", family ? 6 : 4, type);
			rule = parse_icmp_word(word);
			cr_expect_eq(rule.icmp_type[family], type);
			text = format_icmp(&rule);
			again = parse_icmp_word(text);
			cr_expect(again.icmp_families == rule.icmp_families && again.has_icmp_type &&
					  again.icmp_type[family] == type,
				  "%s", text);
			named += strcmp(text, word) != 0;
		}
	}
	cr_expect_eq(named, 15 + 16);
}

Test(parse_icmp, touches_only_its_own_fields_and_only_on_success)
{
	struct rule rule = {.dir = XDPFW_OUT, .verdict = XDPFW_REJECT, .match = MATCH_ANY}, before = rule;
	struct error e = {0};

	cr_expect_eq(parse_icmp("icmp4/foo", &rule, &e), -EINVAL);
	cr_expect_eq(parse_icmp("icmp/8", &rule, NULL), -EINVAL);
	cr_expect_eq(parse_icmp("icmpx", &rule, NULL), -EINVAL);
	cr_expect(!memcmp(&rule, &before, sizeof(rule)));
	cr_assert_eq(parse_icmp("icmp4/8", &rule, NULL), 0);
	cr_expect(rule.dir == XDPFW_OUT && rule.verdict == XDPFW_REJECT && rule.match == MATCH_ICMP);
	cr_expect(is_icmp_word("icmp/nonsense") && is_icmp_word("icmp6/"));
	cr_expect(!is_icmp_word("icmp5") && !is_icmp_word("icm") && !is_icmp_word("") && !is_icmp_word("icmp-x"));
}

/* The names of /etc/protocols are read, but only ours are written: files mean the same everywhere. */
Test(parse_ip_protocol, numbers_and_names)
{
	static const struct {
		const char *word;
		__u8 number;
		const char *canonical;
	} cases[] = {
		{"1", 1, "icmp"},          {"6", 6, "tcp"},
		{"gre", 47, "gre"},        {"GRE", 47, "gre"},
		{"47", 47, "gre"},         {"esp", 50, "esp"},
		{"ah", 51, "ah"},          {"ipip", 94, "94"},
		{"ipencap", 4, "ipencap"}, {"wesp", 141, "141"},
		{"255", 255, "255"},       {"icmpv6", 58, "ipv6-icmp"},
		{"ipv6", 41, "ipv6"},      {"59", 59, "ipv6-nonxt"},
		{"2", 2, "igmp"},          {"mpls-in-ip", 137, "mpls-in-ip"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char text[IP_PROTOCOL_TEXT_MAX];
		__u8 protocol = 0;
		struct error e = {0};

		cr_assert_eq(parse_ip_protocol(cases[i].word, &protocol, &e), 0, "%s", e.text);
		cr_expect_eq(protocol, cases[i].number, "%s", cases[i].word);
		cr_expect_str_eq(format_ip_protocol(protocol, text), cases[i].canonical);
	}
}

Test(parse_ip_protocol, every_number_round_trips)
{
	for (int number = 0; number < 256; number++) {
		bool extension = number == 0 || number == 43 || number == 44 || number == 60;
		char word[16], text[IP_PROTOCOL_TEXT_MAX];
		__u8 protocol = 7;

		sprintf(word, "%d", number);
		cr_expect_eq(parse_ip_protocol(word, &protocol, NULL), extension ? -EINVAL : 0, "%s", word);
		cr_expect_eq(protocol, extension ? 7 : number);
		if (extension)
			continue;
		cr_assert_eq(parse_ip_protocol(format_ip_protocol(number, text), &protocol, NULL), 0, "%s", text);
		cr_expect_eq(protocol, number);
	}
}

/* What `status --json` shows as proto and ports. */
Test(rule, texts)
{
	static const struct {
		const char *line;
		const char *protocol;
		const char *ports;
	} cases[] = {
		{"allow in 22", "tcp+udp", "22"},         {"allow in 80,443/tcp", "tcp", "80,443"},
		{"allow in 5060/sctp", "sctp", "5060"},   {"allow in any", "any", "any"},
		{"allow in proto udp", "udp", "0-65535"}, {"allow in proto gre", "gre", "any"},
		{"allow in proto 251", "251", "any"},     {"allow in icmp/echo-request", "icmp", "any"},
		{"route deny icmp4", "icmp4", "any"},     {"allow in icmp/packet-too-big", "icmp6", "any"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct statement s = parse_line(cases[i].line);
		_free_ char *protocol = rule_protocol_text(&s.rule), *ports = rule_ports_text(&s.rule);

		cr_expect_str_eq(protocol, cases[i].protocol);
		cr_expect_str_eq(ports, cases[i].ports);
		statement_free(&s);
	}
}

Test(rule, values)
{
	struct statement s = parse_line("route reject proto 132");

	cr_expect(s.kind == STATEMENT_RULE && s.rule.dir == XDPFW_ROUTED && s.rule.verdict == XDPFW_REJECT);
	cr_expect(s.rule.match == MATCH_PORTS && s.rule.protocols == PROTO_SCTP && s.rule.ports.count == 1 &&
		  s.rule.ports.ranges[0].first == 0 && s.rule.ports.ranges[0].last == 65535);
	statement_free(&s);
	s = parse_line("deny out proto esp");
	cr_expect(s.rule.match == MATCH_PROTOCOL && s.rule.protocol == IPPROTO_ESP && !s.rule.ports.count);
	s = parse_line("allow any");
	cr_expect(s.rule.match == MATCH_ANY && !s.rule.protocols && !s.rule.ports.count);
	s = parse_line("allow proto icmpv6");
	cr_expect(s.rule.match == MATCH_ICMP && s.rule.icmp_families == ICMP_V6 && !s.rule.has_icmp_type);
	s = parse_line("default reject routed");
	cr_expect(s.default_policy.dir == XDPFW_ROUTED && s.default_policy.verdict == XDPFW_REJECT);
}

/* Every field that a rule owns is copied, written and compared. */
Test(rule, copies_and_texts_of_every_field)
{
	struct port_range source = {68, 68}, ports = {22, 22};
	struct rule rule = {
		.dir = XDPFW_ROUTED,
		.verdict = XDPFW_PASS,
		.match = MATCH_PORTS,
		.protocols = PROTO_TCP,
		.ports = {&ports, 1},
		.source_ports = {&source, 1},
		.from = {.kind = ADDRESS_PREFIX, .prefix = {{.bytes = {[10] = 0xff, [11] = 0xff, 10}}, 104}},
		.to = {.kind = ADDRESS_SET, .set = "office"},
		.on = "eth0",
		.on_out = "eth1",
		.user = "root",
		.cgroup = "a/b",
		.limited = true,
		.limit_count = 10,
		.limit_seconds = 60,
		.log = true,
		.expires = 1795629600,
		.comment = "it's so",
		.disabled = true};
	struct statement s = {.kind = STATEMENT_RULE}, other = {.kind = STATEMENT_RULE};
	_free_ char *text = NULL;
	__u64 id, other_id;

	cr_assert_eq(rule_copy(&rule, &s.rule), 0);
	cr_assert_eq(rule_copy(&rule, &other.rule), 0);
	cr_expect(s.rule.comment != rule.comment && s.rule.ports.ranges != rule.ports.ranges);
	text = statement_format(&s);
	cr_expect_str_eq(text,
			 "disabled route limit 22/tcp from 10.0.0.0/8 port 68 to @office on eth0 out on eth1 user "
			 "root cgroup a/b rate 10/60s log until 2026-11-25T18:00:00Z comment \"it's so\"");
	cr_expect(rule_same_action(&s.rule, &other.rule));
	cr_assert(!statement_id(&s, &id) && !statement_id(&other, &other_id));
	cr_expect_eq(id, other_id);
	other.rule.comment[0] = 'I';
	cr_expect(!rule_same_action(&s.rule, &other.rule));
	other.rule.on[0] = 'E';
	cr_assert(!statement_id(&other, &other_id));
	cr_expect_neq(id, other_id);
	statement_free(&s);
	statement_free(&other);
}

/* Ids are in people's scripts and beside stored counters: these may never change. */
Test(rule, ids_are_for_ever)
{
	static const struct {
		const char *line;
		__u64 id;
	} cases[] = {
		{"allow in 22", 0x7825dbcff71b3182},
		{"deny out 25/tcp", 0x80d0b5590469a884},
		{"allow in any", 0x113fc46279624100},
		{"route reject 80,443/tcp", 0xe2025f6b1986c5cf},
		{"allow in icmp/ping", 0xc88d19274fe81ac6},
		{"allow proto gre", 0xa24828a10ac69b0d},
		{"default deny in", 0x572a27ca1fd13e05},
		{"forward 8080:2988", 0x415d1bc45b9501a1},
		{"forward 2988:8080/udp", 0x6edb75481e0152e1},
		{"block 203.0.113.9", 0x700712f4b0559b4d},
		{"block 2001:db8::/32", 0x5528e73703fd273d},
		{"option allow-ping off", 0x6c7a8f76b85b0b88},
		{"load eth0", 0x26fa1d6933a25e92},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct statement s = parse_line(cases[i].line);

		cr_expect_eq(s.id, cases[i].id, "%s: %016llx", cases[i].line, (unsigned long long)s.id);
		statement_free(&s);
	}
}
