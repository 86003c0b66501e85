// SPDX-License-Identifier: GPL-2.0-only
/* doctor: what stands in the way of the firewall or slows it down, each with the command that mends it. */
#define _GNU_SOURCE
#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "command.h"
#include "facts.h"
#include "interfaces.h"
#include "util.h"

static const char *yes_no(bool yes)
{
	return yes ? "yes" : "no";
}

static void print_facts(const struct facts *f)
{
	printf("kernel %s: %u CPUs, JIT %s, BTF %s, TCX %s, XDP fragments %s, membarrier %s, bpffs %s\n", f->kernel,
	       f->cpus, yes_no(f->jit), yes_no(f->btf), yes_no(f->tcx), yes_no(f->xdp_frags), yes_no(f->membarrier),
	       yes_no(f->bpffs));
	for (size_t n = 0; n < f->count; n++) {
		const struct interface_facts *i = &f->interfaces[n];

		if (i->gone)
			printf("%s: gone\n", i->name);
		else
			printf("%s: %s, driver %s, MTU %u, receive queues %u\n", i->name,
			       i->loaded ? in_hook_text(i->in_hook) : "not loaded", i->driver, i->mtu,
			       i->offloads.queues);
	}
}

static void print_text(const struct facts *f, const struct finding *findings, size_t count)
{
	print_facts(f);
	putchar('\n');
	for (size_t i = 0; i < count; i++)
		printf("%s%s%s\n    %s\n", findings[i].interface, findings[i].interface[0] ? ": " : "",
		       findings[i].text, findings[i].mend);
	if (count == 0)
		puts("nothing to mend");
}

static json_t *interface_json(const struct interface_facts *i)
{
	return json_pack("{s:s,s:b,s:b,s:o,s:s,s:i,s:i,s:b,s:b}", "name", i->name, "loaded", i->loaded, "gone", i->gone,
			 "in", i->loaded ? json_string(in_hook_name(i->in_hook)) : json_null(), "driver", i->driver,
			 "mtu", (int)i->mtu, "queues", (int)i->offloads.queues, "lro", i->offloads.lro, "gro_hw",
			 i->offloads.gro_hw);
}

static void print_json(const struct facts *f, const struct finding *findings, size_t count)
{
	json_t *interfaces = json_array(), *list = json_array(), *root;

	for (size_t i = 0; i < f->count; i++)
		json_array_append_new(interfaces, interface_json(&f->interfaces[i]));
	for (size_t i = 0; i < count; i++)
		json_array_append_new(
			list, json_pack("{s:s,s:o,s:s,s:s}", "id", findings[i].id, "interface",
					findings[i].interface[0] ? json_string(findings[i].interface) : json_null(),
					"text", findings[i].text, "mend", findings[i].mend));
	root = json_pack("{s:{s:s,s:i,s:b,s:b,s:b,s:b,s:b,s:b},s:o,s:o}", "kernel", "release", f->kernel, "cpus",
			 (int)f->cpus, "jit", f->jit, "btf", f->btf, "tcx", f->tcx, "xdp_frags", f->xdp_frags,
			 "membarrier", f->membarrier, "bpffs", f->bpffs, "interfaces", interfaces, "findings", list);
	json_dumpf(root, stdout, JSON_COMPACT);
	putchar('\n');
	json_decref(root);
}

/* Findings are exit code 1, without a message of its own. */
static int examine(struct session *s, struct error *e)
{
	_free_ struct finding *findings = calloc(FINDINGS_MAX, sizeof(*findings));
	_free_ struct facts *f = malloc(sizeof(*f));
	size_t count;

	if (!findings || !f)
		return fail(e, -ENOMEM, "out of memory");
	facts_gather(s, f);
	count = diagnose(f, findings);
	if (s->settings.json)
		print_json(f, findings, count);
	else
		print_text(f, findings, count);
	return count ? -EUCLEAN : 0;
}

int cmd_doctor(const struct settings *settings, struct words words, struct error *e)
{
	_session_ struct session s = SESSION_CLOSED;
	int err;

	if (words.count > 1)
		return fail(e, -EINVAL, "doctor: '%s': not expected here; `doctor` takes no words",
			    excerpt(words.list[1]).text);
	err = begin_session(settings, false, &s, e);
	return err ? err : examine(&s, e);
}
