// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include "capture.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <string.h>

#include "pcapng.h"
#include "util.h"

int capture_open(struct capture *c, const char *path, struct error *e)
{
	bool standard = strcmp(path, "-") == 0;
	_close_ int fd = standard ? dup(STDOUT_FILENO) : open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	memset(c, 0, sizeof(*c));
	c->file = fd < 0 ? NULL : fdopen(fd, "w");
	if (!c->file)
		return fail(e, -errno, "%s: %s", path, strerror(errno));
	steal_fd(&fd);
	if (pcapng_begin(c->file, "xdpfw " XDPFW_VERSION)) {
		capture_close(c);
		return fail(e, -EIO, "%s: cannot write", path);
	}
	return 0;
}

void capture_close(struct capture *c)
{
	if (c->file)
		fclose(c->file);
	free(c->interfaces);
	memset(c, 0, sizeof(*c));
}

/* The place of the packet's interface in the file, described on first sight. */
static int find_interface(struct capture *c, const struct xdpfw_event *raw, const char *name, __u32 *place)
{
	void *more;
	int err;

	for (*place = 0; *place < c->count; (*place)++)
		if (c->interfaces[*place].ifindex == raw->ifindex && c->interfaces[*place].has_l2 == raw->has_l2)
			return 0;
	more = realloc(c->interfaces, (c->count + 1) * sizeof(*c->interfaces));
	if (!more)
		return -ENOMEM;
	c->interfaces = more;
	err = pcapng_interface(c->file, name, raw->has_l2 ? PCAPNG_ETHERNET : PCAPNG_RAW, XDPFW_LOG_FRAME);
	if (err)
		return err;
	c->interfaces[c->count].ifindex = raw->ifindex;
	c->interfaces[c->count++].has_l2 = raw->has_l2;
	return 0;
}

/* What the program returned, as far as the decision tells. */
static __u64 returned(const struct xdpfw_event *raw)
{
	switch (xdpfw_verdict_of(raw->decision)) {
	case XDPFW_PASS:
		return raw->xdp ? XDP_PASS : (__u64)TC_ACT_UNSPEC;
	case XDPFW_REJECT:
		return raw->xdp ? XDP_TX : TC_ACT_REDIRECT;
	default:
		return raw->xdp ? XDP_DROP : TC_ACT_SHOT;
	}
}

int capture_write(struct capture *c, const struct xdpfw_event *raw, const struct log_event *le)
{
	_free_ char *comment = log_event_comment(le);
	struct pcapng_packet packet = {
		.time_ns = le->event.time_ns,
		.bytes = raw->frame,
		.captured = raw->captured,
		.length = raw->length,
		.outbound = raw->dir == XDPFW_OUT,
		.hook = raw->xdp ? PCAPNG_XDP : PCAPNG_TC,
		.verdict = returned(raw),
		.comment = comment,
	};
	int err = comment ? find_interface(c, raw, le->event.interface, &packet.interface) : -ENOMEM;

	return err ? err : pcapng_packet(c->file, &packet);
}
