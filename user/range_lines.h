/* SPDX-License-Identifier: GPL-2.0-only */
/* From sorted boundaries to the lines that the data path looks addresses up in: include/xdpfw/ranges.h. */
#ifndef XDPFW_USER_RANGE_LINES_H
#define XDPFW_USER_RANGE_LINES_H

#include <stddef.h>

#include "xdpfw/ranges.h"

/* An address in host byte order; IPv4 is the upper 32 bits of `upper`. */
struct position {
	__u64 upper, lower;
};

/* From here on, up to the next boundary, holds @value. */
struct boundary {
	struct position from;
	__u32 value;
};

struct address_lines {
	union xdpfw_line *at;
	__u32 count, room;
	__u32 spare[2]; /* a quarter and a half of a line that are free, as numbers of branches; 0: none */
};

/* 64 MiB a slot. */
#define LINES_MAX (1U << 20)

/* Room for @count things more, of which a line holds @each, zero; *@place is the first line. 0, -ENOMEM or -E2BIG. */
int lines_take(struct address_lines *lines, size_t count, size_t each, __u32 *place);
void lines_free(struct address_lines *lines);

/* Write @boundaries, sorted and no two of them at one place; 0 holds before the first. 0 or a negative errno. */
int lines_write(struct address_lines *lines, const struct boundary *boundaries, size_t count,
		struct xdpfw_branch *root);

#endif
