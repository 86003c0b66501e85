// SPDX-License-Identifier: GPL-2.0-only
#include "rule_words.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "parse_address.h"
#include "parse_icmp.h"
#include "statement.h"
#include "statement_rule.h"
#include "util.h"

/* Clauses of two words. */
static const struct clause {
	const char *name;
	size_t place;
	const char *missing;
} clauses[] = {
	{"proto", offsetof(struct rule_words, proto), "the protocol is missing; write proto gre or proto 47"},
	{"from", offsetof(struct rule_words, from), "the sender is missing; write from 203.0.113.0/24 or from @office"},
	{"to", offsetof(struct rule_words, to), "the address is missing; write to 203.0.113.9 or to any"},
	{"rate", offsetof(struct rule_words, rate), "the rate is missing; write rate 10/1m"},
	{"user", offsetof(struct rule_words, user), "the user is missing; write user www-data or user 33"},
	{"cgroup", offsetof(struct rule_words, cgroup),
	 "the cgroup is missing; write cgroup system.slice/nginx.service"},
	{"comment", offsetof(struct rule_words, comment), "the comment is missing; write comment 'why'"},
	{"for", offsetof(struct rule_words, duration), "the duration is missing; write for 20m"},
	{"until", offsetof(struct rule_words, until), "the time is missing; write until 2026-11-25T18:00:00Z"},
};

static const struct clause *find_clause(const char *word)
{
	for (size_t i = 0; i < ARRAY_SIZE(clauses); i++)
		if (!strcmp(clauses[i].name, word))
			return &clauses[i];
	return NULL;
}

static int set_once(const char **place, const char *name, const char *value, struct error *e)
{
	if (*place)
		return fail(e, -EINVAL, "'%s %s': '%s' is given already, as '%s'", name, excerpt(value).text, name,
			    excerpt(*place).text);
	*place = value;
	return 0;
}

static int read_clause(struct cursor *cursor, const struct clause *clause, struct rule_words *words, struct error *e)
{
	const char *value = cursor_next(cursor);
	const char **place = (const char **)((char *)words + clause->place);

	if (!value)
		return fail(e, -EINVAL, "'%s': %s", clause->name, clause->missing);
	return set_once(place, clause->name, value, e);
}

/* Behind `from` or `to`, whichever came last. */
static int read_port(struct cursor *cursor, bool of_sender, struct rule_words *words, struct error *e)
{
	const char *value = cursor_next(cursor);

	if (!value)
		return fail(e, -EINVAL, "'port': the port is missing; write from any port 68 or to any port 22");
	return set_once(of_sender ? &words->from_port : &words->to_port, "port", value, e);
}

static int read_interface(struct cursor *cursor, const char **place, struct error *e)
{
	const char *name = cursor_next(cursor);

	if (!name)
		return fail(e, -EINVAL, "'on': the interface is missing; write on eth0");
	return set_once(place, "on", name, e);
}

/* `in on eth0`, `out on eth1`: a routed request has two interfaces. */
static int read_routed_interface(struct cursor *cursor, const char *word, enum xdpfw_dir side, struct rule_words *words,
				 struct error *e)
{
	const char *on = cursor_next(cursor);

	if (!on || strcmp(on, "on"))
		return fail(
			e, -EINVAL,
			"'%s': rules for routed requests take no direction, but interfaces, as in on eth0 out on eth1",
			word);
	return read_interface(cursor, side == XDPFW_OUT ? &words->on_out : &words->on, e);
}

int rule_clause_words(const char *word)
{
	return find_clause(word) || !strcmp(word, "on") || !strcmp(word, "port") || !strcmp(word, "app") ? 2 : 1;
}

/* For a word that is too many, NULL if nothing fits. */
static const char *hint_for(const struct rule_words *words, enum xdpfw_dir dir, const char *word)
{
	unsigned int protocols;
	enum xdpfw_dir other;

	if (*word == '#')
		return "comments stand on lines of their own, or behind the word comment";
	if (!find_dir(word, &other) && other == XDPFW_ROUTED)
		return "rules for routed requests begin with route, as in route allow 22";
	if (!find_dir(word, &other) && dir != XDPFW_ROUTED)
		return "the direction stands before the target, as in allow in 22";
	if (!strcmp(word, "port"))
		return "a port belongs to from or to, as in to any port 22; alone write it as 22/tcp";
	if (words->target && is_icmp_word(words->target))
		return "the type stands behind a slash, as in icmp/echo-request";
	if (!parse_protocol(word, &protocols, NULL))
		return "the protocol stands behind a slash, as in 22/tcp";
	return "a rule has one target, lists are written 22,80";
}

/* Of two targets, the first may be the mistake: `allow sideways 22`. */
static int judge_target(const char *target, struct error *e)
{
	struct ports ports = {0};
	unsigned int protocols;
	int err = is_icmp_word(target) || is_address_word(target) ? 0 : parse_target(target, &ports, &protocols, e);

	ports_free(&ports);
	return err;
}

bool is_unknown_target(const char *word)
{
	struct rule ignored = {0};
	enum xdpfw_dir dir;

	if (rule_clause_words(word) > 1 || !strncmp(word, "--", 2) || !strcmp(word, "log") ||
	    !strcmp(word, "log-all") || !strcmp(word, "route") || !find_dir(word, &dir) ||
	    !find_rule_action(word, &ignored))
		return false;
	return judge_target(word, NULL) != 0;
}

static int refuse_word(const struct rule_words *words, enum xdpfw_dir dir, const char *word, struct error *e)
{
	int err = words->target ? judge_target(words->target, e) : 0;

	if (err)
		return err;
	return fail(e, -EINVAL, "'%s': one word too many; %s", excerpt(word).text, hint_for(words, dir, word));
}

/* One clause, of which @word is the first word. @of_sender: the last end named was the sender's. */
static int read_word(struct cursor *cursor, enum xdpfw_dir dir, const char *word, bool *of_sender,
		     struct rule_words *words, struct error *e)
{
	const struct clause *clause = find_clause(word);
	enum xdpfw_dir side;

	if (clause) {
		if (clause->place == offsetof(struct rule_words, from) ||
		    clause->place == offsetof(struct rule_words, to))
			*of_sender = clause->place == offsetof(struct rule_words, from);
		return read_clause(cursor, clause, words, e);
	}
	if (!strcmp(word, "on"))
		return read_interface(cursor, &words->on, e);
	if (!strcmp(word, "app"))
		return fail(e, -EINVAL, "'app': the name of the profile is missing; write app Samba");
	if (!strcmp(word, "port") && (words->from || words->to))
		return read_port(cursor, *of_sender, words, e);
	if (!strcmp(word, "log") || !strcmp(word, "log-all"))
		return set_once(&words->log, "log", word, e);
	if (dir == XDPFW_ROUTED && !find_dir(word, &side) && side != XDPFW_ROUTED)
		return read_routed_interface(cursor, word, side, words, e);
	if (words->target || !strcmp(word, "port") || !find_dir(word, &side))
		return refuse_word(words, dir, word, e);
	if (*word == '-' && (word[1] < '0' || word[1] > '9'))
		return fail(e, -EINVAL, "'%s': no such flag", excerpt(word).text);
	words->target = word;
	return 0;
}

int read_rule_words(struct cursor *cursor, enum xdpfw_dir dir, struct rule_words *words, struct error *e)
{
	struct rule_words read = {0};
	bool of_sender = false;

	for (const char *word = cursor_next(cursor); word; word = cursor_next(cursor)) {
		int err = read_word(cursor, dir, word, &of_sender, &read, e);

		if (err)
			return err;
	}
	*words = read;
	return 0;
}
