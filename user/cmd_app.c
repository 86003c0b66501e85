// SPDX-License-Identifier: GPL-2.0-only
/* app list, app info: application profiles, ufw's and one's own. */
#define _GNU_SOURCE
#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "command.h"
#include "profiles.h"
#include "util.h"

/* The parts of the ports, one by one. */
static json_t *parts_json(const struct profile *profile)
{
	_free_ char *ports = strdup(profile->ports);
	char *rest = ports, *part;
	json_t *parts = json_array();

	while (ports && (part = strsep(&rest, "|")))
		json_array_append_new(parts, json_string(part));
	return parts;
}

static json_t *profile_json(const struct profile *profile)
{
	return json_pack("{s:s,s:s?,s:s?,s:o}", "name", profile->name, "title", profile->title, "description",
			 profile->description, "ports", parts_json(profile));
}

static void print_profile(const struct profile *profile)
{
	json_t *parts = parts_json(profile), *part;
	size_t i;

	printf("%s: %s\n", profile->name, profile->title ? profile->title : "");
	if (profile->description)
		printf("  %s\n", profile->description);
	json_array_foreach (parts, i, part)
		printf("  ports %s\n", json_string_value(part));
	json_decref(parts);
}

static void dump(json_t *value)
{
	json_dumpf(value, stdout, JSON_COMPACT);
	putchar('\n');
	json_decref(value);
}

static void list_profiles(const struct profiles *profiles, bool json)
{
	json_t *names = json_array();

	for (size_t i = 0; i < profiles->count; i++) {
		if (json)
			json_array_append_new(names, json_string(profiles->list[i].name));
		else
			puts(profiles->list[i].name);
	}
	if (json)
		dump(names);
	else
		json_decref(names);
}

static void describe_all(const struct profiles *profiles, bool json)
{
	json_t *list = json_array();

	for (size_t i = 0; i < profiles->count; i++) {
		if (json)
			json_array_append_new(list, profile_json(&profiles->list[i]));
		else
			print_profile(&profiles->list[i]);
	}
	if (json)
		dump(list);
	else
		json_decref(list);
}

static int describe(const char *name, bool json, struct error *e)
{
	const struct profile *profile = profile_find(name);

	if (!profile)
		return fail(e, -ENOENT, "'%s': no such application profile; `xdpfw app list` names them",
			    excerpt(name).text);
	if (json)
		dump(json_pack("[o]", profile_json(profile)));
	else
		print_profile(profile);
	return 0;
}

int cmd_app(const struct settings *settings, struct words words, struct error *e)
{
	const char *verb = words.count > 1 ? words.list[1] : "";
	const struct profiles *profiles;
	bool list = !strcmp(verb, "list") && words.count == 2;

	if (!list && (strcmp(verb, "info") || words.count != 3))
		return fail(e, -EINVAL, "'app %s': write app list, app info NAME or app info all", excerpt(verb).text);
	if (profiles_read(&profiles))
		return fail(e, -ENOMEM, "out of memory");
	if (list)
		list_profiles(profiles, settings->json);
	else if (!strcmp(words.list[2], "all"))
		describe_all(profiles, settings->json);
	else
		return describe(words.list[2], settings->json, e);
	return 0;
}
