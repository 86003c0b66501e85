// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include "ticker.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <time.h>

#include "parse_number.h"

__u64 clock_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return t.tv_sec * NS_PER_SECOND + t.tv_nsec;
}

int ticker_set(struct ticker *t, __u64 interval_ns)
{
	struct itimerspec when = {
		.it_interval = {interval_ns / NS_PER_SECOND, interval_ns % NS_PER_SECOND},
	};

	when.it_value = when.it_interval;
	return timerfd_settime(t->timer, 0, &when, NULL) ? -errno : 0;
}

/* Every signal whose default is to end the process, and SIGWINCH; not those that tell of a fault of our own. */
static void fill_signals(sigset_t *set)
{
	static const int others[] = {SIGSEGV, SIGBUS,  SIGFPE,  SIGILL,  SIGTRAP, SIGABRT, SIGSYS,
				     SIGCHLD, SIGCONT, SIGTSTP, SIGTTIN, SIGTTOU, SIGURG,  SIGPIPE};

	sigfillset(set);
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		sigdelset(set, others[i]);
}

int ticker_open(struct ticker *t, __u64 interval_ns)
{
	sigset_t set;

	fill_signals(&set);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	t->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	t->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (t->signals < 0 || t->timer < 0)
		return -errno;
	return ticker_set(t, interval_ns);
}

void ticker_close(struct ticker *t)
{
	cleanup_close(&t->timer);
	cleanup_close(&t->signals);
	t->timer = t->signals = -1;
}

enum tick ticker_wait(struct ticker *t, int input)
{
	struct pollfd fds[] = {{t->signals, POLLIN, 0}, {input, POLLIN, 0}, {t->timer, POLLIN, 0}};

	for (;;) {
		struct signalfd_siginfo signal;
		__u64 expirations;

		poll(fds, 3, -1);
		if (read(t->signals, &signal, sizeof(signal)) == sizeof(signal))
			return signal.ssi_signo == SIGWINCH ? TICK_RESIZE : TICK_END;
		if (input >= 0 && fds[1].revents)
			return fds[1].revents & (POLLHUP | POLLERR | POLLNVAL) ? TICK_END : TICK_INPUT;
		if (read(t->timer, &expirations, sizeof(expirations)) == sizeof(expirations))
			return TICK_TIME;
	}
}

/* Digits, and perhaps a point and up to three digits more. */
static bool read_milliseconds(const char *word, unsigned long *ms)
{
	const char *point = strchrnul(word, '.');
	size_t fraction = *point ? strlen(point + 1) : 0;
	unsigned long whole, thousandths = 0;

	if (parse_number(word, point - word, 1000000, &whole) != NUMBER_OK || fraction > 3 || (*point && !fraction))
		return false;
	for (size_t i = 0; i < 3; i++) {
		char digit = i < fraction ? point[1 + i] : '0';

		if (digit < '0' || digit > '9')
			return false;
		thousandths = thousandths * 10 + digit - '0';
	}
	*ms = whole * 1000 + thousandths;
	return true;
}

int parse_interval(const char *word, const char *what, unsigned int least_ms, unsigned int most_ms, __u64 *ns,
		   struct error *e)
{
	unsigned long ms;

	if (!read_milliseconds(word, &ms) || ms < least_ms || ms > most_ms)
		return fail(e, -EINVAL, "%s '%s': not an interval; write seconds, %g to %g", what, excerpt(word).text,
			    least_ms / 1000.0, most_ms / 1000.0);
	*ns = ms * (NS_PER_SECOND / 1000);
	return 0;
}
