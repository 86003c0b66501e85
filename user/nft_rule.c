// SPDX-License-Identifier: GPL-2.0-only
#include "nft_rule.h"

#include <errno.h>
#include <string.h>

#include "nft_words.h"
#include "text.h"
#include "util.h"

#define MOST_ALTERNATIVES 256

/* A rule of nft's while it is read. Of each list, one must match; empty means all. Lists hold JSON strings. */
struct reading {
	struct nft_scope scope;
	json_t *from, *to, *on, *on_out, *protocols, *icmp;
	struct text from_ports, to_ports;
	struct foreign_rule rule;
	const char *everything; /* of a rule for one family: 0.0.0.0/0 or ::/0 */
	bool replies;           /* only for packets of connections that are there */
	bool invalid;           /* only for packets of none */
	bool implied;           /* xdpfw does so by itself */
};

static void reading_free(struct reading *r)
{
	json_decref(r->from);
	json_decref(r->to);
	json_decref(r->on);
	json_decref(r->on_out);
	json_decref(r->protocols);
	json_decref(r->icmp);
	text_free(&r->from_ports);
	text_free(&r->to_ports);
}

/* What kind of thing it is. */
static const char *first_key(const json_t *object)
{
	const char *key = json_object_iter_key(json_object_iter((json_t *)object));

	return key ? key : "match";
}

static int no_condition(const char *name, struct error *e)
{
	return fail(e, -EINVAL, "'%s': xdpfw has no such condition", excerpt(name).text);
}

/* Ports are one list, in one word. */
static int put_ports(const struct reading *r, struct text *ports, const json_t *right, struct error *e)
{
	json_t *list = NULL, *port;
	size_t i;
	int err = ports->length ? fail(e, -EINVAL, "two conditions on one thing")
				: nft_put_values(&r->scope, &list, right, e);

	if (!err)
		json_array_foreach (list, i, port)
			text_printf(ports, "%s%s", i ? "," : "", json_string_value(port));
	json_decref(list);
	return err;
}

static int put_protocol(struct reading *r, const char *name, struct error *e)
{
	json_t *word = json_string(name);
	int err;

	if (json_array_size(r->protocols) == 1 && !strcmp(json_string_value(json_array_get(r->protocols, 0)), name))
		err = 0;
	else
		err = nft_put_values(&r->scope, &r->protocols, word, e);
	json_decref(word);
	return err;
}

/* "icmp4/echo-request" */
static int put_icmp_types(struct reading *r, const char *family, const json_t *right, struct error *e)
{
	json_t *types = NULL, *type;
	size_t i;
	int err = nft_put_values(&r->scope, &types, right, e);

	if (!err)
		json_array_foreach (types, i, type) {
			json_t *word = json_sprintf("%s/%s", family, json_string_value(type));

			err = nft_put_word(&r->icmp, word, e);
			json_decref(word);
			if (err)
				break;
		}
	json_decref(types);
	return err;
}

/* A rule of a table for one family, or with a condition that only one can meet. */
static int bind_family(struct reading *r, const char *family, struct error *e)
{
	const char *everything = !strcmp(family, "ip") ? "0.0.0.0/0" : !strcmp(family, "ip6") ? "::/0" : NULL;

	if (r->everything && everything && strcmp(r->everything, everything) != 0)
		return fail(e, -EINVAL, "'%s': the rule is for the other family, so it matches nothing", family);
	if (everything)
		r->everything = everything;
	return 0;
}

static int read_payload(struct reading *r, const json_t *payload, const json_t *right, struct error *e)
{
	const char *protocol = nft_text(payload, "protocol"), *field = nft_text(payload, "field");
	bool ip = !strcmp(protocol, "ip") || !strcmp(protocol, "ip6");
	bool ported = !strcmp(protocol, "tcp") || !strcmp(protocol, "udp") || !strcmp(protocol, "sctp");
	bool th = !strcmp(protocol, "th");
	int err;

	if (ip && !strcmp(field, "saddr"))
		return nft_put_values(&r->scope, &r->from, right, e);
	if (ip && !strcmp(field, "daddr"))
		return nft_put_values(&r->scope, &r->to, right, e);
	if ((ip && !strcmp(field, "protocol")) || (ip && !strcmp(field, "nexthdr"))) {
		err = bind_family(r, protocol, e);
		return err ? err : nft_put_values(&r->scope, &r->protocols, right, e);
	}
	if (!strcmp(protocol, "icmp") && !strcmp(field, "type"))
		return put_icmp_types(r, "icmp4", right, e);
	if (!strcmp(protocol, "icmpv6") && !strcmp(field, "type"))
		return put_icmp_types(r, "icmp6", right, e);
	if ((!ported && !th) || (strcmp(field, "dport") && strcmp(field, "sport")))
		return no_condition(field, e);
	err = ported ? put_protocol(r, protocol, e) : 0;
	return err ? err : put_ports(r, *field == 'd' ? &r->to_ports : &r->from_ports, right, e);
}

/* An interface of arrival where requests leave, or the reverse, is no word of a rule. */
static int read_meta(struct reading *r, const char *key, const json_t *right, struct error *e)
{
	bool arrival = !strcmp(key, "iifname") || !strcmp(key, "iif");
	bool leaving = !strcmp(key, "oifname") || !strcmp(key, "oif");

	if (arrival && r->rule.dir != XDPFW_OUT)
		return nft_put_values(&r->scope, &r->on, right, e);
	if (leaving && r->rule.dir != XDPFW_IN)
		return nft_put_values(&r->scope, r->rule.dir == XDPFW_OUT ? &r->on : &r->on_out, right, e);
	if (!strcmp(key, "l4proto"))
		return nft_put_values(&r->scope, &r->protocols, right, e);
	if (!strcmp(key, "nfproto") && json_is_string(right))
		return bind_family(r, !strcmp(json_string_value(right), "ipv6") ? "ip6" : "ip", e);
	return no_condition(key, e);
}

static bool has_state(const json_t *right, const char *state)
{
	const json_t *states = json_object_get(right, "set");
	size_t i;
	json_t *one;

	if (json_is_string(right))
		return !strcmp(json_string_value(right), state);
	json_array_foreach (states ? states : right, i, one)
		if (json_is_string(one) && !strcmp(json_string_value(one), state))
			return true;
	return false;
}

/* Rules are about new requests anyway; others are judged by xdpfw itself, as nft is told to in most rulesets. */
static int read_state(struct reading *r, const json_t *right, struct error *e)
{
	if (has_state(right, "new"))
		return 0;
	if (has_state(right, "untracked"))
		return no_condition("untracked", e);
	r->invalid = has_state(right, "invalid");
	r->replies = has_state(right, "established") || has_state(right, "related");
	return 0;
}

/* `ct state vmap { established : accept, related : accept, invalid : drop }` */
static int read_vmap(struct reading *r, const json_t *vmap, struct error *e)
{
	const json_t *ct = json_object_get(json_object_get(vmap, "key"), "ct");
	const json_t *pairs = json_object_get(json_object_get(vmap, "data"), "set");
	size_t i;
	json_t *pair;

	if (!nft_is(ct, "key", "state") || !pairs)
		return no_condition("vmap", e);
	json_array_foreach (pairs, i, pair) {
		const json_t *state = json_array_get(pair, 0), *verdict = json_array_get(pair, 1);
		bool reply = has_state(state, "established") || has_state(state, "related");

		if ((!reply || !json_object_get(verdict, "accept")) &&
		    (!has_state(state, "invalid") || !json_object_get(verdict, "drop")))
			return no_condition("vmap", e);
	}
	r->implied = true;
	return 0;
}

static int read_match(struct reading *r, const json_t *match, struct error *e)
{
	const json_t *left = json_object_get(match, "left"), *right = json_object_get(match, "right");
	const json_t *payload = json_object_get(left, "payload"), *ct = json_object_get(left, "ct");

	if (!nft_is(match, "op", "==") && !nft_is(match, "op", "in"))
		return fail(e, -EINVAL, "'%s': xdpfw has no such comparison", nft_text(match, "op"));
	if (payload)
		return read_payload(r, payload, right, e);
	if (json_object_get(left, "meta"))
		return read_meta(r, nft_text(json_object_get(left, "meta"), "key"), right, e);
	if (ct && nft_is(ct, "key", "state"))
		return read_state(r, right, e);
	return no_condition(ct ? nft_text(ct, "key") : first_key(left), e);
}

static int read_statement(struct reading *r, const char *name, const json_t *value, struct error *e)
{
	static const char *const verdicts[][2] = {{"accept", "allow"}, {"drop", "deny"}, {"reject", "reject"}};

	for (size_t i = 0; i < ARRAY_SIZE(verdicts); i++) {
		if (!strcmp(name, verdicts[i][0])) {
			r->rule.action = verdicts[i][1];
			return 0;
		}
	}
	if (!strcmp(name, "match"))
		return read_match(r, value, e);
	if (!strcmp(name, "limit"))
		return fail(e, -EINVAL, "'limit': for all senders together; those of xdpfw are for each sender");
	if (!strcmp(name, "vmap"))
		return read_vmap(r, value, e);
	if (!strcmp(name, "log"))
		r->rule.log = "log";
	return !strcmp(name, "log") || !strcmp(name, "counter") ? 0 : no_condition(name, e);
}

static bool is_only(const json_t *list, const char *word)
{
	return json_array_size(list) == 1 && !strcmp(json_string_value(json_array_get(list, 0)), word);
}

/* What the conditions and the verdict together come to. */
static int conclude(struct reading *r, struct error *e)
{
	bool allows = r->rule.action && !strcmp(r->rule.action, "allow");

	if (r->implied)
		return 0;
	if (!r->rule.action)
		return r->rule.log ? fail(e, -EINVAL, "'log': only beside a verdict") : (r->implied = true, 0);
	if (r->replies || r->invalid) {
		if (r->replies == r->invalid || allows != r->replies)
			return no_condition("state", e);
		r->implied = true;
	}
	if (allows && (is_only(r->on, "lo") || is_only(r->on_out, "lo")))
		r->implied = true;
	if (!r->from && !r->to && !r->icmp)
		r->rule.from = r->everything;
	if (r->to_ports.length)
		r->rule.to_port = r->to_ports.data;
	if (r->from_ports.length)
		r->rule.from_port = r->from_ports.data;
	return r->to_ports.failed || r->from_ports.failed ? fail(e, -ENOMEM, "out of memory") : 0;
}

static int read_rule(struct reading *r, const json_t *rule, struct error *e)
{
	const json_t *expressions = json_object_get(rule, "expr");
	size_t i;
	json_t *expression, *value;
	const char *name;
	int err = bind_family(r, r->scope.family, e);

	if (*nft_text(rule, "comment"))
		r->rule.comment = nft_text(rule, "comment");
	json_array_foreach (expressions, i, expression)
		json_object_foreach (expression, name, value)
			if (!err)
				err = read_statement(r, name, value, e);
	return err ? err : conclude(r, e);
}

/* Each combination of the alternatives is one rule. */
static int stage_each(struct reading *r, size_t depth, struct ruleset *staged, struct error *e)
{
	struct {
		const json_t *list;
		const char **place;
	} axes[] = {
		{r->from, &r->rule.from},     {r->to, &r->rule.to},     {r->on, &r->rule.on},
		{r->on_out, &r->rule.on_out}, {r->icmp, &r->rule.icmp}, {r->icmp ? NULL : r->protocols, &r->rule.proto},
	};
	size_t i;
	json_t *word;
	int err = 0;

	if (depth == ARRAY_SIZE(axes))
		return staged->count < MOST_ALTERNATIVES
			       ? import_rule(staged, &r->rule, e)
			       : fail(e, -EINVAL, "more than %d rules by its lists; name a set", MOST_ALTERNATIVES);
	if (!axes[depth].list)
		return stage_each(r, depth + 1, staged, e);
	json_array_foreach (axes[depth].list, i, word) {
		*axes[depth].place = json_string_value(word);
		err = stage_each(r, depth + 1, staged, e);
		if (err)
			break;
	}
	return err;
}

int nft_stage_rule(const json_t *objects, const json_t *rule, enum xdpfw_dir dir, struct ruleset *staged,
		   struct error *e)
{
	__attribute__((cleanup(reading_free))) struct reading r = {
		.scope = {objects, nft_text(rule, "family"), nft_text(rule, "table")},
		.rule = {.dir = dir},
	};
	int err = read_rule(&r, rule, e);

	return err || r.implied ? err : stage_each(&r, 0, staged, e);
}
