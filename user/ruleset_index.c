// SPDX-License-Identifier: GPL-2.0-only
#include "ruleset_index.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "forward.h"
#include "util.h"

#define PORTS 65536

struct slot {
	__u64 id;
	size_t place; /* position + 1, 0 = empty */
};

static const unsigned int owned_protocols[] = {PROTO_TCP, PROTO_UDP, PROTO_SCTP};

/* Whose port is it? Ids by protocol and family; 0 = nobody's. */
struct port_owners {
	__u64 ids[ARRAY_SIZE(owned_protocols)][2];
};

struct index {
	struct slot *slots; /* open addressing, at most half full */
	size_t room;        /* a power of two */
	size_t counts[NR_STATEMENT_KINDS];
	size_t *rules;    /* positions of the rules in order, room / 2 of them */
	bool rules_known; /* filled when somebody asks for a number */
	/* PORTS of them each, NULL until there is a forward. */
	struct port_owners *listens;
	struct port_owners *targeted; /* by one-way forwards; the last of those that share it */
};

static struct slot *find_slot(const struct index *index, __u64 id)
{
	size_t mask = index->room - 1, at = id & mask;

	while (index->slots[at].place && index->slots[at].id != id)
		at = (at + 1) & mask;
	return &index->slots[at];
}

static void note_position(struct index *index, const struct statement *s, size_t position)
{
	if (s->kind != STATEMENT_COMMENT)
		*find_slot(index, s->id) = (struct slot){s->id, position + 1};
}

static void note_range(struct port_owners *owners, const struct port_range *range, const struct statement *s)
{
	bool families[2];

	forward_families(&s->forward, families);
	for (unsigned int port = range->first; port <= range->last; port++)
		for (size_t protocol = 0; protocol < ARRAY_SIZE(owned_protocols); protocol++)
			for (int family = 0; family < 2; family++)
				if (s->forward.protocols & owned_protocols[protocol] && families[family])
					owners[port].ids[protocol][family] = s->id;
}

/* A link listens on both ends. */
static void note_forward(struct index *index, const struct statement *s)
{
	const struct forward *f = &s->forward;

	for (size_t i = 0; i < f->nr_ranges; i++) {
		note_range(index->listens, &f->listen[i], s);
		for (size_t j = 0; !forward_is_remote(f) && j < f->nr_targets; j++)
			note_range(forward_is_link(f) ? index->listens : index->targeted, &f->targets[j].ports[i], s);
	}
}

/* What a new statement adds, wherever it stands. */
static void note_statement(struct index *index, const struct statement *s)
{
	index->counts[s->kind]++;
	if (s->kind == STATEMENT_FORWARD)
		note_forward(index, s);
}

static int grow(struct index *index, const struct ruleset *set, size_t room)
{
	struct slot *slots = calloc(room, sizeof(*slots));
	size_t *rules = reallocarray(index->rules, room / 2, sizeof(*rules));

	if (rules)
		index->rules = rules;
	if (!rules || !slots) {
		free(slots);
		return -ENOMEM;
	}
	free(index->slots);
	index->slots = slots;
	index->room = room;
	for (size_t i = 0; i < set->count; i++)
		note_position(index, &set->statements[i], i);
	return 0;
}

static int reserve_owners(struct index *index)
{
	if (!index->listens)
		index->listens = calloc(PORTS, sizeof(*index->listens));
	if (!index->targeted)
		index->targeted = calloc(PORTS, sizeof(*index->targeted));
	return index->listens && index->targeted ? 0 : -ENOMEM;
}

int index_reserve_many(struct ruleset *set, size_t more)
{
	struct index *index = set->index ? set->index : calloc(1, sizeof(*index));
	size_t room;

	if (!index)
		return -ENOMEM;
	set->index = index;
	room = index->room ? index->room : 64;
	while (set->count + more > room / 2)
		room *= 2;
	return room > index->room ? grow(index, set, room) : 0;
}

int index_reserve(struct ruleset *set, const struct statement *s)
{
	int err = index_reserve_many(set, 1);

	return err || s->kind != STATEMENT_FORWARD ? err : reserve_owners(set->index);
}

void index_inserted(struct ruleset *set, size_t at)
{
	struct index *index = set->index;

	for (size_t i = at; i < set->count; i++)
		note_position(index, &set->statements[i], i);
	note_statement(index, &set->statements[at]);
	index->rules_known = false;
}

void index_rebuild(struct ruleset *set)
{
	struct index *index = set->index;

	memset(index->slots, 0, index->room * sizeof(*index->slots));
	memset(index->counts, 0, sizeof(index->counts));
	if (index->listens)
		memset(index->listens, 0, PORTS * sizeof(*index->listens));
	if (index->targeted)
		memset(index->targeted, 0, PORTS * sizeof(*index->targeted));
	for (size_t i = 0; i < set->count; i++) {
		note_position(index, &set->statements[i], i);
		note_statement(index, &set->statements[i]);
	}
	index->rules_known = false;
}

void index_free(struct ruleset *set)
{
	struct index *index = set->index;

	if (!index)
		return;
	free(index->slots);
	free(index->rules);
	free(index->listens);
	free(index->targeted);
	free(index);
	set->index = NULL;
}

size_t index_find_id(const struct ruleset *set, __u64 id)
{
	const struct index *index = set->index;
	const struct slot *slot = index && index->room ? find_slot(index, id) : NULL;

	/* A statement that is about to go has no id any more, though its slot still points there. */
	if (!slot || !slot->place || set->statements[slot->place - 1].id != id)
		return NO_POSITION;
	return slot->place - 1;
}

size_t index_find(const struct ruleset *set, enum statement_kind kind, __u64 id)
{
	size_t at = index_find_id(set, id);

	return at != NO_POSITION && set->statements[at].kind == kind ? at : NO_POSITION;
}

static void number_rules(struct index *index, const struct ruleset *set)
{
	size_t n = 0;

	for (size_t i = 0; i < set->count; i++)
		if (set->statements[i].kind == STATEMENT_RULE)
			index->rules[n++] = i;
	index->rules_known = true;
}

size_t index_find_rule(const struct ruleset *set, size_t n)
{
	struct index *index = set->index;

	if (!n || n > index_count(set, STATEMENT_RULE))
		return NO_POSITION;
	if (!index->rules_known)
		number_rules(index, set);
	return index->rules[n - 1];
}

/* The first owner among @owners of one of the ports in @range, as far as they are @f's; 0 if there is none. */
static __u64 find_owner(const struct port_owners *owners, const struct port_range *range, const struct forward *f,
			__u16 *clash)
{
	bool families[2];

	forward_families(f, families);
	for (unsigned int port = range->first; port <= range->last; port++)
		for (size_t protocol = 0; protocol < ARRAY_SIZE(owned_protocols); protocol++)
			for (int family = 0; family < 2; family++) {
				__u64 owner = owners[port].ids[protocol][family];

				if (!owner || !(f->protocols & owned_protocols[protocol]) || !families[family])
					continue;
				*clash = port;
				return owner;
			}
	return 0;
}

/* @shared: others may send there, too. */
static __u64 find_any_owner(const struct index *index, const struct port_range *range, const struct forward *f,
			    bool shared, __u16 *clash)
{
	__u64 owner = find_owner(index->listens, range, f, clash);

	return owner || shared ? owner : find_owner(index->targeted, range, f, clash);
}

size_t index_find_clash(const struct ruleset *set, const struct forward *f, __u16 *port)
{
	const struct index *index = set->index;
	__u64 owner = 0;

	for (size_t i = 0; index && index->listens && !owner && i < f->nr_ranges; i++) {
		owner = find_any_owner(index, &f->listen[i], f, false, port);
		for (size_t j = 0; !owner && !forward_is_remote(f) && j < f->nr_targets; j++)
			owner = find_any_owner(index, &f->targets[j].ports[i], f, !forward_is_link(f), port);
	}
	return owner ? index_find(set, STATEMENT_FORWARD, owner) : NO_POSITION;
}

size_t index_count(const struct ruleset *set, enum statement_kind kind)
{
	const struct index *index = set->index;

	return index ? index->counts[kind] : 0;
}
