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

Test(parse_ports, round_trip)
{
	static const struct pair cases[] = {
		{"22", "22"},
		{"0", "0"},
		{"0-65535", "0-65535"},
		{"5-5", "5"},
		{"6000-6010", "6000-6010"},
		{"8000-8010,443,80", "80,443,8000-8010"},
		{"80,80,80", "80"},
		{"80,81", "80-81"},
		{"81-90,80", "80-90"},
		{"10-20,15-30,31,33", "10-31,33"},
		{"1-100,5,6-7,100", "1-100"},
		{"65535,0,65534", "0,65534-65535"},
		{"65535,65535", "65535"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct ports ports = {0}, again = {0};
		_free_ char *text = NULL;

		cr_assert_eq(parse_ports(cases[i].input, &ports, NULL), 0, "%s", cases[i].input);
		text = format_ports(&ports);
		cr_expect_str_eq(text, cases[i].output);
		cr_assert_eq(parse_ports(text, &again, NULL), 0);
		cr_expect(ports_equal(&ports, &again));
		ports_free(&ports);
		ports_free(&again);
		cr_expect(!ports.ranges && !ports.count);
	}
}

Test(parse_ports, refuses)
{
	static const struct refusal cases[] = {
		{"", "'': a port is missing; write a number, 0..65535"},
		{"22,,80", "'22,,80': an item of the list is empty; write it as 80,443,8000-8010"},
		{",22", "',22': an item of the list is empty; write it as 80,443,8000-8010"},
		{"22,", "'22,': an item of the list is empty; write it as 80,443,8000-8010"},
		{",", "',': an item of the list is empty; write it as 80,443,8000-8010"},
		{"10-5", "'10-5': a range ascends; write 5-10"},
		{"22,10-5", "'10-5': a range ascends; write 5-10"},
		{"10-", "'10-': a range has two ports, as 6000-6010"},
		{"1-2-3", "'1-2-3': a range has two ports, as 6000-6010"},
		{"-5", "'-5': ports are 0..65535"},
		{"5--6", "'-6': ports are 0..65535"},
		{"-5-6", "'-5': ports are 0..65535"},
		{"22,70000", "'70000': ports are 0..65535"},
		{"1-70000", "'70000': ports are 0..65535"},
		{"01-5", "'01': a port has no leading zeros; write 1"},
		{"22, 80", "' 80': not a port; write a number, 0..65535"},
		{"22;80", "'22;80': not a port; write a number, 0..65535"},
		{"6000:6010", "'6000:6010': not a port; write a number, 0..65535"},
		{"ssh,http", "'ssh': not a port; write a number, 0..65535"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct port_range kept = {1, 2};
		struct ports ports = {&kept, 1};
		struct error e = {0};

		cr_expect_eq(parse_ports(cases[i].input, &ports, &e), -EINVAL, "%s", cases[i].input);
		cr_expect_str_eq(e.text, cases[i].text);
		cr_expect(ports.ranges == &kept && ports.count == 1, "untouched on failure");
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

Test(parse_target, round_trip)
{
	static const struct pair cases[] = {
		{"any", "any"},
		{"22", "22"},
		{"22/tcp", "22/tcp"},
		{"53/udp", "53/udp"},
		{"443,80/tcp", "80,443/tcp"},
		{"6000-6010/udp", "6000-6010/udp"},
		{"6000:6010/tcp", "6000-6010/tcp"},
		{"80,6000:6010,7000-7001/tcp", "80,6000-6010,7000-7001/tcp"},
		{"0-65535", "0-65535"},
		{"ssh", "22/tcp"},
		{"ssh/tcp", "22/tcp"},
		{"www", "80/tcp"},
		{"domain", "53"},
		{"domain/udp", "53/udp"},
		{"ntp", "123/udp"},
		{"https", "443"},
		{"https/tcp", "443/tcp"},
		{"3com-tsmux", "106/tcp"},
		{"with.dot", "106/tcp"},
		{"differs/tcp", "1000/tcp"},
		{"differs/udp", "2000/udp"},
		{"twice", "7/tcp"},
		{"3868/sctp", "3868/sctp"},
		{"6000:6010,1/sctp", "1,6000-6010/sctp"},
		{"s1", "36412/sctp"},
		{"s1/sctp", "36412/sctp"},
		{"amqp", "5672/tcp"},
		{"amqp/sctp", "5672/sctp"},
		{"diameter", "3869/tcp"},
		{"diameter/sctp", "3868/sctp"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct ports ports = {0}, again = {0};
		unsigned int protocols = 99, protocols_again;
		_free_ char *text = NULL;
		struct error e = {0};

		cr_assert_eq(parse_target(cases[i].input, &ports, &protocols, &e), 0, "%s", e.text);
		text = format_target(&ports, protocols);
		cr_expect_str_eq(text, cases[i].output);
		cr_assert_eq(parse_target(text, &again, &protocols_again, NULL), 0);
		cr_expect(ports_equal(&ports, &again));
		cr_expect_eq(protocols, protocols_again);
		ports_free(&ports);
		ports_free(&again);
	}
}

Test(parse_target, refuses)
{
	static const struct refusal cases[] = {
		{"", "'': a port is missing; write a number, 0..65535"},
		{"70000", "'70000': ports are 0..65535"},
		{"022", "'022': a port has no leading zeros; write 22"},
		{"-22", "'-22': ports are 0..65535"},
		{"+22", "'+22': not a port; write a number, 0..65535"},
		{"0x16", "'0x16': not a port; write a number, 0..65535"},
		{"22 ", "'22 ': not a port; write a number, 0..65535"},
		{"10-5/tcp", "'10-5': a range ascends; write 5-10"},
		{"22,,80", "'22,,80': an item of the list is empty; write it as 80,443,8000-8010"},
		{"80,https", "'https': not a port; write a number, 0..65535"},
		{"https,80", "'https': not a port; write a number, 0..65535"},
		/* protocols */
		{"22/", "'22/': the protocol is missing; write tcp, udp or sctp"},
		{"ssh/", "'ssh/': the protocol is missing; write tcp, udp or sctp"},
		{"22/tpc", "'tpc': not a protocol with ports; write tcp, udp or sctp"},
		{"22/tcp/udp", "'tcp/udp': not a protocol with ports; write tcp, udp or sctp"},
		{"/tcp", "'': a port is missing; write a number, 0..65535"},
		{"any/tcp", "'any/tcp': 'any' takes no protocol; write proto tcp, proto udp or proto sctp"},
		/* services */
		{"shh", "'shh': neither ports nor a service of /etc/services nor 'any'"},
		{"SSH", "'SSH': neither ports nor a service of /etc/services nor 'any'"},
		{"shh/tcp", "'shh/tcp': neither ports nor a service of /etc/services nor 'any'"},
		{"localhost", "'localhost': neither ports nor a service of /etc/services nor 'any'"},
		{"old", "'old': neither ports nor a service of /etc/services nor 'any'"},
		{"gre/tcp", "'gre/tcp': neither ports nor a service of /etc/services nor 'any'"},
		{"ip", "'ip': neither ports nor a service of /etc/services nor 'any'"},
		{"gre", "'gre': a protocol, neither ports nor a service; write proto gre"},
		{"ipip", "'ipip': a protocol, neither ports nor a service; write proto ipip"},
		{"tcp", "'tcp': a protocol, neither ports nor a service; write proto tcp"},
		{"sctp", "'sctp': a protocol, neither ports nor a service; write proto sctp"},
		{"icmpv6", "'icmpv6': a protocol, neither ports nor a service; write proto icmpv6"},
		{"ssh/udp", "'ssh/udp': /etc/services has ssh for tcp only; write 22/udp"},
		{"ntp/tcp", "'ntp/tcp': /etc/services has ntp for udp only; write 123/tcp"},
		{"s1/tcp", "'s1/tcp': /etc/services has s1 for sctp only; write 36412/tcp"},
		{"domain/sctp", "'domain/sctp': /etc/services has domain for tcp+udp only; write 53/sctp"},
		{"amqp/udp", "'amqp/udp': /etc/services has amqp for tcp+sctp only; write 5672/udp"},
		{"ssh/tpc", "'tpc': not a protocol with ports; write tcp, udp or sctp"},
		{"differs", "'differs': its ports for tcp and udp differ; write differs/tcp or differs/udp"},
		/* two ports with a colon */
		{"8080:2988", "'8080:2988': not a target; did you mean 'forward 8080:2988', or the range 2988-8080?"},
		{"6000:6010", "'6000:6010': not a target; did you mean 'forward 6000:6010', or the range 6000-6010?"},
		{"8080:2988/tcp", "'8080:2988/tcp': not a target; did you mean 'forward 8080:2988/tcp', or the range "
				  "2988-8080/tcp?"},
		{"22:22", "'22:22': the same port twice; write 22"},
		{"22:22/udp", "'22:22/udp': the same port twice; write 22/udp"},
		{"80,6000:6010", "'80,6000:6010': ranges of a list are written 8000-8010"},
		{"80,20:10/tcp", "'20:10': a range ascends; write 10-20"},
		{"80:70000", "'70000': ports are 0..65535"},
		{"080:90", "'080': a port has no leading zeros; write 80"},
		{"80:", "'': a port is missing; write a number, 0..65535"},
		{":80", "'': a port is missing; write a number, 0..65535"},
		{"80:90-95/tcp", "'90-95': not a port; write a number, 0..65535"},
		{"10.0.0.1:22", "'10.0.0.1:22': an address; ports or a service are wanted here"},
		{"2001:db8::1", "'2001:db8::1': an address; ports or a service are wanted here"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct port_range kept = {1, 2};
		struct ports ports = {&kept, 1};
		unsigned int protocols = 99;
		struct error e = {0};

		cr_expect_eq(parse_target(cases[i].input, &ports, &protocols, &e), -EINVAL, "%s", cases[i].input);
		cr_expect_str_eq(e.text, cases[i].text);
		cr_expect(ports.ranges == &kept && ports.count == 1 && protocols == 99, "untouched on failure");
	}
}

Test(parse_address_target, accepts)
{
	static const struct {
		const char *word, *addr, *target;
	} cases[] = {
		{"210.10.94.27:8082", "210.10.94.27", "8082"},
		{"210.10.94.27:22,80/tcp", "210.10.94.27", "22,80/tcp"},
		{"10.0.0.1:6000-6010/sctp", "10.0.0.1", "6000-6010/sctp"},
		{"[2001:db8::1]:80", "2001:db8::1", "80"},
		{"[2001:DB8:0::1]:0-65535/udp", "2001:db8::1", "0-65535/udp"},
		{"10.0.0.1", "10.0.0.1", "any"},
		{"10.1.2.3/8", "10.0.0.0/8", "any"},
		{"2001:db8::1", "2001:db8::1", "any"},
		{"::/0", "::/0", "any"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct prefix addr;
		struct ports ports = {0};
		unsigned int protocols = 99;
		struct error e = {0};
		char shown[ADDR_TEXT_MAX];
		_free_ char *target = NULL;

		cr_expect(is_address_word(cases[i].word), "%s", cases[i].word);
		cr_assert_eq(parse_address_target(cases[i].word, &addr, &ports, &protocols, &e), 0, "%s", e.text);
		target = format_target(&ports, protocols);
		cr_expect_str_eq(format_prefix(&addr, shown), cases[i].addr);
		cr_expect_str_eq(target, cases[i].target);
		ports_free(&ports);
	}
	cr_expect(!is_address_word("80:90") && !is_address_word("http") && !is_address_word("80,81:82"));
}

Test(parse_address_target, refuses)
{
	static const struct refusal cases[] = {
		/* endpoints */
		{"210.10.94.277:8082", "'210.10.94.277:8082': 277 is no octet of an IPv4 address; octets are 0..255"},
		{"10.0.0.1:70000", "'70000': ports are 0..65535"},
		{"10.0.0.1:", "'': a port is missing; write a number, 0..65535"},
		{"10.0.0:80", "'10.0.0:80': an IPv4 address has four octets, as 203.0.113.9"},
		{"10.0.0.01:80", "'10.0.0.01:80': octet 01 has leading zeros; write 1"},
		{"10.0..1:80", "'10.0..1:80': an octet of the IPv4 address is empty; write it as 203.0.113.9"},
		{"[2001:db8::g]:80", "'[2001:db8::g]:80': not an IPv6 address; write it as 2001:db8::1"},
		{"[fe80::1%eth0]:80", "'[fe80::1%eth0]:80': addresses have no zone here; leave out '%eth0'"},
		{"[::ffff:1.2.3.4]:80", "'[::ffff:1.2.3.4]:80': v4-mapped addresses are not accepted; write 1.2.3.4"},
		{"[2001:db8::1", "'[2001:db8::1': ']' is missing; write it as [2001:db8::1]:22"},
		{"[2001:db8::1]", "'[2001:db8::1]': brackets are for an address with a port, as [2001:db8::1]:22"},
		{"http:80", "'http:80': not an address; host names are not looked up, write it as 203.0.113.9 or "
			    "2001:db8::1"},
		{"example.com:80", "'example.com:80': not an address; host names are not looked up, write it as "
				   "203.0.113.9 or 2001:db8::1"},
		/* bare addresses */
		{"210.10.94.277", "'210.10.94.277': 277 is no octet of an IPv4 address; octets are 0..255"},
		{"10.0.0.0/33", "'10.0.0.0/33': the prefix length of an IPv4 address is 0..32"},
		{"1:2:3", "'1:2:3': not an IPv6 address; write it as 2001:db8::1"},
		{"example.com", "'example.com': not an address; host names are not looked up, write it as 203.0.113.9 "
				"or 2001:db8::1"},
		{"2.2", "'2.2': an IPv4 address has four octets, as 203.0.113.9"},
		{"10.0.0.1:22/tpc", "'tpc': not a protocol with ports; write tcp, udp or sctp"},
		{"10.0.0.1:22:80", "'10.0.0.1:22:80': not an IPv6 address; write it as 2001:db8::1"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct prefix addr = {.length = 7};
		struct ports ports = {0};
		unsigned int protocols = 99;
		struct error e = {0};

		cr_expect_eq(parse_address_target(cases[i].input, &addr, &ports, &protocols, &e), -EINVAL, "%s",
			     cases[i].input);
		cr_expect_str_eq(e.text, cases[i].text);
		cr_expect(addr.length == 7 && !ports.count && protocols == 99, "%s", cases[i].input);
	}
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

Test(parse_duration, refuses)
{
	static const struct refusal cases[] = {
		{"", "'': not a duration; write a number and s, m, h, d or w, as 90s or 1h"},
		{"h", "'h': not a duration; write a number and s, m, h, d or w, as 90s or 1h"},
		{"1x", "'1x': not a duration; write a number and s, m, h, d or w, as 90s or 1h"},
		{"1hh", "'1hh': not a duration; write a number and s, m, h, d or w, as 90s or 1h"},
		{"1h30m", "'1h30m': not a duration; write a number and s, m, h, d or w, as 90s or 1h"},
		{"-1h", "'-1h': not a duration; write a number and s, m, h, d or w, as 90s or 1h"},
		{"1.5h", "'1.5h': not a duration; write a number and s, m, h, d or w, as 90s or 1h"},
		{"1 h", "'1 h': not a duration; write a number and s, m, h, d or w, as 90s or 1h"},
		{"0", "'0': a duration is at least 1 second"},
		{"0w", "'0w': a duration is at least 1 second"},
		{"01h", "'01h': a duration has no leading zeros"},
		{"7102w", "'7102w': too long; a duration is at most 7101w"},
		{"4294967296", "'4294967296': too long; a duration is at most 7101w"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct error e = {0};
		unsigned int seconds = 7;

		cr_expect_eq(parse_duration(cases[i].input, &seconds, &e), -EINVAL, "%s", cases[i].input);
		cr_expect_str_eq(e.text, cases[i].text);
		cr_expect_eq(seconds, 7);
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
