// SPDX-License-Identifier: GPL-2.0-only
/* Leaf parsers: ports, protocols, targets, durations. Addresses are in test_addr.c. */
#include "parse_address.h"
#include "unit.h"

Test(parse_port, accepts)
{
	static const struct {
		const char *word;
		__u16 port;
	} cases[] = {{"0", 0}, {"1", 1}, {"22", 22}, {"9999", 9999}, {"65535", 65535}};
	__u16 port;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		cr_expect_eq(parse_port(cases[i].word, &port, NULL), 0, "%s", cases[i].word);
		cr_expect_eq(port, cases[i].port);
	}
}

Test(parse_port, refuses)
{
	static const struct refusal cases[] = {
		{"", "'': a port is missing; write a number, 0..65535"},
		{"65536", "'65536': ports are 0..65535"},
		{"70000", "'70000': ports are 0..65535"},
		{"070000", "'070000': ports are 0..65535"},
		{"18446744073709551617", "'18446744073709551617': ports are 0..65535"},
		{"-1", "'-1': ports are 0..65535"},
		{"-", "'-': not a port; write a number, 0..65535"},
		{"+5", "'+5': not a port; write a number, 0..65535"},
		{"0x16", "'0x16': not a port; write a number, 0..65535"},
		{"22a", "'22a': not a port; write a number, 0..65535"},
		{" 22", "' 22': not a port; write a number, 0..65535"},
		{"22 ", "'22 ': not a port; write a number, 0..65535"},
		{"22\n", "'22?': not a port; write a number, 0..65535"},
		{"2.2", "'2.2': not a port; write a number, 0..65535"},
		{"1e3", "'1e3': not a port; write a number, 0..65535"},
		{"ssh", "'ssh': not a port; write a number, 0..65535"},
		{"022", "'022': a port has no leading zeros; write 22"},
		{"00", "'00': a port has no leading zeros; write 0"},
		{"\xd9\xa2", "'\xd9\xa2': not a port; write a number, 0..65535"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct error e = {0};
		__u16 port = 7;

		cr_expect_eq(parse_port(cases[i].input, &port, &e), -EINVAL, "%s", cases[i].input);
		cr_expect_eq(e.code, -EINVAL);
		cr_expect_str_eq(e.text, cases[i].text);
		cr_expect_eq(port, 7);
	}
}

Test(parse_ports, equal)
{
	struct port_range a[] = {{1, 2}, {4, 4}}, b[] = {{1, 2}, {4, 5}};

	cr_expect(ports_equal(&(struct ports){a, 2}, &(struct ports){a, 2}));
	cr_expect(!ports_equal(&(struct ports){a, 2}, &(struct ports){b, 2}));
	cr_expect(ports_equal(&(struct ports){a, 1}, &(struct ports){b, 1}));
	cr_expect(!ports_equal(&(struct ports){a, 1}, &(struct ports){a, 2}));
	cr_expect(ports_equal(&(struct ports){NULL, 0}, &(struct ports){NULL, 0}));
}

/* 400,000 items of which every second port is kept: sorted once, not inserted one by one. */
Test(parse_ports, long_lists_are_no_trouble, .timeout = 20)
{
	size_t count = 400000, room = count * 6 + 1;
	_free_ char *word = malloc(room), *text = NULL;
	struct ports ports = {0};
	char *end = word;

	for (size_t i = 0; i < count; i++)
		end += sprintf(end, "%s%zu", i ? "," : "", i * 7919 % 32768 * 2);
	cr_assert_eq(parse_ports(word, &ports, NULL), 0);
	cr_expect_eq(ports.count, 32768);
	cr_expect_eq(ports.ranges[32767].first, 65534);
	text = format_ports(&ports);
	cr_expect_eq(strncmp(text, "0,2,4,", 6), 0);
	ports_free(&ports);
}

Test(parse_protocol, accepts_and_refuses)
{
	static const char *const bad[] = {"", "tpc", "TCP", "tcp ", "tcp+udp", "6", "icmp", "SCTP", "any"};
	unsigned int protocols = 0;

	cr_expect(!parse_protocol("tcp", &protocols, NULL) && protocols == PROTO_TCP);
	cr_expect(!parse_protocol("sctp", &protocols, NULL) && protocols == PROTO_SCTP);
	cr_expect(!parse_protocol("udp", &protocols, NULL) && protocols == PROTO_UDP);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct error e = {0};
		char expected[100];

		sprintf(expected, "'%s': not a protocol with ports; write tcp, udp or sctp", bad[i]);
		cr_expect_eq(parse_protocol(bad[i], &protocols, &e), -EINVAL, "%s", bad[i]);
		cr_expect_str_eq(e.text, expected);
	}
	cr_expect_eq(protocols, PROTO_UDP, "untouched on failure");
}

Test(format, protocols)
{
	cr_expect_str_eq(format_protocols(0), "any");
	cr_expect_str_eq(format_protocols(PROTO_TCP), "tcp");
	cr_expect_str_eq(format_protocols(PROTO_UDP), "udp");
	cr_expect_str_eq(format_protocols(PROTO_TCP | PROTO_UDP), "tcp+udp");
	cr_expect_str_eq(format_protocols(PROTO_SCTP), "sctp");
	cr_expect_str_eq(format_protocols(PROTO_TCP | PROTO_SCTP), "tcp+sctp");
	cr_expect_str_eq(format_protocols(PROTO_UDP | PROTO_SCTP), "udp+sctp");
	cr_expect_str_eq(format_protocols(PROTO_TCP | PROTO_UDP | PROTO_SCTP), "tcp+udp+sctp");
}

Test(parse_address_target, which_words_are_addresses)
{
	static const char *const addresses[] = {"210.10.94.27:8082", "[2001:db8::1]:80", "10.0.0.1",
						"10.1.2.3/8",        "2001:db8::1",      "::/0"};

	for (size_t i = 0; i < ARRAY_SIZE(addresses); i++)
		cr_expect(is_address_word(addresses[i]), "%s", addresses[i]);
	cr_expect(!is_address_word("80:90") && !is_address_word("http") && !is_address_word("80,81:82"));
}

/* What they say then: tests/golden/rejected.txt. */
Test(parse, results_are_untouched_on_failure)
{
	struct port_range kept = {1, 2};
	struct ports ports = {&kept, 1};
	struct prefix addr = {.length = 7};
	unsigned int protocols = 99, seconds = 7;

	cr_expect_eq(parse_ports("22,70000", &ports, NULL), -EINVAL);
	cr_expect_eq(parse_target("22,80/tpc", &ports, &protocols, NULL), -EINVAL);
	cr_expect_eq(parse_target("ssh/udp", &ports, &protocols, NULL), -EINVAL);
	cr_expect_eq(parse_address_target("10.0.0.1:22/tpc", &addr, &ports, &protocols, NULL), -EINVAL);
	cr_expect_eq(parse_address_target("10.0.0.1:22:80", &addr, &ports, &protocols, NULL), -EINVAL);
	cr_expect_eq(parse_duration("7102w", &seconds, NULL), -EINVAL);
	cr_expect(ports.ranges == &kept && ports.count == 1 && addr.length == 7 && protocols == 99 && seconds == 7);
}

Test(parse_target, long_words_do_not_hide_the_reason)
{
	_free_ char *word = malloc(3000001);
	struct ports ports = {0};
	unsigned int protocols;
	struct error e = {0};

	memset(word, 'x', 3000000);
	word[3000000] = '\0';
	cr_expect_eq(parse_target(word, &ports, &protocols, &e), -EINVAL);
	cr_expect_str_eq(e.text,
			 "'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx...': neither ports nor a "
			 "service of /etc/services nor 'any'");
}

Test(parse_duration, accepts)
{
	static const struct {
		const char *word;
		unsigned int seconds;
	} cases[] = {
		{"1", 1},
		{"60", 60},
		{"90s", 90},
		{"5m", 300},
		{"1h", 3600},
		{"2d", 172800},
		{"1w", 604800},
		{"4294967295", 4294967295U},
		{"7101w", 4294684800U},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		unsigned int seconds = 0;

		cr_expect_eq(parse_duration(cases[i].word, &seconds, NULL), 0, "%s", cases[i].word);
		cr_expect_eq(seconds, cases[i].seconds, "%s", cases[i].word);
	}
}

Test(format_duration, round_trip)
{
	static const struct pair cases[] = {
		{"1", "1s"},       {"60", "60s"},    {"1m", "60s"},  {"90s", "90s"},      {"119s", "119s"},
		{"120s", "2m"},    {"121s", "121s"}, {"3600", "1h"}, {"5400s", "90m"},    {"24h", "1d"},
		{"432000s", "5d"}, {"1w", "7d"},     {"30d", "30d"}, {"86401", "86401s"}, {"4294967295", "4294967295s"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		unsigned int seconds = 0, again = 0;
		char text[DURATION_TEXT_MAX];

		cr_assert_eq(parse_duration(cases[i].input, &seconds, NULL), 0, "%s", cases[i].input);
		cr_expect_str_eq(format_duration(seconds, text), cases[i].output);
		cr_assert_eq(parse_duration(text, &again, NULL), 0, "%s", text);
		cr_expect_eq(seconds, again, "%s", cases[i].input);
	}
}
