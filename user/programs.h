/* SPDX-License-Identifier: GPL-2.0-only */
/* The programs that one command attaches: each flavour is loaded once, whichever interfaces share it. */
#ifndef XDPFW_USER_PROGRAMS_H
#define XDPFW_USER_PROGRAMS_H

#include <stddef.h>

#include "datapath.h"
#include "error.h"
#include "instance.h"

/* Flavours that a command meets are few, so a list will do. */
#define MAX_FLAVOURS 16

struct programs {
	const struct instance *instance;
	struct {
		struct flavour flavour;
		struct datapath *dp;
	} sets[MAX_FLAVOURS];
	size_t count;
};

/* *@dp stays with @ps. */
int programs_get(struct programs *ps, const struct flavour *f, struct datapath **dp, struct error *e);
void programs_free(struct programs *ps);

#define _programs_ __attribute__((cleanup(programs_free)))

#endif
