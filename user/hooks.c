// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include "hooks.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/if_link.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util.h"

/* Of Linux 6.6; the headers of Debian 12 do not have them yet. */
#define ATTACH_TCX_INGRESS ((enum bpf_attach_type)46)
#define ATTACH_TCX_EGRESS  ((enum bpf_attach_type)47)
#define FLAG_BEFORE        (1U << 3)

/* Names our clsact filters among others. */
#define FILTER_PRIORITY    1
#define FILTER_HANDLE_SWAP 0x5846
#define FILTER_HANDLE      0x5845

static const char *const role_names[NR_ROLES] = {
	[ROLE_XDP] = "xdp",
	[ROLE_IN] = "in",
	[ROLE_SWAP] = "swap",
	[ROLE_OUT] = "out",
};

static const char *link_path(const struct instance *in, enum hook_role role, int ifindex, char path[PATH_MAX])
{
	char name[32];

	snprintf(name, sizeof(name), "%s_%d", role_names[role], ifindex);
	return instance_pin(in, name, path);
}

static enum bpf_attach_type attach_type(enum hook_role role)
{
	if (role == ROLE_XDP)
		return BPF_XDP;
	return role == ROLE_OUT ? ATTACH_TCX_EGRESS : ATTACH_TCX_INGRESS;
}

/* The ifindex is the first field of the link info's part for XDP and TCX alike; 0 once the interface is gone. */
static bool link_is_alive(int link)
{
	struct bpf_link_info info = {};
	__u32 size = sizeof(info);

	return bpf_obj_get_info_by_fd(link, &info, &size) == 0 && info.xdp.ifindex != 0;
}

enum hook_state hook_state(const struct instance *in, enum hook_role role, int ifindex)
{
	char path[PATH_MAX];
	_close_ int link = bpf_obj_get(link_path(in, role, ifindex, path));

	if (link < 0)
		return HOOK_NONE;
	return link_is_alive(link) ? HOOK_ATTACHED : HOOK_HUSK;
}

static void clsact_place(enum hook_role role, int ifindex, struct bpf_tc_hook *hook, struct bpf_tc_opts *opts)
{
	*hook = (struct bpf_tc_hook){
		.sz = sizeof(*hook),
		.ifindex = ifindex,
		.attach_point = role == ROLE_OUT ? BPF_TC_EGRESS : BPF_TC_INGRESS,
	};
	*opts = (struct bpf_tc_opts){
		.sz = sizeof(*opts),
		.handle = role == ROLE_SWAP ? FILTER_HANDLE_SWAP : FILTER_HANDLE,
		.priority = FILTER_PRIORITY,
	};
}

static bool clsact_attached(enum hook_role role, int ifindex)
{
	struct bpf_tc_hook hook;
	struct bpf_tc_opts opts;

	clsact_place(role, ifindex, &hook, &opts);
	return bpf_tc_query(&hook, &opts) == 0;
}

bool hook_is_attached(const struct instance *in, enum hook_role role, int ifindex)
{
	return hook_state(in, role, ifindex) == HOOK_ATTACHED || (role != ROLE_XDP && clsact_attached(role, ifindex));
}

static int clsact_attach(enum hook_role role, int ifindex, int prog, struct error *e)
{
	struct bpf_tc_hook hook;
	struct bpf_tc_opts opts;
	int err;

	clsact_place(role, ifindex, &hook, &opts);
	err = bpf_tc_hook_create(&hook);
	if (err && err != -EEXIST)
		return fail(e, err, "clsact: cannot make the qdisc: %s", strerror(-err));
	opts.prog_fd = prog;
	opts.flags = BPF_TC_F_REPLACE;
	err = bpf_tc_attach(&hook, &opts);
	return err ? fail(e, err, "clsact: cannot attach the filter: %s", strerror(-err)) : 0;
}

static void clsact_detach(enum hook_role role, int ifindex)
{
	struct bpf_tc_hook hook;
	struct bpf_tc_opts opts;

	clsact_place(role, ifindex, &hook, &opts);
	bpf_tc_detach(&hook, &opts);
}

/* XDPFW_NO_TCX is for testing on a newer kernel what an older one would do. */
static bool want_tcx(void)
{
	return !getenv("XDPFW_NO_TCX");
}

/* At the head of TCX: a program in front of ours that returned TC_ACT_OK would bypass it. */
static int make_link(enum hook_role role, int ifindex, int prog, bool generic)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts);

	if (role == ROLE_XDP)
		opts.flags = generic ? XDP_FLAGS_SKB_MODE : XDP_FLAGS_DRV_MODE;
	else
		opts.flags = FLAG_BEFORE;
	return bpf_link_create(prog, ifindex, attach_type(role), &opts);
}

static int attach_new(const struct instance *in, enum hook_role role, int ifindex, int prog, bool generic,
		      enum xdpfw_out_hook *out_hook, struct error *e)
{
	char path[PATH_MAX];
	_close_ int link = role == ROLE_XDP || want_tcx() ? make_link(role, ifindex, prog, generic) : -EINVAL;

	if (link == -EINVAL && role != ROLE_XDP) { /* no TCX here */
		if (out_hook)
			*out_hook = XDPFW_OUT_CLSACT;
		return clsact_attach(role, ifindex, prog, e);
	}
	if (link < 0)
		return fail(e, link, "%s: cannot attach: %s", role == ROLE_XDP ? "XDP" : "TC", strerror(-link));
	link_path(in, role, ifindex, path);
	if (bpf_obj_pin(link, path))
		return fail(e, -errno, "%s: cannot pin: %s", path, strerror(errno));
	if (role != ROLE_XDP && out_hook)
		*out_hook = XDPFW_OUT_TCX;
	return 0;
}

int hook_replace(const struct instance *in, enum hook_role role, int ifindex, int prog, struct error *e)
{
	char path[PATH_MAX];
	_close_ int link = bpf_obj_get(link_path(in, role, ifindex, path));

	if (link >= 0) {
		if (link_is_alive(link) && bpf_link_update(link, prog, NULL))
			return fail(e, -errno, "%s: cannot replace the program: %s", path, strerror(errno));
		return 0;
	}
	if (role != ROLE_XDP && clsact_attached(role, ifindex))
		return clsact_attach(role, ifindex, prog, e);
	return 0;
}

int hook_attach(const struct instance *in, enum hook_role role, int ifindex, int prog, bool generic,
		enum xdpfw_out_hook *out_hook, struct error *e)
{
	switch (hook_state(in, role, ifindex)) {
	case HOOK_ATTACHED:
		if (role != ROLE_XDP && out_hook)
			*out_hook = XDPFW_OUT_TCX;
		return hook_replace(in, role, ifindex, prog, e);
	case HOOK_HUSK:
		hook_detach(in, role, ifindex);
		break;
	case HOOK_NONE:
		break;
	}
	return attach_new(in, role, ifindex, prog, generic, out_hook, e);
}

void hook_detach(const struct instance *in, enum hook_role role, int ifindex)
{
	char path[PATH_MAX];
	_close_ int link = bpf_obj_get(link_path(in, role, ifindex, path));

	if (link >= 0) {
		bpf_link_detach(link); /* now; without the pin the kernel does it too, but some time later */
		unlink(path);
	} else if (role != ROLE_XDP && clsact_attached(role, ifindex)) {
		clsact_detach(role, ifindex);
	}
}

void program_name(unsigned int id, char name[64])
{
	struct bpf_prog_info info = {};
	__u32 size = sizeof(info);
	_close_ int fd = bpf_prog_get_fd_by_id(id);

	strcpy(name, "?");
	if (fd >= 0 && bpf_obj_get_info_by_fd(fd, &info, &size) == 0)
		snprintf(name, 64, "%s", info.name);
}

static unsigned int link_program(int link)
{
	struct bpf_link_info info = {};
	__u32 size = sizeof(info);

	return bpf_obj_get_info_by_fd(link, &info, &size) ? 0 : info.prog_id;
}

int hook_programs_in_front(const struct instance *in, enum hook_role role, int ifindex)
{
	char path[PATH_MAX];
	__u32 ids[64], count = ARRAY_SIZE(ids), ours;
	_close_ int link = bpf_obj_get(link_path(in, role, ifindex, path));

	if (link < 0 || bpf_prog_query(ifindex, attach_type(role), 0, NULL, ids, &count))
		return 0;
	ours = link_program(link);
	for (__u32 i = 0; i < count; i++)
		if (ids[i] == ours)
			return i;
	return 0;
}
