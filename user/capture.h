/* SPDX-License-Identifier: GPL-2.0-only */
/* Events as a capture file, with what became of each packet in its comment. */
#ifndef XDPFW_USER_CAPTURE_H
#define XDPFW_USER_CAPTURE_H

#include <stdio.h>

#include "log_event.h"

struct capture {
	FILE *file; /* NULL: not capturing */
	struct {
		__u32 ifindex;
		bool has_l2;
	} * interfaces; /* as they have been described in the file */
	size_t count;
};

/* "-" is standard output. An existing file is replaced; only its owner may read it. */
int capture_open(struct capture *c, const char *path, struct error *e);
void capture_close(struct capture *c);

/* 0 or a negative errno. */
int capture_write(struct capture *c, const struct xdpfw_event *raw, const struct log_event *le);

#endif
