// SPDX-License-Identifier: GPL-2.0-only
/*
 * The most memory that a command held resident. A small program of its own, because the kernel counts that from before
 * the command was executed: started from Python it would be Python's.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static void become(char **command)
{
	int nobody = open("/dev/null", O_WRONLY);

	dup2(nobody, STDOUT_FILENO);
	execvp(command[0], command);
	fprintf(stderr, "peak: %s: %s\n", command[0], strerror(errno));
	_exit(127);
}

int main(int argc, char **argv)
{
	struct rusage used;
	int status;
	pid_t child;

	if (argc < 2) {
		fputs("Usage: peak COMMAND [WORD...]\nPrints: peak_kib=N\n", stderr);
		return 2;
	}
	child = fork();
	if (child == 0)
		become(argv + 1);
	if (child < 0 || wait4(child, &status, 0, &used) < 0) {
		perror("peak");
		return EXIT_FAILURE;
	}
	if (!WIFEXITED(status) || WEXITSTATUS(status))
		return EXIT_FAILURE; /* the command has said why */
	printf("peak_kib=%ld\n", used.ru_maxrss);
	return EXIT_SUCCESS;
}
