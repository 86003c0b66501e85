// SPDX-License-Identifier: GPL-2.0-only
/* Statements as text: their names, the canonical line, and the text behind the id. */
#define _GNU_SOURCE 1 /* asprintf() */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "parse_addr.h"
#include "statement.h"
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
#define X(code, name, seconds) [OPTION_TIMEOUTS + XDPFW_T_##code] = name,
				      XDPFW_TIMEOUTS(X)
#undef X
};
static const unsigned int option_defaults[] = {[OPTION_ALLOW_PING] = true,
					       [OPTION_NON_IP] = true,
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

/* "/tcp" or nothing: both protocols go without saying. */
static const char *protocol_suffix(unsigned int protocols)
{
	switch (protocols) {
	case PROTO_TCP:
		return "/tcp";
	case PROTO_UDP:
		return "/udp";
	default:
		return "";
	}
}

/* "allow in 22", "route allow 80/tcp" */
static char *rule_text(const struct rule *rule)
{
	bool routed = rule->dir == XDPFW_ROUTED;
	const char *action = action_name(rule->verdict);
	_free_ char *target = rule_target_text(rule);
	char *text;

	if (!target ||
	    asprintf(&text, "%s %s %s", routed ? "route" : action, routed ? action : dir_name(rule->dir), target) < 0)
		return NULL;
	return text;
}

static const char *option_value_text(const struct option_value *option, char *text)
{
	if (option->name >= OPTION_TIMEOUTS)
		return format_duration(option->value, text);
	return option->value ? "on" : "off";
}

static char *option_line(const struct option_value *option)
{
	char value[DURATION_TEXT_MAX], *text;

	if (asprintf(&text, "option %s %s", option_text(option->name), option_value_text(option, value)) < 0)
		return NULL;
	return text;
}

static char *forward_text(__u16 listen, __u16 target, unsigned int protocols)
{
	char *text;

	return asprintf(&text, "forward %u:%u%s", listen, target, protocol_suffix(protocols)) < 0 ? NULL : text;
}

static char *load_text(const struct load_iface *load)
{
	bool mode = load->mode != MODE_AUTO;
	char *text;

	if (asprintf(&text, "load %s%s%s", load->name, mode ? " --mode " : "", mode ? mode_name(load->mode) : "") < 0)
		return NULL;
	return text;
}

/* The third follows the second without a blank. */
static char *two_words(const char *first, const char *second, const char *third)
{
	char *text;

	return asprintf(&text, "%s %s%s", first, second, third) < 0 ? NULL : text;
}

static char *canonical_text(const struct statement *s)
{
	char text[sizeof("default reject")], addr[ADDR_TEXT_MAX];

	switch (s->kind) {
	case STATEMENT_RULE:
		return rule_text(&s->rule);
	case STATEMENT_DEFAULT:
		snprintf(text, sizeof(text), "default %s", action_name(s->default_policy.verdict));
		return two_words(text, dir_name(s->default_policy.dir), "");
	case STATEMENT_FORWARD:
		return forward_text(s->forward.listen, s->forward.target, s->forward.protocols);
	case STATEMENT_BLOCK:
		return two_words("block", format_prefix(&s->block, addr), "");
	case STATEMENT_OPTION:
		return option_line(&s->option);
	case STATEMENT_LOAD:
		return load_text(&s->load);
	default:
		return strdup(s->comment);
	}
}

char *statement_format(const struct statement *s)
{
	_free_ char *text = canonical_text(s);

	if (!text || !s->runtime)
		return steal_pointer(&text);
	return two_words(text, "--runtime", "");
}

static char *block_match_text(const struct prefix *block)
{
	unsigned int above = addr_is_ipv4(&block->addr) ? 96 : 0;
	char addr[ADDR_TEXT_MAX], length[sizeof("/128")];

	snprintf(length, sizeof(length), "/%u", (__u8)(block->length - above));
	return two_words("block", format_addr(&block->addr, addr), length);
}

/*
 * What makes two statements the same statement, kind first. Ids are stored and
 * scripts keep them, so this text must never change for what it can say today.
 */
static char *match_text(const struct statement *s)
{
	__u16 listen = s->forward.listen, target = s->forward.target;
	_free_ char *match = NULL;

	switch (s->kind) {
	case STATEMENT_RULE:
		match = rule_match_text(&s->rule);
		return match ? two_words("rule", match, "") : NULL;
	case STATEMENT_DEFAULT:
		return two_words("default", dir_name(s->default_policy.dir), "");
	case STATEMENT_FORWARD: /* a link is the same from both ends */
		return forward_text(listen > target ? listen : target, listen > target ? target : listen,
				    s->forward.protocols);
	case STATEMENT_BLOCK:
		return block_match_text(&s->block);
	case STATEMENT_OPTION:
		return two_words("option", option_text(s->option.name), "");
	case STATEMENT_LOAD:
		return two_words("load", s->load.name, "");
	default:
		return strdup("");
	}
}

/* 64-bit FNV-1a. */
static __u64 hash_text(const char *text)
{
	__u64 hash = 0xcbf29ce484222325ULL;

	for (; *text; text++)
		hash = (hash ^ (unsigned char)*text) * 0x100000001b3ULL;
	return hash;
}

int statement_id(const struct statement *s, __u64 *id)
{
	_free_ char *text = match_text(s);

	if (!text)
		return -ENOMEM;
	*id = s->kind == STATEMENT_COMMENT ? 0 : hash_text(text);
	return 0;
}
