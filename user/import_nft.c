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
#include "nft_rule.h"
#include "nft_words.h"
#include "text.h"
#include "util.h"

/* By its handle, as `nft -a list ruleset` shows it, and in nft's own words. */
static int leave_out(struct import *im, const json_t *rule, const char *why, struct error *e)
{
	_free_ char *words = json_dumps(json_object_get(rule, "expr"), JSON_COMPACT);
	struct text origin = {0};
	_free_ char *text = NULL;

	text_printf(&origin, "%s %s %s handle %lld: %.200s", nft_text(rule, "family"), nft_text(rule, "table"),
		    nft_text(rule, "chain"), (long long)json_integer_value(json_object_get(rule, "handle")),
		    words ? words : "");
	text = text_steal(&origin);
	return text ? import_leave_out(im, text, why, e) : fail(e, -ENOMEM, "out of memory");
}

static int import_one(struct import *im, const json_t *objects, const json_t *rule, enum xdpfw_dir dir, struct error *e)
{
	struct ruleset staged = {0};
	struct error why = {0};
	int err = nft_stage_rule(objects, rule, dir, &staged, &why);

	if (!err)
		return import_keep(im, &staged, e);
	ruleset_free(&staged);
	return err == -EINVAL ? leave_out(im, rule, why.text, e) : fail(e, err, "%s", why.text);
}

static int import_set(struct import *im, const json_t *objects, const json_t *set, struct error *e)
{
	json_t *name = nft_set_word(objects, set), *element;
	struct ruleset staged = {0};
	size_t i, k;
	int err = 0;

	json_array_foreach (json_object_get(set, "elem"), i, element) {
		json_t *list = NULL, *word;
		json_int_t expires = json_integer_value(json_object_get(json_object_get(element, "elem"), "expires"));
		char duration[24];

		snprintf(duration, sizeof(duration), "%llds", (long long)expires);
		err = nft_put_word(&list, nft_element(element), e);
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
	return nft_is(chain, "family", "inet")  ? 3
	       : nft_is(chain, "family", "ip")  ? 1
	       : nft_is(chain, "family", "ip6") ? 2
						: 0;
}

static bool is_rule_of(const json_t *rule, const json_t *chain)
{
	return rule && nft_is(rule, "family", nft_text(chain, "family")) &&
	       nft_is(rule, "table", nft_text(chain, "table")) && nft_is(rule, "chain", nft_text(chain, "name"));
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

	snprintf(origin, sizeof(origin), "chain %s %s %s", nft_text(chain, "family"), nft_text(chain, "table"),
		 nft_text(chain, "name"));
	return import_leave_out(im, origin, why, e);
}

static int take_policy(struct import *im, const json_t *chain, struct hook *hook, enum xdpfw_dir dir, struct error *e)
{
	const char *policy = nft_is(chain, "policy", "drop") ? "deny" : "allow";
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

	while (dir <= XDPFW_ROUTED && !nft_is(chain, "hook", hooks[dir].name))
		dir++;
	if (!count_rules(objects, chain) && !nft_is(chain, "policy", "drop") &&
	    (dir > XDPFW_ROUTED || hooks[dir].families))
		return 0; /* it lets all pass */
	if (dir > XDPFW_ROUTED || !families || !nft_is(chain, "type", "filter"))
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
		if (!err && nft_has_addresses(json_object_get(object, "set")))
			err = import_set(im, objects, json_object_get(object, "set"), e);
	json_array_foreach (objects, i, object)
		if (!err && *nft_text(json_object_get(object, "chain"), "hook"))
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
