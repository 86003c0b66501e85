/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Taking over the rules of another firewall: what both readers share. They say each rule in xdpfw's words; the grammar
 * judges whether there is such a rule. What is none becomes a comment in its place:
 *
 *	# not expressed: inet filter input handle 7: [...]: 'limit': xdpfw has no such condition
 */
#ifndef XDPFW_USER_IMPORT_H
#define XDPFW_USER_IMPORT_H

#include "ruleset.h"

struct import {
	struct ruleset set;
	size_t left_out; /* comments `# not expressed` in it */
};

void import_free(struct import *im);

/* A rule in words, NULL where it says nothing. */
struct foreign_rule {
	enum xdpfw_dir dir;
	const char *action; /* allow, deny, reject, limit */
	const char *proto;
	const char *icmp; /* icmp4/echo-request: instead of a protocol */
	const char *from, *from_port;
	const char *to, *to_port;
	const char *on, *on_out;
	const char *log; /* log, log-all */
	const char *comment;
};

/* Into @staged. -EINVAL if xdpfw has no such rule. */
int import_rule(struct ruleset *staged, const struct foreign_rule *rule, struct error *e);

/* One statement from words; -EINVAL as above. */
int import_words(struct ruleset *staged, int count, const char *const words[], struct error *e);

/*
 * Append what is staged, and empty it. There the first of two equal matches decides, here the later one would
 * replace it: so what is there already is left away.
 */
int import_keep(struct import *im, struct ruleset *staged, struct error *e);

/* Note what is not expressed: 0 or -ENOMEM. */
int import_leave_out(struct import *im, const char *origin, const char *why, struct error *e);

/* Files and texts of ufw: `### tuple ###` lines and DEFAULT_..._POLICY, whichever a text has. */
struct ufw_rules;
int ufw_read(struct ufw_rules **rules, const char *text, const char *name, struct error *e);
int ufw_import(const struct ufw_rules *rules, struct import *im, struct error *e);
void ufw_free(struct ufw_rules **rules);

/* What `nft -j list ruleset` prints. */
int nft_import(const char *text, const char *name, struct import *im, struct error *e);

#endif
