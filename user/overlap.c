// SPDX-License-Identifier: GPL-2.0-only
#include "overlap.h"

#include <errno.h>
#include <string.h>

#include "parse_addr.h"
#include "util.h"

/* Two conditions that must both hold: the weaker word counts. */
static enum overlap both(enum overlap a, enum overlap b)
{
	return a < b ? a : b;
}

static bool range_within(const struct port_range *range, const struct ports *ports)
{
	for (size_t i = 0; i < ports->count; i++)
		if (ports->ranges[i].first <= range->first && range->last <= ports->ranges[i].last)
			return true;
	return false;
}

static bool range_meets(const struct port_range *range, const struct ports *ports)
{
	for (size_t i = 0; i < ports->count; i++)
		if (ports->ranges[i].first <= range->last && range->first <= ports->ranges[i].last)
			return true;
	return false;
}

/* No ports at all are any. */
static enum overlap ports_overlap(const struct ports *first, const struct ports *second)
{
	bool all = true, some = false;

	if (!first->count)
		return OVERLAP_ALL;
	if (!second->count)
		return OVERLAP_SOME;
	for (size_t i = 0; i < second->count; i++) {
		all = all && range_within(&second->ranges[i], first);
		some = some || range_meets(&second->ranges[i], first);
	}
	return all ? OVERLAP_ALL : some ? OVERLAP_SOME : OVERLAP_NONE;
}

static enum overlap protocols_overlap(unsigned int first, unsigned int second)
{
	if (!(first & second))
		return OVERLAP_NONE;
	return second & ~first ? OVERLAP_SOME : OVERLAP_ALL;
}

static enum overlap icmp_overlap(const struct rule *first, const struct rule *second)
{
	enum overlap families = protocols_overlap(first->icmp_families, second->icmp_families);
	unsigned int shared = first->icmp_families & second->icmp_families;
	bool same[2] = {first->icmp_type[0] == second->icmp_type[0], first->icmp_type[1] == second->icmp_type[1]};

	if (!first->has_icmp_type || !families)
		return families;
	if (!second->has_icmp_type)
		return OVERLAP_SOME;
	if (shared == (ICMP_V4 | ICMP_V6) && same[0] != same[1])
		return OVERLAP_SOME;
	return same[shared == ICMP_V6] ? families : OVERLAP_NONE;
}

static enum overlap targets_overlap(const struct rule *first, const struct rule *second)
{
	if (first->match == MATCH_ANY)
		return OVERLAP_ALL;
	if (second->match == MATCH_ANY)
		return OVERLAP_SOME;
	if (first->match != second->match)
		return OVERLAP_NONE;
	switch (first->match) {
	case MATCH_PORTS:
		return both(protocols_overlap(first->protocols, second->protocols),
			    both(ports_overlap(&first->ports, &second->ports),
				 ports_overlap(&first->source_ports, &second->source_ports)));
	case MATCH_PROTOCOL:
		return first->protocol == second->protocol ? OVERLAP_ALL : OVERLAP_NONE;
	default:
		return icmp_overlap(first, second);
	}
}

/* Families are kept apart: ::/0 does not hold the v4-mapped addresses, which are IPv4's. */
static bool prefix_within(const struct prefix *inner, const struct prefix *outer)
{
	unsigned int bytes = outer->length / 8, bits = outer->length % 8;
	__u8 mask = 0xff00 >> bits;

	if (inner->length < outer->length || addr_is_ipv4(&inner->addr) != addr_is_ipv4(&outer->addr))
		return false;
	if (memcmp(inner->addr.bytes, outer->addr.bytes, bytes) != 0)
		return false;
	return !bits || !((inner->addr.bytes[bytes] ^ outer->addr.bytes[bytes]) & mask);
}

static enum overlap addresses_overlap(const struct address_match *first, const struct address_match *second)
{
	if (first->kind == ADDRESS_ANY)
		return OVERLAP_ALL;
	if (first->kind == ADDRESS_SET && second->kind == ADDRESS_SET && !strcmp(first->set, second->set))
		return OVERLAP_ALL;
	if (first->kind == ADDRESS_SET || second->kind == ADDRESS_SET)
		return OVERLAP_MAYBE;
	if (second->kind == ADDRESS_ANY)
		return OVERLAP_SOME;
	if (prefix_within(&second->prefix, &first->prefix))
		return OVERLAP_ALL;
	return prefix_within(&first->prefix, &second->prefix) ? OVERLAP_SOME : OVERLAP_NONE;
}

/* Interfaces: two names are two interfaces. */
static enum overlap names_overlap(const char *first, const char *second)
{
	if (!first)
		return OVERLAP_ALL;
	if (!second)
		return OVERLAP_SOME;
	return strcmp(first, second) ? OVERLAP_NONE : OVERLAP_ALL;
}

/* Users: a name and a number may be the same. Cgroups: one may lie in the other. */
static enum overlap owners_overlap(const char *first, const char *second)
{
	enum overlap names = names_overlap(first, second);

	return names == OVERLAP_NONE ? OVERLAP_MAYBE : names;
}

enum overlap rules_overlap(const struct rule *first, const struct rule *second)
{
	enum overlap result = first->dir == second->dir ? targets_overlap(first, second) : OVERLAP_NONE;

	if (result == OVERLAP_NONE)
		return result;
	result = both(result, addresses_overlap(&first->from, &second->from));
	result = both(result, addresses_overlap(&first->to, &second->to));
	result = both(result, names_overlap(first->on, second->on));
	result = both(result, names_overlap(first->on_out, second->on_out));
	result = both(result, owners_overlap(first->user, second->user));
	return both(result, owners_overlap(first->cgroup, second->cgroup));
}

static bool same_decision(const struct rule *a, const struct rule *b)
{
	return a->verdict == b->verdict && a->limited == b->limited;
}

enum overlap rule_hides(const struct rule *earlier, const struct rule *later)
{
	if (earlier->disabled || later->disabled || same_decision(earlier, later))
		return OVERLAP_NONE;
	return rules_overlap(earlier, later);
}

/*
 * Comparing each rule with all before it would be quadratic: 60,000 rules, 1.8 thousand million pairs. Rules of few
 * ports are kept by the upper half of their port, one list for each, and only those lists are compared.
 */
#define PORTS_A_BUCKET 256
#define BUCKETS        (65536 / PORTS_A_BUCKET)
#define WIDE           BUCKETS /* the list of all others */
#define WIDEST         4       /* buckets of a rule that is not one of those */

struct entry {
	const struct statement *statement;
	size_t next; /* index + 1 of the next in its bucket, 0 at the end */
};

struct buckets {
	size_t first[BUCKETS + 1], last[BUCKETS + 1];
	struct entry *entries;
	size_t count;
};

static void add_entry(struct buckets *b, size_t bucket, const struct statement *s)
{
	b->entries[b->count++] = (struct entry){s, 0};
	if (b->first[bucket])
		b->entries[b->last[bucket] - 1].next = b->count;
	else
		b->first[bucket] = b->count;
	b->last[bucket] = b->count;
}

/* The buckets of a rule, ascending; 0 for one that is wide. */
static size_t buckets_of(const struct rule *rule, size_t buckets[WIDEST])
{
	size_t count = 0;

	if (rule->match != MATCH_PORTS)
		return 0;
	for (size_t i = 0; i < rule->ports.count; i++) {
		const struct port_range *range = &rule->ports.ranges[i];

		for (size_t bucket = range->first / PORTS_A_BUCKET; bucket <= range->last / PORTS_A_BUCKET; bucket++) {
			if (count && buckets[count - 1] == bucket)
				continue;
			if (count == WIDEST)
				return 0;
			buckets[count++] = bucket;
		}
	}
	return count;
}

/* Two rules may meet in several buckets; the pair is compared in the lowest. @count 0: @later is in every bucket. */
static bool meet_lower(const struct rule *earlier, const size_t *own, size_t count, size_t bucket)
{
	size_t theirs[WIDEST], n = buckets_of(earlier, theirs);

	for (size_t i = 0; i < n && theirs[i] < bucket; i++) {
		if (!count)
			return true;
		for (size_t j = 0; j < count; j++)
			if (own[j] == theirs[i])
				return true;
	}
	return false;
}

static void compare_and_add(struct buckets *b, const struct statement *s, hidden_fn found, void *context)
{
	size_t own[WIDEST], count = buckets_of(&s->rule, own);

	for (size_t i = 0; i <= (count ? count : BUCKETS); i++) {
		size_t bucket = !i ? WIDE : count ? own[i - 1] : i - 1;

		for (size_t at = b->first[bucket]; at; at = b->entries[at - 1].next) {
			const struct statement *earlier = b->entries[at - 1].statement;

			if (rule_hides(&earlier->rule, &s->rule) &&
			    !meet_lower(&earlier->rule, own, count, bucket == WIDE ? 0 : bucket))
				found(context, earlier, s);
		}
	}
	for (size_t i = 0; i < count; i++)
		add_entry(b, own[i], s);
	if (!count)
		add_entry(b, WIDE, s);
}

int find_hidden(const struct ruleset *set, hidden_fn found, void *context)
{
	size_t rules = ruleset_count(set, STATEMENT_RULE);
	_free_ struct entry *entries = calloc(rules * WIDEST + 1, sizeof(*entries));
	_free_ struct buckets *b = calloc(1, sizeof(*b));

	if (!entries || !b)
		return -ENOMEM;
	b->entries = entries;
	for (size_t i = 0; i < set->count; i++)
		if (set->statements[i].kind == STATEMENT_RULE && !set->statements[i].rule.disabled)
			compare_and_add(b, &set->statements[i], found, context);
	return 0;
}
