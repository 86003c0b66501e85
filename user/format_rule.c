// SPDX-License-Identifier: GPL-2.0-only
/* What a rule is about, as text: canonical, for the id, for JSON. */
#include <string.h>

#include "comment.h"
#include "parse_icmp.h"
#include "parse_ip_protocol.h"
#include "statement.h"
#include "user_name.h"
#include "util.h"

/* A string that was made for this text; NULL without memory. */
static void put_made(struct text *text, char *made)
{
	_free_ char *string = made;

	if (string)
		text_put(text, string);
	else
		text->failed = true;
}

static void target_write(struct text *text, const struct rule *rule)
{
	char protocol[IP_PROTOCOL_TEXT_MAX];

	switch (rule->match) {
	case MATCH_PORTS:
		put_made(text, format_target(&rule->ports, rule->protocols));
		break;
	case MATCH_PROTOCOL:
		text_printf(text, "proto %s", format_ip_protocol(rule->protocol, protocol));
		break;
	case MATCH_ICMP:
		put_made(text, format_icmp(rule));
		break;
	default:
		text_put(text, "any");
	}
}

static void address_write(struct text *text, const struct address_match *match)
{
	char addr[ADDR_TEXT_MAX];

	switch (match->kind) {
	case ADDRESS_PREFIX:
		text_put(text, format_prefix(&match->prefix, addr));
		break;
	case ADDRESS_SET:
		text_printf(text, "@%s", match->set);
		break;
	default:
		text_put(text, "any");
	}
}

static void word_write(struct text *text, const char *name, const char *value)
{
	if (value)
		text_printf(text, " %s %s", name, value);
}

/* The conditions behind the target; @user is the rule's. Part of the id, so what it writes today it must write for ever. */
static void conditions_write(struct text *text, const struct rule *rule, const char *user)
{
	if (rule->from.kind != ADDRESS_ANY || rule->source_ports.count) {
		text_put(text, " from ");
		address_write(text, &rule->from);
	}
	if (rule->source_ports.count) {
		text_put(text, " port ");
		put_made(text, format_ports(&rule->source_ports));
	}
	if (rule->to.kind != ADDRESS_ANY) {
		text_put(text, " to ");
		address_write(text, &rule->to);
	}
	word_write(text, "on", rule->on);
	word_write(text, "out on", rule->on_out);
	word_write(text, "user", user);
	word_write(text, "cgroup", rule->cgroup);
}

/* Words that say enough to leave out the target `any`. */
static bool goes_without_target(const struct rule *rule)
{
	return rule->match == MATCH_ANY &&
	       (rule->from.kind != ADDRESS_ANY || rule->to.kind != ADDRESS_ANY || rule->on || rule->on_out);
}

static void rate_write(struct text *text, const struct rule *rule)
{
	char duration[DURATION_TEXT_MAX];

	if (rule->limit_count != DEFAULT_LIMIT_COUNT || rule->limit_seconds != DEFAULT_LIMIT_SECONDS)
		text_printf(text, " rate %u/%s", rule->limit_count, format_duration(rule->limit_seconds, duration));
}

/* "allow in 22", "route deny 80/tcp from @office on eth0 log comment 'why'" */
void rule_write(struct text *text, const struct rule *rule)
{
	char until[TIME_TEXT_MAX];

	if (rule->disabled)
		text_put(text, "disabled ");
	if (rule->dir == XDPFW_ROUTED)
		text_printf(text, "route %s", rule_action(rule));
	else
		text_printf(text, "%s %s", rule_action(rule), dir_name(rule->dir));
	if (!goes_without_target(rule)) {
		text_put(text, " ");
		target_write(text, rule);
	}
	conditions_write(text, rule, rule->user);
	if (rule->limited)
		rate_write(text, rule);
	if (rule->log || rule->log_all)
		text_put(text, rule->log_all ? " log-all" : " log");
	if (rule->expires)
		text_printf(text, " until %s", format_timestamp(rule->expires, until));
	if (rule->comment)
		comment_write(text, rule->comment);
}

/* Numbers where the canonical text has names, because lists of names grow. */
static void icmp_match_write(struct text *text, const struct rule *rule)
{
	const __u8 *type = rule->icmp_type;

	if (!rule->has_icmp_type)
		text_put(text, format_icmp_families(rule->icmp_families));
	else if (rule->icmp_families == (ICMP_V4 | ICMP_V6))
		text_printf(text, "icmp4/%u+icmp6/%u", type[0], type[1]);
	else
		text_printf(text, "%s/%u", format_icmp_families(rule->icmp_families),
			    type[rule->icmp_families == ICMP_V6]);
}

void rule_match_write(struct text *text, const struct rule *rule)
{
	char user[USER_NAME_MAX];

	text_printf(text, "%s ", dir_name(rule->dir));
	if (rule->match == MATCH_PROTOCOL)
		text_printf(text, "proto %u", rule->protocol);
	else if (rule->match == MATCH_ICMP)
		icmp_match_write(text, rule);
	else
		target_write(text, rule);
	conditions_write(text, rule, rule->user ? user_name(rule->user, user) : NULL);
}

char *address_text(const struct address_match *match)
{
	struct text text = {0};

	address_write(&text, match);
	return text_steal(&text);
}

char *rule_protocol_text(const struct rule *rule)
{
	char text[IP_PROTOCOL_TEXT_MAX];

	switch (rule->match) {
	case MATCH_PORTS:
		return strdup(format_protocols(rule->protocols));
	case MATCH_PROTOCOL:
		return strdup(format_ip_protocol(rule->protocol, text));
	case MATCH_ICMP:
		return strdup(format_icmp_families(rule->icmp_families));
	default:
		return strdup("any");
	}
}

char *rule_ports_text(const struct rule *rule)
{
	return rule->match == MATCH_PORTS ? format_ports(&rule->ports) : strdup("any");
}
