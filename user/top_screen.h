/* SPDX-License-Identifier: GPL-2.0-only */
/* The screen of `top`. */
#ifndef XDPFW_USER_TOP_SCREEN_H
#define XDPFW_USER_TOP_SCREEN_H

#include "top.h"

/* What the person has chosen to see. */
struct top_view {
	bool rules; /* rows are rules, not ports */
	bool paused, help;
	struct live_order order;
	struct live_filter filter;
	char text[64]; /* what the filter's text or ports were typed as */
	size_t scroll;
	__u64 interval_ns;
	bool typing;       /* the filter is being typed: the last line is its prompt */
	char message[128]; /* what was wrong with the last key or filter; empty: nothing */
};

/* Rows of the list that fit on the screen. */
size_t screen_rows(void);

/* Take over the terminal; -errno (with @e filled) if it is none or its kind is not known. */
int screen_open(struct error *e);
void screen_close(void);
void screen_resize(void);

void screen_draw(const struct top *top, struct top_view *view);

#endif
