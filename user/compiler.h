/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the parts of the compiler share. Rules are asked from the first to the last, then links, port 0, the default:
 *
 *	compile_paint.c   which rules may decide at which places, in that order
 *	compile_cells.c   from places to cells: decisions, or trees of conditions
 *	compile.c         the order of the parts, and what of a policy is no cell
 */
#ifndef XDPFW_USER_COMPILER_H
#define XDPFW_USER_COMPILER_H

#include "address_classes.h"
#include "compile.h"
#include "conditions.h"
#include "painter.h"

#define PROTOCOLS  256
#define ICMP_TYPES 256

/* What has no ports, as places in one row: protocols, then the types of ICMP, then of ICMPv6. */
#define PORTLESS           (PROTOCOLS + 2 * ICMP_TYPES)
#define ICMP_PLACE(family) (PROTOCOLS + (family)*ICMP_TYPES)

/* Stretches of ports between which no rule or link of a direction makes a difference. */
struct stretches {
	size_t count;
	__u32 of[XDPFW_PORTS]; /* the stretch of a port */
};

struct compiler {
	const struct ruleset *set;
	const struct environment *env;
	struct policy_image *image;
	struct resolved *resolved;
	struct stretches *stretches[XDPFW_DIRS];
	struct painter ports[XDPFW_DIRS][XDPFW_TABLES];
	struct painter portless[XDPFW_DIRS];
	struct rule_lists lists;
	struct address_classes classes;
	struct tree tree;
	struct address_lines lines;
	struct error *e;
};

/* Where the roots of a table of addresses stand, IPv4 and IPv6. */
static inline struct xdpfw_branch *compiler_roots(const struct compiler *c, enum xdpfw_address_table table)
{
	return &c->image->head->roots[xdpfw_root(table, 0)];
}

/* The stretches and the painters that go over them; 0 or -ENOMEM. compiler_free_painters() in any case. */
int compiler_make_painters(struct compiler *c);
void compiler_free_painters(struct compiler *c);

/* Paint every place: with a closing decision, and the list of rules with conditions that come before it. */
int compiler_paint(struct compiler *c);

/* Number the classes of addresses, and write their table. 0 or a negative errno. */
int compiler_classify(struct compiler *c);

/* Fill the cells and conditions of the image. 0 or a negative errno. */
int compiler_fill_cells(struct compiler *c);

#endif
