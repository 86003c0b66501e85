// SPDX-License-Identifier: GPL-2.0-only
/*
 * Random policies: the compiler, which gets them as text, against an interpreter that knows nothing of it. And evaluate(),
 * which people ask, against the same.
 */
#include <netinet/in.h>

#include "compiled_text.h"
#include "evaluate.h"
#include "policy_model.h"
#include "random_model.h"
#include "unit.h"

/* Hundreds of millions of steps: fast enough whatever the build is. */
#ifndef __clang__
#pragma GCC optimize("O2")
#endif

static void compare_ports(int dir, int table)
{
	for (int port = 0; port < 65536; port++) {
		struct packet p = {.dir = dir, .kind = PORTS, .table = table, .number = port};
		__u32 expected = interpret(&p), cell = compiled.ports[dir][table].cells[port];

		cr_assert_eq(cell_of(&compiled.ports[dir][table], port), cell, "seed %u, port %d", seed, port);
		if (cell != expected)
			cr_assert_fail("seed %u, dir %d, table %d, port %d: %08x instead of %08x in\n%s", seed, dir,
				       table, port, cell, expected, model.text);
	}
}

static void compare_links(int table)
{
	for (int port = 0; port < 65536; port++) {
		int expected = interpret_link(table, port), linked = port ^ compiled.links[table].delta[port];

		if (linked != expected)
			cr_assert_fail("seed %u, link %d, port %d: %d instead of %d in\n%s", seed, table, port, linked,
				       expected, model.text);
	}
}

static void compare_head(void)
{
	const struct xdpfw_policy_head *head = &compiled.head;

	for (int dir = 0; dir < 3; dir++) {
		for (int i = 0; i < 256; i++) {
			struct packet p = {.dir = dir, .kind = PROTOCOL, .number = i};

			cr_assert_eq(head->protocols[dir][i], interpret(&p), "seed %u, dir %d, protocol %d in\n%s",
				     seed, dir, i, model.text);
			p.kind = ICMP;
			for (p.family = 0; p.family < 2; p.family++)
				cr_assert_eq(head->icmp_types[dir][p.family][i], interpret(&p),
					     "seed %u, dir %d, family %d, ICMP type %d in\n%s", seed, dir, p.family, i,
					     model.text);
		}
	}
	for (int i = 0; i < XDPFW_NR_TIMEOUTS; i++)
		cr_assert_eq(head->timeouts[i], 250ULL * model.timeouts[i], "seed %u, time-out %d in\n%s", seed, i,
			     model.text);
	cr_assert_eq(head->flags, interpret_flags(), "seed %u, flags %x in\n%s", seed, head->flags, model.text);
	cr_assert_eq(head->generation, 0xa5a5a5a5, "the generation is the caller's");
}

static struct packet random_packet(void)
{
	struct packet p = {.dir = below(3), .kind = below(2) ? PORTS : below(2) ? ICMP : PROTOCOL};

	p.table = below(3);
	p.family = below(2);
	p.number = p.kind == PORTS ? random_port() : p.kind == ICMP ? below(2) ? 8 : 128 : 40 + below(12);
	return p;
}

/* evaluate() is the interpreter that users have: it, too, must say what the compiler says. */
static void compare_evaluation(void)
{
	static const __u8 protocols[] = {IPPROTO_TCP, IPPROTO_UDP, IPPROTO_SCTP};
	struct ruleset set = parse_set(model.text);

	give_counters(&set);
	for (int i = 0; i < 100; i++) {
		struct packet p = random_packet();
		struct request r = {.dir = p.dir, .to_port = p.number, .icmp_type = p.number};
		struct judgement j;
		bool counted;

		r.protocol = p.kind == PORTS  ? protocols[p.table]
			     : p.kind == ICMP ? p.family ? IPPROTO_ICMPV6 : IPPROTO_ICMP
					      : p.number;
		j = evaluate(&set, &r);
		counted = j.reason == XDPFW_R_RULE || j.reason == XDPFW_R_FORWARD;
		cr_assert_eq(decision(j.verdict, j.reason, counted ? j.statement->counter : 0), interpret_plain(&p),
			     "seed %u, dir %d, kind %d, table %d, number %d in\n%s", seed, p.dir, p.kind, p.table,
			     p.number, model.text);
	}
	ruleset_free(&set);
}

static void compare_random_models(unsigned int first_seed, int models, int statements)
{
	for (int i = 0; i < models; i++) {
		unsigned int start = seed = first_seed + i;

		random_model(below(statements + 1));
		seed = start;
		compile_text(model.text);
		for (int dir = 0; dir < 3; dir++)
			for (int table = 0; table < 3; table++)
				compare_ports(dir, table);
		for (int table = 0; table < 3; table++)
			compare_links(table);
		compare_head();
		compare_evaluation();
	}
}

Test(compile, random_small_policies, .timeout = 120)
{
	compare_random_models(1000000, 700, 8);
}

Test(compile, random_middling_policies, .timeout = 120)
{
	compare_random_models(2000000, 300, 24);
}

Test(compile, random_large_policies, .timeout = 120)
{
	compare_random_models(3000000, 50, 120);
}
