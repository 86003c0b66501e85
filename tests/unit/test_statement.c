// SPDX-License-Identifier: GPL-2.0-only
/* One statement: its values, ids and names, and random lines. The grammar by example: test_golden.c. */
#include "unit.h"

static void expect_round_trip(const char *line, const char *canonical)
{
	struct statement s = parse_line(line), again;
	_free_ char *text = statement_format(&s), *text_again = NULL;

	cr_expect_str_eq(text, canonical);
	again = parse_line(text);
	text_again = statement_format(&again);
	cr_expect_str_eq(text_again, canonical);
	cr_expect_eq(s.id, again.id, "%s", line);
	cr_expect_eq(s.kind, again.kind, "%s", line);
	cr_expect_eq(s.runtime, again.runtime, "%s", line);
	statement_free(&s);
	statement_free(&again);
}

/* What no line of tests/golden can be: blanks and comments, and blanks around a statement. */
Test(statement, blanks_and_comments)
{
	static const struct pair cases[] = {
		{" \tallow\t\tin  22 \r", "allow in 22"},
		{"", ""},
		{"   ", "   "},
		{"# allow in 22", "# allow in 22"},
		{"  #kept as it is \t", "  #kept as it is \t"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		expect_round_trip(cases[i].input, cases[i].output);
}

Test(statement, values)
{
	struct statement s = parse_line("reject out 80,443/udp");

	cr_expect(s.kind == STATEMENT_RULE && s.rule.verdict == XDPFW_REJECT && s.rule.dir == XDPFW_OUT);
	cr_expect(s.rule.protocols == PROTO_UDP && s.rule.ports.count == 2 && !s.runtime && !s.counter);
	statement_free(&s);
	s = parse_line("default reject out --runtime");
	cr_expect(s.kind == STATEMENT_DEFAULT && s.default_policy.verdict == XDPFW_REJECT &&
		  s.default_policy.dir == XDPFW_OUT && s.runtime);
	s = parse_line("forward 8080:2988/tcp");
	cr_expect(s.kind == STATEMENT_FORWARD && s.forward.listen[0].first == 8080 &&
		  s.forward.targets[0].ports[0].first == 2988 && s.forward.protocols == PROTO_TCP);
	statement_free(&s);
	s = parse_line("option non-ip off");
	cr_expect(s.kind == STATEMENT_OPTION && s.option.name == OPTION_NON_IP && s.option.value == 0);
	s = parse_line("option allow-ping on");
	cr_expect(s.option.name == OPTION_ALLOW_PING && s.option.value == 1);
	s = parse_line("option udp-timeout 2m");
	cr_expect(s.option.name == OPTION_TIMEOUTS + XDPFW_T_UDP && s.option.value == 120);
	s = parse_line("load eth0 --mode generic");
	cr_expect(s.kind == STATEMENT_LOAD && s.load.mode == MODE_GENERIC);
	cr_expect_str_eq(s.load.name, "eth0");
	s = parse_line("# note");
	cr_expect(s.kind == STATEMENT_COMMENT && !s.id);
	statement_free(&s);
}

Test(statement, long_comments_are_not_cut)
{
	_free_ char *line = malloc(1000001), *text = NULL;
	struct statement s;

	memset(line, '#', 1000000);
	line[1000000] = '\0';
	s = parse_line(line);
	text = statement_format(&s);
	cr_expect(!strcmp(text, line));
	statement_free(&s);
}

static __u64 fnv1a(const char *text)
{
	__u64 hash = 14695981039346656037ULL;

	while (*text) {
		hash ^= (unsigned char)*text++;
		hash *= 1099511628211ULL;
	}
	return hash;
}

Test(statement, the_id_is_a_hash_of_the_match_part)
{
	static const struct pair cases[] = {
		{"allow in 22/tcp", "rule in 22/tcp"},
		{"deny in 22/tcp", "rule in 22/tcp"},
		{"reject in 22/tcp --runtime", "rule in 22/tcp"},
		{"allow out 22/tcp", "rule out 22/tcp"},
		{"allow in 22", "rule in 22"},
		{"allow in 80,79,1", "rule in 1,79-80"},
		{"allow in ssh", "rule in 22/tcp"},
		{"allow in any", "rule in any"},
		{"allow in 0-65535", "rule in 0-65535"},
		{"allow in 80/sctp", "rule in 80/sctp"},
		{"allow in proto udp", "rule in 0-65535/udp"},
		{"allow in proto gre", "rule in proto 47"},
		{"allow out proto 251", "rule out proto 251"},
		{"deny in icmp", "rule in icmp"},
		{"deny in icmp4", "rule in icmp4"},
		{"deny in icmp6", "rule in icmp6"},
		{"deny in icmp4/8", "rule in icmp4/8"},
		{"deny in icmp6/echo-request", "rule in icmp6/128"},
		{"deny in icmp/echo-request", "rule in icmp4/8+icmp6/128"},
		{"deny in icmp/source-quench", "rule in icmp4/4"},
		{"route allow 80/tcp", "rule routed 80/tcp"},
		{"route deny proto gre", "rule routed proto 47"},
		{"default deny routed", "default routed"},
		{"option udp-timeout 5s", "option udp-timeout"},
		{"default deny", "default in"},
		{"default allow out", "default out"},
		{"forward 8080:2988", "forward 8080:2988"},
		{"forward 2988:8080", "forward 8080:2988"},
		{"forward 2988:8080/udp", "forward 8080:2988/udp"},
		{"block 1.2.3.4", "block 1.2.3.4/32"},
		{"block 1.2.3.4/16", "block 1.2.0.0/16"},
		{"block 0.0.0.0/0", "block 0.0.0.0/0"},
		{"block 2001:db8::1", "block 2001:db8::1/128"},
		{"block ::/0", "block ::/0"},
		{"option allow-ping off", "option allow-ping"},
		{"load eth0 --mode tc", "load eth0"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct statement s = parse_line(cases[i].input);

		cr_expect_eq(s.id, fnv1a(cases[i].output), "%s", cases[i].input);
		statement_free(&s);
	}
	cr_expect_eq(fnv1a("foobar"), 0x85944171f73967e8ULL, "the published test vector");
}

#define UNKNOWN                                                                                                        \
	": unknown; statements are allow, deny, reject, limit, route, default, forward, block, set, option, panic "    \
	"and load"

/* Words from a shell may hold what a line cannot: blanks, nothing, a newline. */
Test(statement, refuses_words_that_no_line_can_hold)
{
	static const struct {
		char *words[3];
		int count;
		const char *text;
	} cases[] = {
		{{NULL}, 0, "'': a statement is missing; write one such as allow in 22"},
		{{""}, 1, "''" UNKNOWN},
		{{"# x"}, 1, "'# x'" UNKNOWN},
		{{"allow in 22"}, 1, "'allow in 22'" UNKNOWN},
		{{"allow", "in", ""}, 3, "'': a port is missing; write a number, 0..65535"},
		{{"allow", "in", " 22"}, 3, "' 22': not a port; write a number, 0..65535"},
		{{"allow", "in", "22\nallow in any"}, 3, "'22?allow in any': not a port; write a number, 0..65535"},
		{{"load", "eth0 x"}, 2, "'eth0 x': not a name of an interface; 'ip link' lists them"},
		{{"load", "a\x01z"}, 2, "'a?z': not a name of an interface; 'ip link' lists them"},
		{{"load", ""}, 2, "'': not a name of an interface; 'ip link' lists them"},
		{{"block", "1.2.3.4\n"},
		 2,
		 "'1.2.3.4?': not an address; host names are not looked up, write it as 203.0.113.9 or 2001:db8::1"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct statement s = {0};
		struct error e = {0};

		cr_expect_eq(statement_parse(cases[i].count, cases[i].words, &s, &e), -EINVAL, "%zu", i);
		cr_expect_str_eq(e.text, cases[i].text);
	}
}

Test(statement, arguments_and_lines_share_the_grammar)
{
	char *words[] = {"--runtime", "allow", "in", "80,443/tcp"};
	struct statement s;
	_free_ char *text = NULL;

	cr_assert_eq(statement_parse(ARRAY_SIZE(words), words, &s, NULL), 0);
	text = statement_format(&s);
	cr_expect_str_eq(text, "allow in 80,443/tcp --runtime");
	statement_free(&s);
}

Test(statement, names)
{
	enum load_mode mode = MODE_TC;

	cr_expect_str_eq(action_name(XDPFW_PASS), "allow");
	cr_expect_str_eq(action_name(XDPFW_DROP), "deny");
	cr_expect_str_eq(action_name(XDPFW_REJECT), "reject");
	cr_expect_str_eq(dir_name(XDPFW_IN), "in");
	cr_expect_str_eq(dir_name(XDPFW_OUT), "out");
	cr_expect_str_eq(dir_name(XDPFW_ROUTED), "routed");
	for (enum load_mode i = MODE_AUTO; i <= MODE_TC; i++) {
		cr_expect_eq(parse_mode(mode_name(i), &mode, NULL), 0);
		cr_expect_eq(mode, i);
	}
	cr_expect_eq(parse_mode("", &mode, NULL), -EINVAL);
	cr_expect_eq(mode, MODE_TC);
}

static const char *const starts[] = {
	"allow from ", "limit in ", "deny out on eth0 ", "route allow in on eth0 out on eth1 ",
	"set add x ",  "allow ",    "deny in ",          "reject out ",
	"route deny ", "default ",  "option ",           "allow proto ",
};

static const char *const pieces[] = {
	"allow",
	"deny",
	"reject",
	"default",
	"forward",
	"block",
	"option",
	"load",
	"in",
	"out",
	"routed",
	"incoming",
	"22",
	"80",
	"65535",
	"0",
	"65536",
	"-",
	",",
	":",
	"/",
	"/tcp",
	"/udp",
	"tcp",
	"any",
	"http",
	"https",
	"domain",
	"10-20",
	"8080:2988",
	"1.2.3.4",
	"::1",
	"[",
	"]",
	"%",
	".",
	"/24",
	"2001:db8::/32",
	"on",
	"off",
	"non-ip",
	"eth0",
	"#",
	"--runtime",
	"--mode",
	"native",
	"\t",
	"\r",
	"from",
	"0x1",
	"+",
	"\xc3\xb6",
	"7777777",
	"allow-ping",
	"route",
	"proto",
	"gre",
	"47",
	"sctp",
	"/sctp",
	"icmp",
	"icmp4",
	"icmp6",
	"/8",
	"/ping",
	"/redirect",
	"60s",
	"udp-timeout",
	"250",
	"icmp6/128",
	"icmp4/8",
	"/",
	"to",
	"port",
	"@set",
	"log",
	"comment",
	"'a b'",
	"for",
	"until",
	"2030-01-01T00:00:00Z",
	"rate",
	"6/30s",
	"limit",
	"user",
	"root",
	"cgroup",
	"a/b",
	"disabled",
	"set",
	"add",
	"10.0.0.5:80",
	"10.0.0.0/8",
	"\"",
};

static void random_line(char *line, unsigned int *seed)
{
	int count = 1 + rand_r(seed) % 7;

	strcpy(line, rand_r(seed) % 2 ? starts[rand_r(seed) % ARRAY_SIZE(starts)] : "");
	for (int i = 0; i < count; i++) {
		strcat(line, pieces[rand_r(seed) % ARRAY_SIZE(pieces)]);
		if (rand_r(seed) % 3)
			strcat(line, " ");
	}
}

/* Whatever is said: either a line that stays what it is, or one harmless line that says why not. */
Test(statement, random_lines, .timeout = 60)
{
	unsigned int seed = 7, accepted = 0;

	for (int i = 0; i < 300000; i++) {
		struct statement s = {0};
		struct error e = {0};
		char line[256];
		_free_ char *text = NULL;

		random_line(line, &seed);
		if (statement_parse_line(line, &s, &e)) {
			cr_assert(e.code == -EINVAL && strstr(e.text, "': "), "seed 7, line %d: %s", i, line);
			continue;
		}
		text = statement_format(&s);
		cr_assert(!strchr(text, '\n'), "seed 7, line %d: %s", i, line);
		expect_round_trip(text, text);
		accepted += s.kind != STATEMENT_COMMENT;
		statement_free(&s);
	}
	cr_expect_gt(accepted, 1000);
}
