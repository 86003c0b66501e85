// SPDX-License-Identifier: GPL-2.0-only
/*
 * Request latency: a datagram to a service, and its answer. Both ends are in this one thread, so what is measured
 * is the two ways through the stacks and the firewall, and what stands in their way there, but no scheduling of a server.
 *
 * Requests are due at fixed times, whatever became of the ones before: a request that could not be sent when it was due
 * counts from then, so that one long wait is not seen once but by all that would have come meanwhile.
 */
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "ends.h"
#include "util.h"

#define MAX_REQUESTS 1000000
#define TIMEOUT_US   20000 /* then it is lost, and counts as so long */

static const char usage[] = "Usage: ask CLIENT-NETNS SERVER-NETNS ADDRESS PORT CPU REQUESTS-PER-SECOND SECONDS\n"
			    "Prints: requests=N lost=N p50=US p99=US max=US\n";

static void bound_waiting(int fd)
{
	struct timeval limit = {.tv_usec = TIMEOUT_US};

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
}

/*
 * Ahead of all that is not real-time: what is asked is how long a packet waits, not how long this thread waits for a CPU.
 * Due to the microsecond, not to the 50 that are usual. Where neither is allowed, the figures are merely worse.
 */
static void wait_for_packets_only(void)
{
	struct sched_param least = {.sched_priority = 1};

	sched_setscheduler(0, SCHED_FIFO, &least);
	prctl(PR_SET_TIMERSLACK, 1);
}

/* Wait for datagram @number; older ones are those that came too late. */
static int await(int fd, unsigned int number, struct sockaddr_in *from)
{
	socklen_t length = sizeof(*from);
	unsigned int heard;

	do {
		if (recvfrom(fd, &heard, sizeof(heard), 0, (struct sockaddr *)from, &length) != sizeof(heard))
			return errno == EAGAIN ? -EAGAIN : -EPROTO;
	} while (heard != number);
	return 0;
}

static int ask(const struct ends *ends, unsigned int number)
{
	struct sockaddr_in from;
	int error;

	if (send(ends->client, &number, sizeof(number), 0) < 0)
		return -errno;
	error = await(ends->server, number, &from);
	if (error)
		return error;
	if (sendto(ends->server, &number, sizeof(number), 0, (struct sockaddr *)&from, sizeof(from)) < 0)
		return -errno;
	return await(ends->client, number, &from);
}

static int ask_when_due(const struct ends *ends, unsigned int number, double due, double *took)
{
	bool late = now() > due;
	double begun;
	int error;

	if (!late)
		sleep_until(due);
	begun = late ? due : now();
	error = ask(ends, number);
	*took = (now() - begun) * 1e6;
	return error;
}

static int ascending(const void *a, const void *b)
{
	double left = *(const double *)a, right = *(const double *)b;

	return (left > right) - (left < right);
}

static void print_result(double *took, unsigned int requests, unsigned int lost)
{
	qsort(took, requests, sizeof(*took), ascending);
	printf("requests=%u lost=%u p50=%.2f p99=%.2f max=%.2f\n", requests, lost, took[requests / 2],
	       took[requests * 99ULL / 100], took[requests - 1]);
}

static int ask_for(const struct ends *ends, unsigned int rate, double seconds)
{
	double wanted = rate * seconds, start = now();
	unsigned int requests = wanted < 1 ? 1 : wanted < MAX_REQUESTS ? wanted : MAX_REQUESTS, lost = 0;
	_free_ double *took = calloc(requests, sizeof(*took));

	if (!took)
		return -ENOMEM;
	for (unsigned int i = 0; i < requests; i++) {
		int error = ask_when_due(ends, i, start + (double)i / rate, &took[i]);

		if (error && error != -EAGAIN)
			return error;
		lost += error == -EAGAIN;
	}
	print_result(took, requests, lost);
	return 0;
}

static int run(char **words)
{
	_ends_ struct ends ends = ENDS_CLOSED;
	int error = pin_to_cpu(atoi(words[5]));

	if (!error)
		error = open_ends(words, &ends);
	if (error)
		return error;
	bound_waiting(ends.client);
	bound_waiting(ends.server);
	wait_for_packets_only();
	return ask_for(&ends, atoi(words[6]), atof(words[7]));
}

int main(int argc, char **argv)
{
	int error;

	if (argc != 8) {
		fputs(usage, stderr);
		return 2;
	}
	error = run(argv);
	if (error)
		fprintf(stderr, "ask: %s\n", strerror(-error));
	return error ? EXIT_FAILURE : EXIT_SUCCESS;
}
