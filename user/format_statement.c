// SPDX-License-Identifier: GPL-2.0-only
/* Statements as text: their names, the canonical line, and the text behind the id. */
#include <errno.h>
#include <string.h>

#include "parse_addr.h"
#include "statement.h"
#include "statement_forward.h"
#include "util.h"

static const char *const actions[] = {
	[XDPFW_PASS] = "allow",
	[XDPFW_DROP] = "deny",
	[XDPFW_REJECT] = "reject",
};
static const char *const dirs[] = {[XDPFW_IN] = "in", [XDPFW_OUT] = "out", [XDPFW_ROUTED] = "routed"};
static const char *const long_dirs[] = {[XDPFW_IN] = "incoming", [XDPFW_OUT] = "outgoing"};
static const char *const options[] = {[OPTION_ALLOW_PING] = "allow-ping",
				      [OPTION_NON_IP] = "non-ip",
				      [OPTION_LOG_DROPS] = "log-drops",
				      [OPTION_LOG_RATE] = "log-rate",
#define X(code, name, seconds) [OPTION_TIMEOUTS + XDPFW_T_##code] = name,
				      XDPFW_TIMEOUTS(X)
#undef X
};
static const unsigned int option_defaults[] = {[OPTION_ALLOW_PING] = true,
					       [OPTION_NON_IP] = true,
					       [OPTION_LOG_DROPS] = true,
					       [OPTION_LOG_RATE] = 10,
#define X(code, name, seconds) [OPTION_TIMEOUTS + XDPFW_T_##code] = seconds,
					       XDPFW_TIMEOUTS(X)
#undef X
};
static const char *const modes[] = {
	[MODE_AUTO] = "auto",
	[MODE_NATIVE] = "native",
	[MODE_GENERIC] = "generic",
	[MODE_TC] = "tc",
};

/* The place of a name in its table, or -EINVAL. Tables may have holes. */
static int find_name(const char *word, const char *const names[], size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (names[i] && !strcmp(names[i], word))
			return i;
	return -EINVAL;
}

const char *action_name(enum xdpfw_verdict verdict)
{
	return actions[verdict];
}

const char *dir_name(enum xdpfw_dir dir)
{
	return dirs[dir];
}

const char *option_text(enum option_name name)
{
	return options[name];
}

unsigned int option_default(enum option_name name)
{
	return option_defaults[name];
}

const char *mode_name(enum load_mode mode)
{
	return modes[mode];
}

const char *rule_action(const struct rule *rule)
{
	return rule->limited ? "limit" : action_name(rule->verdict);
}

int find_action(const char *word, enum xdpfw_verdict *verdict)
{
	int found = find_name(word, actions, ARRAY_SIZE(actions));

	if (found < 0)
		return found;
	*verdict = found;
	return 0;
}

int find_dir(const char *word, enum xdpfw_dir *dir)
{
	int found = find_name(word, dirs, ARRAY_SIZE(dirs));

	if (found < 0)
		found = find_name(word, long_dirs, ARRAY_SIZE(long_dirs));
	if (found < 0)
		return found;
	*dir = found;
	return 0;
}

int find_option(const char *word, enum option_name *name)
{
	int found = find_name(word, options, ARRAY_SIZE(options));

	if (found < 0)
		return found;
	*name = found;
	return 0;
}

int parse_mode(const char *word, enum load_mode *mode, struct error *e)
{
	int found = find_name(word, modes, ARRAY_SIZE(modes));

	if (found < 0)
		return fail(e, -EINVAL, "'%s': not a mode; write auto, native, generic or tc", excerpt(word).text);
	*mode = found;
	return 0;
}

static void option_write(struct text *text, const struct option_value *option)
{
	char value[DURATION_TEXT_MAX];

	text_printf(text, "option %s ", option_text(option->name));
	if (option->name >= OPTION_TIMEOUTS)
		text_put(text, format_duration(option->value, value));
	else if (option->name == OPTION_LOG_RATE)
		text_printf(text, "%u", option->value);
	else
		text_put(text, option->value ? "on" : "off");
}

/* Not with printf: there may be 100,000 of them. */
static void prefix_write(struct text *text, const struct prefix *prefix, __u64 expires)
{
	char addr[ADDR_TEXT_MAX], until[TIME_TEXT_MAX];

	text_put(text, format_prefix(prefix, addr));
	if (!expires)
		return;
	text_put(text, " until ");
	text_put(text, format_timestamp(expires, until));
}

static void canonical_write(struct text *text, const struct statement *s)
{
	switch (s->kind) {
	case STATEMENT_RULE:
		rule_write(text, &s->rule);
		break;
	case STATEMENT_DEFAULT:
		text_printf(text, "default %s %s", action_name(s->default_policy.verdict),
			    dir_name(s->default_policy.dir));
		break;
	case STATEMENT_FORWARD:
		forward_write(text, &s->forward);
		break;
	case STATEMENT_BLOCK:
		text_put(text, "block ");
		prefix_write(text, &s->block.prefix, s->block.expires);
		break;
	case STATEMENT_SET:
		text_put(text, "set add ");
		text_put(text, s->member.name);
		text_put(text, " ");
		prefix_write(text, &s->member.prefix, s->member.expires);
		break;
	case STATEMENT_OPTION:
		option_write(text, &s->option);
		break;
	case STATEMENT_LOAD:
		text_printf(text, "load %s", s->load.name);
		if (s->load.mode != MODE_AUTO)
			text_printf(text, " --mode %s", mode_name(s->load.mode));
		break;
	case STATEMENT_PANIC:
		text_put(text, "panic on");
		for (size_t i = 0; i < s->panic.count; i++)
			text_printf(text, i ? ",%u" : " %u", s->panic.kept[i]);
		break;
	default:
		text_put(text, s->comment);
	}
}

void statement_write(struct text *text, const struct statement *s)
{
	canonical_write(text, s);
	if (s->runtime)
		text_put(text, " --runtime");
}

char *statement_format(const struct statement *s)
{
	struct text text = {0};

	statement_write(&text, s);
	return text_steal(&text);
}

/* With the length also for single addresses. */
static void prefix_match_write(struct text *text, const struct prefix *prefix)
{
	unsigned int above = addr_is_ipv4(&prefix->addr) ? 96 : 0;
	char addr[ADDR_TEXT_MAX];

	text_put(text, format_addr(&prefix->addr, addr));
	text_printf(text, "/%u", (__u8)(prefix->length - above));
}

/*
 * What makes two statements the same statement, kind first. Ids are stored and
 * scripts keep them, so this text must never change for what it can say today.
 */
static void match_write(struct text *text, const struct statement *s)
{
	switch (s->kind) {
	case STATEMENT_RULE:
		text_put(text, "rule ");
		rule_match_write(text, &s->rule);
		break;
	case STATEMENT_DEFAULT:
		text_printf(text, "default %s", dir_name(s->default_policy.dir));
		break;
	case STATEMENT_FORWARD:
		forward_match_write(text, &s->forward);
		break;
	case STATEMENT_BLOCK:
		text_put(text, "block ");
		prefix_match_write(text, &s->block.prefix);
		break;
	case STATEMENT_SET:
		text_put(text, "set ");
		text_put(text, s->member.name);
		text_put(text, " ");
		prefix_match_write(text, &s->member.prefix);
		break;
	case STATEMENT_OPTION:
		text_printf(text, "option %s", option_text(s->option.name));
		break;
	case STATEMENT_LOAD:
		text_printf(text, "load %s", s->load.name);
		break;
	case STATEMENT_PANIC:
		text_put(text, "panic");
		break;
	default:
		break;
	}
}

int statement_id(const struct statement *s, __u64 *id)
{
	_text_ struct text text = {0};

	match_write(&text, s);
	if (text.failed)
		return -ENOMEM;
	*id = s->kind == STATEMENT_COMMENT ? 0 : hash_more(HASH_BEGIN, text.data, strlen(text.data));
	return 0;
}
