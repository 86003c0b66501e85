// SPDX-License-Identifier: GPL-2.0-only
/* Thousands of statements: they stay in order, and nothing takes time that grows with the square. */
#include "lines.h"

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
