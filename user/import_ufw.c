// SPDX-License-Identifier: GPL-2.0-only
/*
 * ufw's own record of its rules, comments in user.rules and user6.rules:
 *
 *	### tuple ### ACTION PROTO DPORT DST SPORT SRC [DAPP SAPP] [DIRECTION[_IFACE][!out_IFACE]] [comment=HEX]
 *	### tuple ### route:allow_log tcp 80,443 0.0.0.0/0 any 10.0.0.0/8 Web%20Full - in_eth0!out_eth1 comment=776562
 *
 * A rule of both families is in both files, once with 0.0.0.0/0 and once with ::/0.
 */
#define _GNU_SOURCE 1 /* strndup(), strchrnul() */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "import.h"
#include "text.h"
#include "util.h"

#define MARK        "### tuple ### "
#define MOST_FIELDS 16

enum family {
	V4,
	V6,
};

static const char *const everything[] = {[V4] = "0.0.0.0/0", [V6] = "::/0"};

struct tuples {
	char **list; /* what stands behind the mark */
	size_t count;
};

struct ufw_rules {
	struct tuples families[2];
	const char *defaults[3]; /* by direction: action, NULL if no file says */
};

/* A tuple cut into words. */
struct fields {
	char *copy;
	char *list[MOST_FIELDS];
	size_t count;
	char *comment; /* decoded, or the name of the profile */
};

static void fields_free(struct fields *f)
{
	free(f->copy);
	free(f->comment);
}

void ufw_free(struct ufw_rules **rules)
{
	if (!*rules)
		return;
	for (size_t f = 0; f < ARRAY_SIZE((*rules)->families); f++) {
		for (size_t i = 0; i < (*rules)->families[f].count; i++)
			free((*rules)->families[f].list[i]);
		free((*rules)->families[f].list);
	}
	free(*rules);
	*rules = NULL;
}

static int digit(char c)
{
	return isdigit((unsigned char)c) ? c - '0' : tolower((unsigned char)c) - 'a' + 10;
}

/* Two hex digits a byte; NULL if it is something else, or without memory. */
static char *decode_hex(const char *hex)
{
	size_t length = strlen(hex) / 2;
	char *text;

	if (strlen(hex) % 2 || strspn(hex, "0123456789abcdefABCDEF") != strlen(hex))
		return NULL;
	text = calloc(1, length + 1);
	for (size_t i = 0; text && i < length; i++)
		text[i] = (char)(digit(hex[2 * i]) << 4 | digit(hex[2 * i + 1]));
	return text;
}

/* "Nginx%20Full" */
static char *decode_name(const char *name)
{
	struct text text = {0};

	for (const char *end; *name; name = end) {
		end = strstr(name, "%20");
		if (!end)
			end = name + strlen(name);
		text_put_bytes(&text, name, end - name);
		if (*end) {
			text_put(&text, " ");
			end += 3;
		}
	}
	return text_steal(&text);
}

static int split(const char *tuple, struct fields *f, struct error *e)
{
	char *rest;

	f->copy = strdup(tuple);
	if (!f->copy)
		return fail(e, -ENOMEM, "out of memory");
	rest = f->copy;
	for (char *word; (word = strsep(&rest, " \t\r"));) {
		if (!strncmp(word, "comment=", 8))
			f->comment = decode_hex(word + 8);
		else if (*word && f->count < MOST_FIELDS)
			f->list[f->count++] = word;
	}
	return 0;
}

/* With what stands behind the six words of every tuple: names of profiles, a direction, both, or nothing. */
static bool is_tuple(const struct fields *f)
{
	return f->count >= 6 && f->count <= 9;
}

/* What every rule without an address has in one file, and its twin has otherwise in the other. */
static const char *said(const char *word)
{
	return strcmp(word, "any") && strcmp(word, everything[V4]) && strcmp(word, everything[V6]) ? word : NULL;
}

/* Ranges are written 6000:6007. */
static const char *ports_of(char *word)
{
	for (char *c = word; (c = strchr(c, ':'));)
		*c = '-';
	return strcmp(word, "any") ? word : NULL;
}

/* "route:allow_log", in place. */
static void read_action(char *word, struct foreign_rule *rule)
{
	char *log = strchrnul(word, '_');

	if (!strncmp(word, "route:", 6)) {
		rule->dir = XDPFW_ROUTED;
		word += 6;
	}
	if (*log) {
		*log++ = '\0';
		rule->log = log;
	}
	rule->action = word;
}

/* "in", "out_eth0", "in_eth0!out_eth1", in place. */
static void read_direction(char *word, struct foreign_rule *rule)
{
	for (char *part; (part = strsep(&word, "!"));) {
		char *name = strchr(part, '_');
		bool out = !strncmp(part, "out", 3);

		if (rule->dir != XDPFW_ROUTED)
			rule->dir = out ? XDPFW_OUT : XDPFW_IN;
		if (name && out && rule->dir == XDPFW_ROUTED)
			rule->on_out = name + 1;
		else if (name)
			rule->on = name + 1;
	}
}

/* The words of profiles become the comment, unless there is one: the ports stand in the tuple. */
static int read_profile(struct fields *f, struct error *e)
{
	const char *name = strcmp(f->list[6], "-") ? f->list[6] : f->list[7];

	if (f->comment || !strcmp(name, "-"))
		return 0;
	f->comment = decode_name(name);
	return f->comment ? 0 : fail(e, -ENOMEM, "out of memory");
}

/* @family: of a rule that has no twin; -1: of one for both families. */
static int stage(const char *tuple, int family, struct ruleset *staged, struct error *e)
{
	__attribute__((cleanup(fields_free))) struct fields f = {.count = 0};
	struct foreign_rule rule = {.dir = XDPFW_IN};
	int err = split(tuple, &f, e);

	if (err)
		return err;
	read_action(f.list[0], &rule);
	rule.proto = said(f.list[1]);
	rule.to_port = ports_of(f.list[2]);
	rule.to = said(f.list[3]);
	rule.from_port = ports_of(f.list[4]);
	rule.from = said(f.list[5]);
	if (family >= 0 && !rule.from && !rule.to)
		rule.from = everything[family];
	if (f.count >= 8)
		err = read_profile(&f, e);
	if (f.count % 2)
		read_direction(f.list[f.count - 1], &rule);
	rule.comment = f.comment;
	return err ? err : import_rule(staged, &rule, e);
}

static int take(const char *tuple, int family, struct import *im, struct error *e)
{
	struct ruleset staged = {0};
	struct error why = {0};
	int err = stage(tuple, family, &staged, &why);

	if (!err)
		return import_keep(im, &staged, e);
	return err == -EINVAL ? import_leave_out(im, tuple, why.text, e) : fail(e, err, "%s", why.text);
}

/* The same but for the family: equal word by word, where 0.0.0.0/0 stands for ::/0. */
static bool are_twins(const char *a, const char *b)
{
	__attribute__((cleanup(fields_free))) struct fields of_a = {.count = 0}, of_b = {.count = 0};

	if (split(a, &of_a, NULL) || split(b, &of_b, NULL) || of_a.count != of_b.count)
		return false;
	for (size_t i = 0; i < of_a.count; i++)
		if (strcmp(of_a.list[i], of_b.list[i]) != 0 &&
		    (strcmp(of_a.list[i], everything[V4]) != 0 || strcmp(of_b.list[i], everything[V6]) != 0))
			return false;
	return true;
}

static int import_defaults(const struct ufw_rules *rules, struct import *im, struct error *e)
{
	struct ruleset staged = {0};
	int err = 0;

	for (enum xdpfw_dir dir = 0; !err && dir < ARRAY_SIZE(rules->defaults); dir++) {
		const char *words[] = {"default", rules->defaults[dir], dir_name(dir)};

		if (rules->defaults[dir])
			err = import_words(&staged, ARRAY_SIZE(words), words, e);
	}
	return err ? err : import_keep(im, &staged, e);
}

/*
 * Both lists keep their order: what the IPv6 list has before a twin goes before it. A rule whose twin stands
 * elsewhere in the order becomes two rules, which is what it was.
 */
int ufw_import(const struct ufw_rules *rules, struct import *im, struct error *e)
{
	const struct tuples *v4 = &rules->families[V4], *v6 = &rules->families[V6];
	size_t done = 0;
	int err = import_defaults(rules, im, e);

	for (size_t i = 0; !err && i < v4->count; i++) {
		size_t twin = done;

		while (twin < v6->count && !are_twins(v4->list[i], v6->list[twin]))
			twin++;
		if (twin == v6->count) {
			err = take(v4->list[i], V4, im, e);
			continue;
		}
		while (!err && done < twin)
			err = take(v6->list[done++], V6, im, e);
		done++;
		if (!err)
			err = take(v4->list[i], -1, im, e);
	}
	while (!err && done < v6->count)
		err = take(v6->list[done++], V6, im, e);
	return err;
}

static int add_tuple(struct tuples *tuples, const char *tuple, struct error *e)
{
	char **list = realloc(tuples->list, (tuples->count + 1) * sizeof(*list));

	if (!list)
		return fail(e, -ENOMEM, "out of memory");
	tuples->list = list;
	list[tuples->count] = strdup(tuple);
	return list[tuples->count] ? (tuples->count++, 0) : fail(e, -ENOMEM, "out of memory");
}

static int read_tuple(struct ufw_rules *rules, const char *tuple, const char *name, size_t number, struct error *e)
{
	__attribute__((cleanup(fields_free))) struct fields f = {.count = 0};
	int err = split(tuple, &f, e);

	if (err)
		return err;
	if (!is_tuple(&f))
		return fail(
			e, -EINVAL,
			"%s:%zu: '%s': not a rule of ufw's; it has ACTION PROTO DPORT DST SPORT SRC and a direction",
			name, number, excerpt(tuple).text);
	return add_tuple(&rules->families[strchr(f.list[3], ':') ? V6 : V4], tuple, e);
}

/* DEFAULT_INPUT_POLICY="DROP"; other settings are none of ours. */
static int read_default(struct ufw_rules *rules, const char *line, const char *name, size_t number, struct error *e)
{
	static const char *const settings[] = {
		[XDPFW_IN] = "DEFAULT_INPUT_POLICY=",
		[XDPFW_OUT] = "DEFAULT_OUTPUT_POLICY=",
		[XDPFW_ROUTED] = "DEFAULT_FORWARD_POLICY=",
	};
	static const char *const policies[][2] = {{"ACCEPT", "allow"}, {"DROP", "deny"}, {"REJECT", "reject"}};

	for (size_t dir = 0; dir < ARRAY_SIZE(settings); dir++) {
		size_t length = strlen(settings[dir]);
		const char *value = line + length;

		if (strncmp(line, settings[dir], length) != 0)
			continue;
		value += strspn(value, "\"'");
		for (size_t i = 0; i < ARRAY_SIZE(policies); i++) {
			if (strcspn(value, "\"' \t\r") == strlen(policies[i][0]) &&
			    !strncmp(value, policies[i][0], strlen(policies[i][0]))) {
				rules->defaults[dir] = policies[i][1];
				return 0;
			}
		}
		return fail(e, -EINVAL, "%s:%zu: '%s': not a policy; ufw has ACCEPT, DROP and REJECT", name, number,
			    excerpt(value).text);
	}
	return 0;
}

int ufw_read(struct ufw_rules **rules, const char *text, const char *name, struct error *e)
{
	_free_ char *copy = strdup(text);
	char *rest = copy;
	int err = 0;

	if (!*rules)
		*rules = calloc(1, sizeof(**rules));
	if (!copy || !*rules)
		return fail(e, -ENOMEM, "out of memory");
	if (!strstr(text, "### RULES ###") && !strstr(text, MARK) && !strstr(text, "DEFAULT_INPUT_POLICY="))
		return fail(e, -EINVAL, "%s: no rules of ufw's in it; they are in /etc/ufw/user.rules and user6.rules",
			    name);
	for (size_t number = 1; !err && rest; number++) {
		const char *line = strsep(&rest, "\n");

		if (!strncmp(line, MARK, strlen(MARK)))
			err = read_tuple(*rules, line + strlen(MARK), name, number, e);
		else
			err = read_default(*rules, line, name, number, e);
	}
	return err;
}
