// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include "probe.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "util.h"

#define AT_ONCE 32

struct running {
	pid_t pid; /* also its process group */
	int pidfd; /* readable once the command has ended */
};

static long long now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

/* Its output is not ours: stdout may be JSON. What it says on stderr is for whoever looks. */
static void __attribute__((noreturn)) become(const char *command, const struct probe *p)
{
	int null = open("/dev/null", O_RDWR);
	char port[8];

	snprintf(port, sizeof(port), "%u", p->port);
	prctl(PR_SET_PDEATHSIG, SIGKILL); /* if we are killed, nobody would end it */
	setpgid(0, 0);
	if (null >= 0 && dup2(null, STDIN_FILENO) >= 0 && dup2(null, STDOUT_FILENO) >= 0 &&
	    !setenv("ADDR", p->addr, 1) && !setenv("PORT", port, 1) && !setenv("PROTO", p->protocol, 1))
		execl("/bin/sh", "sh", "-c", command, (char *)NULL);
	_exit(126);
}

static int start(const char *command, const struct probe *p, struct running *r)
{
	r->pid = fork();
	if (r->pid < 0)
		return -errno;
	if (!r->pid)
		become(command, p);
	setpgid(r->pid, r->pid); /* whoever comes first, so that there is a group to kill */
	r->pidfd = syscall(SYS_pidfd_open, r->pid, 0);
	return r->pidfd < 0 ? -errno : 0;
}

/* The group dies first: while its leader is not waited for, nobody else can have the number. */
static int end(struct running *r)
{
	int status = 0;

	kill(-r->pid, SIGKILL);
	while (waitpid(r->pid, &status, 0) < 0 && errno == EINTR)
		;
	if (r->pidfd >= 0)
		close(r->pidfd);
	r->pid = 0;
	return status;
}

static void judge(struct probe *p, int status)
{
	p->alive = WIFEXITED(status) && WEXITSTATUS(status) == 0;
	if (WIFSIGNALED(status))
		snprintf(p->why, sizeof(p->why), "the probe dies of signal %d", WTERMSIG(status));
	else if (!p->alive)
		snprintf(p->why, sizeof(p->why), "the probe exits %d", WEXITSTATUS(status));
}

/* Wait until one of them ends or time is up; false then. */
static bool wait_for_any(const struct running *running, size_t count, long long deadline, struct pollfd *ended)
{
	long long left = deadline - now_ms();

	for (size_t i = 0; i < count; i++)
		ended[i] = (struct pollfd){.fd = running[i].pid ? running[i].pidfd : -1, .events = POLLIN};
	return left > 0 && (poll(ended, count, left) > 0 || errno == EINTR);
}

static int start_all(const char *command, const struct probe *probes, size_t count, struct running *running)
{
	for (size_t i = 0; i < count; i++) {
		int err = start(command, &probes[i], &running[i]);

		if (!err)
			continue;
		for (size_t j = 0; j <= i; j++)
			if (running[j].pid > 0)
				end(&running[j]);
		return err;
	}
	return 0;
}

static int run_batch(const char *command, unsigned int seconds, struct probe *probes, size_t count)
{
	long long deadline = now_ms() + seconds * 1000LL;
	struct running running[AT_ONCE];
	struct pollfd ended[AT_ONCE];
	size_t left = count;
	int err = start_all(command, probes, count, running);

	if (err)
		return err;
	while (left && wait_for_any(running, count, deadline, ended))
		for (size_t i = 0; i < count; i++)
			if (running[i].pid && ended[i].revents) {
				judge(&probes[i], end(&running[i]));
				left--;
			}
	for (size_t i = 0; i < count; i++) {
		if (!running[i].pid)
			continue;
		end(&running[i]);
		probes[i].alive = false;
		snprintf(probes[i].why, sizeof(probes[i].why), "the probe has not ended after %u s", seconds);
	}
	return 0;
}

int probes_run(const char *command, unsigned int seconds, struct probe *probes, size_t count, struct error *e)
{
	fflush(NULL); /* or a child that fails to become the command could write it again */
	for (size_t done = 0; done < count; done += AT_ONCE) {
		size_t batch = count - done < AT_ONCE ? count - done : AT_ONCE;
		int err = run_batch(command, seconds, probes + done, batch);

		if (err)
			return fail(e, err, "--probe: cannot run it: %s", strerror(-err));
	}
	return 0;
}
