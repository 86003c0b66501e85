// SPDX-License-Identifier: GPL-2.0-only
/* plan: what a change of the policy would mean to a connection that is open. */
#include "effects.h"
#include "unit.h"

#include <arpa/inet.h>

static struct flow_row row_of(enum flow_origin origin, __u8 protocol, __u16 local_port, __u16 remote_port)
{
	struct flow_row row = {
		.origin = origin, .protocol = protocol, .local_port = local_port, .remote_port = remote_port};

	inet_pton(AF_INET6, "::ffff:192.0.2.1", &row.local);
	inet_pton(AF_INET6, "::ffff:203.0.113.9", &row.remote);
	return row;
}

static void expect_fate(const char *before, const char *after, const struct flow_row *row, enum xdpfw_dir dir,
			enum connection_fate fate, const char *cause)
{
	struct ruleset was = {}, will = {};
	const struct statement *by;
	enum connection_fate got;

	cr_assert_eq(ruleset_parse(before, "before", &was, NULL), 0, "%s", before);
	cr_assert_eq(ruleset_parse(after, "after", &will, NULL), 0, "%s", after);
	got = connection_fate(&was, &will, row, dir, "eth0", 1000, &by);
	cr_expect_eq(got, fate, "'%s' to '%s': %d instead of %d", before, after, got, fate);
	if (fate != FATE_NONE) {
		char *text = by ? statement_format(by) : NULL;

		cr_expect(cause ? text && strcmp(text, cause) == 0 : !text, "'%s' to '%s': by %s", before, after, text);
		free(text);
	}
	ruleset_free(&was);
	ruleset_free(&will);
}

Test(effects, of_what_came_in)
{
	struct flow_row ssh = row_of(ORIGIN_SOCKET, IPPROTO_TCP, 22, 50000);

	expect_fate("allow in 22", "allow in 22", &ssh, XDPFW_IN, FATE_NONE, NULL);
	expect_fate("allow in 22", "allow in 22 from 203.0.113.0/24", &ssh, XDPFW_IN, FATE_NONE, NULL);
	expect_fate("allow in 22", "", &ssh, XDPFW_IN, FATE_NOT_AGAIN, NULL);
	expect_fate("allow in 22", "deny in 22", &ssh, XDPFW_IN, FATE_NOT_AGAIN, "deny in 22");
	expect_fate("allow in 22", "allow in 22 from 198.51.100.0/24", &ssh, XDPFW_IN, FATE_NOT_AGAIN, NULL);
	expect_fate("allow in 22", "allow in 22 on eth1", &ssh, XDPFW_IN, FATE_NOT_AGAIN, NULL);
	expect_fate("", "deny in 22", &ssh, XDPFW_IN, FATE_NONE, NULL); /* it could not begin now either */
}

Test(effects, of_what_went_out)
{
	struct flow_row web = row_of(ORIGIN_SOCKET, IPPROTO_TCP, 50000, 443);
	struct flow_row dns = row_of(ORIGIN_FLOW, IPPROTO_UDP, 50000, 53);

	expect_fate("", "deny out 443/tcp", &web, XDPFW_OUT, FATE_NOT_AGAIN, "deny out 443/tcp");
	expect_fate("", "deny out 443/udp", &web, XDPFW_OUT, FATE_NONE, NULL);
	expect_fate("", "default deny out", &dns, XDPFW_OUT, FATE_NOT_AGAIN, "default deny out");
	expect_fate("", "deny in 50000", &web, XDPFW_OUT, FATE_NONE, NULL); /* its answers are replies */
}

Test(effects, of_blocks)
{
	struct flow_row ssh = row_of(ORIGIN_SOCKET, IPPROTO_TCP, 22, 50000);

	expect_fate("allow in 22", "allow in 22\nblock 203.0.113.0/24", &ssh, XDPFW_IN, FATE_CUT,
		    "block 203.0.113.0/24");
	expect_fate("block 203.0.113.9", "block 203.0.113.0/24", &ssh, XDPFW_IN, FATE_NONE, NULL);
	expect_fate("block 203.0.113.9", "allow in 22", &ssh, XDPFW_IN, FATE_NONE, NULL);
}

/* A socket has the port behind the link, a flow the one on the wire. */
Test(effects, of_links)
{
	struct flow_row behind = row_of(ORIGIN_SOCKET, IPPROTO_TCP, 2988, 50000);
	struct flow_row guest = row_of(ORIGIN_GUEST, IPPROTO_UDP, 8080, 50000);

	expect_fate("forward 8080:2988", "forward 8080:2988", &behind, XDPFW_IN, FATE_NONE, NULL);
	expect_fate("forward 8080:2988", "", &behind, XDPFW_IN, FATE_CUT, NULL);
	expect_fate("allow in 2988", "allow in 2988\nforward 8080:2988", &behind, XDPFW_IN, FATE_CUT, NULL);
	expect_fate("forward 8080:2988/udp", "", &behind, XDPFW_IN, FATE_NONE, NULL);
	expect_fate("forward 8080:2988/udp", "allow in 8080", &guest, XDPFW_IN, FATE_CUT, NULL);
}
