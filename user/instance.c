// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include "instance.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sched.h>
#include <stdbool.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include "util.h"

#define BPFFS     "/sys/fs/bpf"
#define PIN_ROOT  BPFFS "/xdpfw"
#define RULES_DIR "/etc/xdpfw"
#define LOCK_DIR  "/run/xdpfw"
#define NETNS_DIR "/run/netns"

#define LOCK_WAIT_MS 10000
#define LOCK_STEP_MS 20

static bool same_file(const char *a, const char *b)
{
	struct stat sa, sb;

	return stat(a, &sa) == 0 && stat(b, &sb) == 0 && sa.st_ino == sb.st_ino && sa.st_dev == sb.st_dev;
}

static int enter_netns(const char *name, struct error *e)
{
	char path[PATH_MAX];
	_close_ int fd = -1;

	if (strchr(name, '/') || !*name || *name == '.')
		return fail(e, -EINVAL, "'%s': no name of a network namespace", name);
	snprintf(path, sizeof(path), NETNS_DIR "/%s", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		return fail(e, -ENOENT, "'%s': no such network namespace; see `ip netns list`", name);
	if (fd < 0 || setns(fd, CLONE_NEWNET))
		return fail(e, -errno, "'%s': cannot enter the network namespace: %s", name, strerror(errno));
	return 0;
}

/* The name under which `ip netns` knows the namespace that we are in; false if it knows none. */
static bool find_netns_name(char *name, size_t size)
{
	DIR *dir = opendir(NETNS_DIR);
	struct dirent *entry;
	bool found = false;

	while (dir && !found && (entry = readdir(dir))) {
		char path[PATH_MAX];

		snprintf(path, sizeof(path), NETNS_DIR "/%s", entry->d_name);
		found = entry->d_name[0] != '.' && same_file(path, "/proc/self/ns/net");
		if (found)
			snprintf(name, size, "%s", entry->d_name);
	}
	if (dir)
		closedir(dir);
	return found;
}

/*
 * The instance when nobody named one: "host", or the name of the namespace, so that two namespaces never share
 * an instance by accident. (Process 1 may be out of sight even for root; then an unknown namespace is the host's.)
 */
static int find_name(struct instance *in, struct error *e)
{
	struct stat init;

	strcpy(in->name, "host");
	if (same_file("/proc/self/ns/net", "/proc/1/ns/net") || find_netns_name(in->name, sizeof(in->name)))
		return 0;
	if (stat("/proc/1/ns/net", &init))
		return 0;
	return fail(
		e, -EXDEV,
		"instance: this network namespace has no name; give it one with `ip netns attach`, or give --pin-dir");
}

static int copy_path(const char *from, char to[PATH_MAX], struct error *e)
{
	if (from[0] != '/')
		return fail(e, -EINVAL, "'%s': not an absolute path", from);
	if (strlen(from) >= PATH_MAX - 64)
		return fail(e, -ENAMETOOLONG, "'%.40s...': path too long", from);
	strcpy(to, from);
	return 0;
}

static int set_paths(struct instance *in, const char *pin_dir, const char *rules_file, struct error *e)
{
	char path[PATH_MAX];
	int err;

	snprintf(path, sizeof(path), PIN_ROOT "/%s", in->name);
	err = copy_path(pin_dir ? pin_dir : path, in->pin_dir, e);
	if (err)
		return err;
	snprintf(path, sizeof(path), RULES_DIR "/%s.rules", in->name);
	return copy_path(rules_file ? rules_file : path, in->rules_file, e);
}

int instance_open(const char *netns, const char *pin_dir, const char *rules_file, struct instance *in, struct error *e)
{
	int err;

	memset(in, 0, sizeof(*in));
	in->lock = -1;
	if (netns) {
		err = enter_netns(netns, e);
		snprintf(in->name, sizeof(in->name), "%s", netns);
	} else {
		err = find_name(in, pin_dir ? NULL : e);
		if (pin_dir)
			err = 0; /* its place is given, so its name is not needed */
	}
	return err ? err : set_paths(in, pin_dir, rules_file, e);
}

static void lock_path(const struct instance *in, char path[PATH_MAX])
{
	int n = snprintf(path, PATH_MAX, LOCK_DIR "/");

	snprintf(path + n, PATH_MAX - n, "%s.lock", in->pin_dir + 1);
	for (char *c = path + n; *c; c++)
		if (*c == '/')
			*c = '_';
}

static int open_lock(struct instance *in, char path[PATH_MAX], struct error *e)
{
	lock_path(in, path);
	if (mkdir(LOCK_DIR, 0755) && errno != EEXIST)
		return fail(e, -errno, "%s: %s", LOCK_DIR, strerror(errno));
	in->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	return in->lock < 0 ? fail(e, -errno, "%s: %s", path, strerror(errno)) : 0;
}

bool instance_try_lock(struct instance *in)
{
	struct error ignored = {};
	char path[PATH_MAX];

	if (open_lock(in, path, &ignored) == 0 && flock(in->lock, LOCK_EX | LOCK_NB) == 0)
		return true;
	instance_close(in);
	return false;
}

int instance_lock(struct instance *in, struct error *e)
{
	const struct timespec step = {.tv_nsec = LOCK_STEP_MS * 1000000L};
	char path[PATH_MAX];
	int err = open_lock(in, path, e);

	if (err)
		return err;
	for (int waited = 0; flock(in->lock, LOCK_EX | LOCK_NB); waited += LOCK_STEP_MS) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return fail(e, -errno, "%s: %s", path, strerror(errno));
		if (waited >= LOCK_WAIT_MS)
			return fail(e, -EBUSY,
				    "busy: another xdpfw has been changing this firewall for 10 s; try again");
		nanosleep(&step, NULL);
	}
	return 0;
}

void instance_close(struct instance *in)
{
	if (in->lock >= 0)
		close(in->lock);
	in->lock = -1;
}

static bool is_bpffs(const char *path)
{
	struct statfs fs;

	return statfs(path, &fs) == 0 && (unsigned int)fs.f_type == BPF_FS_MAGIC;
}

static pid_t parent_of(pid_t pid)
{
	char path[64];
	_fclose_ FILE *file = NULL;
	int parent = 0;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	file = fopen(path, "re");
	return file && fscanf(file, "%*d (%*[^)]) %*c %d", &parent) == 1 ? parent : 0;
}

/* Are we in a mount namespace that an ancestor does not share? Root may not look at all of them. */
static bool in_private_mounts(void)
{
	for (pid_t pid = getppid(); pid > 0; pid = parent_of(pid)) {
		char path[64];
		struct stat theirs;

		snprintf(path, sizeof(path), "/proc/%d/ns/mnt", pid);
		if (stat(path, &theirs) == 0 && !same_file(path, "/proc/self/ns/mnt"))
			return true;
	}
	return false;
}

/* Under `ip netns exec` /sys is a fresh one in a private mount namespace: what is pinned there dies with
 * this process, and the firewall with it. */
static int mount_bpffs(const struct instance *in, struct error *e)
{
	if (in_private_mounts())
		return fail(e, -EXDEV,
			    "bpffs: mounted here it would vanish with this process (private mount namespace, as under "
			    "`ip netns exec`); run `xdpfw -n %s ...` from outside",
			    in->name[0] ? in->name : "NAME");
	if (mount("bpf", BPFFS, "bpf", 0, "mode=0700"))
		return fail(e, -errno, "cannot mount bpffs on " BPFFS ": %s", strerror(errno));
	return 0;
}

int instance_make_pin_dir(const struct instance *in, struct error *e)
{
	char path[PATH_MAX];
	int err;

	if (strncmp(in->pin_dir, BPFFS "/", sizeof(BPFFS)) == 0 && !is_bpffs(BPFFS)) {
		err = mount_bpffs(in, e);
		if (err)
			return err;
	}
	strcpy(path, in->pin_dir);
	for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (access(path, F_OK) && mkdir(path, 0700) && errno != EEXIST)
			return fail(e, -errno, "%s: %s", path, strerror(errno));
		*slash = '/';
	}
	if (mkdir(path, 0700) && errno != EEXIST)
		return fail(e, -errno, "%s: %s", path, strerror(errno));
	if (!is_bpffs(path))
		return fail(e, -EINVAL, "%s: not on a bpffs; give --pin-dir a place below " BPFFS, path);
	return 0;
}

const char *instance_pin(const struct instance *in, const char *name, char path[PATH_MAX])
{
	snprintf(path, PATH_MAX, "%.*s/%s", PATH_MAX - 66, in->pin_dir, name);
	return path;
}
