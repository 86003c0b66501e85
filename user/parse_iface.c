// SPDX-License-Identifier: GPL-2.0-only
#include "parse_iface.h"

#include <ctype.h>
#include <errno.h>
#include <net/if.h>
#include <stdbool.h>
#include <string.h>

/* As the kernel's dev_valid_name(), nothing that reads like a flag, and nothing that a rules file would quote. */
static bool is_iface_name(const char *name)
{
	if (!*name || *name == '-' || !strcmp(name, ".") || !strcmp(name, ".."))
		return false;
	for (; *name; name++)
		if (strchr("/:'\"", *name) || isspace((unsigned char)*name) || iscntrl((unsigned char)*name))
			return false;
	return true;
}

int check_iface_name(const char *name, struct error *e)
{
	if (!is_iface_name(name))
		return fail(e, -EINVAL, "'%s': not a name of an interface; 'ip link' lists them", excerpt(name).text);
	if (strlen(name) >= IFNAMSIZ)
		return fail(e, -EINVAL, "'%s': names of interfaces have at most %d characters", excerpt(name).text,
			    IFNAMSIZ - 1);
	return 0;
}
