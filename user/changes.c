// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include "changes.h"

#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include "util.h"

#define MOST_LINES 50 /* of each sort, for people */

void changes_init(struct changes *c)
{
	c->added = json_array();
	c->removed = json_array();
	c->replaced = json_array();
	c->moved = json_array();
	c->warnings = json_array();
	c->said = json_object();
	c->sum = NULL;
	c->generation = 0;
	c->trial_seconds = 0;
}

void changes_free(struct changes *c)
{
	free(c->sum);
	json_decref(c->added);
	json_decref(c->removed);
	json_decref(c->replaced);
	json_decref(c->moved);
	json_decref(c->warnings);
	json_decref(c->said);
}

static json_t *list_for(struct changes *c, enum change change)
{
	switch (change) {
	case CHANGE_ADDED:
		return c->added;
	case CHANGE_REMOVED:
		return c->removed;
	case CHANGE_MOVED:
		return c->moved;
	default:
		return c->replaced;
	}
}

void changes_note(struct changes *c, enum change change, const struct statement *s)
{
	_free_ char *line = statement_format(s);

	if (change != CHANGE_NONE && s->kind != STATEMENT_COMMENT)
		json_array_append_new(list_for(c, change), json_string(line));
}

void changes_warn(struct changes *c, const char *format, ...)
{
	_free_ char *text = NULL;
	va_list args;

	va_start(args, format);
	if (vasprintf(&text, format, args) < 0)
		text = NULL;
	va_end(args);
	if (!text || json_object_get(c->said, text))
		return;
	if (json_object_set_new(c->said, text, json_true()) == 0)
		json_array_append_new(c->warnings, json_string(text));
}

void changes_sum(struct changes *c, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	free(c->sum);
	if (vasprintf(&c->sum, format, args) < 0)
		c->sum = NULL;
	va_end(args);
}

static bool statements_equal(const struct statement *a, const struct statement *b)
{
	_free_ char *x = statement_format(a), *y = statement_format(b);

	return x && y && strcmp(x, y) == 0;
}

void changes_compare(struct changes *c, const struct ruleset *before, const struct ruleset *after)
{
	for (size_t i = 0; i < after->count; i++) {
		const struct statement *s = &after->statements[i], *old = ruleset_find(before, s->kind, s->id);

		if (s->kind == STATEMENT_COMMENT)
			continue;
		if (!old)
			changes_note(c, CHANGE_ADDED, s);
		else if (!statements_equal(old, s))
			changes_note(c, CHANGE_REPLACED, s);
	}
	for (size_t i = 0; i < before->count; i++) {
		const struct statement *s = &before->statements[i];

		if (s->kind != STATEMENT_COMMENT && !ruleset_find(after, s->kind, s->id))
			changes_note(c, CHANGE_REMOVED, s);
	}
}

bool changes_any(const struct changes *c)
{
	return c->sum || json_array_size(c->added) + json_array_size(c->removed) + json_array_size(c->replaced) +
					 json_array_size(c->moved) >
				 0;
}

/* "allow in 22" covers two protocols without saying so; the person should see it. */
static const char *unsaid_protocols(const char *line)
{
	struct statement s = {};
	bool both;

	if (statement_parse_line(line, &s, NULL))
		return "";
	both = s.kind == STATEMENT_RULE && s.rule.match == MATCH_PORTS && s.rule.protocols == (PROTO_TCP | PROTO_UDP);
	both |= s.kind == STATEMENT_FORWARD && s.forward.protocols == (PROTO_TCP | PROTO_UDP);
	statement_free(&s);
	return both ? " (tcp and udp)" : "";
}

/* The first @most, and how many more there are. */
static void print_lines(const char *verb, const json_t *lines, size_t most)
{
	size_t count = json_array_size(lines), shown = count > most ? most : count;

	for (size_t i = 0; i < shown; i++) {
		const char *line = json_string_value(json_array_get(lines, i));

		printf("%s: %s%s\n", verb, line, unsaid_protocols(line));
	}
	if (count > shown)
		printf("%s: and %zu more\n", verb, count - shown);
}

static void print_json(const struct changes *c)
{
	json_t *root = json_pack("{s:b,s:i,s:O,s:O,s:O,s:O,s:O,s:o}", "changed", changes_any(c), "generation",
				 (int)c->generation, "added", c->added, "removed", c->removed, "replaced", c->replaced,
				 "moved", c->moved, "warnings", c->warnings, "trial_seconds_left",
				 c->trial_seconds ? json_integer(c->trial_seconds) : json_null());

	json_dumpf(root, stdout, JSON_COMPACT);
	putchar('\n');
	json_decref(root);
}

void changes_print_trial(const struct changes *c)
{
	if (c->trial_seconds)
		printf("on trial: undone in %u s unless you run `xdpfw confirm`\n", c->trial_seconds);
}

void changes_print_warnings(const struct changes *c)
{
	const json_t *warning;
	size_t i;

	json_array_foreach (c->warnings, i, warning)
		fprintf(stderr, "xdpfw: warning: %s\n", json_string_value(warning));
}

void changes_print(const struct changes *c, const struct settings *settings, bool loaded)
{
	size_t most;

	if (settings->json) {
		print_json(c);
		return;
	}
	changes_print_warnings(c);
	if (settings->quiet)
		return;
	if (!changes_any(c)) {
		puts("nothing to change");
		return;
	}
	if (c->sum)
		printf("%s%s\n", settings->dry_run ? "would change: " : "", c->sum);
	/* A dry run is asked for to see them all; what is done already may be 100,000 lines. */
	most = settings->dry_run ? SIZE_MAX : MOST_LINES;
	print_lines(settings->dry_run ? "would add" : "added", c->added, most);
	print_lines(settings->dry_run ? "would replace" : "replaced", c->replaced, most);
	print_lines(settings->dry_run ? "would move" : "moved", c->moved, most);
	print_lines(settings->dry_run ? "would remove" : "removed", c->removed, most);
	changes_print_trial(c);
	if (!loaded && !settings->dry_run)
		puts("nothing is loaded: written to the rules file, in force with the next `xdpfw load`");
}
