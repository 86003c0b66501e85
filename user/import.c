// SPDX-License-Identifier: GPL-2.0-only
#include "import.h"

#include <errno.h>
#include <string.h>

#include "ruleset_index.h"
#include "text.h"
#include "util.h"

#define MOST_WORDS 32

struct line {
	const char *words[MOST_WORDS];
	int count;
};

void import_free(struct import *im)
{
	ruleset_free(&im->set);
}

static void put(struct line *line, const char *name, const char *value)
{
	if (!value)
		return;
	if (name)
		line->words[line->count++] = name;
	line->words[line->count++] = value;
}

/* Interfaces stand behind `on`, those of routed requests behind `in on` and `out on`. */
static void put_interfaces(struct line *line, const struct foreign_rule *rule)
{
	put(line, "on", rule->on);
	if (rule->on_out)
		put(line, NULL, "out");
	put(line, "on", rule->on_out);
}

/* In ufw's long form, which has a place for everything. */
static void put_rule(struct line *line, const struct foreign_rule *rule)
{
	if (rule->dir == XDPFW_ROUTED)
		put(line, "route", rule->action);
	else
		put(line, rule->action, dir_name(rule->dir));
	put(line, NULL, rule->icmp);
	put(line, "proto", rule->proto);
	put(line, "from", rule->from || !rule->from_port ? rule->from : "any");
	put(line, "port", rule->from_port);
	put(line, "to", rule->to || !rule->to_port ? rule->to : "any");
	put(line, "port", rule->to_port);
	if (!rule->icmp && !rule->proto && !rule->from && !rule->to && !rule->from_port && !rule->to_port)
		put(line, NULL, "any");
	put_interfaces(line, rule);
	put(line, NULL, rule->log);
	put(line, "comment", rule->comment);
}

int import_words(struct ruleset *staged, int count, const char *const words[], struct error *e)
{
	struct statement s = {0};
	enum change ignored;
	int err = statement_parse(count, (char *const *)words, &s, e);

	return err ? err : ruleset_add_at(staged, staged->count, &s, &ignored, e);
}

int import_rule(struct ruleset *staged, const struct foreign_rule *rule, struct error *e)
{
	struct line line = {.count = 0};

	put_rule(&line, rule);
	return import_words(staged, line.count, line.words, e);
}

int import_keep(struct import *im, struct ruleset *staged, struct error *e)
{
	int err = 0;

	for (size_t i = 0; !err && i < staged->count; i++) {
		struct statement *s = &staged->statements[i], copy = {0};
		enum change ignored;

		if (ruleset_find(&im->set, s->kind, s->id))
			continue;
		if (statement_copy(s, &copy))
			err = fail(e, -ENOMEM, "out of memory");
		else
			err = ruleset_add_at(&im->set, im->set.count, &copy, &ignored, e);
	}
	ruleset_free(staged);
	*staged = (struct ruleset){0};
	return err;
}

/* What comes from a file must stay on the comment's line. */
static void blank_controls(char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			*text = ' ';
}

int import_leave_out(struct import *im, const char *origin, const char *why, struct error *e)
{
	struct statement s = {.kind = STATEMENT_COMMENT};
	struct text text = {0};
	enum change ignored;

	text_printf(&text, "# not expressed: %s: %s", origin, why);
	s.comment = text_steal(&text);
	if (!s.comment)
		return fail(e, -ENOMEM, "out of memory");
	blank_controls(s.comment);
	im->left_out++;
	return ruleset_add_at(&im->set, im->set.count, &s, &ignored, e);
}
