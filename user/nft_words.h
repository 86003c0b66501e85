/* SPDX-License-Identifier: GPL-2.0-only */
/* Values of nftables' JSON (libnftables-json(5)) in the words of rules. */
#ifndef XDPFW_USER_NFT_WORDS_H
#define XDPFW_USER_NFT_WORDS_H

#include <jansson.h>
#include <stdbool.h>

#include "error.h"

/* Where a value stands: named sets belong to a table. */
struct nft_scope {
	const json_t *objects; /* the whole ruleset */
	const char *family, *table;
};

/* A member's text; "" if there is none. */
const char *nft_text(const json_t *object, const char *key);
bool nft_is(const json_t *object, const char *key, const char *value);

/* The value of a set's element, which may be wrapped in what else is known of it. */
const json_t *nft_element(const json_t *element);

bool nft_has_addresses(const json_t *set);

/* What the set is called here, a new string: sets of one name in two tables are two sets. */
json_t *nft_set_word(const json_t *objects, const json_t *set);

/*
 * Append words to a list of JSON strings, made on first use: of one value (a range of addresses becomes prefixes), or of
 * what stands on the right of a match: one value, several, or a named set. -EINVAL if a rule has no such words.
 */
int nft_put_word(json_t **list, const json_t *value, struct error *e);
int nft_put_values(const struct nft_scope *s, json_t **list, const json_t *right, struct error *e);

#endif
