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
#include <getopt.h>
#include <linux/if_ether.h>
#include <net/if.h>
#include <netinet/ether.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "gen.h"
#include "gen.skel.h"
#include "util.h"

#define MAX_COUNT   1000000000ULL
#define MAX_SECONDS 60
#define MAX_SPREAD  65536
#define MAX_SOURCES (1ULL << 32)
#define MAX_PPS     10000000
#define MAX_BATCH   256 /* the kernel's limit, and the length of a veth ring */
#define MIN_SIZE    60
#define MAX_SIZE    1514
/*
 * Packets a system call. Each call ends with a wait for an RCU grace period, so they are many; but not more than take
 * BURST_SECONDS of CPU time, for behind 60,000 rules a packet may take a millisecond, and the clock has to be seen.
 */
#define MAX_BURST     131072
#define BURST_SECONDS 0.05

enum proto { PROTO_UDP, PROTO_SYN, PROTO_ACK };

struct options {
	const char *iface;
	const char *source_text;
	const char *target_text;
	const char *list;
	struct ether_addr target_mac;
	enum proto proto;
	int family;
	unsigned long long sources;
	unsigned int source_ports, target_ports;
	unsigned int source_port, target_port;
	unsigned int size, batch;
	unsigned long long count;
	unsigned int pps; /* 0: as many as go */
	double seconds;
	int cpu; /* -1: anywhere */
};

static volatile sig_atomic_t stopped;

static void on_signal(int signal)
{
	(void)signal;
	stopped = 1;
}

/* --- words ----------------------------------------------------------------------- */

static const char usage[] = "Usage: gen --iface IFACE --dst-mac MAC --src ADDR --dst ADDR [options]\n"
			    "  --family 4|6         4\n"
			    "  --proto WHAT         udp, or TCP segments: syn, ack (udp)\n"
			    "  --sources N          source addresses, from --src on, 1..4294967296 (1)\n"
			    "  --sources-from FILE  IPv4 source addresses, one a line, 1..131072 of them, in turns\n"
			    "  --sport P[+N]        N source ports from P on (40000+1); past 65535 they go on at 0\n"
			    "  --dport P[+N]        N destination ports from P on (9+1)\n"
			    "  --size BYTES         of the frame without its FCS, 60..1514 (60)\n"
			    "  --seconds S          0.01..60 (1, or 60 with --count)\n"
			    "  --count N            packets at most, 1..1000000000\n"
			    "  --pps N              offered rate, a batch at a time, waiting busily (as many as go)\n"
			    "  --batch N            frames sent at once, 1..256 (64)\n"
			    "  --cpu N              pin to this CPU\n"
			    "Prints: packets=N seconds=S cpu=S pps=N sending=S\n";

static int bad_word(const char *option, const char *word, const char *expected)
{
	fprintf(stderr, "gen: --%s: '%s': expected %s\n", option, word, expected);
	return -EINVAL;
}

/* A decimal number of @low..@high at the start of @text; @end gets the place behind it. */
static int read_number(const char *text, unsigned long long low, unsigned long long high, unsigned long long *number,
		       const char **end)
{
	unsigned long long value;
	char *rest;

	if (*text < '0' || *text > '9')
		return -EINVAL;
	errno = 0;
	value = strtoull(text, &rest, 10);
	if (errno || value < low || value > high)
		return -EINVAL;
	*number = value;
	*end = rest;
	return 0;
}

static int parse_number(const char *option, const char *text, unsigned long long low, unsigned long long high,
			unsigned long long *number)
{
	unsigned long long value;
	const char *end;
	char expected[64];

	snprintf(expected, sizeof(expected), "a number of %llu..%llu", low, high);
	if (read_number(text, low, high, &value, &end) || *end)
		return bad_word(option, text, expected);
	*number = value;
	return 0;
}

static int parse_unsigned(const char *option, const char *text, unsigned int low, unsigned int high,
			  unsigned int *number)
{
	unsigned long long value;
	int error = parse_number(option, text, low, high, &value);

	if (!error)
		*number = value;
	return error;
}

static int parse_ports(const char *option, const char *text, unsigned int *first, unsigned int *many)
{
	unsigned long long port, spread = 1;
	const char *end;

	if (read_number(text, 0, 65535, &port, &end))
		return bad_word(option, text, "PORT or PORT+N");
	if (*end == '+' && read_number(end + 1, 1, MAX_SPREAD, &spread, &end))
		return bad_word(option, text, "1..65536 after the +");
	if (*end)
		return bad_word(option, text, "PORT or PORT+N");
	*first = port;
	*many = spread;
	return 0;
}

static int parse_seconds(const char *text, double *seconds)
{
	char *end;
	double value = strtod(text, &end);

	/* Negated, so that "nan" fails as well. */
	if (end == text || *end || !(value >= 0.01 && value <= MAX_SECONDS))
		return bad_word("seconds", text, "0.01..60");
	*seconds = value;
	return 0;
}

static int parse_family(const char *text, int *family)
{
	if (strcmp(text, "4") && strcmp(text, "6"))
		return bad_word("family", text, "4 or 6");
	*family = *text == '4' ? AF_INET : AF_INET6;
	return 0;
}

static int parse_proto(const char *text, enum proto *proto)
{
	static const char *const names[] = {[PROTO_UDP] = "udp", [PROTO_SYN] = "syn", [PROTO_ACK] = "ack"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(text, names[i]))
			continue;
		*proto = (enum proto)i;
		return 0;
	}
	return bad_word("proto", text, "udp, syn or ack");
}

static int parse_mac(const char *text, struct ether_addr *mac)
{
	return ether_aton_r(text, mac) ? 0 : bad_word("dst-mac", text, "a MAC address");
}

enum option_id {
	OPTION_IFACE,
	OPTION_DST_MAC,
	OPTION_FAMILY,
	OPTION_PROTO,
	OPTION_SRC,
	OPTION_DST,
	OPTION_SOURCES,
	OPTION_SOURCES_FROM,
	OPTION_SPORT,
	OPTION_DPORT,
	OPTION_SIZE,
	OPTION_SECONDS,
	OPTION_COUNT,
	OPTION_PPS,
	OPTION_BATCH,
	OPTION_CPU,
	OPTION_HELP,
};

static const struct option option_table[] = {
	{"iface", required_argument, NULL, OPTION_IFACE},
	{"dst-mac", required_argument, NULL, OPTION_DST_MAC},
	{"family", required_argument, NULL, OPTION_FAMILY},
	{"proto", required_argument, NULL, OPTION_PROTO},
	{"src", required_argument, NULL, OPTION_SRC},
	{"dst", required_argument, NULL, OPTION_DST},
	{"sources", required_argument, NULL, OPTION_SOURCES},
	{"sources-from", required_argument, NULL, OPTION_SOURCES_FROM},
	{"sport", required_argument, NULL, OPTION_SPORT},
	{"dport", required_argument, NULL, OPTION_DPORT},
	{"size", required_argument, NULL, OPTION_SIZE},
	{"seconds", required_argument, NULL, OPTION_SECONDS},
	{"count", required_argument, NULL, OPTION_COUNT},
	{"pps", required_argument, NULL, OPTION_PPS},
	{"batch", required_argument, NULL, OPTION_BATCH},
	{"cpu", required_argument, NULL, OPTION_CPU},
	{"help", no_argument, NULL, OPTION_HELP},
	{NULL, 0, NULL, 0},
};

static int parse_option(int id, const char *text, struct options *options)
{
	unsigned int cpu;
	int error;

	switch (id) {
	case OPTION_IFACE:
		options->iface = text;
		return 0;
	case OPTION_DST_MAC:
		return parse_mac(text, &options->target_mac);
	case OPTION_FAMILY:
		return parse_family(text, &options->family);
	case OPTION_PROTO:
		return parse_proto(text, &options->proto);
	case OPTION_SRC:
		options->source_text = text;
		return 0;
	case OPTION_DST:
		options->target_text = text;
		return 0;
	case OPTION_SOURCES:
		return parse_number("sources", text, 1, MAX_SOURCES, &options->sources);
	case OPTION_SOURCES_FROM:
		options->list = text;
		return 0;
	case OPTION_SPORT:
		return parse_ports("sport", text, &options->source_port, &options->source_ports);
	case OPTION_DPORT:
		return parse_ports("dport", text, &options->target_port, &options->target_ports);
	case OPTION_SIZE:
		return parse_unsigned("size", text, MIN_SIZE, MAX_SIZE, &options->size);
	case OPTION_SECONDS:
		return parse_seconds(text, &options->seconds);
	case OPTION_COUNT:
		return parse_number("count", text, 1, MAX_COUNT, &options->count);
	case OPTION_PPS:
		return parse_unsigned("pps", text, 1, MAX_PPS, &options->pps);
	case OPTION_BATCH:
		return parse_unsigned("batch", text, 1, MAX_BATCH, &options->batch);
	case OPTION_CPU:
		error = parse_unsigned("cpu", text, 0, CPU_SETSIZE - 1, &cpu);
		if (!error)
			options->cpu = (int)cpu;
		return error;
	case OPTION_HELP:
		fputs(usage, stdout);
		exit(EXIT_SUCCESS);
	default: /* getopt has already named the word */
		return -EINVAL;
	}
}

static int parse_options(int argc, char **argv, struct options *options)
{
	static const struct ether_addr no_mac;
	int id, error;

	while ((id = getopt_long(argc, argv, "", option_table, NULL)) != -1) {
		error = parse_option(id, optarg, options);
		if (error)
			return error;
	}
	if (optind < argc || !options->iface || !options->source_text || !options->target_text ||
	    !memcmp(&options->target_mac, &no_mac, sizeof(no_mac))) {
		fputs(usage, stderr);
		return -EINVAL;
	}
	if (options->list && options->family != AF_INET)
		return bad_word("sources-from", options->list, "IPv4 sources, which want --family 4");
	if (!options->seconds)
		options->seconds = options->count ? MAX_SECONDS : 1;
	if (!options->count)
		options->count = MAX_COUNT;
	return 0;
}

/* --- the list of sources --------------------------------------------------------- */

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

/* --- the frame ------------------------------------------------------------------- */

/* Both families side by side; only the one asked for is filled. */
struct addresses {
	unsigned char source[16], target[16];
	size_t length;
};

static int parse_addresses(const struct options *options, struct addresses *addresses)
{
	addresses->length = options->family == AF_INET ? 4 : 16;
	if (inet_pton(options->family, options->source_text, addresses->source) != 1)
		return bad_word("src", options->source_text, "an address of the --family");
	if (inet_pton(options->family, options->target_text, addresses->target) != 1)
		return bad_word("dst", options->target_text, "an address of the --family");
	return 0;
}

static __u32 sum_of(const void *data, size_t length)
{
	const unsigned char *bytes = data;
	__u32 sum = 0;
	__u16 word;

	/* Every header and pseudo header here has an even length. */
	for (size_t i = 0; i < length; i += sizeof(word)) {
		memcpy(&word, bytes + i, sizeof(word));
		sum += word;
	}
	return sum;
}

static size_t l4_header_length(const struct options *options)
{
	return options->proto == PROTO_UDP ? sizeof(struct udphdr) : sizeof(struct tcphdr);
}

static int l4_number(const struct options *options)
{
	return options->proto == PROTO_UDP ? IPPROTO_UDP : IPPROTO_TCP;
}

/* Read the interface's own address: the frame should look as if it came from there. */
static int read_source_mac(const char *iface, unsigned char *mac)
{
	_close_ int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq request = {};

	if (fd < 0)
		return -errno;
	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", iface);
	if (ioctl(fd, SIOCGIFHWADDR, &request))
		return -errno;
	memcpy(mac, request.ifr_hwaddr.sa_data, ETH_ALEN);
	return 0;
}

static int write_eth(const struct options *options, unsigned char *frame)
{
	struct ethhdr eth = {.h_proto = htons(options->family == AF_INET ? ETH_P_IP : ETH_P_IPV6)};
	int error = read_source_mac(options->iface, eth.h_source);

	if (error) {
		fprintf(stderr, "gen: --iface: %s: %s\n", options->iface, strerror(-error));
		return error;
	}
	memcpy(eth.h_dest, &options->target_mac, ETH_ALEN);
	memcpy(frame, &eth, sizeof(eth));
	return 0;
}

static void write_ipv4(const struct options *options, const struct addresses *addresses, unsigned char *frame,
		       struct gen_config *config)
{
	struct iphdr ip = {
		.version = 4,
		.ihl = sizeof(ip) / 4,
		.tot_len = htons(options->size - ETH_HLEN),
		.frag_off = htons(IP_DF),
		.ttl = 64,
		.protocol = l4_number(options),
	};

	memcpy(&ip.saddr, addresses->source, sizeof(ip.saddr));
	memcpy(&ip.daddr, addresses->target, sizeof(ip.daddr));
	config->ip_sum_at = ETH_HLEN + offsetof(struct iphdr, check);
	config->source_at = ETH_HLEN + offsetof(struct iphdr, saddr);
	memcpy(frame + ETH_HLEN, &ip, sizeof(ip));
}

static void write_ipv6(const struct options *options, const struct addresses *addresses, unsigned char *frame,
		       struct gen_config *config)
{
	struct ip6_hdr ip = {
		.ip6_flow = htonl(6u << 28),
		.ip6_plen = htons(options->size - ETH_HLEN - sizeof(ip)),
		.ip6_nxt = l4_number(options),
		.ip6_hlim = 64,
	};

	memcpy(&ip.ip6_src, addresses->source, sizeof(ip.ip6_src));
	memcpy(&ip.ip6_dst, addresses->target, sizeof(ip.ip6_dst));
	config->source_at = ETH_HLEN + offsetof(struct ip6_hdr, ip6_src) + 12;
	memcpy(frame + ETH_HLEN, &ip, sizeof(ip));
}

static void write_udp(size_t length, unsigned char *frame, struct gen_config *config)
{
	struct udphdr udp = {.len = htons(length)};

	config->l4_sum_at = config->ports_at + offsetof(struct udphdr, check);
	memcpy(frame + config->ports_at, &udp, sizeof(udp));
}

static void write_tcp(bool is_syn, unsigned char *frame, struct gen_config *config)
{
	struct tcphdr tcp = {
		.seq = htonl(1000),
		.ack_seq = is_syn ? 0 : htonl(1000),
		.doff = sizeof(tcp) / 4,
		.syn = is_syn,
		.ack = !is_syn,
		.window = htons(64240),
	};

	config->l4_sum_at = config->ports_at + offsetof(struct tcphdr, check);
	memcpy(frame + config->ports_at, &tcp, sizeof(tcp));
}

/* RFC 768, 9293 and 8200 (8.1): the addresses, the protocol and the length count, in any order. */
static __u32 pseudo_sum(const struct options *options, const struct addresses *addresses, size_t l4_length)
{
	return sum_of(addresses->source, addresses->length) + sum_of(addresses->target, addresses->length) +
	       htons(l4_number(options)) + htons(l4_length);
}

/* Take the varying 32 bits out of the source address; the program puts them back in, moved on. */
static void split_source(struct addresses *addresses, struct gen_config *config)
{
	unsigned char *last = addresses->source + addresses->length - sizeof(config->source_base);
	__be32 base;

	memcpy(&base, last, sizeof(base));
	config->source_base = ntohl(base);
	memset(last, 0, sizeof(base));
}

/* Fill @config, and @frame with the same headers: what the kernel starts its pages with. */
static int build_frame(const struct options *options, struct addresses *addresses, unsigned char *frame,
		       struct gen_config *config)
{
	size_t l4_length, header_length;
	int error = write_eth(options, frame);

	if (error)
		return error;
	config->ipv4 = options->family == AF_INET;
	config->udp = options->proto == PROTO_UDP;
	config->ports_at = ETH_HLEN + (config->ipv4 ? sizeof(struct iphdr) : sizeof(struct ip6_hdr));
	header_length = config->ports_at + l4_header_length(options);
	config->words = (header_length + 7) / 8;
	if (options->size < config->words * 8) {
		fprintf(stderr, "gen: --size: %u: this kind of frame needs %u\n", options->size, config->words * 8);
		return -EINVAL;
	}
	l4_length = options->size - config->ports_at;

	split_source(addresses, config);
	if (config->ipv4)
		write_ipv4(options, addresses, frame, config);
	else
		write_ipv6(options, addresses, frame, config);
	if (config->udp)
		write_udp(l4_length, frame, config);
	else
		write_tcp(options->proto == PROTO_SYN, frame, config);

	config->ip_sum = sum_of(frame + ETH_HLEN, sizeof(struct iphdr));
	config->l4_sum =
		pseudo_sum(options, addresses, l4_length) + sum_of(frame + config->ports_at, l4_header_length(options));
	memcpy(config->header, frame, config->words * 8);
	return 0;
}

static int build_config(const struct options *options, unsigned int listed, unsigned char *frame,
			struct gen_config *config)
{
	struct addresses addresses = {};
	int error = parse_addresses(options, &addresses);

	if (error)
		return error;
	config->ifindex = if_nametoindex(options->iface);
	config->listed = listed;
	config->sources = options->sources;
	config->source_ports = options->source_ports;
	config->target_ports = options->target_ports;
	config->source_port_base = options->source_port;
	config->target_port_base = options->target_port;
	config->interval = options->pps ? 1000000000 / options->pps : 0;
	return build_frame(options, &addresses, frame, config);
}

/* --- the run --------------------------------------------------------------------- */

static int pin_to_cpu(int cpu)
{
	cpu_set_t set;

	if (cpu < 0)
		return 0;
	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (!sched_setaffinity(0, sizeof(set), &set))
		return 0;
	fprintf(stderr, "gen: --cpu: %d: %s\n", cpu, strerror(errno));
	return -errno;
}

static double read_clock(clockid_t clock)
{
	struct timespec time;

	clock_gettime(clock, &time);
	return time.tv_sec + time.tv_nsec / 1e9;
}

static double now(void)
{
	return read_clock(CLOCK_MONOTONIC);
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
	unsigned char frame[MAX_SIZE] = {};
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
		error = pin_to_cpu(options->cpu);
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
	struct options options = {
		.family = AF_INET,
		.proto = PROTO_UDP,
		.sources = 1,
		.source_ports = 1,
		.target_ports = 1,
		.source_port = 40000,
		.target_port = 9,
		.size = MIN_SIZE,
		.batch = 64,
		.cpu = -1,
	};
	struct sigaction action = {.sa_handler = on_signal};

	if (parse_options(argc, argv, &options))
		return 2;
	/* No SA_RESTART: the signal has to end the system call. */
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	return generate(&options) ? EXIT_FAILURE : EXIT_SUCCESS;
}
