// SPDX-License-Identifier: GPL-2.0-only
/*
 * From typed to enforced: start a command that opens a port, send it a datagram every few microseconds, and say when the
 * first one came through, and when the command was done. Both ends of the probe are in this one thread.
 */
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "ends.h"
#include "util.h"

#define INTERVAL 20e-6 /* seconds from probe to probe: the resolution */
#define PATIENCE 30.0  /* seconds for the command and the first probe behind it */

static const char usage[] = "Usage: probe CLIENT-NETNS SERVER-NETNS ADDRESS PORT CPU COMMAND [WORD...]\n"
			    "Prints: enforced=MS ended=MS\n";

extern char **environ;

static int gets_through(const struct ends *ends)
{
	char heard;

	if (send(ends->client, "?", 1, 0) < 0)
		return -errno;
	return recv(ends->server, &heard, 1, MSG_DONTWAIT) == 1;
}

/* Returns 0 once a probe has come through, at @when. */
static int await_passage(const struct ends *ends, double start, double *when)
{
	while (now() - start < PATIENCE) {
		int through = gets_through(ends);

		if (through < 0)
			return through;
		if (through) {
			*when = now();
			return 0;
		}
		sleep_until(now() + INTERVAL);
	}
	return -ETIMEDOUT;
}

/* The command's exit status as an error. */
static int await_end(pid_t child, double *when)
{
	int status;

	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	*when = now();
	return WIFEXITED(status) && !WEXITSTATUS(status) ? 0 : -ECHILD;
}

/* Start @command with its words to nobody: stdout is for the result. */
static int start_command(char **command, pid_t *child)
{
	posix_spawn_file_actions_t actions;
	int error = posix_spawn_file_actions_init(&actions);

	if (error)
		return -error;
	error = posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
	if (!error)
		error = posix_spawnp(child, command[0], &actions, NULL, command, environ);
	posix_spawn_file_actions_destroy(&actions);
	return -error;
}

static int probe(const struct ends *ends, int cpu, char **command)
{
	double start, enforced = 0, ended = 0;
	int error, failed;
	pid_t child;

	if (gets_through(ends))
		return -EEXIST; /* nothing to wait for */
	start = now();
	error = start_command(command, &child);
	if (error)
		return error;
	/* Only now, and only this process: the command may run where it likes. */
	error = pin_to_cpu(cpu);
	if (!error)
		error = await_passage(ends, start, &enforced);
	if (error)
		kill(child, SIGTERM);
	failed = await_end(child, &ended);
	if (!error && !failed)
		printf("enforced=%.3f ended=%.3f\n", (enforced - start) * 1e3, (ended - start) * 1e3);
	return error ? error : failed;
}

static int run(char **words)
{
	_ends_ struct ends ends = ENDS_CLOSED;
	int error = open_ends(words, &ends);

	if (error)
		return error;
	prctl(PR_SET_TIMERSLACK, 1);
	return probe(&ends, atoi(words[5]), words + 6);
}

int main(int argc, char **argv)
{
	int error;

	if (argc < 7) {
		fputs(usage, stderr);
		return 2;
	}
	error = run(argv);
	if (error)
		fprintf(stderr, "probe: %s\n", error == -EEXIST ? "the port is open already" : strerror(-error));
	return error ? EXIT_FAILURE : EXIT_SUCCESS;
}
