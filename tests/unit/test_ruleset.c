// SPDX-License-Identifier: GPL-2.0-only
/* The ordered list: its order, its comments, what adding and deleting do, and files. */
#include "unit.h"

static enum change add(struct ruleset *set, const char *line)
{
	struct statement s = parse_line(line);
	enum change change = -1;
	struct error e = {0};

	cr_assert_eq(ruleset_add(set, &s, &change, &e), 0, "%s: %s", line, e.text);
	return change;
}

static enum change remove_line(struct ruleset *set, const char *line)
{
	struct statement s = parse_line(line);
	enum change change = ruleset_delete(set, s.kind, s.id);

	statement_free(&s);
	return change;
}

static const struct statement *find(const struct ruleset *set, const char *line)
{
	struct statement s = parse_line(line);
	const struct statement *found = ruleset_find(set, s.kind, s.id);

	statement_free(&s);
	return found;
}

static const char file[] = "# the firewall of this host\n"
			   "default deny in\n"
			   "\n"
			   "# ssh first\n"
			   "allow in 22/tcp\n"
			   "\tdeny 23\n"
			   "forward 8080:2988\n"
			   "\n"
			   "# the web\r\n"
			   "allow in http\n"
			   "block 203.0.113.7/24\n"
			   "option allow-ping off\n"
			   "load eth0 --mode tc\n"
			   "# end\n";

static const char canonical[] = "# the firewall of this host\n"
				"default deny in\n"
				"\n"
				"# ssh first\n"
				"allow in 22/tcp\n"
				"deny in 23\n"
				"forward 8080:2988\n"
				"\n"
				"# the web\r\n"
				"allow in 80/tcp\n"
				"block 203.0.113.0/24\n"
				"option allow-ping off\n"
				"load eth0 --mode tc\n"
				"# end\n";

Test(ruleset, a_file_keeps_its_order_and_comments)
{
	struct ruleset set = parse_set(file);

	expect_set(&set, canonical);
	cr_expect_eq(set.count, 14);
	cr_expect_eq(ruleset_count(&set, STATEMENT_RULE), 3);
	cr_expect_eq(ruleset_count(&set, STATEMENT_COMMENT), 6);
	cr_expect_eq(ruleset_count(&set, STATEMENT_LOAD), 1);
	ruleset_free(&set);
	cr_expect(!set.statements && !set.count && !set.index);
}

Test(ruleset, texts_with_and_without_a_last_newline)
{
	static const struct pair cases[] = {
		{"", ""},
		{"\n", "\n"},
		{"allow 22", "allow in 22\n"},
		{"\n\n#x", "\n\n#x\n"},
		{"allow 1\n\n", "allow in 1\n\n"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct ruleset set = parse_set(cases[i].input);

		expect_set(&set, cases[i].output);
		ruleset_free(&set);
	}
}

Test(ruleset, an_empty_set)
{
	struct ruleset set = {0}, copy;

	expect_set(&set, "");
	cr_expect_null(ruleset_find(&set, STATEMENT_RULE, 5));
	cr_expect_null(ruleset_rule(&set, 1));
	cr_expect_eq(ruleset_count(&set, STATEMENT_RULE), 0);
	cr_expect_eq(ruleset_default(&set, XDPFW_IN), XDPFW_DROP);
	cr_expect_eq(ruleset_default(&set, XDPFW_OUT), XDPFW_PASS);
	cr_expect_eq(ruleset_default(&set, XDPFW_ROUTED), XDPFW_DROP);
	cr_expect(ruleset_option(&set, OPTION_ALLOW_PING) == 1 && ruleset_option(&set, OPTION_NON_IP) == 1);
	cr_expect_eq(ruleset_option(&set, OPTION_TIMEOUTS + XDPFW_T_UDP), 30);
	cr_expect_eq(ruleset_option(&set, OPTION_TIMEOUTS + XDPFW_T_TCP_ESTABLISHED), 432000);
	cr_expect_eq(remove_line(&set, "allow 22"), CHANGE_NONE);
	cr_expect_eq(ruleset_delete_ids(&set, (__u64[]){0, 5}, 2), 0);
	cr_expect_eq(ruleset_copy(&set, &copy), 0);
	ruleset_free(&copy);
	ruleset_free(&set);
}

Test(ruleset, add_goes_behind_its_kind)
{
	struct ruleset set = parse_set(file);

	cr_expect_eq(add(&set, "allow in 443"), CHANGE_ADDED);
	cr_expect_eq(add(&set, "default allow out"), CHANGE_ADDED);
	cr_expect_eq(add(&set, "forward 1:2"), CHANGE_ADDED);
	cr_expect_eq(add(&set, "load eth1"), CHANGE_ADDED);
	cr_expect_eq(add(&set, "# more"), CHANGE_ADDED);
	expect_set(&set, "# the firewall of this host\n"
			 "default deny in\n"
			 "default allow out\n"
			 "\n"
			 "# ssh first\n"
			 "allow in 22/tcp\n"
			 "deny in 23\n"
			 "forward 8080:2988\n"
			 "forward 1:2\n"
			 "\n"
			 "# the web\r\n"
			 "allow in 80/tcp\n"
			 "allow in 443\n"
			 "block 203.0.113.0/24\n"
			 "option allow-ping off\n"
			 "load eth0 --mode tc\n"
			 "load eth1\n"
			 "# end\n"
			 "# more\n");
	cr_expect_eq(find(&set, "load eth1")->load.mode, MODE_AUTO, "what moved is found again");
	cr_expect_eq(find(&set, "option allow-ping on")->option.value, 0);
	ruleset_free(&set);
}

Test(ruleset, add_of_the_first_of_its_kind_goes_to_the_end)
{
	struct ruleset set = parse_set("load eth0\n# end\n");

	cr_expect_eq(add(&set, "allow 22"), CHANGE_ADDED);
	cr_expect_eq(add(&set, "block ::1"), CHANGE_ADDED);
	cr_expect_eq(add(&set, "allow 23"), CHANGE_ADDED);
	expect_set(&set, "load eth0\n# end\nallow in 22\nallow in 23\nblock ::1\n");
	ruleset_free(&set);
}

Test(ruleset, equal_statements_replace_in_place)
{
	struct ruleset set = parse_set("allow in 22\nallow in 80\ndefault deny\noption non-ip on\nload eth0\n"
				       "forward 1:2\nblock 1.2.3.4\n");

	set.statements[0].counter = 17;
	cr_expect_eq(add(&set, "allow 22"), CHANGE_NONE);
	cr_expect_eq(add(&set, "deny in 22"), CHANGE_REPLACED);
	cr_expect_eq(add(&set, "allow in 22/tcp"), CHANGE_ADDED, "another match part");
	cr_expect_eq(add(&set, "default deny in"), CHANGE_NONE);
	cr_expect_eq(add(&set, "default reject"), CHANGE_REPLACED);
	cr_expect_eq(add(&set, "option non-ip on"), CHANGE_NONE);
	cr_expect_eq(add(&set, "option non-ip off"), CHANGE_REPLACED);
	cr_expect_eq(add(&set, "load eth0"), CHANGE_NONE);
	cr_expect_eq(add(&set, "load eth0 --mode tc"), CHANGE_REPLACED);
	cr_expect_eq(add(&set, "forward 2:1"), CHANGE_NONE, "the same link, as first typed");
	cr_expect_eq(add(&set, "block 1.2.3.4/32"), CHANGE_NONE);
	expect_set(&set, "deny in 22\nallow in 80\nallow in 22/tcp\ndefault reject in\noption non-ip off\n"
			 "load eth0 --mode tc\nforward 1:2\nblock 1.2.3.4\n");
	cr_expect_eq(set.statements[0].counter, 17, "its counters stay its own");
	cr_expect_eq(ruleset_default(&set, XDPFW_IN), XDPFW_REJECT);
	cr_expect_eq(ruleset_default(&set, XDPFW_OUT), XDPFW_PASS);
	cr_expect(!ruleset_option(&set, OPTION_NON_IP) && ruleset_option(&set, OPTION_ALLOW_PING));
	ruleset_free(&set);
}

Test(ruleset, every_kind_of_match_is_its_own_rule)
{
	static const char text[] =
		"allow in any\nallow in 80\nallow in 80/sctp\nallow in proto gre\nallow in proto 251\n"
		"allow in icmp\nallow in icmp4\nallow in icmp4/echo-request\n"
		"allow in icmp/echo-request\nroute allow any\nroute allow 80\nroute allow icmp\n";
	struct ruleset set = parse_set(text), copy;
	_free_ char *formatted = NULL;

	cr_expect_eq(ruleset_count(&set, STATEMENT_RULE), 12);
	cr_assert_eq(ruleset_copy(&set, &copy), 0);
	formatted = ruleset_format(&copy, true);
	cr_expect_str_eq(formatted, text);
	ruleset_free(&copy);
	cr_expect_eq(add(&set, "deny proto 47"), CHANGE_REPLACED);
	cr_expect_eq(add(&set, "allow icmp/ping"), CHANGE_NONE);
	cr_expect_eq(add(&set, "reject in icmp4/8"), CHANGE_REPLACED);
	cr_expect_eq(add(&set, "route deny 80"), CHANGE_REPLACED);
	cr_expect_eq(remove_line(&set, "allow in any"), CHANGE_REMOVED);
	cr_expect_eq(remove_line(&set, "allow out any"), CHANGE_NONE);
	expect_set(&set, "allow in 80\nallow in 80/sctp\ndeny in proto gre\nallow in proto 251\nallow in icmp\n"
			 "allow in icmp4\nreject in icmp4/echo-request\nallow in icmp/echo-request\nroute allow any\n"
			 "route deny 80\nroute allow icmp\n");
	ruleset_free(&set);
}

Test(ruleset, routed_default_and_timeouts_replace)
{
	struct ruleset set = parse_set("default deny in\noption udp-timeout 60s\n");

	cr_expect_eq(add(&set, "default reject routed"), CHANGE_ADDED);
	cr_expect_eq(ruleset_default(&set, XDPFW_ROUTED), XDPFW_REJECT);
	cr_expect_eq(add(&set, "default allow routed"), CHANGE_REPLACED);
	cr_expect_eq(ruleset_default(&set, XDPFW_ROUTED), XDPFW_PASS);
	cr_expect_eq(ruleset_default(&set, XDPFW_IN), XDPFW_DROP);
	cr_expect_eq(add(&set, "option udp-timeout 1m"), CHANGE_NONE);
	cr_expect_eq(add(&set, "option udp-timeout 2m"), CHANGE_REPLACED);
	cr_expect_eq(add(&set, "option icmp-timeout 1"), CHANGE_ADDED);
	cr_expect_eq(ruleset_option(&set, OPTION_TIMEOUTS + XDPFW_T_UDP), 120);
	cr_expect_eq(ruleset_option(&set, OPTION_TIMEOUTS + XDPFW_T_ICMP), 1);
	expect_set(&set, "default deny in\ndefault allow routed\noption udp-timeout 2m\noption icmp-timeout 1s\n");
	cr_expect_eq(remove_line(&set, "option udp-timeout 5s"), CHANGE_REMOVED);
	cr_expect_eq(ruleset_option(&set, OPTION_TIMEOUTS + XDPFW_T_UDP), 30);
	ruleset_free(&set);
}

Test(ruleset, add_takes_the_memory)
{
	struct statement s = parse_line("allow 22");
	struct ruleset set = {0};
	enum change change;

	cr_assert_eq(ruleset_add(&set, &s, &change, NULL), 0);
	cr_expect(!s.id && !s.rule.ports.ranges);
	statement_free(&s);
	ruleset_free(&set);
}

Test(ruleset, runtime)
{
	struct ruleset set = parse_set("allow in 22\nallow in 80 --runtime\n");
	_free_ char *text = NULL, *without = NULL;

	cr_expect_eq(add(&set, "allow 22 --runtime"), CHANGE_NONE, "it stays in the file");
	cr_expect_eq(add(&set, "allow 80 --runtime"), CHANGE_NONE);
	cr_expect_eq(add(&set, "allow 443 --runtime"), CHANGE_ADDED);
	cr_expect_eq(add(&set, "deny 23 --runtime"), CHANGE_ADDED);
	text = ruleset_format(&set, true);
	cr_expect_str_eq(text, "allow in 22\nallow in 80 --runtime\nallow in 443 --runtime\ndeny in 23 --runtime\n");
	cr_expect_eq(add(&set, "allow 443"), CHANGE_REPLACED, "now it is in the file too");
	without = ruleset_format(&set, false);
	cr_expect_str_eq(without, "allow in 22\nallow in 443\n");
	cr_expect_eq(add(&set, "allow 23 --runtime"), CHANGE_REPLACED);
	cr_expect_eq(add(&set, "deny 23"), CHANGE_REPLACED);
	expect_set(&set, "allow in 22\nallow in 80 --runtime\nallow in 443\ndeny in 23\n");
	ruleset_free(&set);
}

Test(ruleset, delete)
{
	struct ruleset set = parse_set(file);

	cr_expect_eq(remove_line(&set, "allow in 23"), CHANGE_REMOVED, "the action is not part of the match");
	cr_expect_eq(remove_line(&set, "allow in 23"), CHANGE_NONE);
	cr_expect_eq(remove_line(&set, "forward 2988:8080"), CHANGE_REMOVED);
	cr_expect_eq(ruleset_delete(&set, STATEMENT_BLOCK, find(&set, "allow 22/tcp")->id), CHANGE_NONE, "other kind");
	expect_set(&set, "# the firewall of this host\ndefault deny in\n\n# ssh first\nallow in 22/tcp\n\n# the web\r\n"
			 "allow in 80/tcp\nblock 203.0.113.0/24\noption allow-ping off\nload eth0 --mode tc\n# end\n");
	cr_expect_eq(ruleset_count(&set, STATEMENT_RULE), 2);
	cr_expect_eq(ruleset_count(&set, STATEMENT_FORWARD), 0);
	cr_expect_eq(add(&set, "forward 8080:1"), CHANGE_ADDED, "its ports are free again");
	cr_expect_eq(find(&set, "load eth0")->load.mode, MODE_TC, "what moved is found again");
	ruleset_free(&set);
}

Test(ruleset, delete_many_at_once)
{
	struct ruleset set = parse_set("allow in 1\n# a\nallow in 2\nallow in 3\nforward 7:8\nallow in 4\n");
	__u64 ids[] = {find(&set, "allow 1")->id, 12345, find(&set, "allow 3")->id, find(&set, "forward 7:8")->id,
		       find(&set, "allow 1")->id, 0};

	cr_expect_eq(ruleset_delete_ids(&set, ids, ARRAY_SIZE(ids)), 3);
	expect_set(&set, "# a\nallow in 2\nallow in 4\n");
	cr_expect_eq(ruleset_rule(&set, 2)->rule.ports.ranges[0].first, 4);
	ruleset_free(&set);
}

Test(ruleset, rules_are_numbered_from_one)
{
	struct ruleset set = parse_set(file);

	cr_expect_null(ruleset_rule(&set, 0));
	cr_expect_eq(ruleset_rule(&set, 1)->rule.ports.ranges[0].first, 22);
	cr_expect_eq(ruleset_rule(&set, 3)->rule.ports.ranges[0].first, 80);
	cr_expect_null(ruleset_rule(&set, 4));
	cr_expect_null(ruleset_rule(&set, (size_t)-1));
	add(&set, "allow 9");
	cr_expect_eq(ruleset_rule(&set, 4)->rule.ports.ranges[0].first, 9);
	remove_line(&set, "allow 22/tcp");
	cr_expect_eq(ruleset_rule(&set, 1)->rule.ports.ranges[0].first, 23);
	cr_expect_null(ruleset_rule(&set, 4));
	ruleset_free(&set);
}

Test(ruleset, forwards_do_not_share_ports)
{
	static const struct refusal cases[] = {
		{"forward 8080:1",
		 "'forward 8080:1': port 8080 is already used by 'forward 8080:2988'; delete that first"},
		{"forward 1:8080",
		 "'forward 1:8080': port 8080 is already used by 'forward 8080:2988'; delete that first"},
		{"forward 1:2988/udp",
		 "'forward 1:2988/udp': port 2988 is already used by 'forward 8080:2988'; delete that first"},
		{"forward 8080:2988/tcp",
		 "'forward 8080:2988/tcp': port 8080 is already used by 'forward 8080:2988'; delete that first"},
		{"forward 53:9", "'forward 53:9': port 53 is already used by 'forward 53:5353/udp'; delete that first"},
		{"forward 7:1", "'forward 7:1': port 7 is already used by 'forward 7:6/tcp'; delete that first"},
		{"forward 9:5353/udp",
		 "'forward 9:5353/udp': port 5353 is already used by 'forward 53:5353/udp'; delete that first"},
	};
	static const char text[] = "forward 8080:2988\nforward 53:5353/udp\nforward 7:6/tcp\n";
	struct ruleset set = parse_set(text);

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct statement s = parse_line(cases[i].input);
		enum change change = -1;
		struct error e = {0};

		cr_expect_eq(ruleset_add(&set, &s, &change, &e), -EINVAL, "%s", cases[i].input);
		cr_expect_str_eq(e.text, cases[i].text);
		cr_expect(change == (enum change) - 1 && !s.id);
	}
	expect_set(&set, text);
	cr_expect_eq(add(&set, "forward 53:9/tcp"), CHANGE_ADDED, "no protocol in common");
	cr_expect_eq(add(&set, "forward 53:9/sctp"), CHANGE_ADDED, "neither here");
	ruleset_free(&set);
}

/* Who may stand beside whom. */
Test(ruleset, forwards_overlap)
{
	static const struct {
		const char *there, *more;
		bool fits;
	} cases[] = {
		{"forward 8000-8010:9000-9010", "forward 7000:9005", false},
		{"forward 8000-8010:9000-9010", "forward 8011:9011", true},
		{"forward 8000-8010:9000-9010 one-way", "forward 8010:1 one-way", false},
		{"forward 8080:2988 one-way", "forward 8081:2988 one-way", true},
		{"forward 8080:2988 one-way", "forward 2988:1 one-way", false},
		{"forward 8080:2988 one-way", "forward 7:8080 one-way", false},
		{"forward 8080:2988 one-way", "forward 2988:7", false},
		{"forward 443:10.0.0.5:8443", "forward 8443:10.0.0.6:1", true},
		{"forward 443:10.0.0.5:8443", "forward 443:10.0.0.6:1", false},
		{"forward 443:10.0.0.5:8443", "forward 443:[fd00::5]:8443", true},
		{"forward 443:10.0.0.5:8443", "forward 443:8443", false},
		{"forward 443:10.0.0.5:8443 to 192.0.2.1", "forward 443:8443 one-way to 2001:db8::1", true},
		{"forward 443:10.0.0.5:8443/tcp", "forward 443:10.0.0.5:8443/udp", true},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct ruleset set = parse_set(cases[i].there);
		struct statement s = parse_line(cases[i].more);
		enum change change;

		cr_expect_eq(ruleset_add(&set, &s, &change, NULL), cases[i].fits ? 0 : -EINVAL, "%s beside %s",
			     cases[i].more, cases[i].there);
		ruleset_free(&set);
	}
}

/* Comment and expiry are no part of what a forward is. */
Test(ruleset, a_forward_is_replaced_by_itself)
{
	struct ruleset set = parse_set("forward 443:10.0.0.5:8443\n");

	cr_expect_eq(add(&set, "forward 443:10.0.0.5:8443"), CHANGE_NONE);
	cr_expect_eq(add(&set, "forward 443:10.0.0.5:8443 comment 'web'"), CHANGE_REPLACED);
	cr_expect_eq(add(&set, "forward 443:10.0.0.5:8443 until 2030-01-01T00:00:00Z"), CHANGE_REPLACED);
	expect_set(&set, "forward 443:10.0.0.5:8443 until 2030-01-01T00:00:00Z\n");
	ruleset_free(&set);
}

Test(ruleset, errors_name_file_and_line)
{
	static const struct refusal cases[] = {
		{"allwo 22", "x.rules:1: 'allwo': unknown; statements are allow, deny, reject, limit, route, default, "
			     "forward, block, set, option, panic and load"},
		{"allow 22\n\n# c\nallow in 70000\nallow 99999\n", "x.rules:4: '70000': ports are 0..65535"},
		{"allow 22\nforward 1:2\nforward 2:3",
		 "x.rules:3: 'forward 2:3': port 2 is already used by 'forward 1:2'; delete that first"},
		{"allow in 22 # ssh\n",
		 "x.rules:1: '#': one word too many; comments stand on lines of their own, or behind the word comment"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct ruleset set = {.count = 7};
		struct error e = {0};

		cr_expect_eq(ruleset_parse(cases[i].input, "x.rules", &set, &e), -EINVAL);
		cr_expect_eq(e.code, -EINVAL);
		cr_expect_str_eq(e.text, cases[i].text);
		cr_expect(set.count == 7 && !set.statements, "all or nothing");
	}
}

Test(ruleset, a_file_may_repeat_a_statement)
{
	struct ruleset set = parse_set("allow 22\n# a\nallow 80\ndeny 22\nforward 1:2\nforward 2:1\n");

	expect_set(&set, "deny in 22\n# a\nallow in 80\nforward 1:2\n");
	ruleset_free(&set);
}

Test(ruleset, copies_are_deep)
{
	struct ruleset set = parse_set(file), copy;

	set.statements[4].counter = 5;
	cr_assert_eq(ruleset_copy(&set, &copy), 0);
	remove_line(&set, "allow 22/tcp");
	add(&set, "allow 23");
	ruleset_free(&set);
	expect_set(&copy, canonical);
	cr_expect_eq(find(&copy, "allow 22/tcp")->counter, 5);
	cr_expect_eq(ruleset_rule(&copy, 2)->rule.verdict, XDPFW_DROP);
	ruleset_free(&copy);
}

/* A plain list of lines with the same rules for where things go, against which the index is checked. */
struct shadow {
	struct entry {
		char match[32]; /* the line without its action */
		char action[8];
	} entries[4000];
	size_t count;
};

static size_t shadow_find(const struct shadow *shadow, const char *match)
{
	for (size_t i = 0; i < shadow->count; i++)
		if (!strcmp(shadow->entries[i].match, match))
			return i;
	return shadow->count;
}

static void shadow_add(struct shadow *shadow, const char *action, const char *match)
{
	size_t at = shadow_find(shadow, match);

	if (at == shadow->count)
		strcpy(shadow->entries[shadow->count++].match, match);
	strcpy(shadow->entries[at].action, action);
}

static void shadow_delete(struct shadow *shadow, const char *match)
{
	size_t at = shadow_find(shadow, match);

	if (at == shadow->count)
		return;
	memmove(&shadow->entries[at], &shadow->entries[at + 1], (shadow->count - at - 1) * sizeof(struct entry));
	shadow->count--;
}

static void expect_shadow(const struct ruleset *set, const struct shadow *shadow)
{
	_free_ char *text = calloc(shadow->count + 1, sizeof(struct entry));
	char *end = text;

	for (size_t i = 0; i < shadow->count; i++)
		end += sprintf(end, "%s %s\n", shadow->entries[i].action, shadow->entries[i].match);
	expect_set(set, text);
}

Test(ruleset, thousands_of_random_changes)
{
	static const char *const actions[] = {"allow", "deny", "reject"};
	static struct shadow shadow;
	struct ruleset set = parse_set("");
	unsigned int seed = 5;

	for (int i = 0; i < 6000; i++) {
		const char *action = actions[rand_r(&seed) % 3];
		char match[32], line[64];

		sprintf(match, "%s %d", rand_r(&seed) % 2 ? "in" : "out", rand_r(&seed) % 400);
		sprintf(line, "%s %s", action, match);
		if (rand_r(&seed) % 3) {
			add(&set, line);
			shadow_add(&shadow, action, match);
		} else {
			cr_expect_eq(remove_line(&set, line) == CHANGE_REMOVED,
				     shadow_find(&shadow, match) < shadow.count);
			shadow_delete(&shadow, match);
		}
		cr_assert_eq(set.count, shadow.count, "seed 5, step %d: %s", i, line);
		if (i % 97 == 0)
			expect_shadow(&set, &shadow);
	}
	expect_shadow(&set, &shadow);
	ruleset_free(&set);
}

/*
 * Growth: none of these may be quadratic. The bound is wide for slow machines and
 * sanitizers; anything quadratic takes minutes here.
 */
#define MANY 60000

/* MANY lines: what @print makes of each number. */
static char *many_lines(int (*print)(char *line, int i))
{
	char *text = malloc(MANY * 64), *end = text;

	for (int i = 0; i < MANY; i++)
		end += print(end, i);
	return text;
}

static int print_rule(char *line, int i)
{
	return sprintf(line, "allow in %d/%s\n", i, i % 3 ? "tcp" : "udp");
}

static int print_forward(char *line, int i)
{
	return sprintf(line, "forward %d:%d/%s\n", i / 2 % 30000, 30000 + i / 2 % 30000, i % 2 ? "tcp" : "udp");
}

static int print_block(char *line, int i)
{
	return sprintf(line, "block 10.%d.%d.1\n", i / 256, i % 256);
}

static int print_same(char *line, int i)
{
	return sprintf(line, "%s in http\n", i % 2 ? "allow" : "deny");
}

static int print_comment(char *line, int i)
{
	return sprintf(line, "# %d\n", i);
}

Test(growth, files, .timeout = 60)
{
	static int (*const prints[])(char *, int) = {print_rule, print_forward, print_block, print_same, print_comment};
	static const size_t counts[] = {MANY, MANY, MANY, 1, MANY};
	struct timespec start;

	clock_gettime(CLOCK_MONOTONIC, &start);
	for (size_t i = 0; i < ARRAY_SIZE(prints); i++) {
		_free_ char *text = many_lines(prints[i]), *formatted = NULL;
		struct ruleset set = parse_set(text), copy;

		cr_expect_eq(set.count, counts[i]);
		cr_assert_eq(ruleset_copy(&set, &copy), 0);
		formatted = ruleset_format(&copy, true);
		cr_expect(counts[i] == 1 || !strcmp(text, formatted), "a canonical text stays as it is");
		ruleset_free(&set);
		ruleset_free(&copy);
	}
	cr_expect_lt(seconds_since(&start), 20);
}

Test(growth, numbers_and_deleting, .timeout = 60)
{
	_free_ char *text = many_lines(print_rule);
	_free_ __u64 *ids = calloc(MANY, sizeof(*ids));
	struct ruleset set = parse_set(text);
	struct timespec start;

	clock_gettime(CLOCK_MONOTONIC, &start);
	for (size_t n = MANY; n; n--)
		ids[n - 1] = ruleset_rule(&set, n)->id;
	cr_expect_eq(ruleset_delete_ids(&set, ids + 1, MANY - 1), MANY - 1);
	expect_set(&set, "allow in 0/udp\n");
	cr_expect_lt(seconds_since(&start), 10);
	ruleset_free(&set);
}

Test(growth, adding_one_by_one, .timeout = 60)
{
	struct ruleset set = parse_set("load eth0\nallow in 65535\nblock ::1\n# end\n");
	struct timespec start;

	clock_gettime(CLOCK_MONOTONIC, &start);
	for (int i = 0; i < MANY; i++) {
		char line[64];

		print_rule(line, i);
		cr_assert_eq(add(&set, line), CHANGE_ADDED);
	}
	cr_expect_eq(set.count, MANY + 4);
	cr_expect_eq(set.statements[MANY + 3].kind, STATEMENT_COMMENT);
	cr_expect_lt(seconds_since(&start), 10);
	ruleset_free(&set);
}

static enum change insert(struct ruleset *set, size_t n, const char *line)
{
	struct statement s = parse_line(line);
	enum change change = -1;
	struct error e = {0};

	cr_assert_eq(ruleset_insert(set, n, &s, &change, &e), 0, "%s: %s", line, e.text);
	return change;
}

Test(ruleset, insert_puts_rules_in_their_place)
{
	struct ruleset set = parse_set("# first\nallow 1\ndefault deny\nallow 2\nforward 8:9\nallow 3\n# end\n");
	struct statement s = parse_line("allow 7");
	enum change change = -1;
	struct error e = {0};

	cr_expect_eq(insert(&set, 1, "deny 10"), CHANGE_ADDED);
	cr_expect_eq(insert(&set, 3, "deny 11"), CHANGE_ADDED);
	expect_set(&set, "# first\ndeny in 10\nallow in 1\ndefault deny in\ndeny in 11\nallow in 2\nforward 8:9\n"
			 "allow in 3\n# end\n");
	cr_expect_eq(insert(&set, 1, "reject 3"), CHANGE_MOVED);
	cr_expect_eq(insert(&set, 5, "deny 10"), CHANGE_MOVED, "down, to the end");
	cr_expect_eq(insert(&set, 5, "deny 10"), CHANGE_NONE);
	cr_expect_eq(insert(&set, 5, "allow 10"), CHANGE_REPLACED);
	expect_set(&set, "# first\nreject in 3\nallow in 1\ndefault deny in\ndeny in 11\nallow in 2\nallow in 10\n"
			 "forward 8:9\n# end\n");
	cr_expect_eq(find(&set, "allow 3")->rule.verdict, XDPFW_REJECT, "what moved is found again");
	cr_expect_eq(ruleset_insert(&set, 6, &s, &change, &e), -ENOENT);
	cr_expect_str_eq(e.text, "'6': no rule of that number; there are 5, see `xdpfw status`");
	ruleset_free(&set);
}

Test(ruleset, the_first_rule_can_be_inserted_at_1)
{
	struct ruleset set = parse_set("default deny\n");

	cr_expect_eq(insert(&set, 1, "allow 22"), CHANGE_ADDED);
	expect_set(&set, "default deny in\nallow in 22\n");
	ruleset_free(&set);
}

Test(ruleset, rules_are_replaced_with_all_that_they_do)
{
	struct ruleset set = parse_set("allow 22 log comment 'old'\nblock 1.2.3.4\nset add x ::1\n");

	cr_expect_eq(add(&set, "allow 22 log comment old"), CHANGE_NONE);
	cr_expect_eq(add(&set, "allow 22 comment new"), CHANGE_REPLACED);
	cr_expect_eq(add(&set, "limit 22 rate 3/1h"), CHANGE_REPLACED);
	cr_expect_eq(add(&set, "limit 22 rate 3/60m"), CHANGE_NONE);
	cr_expect_eq(add(&set, "block 1.2.3.4 until 2030-01-01T00:00:00Z"), CHANGE_REPLACED);
	cr_expect_eq(add(&set, "block 1.2.3.4 until 2030-01-01T00:00:00Z"), CHANGE_NONE);
	cr_expect_eq(add(&set, "set add x ::1 until 2030-01-01T00:00:00Z"), CHANGE_REPLACED);
	expect_set(&set, "limit in 22 rate 3/1h\nblock 1.2.3.4 until 2030-01-01T00:00:00Z\n"
			 "set add x ::1 until 2030-01-01T00:00:00Z\n");
	ruleset_free(&set);
}

Test(ruleset, disabled_rules_keep_their_place)
{
	struct ruleset set = parse_set("allow 1\nallow 2\nallow 3\n");
	__u64 id = ruleset_rule(&set, 2)->id;

	cr_expect_eq(ruleset_enable(&set, id, true), CHANGE_NONE);
	cr_expect_eq(ruleset_enable(&set, id, false), CHANGE_REPLACED);
	cr_expect_eq(ruleset_enable(&set, id, false), CHANGE_NONE);
	expect_set(&set, "allow in 1\ndisabled allow in 2\nallow in 3\n");
	cr_expect_eq(ruleset_enable(&set, id, true), CHANGE_REPLACED);
	cr_expect_eq(ruleset_enable(&set, 5, true), CHANGE_NONE);
	expect_set(&set, "allow in 1\nallow in 2\nallow in 3\n");
	ruleset_free(&set);
}

Test(ruleset, what_has_expired_can_be_dropped)
{
	struct ruleset set =
		parse_set("allow 1 until 2026-01-01T00:00:00Z\nallow 2\n# c\n"
			  "block ::1 until 2026-01-01T00:00:01Z\nset add x ::2 until 2026-01-01T00:00:00Z\n");
	__u64 then = find(&set, "allow 1")->rule.expires;

	cr_expect_eq(ruleset_drop_expired(&set, then - 1, false), 0);
	cr_expect_eq(ruleset_drop_expired(&set, then, true), 0);
	cr_expect_eq(ruleset_drop_expired(&set, then, false), 2);
	expect_set(&set, "allow in 2\n# c\nblock ::1 until 2026-01-01T00:00:01Z\n");
	cr_expect(!find(&set, "allow 1") && find(&set, "block ::1") && find(&set, "allow 2"));
	ruleset_free(&set);
}

Test(ruleset, the_members_of_a_set_are_replaced_together)
{
	struct ruleset set =
		parse_set("allow 22 from @a\nset add a ::1\n# c\nset add b ::1\nset add a ::2\nload eth0\n");
	struct ruleset members = parse_set("set add a ::2\nset add a 10.0.0.0/8 until 2030-01-01T00:00:00Z\n"),
		       none = {0};

	cr_expect(ruleset_has_set(&set, "a") && ruleset_has_set(&set, "b") && !ruleset_has_set(&set, "c"));
	cr_assert_eq(ruleset_replace_members(&set, "a", &members), 0);
	ruleset_free(&members);
	expect_set(&set, "allow in 22 from @a\n# c\nset add b ::1\nset add a ::2\n"
			 "set add a 10.0.0.0/8 until 2030-01-01T00:00:00Z\nload eth0\n");
	cr_expect(find(&set, "set add a ::2") && !find(&set, "set add a ::1") && find(&set, "load eth0"));
	cr_expect_eq(ruleset_count(&set, STATEMENT_SET), 3);
	cr_assert_eq(ruleset_replace_members(&set, "a", &none), 0);
	expect_set(&set, "allow in 22 from @a\n# c\nset add b ::1\nload eth0\n");
	ruleset_free(&none);
	ruleset_free(&set);
}

Test(ruleset, one_line_may_stand_for_several_statements)
{
	struct ruleset set = parse_set("block 1.2.3.4 ::1 1.2.3.4 until 2030-01-01T00:00:00Z --runtime\n"
				       "set add x 10.0.0.0/8 ::/0\n");

	expect_set(&set, "block 1.2.3.4 until 2030-01-01T00:00:00Z --runtime\n"
			 "block ::1 until 2030-01-01T00:00:00Z --runtime\n"
			 "set add x 10.0.0.0/8\nset add x ::/0\n");
	ruleset_free(&set);
}
