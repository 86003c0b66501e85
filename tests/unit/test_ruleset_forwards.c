// SPDX-License-Identifier: GPL-2.0-only
/* Forwards in the list: which may stand beside which. */
#include "lines.h"

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

/* A line says why, however long what it names is. */
Test(ruleset, a_long_forward_does_not_share_ports)
{
	struct ruleset set =
		parse_set("forward 80:10.0.0.5:80 comment 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx'\n");
	char line[1200] = "forward 80";
	struct error e = {0};
	enum change change;
	struct statement s;

	for (int port = 1000; port < 1100; port++)
		sprintf(line + strlen(line), ",%d", port);
	strcat(line, ":10.0.0.6:80");
	for (int port = 1000; port < 1100; port++)
		sprintf(line + strlen(line), ",%d", port);
	s = parse_line(line);
	cr_expect_eq(ruleset_add(&set, &s, &change, &e), -EINVAL);
	cr_expect_str_eq(
		e.text, "'forward 80,1000,1001,1002,1003,1004,1005,1006,1007,1008,1009...': port 80 is already used by "
			"'forward 80:10.0.0.5:80 comment 'xxxxxxxxxxxxxxxxxxxxxxxxxxxx...'; delete that first");
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
