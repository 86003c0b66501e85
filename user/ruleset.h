/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The model of a policy as people write it: an ordered list of statements, the
 * lines of a rules file. What you type is what the file says; comments and blank
 * lines are statements too, so they keep their place.
 *
 *	allow in 22                     STATEMENT_RULE, also route allow 80/tcp
 *	default deny in                 STATEMENT_DEFAULT
 *	forward 8080:2988               STATEMENT_FORWARD
 *	block 203.0.113.9               STATEMENT_BLOCK
 *	set add office 203.0.113.0/24   STATEMENT_SET, one line for each prefix of a set
 *	option allow-ping off           STATEMENT_OPTION
 *	load eth0 --mode tc             STATEMENT_LOAD
 *	panic on 22                     STATEMENT_PANIC, with the ports whose open connections go on
 *	# anything                      STATEMENT_COMMENT (also blank lines)
 */
#ifndef XDPFW_USER_RULESET_H
#define XDPFW_USER_RULESET_H

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>

#include "error.h"
#include "parse.h"
#include "xdpfw/decision.h"
#include "xdpfw/policy.h"

enum statement_kind {
	STATEMENT_COMMENT,
	STATEMENT_DEFAULT,
	STATEMENT_RULE,
	STATEMENT_FORWARD,
	STATEMENT_BLOCK,
	STATEMENT_OPTION,
	STATEMENT_LOAD,
	STATEMENT_SET,
	STATEMENT_PANIC,
	NR_STATEMENT_KINDS,
};

struct default_policy {
	enum xdpfw_dir dir;
	enum xdpfw_verdict verdict;
};

/* What a rule is about. */
enum match_kind {
	MATCH_PORTS,    /* `protocols` and `ports` */
	MATCH_ANY,      /* every protocol */
	MATCH_PROTOCOL, /* one IP protocol without ports: `protocol` */
	MATCH_ICMP,     /* ICMP, ICMPv6 or both: `icmp_families`, and one type if `has_icmp_type` */
};

enum icmp_families {
	ICMP_V4 = 1 << 0,
	ICMP_V6 = 1 << 1,
};

/* One end of a request, as a rule speaks of it. */
enum address_kind {
	ADDRESS_ANY,
	ADDRESS_PREFIX, /* 0.0.0.0/0 is all of IPv4, ::/0 all of IPv6 */
	ADDRESS_SET,    /* by name; a set without members matches nothing */
};

struct address_match {
	enum address_kind kind;
	struct prefix prefix; /* ADDRESS_PREFIX */
	char *set;            /* ADDRESS_SET: the name, without the @ */
};

#define DEFAULT_LIMIT_COUNT   6
#define DEFAULT_LIMIT_SECONDS 30

/*
 * What a rule matches, and what it does then. NULL, ADDRESS_ANY and no ports stand for "any". The first half is
 * the match part, of which the id is made; rules that differ only in the second half replace each other.
 */
struct rule {
	enum xdpfw_dir dir;
	enum match_kind match;
	unsigned int protocols; /* MATCH_PORTS: enum protocols, never 0 */
	struct ports ports;     /* MATCH_PORTS: where the request goes; never empty */
	__u8 protocol;          /* MATCH_PROTOCOL: IPPROTO_* */
	unsigned int icmp_families;
	bool has_icmp_type;
	__u8 icmp_type[2];         /* by family: the same name has another number in ICMPv6; [0] ICMP, [1] ICMPv6 */
	struct ports source_ports; /* MATCH_PORTS: where the request comes from */
	struct address_match from; /* the sender of the request */
	struct address_match to;   /* where it wants to arrive: a local address for in, a remote one for out */
	char *on;                  /* interface: of arrival for in and routed, of leaving for out */
	char *on_out;              /* routed only: interface of leaving */
	char *user;                /* out only: who owns the socket, name or number as typed */
	char *cgroup;              /* out only: where the socket was made, path below the cgroup root */

	enum xdpfw_verdict verdict;
	bool limited; /* `limit`: XDPFW_PASS up to this many requests in this time from one source, then drop */
	unsigned int limit_count;
	unsigned int limit_seconds;
	bool log;      /* each request that the rule decides */
	bool log_all;  /* each packet */
	__u64 expires; /* unix seconds, 0 = never */
	char *comment; /* NULL = none */
	bool disabled; /* stays in the list, decides nothing */
};

/* Where a forward sends: ports of this host, or of another one. */
struct forward_target {
	bool remote;
	struct xdpfw_addr addr;   /* of the other host */
	struct port_range *ports; /* one for each listening range, of the same length */
};

/*
 * A link of local ports, both ways, or (one_way) requests sent elsewhere. To another host, and where there are several
 * targets to choose from, it is always one way.
 */
struct forward {
	unsigned int protocols;
	size_t nr_ranges;
	struct port_range *listen; /* in the order typed */
	size_t nr_targets;
	struct forward_target *targets; /* all local or all remote, remote ones of one family */
	bool one_way;
	bool keep_source;
	struct address_match from; /* never a set */
	bool has_to;
	struct xdpfw_addr to; /* the address of this host that is asked */
	char *on;             /* interface of arrival, NULL = any */

	char *comment; /* NULL = none */
	__u64 expires; /* unix seconds, 0 = never */
};

#define FORWARD_TARGETS_MAX 16

enum option_name {
	OPTION_ALLOW_PING, /* "allow-ping": echo-request passes unless a rule says otherwise; default on */
	OPTION_NON_IP,     /* "non-ip": other ethertypes pass; default on */
	OPTION_LOG_DROPS,  /* "log-drops": `log` shows what is dropped; default on */
	OPTION_LOG_RATE,   /* "log-rate": events a second, for each direction, verdict and reason; default 10 */
	OPTION_TIMEOUTS, /* first of the time-outs: OPTION_TIMEOUTS + enum xdpfw_timeout, "udp-timeout 60s" and so on */
	NR_OPTIONS = OPTION_TIMEOUTS + XDPFW_NR_TIMEOUTS,
};

struct option_value {
	enum option_name name;
	unsigned int value; /* on and off as 1 and 0; time-outs in seconds; log-rate a number */
};

enum load_mode {
	MODE_AUTO,
	MODE_NATIVE,
	MODE_GENERIC,
	MODE_TC,
};

/* Nothing from it and nothing to it. */
struct block {
	struct prefix prefix;
	__u64 expires; /* unix seconds, 0 = never */
};

/* One prefix of a named set. */
struct set_member {
	char *name;
	struct prefix prefix;
	__u64 expires; /* unix seconds, 0 = never */
};

/* Nothing passes but open TCP connections to these local ports. */
struct panic {
	size_t count;
	__u16 kept[XDPFW_MAX_KEPT]; /* ascending */
};

struct load_iface {
	char name[IFNAMSIZ];
	enum load_mode mode;
};

struct statement {
	enum statement_kind kind;
	union {
		char *comment; /* the whole line */
		struct default_policy default_policy;
		struct rule rule;
		struct forward forward;
		struct block block;
		struct set_member member;
		struct option_value option;
		struct load_iface load;
		struct panic panic;
	};
	/*
	 * Names the statement over hosts and restarts: a hash of the match part (for a
	 * rule its first half), 0 for comments. Statements of equal id are
	 * the same statement; adding the second replaces the first.
	 */
	__u64 id;
	bool runtime;  /* --runtime: lives in the kernel, not in the file */
	__u32 counter; /* number of its counters, 0 until the store has given one */
	__u32 answers; /* the same for the answers of a forward with state */
};

struct ruleset {
	struct statement *statements;
	size_t count;
	size_t room;
	void *index; /* by id, private to ruleset.c */
};

/* What adding or deleting did. */
enum change {
	CHANGE_NONE, /* it was so already */
	CHANGE_ADDED,
	CHANGE_REPLACED, /* same match, other action (or other value) */
	CHANGE_REMOVED,
	CHANGE_MOVED, /* to another place, perhaps with another action */
};

void ruleset_free(struct ruleset *set);

/* Deep copy; 0 or -ENOMEM. */
int ruleset_copy(const struct ruleset *from, struct ruleset *to);

/*
 * Words to a statement: the one grammar of command line and file. @words does not
 * include "xdpfw" or global flags; "--runtime" may be among them.
 * The caller releases the result with statement_free().
 */
int statement_parse(int count, char *const words[], struct statement *out, struct error *e);
int statement_parse_line(const char *line, struct statement *out, struct error *e);
void statement_free(struct statement *s);
int statement_copy(const struct statement *from, struct statement *to); /* 0 or -ENOMEM */

/* The canonical line, without newline; a new string, NULL without memory. Parsing it gives an
 * equal statement. "--runtime" is part of it. */
char *statement_format(const struct statement *s);

/*
 * Add a statement at the end of its kind's run (a rule behind the last rule), or replace the
 * equal one in place. Takes over the statement's memory in every case. Forwards that
 * share a port and protocol with another forward are refused (-EINVAL).
 */
int ruleset_add(struct ruleset *set, struct statement *s, enum change *change, struct error *e);

/*
 * Make @s rule number @n, counted from 1; those from there on move down. An equal rule moves, and says what @s says.
 * -ENOENT if there is no such number (1 is always there). Takes over the statement's memory in every case.
 */
int ruleset_insert(struct ruleset *set, size_t n, struct statement *s, enum change *change, struct error *e);

/* Switch a rule on or off. */
enum change ruleset_enable(struct ruleset *set, __u64 id, bool enabled);

/* Forget what has expired, or with @only_runtime what of it is in no file; returns how much there was. */
size_t ruleset_drop_expired(struct ruleset *set, __u64 now, bool only_runtime);

/* When a statement expires, 0 = never. */
__u64 statement_expires(const struct statement *s);

/* Has the set @name a member? */
bool ruleset_has_set(const struct ruleset *set, const char *name);

/* Replace all members of the set @name by those of @members, whose memory is taken over; or -ENOMEM. */
int ruleset_replace_members(struct ruleset *set, const char *name, struct ruleset *members);

/* Delete the statement of this id and kind; CHANGE_NONE if there is none. */
enum change ruleset_delete(struct ruleset *set, enum statement_kind kind, __u64 id);

/* Delete many at once, in one pass; returns how many there were. */
size_t ruleset_delete_ids(struct ruleset *set, const __u64 *ids, size_t count);

const struct statement *ruleset_find(const struct ruleset *set, enum statement_kind kind, __u64 id);

/* Rule number @n, counted from 1 as `status` shows them; NULL if there is none. */
const struct statement *ruleset_rule(const struct ruleset *set, size_t n);
size_t ruleset_count(const struct ruleset *set, enum statement_kind kind);

/* What holds where no statement speaks: in deny, out allow, routed deny; options at their defaults. */
enum xdpfw_verdict ruleset_default(const struct ruleset *set, enum xdpfw_dir dir);
const struct statement *ruleset_panic(const struct ruleset *set); /* NULL: off */
unsigned int ruleset_option(const struct ruleset *set, enum option_name name);

/*
 * Parse a whole text. @name stands in messages: "NAME:LINE: WHY". All or nothing. A file may
 * repeat a statement (the later one replaces).
 */
int ruleset_parse(const char *text, const char *name, struct ruleset *out, struct error *e);

/* The whole text; with @with_runtime false, without runtime statements. NULL without memory. */
char *ruleset_format(const struct ruleset *set, bool with_runtime);

/* Names for messages and JSON. */
const char *action_name(enum xdpfw_verdict verdict); /* allow, deny, reject */
const char *rule_action(const struct rule *rule);    /* the same, and limit */
const char *dir_name(enum xdpfw_dir dir);            /* in, out, routed */
const char *mode_name(enum load_mode mode);          /* auto, native, generic, tc */
char *rule_protocol_text(const struct rule *rule); /* tcp+udp, sctp, gre, 251, icmp, icmp4, icmp6, any: a new string */
char *rule_ports_text(const struct rule *rule);    /* 80,443 or any: a new string */
char *address_text(const struct address_match *match); /* any, 10.0.0.0/8, @office: a new string */
int parse_mode(const char *word, enum load_mode *mode, struct error *e);

#endif
