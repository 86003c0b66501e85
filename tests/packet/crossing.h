/* SPDX-License-Identifier: GPL-2.0-only */
/* One packet in as many variants as there are checksums. */
#ifndef XDPFW_TESTS_PACKET_CROSSING_H
#define XDPFW_TESTS_PACKET_CROSSING_H

#include "fixture.h"
#include "frames.h"

struct crossing {
	enum hooks hooks;
	enum family family;
	enum way way;
	enum action action; /* PASSED, or what else sends it on */
	struct packet before, after;
};

/*
 * Send the packet with every 16-bit value in its payload: it must come out as the other one, its checksum right. Every
 * value of the payload is every checksum: among them the UDP datagram whose sum would be 0, and the complete
 * one that looks incomplete.
 */
void cross_all(const struct crossing *c);

#endif
