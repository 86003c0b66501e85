// SPDX-License-Identifier: GPL-2.0-only
/* doctor: from facts to findings. Each fact that is out of order has one, and what is in order has none. */
#include "diagnosis.h"
#include "unit.h"

static struct facts facts;
static struct finding findings[FINDINGS_MAX];

/* A host on which nothing is to be mended, with eth0 at native XDP. */
static struct interface_facts *healthy(void)
{
	facts = (struct facts){
		.kernel = "6.6.0",
		.cpus = 4,
		.bpffs = true,
		.jit = true,
		.xdp_frags = true,
		.live = true,
		.in_sync = true,
		.rules_file = "/etc/xdpfw/host.rules",
		.count = 1,
		.interfaces = {{
			.name = "eth0",
			.loaded = true,
			.wanted = true,
			.default_route = true,
			.in_hook = XDPFW_IN_NATIVE,
			.mode = MODE_NATIVE,
			.driver = "ixgbe",
			.mtu = 1500,
			.offloads = {.queues = 4, .most_queues = 64},
		}},
	};
	return &facts.interfaces[0];
}

static void expect_none(void)
{
	size_t count = diagnose(&facts, findings);

	cr_expect_eq(count, 0, "%s: %s", count ? findings[0].id : "", count ? findings[0].text : "");
}

static void expect_one(const char *id, const char *mend)
{
	size_t count = diagnose(&facts, findings);

	cr_assert_eq(count, 1, "%s: %zu findings", id, count);
	cr_expect_str_eq(findings[0].id, id);
	cr_expect_str_eq(findings[0].mend, mend);
}

Test(diagnosis, health)
{
	healthy();
	expect_none();
}

Test(diagnosis, kernel)
{
	healthy();
	facts.bpffs = false;
	expect_one("bpffs", "mount -t bpf bpf /sys/fs/bpf");
	healthy();
	facts.jit = false;
	expect_one("jit", "sysctl -w net.core.bpf_jit_enable=1");
}

Test(diagnosis, rules_file)
{
	healthy();
	facts.in_sync = false;
	expect_one("file-edited", "xdpfw apply /etc/xdpfw/host.rules");
	facts.unfinished = true;
	expect_one("unfinished", "mv /etc/xdpfw/host.rules.new /etc/xdpfw/host.rules");
	healthy();
	facts.file_writable = true;
	expect_one("file-writable", "chmod 600 /etc/xdpfw/host.rules");
}

Test(diagnosis, routing)
{
	healthy();
	facts.routed_rules = true;
	expect_one("no-routing", "sysctl -w net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1");
	facts.routes_v6 = true;
	expect_none();
	facts.mark_rule = true;
	expect_one("mark", "ip rule del fwmark 0x78646677");
}

Test(diagnosis, protection)
{
	struct interface_facts *i = healthy();

	i->gone = true;
	expect_one("gone", "xdpfw unload eth0");
	i = healthy();
	i->loaded = false;
	expect_one("not-loaded", "xdpfw load eth0");
	i->wanted = false;
	expect_one("unprotected", "xdpfw load eth0");
	i->default_route = false;
	expect_none();
	facts.live = false;
	expect_one("not-loaded", "xdpfw load eth0");
}

Test(diagnosis, ports_of_bridges_and_bonds)
{
	struct interface_facts *i = healthy();

	strcpy(i->master, "bond0");
	strcpy(i->master_kind, "bond");
	expect_one("port", "xdpfw unload eth0 && xdpfw load bond0");
	facts.interfaces[facts.count++] = (struct interface_facts){.name = "bond0", .kind = "bond", .loaded = true};
	i->loaded = false;
	i->wanted = false;
	expect_none();
}

Test(diagnosis, other_programs)
{
	struct interface_facts *i = healthy();

	i->in_front = 2;
	expect_one("in-front", "xdpfw unload eth0 && xdpfw load eth0 --mode native");
	i = healthy();
	strcpy(i->foreign_xdp, "balancer");
	expect_one("foreign-xdp", "ip link set dev eth0 xdp off");
	i = healthy();
	i->out_detached = true;
	expect_one("detached", "xdpfw unload eth0 && xdpfw load eth0 --mode native");
	cr_expect(strstr(findings[0].text, "what leaves is not filtered"));
	i = healthy();
	i->other_build = true;
	expect_one("other-build", "xdpfw load eth0");
}

Test(diagnosis, driver)
{
	struct interface_facts *i = healthy();

	i->offloads.lro = true;
	expect_one("lro", "ethtool -K eth0 lro off");
	i->in_hook = XDPFW_IN_TC;
	expect_none();
	i = healthy();
	i->offloads.gro_hw = true;
	expect_one("gro-hw", "ethtool -K eth0 rx-gro-hw off");
	i = healthy();
	i->offloads.queues = 1;
	expect_one("queues", "ethtool -L eth0 combined 4");
	i->offloads.most_queues = 1;
	expect_none();
	i = healthy();
	i->mtu = 9000;
	expect_none();
	facts.xdp_frags = false;
	expect_one("mtu", "xdpfw load eth0 --mode tc");
}

/* What is mended in another namespace is mended there. */
Test(diagnosis, namespaces)
{
	struct interface_facts *i = healthy();

	strcpy(facts.netns, "blue");
	i->gone = true;
	expect_one("gone", "xdpfw -n blue unload eth0");
	i = healthy();
	strcpy(facts.netns, "blue");
	i->offloads.lro = true;
	expect_one("lro", "nsenter --net=/run/netns/blue ethtool -K eth0 lro off");
}
