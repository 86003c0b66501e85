/* SPDX-License-Identifier: GPL-2.0-only */
/* The one idiom for releasing what a function acquired: cleanup attributes. */
#ifndef XDPFW_USER_UTIL_H
#define XDPFW_USER_UTIL_H

#include <linux/types.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static inline void cleanup_free(void *pointer)
{
	free(*(void **)pointer);
}

static inline void cleanup_close(const int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static inline void cleanup_fclose(FILE **file)
{
	if (*file)
		fclose(*file);
}

#define _free_   __attribute__((cleanup(cleanup_free)))
#define _close_  __attribute__((cleanup(cleanup_close)))
#define _fclose_ __attribute__((cleanup(cleanup_fclose)))

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

/* Hand a resource to the caller: the cleanup then finds nothing to release. */
static inline int steal_fd(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}

static inline void *steal_pointer(void *pointer)
{
	void **place = pointer, *taken = *place;

	*place = NULL;
	return taken;
}

/* 64-bit FNV-1a of @memory, going on from @hash. */
#define HASH_BEGIN 0xcbf29ce484222325ULL

static inline __u64 hash_more(__u64 hash, const void *memory, size_t size)
{
	const unsigned char *byte = memory;

	for (size_t i = 0; i < size; i++)
		hash = (hash ^ byte[i]) * 0x100000001b3ULL;
	return hash;
}

#endif
