/* SPDX-License-Identifier: GPL-2.0-only */
/* One packet, from words to bytes and back: what `explain` asks about. */
#ifndef XDPFW_USER_PACKET_H
#define XDPFW_USER_PACKET_H

#include <linux/types.h>
#include <stdbool.h>

#include "twin.h"
#include "xdpfw/addr.h"

struct packet {
	__u8 family;   /* 4 or 6; 0: not IP */
	__u8 protocol; /* IPPROTO_* */
	struct xdpfw_addr from, to;
	bool has_ports; /* of TCP, UDP, SCTP, where the header is there */
	__u16 from_port, to_port;
	__u8 tcp_flags;
	__u8 icmp_type, icmp_code;
	__u16 echo_id;
};

enum { TCP_FLAG_FIN = 0x01, TCP_FLAG_SYN = 0x02, TCP_FLAG_RST = 0x04, TCP_FLAG_ACK = 0x10 };

/* The Ethernet frame of an honest sender: lengths, checksums and hop limit are right, and a SYN carries no data. */
void packet_build(const struct packet *p, struct twin_frame *f);

/* What can be read of a frame, for a person; what cannot stays 0. The judgement is the twin's, not ours. */
void packet_read(const struct twin_frame *f, struct packet *p);

/* "192.0.2.1:22", "[2001:db8::1]:22", "192.0.2.1" */
#define PACKET_ENDPOINT_MAX 72
const char *packet_endpoint(const struct packet *p, const struct xdpfw_addr *addr, __u16 port,
			    char text[PACKET_ENDPOINT_MAX]);

/* "tcp 198.51.100.7:5555 > 192.0.2.1:22 SYN" */
#define PACKET_TEXT_MAX 224
const char *packet_text(const struct packet *p, char text[PACKET_TEXT_MAX]);

#endif
