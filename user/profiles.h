/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Application profiles: names for ports, in the files that packages bring for ufw, or in those of one's own.
 *
 *	[Samba]
 *	title=LanManager-like file and printer server for Unix
 *	description=...
 *	ports=137,138/udp|139,445/tcp
 */
#ifndef XDPFW_USER_PROFILES_H
#define XDPFW_USER_PROFILES_H

#include <stddef.h>

#include "error.h"

struct profile {
	char *name;
	char *title;
	char *description;
	char *ports; /* parts between '|', each PORTS or PORTS/PROTO */
};

struct profiles {
	struct profile *list; /* by name; each once: of two, the one of the first directory counts */
	size_t count;
};

/*
 * All profiles: of /etc/xdpfw/applications.d, then of /etc/ufw/applications.d; or of the directories in
 * XDPFW_APPLICATIONS, with ':' between them. Read once; lives as long as the process. 0 or -ENOMEM; files that cannot be
 * read and sections without ports are left out.
 */
int profiles_read(const struct profiles **profiles);

/* NULL if there is none, or no memory. */
const struct profile *profile_find(const char *name);

#endif
