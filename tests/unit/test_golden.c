// SPDX-License-Identifier: GPL-2.0-only
/*
 * The whole grammar by example, from tests/golden: what is accepted, with its canonical form; what is
 * refused, with what is said then and where the carets point.
 */
#define _GNU_SOURCE 1 /* asprintf(), strsep() */
#include <stdio.h>

#include "point_out.h"
#include "rulesfile.h"
#include "unit.h"

#define ACCEPTED "tests/golden/accepted.txt"
#define REJECTED "tests/golden/rejected.txt"

/* The lines of a file, one at a time. */
struct reader {
	char *text, *next;
	int number; /* of the line that was read last, from 1 */
};

static struct reader open_golden(const char *path)
{
	struct reader r = {0};
	struct error e = {0};

	cr_assert_eq(rulesfile_read(path, &r.text, &e), 0, "%s (the tests run from the top of the source tree)",
		     e.text);
	r.next = r.text;
	return r;
}

/* NULL at the end. */
static char *read_line(struct reader *r)
{
	r->number++;
	return strsep(&r->next, "\n");
}

static bool says_nothing(const char *line)
{
	return !*line || *line == '#';
}

/* Parsing what was formatted changes nothing. */
static void expect_to_stay(const char *canonical, int number)
{
	struct statement s = parse_line(canonical), again;
	_free_ char *text = statement_format(&s), *text_again = NULL;

	cr_expect_str_eq(text, canonical, ACCEPTED ":%d", number);
	again = parse_line(text);
	text_again = statement_format(&again);
	cr_expect_str_eq(text_again, text, ACCEPTED ":%d", number);
	cr_expect(again.id == s.id && again.kind == s.kind && again.runtime == s.runtime, ACCEPTED ":%d", number);
	statement_free(&s);
	statement_free(&again);
}

static void expect_form(const char *typed, const char *canonical, int number)
{
	struct ruleset set = {0};
	struct error e = {0};
	_free_ char *text = NULL;

	cr_expect_eq(ruleset_parse(typed, "rules", &set, &e), 0, ACCEPTED ":%d: %s", number, e.text);
	text = ruleset_format(&set, true);
	cr_expect_str_eq(text, canonical, ACCEPTED ":%d: %s", number, typed);
	ruleset_free(&set);
}

/* Blanks that only make the table straight. */
static char *split_at_arrow(char *line, int number)
{
	char *arrow = strstr(line, "=> "), *end = arrow;

	cr_assert(arrow, ACCEPTED ":%d: neither a comment nor 'typed => canonical'", number);
	while (end > line && end[-1] == ' ')
		end--;
	*end = '\0';
	return arrow + 3;
}

Test(golden, accepted_lines_have_one_canonical_form)
{
	struct reader r = open_golden(ACCEPTED);
	char typed[4096] = "", canonical[4096] = "";
	int forms = 0, begun = 0;

	for (char *line = read_line(&r); line; line = read_line(&r)) {
		char *form;

		if (says_nothing(line))
			continue;
		form = split_at_arrow(line, r.number);
		if (*line) { /* else one more statement of the line above */
			if (begun)
				expect_form(typed, canonical, begun);
			snprintf(typed, sizeof(typed), "%s", line);
			*canonical = '\0';
			begun = r.number;
		}
		cr_assert_lt(strlen(canonical) + strlen(form) + 2, sizeof(canonical));
		strcat(strcat(canonical, form), "\n");
		expect_to_stay(form, r.number);
		forms++;
	}
	expect_form(typed, canonical, begun);
	cr_expect_gt(forms, 250, "the file is not what it was");
	free(r.text);
}

/* One refused line of the golden file. */
struct refused {
	char *line, *carets, *message; /* carets: NULL if the word does not stand in the line */
	int number;
};

/* The next one; false at the end. */
static bool read_refused(struct reader *r, struct refused *out)
{
	char *line = read_line(r);

	while (line && says_nothing(line))
		line = read_line(r);
	if (!line)
		return false;
	*out = (struct refused){.line = line, .number = r->number};
	line = read_line(r);
	if (line && !line[strspn(line, " ^")]) {
		out->carets = line;
		line = read_line(r);
	}
	cr_assert(line && !strncmp(line, "! ", 2), REJECTED ":%d: a message is missing: '! ' and what is said",
		  r->number);
	out->message = line + 2;
	return true;
}

/* As `apply --check` prints it: four blanks in front. */
static void expect_carets(const struct refused *refused, const char *message)
{
	_free_ char *shown = point_out(refused->line, "rules", message), *expected = NULL;

	cr_assert(asprintf(&expected, "    %s\n%s%s%s", refused->line, refused->carets ? "    " : "",
			   refused->carets ? refused->carets : "", refused->carets ? "\n" : "") > 0);
	cr_expect_str_eq(shown, expected, REJECTED ":%d", refused->number);
}

static void expect_refusal(const struct refused *refused)
{
	struct ruleset set = {.count = 7};
	struct error e = {0};
	_free_ char *expected = NULL;

	cr_assert(asprintf(&expected, "rules:1: %s", refused->message) > 0);
	cr_expect_eq(ruleset_parse(refused->line, "rules", &set, &e), -EINVAL, REJECTED ":%d: %s", refused->number,
		     refused->line);
	cr_expect_str_eq(e.text, expected, REJECTED ":%d", refused->number);
	cr_expect(e.code == -EINVAL && set.count == 7 && !set.statements, "untouched on failure");
	expect_carets(refused, e.text);
}

Test(golden, refused_lines_say_why_and_where)
{
	struct reader r = open_golden(REJECTED);
	struct refused refused;
	int lines = 0;

	for (; read_refused(&r, &refused); lines++)
		expect_refusal(&refused);
	cr_expect_gt(lines, 300, "the file is not what it was");
	free(r.text);
}
