// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include "environment.h"

#include <errno.h>
#include <limits.h>
#include <mntent.h>
#include <net/if.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "datapath.h"
#include "nexthop.h"
#include "util.h"
#include "xdpfw/condition.h"

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

/* Where the one hierarchy of cgroup v2 is mounted: below cgroup v1 on some hosts. */
static int cgroup_root(char path[PATH_MAX])
{
	FILE *mounts = setmntent("/proc/self/mounts", "re");
	const struct mntent *mount;
	int err = -ENOENT;

	while (err && mounts && (mount = getmntent(mounts))) {
		if (strcmp(mount->mnt_type, "cgroup2") != 0)
			continue;
		snprintf(path, PATH_MAX, "%s", mount->mnt_dir);
		err = 0;
	}
	if (mounts)
		endmntent(mounts);
	return err;
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
	char root[PATH_MAX], whole[2 * PATH_MAX];
	struct stat st;

	if (cgroup_root(root) || snprintf(whole, sizeof(whole), "%s/%s", root, path) >= (int)sizeof(whole) ||
	    stat(whole, &st))
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
		.find_source = nexthop_source,
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
