// SPDX-License-Identifier: GPL-2.0-only
/*
 * Packet generator for a veth: runs gen.bpf.c in live-frame mode (kernel 5.18+) and
 * says how many frames it handed over in what time. What of that arrived is for the
 * receiver's counters to say: a frame that finds the receiver's ring full is lost
 * without notice to us.
 *
 * Runs in the namespace of --iface. Bounded in packets and in time whatever is asked for.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "gen.h"
#include "gen.skel.h"
#include "gen_frame.h"
#include "gen_options.h"
#include "util.h"

/*
 * Packets a system call. Each call ends with a wait for an RCU grace period, so they are many; but not more than take
 * BURST_SECONDS of CPU time, for behind 60,000 rules a packet may take a millisecond, and the clock has to be seen.
 */
#define MAX_BURST     131072
#define BURST_SECONDS 0.05

static volatile sig_atomic_t stopped;

static void on_signal(int signal)
{
	(void)signal;
	stopped = 1;
}

/* The sources of --sources-from, as the map has them. */
struct list {
	unsigned int count;
	__u32 places[GEN_LISTED_MAX];
	__be32 addresses[GEN_LISTED_MAX];
};

static int read_list(const char *path, struct list *list)
{
	_fclose_ FILE *file = fopen(path, "re");
	char line[64];

	if (!file)
		return bad_word("sources-from", path, "a file that can be read");
	while (fgets(line, sizeof(line), file)) {
		line[strcspn(line, "\n")] = '\0';
		if (list->count == GEN_LISTED_MAX)
			return bad_word("sources-from", path, "at most 131072 addresses");
		if (inet_pton(AF_INET, line, &list->addresses[list->count]) != 1)
			return bad_word("sources-from", line, "an IPv4 address");
		list->places[list->count] = list->count;
		list->count++;
	}
	return list->count ? 0 : bad_word("sources-from", path, "at least one address");
}

static int store_list(const struct bpf_map *map, const struct list *list)
{
	__u32 count = list->count;
	int error = count ? bpf_map_update_batch(bpf_map__fd(map), list->places, list->addresses, &count, NULL) : 0;

	if (error)
		fprintf(stderr, "gen: cannot store the sources: %s\n", strerror(-error));
	return error;
}

static int take_cpu(int cpu)
{
	int error = cpu < 0 ? 0 : pin_to_cpu(cpu);

	if (error)
		fprintf(stderr, "gen: --cpu: %d: %s\n", cpu, strerror(-error));
	return error;
}

/* What this thread has used of its CPU: what others took from it meanwhile is not in here. */
static double cpu_used(void)
{
	return read_clock(CLOCK_THREAD_CPUTIME_ID);
}

/* Adds to @sending what the burst took without setting up and waiting for the grace period, in seconds. */
static int run_burst(int program, unsigned char *frame, const struct options *options, unsigned int repeat,
		     double *sending)
{
	LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = frame, .data_size_in = options->size, .repeat = repeat,
		    .flags = BPF_F_TEST_XDP_LIVE_FRAMES, .batch_size = options->batch);
	int error = bpf_prog_test_run_opts(program, &run);

	*sending += run.duration * 1e-9 * repeat;
	/* A signal ends a burst early; the loop above us then ends as well. */
	return error == -EINTR ? 0 : error;
}

/* How many packets BURST_SECONDS allow if @burst of them took @seconds. */
static unsigned int next_burst(unsigned int burst, double seconds)
{
	double next = burst * BURST_SECONDS / seconds;

	return next < 1 ? 1 : next < MAX_BURST ? next : MAX_BURST;
}

/* One call for all that is to be sent: between two calls there would be a gap of a grace period. */
static int run_paced(struct gen_bpf *skeleton, unsigned char *frame, const struct options *options, double *sending)
{
	double packets = options->pps * options->seconds;

	return run_burst(bpf_program__fd(skeleton->progs.generate), frame, options,
			 packets < options->count ? packets : options->count, sending);
}

static int run_bursts(struct gen_bpf *skeleton, unsigned char *frame, const struct options *options, double *sending)
{
	int program = bpf_program__fd(skeleton->progs.generate);
	double end = now() + options->seconds;
	unsigned long long left = options->count;
	unsigned int burst = options->batch;
	int error = 0;

	while (!error && !stopped && left && now() < end) {
		unsigned int repeat = left < burst ? left : burst;
		double before = cpu_used();

		error = run_burst(program, frame, options, repeat, sending);
		left -= repeat;
		burst = next_burst(repeat, cpu_used() - before);
	}
	return error;
}

struct duration {
	double elapsed, cpu, sending; /* seconds */
};

static int flood(struct gen_bpf *skeleton, unsigned char *frame, const struct options *options, struct duration *took)
{
	double start = now(), cpu = cpu_used();
	int error = options->pps ? run_paced(skeleton, frame, options, &took->sending)
				 : run_bursts(skeleton, frame, options, &took->sending);

	took->elapsed = now() - start;
	took->cpu = cpu_used() - cpu;
	if (error)
		fprintf(stderr, "gen: BPF_PROG_RUN: %s\n", strerror(-error));
	return error;
}

static void cleanup_skeleton(struct gen_bpf **skeleton)
{
	gen_bpf__destroy(*skeleton);
}

static int generate(const struct options *options)
{
	__attribute__((cleanup(cleanup_skeleton))) struct gen_bpf *skeleton = NULL;
	unsigned char frame[GEN_MAX_SIZE] = {};
	struct gen_config config = {};
	struct duration took = {};
	static struct list list;
	int error = options->list ? read_list(options->list, &list) : 0;

	if (!error)
		error = build_config(options, list.count, frame, &config);
	if (error)
		return error;
	skeleton = gen_bpf__open();
	if (!skeleton)
		return -errno;
	memcpy((void *)&skeleton->rodata->config, &config, sizeof(config));
	error = gen_bpf__load(skeleton);
	if (!error)
		error = store_list(skeleton->maps.listed, &list);
	if (!error)
		error = take_cpu(options->cpu);
	if (!error)
		error = flood(skeleton, frame, options, &took);
	if (error)
		return error;
	printf("packets=%llu seconds=%.6f cpu=%.6f pps=%.0f sending=%.6f\n", skeleton->bss->sent, took.elapsed,
	       took.cpu, skeleton->bss->sent / took.elapsed, took.sending);
	return 0;
}

int main(int argc, char **argv)
{
	struct options options;
	struct sigaction action = {.sa_handler = on_signal};

	if (parse_options(argc, argv, &options))
		return 2;
	/* No SA_RESTART: the signal has to end the system call. */
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	return generate(&options) ? EXIT_FAILURE : EXIT_SUCCESS;
}
