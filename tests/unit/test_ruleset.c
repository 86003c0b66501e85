// SPDX-License-Identifier: GPL-2.0-only
/* The ordered list: its order, its comments, what adding and deleting do, and files. */
#include "lines.h"

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
