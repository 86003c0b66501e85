/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One line that stands for several statements:
 *
 *	block 203.0.113.9 198.51.100.0/24 for 1h
 *	set add office 203.0.113.0/24 2001:db8::/32
 *	allow app Samba                     one rule for each part of the profile
 */
#ifndef XDPFW_USER_STATEMENTS_H
#define XDPFW_USER_STATEMENTS_H

#include "ruleset.h"

/* Takes the statement over in every case; an error ends the line. */
typedef int (*statement_fn)(void *context, struct statement *s, struct error *e);

int statements_parse(int count, char *const words[], statement_fn take, void *context, struct error *e);
int statements_parse_line(const char *line, statement_fn take, void *context, struct error *e);

/* For a context that is a struct ruleset: collect them there, in order, equal ones once. */
int take_into_ruleset(void *context, struct statement *s, struct error *e);

#endif
