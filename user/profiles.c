// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE 1 /* asprintf() */
#include "profiles.h"

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "rulesfile.h"
#include "util.h"

#define DIRECTORIES "/etc/xdpfw/applications.d:/etc/ufw/applications.d"

static const char blanks[] = " \t\r\n";

static struct {
	struct profiles all;
	size_t room;
	bool read;
} cache;

/* Cut blanks off both ends, in place. */
static char *trim(char *text)
{
	char *end = text + strlen(text);

	while (end > text && strchr(blanks, end[-1]))
		*--end = '\0';
	return text + strspn(text, blanks);
}

/* Names as ufw has them: "all" and numbers would mean something else. */
static bool is_profile_name(const char *name)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 _-+.";

	return *name && !strchr(" _-+.", *name) && !name[strspn(name, letters)] && strcmp(name, "all") &&
	       name[strspn(name, "0123456789")];
}

static struct profile *find(const char *name)
{
	for (size_t i = 0; i < cache.all.count; i++)
		if (!strcmp(cache.all.list[i].name, name))
			return &cache.all.list[i];
	return NULL;
}

static int add_profile(const char *name, struct profile **added)
{
	if (cache.all.count == cache.room) {
		size_t room = cache.room ? 2 * cache.room : 32;
		struct profile *list = reallocarray(cache.all.list, room, sizeof(*list));

		if (!list)
			return -ENOMEM;
		cache.all.list = list;
		cache.room = room;
	}
	*added = &cache.all.list[cache.all.count];
	**added = (struct profile){.name = strdup(name)};
	if (!(*added)->name)
		return -ENOMEM;
	cache.all.count++;
	return 0;
}

static int set_field(struct profile *profile, const char *key, const char *value)
{
	char **field = !strcmp(key, "title")         ? &profile->title
		       : !strcmp(key, "description") ? &profile->description
		       : !strcmp(key, "ports")       ? &profile->ports
						     : NULL;

	if (!field || *field)
		return 0;
	*field = strdup(value);
	return *field ? 0 : -ENOMEM;
}

/* One line of a file; *@profile is the section it stands in, NULL for one to leave out. */
static int read_line(char *line, struct profile **profile)
{
	char *equals, *end;

	line = trim(line);
	if (*line == '[') {
		end = strchr(line, ']');
		*profile = NULL;
		if (!end)
			return 0;
		*end = '\0';
		line = trim(line + 1);
		return is_profile_name(line) && !find(line) ? add_profile(line, profile) : 0;
	}
	equals = strchr(line, '=');
	if (*line == '#' || !equals || !*profile)
		return 0;
	*equals = '\0';
	return set_field(*profile, trim(line), trim(equals + 1));
}

static int read_file(const char *path)
{
	struct profile *profile = NULL;
	_free_ char *text = NULL;
	char *rest, *line;
	int err = 0;

	if (rulesfile_read(path, &text, NULL))
		return 0;
	rest = text;
	while (!err && (line = strsep(&rest, "\n")))
		err = read_line(line, &profile);
	return err;
}

/* Not what editors and package managers leave behind. */
static int is_profile_file(const struct dirent *entry)
{
	const char *name = entry->d_name;

	return *name != '.' && !strchr(name, '~') && !strstr(name, ".dpkg-") && !strstr(name, ".rpm") &&
	       !strstr(name, ".ucf-");
}

static int read_directory(const char *directory)
{
	struct dirent **entries = NULL;
	int count = scandir(directory, &entries, is_profile_file, alphasort), err = 0;

	for (int i = 0; i < count; i++) {
		_free_ struct dirent *entry = entries[i];
		_free_ char *path = NULL;

		if (!err && asprintf(&path, "%s/%s", directory, entry->d_name) < 0) {
			path = NULL;
			err = -ENOMEM;
		}
		if (!err)
			err = read_file(path);
	}
	free(entries);
	return err;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(((const struct profile *)a)->name, ((const struct profile *)b)->name);
}

static void drop_incomplete(void)
{
	size_t kept = 0;

	for (size_t i = 0; i < cache.all.count; i++) {
		struct profile *profile = &cache.all.list[i];

		if (profile->ports && *profile->ports) {
			cache.all.list[kept++] = *profile;
			continue;
		}
		free(profile->name);
		free(profile->title);
		free(profile->description);
		free(profile->ports);
	}
	cache.all.count = kept;
}

int profiles_read(const struct profiles **profiles)
{
	const char *given = getenv("XDPFW_APPLICATIONS");
	_free_ char *directories = strdup(given ? given : DIRECTORIES);
	char *rest = directories, *directory;
	int err = directories ? 0 : -ENOMEM;

	while (!err && !cache.read && (directory = strsep(&rest, ":")))
		err = read_directory(directory);
	if (err)
		return err;
	if (!cache.read) {
		drop_incomplete();
		if (cache.all.count)
			qsort(cache.all.list, cache.all.count, sizeof(*cache.all.list), compare_names);
	}
	cache.read = true;
	*profiles = &cache.all;
	return 0;
}

const struct profile *profile_find(const char *name)
{
	const struct profiles *profiles;

	return profiles_read(&profiles) ? NULL : find(name);
}
