// SPDX-License-Identifier: GPL-2.0-only
/* status: what is loaded, what the policy says, how often each rule decided. */
#define _GNU_SOURCE
#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "addresses.h"
#include "command.h"
#include "dead_targets.h"
#include "hooks.h"
#include "iface.h"
#include "interfaces.h"
#include "rule_json.h"
#include "statement_forward.h"
#include "trial.h"
#include "util.h"

#define FEW 20 /* blocks that are listed one by one */

struct interface_row {
	char name[IFNAMSIZ];
	const struct xdpfw_iface *record;
	const char *state;
	int in_front; /* foreign TC programs before ours */
};

struct status {
	const struct session *session;
	struct interface_row rows[XDPFW_MAX_IFACES];
	size_t count;
	bool in_sync;
	bool gone; /* a loaded interface is gone */
};

static void read_interfaces(struct status *st)
{
	const struct session *s = st->session;

	for (size_t i = 0; s->live && i < XDPFW_MAX_IFACES; i++) {
		const struct xdpfw_iface *r = &s->store.ifaces[i];
		struct interface_row *row = &st->rows[st->count];
		struct iface_info info;

		if (!iface_is_live(&s->store, r))
			continue;
		st->count++;
		row->record = r;
		row->state = record_state(s, r);
		snprintf(row->name, sizeof(row->name), "%s", r->name);
		if (strcmp(row->state, "gone") == 0)
			st->gone = true;
		else if (iface_get_index(r->ifindex, &info, NULL) == 0)
			snprintf(row->name, sizeof(row->name), "%s", info.name);
		if (r->in_hook == XDPFW_IN_TC)
			row->in_front = hook_programs_in_front(&s->instance, ROLE_IN, r->ifindex);
		row->in_front += hook_programs_in_front(&s->instance, ROLE_OUT, r->ifindex);
	}
}

static struct xdpfw_count counted(const struct session *s, const struct statement *st)
{
	struct xdpfw_count none = {};

	return s->live ? store_rule_count(&s->store, st->counter) : none;
}

static json_t *forward_json(const struct session *s, const struct statement *st)
{
	_free_ char *text = statement_format(st);
	struct xdpfw_count count = counted(s, st);
	const struct forward *f = &st->forward;
	_text_ struct text listen = {};
	json_t *targets = json_array();
	char id[17];

	snprintf(id, sizeof(id), "%016llx", (unsigned long long)st->id);
	forward_listen_write(&listen, f);
	for (size_t i = 0; i < f->nr_targets; i++) {
		_text_ struct text target = {};

		forward_target_write(&target, f, &f->targets[i]);
		json_array_append_new(targets, json_string(target.data));
	}
	return json_pack("{s:s,s:s,s:s,s:o,s:s,s:s,s:I,s:I,s:o}", "id", id, "text", text, "listen", listen.data, "to",
			 targets, "way", f->one_way ? "one" : "both", "proto", format_protocols(f->protocols),
			 "packets", (json_int_t)count.packets, "bytes", (json_int_t)count.bytes, "passed_over",
			 dead_targets_json(s, st));
}

static json_t *interfaces_json(const struct status *st)
{
	json_t *list = json_array();

	for (size_t i = 0; i < st->count; i++) {
		const struct interface_row *row = &st->rows[i];

		json_array_append_new(
			list, json_pack("{s:s,s:i,s:s,s:s,s:s,s:s}", "name", row->name, "ifindex", row->record->ifindex,
					"state", row->state, "in", in_hook_name(row->record->in_hook), "out",
					out_hook_name(row->record->out_hook), "reason", row->record->why));
	}
	return list;
}

static json_t *seconds_left_json(const struct session *s)
{
	return session_on_trial(s) ? json_integer(trial_seconds_left(&s->store)) : json_null();
}

static unsigned long long tables_of_addresses(const struct session *s)
{
	return s->live ? addresses_bytes(s->store.addresses, trial_slot(&s->store)) : 0;
}

static void print_json(const struct status *st)
{
	const struct session *s = st->session;
	json_t *rules = json_array(), *forwards = json_array(), *blocked = json_array(), *root;
	struct hidden_list hidden;
	int n = 0;

	if (hidden_list_build(&s->now, &hidden))
		return;
	for (size_t i = 0; i < s->now.count; i++) {
		const struct statement *line = &s->now.statements[i];
		char text[ADDR_TEXT_MAX];

		if (line->kind == STATEMENT_RULE)
			json_array_append_new(rules, rule_json(line, ++n, &hidden, counted(s, line)));
		else if (line->kind == STATEMENT_FORWARD)
			json_array_append_new(forwards, forward_json(s, line));
		else if (line->kind == STATEMENT_BLOCK)
			json_array_append_new(blocked, json_string(format_prefix(&line->block.prefix, text)));
	}
	root = json_pack("{s:i,s:s,s:s,s:b,s:i,s:s,s:b,s:o,s:{s:s,s:s,s:s},s:b,s:o,s:o,s:o,s:o,s:o,s:I}", "schema", 1,
			 "version", XDPFW_VERSION, "instance", s->instance.name, "loaded", s->live, "generation",
			 s->live ? (int)store_generation(&s->store) : 0, "rules_file", s->instance.rules_file,
			 "file_in_sync", st->in_sync, "interfaces", interfaces_json(st), "defaults", "in",
			 action_name(ruleset_default(&s->now, XDPFW_IN)), "out",
			 action_name(ruleset_default(&s->now, XDPFW_OUT)), "routed",
			 action_name(ruleset_default(&s->now, XDPFW_ROUTED)), "panic", ruleset_panic(&s->now) != NULL,
			 "trial_seconds_left", seconds_left_json(s), "rules", rules, "forwards", forwards, "blocked",
			 blocked, "sets", sets_json(&s->now), "address_table_bytes",
			 (json_int_t)tables_of_addresses(s));
	hidden_list_free(&hidden);
	json_dumpf(root, stdout, JSON_COMPACT);
	putchar('\n');
	json_decref(root);
}

static void print_interfaces(const struct status *st)
{
	for (size_t i = 0; i < st->count; i++) {
		const struct interface_row *row = &st->rows[i];

		if (strcmp(row->state, "gone") == 0)
			printf("%s: GONE; a new interface of that name is not filtered until `xdpfw load %s`\n",
			       row->name, row->name);
		else
			printf("%s: in %s, out %s (%s)\n", row->name, in_hook_text(row->record->in_hook),
			       out_hook_text(row->record->out_hook), row->record->why);
		if (row->in_front)
			printf("  warning: %d foreign TC program%s run before xdpfw and can pass packets by it\n",
			       row->in_front, row->in_front > 1 ? "s" : "");
	}
}

/* Sets may have 100,000 members, so their names and sizes must do. */
static void print_sets(const struct session *s)
{
	json_t *sets = sets_json(&s->now), *members;
	const char *name;

	json_object_foreach (sets, name, members)
		printf("%5s  set %s: %lld addresses; `xdpfw set list %s` lists them\n", "", name,
		       (long long)json_integer_value(members), name);
	json_decref(sets);
}

/* As wide as the longest rule, within reason. */
static int rule_width(const struct ruleset *set)
{
	int width = 44;

	for (size_t i = 0; i < set->count; i++) {
		_free_ char *text =
			set->statements[i].kind == STATEMENT_RULE ? statement_format(&set->statements[i]) : NULL;
		int length = text ? strlen(text) : 0;

		if (length > width && length <= 90)
			width = length;
	}
	return width;
}

static void print_policy(const struct session *s)
{
	size_t blocks = ruleset_count(&s->now, STATEMENT_BLOCK);
	int n = 0, width = rule_width(&s->now);

	printf("default: in %s, out %s, routed %s\n", action_name(ruleset_default(&s->now, XDPFW_IN)),
	       action_name(ruleset_default(&s->now, XDPFW_OUT)), action_name(ruleset_default(&s->now, XDPFW_ROUTED)));
	for (size_t i = 0; i < s->now.count; i++) {
		const struct statement *line = &s->now.statements[i];
		struct xdpfw_count count = counted(s, line);
		_free_ char *text = statement_format(line);

		if (line->kind == STATEMENT_RULE) {
			if (n++ == 0)
				printf("%5s  %-*s %12s %14s\n", "#", width, "RULE", "PACKETS", "BYTES");
			printf("%5d  %-*s %12llu %14llu\n", n, width, text, (unsigned long long)count.packets,
			       (unsigned long long)count.bytes);
		} else if (line->kind == STATEMENT_FORWARD) {
			printf("%5s  %-*s %12llu %14llu\n", "", width, text, (unsigned long long)count.packets,
			       (unsigned long long)count.bytes);
			dead_targets_print(s, line, 9);
		} else if ((line->kind == STATEMENT_BLOCK && blocks <= FEW) || line->kind == STATEMENT_OPTION) {
			printf("%5s  %s\n", "", text);
		}
	}
	if (blocks > FEW)
		printf("%5s  block: %zu addresses; `xdpfw export` lists them\n", "", blocks);
	print_sets(s);
	if (tables_of_addresses(s))
		printf("%5s  addresses are looked up in tables of %llu KiB\n", "",
		       (tables_of_addresses(s) + 1023) / 1024);
}

static void print_panic(const struct session *s)
{
	const struct statement *panic = ruleset_panic(&s->now);
	_free_ char *text = panic ? statement_format(panic) : NULL;

	if (text)
		printf("PANIC: nothing passes but open connections to these ports, if any (%s); `xdpfw panic off` ends "
		       "it\n",
		       text);
}

static void print_trial(const struct session *s)
{
	if (session_on_trial(s))
		printf("trial: %u s left, then the rules from before are in force again; `xdpfw confirm` keeps these\n",
		       trial_seconds_left(&s->store));
	else if (s->open && trial_is_over(&s->store))
		puts("trial: over without `xdpfw confirm`; what was before it is in force again");
}

static void print_text(const struct status *st)
{
	const struct session *s = st->session;

	if (s->live)
		printf("xdpfw " XDPFW_VERSION ": loaded, instance %s, generation %u\n", s->instance.name,
		       store_generation(&s->store));
	else
		printf("xdpfw " XDPFW_VERSION ": not loaded, instance %s; the rules of %s are not in force\n",
		       s->instance.name, s->instance.rules_file);
	print_interfaces(st);
	print_trial(s);
	print_panic(s);
	if (!st->in_sync && session_is_unfinished(s))
		printf("warning: a command died before it wrote %s; the next change finishes that\n",
		       s->instance.rules_file);
	else if (!st->in_sync)
		printf("warning: %s was edited since; `xdpfw apply %s` puts it in force\n", s->instance.rules_file,
		       s->instance.rules_file);
	print_policy(s);
}

int cmd_status(const struct settings *settings, struct words words, struct error *e)
{
	struct status st = {};
	_session_ struct session s = SESSION_CLOSED;
	int err;

	/* What ufw's users type; numbers and counters are always there. */
	if (words.count == 2 && (!strcmp(words.list[1], "verbose") || !strcmp(words.list[1], "numbered")))
		words.count = 1;
	if (words.count > 1)
		return fail(e, -EINVAL, "status: '%s': takes no words", words.list[1]);
	err = begin_session(settings, false, &s, e);
	if (err)
		return err;
	st.session = &s;
	st.in_sync = session_in_sync(&s);
	read_interfaces(&st);
	if (settings->json)
		print_json(&st);
	else
		print_text(&st);
	return !s.live ? -ENOTCONN : st.gone ? -ENODEV : 0;
}
