// SPDX-License-Identifier: GPL-2.0-only
/*
 * nftables' own JSON (libnftables-json(5)). Rules of the chains at the hooks input, output and forward become rules, the
 * policy of such a chain a default, named sets of addresses sets. xdpfw judges requests; replies, and what goes over
 * loopback, always pass. So `ct state established accept` and `iif lo accept` are there already.
 */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "import.h"
#include "parse_addr.h"
#include "text.h"
#include "util.h"

#define MOST_ALTERNATIVES 256

/* A rule of nft's while it is read. Of each list, one must match; empty means all. Lists hold JSON strings. */
struct reading {
	const json_t *objects; /* the whole ruleset, for sets */
	const char *family, *table;
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

static const char *text_at(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

static bool is_at(const json_t *object, const char *key, const char *value)
{
	return !strcmp(text_at(object, key), value);
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

/* A number, an address, a name, {"prefix":...} or {"range":[...]} in xdpfw's words; NULL if it is something else. */
static json_t *word_of(const json_t *value)
{
	const json_t *prefix = json_object_get(value, "prefix"), *range = json_object_get(value, "range");

	if (json_is_string(value))
		return json_string(json_string_value(value));
	if (json_is_integer(value))
		return json_sprintf("%lld", (long long)json_integer_value(value));
	if (prefix)
		return json_sprintf("%s/%lld", text_at(prefix, "addr"),
				    (long long)json_integer_value(json_object_get(prefix, "len")));
	if (json_is_integer(json_array_get(range, 0)))
		return json_sprintf("%lld-%lld", (long long)json_integer_value(json_array_get(range, 0)),
				    (long long)json_integer_value(json_array_get(range, 1)));
	return NULL;
}

static const json_t *find_set(const struct reading *r, const char *name)
{
	size_t i;
	json_t *object;

	json_array_foreach (r->objects, i, object) {
		const json_t *set = json_object_get(object, "set");

		if (set && is_at(set, "family", r->family) && is_at(set, "table", r->table) && is_at(set, "name", name))
			return set;
	}
	return NULL;
}

static bool has_addresses(const json_t *set)
{
	return is_at(set, "type", "ipv4_addr") || is_at(set, "type", "ipv6_addr");
}

static const json_t *value_of_element(const json_t *element)
{
	const json_t *wrapped = json_object_get(json_object_get(element, "elem"), "val");

	return wrapped ? wrapped : element;
}

static int append(json_t **list, json_t *word, struct error *e)
{
	if (!*list)
		*list = json_array();
	return json_array_append_new(*list, word) ? fail(e, -ENOMEM, "out of memory") : 0;
}

static unsigned __int128 number_of(const struct xdpfw_addr *addr)
{
	unsigned __int128 number = 0;

	for (size_t i = 0; i < sizeof(*addr); i++)
		number = number << 8 | ((const unsigned char *)addr)[i];
	return number;
}

static void addr_of(unsigned __int128 number, struct xdpfw_addr *addr)
{
	for (size_t i = sizeof(*addr); i-- > 0; number >>= 8)
		((unsigned char *)addr)[i] = (unsigned char)number;
}

/* The biggest prefixes that fill the range: at most 254. */
static int put_range(json_t **list, const char *first, const char *last, struct error *e)
{
	struct xdpfw_addr low, high;
	int err = parse_addr(first, first, &low, e);

	if (!err)
		err = parse_addr(last, last, &high, e);
	if (err)
		return err;
	for (unsigned __int128 at = number_of(&low), end = number_of(&high); !err && at <= end;) {
		struct prefix prefix = {.length = 128};
		unsigned __int128 size = 1;
		char text[ADDR_TEXT_MAX];

		while (prefix.length > 1 && !(at & size) && at + (size * 2 - 1) <= end) {
			size *= 2;
			prefix.length--;
		}
		addr_of(at, &prefix.addr);
		err = append(list, json_string(format_prefix(&prefix, text)), e);
		if (at + (size - 1) == end)
			break; /* the last of all addresses has none behind it */
		at += size;
	}
	return err;
}

static int put_word(json_t **list, const json_t *value, struct error *e)
{
	const json_t *range = json_object_get(value, "range");
	json_t *word;

	if (json_is_string(json_array_get(range, 0)) && json_is_string(json_array_get(range, 1)))
		return put_range(list, json_string_value(json_array_get(range, 0)),
				 json_string_value(json_array_get(range, 1)), e);
	word = word_of(value);
	return word ? append(list, word, e) : fail(e, -EINVAL, "a value of a kind that rules do not have");
}

/* Sets of one name in two tables are two sets. */
static json_t *set_word(const json_t *objects, const json_t *set)
{
	size_t i, same = 0;
	json_t *object;

	json_array_foreach (objects, i, object)
		same += is_at(json_object_get(object, "set"), "name", text_at(set, "name"));
	if (same < 2)
		return json_string(text_at(set, "name"));
	return json_sprintf("%s-%s-%s", text_at(set, "family"), text_at(set, "table"), text_at(set, "name"));
}

static int put_set(const struct reading *r, json_t **list, const json_t *set, struct error *e)
{
	json_t *name = set_word(r->objects, set), *word = json_sprintf("@%s", json_string_value(name));

	json_decref(name);
	return append(list, word, e);
}

/* Releases @values. An empty list would mean "all": what matches nothing is no condition of a rule. */
static int put_some(json_t **list, json_t *values, struct error *e)
{
	size_t i;
	json_t *value;
	int err = 0;

	json_array_foreach (values, i, value) {
		err = put_word(list, value_of_element(value), e);
		if (err)
			break;
	}
	json_decref(values);
	if (!err && !json_array_size(*list))
		err = fail(e, -EINVAL, "an empty set or range, which matches nothing");
	return err;
}

/* What stands on the right of a match: one value, several, or a named set. */
static int put_values(const struct reading *r, json_t **list, const json_t *right, struct error *e)
{
	const char *name = json_string_value(right);
	const json_t *values = json_object_get(right, "set"), *set = NULL;

	if (*list)
		return fail(e, -EINVAL, "two conditions on one thing");
	if (name && *name == '@') {
		set = find_set(r, name + 1);
		if (!set)
			return fail(e, -EINVAL, "'%s': no such set", excerpt(name).text);
		if (has_addresses(set))
			return put_set(r, list, set, e);
		values = json_object_get(set, "elem");
		if (!values)
			return fail(e, -EINVAL, "'%s': an empty set, which matches nothing", excerpt(name).text);
	}
	if (json_is_array(right))
		values = right;
	if (!json_is_array(values))
		return put_some(list, json_pack("[O]", right), e);
	return put_some(list, json_incref((json_t *)values), e);
}

/* Ports are one list, in one word. */
static int put_ports(const struct reading *r, struct text *ports, const json_t *right, struct error *e)
{
	json_t *list = NULL, *port;
	size_t i;
	int err = ports->length ? fail(e, -EINVAL, "two conditions on one thing") : put_values(r, &list, right, e);

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
		err = put_values(r, &r->protocols, word, e);
	json_decref(word);
	return err;
}

/* "icmp4/echo-request" */
static int put_icmp_types(struct reading *r, const char *family, const json_t *right, struct error *e)
{
	json_t *types = NULL, *type;
	size_t i;
	int err = put_values(r, &types, right, e);

	if (!err)
		json_array_foreach (types, i, type) {
			json_t *word = json_sprintf("%s/%s", family, json_string_value(type));

			err = put_word(&r->icmp, word, e);
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
	const char *protocol = text_at(payload, "protocol"), *field = text_at(payload, "field");
	bool ip = !strcmp(protocol, "ip") || !strcmp(protocol, "ip6");
	bool ported = !strcmp(protocol, "tcp") || !strcmp(protocol, "udp") || !strcmp(protocol, "sctp");
	bool th = !strcmp(protocol, "th");
	int err;

	if (ip && !strcmp(field, "saddr"))
		return put_values(r, &r->from, right, e);
	if (ip && !strcmp(field, "daddr"))
		return put_values(r, &r->to, right, e);
	if ((ip && !strcmp(field, "protocol")) || (ip && !strcmp(field, "nexthdr"))) {
		err = bind_family(r, protocol, e);
		return err ? err : put_values(r, &r->protocols, right, e);
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
		return put_values(r, &r->on, right, e);
	if (leaving && r->rule.dir != XDPFW_IN)
		return put_values(r, r->rule.dir == XDPFW_OUT ? &r->on : &r->on_out, right, e);
	if (!strcmp(key, "l4proto"))
		return put_values(r, &r->protocols, right, e);
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

	if (!is_at(ct, "key", "state") || !pairs)
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

	if (!is_at(match, "op", "==") && !is_at(match, "op", "in"))
		return fail(e, -EINVAL, "'%s': xdpfw has no such comparison", text_at(match, "op"));
	if (payload)
		return read_payload(r, payload, right, e);
	if (json_object_get(left, "meta"))
		return read_meta(r, text_at(json_object_get(left, "meta"), "key"), right, e);
	if (ct && is_at(ct, "key", "state"))
		return read_state(r, right, e);
	return no_condition(ct ? text_at(ct, "key") : first_key(left), e);
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
	int err = bind_family(r, r->family, e);

	if (*text_at(rule, "comment"))
		r->rule.comment = text_at(rule, "comment");
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

/* By its handle, as `nft -a list ruleset` shows it, and in nft's own words. */
static int leave_out(struct import *im, const json_t *rule, const char *why, struct error *e)
{
	_free_ char *words = json_dumps(json_object_get(rule, "expr"), JSON_COMPACT);
	struct text origin = {0};
	_free_ char *text = NULL;

	text_printf(&origin, "%s %s %s handle %lld: %.200s", text_at(rule, "family"), text_at(rule, "table"),
		    text_at(rule, "chain"), (long long)json_integer_value(json_object_get(rule, "handle")),
		    words ? words : "");
	text = text_steal(&origin);
	return text ? import_leave_out(im, text, why, e) : fail(e, -ENOMEM, "out of memory");
}

static int import_one(struct import *im, const json_t *objects, const json_t *rule, enum xdpfw_dir dir, struct error *e)
{
	__attribute__((cleanup(reading_free))) struct reading r = {
		.objects = objects,
		.family = text_at(rule, "family"),
		.table = text_at(rule, "table"),
		.rule = {.dir = dir},
	};
	struct ruleset staged = {0};
	struct error why = {0};
	int err = read_rule(&r, rule, &why);

	if (!err && !r.implied)
		err = stage_each(&r, 0, &staged, &why);
	if (!err)
		return import_keep(im, &staged, e);
	ruleset_free(&staged);
	return err == -EINVAL ? leave_out(im, rule, why.text, e) : fail(e, err, "%s", why.text);
}

static int import_set(struct import *im, const json_t *objects, const json_t *set, struct error *e)
{
	json_t *name = set_word(objects, set), *element;
	struct ruleset staged = {0};
	size_t i, k;
	int err = 0;

	json_array_foreach (json_object_get(set, "elem"), i, element) {
		json_t *list = NULL, *word;
		json_int_t expires = json_integer_value(json_object_get(json_object_get(element, "elem"), "expires"));
		char duration[24];

		snprintf(duration, sizeof(duration), "%llds", (long long)expires);
		err = put_word(&list, value_of_element(element), e);
		if (!err)
			json_array_foreach (list, k, word) {
				const char *words[] = {"set", "add",   json_string_value(name), json_string_value(word),
						       "for", duration};

				err = err ? err : import_words(&staged, expires ? 6 : 4, words, e);
			}
		json_decref(list);
		if (err)
			break;
	}
	json_decref(name);
	if (!err)
		return import_keep(im, &staged, e);
	ruleset_free(&staged);
	return err;
}

/* What is known of a direction while chains are read. */
struct hook {
	const char *name;
	unsigned int families; /* bit 0: IPv4, bit 1: IPv6 */
	const char *policy;    /* action */
};

static unsigned int families_of(const json_t *chain)
{
	return is_at(chain, "family", "inet")  ? 3
	       : is_at(chain, "family", "ip")  ? 1
	       : is_at(chain, "family", "ip6") ? 2
					       : 0;
}

static bool is_rule_of(const json_t *rule, const json_t *chain)
{
	return rule && is_at(rule, "family", text_at(chain, "family")) &&
	       is_at(rule, "table", text_at(chain, "table")) && is_at(rule, "chain", text_at(chain, "name"));
}

static size_t count_rules(const json_t *objects, const json_t *chain)
{
	size_t i, count = 0;
	json_t *object;

	json_array_foreach (objects, i, object)
		count += is_rule_of(json_object_get(object, "rule"), chain);
	return count;
}

static int leave_out_chain(struct import *im, const json_t *chain, const char *why, struct error *e)
{
	char origin[256];

	snprintf(origin, sizeof(origin), "chain %s %s %s", text_at(chain, "family"), text_at(chain, "table"),
		 text_at(chain, "name"));
	return import_leave_out(im, origin, why, e);
}

static int take_policy(struct import *im, const json_t *chain, struct hook *hook, enum xdpfw_dir dir, struct error *e)
{
	const char *policy = is_at(chain, "policy", "drop") ? "deny" : "allow";
	const char *words[] = {"default", policy, dir_name(dir)};
	struct ruleset staged = {0};
	int err;

	if (hook->policy)
		return strcmp(hook->policy, policy) == 0
			       ? 0
			       : leave_out_chain(im, chain, "its policy; a default is for both families", e);
	hook->policy = policy;
	err = import_words(&staged, ARRAY_SIZE(words), words, e);
	return err ? err : import_keep(im, &staged, e);
}

static int import_chain(struct import *im, const json_t *objects, const json_t *chain, struct hook *hooks,
			struct error *e)
{
	unsigned int families = families_of(chain);
	enum xdpfw_dir dir = XDPFW_IN;
	size_t i;
	json_t *object;
	int err;

	while (dir <= XDPFW_ROUTED && !is_at(chain, "hook", hooks[dir].name))
		dir++;
	if (!count_rules(objects, chain) && !is_at(chain, "policy", "drop") &&
	    (dir > XDPFW_ROUTED || hooks[dir].families))
		return 0; /* it lets all pass */
	if (dir > XDPFW_ROUTED || !families || !is_at(chain, "type", "filter"))
		return leave_out_chain(im, chain, "only filters of IP at input, output and forward are taken over", e);
	if (hooks[dir].families & families)
		return leave_out_chain(im, chain, "a second filter at its hook; what one lets pass the other may drop",
				       e);
	hooks[dir].families |= families;
	err = take_policy(im, chain, &hooks[dir], dir, e);
	json_array_foreach (objects, i, object)
		if (!err && is_rule_of(json_object_get(object, "rule"), chain))
			err = import_one(im, objects, json_object_get(object, "rule"), dir, e);
	return err;
}

/* Without a chain nft lets all pass; the default here may be another. */
static int note_open_hooks(struct import *im, const struct hook *hooks, struct error *e)
{
	static const char *const names[] = {"", "IPv6", "IPv4", "either family"}; /* by the families that there are */
	int err = 0;

	for (enum xdpfw_dir dir = XDPFW_IN; !err && dir <= XDPFW_ROUTED; dir++) {
		unsigned int missing = 3 & ~hooks[dir].families;
		char why[128];

		if (!missing || ruleset_default(&im->set, dir) == XDPFW_PASS)
			continue;
		snprintf(why, sizeof(why), "no filter of %s, so nft lets it pass; here the default is %s",
			 names[missing == 3   ? 3
			       : missing == 2 ? 1
					      : 2],
			 action_name(ruleset_default(&im->set, dir)));
		err = import_leave_out(im, hooks[dir].name, why, e);
	}
	return err;
}

static int import_objects(struct import *im, const json_t *objects, const char *name, struct error *e)
{
	struct hook hooks[] = {{"input", 0, NULL}, {"output", 0, NULL}, {"forward", 0, NULL}};
	size_t i;
	json_t *object;
	int err = 0;

	json_array_foreach (objects, i, object)
		if (!err && has_addresses(json_object_get(object, "set")))
			err = import_set(im, objects, json_object_get(object, "set"), e);
	json_array_foreach (objects, i, object)
		if (!err && *text_at(json_object_get(object, "chain"), "hook"))
			err = import_chain(im, objects, json_object_get(object, "chain"), hooks, e);
	if (!err && !hooks[XDPFW_IN].families && !hooks[XDPFW_OUT].families && !hooks[XDPFW_ROUTED].families)
		return fail(e, -ENOENT, "%s: no filter at input, output or forward, so there is nothing to take over",
			    name);
	return err ? err : note_open_hooks(im, hooks, e);
}

int nft_import(const char *text, const char *name, struct import *im, struct error *e)
{
	json_error_t where;
	json_t *root = json_loads(text, 0, &where);
	json_t *objects = json_object_get(root, "nftables");
	int err;

	if (!json_is_array(objects))
		err = fail(e, -EINVAL, "%s:%d: not the JSON of nft; write `nft -j list ruleset`", name,
			   root ? 1 : where.line);
	else
		err = import_objects(im, objects, name, e);
	json_decref(root);
	return err;
}
