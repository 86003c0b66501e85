// SPDX-License-Identifier: GPL-2.0-only
/*
 * The grammar of one statement, for the command line and for rules files. Each
 * parser below reads the words behind the first one into a statement of its kind.
 */
#include "statement.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "forward.h"
#include "parse_address.h"
#include "parse_iface.h"
#include "parse_number.h"
#include "parse_time.h"
#include "parse_words.h"
#include "rule.h"
#include "split_words.h"
#include "statement_forward.h"
#include "statement_rule.h"
#include "util.h"

#define LONGEST_TIMEOUT       (30 * 24 * 60 * 60)
#define LONGEST_PLAIN_TIMEOUT (10 * 60)
#define HIGHEST_LOG_RATE      1000000

/* For messages. */
#define AND_NAME(code, name, seconds) ", " name
#define OPTIONS                       "allow-ping, non-ip, log-drops, log-rate" XDPFW_TIMEOUTS(AND_NAME)

static int parse_default(struct cursor *cursor, struct statement *s, struct error *e)
{
	const char *action = cursor_next(cursor), *dir = cursor_next(cursor);

	if (!action)
		return fail(e, -EINVAL, "'default': the action is missing; write default allow, deny or reject");
	if (find_action(action, &s->default_policy.verdict))
		return fail(e, -EINVAL, "'%s': not an action; write default allow, deny or reject",
			    excerpt(action).text);
	s->default_policy.dir = XDPFW_IN;
	if (dir && !strcmp(dir, "input")) /* ufw's words, from iptables */
		dir = "in";
	if (dir && !strcmp(dir, "output"))
		dir = "out";
	if (dir && find_dir(dir, &s->default_policy.dir))
		return fail(e, -EINVAL, "'%s': not a direction; write in, out or routed", excerpt(dir).text);
	return cursor_end(cursor, "a default has one direction", e);
}

/* [for DURATION | until TIME], and nothing behind it. */
static int parse_end(struct cursor *cursor, __u64 *expires, struct error *e)
{
	const char *word = cursor_peek(cursor), *value;
	bool lasts = word && !strcmp(word, "for"), ends = word && !strcmp(word, "until");
	int err;

	if (!lasts && !ends)
		return cursor_end(cursor, NULL, e);
	cursor_next(cursor);
	value = cursor_next(cursor);
	if (!value)
		return fail(e, -EINVAL, "'%s': when is missing; write for 20m or until 2026-11-25T18:00:00Z", word);
	err = parse_expiry(lasts ? value : NULL, ends ? value : NULL, expires, e);
	return err ? err : cursor_end(cursor, NULL, e);
}

static int parse_block(struct cursor *cursor, struct statement *s, struct error *e)
{
	const char *prefix = cursor_next(cursor);
	int err;

	if (!prefix)
		return fail(e, -EINVAL, "'block': the address is missing; write block 203.0.113.9 or 2001:db8::/32");
	err = parse_prefix(prefix, &s->block.prefix, NULL, e);
	return err ? err : parse_end(cursor, &s->block.expires, e);
}

/* `set add NAME PREFIX`; what else can be done with sets is no statement. */
static int parse_set(struct cursor *cursor, struct statement *s, struct error *e)
{
	const char *verb = cursor_next(cursor), *name = cursor_next(cursor), *prefix = cursor_next(cursor);
	int err;

	if (!verb || strcmp(verb, "add"))
		return fail(e, -EINVAL, "'%s': not a statement; write set add office 203.0.113.0/24",
			    verb ? excerpt(verb).text : "set");
	if (!name || !prefix)
		return fail(e, -EINVAL, "'set add': the %s is missing; write set add office 203.0.113.0/24",
			    name ? "address" : "name");
	err = check_set_name(name, e);
	if (!err)
		err = parse_prefix(prefix, &s->member.prefix, NULL, e);
	if (!err)
		err = parse_end(cursor, &s->member.expires, e);
	if (err)
		return err;
	s->member.name = strdup(name);
	return s->member.name ? 0 : fail(e, -ENOMEM, "out of memory");
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

static int parse_rate(const char *value, struct option_value *option, struct error *e)
{
	unsigned long rate = 0;

	if (parse_number(value, strlen(value), HIGHEST_LOG_RATE, &rate) != NUMBER_OK)
		return fail(e, -EINVAL, "'%s': option log-rate is a number of events a second, 0..%d",
			    excerpt(value).text, HIGHEST_LOG_RATE);
	option->value = rate;
	return 0;
}

/* What kind of value an option has, and how that is shown to those who gave none. */
static int parse_option_value(const char *value, struct option_value *option, struct error *e)
{
	if (option->name == OPTION_LOG_RATE)
		return parse_rate(value, option, e);
	return option->name >= OPTION_TIMEOUTS ? parse_timeout(value, option, e) : parse_switch(value, option, e);
}

static const char *option_example(enum option_name name)
{
	return name == OPTION_LOG_RATE ? "10" : name >= OPTION_TIMEOUTS ? "60s" : "on or off";
}

static int parse_option(struct cursor *cursor, struct statement *s, struct error *e)
{
	const char *name = cursor_next(cursor), *value = cursor_next(cursor);
	int err;

	if (!name)
		return fail(e, -EINVAL, "'option': the name is missing; options are " OPTIONS);
	if (find_option(name, &s->option.name))
		return fail(e, -EINVAL, "'%s': not an option; options are " OPTIONS, excerpt(name).text);
	if (!value)
		return fail(e, -EINVAL, "'option %s': the value is missing; write option %s %s", name, name,
			    option_example(s->option.name));
	err = parse_option_value(value, &s->option, e);
	return err ? err : cursor_end(cursor, NULL, e);
}

static int parse_iface(const char *name, struct load_iface *load, struct error *e)
{
	int err = check_iface_name(name, e);

	if (err)
		return err;
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

/* `panic off` is no statement: it deletes this one. */
static int parse_panic(struct cursor *cursor, struct statement *s, struct error *e)
{
	const char *word = cursor_next(cursor), *list = cursor_next(cursor);
	struct ports ports = {0};
	int err = 0;

	if (!word || strcmp(word, "on"))
		return fail(e, -EINVAL, "'%s': write panic on or panic off", word ? excerpt(word).text : "panic");
	if (list)
		err = parse_ports(list, &ports, e);
	for (size_t i = 0; !err && i < ports.count; i++) {
		for (unsigned int port = ports.ranges[i].first; !err && port <= ports.ranges[i].last; port++) {
			if (s->panic.count == XDPFW_MAX_KEPT)
				err = fail(e, -EINVAL, "'%s': at most %d ports can be kept open", excerpt(list).text,
					   XDPFW_MAX_KEPT);
			else
				s->panic.kept[s->panic.count++] = port;
		}
	}
	ports_free(&ports);
	return err ? err : cursor_end(cursor, "ports whose open connections go on are one list", e);
}

static const struct grammar {
	const char *command;
	enum statement_kind kind;
	int (*parse)(struct cursor *cursor, struct statement *s, struct error *e);
} grammars[] = {
	{"allow", STATEMENT_RULE, parse_rule},         {"deny", STATEMENT_RULE, parse_rule},
	{"reject", STATEMENT_RULE, parse_rule},        {"limit", STATEMENT_RULE, parse_rule},
	{"route", STATEMENT_RULE, parse_route},        {"disabled", STATEMENT_RULE, parse_disabled},
	{"block", STATEMENT_BLOCK, parse_block},       {"set", STATEMENT_SET, parse_set},
	{"default", STATEMENT_DEFAULT, parse_default}, {"forward", STATEMENT_FORWARD, parse_forward},
	{"option", STATEMENT_OPTION, parse_option},    {"load", STATEMENT_LOAD, parse_load},
	{"panic", STATEMENT_PANIC, parse_panic},
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

	if (!command)
		return fail(e, -EINVAL, "'': a statement is missing; write one such as allow in 22");
	if (!strcmp(command, "insert") || !strcmp(command, "prepend"))
		return fail(
			e, -EINVAL,
			"'%s': a command, not a statement; in a file the order of the lines is the order of the rules",
			command);
	if (!grammar)
		return fail(e, -EINVAL,
			    "'%s': unknown; statements are allow, deny, reject, limit, route, default, forward, block, "
			    "set, option, panic and load",
			    excerpt(command).text);
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
	if (s.kind == STATEMENT_RULE) /* `route` and `disabled` have their action behind them */
		find_rule_action(grammar->command, &s.rule);
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

int statement_parse_line(const char *line, struct statement *out, struct error *e)
{
	const char *start = skip_blanks(line);
	_free_ char *text = NULL;
	_free_ char **words = NULL;
	int count;

	if (!*start || *start == '#')
		return parse_comment(line, out, e);
	text = strdup(start);
	words = calloc(strlen(start) / 2 + 1, sizeof(*words));
	if (!text || !words)
		return fail(e, -ENOMEM, "out of memory");
	count = split_words(text, words, e);
	return count < 0 ? count : statement_parse(count, words, out, e);
}

void statement_free(struct statement *s)
{
	if (s->kind == STATEMENT_COMMENT)
		free(s->comment);
	else if (s->kind == STATEMENT_RULE)
		rule_free(&s->rule);
	else if (s->kind == STATEMENT_FORWARD)
		forward_free(&s->forward);
	else if (s->kind == STATEMENT_SET)
		free(s->member.name);
	memset(s, 0, sizeof(*s));
}
