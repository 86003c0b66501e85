// SPDX-License-Identifier: GPL-2.0-only
/*
 * What an XDP program costs for a bare ACK, by BPF_PROG_TEST_RUN: one segment of each of many connections in turns.
 * First each is asked about once, so that the time is known to be that of the right verdict.
 *
 * Runs in the namespace of the connections, whose remote end is SOURCE:SPORT.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "segments.skel.h"
#include "util.h"

static const char usage[] = "Usage: segments PROGRAM-ID pass|drop SOURCE SPORT TARGET FIRST-PORT CONNECTIONS REPEAT\n"
			    "Prints: ns=N\n";

struct question {
	unsigned int program, source_port, first_port, connections, repeat;
	enum xdp_action verdict;
	struct in_addr source, target;
};

static int parse_words(char **words, struct question *q)
{
	q->program = strtoul(words[1], NULL, 10);
	q->verdict = strcmp(words[2], "pass") == 0 ? XDP_PASS : XDP_DROP;
	q->source_port = strtoul(words[4], NULL, 10);
	q->first_port = strtoul(words[6], NULL, 10);
	q->connections = strtoul(words[7], NULL, 10);
	q->repeat = strtoul(words[8], NULL, 10);
	if (!inet_aton(words[3], &q->source) || !inet_aton(words[5], &q->target) || !q->connections ||
	    q->first_port + q->connections > 65536 || !q->repeat)
		return -EINVAL;
	return 0;
}

/* No checksums: the programs under test read none. */
static void build_frame(const struct question *q, unsigned char frame[ETH_ZLEN])
{
	struct ethhdr *eth = (void *)frame;
	struct iphdr *ip = (void *)(eth + 1);
	struct tcphdr *tcp = (void *)(ip + 1);

	memset(frame, 0, ETH_ZLEN);
	eth->h_proto = htons(ETH_P_IP);
	*ip = (struct iphdr){.version = 4, .ihl = 5, .tot_len = htons(40), .ttl = 64, .protocol = IPPROTO_TCP};
	ip->saddr = q->source.s_addr;
	ip->daddr = q->target.s_addr;
	*tcp = (struct tcphdr){.source = htons(q->source_port), .seq = htonl(1), .doff = 5, .ack = 1};
	tcp->window = htons(1000);
}

static int ask(int fd, unsigned char *frame, unsigned int repeat, unsigned int *verdict)
{
	LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = frame, .data_size_in = ETH_ZLEN, .repeat = repeat);
	int error = bpf_prog_test_run_opts(fd, &run);

	*verdict = run.retval;
	return error;
}

static double cpu_used(void)
{
	struct timespec time;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
	return time.tv_sec * 1e9 + time.tv_nsec;
}

static int check_verdicts(int fd, unsigned char *frame, const struct question *q)
{
	for (unsigned int i = 0; i < q->connections; i++) {
		unsigned int verdict;
		int error = ask(fd, frame, 1, &verdict);

		if (error)
			return error;
		if (verdict != q->verdict) {
			fprintf(stderr, "segments: verdict %u, and %u was wanted\n", verdict, q->verdict);
			return -EPROTO;
		}
	}
	return 0;
}

static int measure(int fd, const struct question *q)
{
	unsigned char frame[ETH_ZLEN];
	unsigned int verdict;
	double start;
	int error;

	build_frame(q, frame);
	error = check_verdicts(fd, frame, q);
	start = cpu_used();
	if (!error)
		error = ask(fd, frame, q->repeat, &verdict);
	if (!error)
		printf("ns=%.2f\n", (cpu_used() - start) / q->repeat);
	return error;
}

static void destroy_skeleton(struct segments_bpf **skeleton)
{
	segments_bpf__destroy(*skeleton);
}

static int run(const struct question *q)
{
	__attribute__((cleanup(destroy_skeleton))) struct segments_bpf *skeleton = segments_bpf__open();
	_close_ int judge = bpf_prog_get_fd_by_id(q->program);
	__u32 zero = 0;

	if (!skeleton || judge < 0)
		return -errno;
	skeleton->rodata->first_port = q->first_port;
	skeleton->rodata->connections = q->connections;
	if (segments_bpf__load(skeleton) ||
	    bpf_map_update_elem(bpf_map__fd(skeleton->maps.judge), &zero, &judge, BPF_ANY))
		return -errno;
	return measure(bpf_program__fd(skeleton->progs.segments), q);
}

int main(int argc, char **argv)
{
	struct question q;
	int error;

	if (argc != 9 || parse_words(argv, &q)) {
		fputs(usage, stderr);
		return 2;
	}
	error = run(&q);
	if (error)
		fprintf(stderr, "segments: %s\n", strerror(-error));
	return error ? EXIT_FAILURE : EXIT_SUCCESS;
}
