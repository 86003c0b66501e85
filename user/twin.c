// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include "twin.h"

#include <bpf/bpf.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "datapath.h"
#include "util.h"
#include "xdpfw/twin.h"

#define PREFIX "twin_"

/* One inbound twin for each kind of interface. What leaves, and what rewrites behind XDP, is the same in all. */
static const char *in_name(enum xdpfw_in_hook hook)
{
	return hook == XDPFW_IN_NATIVE ? "native" : hook == XDPFW_IN_GENERIC ? "generic" : "tc";
}

/* The build is part of the name, so that a pin is never another's, whoever puts it there and when. */
static void pin_path(const struct instance *in, const char *name, char path[PATH_MAX])
{
	char pin[48];

	snprintf(pin, sizeof(pin), PREFIX "%s_%016llx", name, (unsigned long long)datapath_build());
	instance_pin(in, pin, path);
}

void twins_forget_others(const struct instance *in)
{
	DIR *dir = opendir(in->pin_dir);
	struct dirent *entry;
	char ours[32], path[PATH_MAX];

	snprintf(ours, sizeof(ours), "_%016llx", (unsigned long long)datapath_build());
	while (dir && (entry = readdir(dir)))
		if (strncmp(entry->d_name, PREFIX, strlen(PREFIX)) == 0 && !strstr(entry->d_name, ours))
			unlink(instance_pin(in, entry->d_name, path));
	if (dir)
		closedir(dir);
}

static int open_pinned(const struct instance *in, const char *name)
{
	char path[PATH_MAX];

	pin_path(in, name, path);
	return bpf_obj_get(path);
}

/* Pins and descriptors of one interface's twins. */
struct part {
	const char *name;
	int *fd;
	int (*program)(const struct datapath *dp);
};

#define NR_PARTS 3

static size_t list_parts(const struct xdpfw_iface *iface, struct twins *t, struct part parts[NR_PARTS])
{
	parts[0] = (struct part){in_name(iface->in_hook), &t->in, datapath_in};
	parts[1] = (struct part){"out", &t->out, datapath_out};
	parts[2] = (struct part){"swap", &t->swap, datapath_swap};
	return t->xdp ? NR_PARTS : NR_PARTS - 1;
}

/* Under the lock, so that no `unload` removes the directory meanwhile. Whoever cannot have it does without pins. */
static void pin_parts(const struct instance *in, const struct part *parts, size_t count)
{
	struct instance writer = *in;
	char path[PATH_MAX];

	if (!instance_try_lock(&writer))
		return;
	if (access(instance_pin(in, "control", path), F_OK) == 0) {
		for (size_t i = 0; i < count; i++) {
			pin_path(in, parts[i].name, path);
			bpf_obj_pin(*parts[i].fd, path);
		}
	}
	instance_close(&writer);
}

static int load_parts(const struct instance *in, const struct xdpfw_iface *iface, const struct part *parts,
		      size_t count, struct error *e)
{
	struct flavour flavour = {.in_hook = iface->in_hook, .filter = true, .swap = true, .observe = true};
	struct datapath *dp;
	int err = datapath_load(in, &flavour, &dp, e);

	if (err)
		return err;
	for (size_t i = 0; !err && i < count; i++) {
		cleanup_close(parts[i].fd);
		*parts[i].fd = fcntl(parts[i].program(dp), F_DUPFD_CLOEXEC, 0);
		if (*parts[i].fd < 0)
			err = fail(e, -errno, "cannot keep a program: %s", strerror(errno));
	}
	datapath_free(dp);
	if (!err)
		pin_parts(in, parts, count);
	return err;
}

int twins_open(const struct instance *in, const struct xdpfw_control *control, const struct xdpfw_iface *iface,
	       struct twins *t, struct error *e)
{
	struct part parts[NR_PARTS];
	size_t count, found = 0;
	int err = 0;

	*t = (struct twins){
		.in = -1, .swap = -1, .out = -1, .xdp = iface->in_hook != XDPFW_IN_TC, .ifindex = iface->ifindex};
	if (control->build != datapath_build())
		return fail(e, -EIO,
			    "%s: filtered by the programs of another build of xdpfw, which cannot be asked; "
			    "`xdpfw load %s` puts ours in their place",
			    iface->name, iface->name);
	count = list_parts(iface, t, parts);
	for (size_t i = 0; i < count; i++)
		found += (*parts[i].fd = open_pinned(in, parts[i].name)) >= 0;
	if (found < count)
		err = load_parts(in, iface, parts, count, e);
	if (err)
		twins_close(t);
	return err;
}

void twins_close(struct twins *t)
{
	cleanup_close(&t->in);
	cleanup_close(&t->swap);
	cleanup_close(&t->out);
	t->in = t->swap = t->out = -1;
}

/* The context of a test run: which interface the frame arrives on or leaves by. */
union context {
	struct xdp_md xdp;
	struct __sk_buff skb;
};

static void run_options(const struct twins *t, int program, const struct sender *sender, const struct twin_frame *f,
			union context *ctx, struct bpf_test_run_opts *opts)
{
	bool xdp = t->xdp && program == t->in;

	memset(ctx, 0, sizeof(*ctx));
	if (xdp) {
		ctx->xdp.data_end = f->size;
		ctx->xdp.ingress_ifindex = t->ifindex;
	} else {
		ctx->skb.ifindex = t->ifindex;
		ctx->skb.cb[XDPFW_TWIN_FORWARDED] = sender->forwarded;
		ctx->skb.cb[XDPFW_TWIN_USER] = sender->user;
	}
	*opts = (struct bpf_test_run_opts){
		.sz = sizeof(*opts),
		.data_in = f->bytes,
		.data_size_in = f->size,
		.ctx_in = ctx,
		.ctx_size_in = xdp ? sizeof(ctx->xdp) : sizeof(ctx->skb),
		.repeat = 1,
	};
}

static int refused(int err, struct error *e)
{
	return fail(e, err, "the kernel does not run a program on this packet: %s", strerror(-err));
}

static int run(const struct twins *t, int program, const struct sender *sender, struct twin_frame *f, __u32 *decision,
	       struct error *e)
{
	struct bpf_test_run_opts opts;
	union context ctx;
	struct twin_frame out;
	int err;

	run_options(t, program, sender, f, &ctx, &opts);
	opts.data_out = out.bytes;
	opts.data_size_out = sizeof(out.bytes);
	err = bpf_prog_test_run_opts(program, &opts);
	if (err)
		return refused(err, e);
	memcpy(f->bytes, out.bytes, opts.data_size_out);
	f->size = opts.data_size_out;
	*decision = opts.retval;
	return 0;
}

int twins_ask(const struct twins *t, enum xdpfw_dir dir, const struct sender *sender, struct twin_frame *f,
	      __u32 *decision, struct error *e)
{
	int err = run(t, dir == XDPFW_OUT ? t->out : t->in, sender, f, decision, e);
	__u32 behind;

	/* Behind XDP another program rewrites what passes, or finds no way for it; what it would do to a stump is nothing. */
	if (err || dir == XDPFW_OUT || !t->xdp || xdpfw_verdict_of(*decision) != XDPFW_PASS ||
	    f->size < TWIN_FRAME_LEAST)
		return err;
	err = run(t, t->swap, sender, f, &behind, e);
	if (!err && xdpfw_verdict_of(behind) == XDPFW_DROP)
		*decision = behind;
	return err;
}

int twins_time(const struct twins *t, enum xdpfw_dir dir, const struct twin_frame *f, unsigned int repeat,
	       unsigned int *ns, struct error *e)
{
	int program = dir == XDPFW_OUT ? t->out : t->in, err;
	const struct sender root = {};
	struct bpf_test_run_opts opts;
	union context ctx;

	run_options(t, program, &root, f, &ctx, &opts);
	opts.repeat = repeat;
	err = bpf_prog_test_run_opts(program, &opts);
	if (err)
		return refused(err, e);
	*ns = opts.duration;
	return 0;
}
