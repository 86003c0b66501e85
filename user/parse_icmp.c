// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE 1 /* asprintf() */
#include "parse_icmp.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "parse_number.h"
#include "util.h"

#define NONE (-1)

/*
 * RFC 792, 950, 1256; 4443, 4861, 2710, 3810, 2894. The names are iptables' and nft's. One name
 * means the same in both families, though its number differs. Of two names for a
 * number the first is written; what stands below the line is only understood.
 */
static const struct {
	const char *name;
	short number[2]; /* by family, as in struct rule */
} types[] = {
	{"echo-request", {8, 128}},
	{"echo-reply", {0, 129}},
	{"destination-unreachable", {3, 1}},
	{"time-exceeded", {11, 3}},
	{"parameter-problem", {12, 4}},
	{"redirect", {5, 137}},
	{"router-solicitation", {10, 133}},
	{"router-advertisement", {9, 134}},
	{"source-quench", {4, NONE}},
	{"timestamp-request", {13, NONE}},
	{"timestamp-reply", {14, NONE}},
	{"info-request", {15, NONE}},
	{"info-reply", {16, NONE}},
	{"address-mask-request", {17, NONE}},
	{"address-mask-reply", {18, NONE}},
	{"packet-too-big", {NONE, 2}},
	{"neighbour-solicitation", {NONE, 135}},
	{"neighbour-advertisement", {NONE, 136}},
	{"mld-listener-query", {NONE, 130}},
	{"mld-listener-report", {NONE, 131}},
	{"mld-listener-done", {NONE, 132}},
	{"mld2-listener-report", {NONE, 143}},
	{"router-renumbering", {NONE, 138}},
	/* ---- */
	{"ping", {8, 128}},
	{"pong", {0, 129}},
	{"ttl-exceeded", {11, 3}},
	{"neighbor-solicitation", {NONE, 135}},
	{"neighbor-advertisement", {NONE, 136}},
	{"mld-listener-reduction", {NONE, 132}},
	{"nd-router-solicit", {NONE, 133}},
	{"nd-router-advert", {NONE, 134}},
	{"nd-neighbor-solicit", {NONE, 135}},
	{"nd-neighbor-advert", {NONE, 136}},
	{"nd-redirect", {NONE, 137}},
};

static const struct {
	const char *name;
	unsigned int families;
} words[] = {{"icmp", ICMP_V4 | ICMP_V6}, {"icmp4", ICMP_V4}, {"icmp6", ICMP_V6}};

/* A word taken apart at its first slash. */
struct icmp_word {
	const char *whole;
	const char *name; /* icmp, icmp4 or icmp6 */
	unsigned int families;
	const char *type; /* behind the slash, NULL if there is none */
};

static bool take_apart(const char *word, struct icmp_word *parts)
{
	size_t length = strcspn(word, "/");

	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		if (strlen(words[i].name) != length || memcmp(words[i].name, word, length) != 0)
			continue;
		*parts = (struct icmp_word){word, words[i].name, words[i].families, NULL};
		if (word[length])
			parts->type = word + length + 1;
		return true;
	}
	return false;
}

bool is_icmp_word(const char *word)
{
	struct icmp_word ignored;

	return take_apart(word, &ignored);
}

/* The place of a type in the list, the list's length if it has no name. */
static size_t find_number(int family, int number)
{
	size_t i = 0;

	while (i < ARRAY_SIZE(types) && types[i].number[family] != number)
		i++;
	return i;
}

static size_t find_name(const char *name)
{
	size_t i = 0;

	while (i < ARRAY_SIZE(types) && strcmp(types[i].name, name) != 0)
		i++;
	return i;
}

/* 8 is echo-request to ICMP and nothing to ICMPv6; the hint is for those who know one of the two numbers. */
static int refuse_bare_number(const struct icmp_word *word, unsigned long number, struct error *e)
{
	size_t named = find_number(0, number);
	unsigned long v4 = number, v6 = number;

	if (named == ARRAY_SIZE(types))
		named = find_number(1, number);
	if (named < ARRAY_SIZE(types) && types[named].number[0] != NONE && types[named].number[1] != NONE) {
		v4 = types[named].number[0];
		v6 = types[named].number[1];
	}
	return fail(e, -EINVAL, "'%s': ICMP and ICMPv6 number their types differently; write icmp4/%lu or icmp6/%lu",
		    excerpt(word->whole).text, v4, v6);
}

static int parse_type_number(const struct icmp_word *word, struct rule *rule, struct error *e)
{
	unsigned long number = 0;
	size_t length = strlen(word->type);
	const char *digits;

	switch (parse_number(word->type, length, UINT8_MAX, &number)) {
	case NUMBER_TOO_BIG:
		return fail(e, -EINVAL, "'%s': types are 0..255", excerpt(word->whole).text);
	case NUMBER_LEADING_ZERO:
		digits = skip_zeros(word->type, &length);
		return fail(e, -EINVAL, "'%s': a type has no leading zeros; write %s/%s", excerpt(word->whole).text,
			    word->name, digits);
	default:
		break;
	}
	if (word->families == (ICMP_V4 | ICMP_V6))
		return refuse_bare_number(word, number, e);
	rule->icmp_type[word->families == ICMP_V6] = number;
	return 0;
}

static int parse_type_name(const struct icmp_word *word, struct rule *rule, struct error *e)
{
	size_t named = find_name(word->type);
	unsigned int known = 0;

	if (named == ARRAY_SIZE(types))
		return fail(e, -EINVAL,
			    "'%s': no such type; write a name, as echo-request, or a number, as icmp4/8 or icmp6/128",
			    excerpt(word->whole).text);
	for (int family = 0; family < 2; family++)
		if (types[named].number[family] != NONE)
			known |= 1U << family;
	if (!(known & word->families))
		return fail(e, -EINVAL, "'%s': a type of %s only; write %s/%s", excerpt(word->whole).text,
			    known == ICMP_V4 ? "ICMP" : "ICMPv6", format_icmp_families(known), word->type);
	rule->icmp_families = known & word->families;
	for (int family = 0; family < 2; family++)
		if (rule->icmp_families & 1U << family)
			rule->icmp_type[family] = types[named].number[family];
	return 0;
}

static int parse_type(const struct icmp_word *word, struct rule *rule, struct error *e)
{
	const char *slash = strchr(word->type, '/');

	if (!*word->type)
		return fail(e, -EINVAL, "'%s': the type is missing; write %s/echo-request, or %s for every type",
			    word->whole, word->name, word->name);
	if (slash)
		return fail(e, -EINVAL, "'%s': rules for codes are not part of this version; write %s",
			    excerpt(word->whole).text, excerpt_part(word->whole, slash - word->whole).text);
	rule->has_icmp_type = true;
	if (all_digits(word->type, strlen(word->type)))
		return parse_type_number(word, rule, e);
	return parse_type_name(word, rule, e);
}

int parse_icmp(const char *word, struct rule *rule, struct error *e)
{
	struct icmp_word parts;
	struct rule parsed = *rule;
	int err;

	if (!take_apart(word, &parts))
		return fail(e, -EINVAL, "'%s': write icmp, icmp4 or icmp6", excerpt(word).text);
	parsed.match = MATCH_ICMP;
	parsed.icmp_families = parts.families;
	err = parts.type ? parse_type(&parts, &parsed, e) : 0;
	if (!err)
		*rule = parsed;
	return err;
}

const char *format_icmp_families(unsigned int families)
{
	size_t i = 0;

	while (words[i].families != families)
		i++;
	return words[i].name;
}

char *format_icmp(const struct rule *rule)
{
	const char *families = format_icmp_families(rule->icmp_families);
	int family = rule->icmp_families == ICMP_V6;
	size_t named;
	char *text;
	int size;

	if (!rule->has_icmp_type)
		return strdup(families);
	named = find_number(family, rule->icmp_type[family]);
	if (named < ARRAY_SIZE(types))
		size = asprintf(&text, "%s/%s", families, types[named].name);
	else
		size = asprintf(&text, "%s/%u", families, rule->icmp_type[family]);
	return size < 0 ? NULL : text;
}
