// SPDX-License-Identifier: GPL-2.0-only
#include "nft_words.h"

#include <errno.h>
#include <string.h>

#include "parse_addr.h"
#include "text.h"

const char *nft_text(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

bool nft_is(const json_t *object, const char *key, const char *value)
{
	return !strcmp(nft_text(object, key), value);
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
		return json_sprintf("%s/%lld", nft_text(prefix, "addr"),
				    (long long)json_integer_value(json_object_get(prefix, "len")));
	if (json_is_integer(json_array_get(range, 0)))
		return json_sprintf("%lld-%lld", (long long)json_integer_value(json_array_get(range, 0)),
				    (long long)json_integer_value(json_array_get(range, 1)));
	return NULL;
}

static const json_t *find_set(const struct nft_scope *s, const char *name)
{
	size_t i;
	json_t *object;

	json_array_foreach (s->objects, i, object) {
		const json_t *set = json_object_get(object, "set");

		if (set && nft_is(set, "family", s->family) && nft_is(set, "table", s->table) &&
		    nft_is(set, "name", name))
			return set;
	}
	return NULL;
}

bool nft_has_addresses(const json_t *set)
{
	return nft_is(set, "type", "ipv4_addr") || nft_is(set, "type", "ipv6_addr");
}

const json_t *nft_element(const json_t *element)
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

int nft_put_word(json_t **list, const json_t *value, struct error *e)
{
	const json_t *range = json_object_get(value, "range");
	json_t *word;

	if (json_is_string(json_array_get(range, 0)) && json_is_string(json_array_get(range, 1)))
		return put_range(list, json_string_value(json_array_get(range, 0)),
				 json_string_value(json_array_get(range, 1)), e);
	word = word_of(value);
	return word ? append(list, word, e) : fail(e, -EINVAL, "a value of a kind that rules do not have");
}

json_t *nft_set_word(const json_t *objects, const json_t *set)
{
	size_t i, same = 0;
	json_t *object;

	json_array_foreach (objects, i, object)
		same += nft_is(json_object_get(object, "set"), "name", nft_text(set, "name"));
	if (same < 2)
		return json_string(nft_text(set, "name"));
	return json_sprintf("%s-%s-%s", nft_text(set, "family"), nft_text(set, "table"), nft_text(set, "name"));
}

static int put_set(const struct nft_scope *s, json_t **list, const json_t *set, struct error *e)
{
	json_t *name = nft_set_word(s->objects, set), *word = json_sprintf("@%s", json_string_value(name));

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
		err = nft_put_word(list, nft_element(value), e);
		if (err)
			break;
	}
	json_decref(values);
	if (!err && !json_array_size(*list))
		err = fail(e, -EINVAL, "an empty set or range, which matches nothing");
	return err;
}

int nft_put_values(const struct nft_scope *s, json_t **list, const json_t *right, struct error *e)
{
	const char *name = json_string_value(right);
	const json_t *values = json_object_get(right, "set"), *set = NULL;

	if (*list)
		return fail(e, -EINVAL, "two conditions on one thing");
	if (name && *name == '@') {
		set = find_set(s, name + 1);
		if (!set)
			return fail(e, -EINVAL, "'%s': no such set", excerpt(name).text);
		if (nft_has_addresses(set))
			return put_set(s, list, set, e);
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
