/* SPDX-License-Identifier: GPL-2.0-only */
/* What a driver does by itself, as ethtool shows it. */
#ifndef XDPFW_USER_OFFLOADS_H
#define XDPFW_USER_OFFLOADS_H

#include <stdbool.h>

struct offloads {
	bool lro;            /* joins packets into ones that no XDP program could cut again */
	bool gro_hw;         /* the same in hardware, made to be cut again */
	unsigned int queues; /* that receive; 0: not known */
	unsigned int most_queues;
};

/* What cannot be read stays off, or not known. */
void offloads_read(const char *interface, struct offloads *offloads);

#endif
