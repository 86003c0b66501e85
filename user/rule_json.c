// SPDX-License-Identifier: GPL-2.0-only
#include "rule_json.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "overlap.h"
#include "util.h"

#define ID_TEXT_MAX sizeof("0123456789abcdef")

static const char *id_text(__u64 id, char text[ID_TEXT_MAX])
{
	snprintf(text, ID_TEXT_MAX, "%016llx", (unsigned long long)id);
	return text;
}

static void note_hidden(void *context, const struct statement *earlier, const struct statement *later)
{
	const struct hidden_list *hidden = context;
	json_t **list = &hidden->by[later - hidden->set->statements];
	char id[ID_TEXT_MAX];

	if (!*list)
		*list = json_array();
	json_array_append_new(*list, json_string(id_text(earlier->id, id)));
}

int hidden_list_build(const struct ruleset *set, struct hidden_list *hidden)
{
	struct hidden_list built = {set, calloc(set->count + 1, sizeof(*built.by))};
	int err = built.by ? find_hidden(set, note_hidden, &built) : -ENOMEM;

	if (err)
		hidden_list_free(&built);
	else
		*hidden = built;
	return err;
}

void hidden_list_free(struct hidden_list *hidden)
{
	for (size_t i = 0; hidden->by && i < hidden->set->count; i++)
		json_decref(hidden->by[i]);
	free(hidden->by);
	*hidden = (struct hidden_list){0};
}

static json_t *hidden_by(const struct statement *s, const struct hidden_list *hidden)
{
	json_t *list = hidden->by[s - hidden->set->statements];

	return list ? json_incref(list) : json_array();
}

static json_t *text_or_null(const char *text)
{
	return text ? json_string(text) : json_null();
}

static json_t *time_json(__u64 seconds)
{
	char text[TIME_TEXT_MAX];

	return seconds ? json_string(format_timestamp(seconds, text)) : json_null();
}

static json_t *rate_json(const struct rule *rule)
{
	char duration[DURATION_TEXT_MAX];

	if (!rule->limited)
		return json_null();
	return json_sprintf("%u/%s", rule->limit_count, format_duration(rule->limit_seconds, duration));
}

static json_t *source_ports_json(const struct rule *rule)
{
	_free_ char *text = rule->source_ports.count ? format_ports(&rule->source_ports) : NULL;

	return json_string(text ? text : "any");
}

/* What most rules do not have. */
static void add_conditions(json_t *row, const struct rule *rule)
{
	json_object_set_new(row, "source_ports", source_ports_json(rule));
	json_object_set_new(row, "interface_out", text_or_null(rule->on_out));
	json_object_set_new(row, "user", text_or_null(rule->user));
	json_object_set_new(row, "cgroup", text_or_null(rule->cgroup));
	json_object_set_new(row, "rate", rate_json(rule));
	json_object_set_new(row, "log", text_or_null(rule->log_all ? "all" : rule->log ? "requests" : NULL));
}

json_t *rule_json(const struct statement *s, int n, const struct hidden_list *hidden, struct xdpfw_count count)
{
	const struct rule *rule = &s->rule;
	_free_ char *text = statement_format(s), *protocol = rule_protocol_text(rule), *ports = rule_ports_text(rule);
	_free_ char *from = address_text(&rule->from), *to = address_text(&rule->to);
	char id[ID_TEXT_MAX];
	json_t *row = json_pack("{s:i,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s}", "n", n, "id", id_text(s->id, id), "text", text,
				"action", rule_action(rule), "dir", dir_name(rule->dir), "proto", protocol, "ports",
				ports, "from", from, "to", to);

	json_object_set_new(row, "interface", text_or_null(rule->on));
	json_object_set_new(row, "comment", text_or_null(rule->comment));
	json_object_set_new(row, "enabled", json_boolean(!rule->disabled));
	json_object_set_new(row, "runtime", json_boolean(s->runtime));
	json_object_set_new(row, "expires_at", time_json(rule->expires));
	json_object_set_new(row, "hidden_by", hidden_by(s, hidden));
	add_conditions(row, rule);
	json_object_set_new(row, "packets", json_integer(count.packets));
	json_object_set_new(row, "bytes", json_integer(count.bytes));
	return row;
}

json_t *sets_json(const struct ruleset *set)
{
	json_t *sets = json_object();

	for (size_t i = 0; i < set->count; i++) {
		const struct statement *s = &set->statements[i];
		json_int_t members;

		if (s->kind != STATEMENT_SET)
			continue;
		members = json_integer_value(json_object_get(sets, s->member.name));
		json_object_set_new(sets, s->member.name, json_integer(members + 1));
	}
	return sets;
}
