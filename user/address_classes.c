// SPDX-License-Identifier: GPL-2.0-only
#include "address_classes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "util.h"

/* A prefix of a rule, or a set. */
struct owner {
	struct xdpfw_addr addr;
	__u32 length;
	__u32 set; /* number + 1 */
};

/* A class is what it is in, beside what the class around it is in. */
struct address_class {
	__u32 around;
	__u32 owner;
	__u32 until;
};

static int compare_members(const void *a, const void *b)
{
	const struct statement *const *x = a, *const *y = b;

	return strcmp((*x)->member.name, (*y)->member.name);
}

static size_t collect_members(const struct ruleset *set, const struct environment *env, const struct statement **out)
{
	size_t count = 0;

	for (size_t i = 0; i < set->count; i++) {
		const struct statement *s = &set->statements[i];

		if (s->kind == STATEMENT_SET && (!s->member.expires || s->member.expires > env->now))
			out[count++] = s;
	}
	return count;
}

static void group_members(struct address_classes *c, const struct environment *env, const struct statement **sorted,
			  size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct statement *s = sorted[i];

		c->members[i].prefix = s->member.prefix;
		c->members[i].until = environment_expiry(env, s->member.expires);
		if (!i || strcmp(sorted[i - 1]->member.name, s->member.name))
			c->sets[c->nr_sets++] = (struct set_members){s->member.name, &c->members[i], 0};
		c->sets[c->nr_sets - 1].count++;
	}
}

int classes_init(struct address_classes *c, const struct ruleset *set, const struct environment *env)
{
	size_t room = ruleset_count(set, STATEMENT_SET);
	_free_ const struct statement **sorted = calloc(room + 1, sizeof(*sorted));
	const struct address_class none = {0};
	__u32 zero;
	size_t count;

	*c = (struct address_classes){.owners.size = sizeof(struct owner),
				      .classes.size = sizeof(struct address_class)};
	c->members = calloc(room + 1, sizeof(*c->members));
	c->sets = calloc(room + 1, sizeof(*c->sets));
	if (!sorted || !c->members || !c->sets || pool_intern(&c->classes, &none, &zero))
		return -ENOMEM;
	count = collect_members(set, env, sorted);
	qsort(sorted, count, sizeof(*sorted), compare_members);
	group_members(c, env, sorted, count);
	return 0;
}

void classes_free(struct address_classes *c)
{
	free(c->members);
	free(c->sets);
	free(c->entries);
	pool_free(&c->owners);
	pool_free(&c->classes);
	*c = (struct address_classes){0};
}

static int compare_name(const void *name, const void *set)
{
	return strcmp(name, ((const struct set_members *)set)->name);
}

const struct set_members *classes_find_set(const struct address_classes *c, const char *name)
{
	return bsearch(name, c->sets, c->nr_sets, sizeof(*c->sets), compare_name);
}

size_t classes_weight(const struct address_classes *c, const struct address_match *match)
{
	const struct set_members *members;

	switch (match->kind) {
	case ADDRESS_PREFIX:
		return 1;
	case ADDRESS_SET:
		members = classes_find_set(c, match->set);
		return members ? members->count : 0;
	default:
		return 0;
	}
}

static struct owner owner_of(const struct address_classes *c, const struct address_match *match)
{
	struct owner owner = {0};

	if (match->kind == ADDRESS_SET) {
		owner.set = classes_find_set(c, match->set) - c->sets + 1;
	} else {
		owner.addr = match->prefix.addr;
		owner.length = match->prefix.length;
	}
	return owner;
}

static int add_entry(struct address_classes *c, const struct range_entry *entry)
{
	if (c->nr_entries == c->room) {
		size_t room = c->room ? 2 * c->room : 64;
		struct range_entry *entries = reallocarray(c->entries, room, sizeof(*entries));

		if (!entries)
			return -ENOMEM;
		c->entries = entries;
		c->room = room;
	}
	c->entries[c->nr_entries++] = *entry;
	return 0;
}

int classes_add(struct address_classes *c, const struct address_match *match)
{
	struct range_entry own = {.until = XDPFW_NEVER};
	const struct range_entry *entries = &own;
	size_t known = c->owners.count, count = 1;
	struct owner owner;
	__u32 number;
	int err;

	if (!classes_weight(c, match))
		return 0;
	owner = owner_of(c, match);
	err = pool_intern(&c->owners, &owner, &number);
	if (err || c->owners.count == known)
		return err;
	if (match->kind == ADDRESS_SET) {
		entries = classes_find_set(c, match->set)->entries;
		count = classes_find_set(c, match->set)->count;
	} else {
		own.prefix = match->prefix;
	}
	for (size_t i = 0; !err && i < count; i++) {
		struct range_entry entry = entries[i];

		entry.what = number;
		err = add_entry(c, &entry);
	}
	return err;
}

__u32 classes_owner(const struct address_classes *c, const struct address_match *match)
{
	struct owner owner = owner_of(c, match);
	struct pool *owners = (struct pool *)&c->owners; /* it is there, so nothing is added */
	__u32 number = 0;

	pool_intern(owners, &owner, &number);
	return number;
}

/* Until when is class @number in @owner? 0 if it is not. */
static __u32 membership_until(const struct address_classes *c, __u32 number, __u32 owner)
{
	__u32 until = 0;

	while (number) {
		const struct address_class *class = pool_at(&c->classes, number);

		if (class->owner == owner && class->until > until)
			until = class->until;
		number = class->around;
	}
	return until;
}

static int fold_class(void *data, __u32 around, const struct range_entry *entry, __u32 *value)
{
	struct address_classes *c = data;
	const struct address_class class = {.around = around, .owner = entry->what, .until = entry->until};

	if (membership_until(c, around, entry->what) >= entry->until) {
		*value = around;
		return 0;
	}
	return pool_intern(&c->classes, &class, value);
}

int classes_write(struct address_classes *c, struct address_lines *lines, struct xdpfw_branch roots[2])
{
	return ranges_write(lines, roots, c->entries, c->nr_entries, fold_class, c);
}

size_t classes_memberships(const struct address_classes *c, __u32 number, struct membership *out, size_t room)
{
	size_t count = 0;

	while (number && count < room) {
		const struct address_class *class = pool_at(&c->classes, number);

		out[count++] = (struct membership){class->owner, class->until};
		number = class->around;
	}
	return count;
}
