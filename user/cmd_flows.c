// SPDX-License-Identifier: GPL-2.0-only
/* flows: the connections as the firewall sees them; --kill cuts them. */
#define _GNU_SOURCE
#include <errno.h>
#include <jansson.h>
#include <netinet/in.h>
#include <string.h>

#include "command.h"
#include "flows.h"
#include "util.h"

static const char *const origins[] = {
	[ORIGIN_SOCKET] = "socket",
	[ORIGIN_FLOW] = "flow",
	[ORIGIN_GUEST] = "guest",
};

static const struct {
	const char *name;
	__u8 number;
} protocols[] = {
	{"tcp", IPPROTO_TCP},   {"udp", IPPROTO_UDP},      {"sctp", IPPROTO_SCTP},
	{"icmp", IPPROTO_ICMP}, {"icmp6", IPPROTO_ICMPV6},
};

static const char *protocol_name(__u8 number, char text[8])
{
	for (size_t i = 0; i < ARRAY_SIZE(protocols); i++)
		if (protocols[i].number == number)
			return protocols[i].name;
	snprintf(text, 8, "%u", number);
	return text;
}

static bool find_protocol(const char *word, struct flow_filter *f)
{
	for (size_t i = 0; i < ARRAY_SIZE(protocols); i++) {
		if (strcmp(protocols[i].name, word) == 0) {
			f->protocol = protocols[i].number;
			return true;
		}
	}
	return false;
}

static int parse_filter(const struct words *words, struct flow_filter *f, struct error *e)
{
	for (int i = 1; i < words->count; i++) {
		const char *word = words->list[i], *value = i + 1 < words->count ? words->list[i + 1] : NULL;
		int err;

		if (find_protocol(word, f))
			continue;
		if (strcmp(word, "port") != 0 && strcmp(word, "with") != 0 && strcmp(word, "state") != 0)
			return fail(e, -EINVAL,
				    "flows: '%s': not a filter; write tcp, udp, port 22, with 10.0.0.0/8, state "
				    "established",
				    word);
		if (!value)
			return fail(e, -EINVAL, "flows: '%s': what? write `port 22`, `with ADDR` or `state NAME`",
				    word);
		i++;
		if (*word == 's') {
			f->state = value;
			continue;
		}
		f->has_port |= *word == 'p';
		f->has_peer |= *word == 'w';
		err = *word == 'p' ? parse_port(value, &f->port, e) : parse_prefix(value, &f->peer, NULL, e);
		if (err)
			return err;
	}
	return 0;
}

static void format_endpoint(const struct xdpfw_addr *addr, __u16 port, char *text, size_t size)
{
	char plain[ADDR_TEXT_MAX];

	format_addr(addr, plain);
	snprintf(text, size, strchr(plain, ':') ? "[%s]:%u" : "%s:%u", plain, port);
}

static json_t *known(long long value)
{
	return value < 0 ? json_null() : json_integer(value);
}

static json_t *row_json(const struct flow_row *row)
{
	char local[ADDR_TEXT_MAX + 8], remote[ADDR_TEXT_MAX + 8], number[8];

	format_endpoint(&row->local, row->local_port, local, sizeof(local));
	format_endpoint(&row->remote, row->remote_port, remote, sizeof(remote));
	return json_pack("{s:s,s:s,s:s,s:s,s:s,s:o,s:o,s:o,s:o}", "origin", origins[row->origin], "proto",
			 protocol_name(row->protocol, number), "state", row->state, "local", local, "remote", remote,
			 "age_s", known(row->age_s), "idle_s", known(row->idle_s), "bytes_in", known(row->bytes_in),
			 "bytes_out", known(row->bytes_out));
}

static void print_json(const struct flow_list *list, int killed)
{
	json_t *rows = json_array(), *root;

	for (size_t i = 0; i < list->count; i++)
		json_array_append_new(rows, row_json(&list->rows[i]));
	root = json_pack("{s:o,s:o}", "flows", rows, "killed", known(killed));
	json_dumpf(root, stdout, JSON_COMPACT);
	putchar('\n');
	json_decref(root);
}

static const char *text_or_dash(long long value, char text[24])
{
	if (value < 0)
		return "-";
	snprintf(text, 24, "%lld", value);
	return text;
}

static void print_text(const struct flow_list *list)
{
	printf("%-6s %-6s %-12s %-44s %-44s %8s %8s %12s %12s\n", "PROTO", "ORIGIN", "STATE", "LOCAL", "REMOTE",
	       "AGE s", "IDLE s", "BYTES IN", "BYTES OUT");
	for (size_t i = 0; i < list->count; i++) {
		const struct flow_row *row = &list->rows[i];
		char local[ADDR_TEXT_MAX + 8], remote[ADDR_TEXT_MAX + 8], number[8], age[24], idle[24], in[24], out[24];

		format_endpoint(&row->local, row->local_port, local, sizeof(local));
		format_endpoint(&row->remote, row->remote_port, remote, sizeof(remote));
		printf("%-6s %-6s %-12s %-44s %-44s %8s %8s %12s %12s\n", protocol_name(row->protocol, number),
		       origins[row->origin], row->state, local, remote, text_or_dash(row->age_s, age),
		       text_or_dash(row->idle_s, idle), text_or_dash(row->bytes_in, in),
		       text_or_dash(row->bytes_out, out));
	}
}

static int list_or_kill(struct session *s, const struct flow_filter *filter, bool kill, struct error *e)
{
	struct flow_list list;
	int killed = -1, err = flows_read(&s->store, filter, &list, e);

	if (err)
		return err;
	if (kill && !s->settings.dry_run)
		killed = flows_kill(&s->store, &list, e);
	if (kill && killed < 0 && !s->settings.dry_run)
		err = killed;
	else if (s->settings.json)
		print_json(&list, killed);
	else if (kill && !s->settings.dry_run)
		printf("cut: %d\n", killed);
	else
		print_text(&list);
	flows_free(&list);
	return err;
}

int cmd_flows(const struct settings *settings, struct words words, struct error *e)
{
	bool kill = take_flag(&words, "--kill");
	struct flow_filter filter = {};
	_session_ struct session s = SESSION_CLOSED;
	int err = parse_filter(&words, &filter, e);

	if (!err && kill && words.count == 1)
		err = fail(e, -EINVAL,
			   "flows --kill: which? give a filter, `flows --kill port 22` or `with 10.0.0.0/8`");
	if (!err)
		err = begin_session(settings, kill, &s, e);
	if (!err)
		err = session_require_live(&s, e);
	return err ? err : list_or_kill(&s, &filter, kill, e);
}
