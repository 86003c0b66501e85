// SPDX-License-Identifier: GPL-2.0-only
/* load, unload: attach and detach interfaces. */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>

#include "attach.h"
#include "changes.h"
#include "command.h"
#include "datapath.h"
#include "forward_modes.h"
#include "guard.h"
#include "rulesfile.h"
#include "trial.h"
#include "util.h"
#include "warnings.h"

#define MAX_NAMES XDPFW_MAX_IFACES
#define MAX_FLOWS (16U << 20)

/* What is to be loaded: interfaces by name, each with its mode. */
struct wanted {
	const char *names[MAX_NAMES];
	enum load_mode modes[MAX_NAMES];
	int count;
	unsigned int flows;
	bool at_boot; /* or soon after: what the policy is about need not be there yet */
};

/*
 * The policy to load: what the file says, and what lives in the kernel only. With something live and the
 * file gone, what is live: a lost file must not open the firewall.
 */
static int choose_rules(struct session *s, struct ruleset *set, struct error *e)
{
	int err = 0;

	session_check_sync(s, NULL); /* a change that died half way is finished first, not undone by the old file */
	if (!s->live || session_on_trial(s) || access(s->instance.rules_file, F_OK))
		return ruleset_copy(&s->now, set) ? fail(e, -ENOMEM, "out of memory") : 0;
	err = rulesfile_load(s->instance.rules_file, set, e);
	for (size_t i = 0; !err && i < s->now.count; i++) {
		_free_ char *line = statement_format(&s->now.statements[i]);
		struct statement copy = {};
		enum change change;

		if (!s->now.statements[i].runtime)
			continue;
		err = line ? statement_parse_line(line, &copy, e) : -ENOMEM;
		if (!err)
			err = ruleset_add(set, &copy, &change, e);
	}
	return err;
}

static int note_load(struct ruleset *set, const struct plan *p, struct changes *c, struct error *e)
{
	char *words[] = {"load", (char *)p->info.name, "--mode", (char *)mode_name(p->mode)};
	struct statement s = {}, note = {};
	enum change change;
	int err = statement_parse(ARRAY_SIZE(words), words, &s, e);

	if (!err)
		err = statement_parse(ARRAY_SIZE(words), words, &note, e);
	if (!err)
		err = ruleset_add(set, &s, &change, e);
	if (!err)
		changes_note(c, change, &note);
	statement_free(&note);
	return err;
}

static void print_plans(const struct plan *plans, int count, const struct settings *settings)
{
	for (int i = 0; i < count && !settings->json && !settings->quiet; i++) {
		const struct plan *p = &plans[i];
		const char *out = p->record ? out_hook_text(p->record->out_hook) : "TCX";

		printf("%s%s: in %s, out %s (%s)\n", settings->dry_run ? "would load " : "", p->info.name,
		       in_hook_text(p->in_hook), out, p->why);
	}
}

/* What the flow tables cost, as the kernel reckons it. */
static void print_flows(const struct instance *in)
{
	unsigned long long bytes = 0, entries = 0;

	if (datapath_flow_tables(in, &entries, &bytes) == 0)
		printf("flows: room for %llu, %llu MiB\n", entries, bytes >> 20);
}

/* An XDP link cannot go from native to generic or back; by way of TC there is no gap. */
static int pass_by_tc(struct session *s, const struct plan *plans, int count, struct error *e)
{
	for (int i = 0; i < count; i++) {
		const struct xdpfw_iface *r = find_record(s, plans[i].info.name);
		struct ruleset now = {};
		struct plan by_tc = plans[i];
		int err;

		if (!r || r->in_hook == plans[i].in_hook || r->in_hook == XDPFW_IN_TC || by_tc.in_hook == XDPFW_IN_TC ||
		    (int)r->ifindex != by_tc.info.ifindex)
			continue;
		by_tc.in_hook = XDPFW_IN_TC;
		err = ruleset_copy(&s->now, &now) ? -ENOMEM : attach_load(s, &by_tc, 1, 0, &now, e);
		ruleset_free(&now);
		if (err)
			return err;
	}
	return 0;
}

/* The kernel, then the file; in a trial `confirm` writes that. */
static int put_in_force(struct session *s, struct plan *plans, int count, unsigned int flows, struct ruleset *set,
			struct error *e)
{
	bool trial = s->settings.confirm || session_on_trial(s);
	_free_ char *text = ruleset_format(set, false);
	int err = text ? 0 : fail(e, -ENOMEM, "out of memory");

	if (!err && !trial)
		err = rulesfile_stage(s->instance.rules_file, text, e);
	if (!err)
		err = pass_by_tc(s, plans, count, e);
	if (!err)
		err = attach_load(s, plans, count, flows, set, e);
	if (trial)
		return err;
	if (err)
		rulesfile_discard(s->instance.rules_file);
	return err ? err : rulesfile_publish(s->instance.rules_file, e);
}

static int load(struct session *s, struct plan *plans, const struct wanted *w, struct changes *c, struct error *e)
{
	struct ruleset set = {};
	int count = w->count;
	int err = choose_rules(s, &set, e);

	if (!err && s->live)
		changes_compare(c, &s->now, &set);
	for (int i = 0; !err && i < count; i++)
		err = note_load(&set, &plans[i], c, e);
	for (int i = 0; !err && i < count; i++)
		err = refuse_mode(plans[i].info.name, plans[i].in_hook, &set, e);
	if (!err && !w->at_boot)
		warn_of_ruleset(&set, c);
	if (!err)
		err = guard_load(s, &set, plans, count, e);
	if (!err && !s->settings.dry_run)
		err = put_in_force(s, plans, count, w->flows, &set, e);
	if (!err && s->live) {
		c->generation = store_generation(&s->store);
		c->trial_seconds = session_on_trial(s) ? trial_seconds_left(&s->store) : 0;
	}
	ruleset_free(&set);
	return err;
}

/* Among those that are to be loaded together, too, none may carry another. */
static int refuse_stacked_plans(const struct plan *plans, int count, struct error *e)
{
	for (int i = 0; i < count; i++)
		for (int j = 0; j < count; j++)
			if (i != j && (plans[i].info.master == plans[j].info.ifindex ||
				       plans[i].info.lower == plans[j].info.ifindex))
				return fail(e, -EBUSY, "%s: %s lies on the same wire; load only one of them",
					    plans[i].info.name, plans[j].info.name);
	return 0;
}

static int parse_flows(const char *word, unsigned int *flows, struct error *e)
{
	char *end;
	unsigned long value = strtoul(word, &end, 10);

	if (!*word || *end || strspn(word, "0123456789") != strlen(word) || value < datapath_least_flows() ||
	    value > MAX_FLOWS)
		return fail(e, -EINVAL, "'%s': flows are a number, %u..%u on this machine", word,
			    datapath_least_flows(), MAX_FLOWS);
	*flows = value;
	return 0;
}

static int parse_load(struct words *words, enum load_mode *mode, unsigned int *flows, struct error *e)
{
	const char *value = NULL, *room = NULL;
	int err = take_option(words, "--mode auto|native|generic|tc", &value, e);

	*flows = 0;
	if (!err)
		err = take_option(words, "--flows N", &room, e);
	if (!err && room)
		err = parse_flows(room, flows, e);

	*mode = MODE_AUTO;
	if (!err && value)
		err = parse_mode(value, mode, e);
	if (err)
		return err;
	if (words->count < 2)
		return fail(e, -EINVAL, "load: which interface? `load eth0 [--mode auto|native|generic|tc]`");
	if (words->count - 1 > MAX_NAMES)
		return fail(e, -EINVAL, "load: more than %d interfaces", MAX_NAMES);
	for (int i = 1; i < words->count; i++) {
		if (words->list[i][0] == '-')
			return fail(e, -EINVAL, "load: '%s': unknown flag; `load eth0 [--mode auto|native|generic|tc]`",
				    words->list[i]);
		for (int j = 1; j < i; j++)
			if (strcmp(words->list[i], words->list[j]) == 0)
				return fail(e, -EINVAL, "load: '%s': named twice", words->list[i]);
	}
	return 0;
}

static int load_wanted(struct session *s, const struct wanted *w, struct error *e)
{
	const struct settings *settings = &s->settings;
	struct plan plans[MAX_NAMES] = {};
	struct changes c;
	bool fresh = !s->live;
	int err = 0;

	changes_init(&c);
	for (int i = 0; !err && i < w->count; i++)
		err = plan_interface(s, w->names[i], w->modes[i], &plans[i], e);
	if (!err)
		err = refuse_stacked_plans(plans, w->count, e);
	if (!err)
		err = load(s, plans, w, &c, e);
	if (!err) {
		print_plans(plans, w->count, settings);
		if (fresh && !settings->json && !settings->quiet && !settings->dry_run)
			print_flows(&s->instance);
		if (settings->json)
			changes_print(&c, settings, true);
		else
			changes_print_warnings(&c);
		if (!settings->json && !settings->quiet)
			changes_print_trial(&c);
	}
	changes_free(&c);
	return err;
}

int cmd_load(const struct settings *settings, struct words words, struct error *e)
{
	struct wanted w = {};
	_session_ struct session s = SESSION_CLOSED;
	enum load_mode mode;
	int err = parse_load(&words, &mode, &w.flows, e);

	if (!err)
		err = begin_session(settings, true, &s, e);
	if (err)
		return err;
	for (int i = 1; i < words.count; i++) {
		w.names[w.count] = words.list[i];
		w.modes[w.count++] = mode;
	}
	if (w.flows && s.open)
		err = fail(e, -EBUSY, "--flows: the tables are made by the first load; `unload --all` first");
	return err ? err : load_wanted(&s, &w, e);
}

/* Those that the file names and that are there; @only restricts it to one. */
static void want_what_is_there(const struct session *s, const struct ruleset *file, const char *only, struct wanted *w)
{
	for (size_t i = 0; i < file->count && w->count < MAX_NAMES; i++) {
		const struct load_iface *l = &file->statements[i].load;
		struct iface_info info;

		if (file->statements[i].kind != STATEMENT_LOAD || (only && strcmp(only, l->name) != 0))
			continue;
		if (iface_get(l->name, &info, NULL)) {
			if (!s->settings.quiet && !s->settings.json)
				printf("%s: not there; `xdpfw restore %s` when it is\n", l->name, l->name);
			continue;
		}
		w->names[w->count] = l->name;
		w->modes[w->count++] = l->mode;
	}
}

/*
 * At boot, and when an interface appears: load what the rules file says. An interface that it does not name is left
 * alone, which is no failure: udev asks for every one.
 */
int restore_interfaces(const struct settings *settings, const char *only, struct error *e)
{
	struct ruleset file = {};
	struct wanted w = {.at_boot = true};
	_session_ struct session s = SESSION_CLOSED;
	int err = session_open(settings, true, &s, e);

	if (err)
		return err;
	err = rulesfile_load(s.instance.rules_file, &file, e);
	if (!err)
		want_what_is_there(&s, &file, only, &w);
	if (!err && w.count)
		err = load_wanted(&s, &w, e);
	else if (!err && !settings->quiet && !settings->json)
		printf("%s names no interface to load\n", s.instance.rules_file);
	ruleset_free(&file);
	return err;
}

static int find_records(struct session *s, const struct words *words, bool all, struct xdpfw_iface **records,
			size_t *count, struct error *e)
{
	*count = 0;
	for (size_t i = 0; all && i < XDPFW_MAX_IFACES; i++)
		if (iface_is_live(&s->store, &s->store.ifaces[i]))
			records[(*count)++] = &s->store.ifaces[i];
	for (int i = 1; !all && i < words->count; i++) {
		records[*count] = find_record(s, words->list[i]);
		if (!records[*count])
			return fail(e, -ENOENT, "'%s': not loaded; see `xdpfw status`", words->list[i]);
		(*count)++;
	}
	return 0;
}

static int unload(struct session *s, struct xdpfw_iface **records, size_t count, struct changes *c, struct error *e)
{
	struct ruleset set = {};
	_free_ char *text = NULL;
	int err = ruleset_copy(&s->now, &set) ? fail(e, -ENOMEM, "out of memory") : 0;

	for (size_t i = 0; !err && i < count; i++) {
		char *words[] = {"load", records[i]->name};
		struct statement line = {};

		err = statement_parse(ARRAY_SIZE(words), words, &line, e);
		if (!err)
			changes_note(c, ruleset_delete(&set, line.kind, line.id), &line);
		statement_free(&line);
	}
	if (!err && !s->settings.dry_run) {
		bool sync = session_check_sync(s, NULL) == 0; /* an edited file is left as it is */

		text = ruleset_format(&set, false);
		err = text ? 0 : fail(e, -ENOMEM, "out of memory");
		if (!err && sync)
			err = rulesfile_stage(s->instance.rules_file, text, e);
		if (!err)
			err = attach_unload(s, records, count, &set, e);
		if (sync && err)
			rulesfile_discard(s->instance.rules_file);
		if (sync && !err)
			err = rulesfile_publish(s->instance.rules_file, e);
	}
	ruleset_free(&set);
	return err;
}

int cmd_unload(const struct settings *settings, struct words words, struct error *e)
{
	struct xdpfw_iface *records[MAX_NAMES];
	bool all = take_flag(&words, "--all"), trial;
	struct changes c;
	_session_ struct session s = SESSION_CLOSED;
	size_t count;
	int err;

	if (all == (words.count > 1))
		return fail(e, -EINVAL, "unload: which interface? `unload eth0` or `unload --all`");
	if (words.count - 1 > MAX_NAMES)
		return fail(e, -EINVAL, "unload: more than %d interfaces", MAX_NAMES);
	err = begin_session(settings, true, &s, e);
	if (err)
		return err;
	changes_init(&c);
	trial = session_on_trial(&s) && !settings->dry_run;
	if (trial)
		err = all ? session_roll_back(&s, e)
			  : fail(e, -EBUSY, "unload: a trial is running; `xdpfw confirm` or `xdpfw rollback` first");
	if (!err && !s.live && all && access(s.instance.pin_dir, F_OK) == 0)
		attach_sweep(&s); /* an unload that died has left its pins */
	else if (!err && !s.live && !trial)
		err = fail(e, -ENOTCONN, "not loaded: no interface is filtered; nothing to unload");
	if (!err && s.live)
		err = find_records(&s, &words, all, records, &count, e);
	if (!err && s.live)
		err = unload(&s, records, count, &c, e);
	if (!err)
		changes_print(&c, settings, true);
	changes_free(&c);
	return err;
}
