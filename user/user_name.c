// SPDX-License-Identifier: GPL-2.0-only
#include "user_name.h"

#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>

const char *user_name(const char *word, char name[USER_NAME_MAX])
{
	char *end;
	unsigned long number = strtoul(word, &end, 10);
	const struct passwd *entry = !*end && number < UINT_MAX ? getpwuid(number) : NULL;

	if (*end || number >= UINT_MAX)
		snprintf(name, USER_NAME_MAX, "%s", word);
	else if (entry)
		snprintf(name, USER_NAME_MAX, "%s", entry->pw_name);
	else
		snprintf(name, USER_NAME_MAX, "%lu", number);
	return name;
}
