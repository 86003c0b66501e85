/* SPDX-License-Identifier: GPL-2.0-only */
/* Two ends of a veth in one program: what dial, ask and probe share. */
#ifndef XDPFW_BENCH_ENDS_H
#define XDPFW_BENCH_ENDS_H

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <time.h>

#include "util.h"

/* Sockets made from now on belong to this namespace; those made before keep theirs. */
static inline int enter_netns(const char *path)
{
	_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);

	return fd < 0 || setns(fd, CLONE_NEWNET) ? -errno : 0;
}

static inline int pin_to_cpu(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	return sched_setaffinity(0, sizeof(set), &set) ? -errno : 0;
}

static inline double read_clock(clockid_t clock)
{
	struct timespec time;

	clock_gettime(clock, &time);
	return time.tv_sec + time.tv_nsec / 1e9;
}

static inline double now(void)
{
	return read_clock(CLOCK_MONOTONIC);
}

static inline void sleep_until(double when)
{
	struct timespec time = {.tv_sec = when, .tv_nsec = (when - (time_t)when) * 1e9};

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, NULL) == EINTR)
		;
}

#endif
