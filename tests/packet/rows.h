/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tables of packets and what becomes of them.
 *
 *	static const struct row rows[] = {
 *		{"a closed port", TCP(23, SYN), DROPS(DEFAULT), IN(23)},
 *		{"an open one", TCP(22, SYN), PASSES(RULE), .rule = 1, IN(22)},
 *	};
 *
 *	PLAY("allow in 22", rows);
 *
 * A table is played from top to bottom, with one state from its first row to its last: once for
 * each way an interface is loaded (XDP, TC, without Ethernet) in each family. A row is checked whole:
 * what became of the packet, every byte of what came out, and every counter, the port counters of all
 * pairs of bytes in the frame included.
 */
#ifndef XDPFW_TESTS_PACKET_ROWS_H
#define XDPFW_TESTS_PACKET_ROWS_H

#include <criterion/criterion.h>

#include "fixture.h"
#include "frames.h"
#include "util.h"

/* The port that counts the packet; none is counted if it is not given. */
struct counted {
	bool given;
	enum xdpfw_dir dir;
	__u16 port;
};

struct row {
	const char *name;
	struct packet packet;
	bool leaves; /* it leaves the host; else it arrives */

	enum xdpfw_verdict verdict;
	enum xdpfw_reason reason;
	__u32 rule; /* number of the rule that decided */
	struct counted port;
	const struct packet *becomes; /* what comes out: rewritten if it passes, an answer if it is rejected */

	/* Where the row is played: 0 is everywhere. */
	unsigned int hooks;    /* enum hooks */
	unsigned int families; /* enum family */
	struct skb_fields skb;

	/* What happens before. */
	const char *policy; /* from here on */
	unsigned int later; /* seconds that pass */
};

#define PASSES(why)  .verdict = XDPFW_PASS, .reason = XDPFW_R_##why
#define DROPS(why)   .verdict = XDPFW_DROP, .reason = XDPFW_R_##why
#define REJECTS(why) .verdict = XDPFW_REJECT, .reason = XDPFW_R_##why
#define IN(number)   .port = {true, XDPFW_IN, number}
#define OUT(number)  .port = {true, XDPFW_OUT, number}

/* A scene is named in messages and begins with an empty state. A table is one; other functions say SCENE(). */
void begin_scene(const char *name);
#define SCENE() begin_scene(__func__)

void play(const char *scene, const char *policy, const struct row *rows, size_t count);
#define PLAY(policy, rows) play(__func__, policy, rows, ARRAY_SIZE(rows))

/* One row, in a policy that is there already. */
void play_row(const struct row *row, enum hooks hooks, enum family family);

/* The same at each kind of hook, in each family. */
void play_row_everywhere(const struct row *row);

#endif
