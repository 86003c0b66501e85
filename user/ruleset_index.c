// SPDX-License-Identifier: GPL-2.0-only
#include "ruleset_index.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "util.h"

#define PORTS 65536

struct slot {
	__u64 id;
	size_t place; /* position + 1, 0 = empty */
};

/* Who uses a port: one id for each protocol, 0 = nobody. */
struct port_owners {
	__u64 tcp;
	__u64 udp;
};

struct index {
	struct slot *slots; /* open addressing, at most half full */
	size_t room;        /* a power of two */
	size_t counts[NR_STATEMENT_KINDS];
	size_t *rules;              /* positions of the rules in order, room / 2 of them */
	bool rules_known;           /* filled when somebody asks for a number */
	struct port_owners *owners; /* PORTS of them, NULL until there is a forward */
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

static void note_owner(struct index *index, __u16 port, const struct statement *s)
{
	if (s->forward.protocols & PROTO_TCP)
		index->owners[port].tcp = s->id;
	if (s->forward.protocols & PROTO_UDP)
		index->owners[port].udp = s->id;
}

/* What a new statement adds, wherever it stands. */
static void note_statement(struct index *index, const struct statement *s)
{
	index->counts[s->kind]++;
	if (s->kind == STATEMENT_FORWARD) {
		note_owner(index, s->forward.listen, s);
		note_owner(index, s->forward.target, s);
	}
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
	struct index *index = set->index;

	if (err)
		return err;
	if (s->kind == STATEMENT_FORWARD && !index->owners) {
		index->owners = calloc(PORTS, sizeof(*index->owners));
		if (!index->owners)
			return -ENOMEM;
	}
	return 0;
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
	if (index->owners)
		memset(index->owners, 0, PORTS * sizeof(*index->owners));
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
	free(index->owners);
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

size_t index_find_forward(const struct ruleset *set, __u16 port, unsigned int protocols)
{
	const struct index *index = set->index;
	const struct port_owners *owners = index ? index->owners : NULL;
	__u64 id = 0;

	if (owners && (protocols & PROTO_TCP))
		id = owners[port].tcp;
	if (owners && !id && (protocols & PROTO_UDP))
		id = owners[port].udp;
	return id ? index_find(set, STATEMENT_FORWARD, id) : NO_POSITION;
}

size_t index_count(const struct ruleset *set, enum statement_kind kind)
{
	const struct index *index = set->index;

	return index ? index->counts[kind] : 0;
}
