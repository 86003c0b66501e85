// SPDX-License-Identifier: GPL-2.0-only
/*
 * What ufw's users type: every combination of the clauses of its long form, in both orders, and of its short form. The
 * table knows for each clause what it means; which combinations are refused follows from a few sentences, below.
 */
#include <netinet/in.h>

#include "statements.h"
#include "unit.h"

struct end {
	const char *words; /* behind from or to */
	int family;        /* 4, 6 or 0 for any */
	const char *text;
};

struct port_words {
	const char *words;      /* behind from X or to X */
	unsigned int protocols; /* those it can be for, with any of them said elsewhere */
	bool needs_protocol;    /* ufw's ranges */
	unsigned short first, last;
};

struct proto_words {
	const char *words;
	unsigned int protocols; /* with ports; 0: any */
	bool portless;
};

static const char *const actions[] = {"allow", "deny", "reject", "limit"};
static const char *const dirs[] = {"", "in", "out", "in on eth0", "out on eth0"};
static const char *const logs[] = {"", "log", "log-all"};
static const struct end ends[] = {
	{"", 0, "any"},
	{"any", 0, "any"},
	{"10.1.2.3", 4, "10.1.2.3"},
	{"10.1.2.3/8", 4, "10.0.0.0/8"},
	{"10.0.0.0/255.255.0.0", 4, "10.0.0.0/16"},
	{"0.0.0.0/0", 4, "0.0.0.0/0"},
	{"2001:db8::/32", 6, "2001:db8::/32"},
	{"::1", 6, "::1"},
};
#define ALL (PROTO_TCP | PROTO_UDP)
static const struct port_words ports[] = {
	{"", 0, false, 0, 65535},
	{" port 22", ALL, false, 22, 22},
	{" port ssh", PROTO_TCP, false, 22, 22},
	{" port domain", ALL, false, 53, 53},
	{" port 80,443", ALL, false, 80, 443},
	{" port 6000:6010", ALL, true, 6000, 6010},
	{" port ntp", PROTO_UDP, false, 123, 123},
};
static const struct proto_words protos[] = {
	{"", 0, false},           {" proto tcp", PROTO_TCP, false}, {" proto udp", PROTO_UDP, false},
	{" proto any", 0, false}, {" proto esp", 0, true},          {" proto gre", 0, true},
};

struct form {
	const char *action, *dir, *log;
	const struct end *from, *to;
	const struct port_words *from_port, *to_port;
	const struct proto_words *proto;
};

/* An empty end has no place for a port. */
static bool can_be_typed(const struct form *f)
{
	return (*f->from->words || !*f->from_port->words) && (*f->to->words || !*f->to_port->words);
}

/* The protocols of a rule with ports, 0 if there are none in common. */
static unsigned int protocols_of(const struct form *f)
{
	unsigned int left = f->proto->protocols ? f->proto->protocols : ALL;

	if (f->from_port->protocols)
		left &= f->from_port->protocols;
	if (f->to_port->protocols)
		left &= f->to_port->protocols;
	return left;
}

static bool is_wrong(const struct form *f)
{
	bool has_ports = *f->from_port->words || *f->to_port->words;

	/* Nothing said: `allow in`, or with a log alone. */
	if (!*f->from->words && !*f->to->words && !*f->proto->words && !strstr(f->dir, "on"))
		return true;
	/* The two ends of a request have one family. */
	if (f->from->family && f->to->family && f->from->family != f->to->family)
		return true;
	/* Protocols without ports have none. */
	if (f->proto->portless && has_ports)
		return true;
	/* A:B is a range only with a protocol, by its name or by that of a service. */
	if (!f->proto->protocols && (f->from_port->needs_protocol || f->to_port->needs_protocol) &&
	    protocols_of(f) == ALL)
		return true;
	/* A service is for its protocols. */
	return has_ports && !protocols_of(f);
}

static void type(const struct form *f, bool from_first, char *line)
{
	char from[64] = "", to[64] = "";

	if (*f->from->words)
		sprintf(from, " from %s%s", f->from->words, f->from_port->words);
	if (*f->to->words)
		sprintf(to, " to %s%s", f->to->words, f->to_port->words);
	sprintf(line, "%s %s %s%s%s%s", f->action, f->dir, f->log, from_first ? from : to, from_first ? to : from,
		f->proto->words);
}

static void expect_ports(const char *line, const struct ports *parsed, const struct port_words *typed)
{
	cr_expect(parsed->count && parsed->ranges[0].first == typed->first &&
			  parsed->ranges[parsed->count - 1].last == typed->last,
		  "%s", line);
}

static void expect_meaning(const char *line, const struct form *f, const struct statement *s)
{
	const struct rule *rule = &s->rule;
	_free_ char *from = address_text(&rule->from), *to = address_text(&rule->to);
	bool has_ports = *f->from_port->words || *f->to_port->words;

	cr_expect_str_eq(rule_action(rule), f->action, "%s", line);
	cr_expect_eq(rule->dir, strncmp(f->dir, "out", 3) ? XDPFW_IN : XDPFW_OUT, "%s", line);
	cr_expect_eq(rule->on != NULL, strstr(f->dir, "on") != NULL, "%s", line);
	cr_expect(rule->log == !strcmp(f->log, "log") && rule->log_all == !strcmp(f->log, "log-all"), "%s", line);
	cr_expect_str_eq(from, f->from->text, "%s", line);
	cr_expect_str_eq(to, f->to->text, "%s", line);
	if (f->proto->portless) {
		cr_expect(rule->match == MATCH_PROTOCOL, "%s", line);
	} else if (!has_ports && !f->proto->protocols) {
		cr_expect(rule->match == MATCH_ANY, "%s", line);
	} else {
		cr_expect(rule->match == MATCH_PORTS && rule->protocols == protocols_of(f), "%s", line);
		expect_ports(line, &rule->ports, f->to_port);
		if (*f->from_port->words)
			expect_ports(line, &rule->source_ports, f->from_port);
		else
			cr_expect_eq(rule->source_ports.count, 0, "%s", line);
	}
}

static void judge(const struct form *f, unsigned int *right, unsigned int *wrong)
{
	for (int from_first = 0; from_first < 2; from_first++) {
		struct statement s = {0};
		struct error e = {0};
		char line[256];
		int err;

		type(f, from_first, line);
		err = statement_parse_line(line, &s, &e);
		cr_expect_eq(err, is_wrong(f) ? -EINVAL : 0, "%s: %s", line, e.text);
		if (err) {
			++*wrong;
			cr_expect(strstr(e.text, "': ") && *e.text == '\'', "%s: %s", line, e.text);
			continue;
		}
		++*right;
		expect_meaning(line, f, &s);
		statement_free(&s);
	}
}

/* Every action and direction with some ends, and every pair of ends with one action: 2 x 33,000 lines. */
Test(ufw_forms, long_form, .timeout = 120)
{
	unsigned int right = 0, wrong = 0;

	for (size_t i = 0; i < ARRAY_SIZE(actions) * ARRAY_SIZE(dirs) * ARRAY_SIZE(logs); i++) {
		struct form f = {.action = actions[i % ARRAY_SIZE(actions)],
				 .dir = dirs[i / ARRAY_SIZE(actions) % ARRAY_SIZE(dirs)],
				 .log = logs[i / ARRAY_SIZE(actions) / ARRAY_SIZE(dirs)]};
		bool sample = i % 7 != 0;

		for (size_t k = 0; k < ARRAY_SIZE(ends) * ARRAY_SIZE(ends); k++) {
			f.from = &ends[k % ARRAY_SIZE(ends)];
			f.to = &ends[k / ARRAY_SIZE(ends)];
			for (size_t m = 0; m < ARRAY_SIZE(ports) * ARRAY_SIZE(ports) * ARRAY_SIZE(protos); m++) {
				if (sample && (k * 31 + m) % 17 != i % 17)
					continue;
				f.from_port = &ports[m % ARRAY_SIZE(ports)];
				f.to_port = &ports[m / ARRAY_SIZE(ports) % ARRAY_SIZE(ports)];
				f.proto = &protos[m / ARRAY_SIZE(ports) / ARRAY_SIZE(ports)];
				if (can_be_typed(&f))
					judge(&f, &right, &wrong);
			}
		}
	}
	cr_expect(right > 50000 && wrong > 50000, "%u right, %u wrong", right, wrong);
}

/* The short form: PORTS, PORTS/PROTO, SERVICE. */
Test(ufw_forms, short_form)
{
	static const struct {
		const char *target;
		bool wrong;
	} targets[] = {
		{"22", false},        {"22/tcp", false},        {"22/udp", false},
		{"ssh", false},       {"ssh/tcp", false},       {"ssh/udp", true},
		{"domain", false},    {"80,443", false},        {"80,443/tcp", false},
		{"6000:6010", true},  {"6000:6010/tcp", false}, {"6010:6000/tcp", true},
		{"65535", false},     {"65536", true},          {"22/esp", true},
		{"22/", true},        {"/tcp", true},           {"22,", true},
		{",22", true},        {"nosuch", true},         {"-1", true},
		{"22a", true},        {"0x16", true},           {"any", false},
		{"22/tcp/udp", true},
	};
	static const char *const heads[] = {"%s %s",
					    "%s in %s",
					    "%s out %s",
					    "%s in on eth0 %s",
					    "%s log %s",
					    "route %s %s",
					    "route %s in on eth0 out on eth1 %s",
					    "%s in log-all %s",
					    "%s %s comment 'why not'"};

	for (size_t i = 0; i < ARRAY_SIZE(actions) * ARRAY_SIZE(targets) * ARRAY_SIZE(heads); i++) {
		const char *action = actions[i % ARRAY_SIZE(actions)];
		const char *target = targets[i / ARRAY_SIZE(actions) % ARRAY_SIZE(targets)].target;
		bool wrong = targets[i / ARRAY_SIZE(actions) % ARRAY_SIZE(targets)].wrong;
		struct statement s = {0};
		struct error e = {0};
		char line[128];

		snprintf(line, sizeof(line), heads[i / ARRAY_SIZE(actions) / ARRAY_SIZE(targets)], action, target);
		cr_expect_eq(statement_parse_line(line, &s, &e), wrong ? -EINVAL : 0, "%s: %s", line, e.text);
		statement_free(&s);
	}
}
