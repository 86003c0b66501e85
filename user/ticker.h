/* SPDX-License-Identifier: GPL-2.0-only */
/* What live views wait for: the next tick of an interval that does not drift, and the signals that end them. */
#ifndef XDPFW_USER_TICKER_H
#define XDPFW_USER_TICKER_H

#include <linux/types.h>

#include "error.h"
#include "util.h"

#define NS_PER_SECOND 1000000000ULL

struct ticker {
	int timer;   /* readable once an interval, counted from ticker_open() on */
	int signals; /* readable when a signal has come that would end or resize us; they are blocked */
};

enum tick {
	TICK_TIME,
	TICK_END,    /* a signal asks to end, or @input has come to its end */
	TICK_RESIZE, /* SIGWINCH */
	TICK_INPUT,  /* @input is readable */
};

/* 0 or a negative errno. SIGPIPE is ignored from then on: a write that finds no reader fails. */
int ticker_open(struct ticker *t, __u64 interval_ns);
int ticker_set(struct ticker *t, __u64 interval_ns);
void ticker_close(struct ticker *t);

/* Wait for one of them; @input is a file descriptor or -1. Ticks that were missed are skipped, their phase is kept. */
enum tick ticker_wait(struct ticker *t, int input);

__u64 clock_ns(clockid_t clock);

/* "1", "0.1", "60": seconds between @least_ms and @most_ms. -EINVAL names @what and the right form. */
int parse_interval(const char *word, const char *what, unsigned int least_ms, unsigned int most_ms, __u64 *ns,
		   struct error *e);

#endif
