// SPDX-License-Identifier: GPL-2.0-only
#include "statement_rule.h"

#include <errno.h>
#include <string.h>

#include "comment.h"
#include "parse_address.h"
#include "parse_iface.h"
#include "parse_number.h"
#include "parse_time.h"
#include "rule_target.h"
#include "rule_words.h"
#include "statement.h"
#include "util.h"

#define LONGEST_NAME     250
#define HIGHEST_LIMIT    65535
#define LONGEST_INTERVAL (24 * 60 * 60)

int find_rule_action(const char *word, struct rule *rule)
{
	if (strcmp(word, "limit"))
		return find_action(word, &rule->verdict);
	rule->verdict = XDPFW_PASS;
	rule->limited = true;
	rule->limit_count = DEFAULT_LIMIT_COUNT;
	rule->limit_seconds = DEFAULT_LIMIT_SECONDS;
	return 0;
}

static int copy_word(const char *word, char **to, struct error *e)
{
	char *copy = strdup(word);

	if (!copy)
		return fail(e, -ENOMEM, "out of memory");
	*to = copy;
	return 0;
}

/* Loopback is never filtered, so to allow it is to say what is so; anything else would be a rule that lies. */
static int parse_interface(const char *name, const struct rule *rule, char **to, struct error *e)
{
	int err = check_iface_name(name, e);

	if (err)
		return err;
	if (name[strlen(name) - 1] == '+' || strpbrk(name, "*?[]"))
		return fail(e, -EINVAL, "'%s': not a name of an interface; a rule is for one, or without on for all",
			    excerpt(name).text);
	if (!strcmp(name, "lo") && (rule->verdict != XDPFW_PASS || rule->limited))
		return fail(e, -EINVAL, "'lo': loopback is never filtered");
	return copy_word(name, to, e);
}

static int resolve_interfaces(const struct rule_words *words, struct rule *rule, struct error *e)
{
	int err = words->on ? parse_interface(words->on, rule, &rule->on, e) : 0;

	if (!err && words->on_out)
		err = parse_interface(words->on_out, rule, &rule->on_out, e);
	return err;
}

/* Names that stand in the file without quotes. */
static bool is_plain(const char *word)
{
	for (const char *c = word; *c; c++)
		if ((unsigned char)*c <= ' ' || *c == 0x7f || *c == '\'' || *c == '"')
			return false;
	return *word && strlen(word) <= LONGEST_NAME && *word != '-';
}

/* Each cgroup has one path: `/a//b/` is a/b. Returns false if a part of it is `.` or `..`. */
static bool straighten(char *path)
{
	char *to = path;

	for (const char *part = path + strspn(path, "/"); *part;) {
		size_t length = strcspn(part, "/");

		if (*part == '.' && (length == 1 || (length == 2 && part[1] == '.')))
			return false;
		if (to > path)
			*to++ = '/';
		memmove(to, part, length);
		to += length;
		part += length + strspn(part + length, "/");
	}
	*to = '\0';
	return true;
}

static int parse_cgroup(const char *word, char **to, struct error *e)
{
	_free_ char *path = strdup(word);

	if (!path)
		return fail(e, -ENOMEM, "out of memory");
	if (!straighten(path) || !is_plain(path))
		return fail(e, -EINVAL,
			    "'%s': not a cgroup; write its path below /sys/fs/cgroup, as system.slice/nginx.service",
			    excerpt(word).text);
	*to = steal_pointer(&path);
	return 0;
}

/* Only what leaves a socket of this host has an owner. */
static int resolve_owner(const struct rule_words *words, struct rule *rule, struct error *e)
{
	int err = 0;

	if ((words->user || words->cgroup) && rule->dir != XDPFW_OUT)
		return fail(e, -EINVAL, "'%s': only requests that leave have an owner here; write %s out ... %s %s",
			    words->user ? "user" : "cgroup", rule_action(rule), words->user ? "user" : "cgroup",
			    excerpt(words->user ? words->user : words->cgroup).text);
	if (words->user && !is_plain(words->user))
		return fail(e, -EINVAL, "'%s': not a user; write a name or a number, as www-data or 33",
			    excerpt(words->user).text);
	if (words->user)
		err = copy_word(words->user, &rule->user, e);
	if (!err && words->cgroup)
		err = parse_cgroup(words->cgroup, &rule->cgroup, e);
	return err;
}

static int resolve_addresses(const struct rule_words *words, struct rule *rule, struct error *e)
{
	int err = words->from ? parse_address_match(words->from, &rule->from, e) : 0;

	if (!err && words->to)
		err = parse_address_match(words->to, &rule->to, e);
	return err;
}

/* "10/1m": ten requests in a minute. */
static int parse_rate(const char *word, struct rule *rule, struct error *e)
{
	size_t digits = strcspn(word, "/");
	unsigned long count = 0;
	unsigned int seconds = 0;
	int err;

	if (!word[digits] || parse_number(word, digits, HIGHEST_LIMIT, &count) != NUMBER_OK || !count)
		return fail(e, -EINVAL, "'%s': not a rate; write requests and a duration, as 10/1m, at most %d/1d",
			    excerpt(word).text, HIGHEST_LIMIT);
	err = parse_duration(word + digits + 1, &seconds, e);
	if (err)
		return err;
	if (seconds > LONGEST_INTERVAL)
		return fail(e, -EINVAL, "'%s': too long; the duration of a rate is at most 1d", excerpt(word).text);
	rule->limited = true;
	rule->limit_count = count;
	rule->limit_seconds = seconds;
	return 0;
}

static int resolve_rate(const struct rule_words *words, struct rule *rule, struct error *e)
{
	if (!words->rate)
		return 0;
	if (rule->verdict != XDPFW_PASS)
		return fail(e, -EINVAL, "'rate %s': %s lets nothing pass; write limit ... rate %s",
			    excerpt(words->rate).text, action_name(rule->verdict), excerpt(words->rate).text);
	return parse_rate(words->rate, rule, e);
}

/* What the rule does beside its verdict. */
static int resolve_action(const struct rule_words *words, struct rule *rule, struct error *e)
{
	int err = resolve_rate(words, rule, e);

	if (!err)
		err = comment_parse(words->comment, &rule->comment, e);
	if (!err)
		err = parse_expiry(words->duration, words->until, &rule->expires, e);
	rule->log = words->log && !strcmp(words->log, "log");
	rule->log_all = words->log && !strcmp(words->log, "log-all");
	return err;
}

/* Direction and action are known. */
static int parse_rest(struct cursor *cursor, struct rule *rule, struct error *e)
{
	bool routed = rule->dir == XDPFW_ROUTED;
	const char *action = rule_action(rule);
	struct rule_words words;
	int err = read_rule_words(cursor, rule->dir, &words, e);

	if (err)
		return err;
	if (!words.target && !words.from && !words.to && !words.on && !words.on_out && !words.proto)
		return fail(e, -EINVAL, "'%s': the target is missing; write ports, a service or 'any', as %s %s 22",
			    action, routed ? "route" : action, routed ? action : dir_name(rule->dir));
	err = resolve_addresses(&words, rule, e);
	if (!err)
		err = resolve_target(&words, rule, e);
	if (!err)
		err = resolve_interfaces(&words, rule, e);
	if (!err)
		err = resolve_owner(&words, rule, e);
	return err ? err : resolve_action(&words, rule, e);
}

int parse_rule(struct cursor *cursor, struct statement *s, struct error *e)
{
	const char *word = cursor_peek(cursor);

	s->rule.dir = XDPFW_IN;
	if (word && !find_dir(word, &s->rule.dir))
		cursor_next(cursor);
	if (s->rule.dir == XDPFW_ROUTED || (word && !strcmp(word, "route")))
		return fail(e, -EINVAL, "'%s': rules for routed requests begin with route; write route %s 22", word,
			    rule_action(&s->rule));
	return parse_rest(cursor, &s->rule, e);
}

int parse_route(struct cursor *cursor, struct statement *s, struct error *e)
{
	const char *action = cursor_next(cursor), *word = cursor_peek(cursor);
	enum xdpfw_dir dir;

	if (!action)
		return fail(e, -EINVAL, "'route': the action is missing; write route allow 80/tcp");
	if (find_rule_action(action, &s->rule))
		return fail(e, -EINVAL,
			    "'%s': not an action; write route allow, route deny, route reject or route limit",
			    excerpt(action).text);
	if (word && !find_dir(word, &dir) && dir == XDPFW_ROUTED)
		return fail(e, -EINVAL, "'%s': route says it already; write route %s 80/tcp", word, action);
	s->rule.dir = XDPFW_ROUTED;
	return parse_rest(cursor, &s->rule, e);
}

int parse_disabled(struct cursor *cursor, struct statement *s, struct error *e)
{
	const char *word = cursor_next(cursor);
	int err;

	if (word && !strcmp(word, "route"))
		err = parse_route(cursor, s, e);
	else if (word && !find_rule_action(word, &s->rule))
		err = parse_rule(cursor, s, e);
	else
		err = fail(e, -EINVAL, "'%s': not a rule; write disabled allow in 22", word ? excerpt(word).text : "");
	s->rule.disabled = true;
	return err;
}
