// SPDX-License-Identifier: GPL-2.0-only
/*
 * The grammar of one statement, for the command line and for rules files. Each
 * parser below reads the words behind the first one into a statement of its kind.
 */
#include "statement.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "parse_words.h"
#include "rule.h"
#include "statement_forward.h"
#include "statement_rule.h"
#include "util.h"

#define LONGEST_TIMEOUT       (30 * 24 * 60 * 60)
#define LONGEST_PLAIN_TIMEOUT (10 * 60)

/* For messages. */
#define AND_NAME(code, name, seconds) ", " name
#define OPTIONS                       "allow-ping, non-ip" XDPFW_TIMEOUTS(AND_NAME)

static const char blanks[] = " \t\r\n\v\f";

static int parse_default(struct cursor *cursor, struct statement *s, struct error *e)
{
	const char *action = cursor_next(cursor), *dir = cursor_next(cursor);

	if (!action)
		return fail(e, -EINVAL, "'default': the action is missing; write default allow, deny or reject");
	if (find_action(action, &s->default_policy.verdict))
		return fail(e, -EINVAL, "'%s': not an action; write default allow, deny or reject",
			    excerpt(action).text);
	s->default_policy.dir = XDPFW_IN;
	if (dir && find_dir(dir, &s->default_policy.dir)) {
		int err = refuse_later_word(dir, e);

		return err ? err
			   : fail(e, -EINVAL, "'%s': not a direction; write in, out or routed", excerpt(dir).text);
	}
	return cursor_end(cursor, "a default has one direction", e);
}

static int parse_block(struct cursor *cursor, struct statement *s, struct error *e)
{
	const char *prefix = cursor_next(cursor);
	int err;

	if (!prefix)
		return fail(e, -EINVAL, "'block': the address is missing; write block 203.0.113.9 or 2001:db8::/32");
	err = parse_prefix(prefix, &s->block.prefix, NULL, e);
	return err ? err : cursor_end(cursor, "one address a statement", e);
}

/* Flows but those of TCP are found by fingerprints alone, which age. */
static unsigned int longest_timeout(enum option_name name)
{
	return strncmp(option_text(name), "tcp-", 4) == 0 ? LONGEST_TIMEOUT : LONGEST_PLAIN_TIMEOUT;
}

static int parse_timeout(const char *value, struct option_value *option, struct error *e)
{
	unsigned int seconds = 0;
	int err = parse_duration(value, &seconds, e);

	if (err)
		return err;
	if (seconds > longest_timeout(option->name))
		return fail(e, -EINVAL, "'%s': too long; %s is at most %s", excerpt(value).text,
			    option_text(option->name),
			    longest_timeout(option->name) == LONGEST_TIMEOUT ? "30d" : "10m");
	option->value = seconds;
	return 0;
}

static int parse_switch(const char *value, struct option_value *option, struct error *e)
{
	option->value = !strcmp(value, "on");
	if (!option->value && strcmp(value, "off"))
		return fail(e, -EINVAL, "'%s': not a value of %s; write on or off", excerpt(value).text,
			    option_text(option->name));
	return 0;
}

static int parse_option(struct cursor *cursor, struct statement *s, struct error *e)
{
	const char *name = cursor_next(cursor), *value = cursor_next(cursor);
	bool timeout;
	int err;

	if (!name)
		return fail(e, -EINVAL, "'option': the name is missing; options are " OPTIONS);
	if (find_option(name, &s->option.name))
		return fail(e, -EINVAL, "'%s': not an option; options are " OPTIONS, excerpt(name).text);
	timeout = s->option.name >= OPTION_TIMEOUTS;
	if (!value)
		return fail(e, -EINVAL, "'option %s': the value is missing; write option %s %s", name, name,
			    timeout ? "60s" : "on or off");
	err = timeout ? parse_timeout(value, &s->option, e) : parse_switch(value, &s->option, e);
	return err ? err : cursor_end(cursor, NULL, e);
}

/* As the kernel's dev_valid_name(), and nothing that reads like a flag. */
static bool is_iface_name(const char *name)
{
	if (!*name || *name == '-' || !strcmp(name, ".") || !strcmp(name, ".."))
		return false;
	for (; *name; name++)
		if (*name == '/' || *name == ':' || isspace((unsigned char)*name) || iscntrl((unsigned char)*name))
			return false;
	return true;
}

static int parse_iface(const char *name, struct load_iface *load, struct error *e)
{
	if (!is_iface_name(name))
		return fail(e, -EINVAL, "'%s': not a name of an interface; 'ip link' lists them", excerpt(name).text);
	if (strlen(name) >= sizeof(load->name))
		return fail(e, -EINVAL, "'%s': names of interfaces have at most %zu characters", excerpt(name).text,
			    sizeof(load->name) - 1);
	if (!strcmp(name, "lo"))
		return fail(e, -EINVAL, "'lo': loopback is never filtered");
	strcpy(load->name, name);
	return 0;
}

static int parse_load(struct cursor *cursor, struct statement *s, struct error *e)
{
	const char *name = cursor_next(cursor);
	int err;

	if (!name)
		return fail(e, -EINVAL, "'load': the interface is missing; write load eth0");
	err = parse_iface(name, &s->load, e);
	s->load.mode = MODE_AUTO;
	if (!err && cursor->mode)
		err = parse_mode(cursor->mode, &s->load.mode, e);
	return err ? err : cursor_end(cursor, "one interface a statement", e);
}

static const struct grammar {
	const char *command;
	enum statement_kind kind;
	int (*parse)(struct cursor *cursor, struct statement *s, struct error *e);
} grammars[] = {
	{"allow", STATEMENT_RULE, parse_rule},         {"deny", STATEMENT_RULE, parse_rule},
	{"reject", STATEMENT_RULE, parse_rule},        {"route", STATEMENT_RULE, parse_route},
	{"default", STATEMENT_DEFAULT, parse_default}, {"forward", STATEMENT_FORWARD, parse_forward},
	{"block", STATEMENT_BLOCK, parse_block},       {"option", STATEMENT_OPTION, parse_option},
	{"load", STATEMENT_LOAD, parse_load},
};

static const struct grammar *find_grammar(const char *command)
{
	for (size_t i = 0; i < ARRAY_SIZE(grammars); i++)
		if (!strcmp(grammars[i].command, command))
			return &grammars[i];
	return NULL;
}

/* Find the grammar for the first word, and check what flags have to do with it. */
static int choose_grammar(struct cursor *cursor, const struct grammar **chosen, struct error *e)
{
	const char *command = cursor_next(cursor);
	const struct grammar *grammar = command ? find_grammar(command) : NULL;
	int err;

	if (!command)
		return fail(e, -EINVAL, "'': a statement is missing; write one such as allow in 22");
	if (!grammar) {
		err = refuse_later_word(command, e);
		return err ? err
			   : fail(e, -EINVAL,
				  "'%s': unknown; statements are allow, deny, reject, route, default, forward, block, "
				  "option and load",
				  excerpt(command).text);
	}
	if (cursor->mode && grammar->kind != STATEMENT_LOAD)
		return fail(e, -EINVAL, "'--mode': only load has a mode");
	*chosen = grammar;
	return 0;
}

int statement_parse(int count, char *const words[], struct statement *out, struct error *e)
{
	const struct grammar *grammar = NULL;
	struct statement s = {0};
	struct cursor cursor;
	int err = cursor_begin(&cursor, count, words, e);

	if (!err)
		err = choose_grammar(&cursor, &grammar, e);
	if (err)
		return err;
	s.kind = grammar->kind;
	s.runtime = cursor.runtime;
	if (s.kind == STATEMENT_RULE) /* `route` has its action behind it */
		find_action(grammar->command, &s.rule.verdict);
	err = grammar->parse(&cursor, &s, e);
	if (!err && statement_id(&s, &s.id))
		err = fail(e, -ENOMEM, "out of memory");
	if (err) {
		statement_free(&s);
		return err;
	}
	*out = s;
	return 0;
}

static int parse_comment(const char *line, struct statement *out, struct error *e)
{
	char *comment = strdup(line);

	if (!comment)
		return fail(e, -ENOMEM, "out of memory");
	*out = (struct statement){.kind = STATEMENT_COMMENT, .comment = comment};
	return 0;
}

/* Cut @text into words in place. @words has room for any text: (length + 1) / 2 at most. */
static int split_words(char *text, char **words)
{
	char *rest = NULL;
	int count = 0;

	for (char *word = strtok_r(text, blanks, &rest); word; word = strtok_r(NULL, blanks, &rest))
		words[count++] = word;
	return count;
}

int statement_parse_line(const char *line, struct statement *out, struct error *e)
{
	const char *start = line + strspn(line, blanks);
	_free_ char *text = NULL;
	_free_ char **words = NULL;

	if (!*start || *start == '#')
		return parse_comment(line, out, e);
	text = strdup(start);
	words = calloc(strlen(start) / 2 + 1, sizeof(*words));
	if (!text || !words)
		return fail(e, -ENOMEM, "out of memory");
	return statement_parse(split_words(text, words), words, out, e);
}

void statement_free(struct statement *s)
{
	if (s->kind == STATEMENT_COMMENT)
		free(s->comment);
	else if (s->kind == STATEMENT_RULE)
		rule_free(&s->rule);
	else if (s->kind == STATEMENT_SET)
		free(s->member.name);
	memset(s, 0, sizeof(*s));
}
