// SPDX-License-Identifier: GPL-2.0-only
#include "statement_rule.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdint.h>
#include <string.h>

#include "parse_icmp.h"
#include "parse_ip_protocol.h"
#include "parse_ports.h"
#include "statement.h"

/* For the word behind the target, NULL if there is none. */
static const char *rule_hint(const struct rule *rule, const char *word)
{
	unsigned int protocols;
	enum xdpfw_dir dir;

	if (!word)
		return NULL;
	if (!find_dir(word, &dir) && rule->dir == XDPFW_ROUTED)
		return "rules for routed requests take no direction";
	if (!find_dir(word, &dir) && dir == XDPFW_ROUTED)
		return "rules for routed requests begin with route, as in route allow 22";
	if (!find_dir(word, &dir))
		return "the direction stands before the target, as in allow in 22";
	if (rule->match == MATCH_ICMP)
		return "the type stands behind a slash, as in icmp/echo-request";
	if (!strcmp(word, "proto") || !parse_protocol(word, &protocols, NULL))
		return "the protocol stands behind a slash, as in 22/tcp";
	if (!strcmp(word, "port"))
		return "ports stand before their protocol, as in 22/tcp";
	return "a rule has one target, lists are written 22,80";
}

/* Protocols for which rules have words of their own get those, so that each rule has one form. */
static int rule_for_protocol(__u8 protocol, struct rule *rule, struct error *e)
{
	switch (protocol) {
	case IPPROTO_TCP:
		rule->protocols = PROTO_TCP;
		break;
	case IPPROTO_UDP:
		rule->protocols = PROTO_UDP;
		break;
	case IPPROTO_SCTP:
		rule->protocols = PROTO_SCTP;
		break;
	case IPPROTO_ICMP:
		return parse_icmp("icmp4", rule, e);
	case IPPROTO_ICMPV6:
		return parse_icmp("icmp6", rule, e);
	default:
		rule->match = MATCH_PROTOCOL;
		rule->protocol = protocol;
		return 0;
	}
	rule->match = MATCH_PORTS;
	return ports_of_range(0, UINT16_MAX, &rule->ports, e);
}

/* Behind `proto`. */
static int parse_proto(struct cursor *cursor, struct rule *rule, struct error *e)
{
	const char *word = cursor_next(cursor);
	__u8 protocol = 0;
	int err;

	if (!word)
		return fail(e, -EINVAL, "'proto': the protocol is missing; write proto gre or proto 47");
	err = parse_ip_protocol(word, &protocol, e);
	return err ? err : rule_for_protocol(protocol, rule, e);
}

static int parse_rule_target(struct cursor *cursor, const char *word, struct rule *rule, struct error *e)
{
	int err;

	if (!strcmp(word, "proto"))
		return parse_proto(cursor, rule, e);
	if (is_icmp_word(word))
		return parse_icmp(word, rule, e);
	err = refuse_later_word(word, e);
	if (!err)
		err = parse_target(word, &rule->ports, &rule->protocols, e);
	rule->match = rule->protocols ? MATCH_PORTS : MATCH_ANY;
	return err;
}

/* Direction and action are known. */
static int parse_rest(struct cursor *cursor, struct rule *rule, struct error *e)
{
	const char *word = cursor_next(cursor), *action = action_name(rule->verdict);
	bool routed = rule->dir == XDPFW_ROUTED;
	int err;

	if (!word)
		return fail(e, -EINVAL, "'%s': the target is missing; write ports, a service or 'any', as %s %s 22",
			    action, routed ? "route" : action, routed ? action : dir_name(rule->dir));
	err = parse_rule_target(cursor, word, rule, e);
	return err ? err : cursor_end(cursor, rule_hint(rule, cursor_peek(cursor)), e);
}

int parse_rule(struct cursor *cursor, struct statement *s, struct error *e)
{
	const char *word = cursor_peek(cursor);

	s->rule.dir = XDPFW_IN;
	if (word && !find_dir(word, &s->rule.dir))
		cursor_next(cursor);
	if (s->rule.dir == XDPFW_ROUTED || (word && !strcmp(word, "route")))
		return fail(e, -EINVAL, "'%s': rules for routed requests begin with route; write route %s 22", word,
			    action_name(s->rule.verdict));
	return parse_rest(cursor, &s->rule, e);
}

int parse_route(struct cursor *cursor, struct statement *s, struct error *e)
{
	const char *action = cursor_next(cursor), *word = cursor_peek(cursor);
	enum xdpfw_dir ignored;
	int err;

	if (!action)
		return fail(e, -EINVAL, "'route': the action is missing; write route allow 80/tcp");
	err = refuse_later_word(action, e);
	if (err)
		return err;
	if (find_action(action, &s->rule.verdict))
		return fail(e, -EINVAL, "'%s': not an action; write route allow, route deny or route reject",
			    excerpt(action).text);
	if (word && !find_dir(word, &ignored))
		return fail(e, -EINVAL, "'%s': rules for routed requests take no direction; write route %s 80/tcp",
			    word, action);
	s->rule.dir = XDPFW_ROUTED;
	return parse_rest(cursor, &s->rule, e);
}
