// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include "environment.h"

#include <errno.h>
#include <limits.h>
#include <net/if.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <time.h>

#include "datapath.h"
#include "util.h"
#include "xdpfw/condition.h"

#define CGROUP2_MAGIC 0x63677270 /* CGROUP2_SUPER_MAGIC of <linux/magic.h> */

static __u32 find_iface(const char *name)
{
	return if_nametoindex(name);
}

static int find_user(const char *name, __u32 *uid)
{
	const struct passwd *entry;
	char *end;
	unsigned long number = strtoul(name, &end, 10);

	if (*name && !*end && number < UINT_MAX) {
		*uid = number;
		return 0;
	}
	entry = getpwnam(name);
	if (!entry)
		return -ENOENT;
	*uid = entry->pw_uid;
	return 0;
}

static bool is_cgroup2(const char *path)
{
	struct statfs fs;

	return statfs(path, &fs) == 0 && fs.f_type == CGROUP2_MAGIC;
}

/* Where the one hierarchy is mounted, or the second one beside cgroup v1. */
static const char *cgroup_root(void)
{
	static const char *const roots[] = {"/sys/fs/cgroup", "/sys/fs/cgroup/unified"};

	for (size_t i = 0; i < ARRAY_SIZE(roots); i++)
		if (is_cgroup2(roots[i]))
			return roots[i];
	return NULL;
}

static __u32 depth_of(const char *path)
{
	__u32 depth = 0;

	for (const char *at = path; *at; at++)
		depth += *at != '/' && (at == path || at[-1] == '/');
	return depth;
}

/* The id of a cgroup is the number of its directory. */
static int find_cgroup(const char *path, __u64 *id, __u32 *level)
{
	const char *root = cgroup_root();
	char whole[PATH_MAX];
	struct stat st;

	if (!root || snprintf(whole, sizeof(whole), "%s/%s", root, path) >= (int)sizeof(whole) || stat(whole, &st))
		return -ENOENT;
	*id = st.st_ino;
	*level = depth_of(path);
	return 0;
}

struct environment environment_here(void)
{
	return (struct environment){
		.hz = datapath_hz(),
		.jiffies = datapath_jiffies(),
		.now = time(NULL),
		.find_iface = find_iface,
		.find_user = find_user,
		.find_cgroup = find_cgroup,
	};
}

__u32 environment_expiry(const struct environment *env, __u64 unix_seconds)
{
	__u64 left = unix_seconds > env->now ? unix_seconds - env->now : 0;
	__u64 expiry = (env->jiffies + left * env->hz) >> XDPFW_EXPIRY_SHIFT;

	if (!unix_seconds || expiry >= XDPFW_NEVER)
		return XDPFW_NEVER;
	return expiry;
}
