// SPDX-License-Identifier: GPL-2.0-only
/*
 * The destination of a rule is said in one of two ways: by a target (`22/tcp`, `10.0.0.5:80`, `icmp`, `proto gre`), or
 * as ufw's long form does (`proto tcp from any port 68 to any port 22`). Both end up as the same rule.
 */
#define _GNU_SOURCE 1 /* asprintf() */
#include "rule_target.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "parse_addr.h"
#include "parse_address.h"
#include "parse_icmp.h"
#include "parse_ip_protocol.h"
#include "parse_ports.h"
#include "util.h"

/* One port clause and the protocols that it can be for. */
struct ported {
	struct ports ports;
	unsigned int protocols;
};

/* Both NULL and "any" say nothing. */
static const char *said(const char *word)
{
	return word && strcmp(word, "any") ? word : NULL;
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

static int parse_proto(const char *word, struct rule *rule, struct error *e)
{
	__u8 protocol = 0;
	int err = parse_ip_protocol(word, &protocol, e);

	return err ? err : rule_for_protocol(protocol, rule, e);
}

/* `10.0.0.5:22` for every direction; an address alone only where it can be but the far end. */
static int resolve_endpoint(const struct rule_words *words, struct rule *rule, struct error *e)
{
	const char *word = words->target;
	struct excerpt shown = excerpt(word);
	int err;

	err = parse_address_target(word, &rule->to.prefix, &rule->ports, &rule->protocols, e);
	if (err)
		return err;
	if (words->to)
		return fail(e, -EINVAL, "'to %s': '%s' says already where to", excerpt(words->to).text, shown.text);
	if (!rule->protocols && rule->dir != XDPFW_OUT)
		return fail(
			e, -EINVAL,
			"'%s': a bare address does not say which end it is; write 'from %s' (the sender) or 'to %s'",
			shown.text, shown.text, shown.text);
	rule->to.kind = ADDRESS_PREFIX;
	rule->match = rule->protocols ? MATCH_PORTS : MATCH_ANY;
	return 0;
}

static int resolve_target_word(const struct rule_words *words, struct rule *rule, struct error *e)
{
	const char *word = words->target;
	int err;

	if (words->proto && said(word))
		return fail(e, -EINVAL,
			    "'proto %s': '%s' is the target already; its protocol stands behind a slash, as in 22/tcp",
			    excerpt(words->proto).text, excerpt(word).text);
	if (words->to_port)
		return fail(e, -EINVAL, "'port %s': '%s' says already which", excerpt(words->to_port).text,
			    excerpt(word).text);
	if (is_icmp_word(word))
		return parse_icmp(word, rule, e);
	if (is_address_word(word))
		return resolve_endpoint(words, rule, e);
	err = parse_target(word, &rule->ports, &rule->protocols, e);
	rule->match = rule->protocols ? MATCH_PORTS : MATCH_ANY;
	return err;
}

/* Ports behind the word `port`: without a slash, and of the protocol that the rule names elsewhere, if it does. */
static int parse_port_clause(const char *word, const char *proto, struct ported *ported, struct error *e)
{
	_free_ char *target = NULL;
	struct ported parsed = {0};
	int err;

	if (strchr(word, '/'))
		return fail(e, -EINVAL,
			    "'port %s': ports only; the protocol stands behind the word proto, as in proto tcp",
			    excerpt(word).text);
	if (asprintf(&target, "%s%s%s", word, proto ? "/" : "", proto ? proto : "") < 0) {
		target = NULL;
		return fail(e, -ENOMEM, "out of memory");
	}
	err = parse_target(target, &parsed.ports, &parsed.protocols, e);
	if (!err)
		*ported = parsed;
	return err;
}

static const char *port_protocol(const struct rule *rule)
{
	return rule->match == MATCH_PORTS && rule->protocols != (PROTO_TCP | PROTO_UDP)
		       ? format_protocols(rule->protocols)
		       : NULL;
}

static int refuse_portless(const char *word, const char *what, struct error *e)
{
	return fail(e, -EINVAL, "'port %s': %s has no ports; they go with tcp, udp and sctp", excerpt(word).text, what);
}

/* @ported takes part in a rule that is about some protocols already, or about all. */
static int narrow_protocols(struct rule *rule, const struct ported *ported, const char *word, struct error *e)
{
	unsigned int both = rule->match == MATCH_ANY ? ported->protocols : rule->protocols & ported->protocols;

	if (!both)
		return fail(e, -EINVAL, "'port %s': for %s, but the rule is for %s", excerpt(word).text,
			    format_protocols(ported->protocols), format_protocols(rule->protocols));
	rule->protocols = both;
	rule->match = MATCH_PORTS;
	return 0;
}

static int resolve_to_port(const char *word, const char *proto, struct rule *rule, struct error *e)
{
	struct ported ported = {0};
	int err;

	if (rule->match == MATCH_PROTOCOL || rule->match == MATCH_ICMP)
		return refuse_portless(word, excerpt(proto).text, e);
	err = parse_port_clause(word, port_protocol(rule), &ported, e);
	if (!err)
		err = narrow_protocols(rule, &ported, word, e);
	if (err) {
		ports_free(&ported.ports);
		return err;
	}
	ports_free(&rule->ports);
	rule->ports = ported.ports;
	return 0;
}

static int resolve_from_port(const char *word, struct rule *rule, struct error *e)
{
	struct ported ported = {0};
	int err;

	if (rule->match == MATCH_PROTOCOL || rule->match == MATCH_ICMP)
		return refuse_portless(word, "what the rule is for", e);
	err = parse_port_clause(word, port_protocol(rule), &ported, e);
	if (!err)
		err = narrow_protocols(rule, &ported, word, e);
	if (!err && !rule->ports.count)
		err = ports_of_range(0, UINT16_MAX, &rule->ports, e);
	if (err) {
		ports_free(&ported.ports);
		return err;
	}
	rule->source_ports = ported.ports;
	return 0;
}

static bool is_family(const struct address_match *match, bool ipv4)
{
	return match->kind == ADDRESS_PREFIX && addr_is_ipv4(&match->prefix.addr) == ipv4;
}

static int refuse_families(const struct address_match *match, struct error *e)
{
	_free_ char *to = address_text(match);

	return fail(e, -EINVAL, "'to %s': the sender's address is of the other family", to ? to : "");
}

/* A rule for two families at once would never match. */
static int check_families(const struct rule *rule, struct error *e)
{
	bool v4 = is_family(&rule->from, true) || is_family(&rule->to, true);
	bool v6 = is_family(&rule->from, false) || is_family(&rule->to, false);
	unsigned int icmp = rule->match == MATCH_ICMP ? rule->icmp_families : ICMP_V4 | ICMP_V6;

	if (v4 && v6)
		return refuse_families(&rule->to, e);
	if (v4 && !(icmp & ICMP_V4))
		return fail(e, -EINVAL, "'icmp6': IPv4 addresses have icmp4");
	if (v6 && !(icmp & ICMP_V6))
		return fail(e, -EINVAL, "'icmp4': IPv6 addresses have icmp6");
	return 0;
}

int resolve_target(const struct rule_words *words, struct rule *rule, struct error *e)
{
	const char *proto = said(words->proto), *to_port = said(words->to_port), *from_port = said(words->from_port);
	bool from_first;
	int err = 0;

	rule->match = MATCH_ANY;
	if (words->target)
		err = resolve_target_word(words, rule, e);
	if (!err && proto)
		err = parse_proto(proto, rule, e);
	/* A range A:B needs a protocol, which the other port may bring: `from any port ssh to any port 6000:6010`. */
	from_first = from_port && to_port && strchr(to_port, ':');
	if (!err && from_first)
		err = resolve_from_port(from_port, rule, e);
	if (!err && to_port)
		err = resolve_to_port(to_port, proto, rule, e);
	if (!err && from_port && !from_first)
		err = resolve_from_port(from_port, rule, e);
	return err ? err : check_families(rule, e);
}
