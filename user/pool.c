// SPDX-License-Identifier: GPL-2.0-only
#include "pool.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "util.h"

static __u64 hash_of(const void *memory, size_t size)
{
	__u64 hash = hash_more(HASH_BEGIN, memory, size);

	return hash ^ hash >> 32;
}

/* Where @element stands in the table, or where it belongs. */
static __u32 *place_of(const struct pool *pool, const void *element)
{
	size_t at = hash_of(element, pool->size) & (pool->table_room - 1);

	while (pool->table[at] && memcmp(pool_at(pool, pool->table[at] - 1), element, pool->size) != 0)
		at = (at + 1) & (pool->table_room - 1);
	return &pool->table[at];
}

static int grow_table(struct pool *pool)
{
	size_t room = pool->table_room ? 2 * pool->table_room : 64;
	__u32 *table = calloc(room, sizeof(*table));

	if (!table)
		return -ENOMEM;
	free(pool->table);
	pool->table = table;
	pool->table_room = room;
	for (__u32 number = 0; number < pool->count; number++)
		*place_of(pool, pool_at(pool, number)) = number + 1;
	return 0;
}

static int grow_memory(struct pool *pool)
{
	size_t room = pool->room ? 2 * pool->room : 32;
	void *memory = reallocarray(pool->memory, room, pool->size);

	if (!memory)
		return -ENOMEM;
	pool->memory = memory;
	pool->room = room;
	return 0;
}

int pool_intern(struct pool *pool, const void *element, __u32 *number)
{
	__u32 *place;
	int err = 0;

	if (2 * (pool->count + 1) > pool->table_room)
		err = grow_table(pool);
	if (!err && pool->count == pool->room)
		err = grow_memory(pool);
	if (err)
		return err;
	place = place_of(pool, element);
	if (!*place) {
		memcpy(pool_at(pool, pool->count), element, pool->size);
		*place = ++pool->count;
	}
	*number = *place - 1;
	return 0;
}

void pool_free(struct pool *pool)
{
	free(pool->memory);
	free(pool->table);
	*pool = (struct pool){.size = pool->size};
}
