/* SPDX-License-Identifier: GPL-2.0-only */
/* Time, and the CPU that it is taken on. */
#ifndef XDPFW_BENCH_CLOCK_H
#define XDPFW_BENCH_CLOCK_H

#include <errno.h>
#include <sched.h>
#include <time.h>

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
