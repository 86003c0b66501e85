// SPDX-License-Identifier: GPL-2.0-only
#include "rows.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "counts.h"

static const char *scene;

void begin_scene(const char *name)
{
	scene = name;
	forget_state();
}

/* Where a check stands, and what it has found so far: one message a row. */
struct check {
	const struct row *row;
	enum hooks hooks;
	enum family family;
	char complaints[1024];
};

static void __attribute__((format(printf, 2, 3))) complain(struct check *check, const char *format, ...)
{
	size_t used = strlen(check->complaints);
	va_list args;

	if (used + 4 > sizeof(check->complaints))
		return;
	va_start(args, format);
	used += snprintf(check->complaints + used, sizeof(check->complaints) - used, "%s", used ? "; " : "");
	vsnprintf(check->complaints + used, sizeof(check->complaints) - used, format, args);
	va_end(args);
}

static void report(const struct check *check)
{
	if (check->complaints[0])
		cr_expect_fail("%s: '%s' [%s %s %s]: %s", scene, check->row->name, hooks_name(check->hooks),
			       family_name(check->family), check->row->leaves ? "out" : "in", check->complaints);
}

static const char *verdict_text(enum xdpfw_verdict verdict)
{
	static const char *const names[] = {"go on", "pass", "drop", "reject"};

	return names[verdict];
}

static const char *action_text(enum action action)
{
	static const char *const names[] = {"", "passed", "dropped", "answered"};

	return names[action];
}

static enum action expected_action(const struct row *row)
{
	if (row->verdict == XDPFW_PASS)
		return PASSED;
	return row->verdict == XDPFW_REJECT && row->becomes ? ANSWERED : DROPPED;
}

static __u64 expected_packets(const struct row *row)
{
	return row->skb.gso_segs > 1 ? row->skb.gso_segs : 1;
}

static bool count_is(const struct xdpfw_count *count, const struct row *row, const struct frame *sent)
{
	return count->packets == expected_packets(row) && count->bytes == sent->size;
}

static void check_reason(struct check *check, const struct frame *sent, const struct outcome *o)
{
	const struct row *row = check->row;

	if (o->nr_reasons != 1) {
		complain(check, "%u reasons were counted", o->nr_reasons);
		return;
	}
	if (o->verdict != row->verdict || o->reason != row->reason)
		complain(check, "%s %s instead of %s %s", verdict_text(o->verdict), reason_name(o->reason),
			 verdict_text(row->verdict), reason_name(row->reason));
	if (o->dir != (row->leaves ? XDPFW_OUT : XDPFW_IN))
		complain(check, "the reason was counted for the other direction");
	if (!count_is(&o->reason_count, row, sent))
		complain(check, "the reason counted %llu packets, %llu bytes", o->reason_count.packets,
			 o->reason_count.bytes);
}

static void check_rule(struct check *check, const struct frame *sent, const struct outcome *o)
{
	if (o->nr_rules != (check->row->rule ? 1 : 0) || o->rule != check->row->rule)
		complain(check, "%u rules were counted, the last one is %u instead of %u", o->nr_rules, o->rule,
			 check->row->rule);
	else if (o->rule && !count_is(&o->rule_count, check->row, sent))
		complain(check, "the rule counted %llu packets, %llu bytes", o->rule_count.packets,
			 o->rule_count.bytes);
}

static enum xdpfw_flow_side expected_side(const struct row *row)
{
	if (row->verdict != XDPFW_PASS)
		return XDPFW_DROPPED;
	return row->leaves ? XDPFW_TX : XDPFW_RX;
}

static void check_port(struct check *check, const struct frame *sent, const struct outcome *o)
{
	const struct row *row = check->row;
	const struct port_tally *tally = &o->port;
	enum xdpfw_table table = row->packet.protocol == IPPROTO_TCP ? XDPFW_TCP : XDPFW_UDP;

	if (o->nr_ports != (row->port.given ? 1 : 0)) {
		complain(check, "%u ports were counted, the last one is %s %u", o->nr_ports, tally->dir ? "out" : "in",
			 tally->port);
		return;
	}
	if (!row->port.given)
		return;
	if (tally->dir != row->port.dir || tally->port != row->port.port || tally->table != table ||
	    tally->side != expected_side(row))
		complain(check, "counted for %s %s %u, side %d, instead of %s %u, side %d", tally->dir ? "out" : "in",
			 tally->table == XDPFW_TCP ? "tcp" : "udp", tally->port, tally->side,
			 row->port.dir ? "out" : "in", row->port.port, expected_side(row));
	if (!count_is(&tally->count, row, sent))
		complain(check, "the port counted %llu packets, %llu bytes", tally->count.packets, tally->count.bytes);
}

/* Byte @i, its neighbours and its place, of both frames. */
static void show_difference(struct check *check, const struct frame *expected, const struct frame *got)
{
	char left[64] = "", right[64] = "";
	size_t i = 0;

	while (i < expected->size && i < got->size && expected->bytes[i] == got->bytes[i])
		i++;
	for (size_t j = i; j < i + 8; j++) {
		snprintf(left + strlen(left), 4, "%02x ", j < expected->size ? expected->bytes[j] : 0);
		snprintf(right + strlen(right), 4, "%02x ", j < got->size ? got->bytes[j] : 0);
	}
	complain(check, "the frame has %zu bytes instead of %zu; from byte %zu on it is %sinstead of %s", got->size,
		 expected->size, i, right, left);
}

/* What passes comes out as it went in, or rewritten; an answer travels the other way. */
static void check_frame(struct check *check, const struct frame *sent, const struct outcome *o)
{
	const struct row *row = check->row;
	struct frame expected = *sent;

	if (o->action == DROPPED || o->action != expected_action(row))
		return;
	if (row->becomes) {
		build_for(&expected, row->becomes, check->hooks, check->family,
			  row->leaves == (o->action == PASSED) ? LEAVES : ARRIVES);
	}
	if (expected.size != o->frame.size || memcmp(expected.bytes, o->frame.bytes, expected.size))
		show_difference(check, &expected, &o->frame);
}

static void check_outcome(const struct row *row, enum hooks hooks, enum family family, const struct frame *sent,
			  const struct outcome *outcome)
{
	struct check check = {.row = row, .hooks = hooks, .family = family};

	if (outcome->action != expected_action(row))
		complain(&check, "%s instead of %s", action_text(outcome->action), action_text(expected_action(row)));
	if (!outcome->twin_agrees)
		complain(&check, "the twin told otherwise");
	if (outcome->twin_wrote)
		complain(&check, "the twin wrote to %s", outcome->twin_wrote);
	check_reason(&check, sent, outcome);
	check_rule(&check, sent, outcome);
	check_port(&check, sent, outcome);
	check_frame(&check, sent, outcome);
	report(&check);
}

void play_row(const struct row *row, enum hooks hooks, enum family family)
{
	enum way way = row->leaves ? LEAVES : ARRIVES;
	static struct outcome outcome;
	struct frame f;

	if ((row->families && !(row->families & family)) || (row->hooks && !(row->hooks & hooks)))
		return;
	build_for(&f, &row->packet, hooks, family, way);
	send_frame(hooks, way, &f, &row->skb, &outcome);
	check_outcome(row, hooks, family, &f, &outcome);
}

void play_row_everywhere(const struct row *row)
{
	for (size_t i = 0; i < NR_HOOKS; i++)
		for (enum family family = V4; family <= V6; family++)
			play_row(row, all_hooks[i], family);
}

static void play_rows(const struct row *rows, size_t count, enum hooks hooks, enum family family)
{
	for (const struct row *row = rows; row < rows + count; row++) {
		if (row->policy)
			set_policy(row->policy);
		if (row->later)
			pass_time(row->later);
		play_row(row, hooks, family);
	}
}

void play(const char *name, const char *policy, const struct row *rows, size_t count)
{
	struct port_tally stray;

	for (size_t i = 0; i < NR_HOOKS; i++) {
		for (enum family family = V4; family <= V6; family++) {
			begin_scene(name);
			set_policy(policy);
			play_rows(rows, count, all_hooks[i], family);
		}
	}
	if (!no_port_counted(&stray))
		cr_expect_fail("%s: port %u was counted, which stands in no frame", name, stray.port);
}
