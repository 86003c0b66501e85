// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include "explain_pcap.h"

#include <errno.h>
#include <jansson.h>
#include <linux/if_ether.h>
#include <netinet/in.h>
#include <pcap/pcap.h>
#include <string.h>

#include "counts.h"
#include "explain.h"
#include "util.h"

/* Headers of `tcpdump -i any` (https://www.tcpdump.org/linktypes.html). */
#define SLL_SIZE      16
#define SLL_PROTOCOL  14
#define SLL2_SIZE     20
#define SLL2_PROTOCOL 0
#define SLL2_TYPE     10
#define SLL_OUTGOING  4

static void close_capture(pcap_t **capture)
{
	if (*capture)
		pcap_close(*capture);
}

#define _capture_ __attribute__((cleanup(close_capture)))

struct run {
	const struct session *session;
	struct explainer ex;
	const enum xdpfw_dir *dir;
	unsigned long packets, cut, refused;
	unsigned long met[4][XDPFW_NR_REASONS]; /* by verdict and reason */
	json_t *list;
};

struct captured {
	struct twin_frame frame;
	bool cut;      /* the file, or the room of a test run, holds less than there was */
	bool outgoing; /* the capture says so */
};

static __u16 read_be16(const __u8 *bytes)
{
	return bytes[0] << 8 | bytes[1];
}

/* How many bytes stand in front of the IP header, and its ethertype; -1 if there is no packet. */
static int link_header(int type, const __u8 *bytes, size_t size, __u16 *ethertype, bool *outgoing)
{
	switch (type) {
	case DLT_LINUX_SLL:
		if (size < SLL_SIZE)
			return -1;
		*ethertype = read_be16(bytes + SLL_PROTOCOL);
		*outgoing = read_be16(bytes) == SLL_OUTGOING;
		return SLL_SIZE;
	case DLT_LINUX_SLL2:
		if (size < SLL2_SIZE)
			return -1;
		*ethertype = read_be16(bytes + SLL2_PROTOCOL);
		*outgoing = bytes[SLL2_TYPE] == SLL_OUTGOING;
		return SLL2_SIZE;
	case DLT_RAW:
	case DLT_IPV4:
	case DLT_IPV6:
		if (size < 1)
			return -1;
		*ethertype = bytes[0] >> 4 == 4 ? ETH_P_IP : ETH_P_IPV6;
		return 0;
	}
	return -1;
}

static bool knows_link_type(int type)
{
	return type == DLT_EN10MB || type == DLT_LINUX_SLL || type == DLT_LINUX_SLL2 || type == DLT_RAW ||
	       type == DLT_IPV4 || type == DLT_IPV6;
}

/* What the capture cut off is padded with zeros, so that the lengths in the headers are true; the judgement needs no more. */
static void copy_frame(int type, const struct pcap_pkthdr *header, const __u8 *bytes, struct captured *c)
{
	size_t skip = 0, put = 0, size, whole;

	memset(c, 0, sizeof(*c));
	if (type != DLT_EN10MB) {
		__u16 ethertype = 0;
		int n = link_header(type, bytes, header->caplen, &ethertype, &c->outgoing);

		if (n < 0)
			return;
		skip = n;
		put = ETH_HLEN;
		c->frame.bytes[0] = c->frame.bytes[ETH_ALEN] = 0x02;
		c->frame.bytes[ETH_HLEN - 2] = ethertype >> 8;
		c->frame.bytes[ETH_HLEN - 1] = ethertype & 0xff;
	}
	size = put + header->caplen - skip;
	whole = put + header->len - skip;
	c->cut = header->caplen < header->len || whole > TWIN_FRAME_MAX;
	size = size > TWIN_FRAME_MAX ? TWIN_FRAME_MAX : size;
	memcpy(c->frame.bytes + put, bytes + skip, size - put);
	c->frame.size = whole > TWIN_FRAME_MAX ? TWIN_FRAME_MAX : whole;
}

static void put_be16(__u8 *bytes, size_t value)
{
	bytes[0] = value >> 8;
	bytes[1] = value & 0xff;
}

/* A packet that a test run has no room for (a segment of 64 KiB that a driver will cut): the same headers over less. */
static void shorten(struct twin_frame *f)
{
	__u16 type = read_be16(f->bytes + ETH_HLEN - 2);
	__u8 *ip = f->bytes + ETH_HLEN, *l4;
	size_t length = f->size - ETH_HLEN;

	if (type == ETH_P_IP && read_be16(ip + 2) > length)
		put_be16(ip + 2, length);
	else if (type == ETH_P_IPV6 && read_be16(ip + 4) > length - 40)
		put_be16(ip + 4, length - 40);
	else
		return;
	l4 = type == ETH_P_IP ? ip + (ip[0] & 15) * 4 : ip + 40;
	if ((type == ETH_P_IP ? ip[9] : ip[6]) == IPPROTO_UDP)
		put_be16(l4 + 4, f->bytes + f->size - l4);
}

static void add_object(struct run *r, const struct explanation *x, const char *packet, const char *rule)
{
	json_array_append_new(r->list, json_pack("{s:I,s:s,s:s,s:s,s:s,s:s?}", "n", (json_int_t)r->packets, "packet",
						 packet, "dir", dir_name(x->dir), "verdict", verdict_name(x->verdict),
						 "reason", reason_name(x->reason), "rule_text", rule));
}

static void tell(struct run *r, const struct explanation *x)
{
	_free_ char *text = explanation_text(x);
	char packet[PACKET_TEXT_MAX], rewritten[PACKET_TEXT_MAX];

	packet_text(&x->packet, packet);
	if (r->list) {
		add_object(r, x, *packet ? packet : "not IP", x->statement ? text : NULL);
		return;
	}
	printf("%-5lu %-6s %-6s %-12s %s", r->packets, dir_name(x->dir), verdict_name(x->verdict),
	       reason_name(x->reason), packet_text(&x->packet, packet));
	if (x->is_rewritten)
		printf(" -> %s", packet_text(&x->rewritten, rewritten));
	if (text && x->n)
		printf("  (rule %u: %s)", x->n, text);
	else if (text)
		printf("  (%s)", text);
	putchar('\n');
}

static enum xdpfw_dir direction(const struct run *r, const struct captured *c)
{
	struct packet p;

	if (r->dir)
		return *r->dir;
	packet_read(&c->frame, &p);
	return c->outgoing ? XDPFW_OUT : guess_direction(&r->ex, &p);
}

/* What the kernel has no test run for is said, not left out. */
static void refuse(struct run *r, const struct captured *c)
{
	struct packet p;
	char text[PACKET_TEXT_MAX];

	r->refused++;
	packet_read(&c->frame, &p);
	if (!r->list)
		printf("%-5lu %-6s %-6s %-12s %s\n", r->packets, "-", "-", "not judged", packet_text(&p, text));
}

static void judge(struct run *r, struct captured *c)
{
	struct explanation x;

	r->packets++;
	r->cut += c->cut;
	if (c->cut && c->frame.size > ETH_HLEN + 48)
		shorten(&c->frame);
	if (c->frame.size < ETH_HLEN || explain(&r->ex, direction(r, c), 0, &c->frame, &x, NULL)) {
		refuse(r, c);
		return;
	}
	r->met[x.verdict][x.reason]++;
	tell(r, &x);
}

static void print_summary(const struct run *r)
{
	printf("%lu packet%s, judged by the policy and the connections of now\n", r->packets,
	       r->packets == 1 ? "" : "s");
	for (int verdict = XDPFW_PASS; verdict <= XDPFW_REJECT; verdict++)
		for (int reason = 0; reason < XDPFW_NR_REASONS; reason++)
			if (r->met[verdict][reason])
				printf("%8lu %-6s %-14s %s\n", r->met[verdict][reason], verdict_name(verdict),
				       reason_name(reason), reason_text(reason));
	if (r->refused)
		printf("%8lu not judged: shorter than the kernel lets a program be tried on\n", r->refused);
	if (r->cut)
		printf("%8lu judged by their headers: the capture or a test run holds no more\n", r->cut);
}

static void print_json(struct run *r)
{
	json_t *reasons = json_array(), *root;

	for (int verdict = XDPFW_PASS; verdict <= XDPFW_REJECT; verdict++)
		for (int reason = 0; reason < XDPFW_NR_REASONS; reason++)
			if (r->met[verdict][reason])
				json_array_append_new(reasons,
						      json_pack("{s:s,s:s,s:I}", "verdict", verdict_name(verdict),
								"reason", reason_name(reason), "packets",
								(json_int_t)r->met[verdict][reason]));
	root = json_pack("{s:O,s:o,s:I,s:I,s:I}", "packets", r->list, "summary", reasons, "count",
			 (json_int_t)r->packets, "not_judged", (json_int_t)r->refused, "cut", (json_int_t)r->cut);
	json_dumpf(root, stdout, JSON_COMPACT);
	putchar('\n');
	json_decref(root);
}

static int judge_all(struct run *r, pcap_t *capture, const char *path, struct error *e)
{
	int type = pcap_datalink(capture), more;
	struct pcap_pkthdr *header;
	const __u8 *bytes;
	struct captured c;

	if (!knows_link_type(type))
		return fail(e, -ENOTSUP, "%s: link type %s: only Ethernet, raw IP and Linux cooked captures are read",
			    path, pcap_datalink_val_to_name(type) ?: "unknown");
	while ((more = pcap_next_ex(capture, &header, &bytes)) == 1) {
		copy_frame(type, header, bytes, &c);
		judge(r, &c);
	}
	return more == PCAP_ERROR ? fail(e, -EIO, "%s: packet %lu: %s", path, r->packets + 1, pcap_geterr(capture)) : 0;
}

int explain_capture(const struct session *s, const char *path, const char *interface, const enum xdpfw_dir *dir,
		    struct error *e)
{
	char why[PCAP_ERRBUF_SIZE];
	_capture_ pcap_t *capture = pcap_open_offline(path, why);
	struct run r = {.session = s, .dir = dir};
	int err;

	if (!capture)
		return fail(e, -EIO, "%s: not a capture that can be read: %s", path, why);
	err = explainer_open(s, interface, NULL, &r.ex, e);
	if (err)
		return err;
	if (s->settings.json)
		r.list = json_array();
	err = judge_all(&r, capture, path, e);
	if (!err && r.list)
		print_json(&r);
	else if (!err)
		print_summary(&r);
	json_decref(r.list);
	explainer_close(&r.ex);
	return err;
}
