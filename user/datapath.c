// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include "datapath.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <string.h>
#include <time.h>

#include "crc32c.h"
#include "util.h"
#include "xdpfw.skel.h"
#include "xdpfw/counters.h"
#include "xdpfw/flow.h"
#include "xdpfw/forward.h"

/* The longest time-out of flows that only a fingerprint leads to; TCP has the lookup budget besides. */
#define LONGEST_PLAIN_SECONDS 600

struct datapath {
	struct xdpfw *skel;
	struct flavour flavour;
};

__u64 datapath_build(void)
{
	size_t size;
	const void *object = xdpfw__elf_bytes(&size);

	return hash_more(HASH_BEGIN, object, size) | 1;
}

/* The kernel's tick: the resolution of its coarse clock. */
unsigned int datapath_hz(void)
{
	struct timespec tick;

	if (clock_getres(CLOCK_MONOTONIC_COARSE, &tick) || tick.tv_nsec <= 0)
		return 250;
	return 1000000000 / tick.tv_nsec;
}

/* The shortest age (as a power of two of jiffies) that outlives the longest time-out. */
static unsigned int age_shift(unsigned int hz)
{
	unsigned int shift = 1;

	while (1ULL << shift <= (unsigned long long)hz * LONGEST_PLAIN_SECONDS)
		shift++;
	return shift;
}

/* XDP fragments came with 5.18; without them a frame must fit into a page. */
bool kernel_has_xdp_frags(void)
{
	const struct bpf_insn pass[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = XDP_PASS},
		{.code = BPF_JMP | BPF_EXIT},
	};
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .prog_flags = BPF_F_XDP_HAS_FRAGS);
	_close_ int fd = bpf_prog_load(BPF_PROG_TYPE_XDP, "probe", "GPL", pass, ARRAY_SIZE(pass), &opts);

	return fd >= 0;
}

/* Only a program can read it: this one writes it over the frame. */
__u64 datapath_jiffies(void)
{
	const struct bpf_insn read[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_X, .dst_reg = BPF_REG_6, .src_reg = BPF_REG_1},
		{.code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_jiffies64},
		{.code = BPF_LDX | BPF_MEM | BPF_W,
		 .dst_reg = BPF_REG_2,
		 .src_reg = BPF_REG_6,
		 .off = offsetof(struct xdp_md, data)},
		{.code = BPF_LDX | BPF_MEM | BPF_W,
		 .dst_reg = BPF_REG_3,
		 .src_reg = BPF_REG_6,
		 .off = offsetof(struct xdp_md, data_end)},
		{.code = BPF_ALU64 | BPF_MOV | BPF_X, .dst_reg = BPF_REG_4, .src_reg = BPF_REG_2},
		{.code = BPF_ALU64 | BPF_ADD | BPF_K, .dst_reg = BPF_REG_4, .imm = sizeof(__u64)},
		{.code = BPF_JMP | BPF_JGT | BPF_X, .dst_reg = BPF_REG_4, .src_reg = BPF_REG_3, .off = 1},
		{.code = BPF_STX | BPF_MEM | BPF_DW, .dst_reg = BPF_REG_2, .src_reg = BPF_REG_0},
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = XDP_PASS},
		{.code = BPF_JMP | BPF_EXIT},
	};
	union {
		char bytes[64];
		__u64 jiffies;
	} frame = {};
	LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = &frame, .data_size_in = sizeof(frame), .data_out = &frame,
		    .data_size_out = sizeof(frame));
	_close_ int fd = bpf_prog_load(BPF_PROG_TYPE_XDP, "jiffies", "GPL", read, ARRAY_SIZE(read), NULL);

	return fd >= 0 && bpf_prog_test_run_opts(fd, &run) == 0 ? frame.jiffies : 0;
}

__u64 datapath_age(void)
{
	return datapath_jiffies() >> age_shift(datapath_hz());
}

/* Where the kernel's choice of ports for this host's own connections leaves less than this, the two overlap. */
#define LEAST_BUCKETS 256

/* Forwards give other ports to connections than the kernel does. */
static void configure_ports(struct xdpfw *skel)
{
	_fclose_ FILE *file = fopen("/proc/sys/net/ipv4/ip_local_port_range", "re");
	unsigned int first, last, low = 1024 / XDPFW_WAYS, end = XDPFW_PORTS / XDPFW_WAYS;

	if (!file || fscanf(file, "%u %u", &first, &last) != 2 || first > last || last >= XDPFW_PORTS)
		return;
	skel->rodata->cfg_low_bucket = low;
	skel->rodata->cfg_low_buckets = first / XDPFW_WAYS > low ? first / XDPFW_WAYS - low : 0;
	skel->rodata->cfg_high_bucket = last / XDPFW_WAYS + 1;
	if (skel->rodata->cfg_low_buckets + end - skel->rodata->cfg_high_bucket >= LEAST_BUCKETS)
		return;
	skel->rodata->cfg_low_buckets = end - low;
	skel->rodata->cfg_high_bucket = end;
}

static void configure(struct xdpfw *skel, const struct flavour *f)
{
	unsigned int hz = datapath_hz();
	bool frags = kernel_has_xdp_frags();

	skel->rodata->cfg_epoch_from = f->epoch_from;
	skel->rodata->cfg_epoch_window = f->epoch_window;
	skel->rodata->cfg_trial = f->trial;
	skel->rodata->cfg_hz = hz;
	skel->rodata->cfg_age_shift = age_shift(hz);
	skel->rodata->cfg_xdp_frags = frags;
	skel->rodata->cfg_xdp_tx = f->xdp_tx;
	skel->rodata->cfg_observe = f->observe;
	skel->rodata->cfg_xdp_generic = f->in_hook == XDPFW_IN_GENERIC;
	configure_ports(skel);
	crc32c_fill(skel->rodata->cfg_crc32c);
	if (frags)
		bpf_program__set_flags(skel->progs.xdp_in, BPF_F_XDP_HAS_FRAGS);
}

/* Load what this flavour attaches and nothing else: verifying costs time. */
static void choose_programs(struct xdpfw *skel, const struct flavour *f)
{
	bool xdp = f->in_hook != XDPFW_IN_TC;

	bpf_program__set_autoload(skel->progs.xdp_in, f->filter && xdp);
	bpf_program__set_autoload(skel->progs.tc_swap, f->swap && xdp);
	bpf_program__set_autoload(skel->progs.tc_in, f->filter && !xdp && !f->l3);
	bpf_program__set_autoload(skel->progs.tc_in_l3, f->filter && !xdp && f->l3);
	bpf_program__set_autoload(skel->progs.tc_out, f->filter && !f->l3);
	bpf_program__set_autoload(skel->progs.tc_out_l3, f->filter && f->l3);
}

unsigned int datapath_least_flows(void)
{
	return 256 * libbpf_num_possible_cpus();
}

/* By memory: one entry for each 64 KiB, as nf_conntrack reckons, within bounds that suit most hosts. */
static unsigned int default_flows(void)
{
	unsigned long long memory = (unsigned long long)sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGESIZE);
	unsigned long long entries = memory >> 16;

	if (entries > 262144)
		entries = 262144;
	return entries < datapath_least_flows() ? datapath_least_flows() : entries;
}

/* Tables that are pinned already keep their size. */
static unsigned int room_of(const struct instance *in, const char *name, unsigned int wanted)
{
	struct bpf_map_info info = {};
	__u32 size = sizeof(info);
	char path[PATH_MAX];
	_close_ int fd = bpf_obj_get(instance_pin(in, name, path));

	return fd >= 0 && bpf_obj_get_info_by_fd(fd, &info, &size) == 0 ? info.max_entries : wanted;
}

/* "memlock:" in the map's fdinfo. */
static unsigned long long memory_of(int fd)
{
	unsigned long long bytes = 0;
	char path[64], line[128];
	_fclose_ FILE *file = NULL;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	file = fopen(path, "re");
	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "memlock: %llu", &bytes) == 1)
			break;
	return bytes;
}

int datapath_flow_tables(const struct instance *in, unsigned long long *entries, unsigned long long *bytes)
{
	static const char *const names[] = {"flows", "guests"};
	unsigned long long sum = 0;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		char path[PATH_MAX];
		_close_ int fd = bpf_obj_get(instance_pin(in, names[i], path));

		if (fd < 0)
			return -errno;
		sum += memory_of(fd);
	}
	*entries = room_of(in, names[0], 0);
	*bytes = sum;
	return 0;
}

static int size_maps(struct xdpfw *skel, const struct instance *in, unsigned int flows)
{
	unsigned int wanted = flows ? flows : default_flows();
	int cpus = libbpf_num_possible_cpus();
	struct bpf_map *per_cpu[] = {
		skel->maps.tallies, skel->maps.port_counts, skel->maps.rule_counts,
		skel->maps.sockets, skel->maps.routes,      skel->maps.budgets,
		skel->maps.history, skel->maps.log_cpus,    skel->maps.hops,
	};

	if (cpus < 1)
		return -ENODEV;
	for (size_t i = 0; i < ARRAY_SIZE(per_cpu); i++)
		bpf_map__set_max_entries(per_cpu[i], bpf_map__max_entries(per_cpu[i]) * cpus);
	bpf_map__set_max_entries(skel->maps.flows, room_of(in, "flows", wanted));
	bpf_map__set_max_entries(skel->maps.guests, room_of(in, "guests", wanted));
	return 0;
}

/* What begins the name of a map that is a variable: see bpf/maps.h. */
#define VARIABLE ".data."

/* Pin every map under its own name, but for the read-only data, which belongs to the programs. */
static int place_maps(struct xdpfw *skel, const struct instance *in)
{
	struct bpf_map *map;

	bpf_object__for_each_map(map, skel->obj)
	{
		const char *name = bpf_map__name(map);
		char path[PATH_MAX];

		if (strncmp(name, VARIABLE, strlen(VARIABLE)) == 0)
			name += strlen(VARIABLE);
		else if (bpf_map__is_internal(map))
			continue;
		if (bpf_map__set_pin_path(map, instance_pin(in, name, path)))
			return -ENOMEM;
	}
	return 0;
}

static int explain_load_failure(int err, const struct instance *in, struct error *e)
{
	switch (err) {
	case -EPERM:
		return fail(e, err, "the kernel does not allow loading BPF programs; run as root");
	case -EINVAL:
	case -EACCES:
		return fail(
			e, -ENOEXEC,
			"this kernel refuses the programs: %s; Linux 5.15 or newer is needed, XDPFW_VERBOSE=1 shows "
			"the verifier's words",
			strerror(-err));
	default:
		return fail(e, err == -ENOENT ? -EIO : err, "cannot load the programs (pins in %s): %s", in->pin_dir,
			    strerror(-err));
	}
}

int datapath_load(const struct instance *in, const struct flavour *flavour, struct datapath **result, struct error *e)
{
	struct datapath *dp = calloc(1, sizeof(*dp));
	int err;

	if (!dp)
		return fail(e, -ENOMEM, "out of memory");
	dp->flavour = *flavour;
	dp->skel = xdpfw__open();
	if (!dp->skel) {
		err = -errno;
	} else {
		configure(dp->skel, flavour);
		choose_programs(dp->skel, flavour);
		err = size_maps(dp->skel, in, flavour->flows);
		if (!err)
			err = place_maps(dp->skel, in);
		if (!err)
			err = xdpfw__load(dp->skel);
	}
	if (err) {
		datapath_free(dp);
		return explain_load_failure(err, in, e);
	}
	*result = dp;
	return 0;
}

void datapath_free(struct datapath *dp)
{
	if (dp)
		xdpfw__destroy(dp->skel);
	free(dp);
}

int datapath_in(const struct datapath *dp)
{
	if (dp->flavour.in_hook != XDPFW_IN_TC)
		return bpf_program__fd(dp->skel->progs.xdp_in);
	return bpf_program__fd(dp->flavour.l3 ? dp->skel->progs.tc_in_l3 : dp->skel->progs.tc_in);
}

int datapath_out(const struct datapath *dp)
{
	return bpf_program__fd(dp->flavour.l3 ? dp->skel->progs.tc_out_l3 : dp->skel->progs.tc_out);
}

int datapath_swap(const struct datapath *dp)
{
	return dp->flavour.in_hook == XDPFW_IN_TC ? -1 : bpf_program__fd(dp->skel->progs.tc_swap);
}
