// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include "rulesfile.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util.h"

#define MAX_FILE (64 << 20)

static const char *staged_path(const char *path, char beside[PATH_MAX + 8])
{
	snprintf(beside, PATH_MAX + 8, "%s.new", path);
	return beside;
}

int rulesfile_read_open(FILE *file, char **text)
{
	_free_ char *buffer = NULL;
	size_t size = 0, room = 0;

	do {
		if (size + 4096 > room) {
			char *bigger = realloc(buffer, room = room * 2 + 8192);

			if (!bigger)
				return -ENOMEM;
			buffer = bigger;
		}
		size += fread(buffer + size, 1, room - size - 1, file);
		if (size > MAX_FILE)
			return -EFBIG;
	} while (!feof(file) && !ferror(file));
	if (ferror(file))
		return -errno;
	if (memchr(buffer, '\0', size))
		return -EILSEQ;
	buffer[size] = '\0';
	*text = steal_pointer(&buffer);
	return 0;
}

int rulesfile_read(const char *path, char **text, struct error *e)
{
	bool standard_input = strcmp(path, "-") == 0;
	_fclose_ FILE *opened = standard_input ? NULL : fopen(path, "re");
	int err;

	if (!standard_input && !opened)
		return fail(e, -errno, "%s: %s", path, strerror(errno));
	err = rulesfile_read_open(standard_input ? stdin : opened, text);
	return err ? fail(e, err, "%s: %s", path, strerror(-err)) : 0;
}

/* FNV-1a */
__u32 rulesfile_mark(const char *path)
{
	_free_ char *text = NULL;
	__u32 hash = 2166136261U;

	if (rulesfile_read(path, &text, NULL))
		return 0;
	for (const char *c = text; *c; c++)
		hash = (hash ^ (unsigned char)*c) * 16777619U;
	return hash;
}

int rulesfile_load(const char *path, struct ruleset *set, struct error *e)
{
	_free_ char *text = NULL;
	struct error why = {};
	int err = rulesfile_read(path, &text, &why);

	if (err == -ENOENT)
		return ruleset_parse("", path, set, e);
	if (err)
		return fail(e, err, "%s", why.text);
	return ruleset_parse(text, path, set, e);
}

/* A rename is on disk only when the directory is. */
static int sync_directory(const char *path)
{
	_free_ char *copy = strdup(path);
	_close_ int fd = copy ? open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;

	return fd < 0 || fsync(fd) ? -errno : 0;
}

static int make_directory(const char *path)
{
	_free_ char *copy = strdup(path);

	if (!copy)
		return -ENOMEM;
	return mkdir(dirname(copy), 0755) && errno != EEXIST ? -errno : 0;
}

static int write_all(int fd, const char *text)
{
	size_t left = strlen(text);

	while (left > 0) {
		ssize_t n = write(fd, text, left);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		text += n;
		left -= n;
	}
	return 0;
}

int rulesfile_stage(const char *path, const char *text, struct error *e)
{
	char beside[PATH_MAX + 8];
	_close_ int fd = -1;
	int err = make_directory(path);

	if (err)
		return fail(e, err, "%s: %s", path, strerror(-err));
	fd = open(staged_path(path, beside), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return fail(e, -errno, "%s: %s", beside, strerror(errno));
	err = write_all(fd, text);
	if (err)
		rulesfile_discard(path);
	return err ? fail(e, err, "%s: %s", beside, strerror(-err)) : 0;
}

int rulesfile_publish(const char *path, struct error *e)
{
	char beside[PATH_MAX + 8];
	_close_ int fd = open(staged_path(path, beside), O_RDONLY | O_CLOEXEC);

	if (fd < 0 || fsync(fd) || rename(beside, path))
		return fail(e, -errno, "%s: %s", path, strerror(errno));
	sync_directory(path);
	return 0;
}

void rulesfile_discard(const char *path)
{
	char beside[PATH_MAX + 8];

	unlink(staged_path(path, beside));
}

char *rulesfile_staged(const char *path)
{
	char beside[PATH_MAX + 8], *text = NULL;

	return rulesfile_read(staged_path(path, beside), &text, NULL) ? NULL : text;
}
