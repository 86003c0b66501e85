// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include "twin.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "attach.h"
#include "util.h"
#include "xdpfw/twin.h"

/* One inbound twin for each kind of interface. What leaves, and what rewrites behind XDP, is the same in all. */
static const char *in_name(enum xdpfw_in_hook hook)
{
	return hook == XDPFW_IN_NATIVE ? "twin_native" : hook == XDPFW_IN_GENERIC ? "twin_generic" : "twin_tc";
}

static int pin(const struct instance *in, const char *name, int program, struct error *e)
{
	char path[PATH_MAX], beside[PATH_MAX], beside_name[32];

	if (program < 0)
		return 0;
	snprintf(beside_name, sizeof(beside_name), "%s_new", name);
	instance_pin(in, name, path);
	instance_pin(in, beside_name, beside);
	unlink(beside); /* of a command that died */
	if (bpf_obj_pin(program, beside) || rename(beside, path))
		return fail(e, -errno, "%s: cannot pin: %s", path, strerror(errno));
	return 0;
}

int twins_pin(const struct instance *in, enum xdpfw_in_hook hook, const struct datapath *dp, struct error *e)
{
	int err = pin(in, in_name(hook), datapath_in(dp), e);

	if (!err)
		err = pin(in, "twin_out", datapath_out(dp), e);
	if (!err)
		err = pin(in, "twin_swap", datapath_swap(dp), e);
	return err;
}

static void unpin(const struct instance *in, const char *name)
{
	char path[PATH_MAX];

	unlink(instance_pin(in, name, path));
}

void twins_keep(const struct instance *in, unsigned int hooks)
{
	for (enum xdpfw_in_hook hook = XDPFW_IN_NATIVE; hook <= XDPFW_IN_TC; hook++)
		if (!(hooks & 1U << hook))
			unpin(in, in_name(hook));
	if (!(hooks & (1U << XDPFW_IN_NATIVE | 1U << XDPFW_IN_GENERIC)))
		unpin(in, "twin_swap");
}

static int open_program(const struct instance *in, const char *name, struct error *e)
{
	char path[PATH_MAX];
	int fd = bpf_obj_get(instance_pin(in, name, path));

	if (fd < 0 && errno == ENOENT)
		return fail(e, -EIO,
			    "%s: no twin of the programs is there; `xdpfw load` the interface again, and it will be",
			    path);
	return fd < 0 ? fail(e, -errno, "%s: %s", path, strerror(errno)) : fd;
}

int twins_open(const struct instance *in, const struct xdpfw_iface *iface, struct twins *t, struct error *e)
{
	*t = (struct twins){
		.in = open_program(in, in_name(iface->in_hook), e),
		.swap = -1,
		.out = -1,
		.xdp = iface->in_hook != XDPFW_IN_TC,
		.ifindex = iface->ifindex,
	};
	if (t->in >= 0)
		t->out = open_program(in, "twin_out", e);
	if (t->out >= 0 && t->xdp)
		t->swap = open_program(in, "twin_swap", e);
	if (t->in >= 0 && t->out >= 0 && (t->swap >= 0 || !t->xdp))
		return 0;
	twins_close(t);
	return e->code;
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
	__u32 ignored;

	/* Behind XDP another program rewrites what passes; what it would do to a stump is nothing. */
	if (!err && dir != XDPFW_OUT && t->xdp && xdpfw_verdict_of(*decision) == XDPFW_PASS &&
	    f->size >= TWIN_FRAME_LEAST)
		err = run(t, t->swap, sender, f, &ignored, e);
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
