// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include "owners.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util.h"

static void cleanup_closedir(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

#define _closedir_ __attribute__((cleanup(cleanup_closedir)))

static DIR *open_dir_at(int dir, const char *path)
{
	_close_ int fd = openat(dir, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *opened = fd < 0 ? NULL : fdopendir(fd);

	if (opened)
		steal_fd(&fd);
	return opened;
}

static void read_name(int proc, const char *pid, char name[16])
{
	char path[300];
	_close_ int fd = -1;
	ssize_t n;

	snprintf(path, sizeof(path), "%s/comm", pid);
	fd = openat(proc, path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? 0 : read(fd, name, 15);
	name[n > 0 ? n : 0] = '\0';
	name[strcspn(name, "\n")] = '\0';
}

static int append(struct owners *owners, const struct owner *row)
{
	if (owners->count == owners->room) {
		size_t room = owners->room * 2 + 64;
		struct owner *more = realloc(owners->rows, room * sizeof(*more));

		if (!more)
			return -ENOMEM;
		owners->rows = more;
		owners->room = room;
	}
	owners->rows[owners->count++] = *row;
	return 0;
}

/* A process that ends meanwhile, or that we may not look into, is none. */
static int read_process(int proc, const char *pid, struct owners *owners)
{
	struct owner row = {.pid = atoi(pid)};
	char path[300], target[64];
	_closedir_ DIR *fds = NULL;
	struct dirent *entry;

	snprintf(path, sizeof(path), "%s/fd", pid);
	fds = open_dir_at(proc, path);
	while (fds && (entry = readdir(fds))) {
		ssize_t n = readlinkat(dirfd(fds), entry->d_name, target, sizeof(target) - 1);

		if (n <= 0)
			continue;
		target[n] = '\0';
		if (sscanf(target, "socket:[%llu]", &row.inode) != 1)
			continue;
		if (!row.name[0])
			read_name(proc, pid, row.name);
		if (append(owners, &row))
			return -ENOMEM;
	}
	return 0;
}

static int compare(const void *a, const void *b)
{
	const struct owner *x = a, *y = b;

	if (x->inode != y->inode)
		return x->inode < y->inode ? -1 : 1;
	return x->pid - y->pid;
}

int owners_read(struct owners *owners)
{
	_closedir_ DIR *proc = opendir("/proc");
	struct dirent *entry;
	int err = proc ? 0 : -errno;

	memset(owners, 0, sizeof(*owners));
	while (!err && (entry = readdir(proc)))
		if (isdigit((unsigned char)entry->d_name[0]))
			err = read_process(dirfd(proc), entry->d_name, owners);
	if (err)
		owners_free(owners);
	else if (owners->count)
		qsort(owners->rows, owners->count, sizeof(*owners->rows), compare);
	return err;
}

void owners_free(struct owners *owners)
{
	free(owners->rows);
	memset(owners, 0, sizeof(*owners));
}

const struct owner *owners_find(const struct owners *owners, __u64 inode)
{
	size_t low = 0, high = owners->count;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (owners->rows[middle].inode < inode)
			low = middle + 1;
		else
			high = middle;
	}
	return low < owners->count && owners->rows[low].inode == inode ? &owners->rows[low] : NULL;
}
