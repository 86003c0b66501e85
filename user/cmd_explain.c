// SPDX-License-Identifier: GPL-2.0-only
/* explain: what becomes of a packet, and why. The never-attached twin of the live program is asked. */
#define _GNU_SOURCE
#include <errno.h>
#include <jansson.h>
#include <netinet/in.h>
#include <string.h>

#include "command.h"
#include "counts.h"
#include "environment.h"
#include "explain.h"
#include "explain_pcap.h"
#include "parse_addr.h"
#include "parse_endpoint.h"
#include "parse_icmp.h"
#include "parse_ip_protocol.h"
#include "util.h"

/* Who asks when nobody is named: of the ranges for documentation, and an ephemeral port. */
#define STRANGER_V4   0xc6336407 /* 198.51.100.7 */
#define STRANGER_PORT 50000

#define FORM "`explain tcp from 198.51.100.7:5555 to :22 on eth0`"

/* What was typed. */
struct question {
	bool has_dir;
	enum xdpfw_dir dir;
	__u8 protocol; /* for ICMP, until a family is known, IPPROTO_ICMP */
	unsigned int icmp_families;
	__u8 icmp_type[2]; /* as in struct rule */
	__u8 tcp_flags;
	struct endpoint from, to;
	__u32 user; /* who sends it */
	const char *interface;
	const char *capture; /* --pcap FILE */
};

/* Words */

static int parse_what(const char *word, struct question *q, struct error *e)
{
	struct rule rule = {};
	unsigned int protocols = 0;
	int err;

	if (is_icmp_word(word)) {
		err = parse_icmp(word, &rule, e);
		if (err)
			return err;
		q->protocol = rule.icmp_families & ICMP_V4 ? IPPROTO_ICMP : IPPROTO_ICMPV6;
		q->icmp_families = rule.icmp_families;
		q->icmp_type[0] = rule.has_icmp_type ? rule.icmp_type[0] : 8; /* a ping */
		q->icmp_type[1] = rule.has_icmp_type ? rule.icmp_type[1] : 128;
		return 0;
	}
	if (parse_protocol(word, &protocols, NULL) == 0) {
		q->protocol = protocols == PROTO_TCP   ? IPPROTO_TCP
			      : protocols == PROTO_UDP ? IPPROTO_UDP
						       : IPPROTO_SCTP;
		return 0;
	}
	if (parse_ip_protocol(word, &q->protocol, NULL) == 0)
		return 0;
	return fail(e, -EINVAL, "'%s': not a protocol; write tcp, udp, sctp, icmp, icmp6/128 or gre, as in " FORM,
		    excerpt(word).text);
}

static int parse_flags(struct words *words, struct question *q, struct error *e)
{
	static const struct {
		const char *name;
		__u8 flags;
	} kinds[] = {
		{"--syn", TCP_FLAG_SYN},
		{"--ack", TCP_FLAG_ACK},
		{"--syn-ack", TCP_FLAG_SYN | TCP_FLAG_ACK},
		{"--fin", TCP_FLAG_FIN | TCP_FLAG_ACK},
		{"--rst", TCP_FLAG_RST},
	};
	const char *given = NULL;

	q->tcp_flags = TCP_FLAG_SYN;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (!take_flag(words, kinds[i].name))
			continue;
		if (given)
			return fail(e, -EINVAL, "explain: '%s': not together with %s", kinds[i].name, given);
		given = kinds[i].name;
		q->tcp_flags = kinds[i].flags;
	}
	return take_option(words, "--pcap FILE", &q->capture, e);
}

static int parse_part(const char *word, const char *value, struct question *q, struct error *e)
{
	if (strcmp(word, "from") != 0 && strcmp(word, "to") != 0 && strcmp(word, "on") != 0 &&
	    strcmp(word, "user") != 0)
		return fail(e, -EINVAL, "explain: '%s': not expected here; write " FORM, excerpt(word).text);
	if (!value)
		return fail(e, -EINVAL, "explain: '%s': what? write " FORM, word);
	if (strcmp(word, "on") == 0) {
		q->interface = value;
		return 0;
	}
	if (strcmp(word, "user") == 0)
		return environment_here().find_user(value, &q->user)
			       ? fail(e, -EINVAL, "'%s': no such user on this host", excerpt(value).text)
			       : 0;
	return parse_endpoint(value, strcmp(word, "from") == 0 ? &q->from : &q->to, e);
}

static bool is_icmp_error(const struct question *q)
{
	__u8 v4 = q->icmp_type[0], v6 = q->icmp_type[1];

	return (q->icmp_families & ICMP_V4 && (v4 == 3 || v4 == 11 || v4 == 12)) ||
	       (q->icmp_families & ICMP_V6 && v6 >= 1 && v6 <= 4);
}

/* What only the whole question shows. */
static int check(const struct question *q, struct error *e)
{
	bool ports = q->protocol == IPPROTO_TCP || q->protocol == IPPROTO_UDP || q->protocol == IPPROTO_SCTP;

	if (!q->protocol)
		return fail(e, -EINVAL, "explain: which packet? write " FORM " or `explain --pcap FILE`");
	if (ports && !q->to.has_port)
		return fail(e, -EINVAL, "explain: to which port? write " FORM);
	if (!ports && (q->to.has_port || q->from.has_port))
		return fail(e, -EINVAL, "explain: only tcp, udp and sctp have ports");
	if (q->from.has_addr && q->to.has_addr && addr_is_ipv4(&q->from.addr) != addr_is_ipv4(&q->to.addr))
		return fail(e, -EINVAL, "explain: `from` and `to` are of two families; no packet is");
	if (is_icmp_error(q))
		return fail(e, -EINVAL,
			    "explain: an ICMP error is judged by the packet that it quotes; capture one, and "
			    "`explain --pcap FILE`");
	return 0;
}

static int parse_question(struct words *words, struct question *q, struct error *e)
{
	int i = 1, err = parse_flags(words, q, e);

	if (!err && i < words->count && (!strcmp(words->list[i], "in") || !strcmp(words->list[i], "out"))) {
		q->has_dir = true;
		q->dir = strcmp(words->list[i++], "in") == 0 ? XDPFW_IN : XDPFW_OUT;
	}
	if (!err && !q->capture && i < words->count)
		err = parse_what(words->list[i++], q, e);
	for (; !err && i < words->count; i += 2)
		err = parse_part(words->list[i], i + 1 < words->count ? words->list[i + 1] : NULL, q, e);
	if (err || !q->capture)
		return err ? err : check(q, e);
	if (q->from.has_addr || q->from.has_port || q->to.has_addr || q->to.has_port)
		return fail(e, -EINVAL,
			    "explain --pcap: the packets are those of the file; write `explain [in|out] "
			    "--pcap FILE [on IFACE]`");
	return 0;
}

/* What was left out */

static struct xdpfw_addr stranger(int family)
{
	struct xdpfw_addr addr = {};

	if (family == 4) {
		addr.words[2] = htonl(0xffff);
		addr.words[3] = htonl(STRANGER_V4);
	} else {
		addr.words[0] = htonl(0x20010db8); /* 2001:db8::7 */
		addr.words[3] = htonl(7);
	}
	return addr;
}

static int family_of(const struct question *q, const struct explainer *ex)
{
	if (q->from.has_addr)
		return addr_is_ipv4(&q->from.addr) ? 4 : 6;
	if (q->to.has_addr)
		return addr_is_ipv4(&q->to.addr) ? 4 : 6;
	if (q->icmp_families)
		return q->icmp_families & ICMP_V4 ? 4 : 6;
	return local_of(&ex->locals, ex->iface->name, 4) || !local_of(&ex->locals, ex->iface->name, 6) ? 4 : 6;
}

static int fill_own(const struct explainer *ex, int family, struct xdpfw_addr *addr, struct error *e)
{
	const struct local_address *own = local_of(&ex->locals, ex->iface->name, family);

	if (!own)
		return fail(e, -EADDRNOTAVAIL, "%s: has no IPv%d address; name the address of this host",
			    ex->iface->name, family);
	*addr = own->addr;
	return 0;
}

/* The far end is a stranger, the near one the interface's own address. */
static int fill_packet(const struct question *q, const struct explainer *ex, struct packet *p, struct error *e)
{
	bool from_here = q->has_dir && q->dir == XDPFW_OUT;
	int family = family_of(q, ex), err = 0;

	*p = (struct packet){
		.family = family,
		.protocol = q->protocol,
		.from = q->from.addr,
		.to = q->to.addr,
		.has_ports = q->to.has_port,
		.from_port = q->from.has_port ? q->from.port : STRANGER_PORT,
		.to_port = q->to.port,
		.tcp_flags = q->tcp_flags,
		.icmp_type = q->icmp_type[family == 6],
		.echo_id = 1,
	};
	if (q->icmp_families && !(q->icmp_families & (family == 4 ? ICMP_V4 : ICMP_V6)))
		return fail(e, -EINVAL, "explain: that ICMP message is not of IPv%d, the addresses are", family);
	if (q->icmp_families)
		p->protocol = family == 4 ? IPPROTO_ICMP : IPPROTO_ICMPV6;
	if (!q->has_dir && q->from.has_addr && find_local(&ex->locals, &q->from.addr) &&
	    !(q->to.has_addr && find_local(&ex->locals, &q->to.addr)))
		from_here = true;
	if (!q->from.has_addr && from_here)
		err = fill_own(ex, family, &p->from, e);
	else if (!q->from.has_addr)
		p->from = stranger(family);
	if (!err && !q->to.has_addr && !from_here)
		err = fill_own(ex, family, &p->to, e);
	else if (!err && !q->to.has_addr)
		p->to = stranger(family);
	return err;
}

/* Answers */

static void format_rewritten(const struct explanation *x, char text[2 * PACKET_ENDPOINT_MAX + 8])
{
	const struct packet *a = &x->packet, *b = &x->rewritten;
	char from[PACKET_ENDPOINT_MAX], to[PACKET_ENDPOINT_MAX];
	bool from_changed = memcmp(&a->from, &b->from, sizeof(a->from)) || a->from_port != b->from_port;
	bool to_changed = memcmp(&a->to, &b->to, sizeof(a->to)) || a->to_port != b->to_port;

	packet_endpoint(b, &b->from, b->from_port, from);
	packet_endpoint(b, &b->to, b->to_port, to);
	if (from_changed && to_changed)
		sprintf(text, "%s > %s", from, to);
	else
		strcpy(text, to_changed ? to : from);
}

static void print_json(const struct explainer *ex, const struct explanation *x)
{
	char packet[PACKET_TEXT_MAX], rewritten[2 * PACKET_ENDPOINT_MAX + 8];
	_free_ char *text = x->statement ? statement_format(x->statement) : NULL;
	json_t *root;

	format_rewritten(x, rewritten);
	root = json_pack("{s:s,s:s,s:o,s:s?,s:b,s:s?,s:s,s:s,s:s,s:s,s:o}", "verdict", verdict_name(x->verdict),
			 "reason", reason_name(x->reason), "rule",
			 x->statement ? json_sprintf("%016llx", (unsigned long long)x->statement->id) : json_null(),
			 "rule_text", text, "flow", x->flow, "rewritten", x->is_rewritten ? rewritten : NULL, "dir",
			 dir_name(x->dir), "interface", ex->iface->name, "packet", packet_text(&x->packet, packet),
			 "meaning", reason_text(x->reason), "rule_n", x->n ? json_integer(x->n) : json_null());
	json_dumpf(root, stdout, JSON_COMPACT);
	putchar('\n');
	json_decref(root);
}

static void print_text(const struct explainer *ex, const struct explanation *x)
{
	char packet[PACKET_TEXT_MAX], rewritten[2 * PACKET_ENDPOINT_MAX + 8];
	_free_ char *text = explanation_text(x);

	printf("packet:    %s, %s on %s\n", packet_text(&x->packet, packet), dir_name(x->dir), ex->iface->name);
	printf("verdict:   %s\n", verdict_name(x->verdict));
	printf("reason:    %s: %s\n", reason_name(x->reason), reason_text(x->reason));
	if (text && x->n)
		printf("decided:   rule %u, %s\n", x->n, text);
	else if (text)
		printf("decided:   %s\n", text);
	if (x->flow)
		printf("known:     a connection that is open vouches for it\n");
	if (x->is_rewritten) {
		format_rewritten(x, rewritten);
		printf("rewritten: %s\n", rewritten);
	}
	if (x->is_one_of_several)
		puts("rewritten: to one of the targets, by who asks");
}

static int explain_question(const struct session *s, const struct question *q, struct error *e)
{
	struct packet ends = {.from = q->from.addr, .to = q->to.addr}, p;
	struct explanation x;
	struct explainer ex;
	struct twin_frame f;
	int err = explainer_open(s, q->interface, &ends, &ex, e);

	if (err)
		return err;
	err = fill_packet(q, &ex, &p, e);
	if (!err) {
		packet_build(&p, &f);
		err = explain(&ex, q->has_dir ? q->dir : guess_direction(&ex, &p), q->user, &f, &x, e);
	}
	if (!err && s->settings.json)
		print_json(&ex, &x);
	else if (!err)
		print_text(&ex, &x);
	explainer_close(&ex);
	return err;
}

int cmd_explain(const struct settings *settings, struct words words, struct error *e)
{
	struct question q = {};
	_session_ struct session s = SESSION_CLOSED;
	int err = parse_question(&words, &q, e);

	if (!err)
		err = begin_session(settings, false, &s, e);
	if (err)
		return err;
	return q.capture ? explain_capture(&s, q.capture, q.interface, q.has_dir ? &q.dir : NULL, e)
			 : explain_question(&s, &q, e);
}
