/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * An instance is the firewall of one network namespace: its name, where its maps and
 * links are pinned, where its rules are written, and the lock that serialises writers.
 */
#ifndef XDPFW_USER_INSTANCE_H
#define XDPFW_USER_INSTANCE_H

#include <limits.h>
#include <stdbool.h>

#include "error.h"

struct instance {
	char name[256];
	char pin_dir[PATH_MAX];
	char rules_file[PATH_MAX];
	int lock; /* -1 unless held */
};

/*
 * Find the instance and enter its network namespace. @netns, @pin_dir and @rules_file may be
 * NULL: then the namespace we are in, and the places that belong to it.
 */
int instance_open(const char *netns, const char *pin_dir, const char *rules_file, struct instance *in, struct error *e);

/* Become the only writer; waits 10 seconds. Released by instance_close() or by death. */
int instance_lock(struct instance *in, struct error *e);

/* The same at once or not at all, for what may be left undone. */
bool instance_try_lock(struct instance *in);
void instance_close(struct instance *in);

/* Make sure that pin_dir exists on a bpffs that outlives this process; mounts it if need be. */
int instance_make_pin_dir(const struct instance *in, struct error *e);

/* Path of a pin; a static buffer would not survive two uses in one call, so the caller brings one. */
const char *instance_pin(const struct instance *in, const char *name, char path[PATH_MAX]);

#endif
