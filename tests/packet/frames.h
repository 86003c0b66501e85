/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Frames by hand: from a description in words to bytes with correct lengths and
 * checksums, in either family.
 *
 *	struct packet syn = TCP(22, SYN, .tags = {{VLAN, 5}});
 *	struct frame f;
 *
 *	build(&f, &syn, V6, ARRIVES);
 *
 * What a description leaves out is ordinary: from the peer to the host (or back,
 * for a packet that leaves), hop limit 64, source port 40000, 16 bytes of payload.
 * What is wrong about a packet is written last, as *lies*, over correct bytes.
 */
#ifndef XDPFW_TESTS_PACKET_FRAMES_H
#define XDPFW_TESTS_PACKET_FRAMES_H

#include <linux/types.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>

/* An initializer from a macro. */
#define BRACED(...)                                                                                                    \
	{                                                                                                              \
		__VA_ARGS__                                                                                            \
	}

enum family { V4 = 1 << 0, V6 = 1 << 1 };

enum way { ARRIVES, LEAVES };

#define ETHERNET_SIZE 14
#define FRAME_MAX     9216

struct frame {
	size_t size;
	size_t l3; /* where the IP header begins */
	size_t l4;
	unsigned char bytes[FRAME_MAX];
};

/*
 * Addresses by the part they play; each exists in both families but MAPPED. The
 * first two bytes behind the twelfth of every ordinary packet (from HOST, PEER or
 * OTHER) spell its own ethertype: see fixture.c on interfaces without Ethernet.
 */
enum place {
	ORDINARY, /* PEER as the sender of what arrives, HOST as its receiver; the reverse for what leaves */
	HOST,
	PEER,
	OTHER,
	UNSPECIFIED,
	LOOPBACK,
	GROUP, /* multicast */
	BROADCAST,
	MDNS_GROUP,
	LINK_LOCAL,
	MAPPED, /* IPv6 only: ::ffff:8.0.0.2 */
	NR_PLACES,
};

enum tcp_flags { FIN = 1, SYN = 2, RST = 4, PSH = 8, ACK = 16, URG = 32, ECE = 64, CWR = 128 };

enum ethertypes { IPV4_TYPE = 0x0800, ARP = 0x0806, VLAN = 0x8100, IPV6_TYPE = 0x86dd, QINQ = 0x88a8, LLDP = 0x88cc };

struct tag {
	__u16 type; /* VLAN or QINQ */
	__u16 id;
};

/* An IPv6 extension header. */
struct extension {
	__u8 type;
	__u16 size; /* bytes; 0: the usual ones, 8 (AH: 24) */
	__u8 routing_type;
};

/* For IPv6 the fragment header stands where the chain names it, else last. */
struct fragment {
	bool given;
	bool more;
	__u16 offset; /* bytes */
	__u32 id;
};

struct bytes {
	const void *data;
	size_t size;
};
#define BYTES(literal) BRACED(literal, sizeof(literal) - 1)

/* A number written over the finished packet, in network byte order. */
enum layer { NO_LIE, AT_IP, AT_L4 };

struct lie {
	enum layer layer;
	__u16 offset;
	__u8 size;
	__u32 value;
};

#define NO_DATA (-1)

struct packet {
	/* Ethernet */
	struct tag tags[6];
	__u16 ethertype; /* 0: the family's */
	bool to_group;   /* the destination has the group bit */

	/* IP */
	enum place from, to;
	__u8 hop_limit;
	__u8 protocol;             /* IPPROTO_ICMP stands for ICMPv6, too */
	struct bytes options;      /* IPv4: a multiple of 4 */
	struct extension chain[9]; /* IPv6: ends with type 0 and size 0 */
	struct fragment fragment;
	bool headless; /* payload where the L4 header would be */

	/* TCP, UDP, SCTP */
	__u16 sport, dport;
	__u8 flags;
	__u32 seq, ack;
	bool no_checksum; /* UDP: 0 */

	/* ICMP, ICMPv6 */
	__u8 type[2], code[2]; /* [0] IPv4, [1] IPv6 */
	__u16 id;
	const struct packet *quoted; /* an error: the packet it is about, which went the other way */
	__u16 quoted_l4;             /* bytes of it behind the IP header; 0: 8 */

	int data;   /* bytes of payload; 0: 16 */
	__u16 word; /* the first two of them */
	int longer; /* added to the length in the IP header */
	struct lie lies[3];
	size_t trailer; /* bytes behind the datagram, each two of them the port 22 */
};

#define TCP(port, bits, ...) BRACED(.protocol = IPPROTO_TCP, .dport = (port), .flags = (bits), ##__VA_ARGS__)
#define UDP(port, ...)       BRACED(.protocol = IPPROTO_UDP, .dport = (port), ##__VA_ARGS__)
#define SCTP(port, ...)      BRACED(.protocol = IPPROTO_SCTP, .dport = (port), ##__VA_ARGS__)
#define ICMP(kind, ...)      BRACED(.protocol = IPPROTO_ICMP, .type = kind, ##__VA_ARGS__)
#define RAW(number, ...)     BRACED(.protocol = (number), .headless = true, ##__VA_ARGS__)

/* Types with a meaning in both families, for ICMP(). */
#define ECHO_REQUEST      BRACED(8, 128)
#define ECHO_REPLY        BRACED(0, 129)
#define UNREACHABLE       BRACED(3, 1)
#define TIME_EXCEEDED     BRACED(11, 3)
#define PARAMETER_PROBLEM BRACED(12, 4)
#define PORT_UNREACHABLE  BRACED(3, 4) /* as a code */

/* For the chain. */
#define HOP_BY_HOP      BRACED(.type = IPPROTO_HOPOPTS, .size = 8)
#define DESTINATION     BRACED(.type = IPPROTO_DSTOPTS)
#define ROUTING(number) BRACED(.type = IPPROTO_ROUTING, .size = 24, .routing_type = number)
#define AUTHENTICATION  BRACED(.type = IPPROTO_AH)
#define FRAGMENT_HEADER BRACED(.type = IPPROTO_FRAGMENT)

void build(struct frame *f, const struct packet *p, enum family family, enum way way);

/* The same frame as an interface without an Ethernet header shows it. */
void strip_ethernet(struct frame *f);

/* The datagram ends at @size bytes of the frame, and says so. */
void shorten(struct frame *f, enum family family, size_t size);

/* Sum up again: is every checksum of this frame (no fragment, no lie) right? */
bool checksums_hold(const struct frame *f, enum family family);

/* Does the checksum of TCP or UDP happen to be what an incomplete one holds, the sum of the pseudo-header? */
bool looks_incomplete(const struct frame *f, enum family family);

const char *address(enum place place, enum family family);
const char *family_name(enum family family);

#endif
