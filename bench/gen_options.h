/* SPDX-License-Identifier: GPL-2.0-only */
/* What gen was asked for, and how its words are read. */
#ifndef XDPFW_BENCH_GEN_OPTIONS_H
#define XDPFW_BENCH_GEN_OPTIONS_H

#include <netinet/ether.h>

#define GEN_MAX_SIZE 1514

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

/* Say which word is wrong, and what was expected; -EINVAL. */
int bad_word(const char *option, const char *word, const char *expected);

/* 0, or -EINVAL once the mistake is named. */
int parse_options(int argc, char **argv, struct options *options);

#endif
