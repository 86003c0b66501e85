/* SPDX-License-Identifier: GPL-2.0-only */
/* Why a packet meets its verdict: the twin's word, and the statement of the ruleset that stands behind it. */
#ifndef XDPFW_USER_EXPLAIN_H
#define XDPFW_USER_EXPLAIN_H

#include "local.h"
#include "packet.h"
#include "rule_table.h"
#include "session.h"
#include "twin.h"

struct explainer {
	const struct session *session;
	const struct xdpfw_iface *iface;
	struct twins twins;
	struct rule_table rules;
	struct local_addresses locals;
};

/* @name: a loaded interface, or NULL to choose by the endpoints of @p (which may be NULL, too). */
int explainer_open(const struct session *s, const char *name, const struct packet *p, struct explainer *ex,
		   struct error *e);
void explainer_close(struct explainer *ex);

struct explanation {
	enum xdpfw_dir dir;
	struct packet packet;    /* as it was asked about */
	struct packet rewritten; /* as it goes on */
	bool is_rewritten;
	bool is_one_of_several; /* the forward has several targets, and a new connection will get one of them */
	enum xdpfw_verdict verdict;
	enum xdpfw_reason reason;
	const struct statement *statement; /* that decided; NULL if none did */
	unsigned int n;                    /* its number, if it is a rule */
	bool flow;                         /* a flow or a socket vouches for it */
};

/* Ask about the frame @f, which is what becomes of it afterwards. @dir: XDPFW_IN (routed is found out) or XDPFW_OUT;
 * @user: who sends it. */
int explain(const struct explainer *ex, enum xdpfw_dir dir, __u32 user, struct twin_frame *f,
	    struct explanation *result, struct error *e);

/* The direction of a packet that nobody has said it of: out if this host has sent it. */
enum xdpfw_dir guess_direction(const struct explainer *ex, const struct packet *p);

/* The text of what decided, "default deny in" included; a new string, NULL if there is none. */
char *explanation_text(const struct explanation *x);

#endif
