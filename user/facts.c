// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include "facts.h"
#include "netlink.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/bpf.h>
#include <linux/fib_rules.h>
#include <linux/magic.h>
#include <linux/membarrier.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/utsname.h>

#include "datapath.h"
#include "hooks.h"
#include "iface.h"
#include "interfaces.h"
#include "local.h"
#include "util.h"

/* By which the data path knows what it has sent itself (bpf/xdpfw.bpf.c). */
#define MARK_OWN_ANSWER 0x78646677

/* Kernel */

static bool sysctl_is_off(const char *path)
{
	_fclose_ FILE *file = fopen(path, "re");

	return file && fgetc(file) == '0';
}

static bool has_membarrier(void)
{
	return syscall(SYS_membarrier, MEMBARRIER_CMD_QUERY, 0, 0) > 0;
}

static bool has_tcx(const char *release)
{
	unsigned int major = 0, minor = 0;

	sscanf(release, "%u.%u", &major, &minor);
	return major > 6 || (major == 6 && minor >= 6);
}

static void gather_kernel(struct facts *f)
{
	struct utsname name = {};
	struct statfs fs;

	uname(&name);
	snprintf(f->kernel, sizeof(f->kernel), "%s", name.release);
	f->cpus = libbpf_num_possible_cpus();
	f->bpffs = statfs("/sys/fs/bpf", &fs) == 0 && (unsigned long)fs.f_type == BPF_FS_MAGIC;
	f->jit = !sysctl_is_off("/proc/sys/net/core/bpf_jit_enable");
	f->btf = access("/sys/kernel/btf/vmlinux", R_OK) == 0;
	f->tcx = has_tcx(name.release);
	f->xdp_frags = kernel_has_xdp_frags();
	f->membarrier = has_membarrier();
}

/* Routing */

static int dump(int type, void *header, size_t size, mnl_cb_t read, void *data)
{
	char buffer[256];
	struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);

	message->nlmsg_type = type;
	message->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	memcpy(mnl_nlmsg_put_extra_header(message, size), header, size);
	return netlink_ask(NETLINK_ROUTE, message, read, data);
}

struct mark_match {
	__u32 mark, mask;
	bool given;
};

static int read_mark(const struct nlattr *attr, void *data)
{
	struct mark_match *m = data;

	if (mnl_attr_get_type(attr) == FRA_FWMARK) {
		m->mark = mnl_attr_get_u32(attr);
		m->given = true;
	} else if (mnl_attr_get_type(attr) == FRA_FWMASK) {
		m->mask = mnl_attr_get_u32(attr);
	}
	return MNL_CB_OK;
}

static int read_ip_rule(const struct nlmsghdr *message, void *data)
{
	struct mark_match m = {.mask = 0xffffffff};
	struct facts *f = data;

	mnl_attr_parse(message, sizeof(struct fib_rule_hdr), read_mark, &m);
	if (m.given && (MARK_OWN_ANSWER & m.mask) == m.mark)
		f->mark_rule = true;
	return MNL_CB_OK;
}

static struct interface_facts *find_interface(struct facts *f, const char *name)
{
	for (size_t i = 0; i < f->count; i++)
		if (strcmp(f->interfaces[i].name, name) == 0)
			return &f->interfaces[i];
	return NULL;
}

static int read_oif(const struct nlattr *attr, void *data)
{
	if (mnl_attr_get_type(attr) == RTA_OIF)
		*(__u32 *)data = mnl_attr_get_u32(attr);
	return MNL_CB_OK;
}

static int read_route(const struct nlmsghdr *message, void *data)
{
	const struct rtmsg *route = mnl_nlmsg_get_payload(message);
	struct interface_facts *i;
	char name[IFNAMSIZ];
	__u32 index = 0;

	if (route->rtm_dst_len || route->rtm_type != RTN_UNICAST)
		return MNL_CB_OK;
	mnl_attr_parse(message, sizeof(*route), read_oif, &index);
	i = if_indextoname(index, name) ? find_interface(data, name) : NULL;
	if (i)
		i->default_route = true;
	return MNL_CB_OK;
}

static void gather_routing(struct session *s, struct facts *f)
{
	for (size_t i = 0; i < s->now.count; i++)
		if (s->now.statements[i].kind == STATEMENT_RULE && s->now.statements[i].rule.dir == XDPFW_ROUTED &&
		    s->now.statements[i].rule.verdict == XDPFW_PASS)
			f->routed_rules = true;
	if (ruleset_default(&s->now, XDPFW_ROUTED) == XDPFW_PASS)
		f->routed_rules = true;
	f->routes_v4 = host_routes(4);
	f->routes_v6 = host_routes(6);
	for (int family = AF_INET; family <= AF_INET6; family += AF_INET6 - AF_INET) {
		struct fib_rule_hdr rule = {.family = family};
		struct rtmsg route = {.rtm_family = family, .rtm_table = RT_TABLE_MAIN};

		dump(RTM_GETRULE, &rule, sizeof(rule), read_ip_rule, f);
		dump(RTM_GETROUTE, &route, sizeof(route), read_route, f);
	}
}

/* Interfaces */

static struct interface_facts *add_interface(struct facts *f, const char *name)
{
	struct interface_facts *i = find_interface(f, name);

	if (i || f->count == FACTS_INTERFACES)
		return i;
	i = &f->interfaces[f->count++];
	snprintf(i->name, sizeof(i->name), "%s", name);
	return i;
}

static void read_interface(struct facts *f, const char *name)
{
	struct iface_info info, master;
	struct interface_facts *i;

	if (iface_get(name, &info, NULL) || info.loopback)
		return;
	i = add_interface(f, name);
	if (!i)
		return;
	snprintf(i->driver, sizeof(i->driver), "%s", info.driver);
	snprintf(i->kind, sizeof(i->kind), "%s", info.kind);
	i->mtu = info.mtu;
	if (info.master && iface_get_index(info.master, &master, NULL) == 0) {
		snprintf(i->master, sizeof(i->master), "%s", master.name);
		snprintf(i->master_kind, sizeof(i->master_kind), "%s", master.kind);
	}
	if (info.xdp_prog)
		program_name(info.xdp_prog, i->foreign_xdp); /* ours is taken off below */
	offloads_read(name, &i->offloads);
}

static void read_record(struct session *s, struct facts *f, const struct xdpfw_iface *r)
{
	bool gone = strcmp(record_state(s, r), "gone") == 0;
	struct iface_info info;
	struct interface_facts *i =
		add_interface(f, !gone && iface_get_index(r->ifindex, &info, NULL) == 0 ? info.name : r->name);

	if (!i)
		return;
	i->loaded = true;
	i->gone = gone;
	i->in_hook = r->in_hook;
	i->mode = r->mode;
	if (gone)
		return;
	if (r->in_hook != XDPFW_IN_TC)
		i->foreign_xdp[0] = '\0';
	else
		i->in_front = hook_programs_in_front(&s->instance, ROLE_IN, r->ifindex);
	i->in_front += hook_programs_in_front(&s->instance, ROLE_OUT, r->ifindex);
	i->in_detached = !hook_is_attached(&s->instance, r->in_hook == XDPFW_IN_TC ? ROLE_IN : ROLE_XDP, r->ifindex);
	i->out_detached = !hook_is_attached(&s->instance, ROLE_OUT, r->ifindex);
	i->other_build = s->store.control->build != datapath_build();
}

static void gather_interfaces(struct session *s, struct facts *f)
{
	struct if_nameindex *all = if_nameindex();

	for (struct if_nameindex *each = all; each && each->if_index; each++)
		read_interface(f, each->if_name);
	if_freenameindex(all);
	for (size_t i = 0; s->live && i < XDPFW_MAX_IFACES; i++)
		if (iface_is_live(&s->store, &s->store.ifaces[i]))
			read_record(s, f, &s->store.ifaces[i]);
	for (size_t i = 0; i < s->now.count; i++) {
		const struct statement *st = &s->now.statements[i];
		struct interface_facts *known = st->kind == STATEMENT_LOAD ? find_interface(f, st->load.name) : NULL;

		if (known)
			known->wanted = true;
	}
}

static void gather_rules_file(struct session *s, struct facts *f)
{
	struct stat st;

	snprintf(f->rules_file, sizeof(f->rules_file), "%s", s->instance.rules_file);
	snprintf(f->pin_dir, sizeof(f->pin_dir), "%s", s->instance.pin_dir);
	f->in_sync = session_in_sync(s);
	f->unfinished = session_is_unfinished(s);
	f->file_writable = stat(f->rules_file, &st) == 0 && st.st_mode & 022;
}

void facts_gather(struct session *s, struct facts *f)
{
	*f = (struct facts){.live = s->live};
	snprintf(f->netns, sizeof(f->netns), "%s", s->settings.netns ?: "");
	gather_kernel(f);
	gather_rules_file(s, f);
	gather_interfaces(s, f);
	gather_routing(s, f);
}
