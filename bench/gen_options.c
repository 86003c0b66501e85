// SPDX-License-Identifier: GPL-2.0-only
#include "gen_options.h"

#include <errno.h>
#include <getopt.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define MAX_COUNT   1000000000ULL
#define MAX_SECONDS 60
#define MAX_SPREAD  65536
#define MAX_SOURCES (1ULL << 32)
#define MAX_PPS     10000000
#define MAX_BATCH   256 /* the kernel's limit, and the length of a veth ring */
#define MIN_SIZE    60

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

int bad_word(const char *option, const char *word, const char *expected)
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
		return parse_unsigned("size", text, MIN_SIZE, GEN_MAX_SIZE, &options->size);
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

static const struct options defaults = {
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

int parse_options(int argc, char **argv, struct options *options)
{
	static const struct ether_addr no_mac;
	int id, error;

	*options = defaults;
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
