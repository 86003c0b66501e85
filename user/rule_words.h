/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A rule taken apart into its clauses, before any of them is understood: they may stand in any
 * order, and what one means can depend on another that comes later (`port domain ... proto udp`).
 */
#ifndef XDPFW_USER_RULE_WORDS_H
#define XDPFW_USER_RULE_WORDS_H

#include "parse_words.h"
#include "ruleset.h"

/* Words as typed; NULL where the clause is missing. */
struct rule_words {
	const char *target;
	const char *proto;
	const char *from;
	const char *from_port;
	const char *to;
	const char *to_port;
	const char *on;
	const char *on_out;
	const char *log; /* "log" or "log-all" */
	const char *rate;
	const char *user;
	const char *cgroup;
	const char *comment;
	const char *duration; /* behind `for` */
	const char *until;
};

/* What is left behind action and direction. */
int read_rule_words(struct cursor *cursor, enum xdpfw_dir dir, struct rule_words *words, struct error *e);

/* How many words the clause that begins with @word has, if it is one: 1 for a target, 2 for `from 10.0.0.1`. */
int rule_clause_words(const char *word);

/* A word that can only be a target, but is neither ports nor a service nor an address. */
bool is_unknown_target(const char *word);

#endif
