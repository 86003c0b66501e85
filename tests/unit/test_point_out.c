// SPDX-License-Identifier: GPL-2.0-only
/* The line and the carets of `apply --check`. */
#include "point_out.h"
#include "unit.h"

Test(point_out, shows_the_word)
{
	static const struct {
		const char *text, *shown;
	} cases[] = {
		{"allow in 99999\n", "    allow in 99999\n             ^^^^^\n"},
		{"# one\n\nallow in 22\n\tallow\tin 70000\r\nallow 1",
		 "    \tallow\tin 70000\n    \t     \t   ^^^^^\n"},
		{"allow 210.10.94.277:80", "    allow 210.10.94.277:80\n          ^^^^^^^^^^^^^^^^\n"},
		{"allow in 22 in", "    allow in 22 in\n                ^^\n"},
		{"deny 10-5,22", "    deny 10-5,22\n         ^^^^\n"},
		{"allow 22 comment 'x", "    allow 22 comment 'x\n                     ^^\n"},
		{"allow", "    allow\n    ^^^^^\n"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct ruleset set;
		struct error e = {0};
		_free_ char *shown = NULL;

		cr_assert(ruleset_parse(cases[i].text, "a:1", &set, &e));
		shown = point_out(cases[i].text, "a:1", e.text);
		cr_expect_str_eq(shown, cases[i].shown);
	}
}

Test(point_out, knows_when_there_is_nothing_to_show)
{
	cr_expect_null(point_out("allow 22\n", "x", "out of memory"));
	cr_expect_null(point_out("allow 22\n", "x", "x: no such file"));
	cr_expect_null(point_out("allow 22\n", "x", "x:7: 'a': b"));
}
