/* SPDX-License-Identifier: GPL-2.0-only */
/* A pool holds equal things once: elements of one size, in the order in which they came, each with its number. */
#ifndef XDPFW_USER_POOL_H
#define XDPFW_USER_POOL_H

#include <linux/types.h>
#include <stddef.h>

struct pool {
	size_t size; /* of an element; set before the first use, and padding in elements is zero */
	void *memory;
	size_t count, room;
	__u32 *table; /* numbers + 1 by hash, open addressing */
	size_t table_room;
};

/* The number of an element equal to @element, which is added if there is none. 0 or -ENOMEM. */
int pool_intern(struct pool *pool, const void *element, __u32 *number);

static inline void *pool_at(const struct pool *pool, __u32 number)
{
	return (char *)pool->memory + number * pool->size;
}

void pool_free(struct pool *pool);

#endif
