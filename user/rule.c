// SPDX-License-Identifier: GPL-2.0-only
#include "rule.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "util.h"

void rule_free(struct rule *rule)
{
	ports_free(&rule->ports);
	ports_free(&rule->source_ports);
	free(rule->from.set);
	free(rule->to.set);
	free(rule->on);
	free(rule->on_out);
	free(rule->user);
	free(rule->cgroup);
	free(rule->comment);
	*rule = (struct rule){0};
}

/* Let *@string, which is another's, be a copy. NULL stays NULL. */
static bool own_string(char **string)
{
	char *copy = *string ? strdup(*string) : NULL;
	bool done = !*string || copy;

	*string = copy;
	return done;
}

static bool own_ports(struct ports *ports)
{
	size_t size = ports->count * sizeof(*ports->ranges);
	struct port_range *copy = size ? malloc(size) : NULL;
	bool done = !size || copy;

	if (copy)
		memcpy(copy, ports->ranges, size);
	*ports = (struct ports){copy, copy ? ports->count : 0};
	return done;
}

int rule_copy(const struct rule *from, struct rule *to)
{
	struct rule copy = *from;
	char **strings[] = {&copy.from.set, &copy.to.set, &copy.on,     &copy.on_out,
			    &copy.user,     &copy.cgroup, &copy.comment};
	bool done = own_ports(&copy.ports);

	/* All of them, also after one has failed: what is left must not be another's. */
	done = own_ports(&copy.source_ports) && done;
	for (size_t i = 0; i < ARRAY_SIZE(strings); i++)
		done = own_string(strings[i]) && done;
	if (!done) {
		rule_free(&copy);
		return -ENOMEM;
	}
	*to = copy;
	return 0;
}

static bool same_string(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

bool rule_same_action(const struct rule *a, const struct rule *b)
{
	return a->verdict == b->verdict && a->limited == b->limited && a->limit_count == b->limit_count &&
	       a->limit_seconds == b->limit_seconds && a->log == b->log && a->log_all == b->log_all &&
	       a->expires == b->expires && a->disabled == b->disabled && same_string(a->comment, b->comment);
}
