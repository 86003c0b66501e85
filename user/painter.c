// SPDX-License-Identifier: GPL-2.0-only
#include "painter.h"

#include <errno.h>
#include <stdlib.h>

struct link {
	__u32 before;
	__u32 rule;
};

void lists_init(struct rule_lists *lists)
{
	*lists = (struct rule_lists){.links.size = sizeof(struct link)};
}

void lists_free(struct rule_lists *lists)
{
	pool_free(&lists->links);
}

__u32 *lists_rules(const struct rule_lists *lists, __u32 list, size_t *count)
{
	size_t length = 0;
	__u32 *rules;

	for (__u32 at = list; at; at = ((const struct link *)pool_at(&lists->links, at - 1))->before)
		length++;
	rules = calloc(length + 1, sizeof(*rules));
	if (!rules)
		return NULL;
	*count = length;
	for (__u32 at = list; at;) {
		const struct link *link = pool_at(&lists->links, at - 1);

		rules[--length] = link->rule;
		at = link->before;
	}
	return rules;
}

int painter_init(struct painter *painter, size_t places)
{
	*painter = (struct painter){
		.places = places,
		.closing = calloc(places, sizeof(*painter->closing)),
		.lists = calloc(places, sizeof(*painter->lists)),
		.next = calloc(places + 1, sizeof(*painter->next)),
	};
	if (!painter->closing || !painter->lists || !painter->next) {
		painter_free(painter);
		return -ENOMEM;
	}
	for (size_t place = 0; place <= places; place++)
		painter->next[place] = place;
	return 0;
}

void painter_free(struct painter *painter)
{
	free(painter->closing);
	free(painter->lists);
	free(painter->next);
	*painter = (struct painter){0};
}

/* The first open place at or above @place; the number of places if there is none. */
static size_t next_open(struct painter *painter, size_t place)
{
	__u32 *next = painter->next;

	while (next[place] != place) {
		next[place] = next[next[place]]; /* halve the path for those who come later */
		place = next[place];
	}
	return place;
}

void painter_close(struct painter *painter, size_t first, size_t last, __u32 decision)
{
	for (size_t place = next_open(painter, first); place <= last; place = next_open(painter, place)) {
		painter->closing[place] = decision;
		painter->next[place] = place + 1;
		if (place + 1 == painter->places)
			break;
	}
}

int painter_note(struct painter *painter, struct rule_lists *lists, size_t first, size_t last, __u32 rule)
{
	struct link link = {.before = ~0U, .rule = rule};
	__u32 list = 0;

	for (size_t place = next_open(painter, first); place <= last && place < painter->places;
	     place = next_open(painter, place + 1)) {
		if (link.before != painter->lists[place]) {
			int err;

			link.before = painter->lists[place];
			err = pool_intern(&lists->links, &link, &list);
			if (err)
				return err;
		}
		painter->lists[place] = list + 1;
	}
	return 0;
}
