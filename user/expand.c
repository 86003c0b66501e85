// SPDX-License-Identifier: GPL-2.0-only
/*
 * Profiles are resolved when a rule is typed, to the words that say the same:
 *
 *	allow app Samba from 10.0.0.0/8         allow 137,138/udp from 10.0.0.0/8 comment Samba
 *	                                        allow 139,445/tcp from 10.0.0.0/8 comment Samba
 *	allow from any to any app Samba         allow from any to any port 137,138 proto udp comment Samba  ...
 *
 * So a rules file means the same on every host, whatever profiles it has.
 */
#define _GNU_SOURCE 1 /* strchrnul() */
#include "expand.h"

#include <errno.h>
#include <string.h>

#include "profiles.h"
#include "rule_words.h"
#include "util.h"

#define MORE_WORDS 6 /* port PORTS proto PROTO comment NAME */

/* Where a rule names a profile. */
struct mention {
	int at;      /* the first word that is replaced */
	int words;   /* 2 for `app NAME`, 1 for a bare name */
	bool target; /* not behind `from` or `to` */
	const char *name;
};

/* A rule being rewritten: pointers to words, those typed and those of the part in question. */
struct line {
	char **words;
	int count;
};

static bool has_clause(int count, char *const words[], const char *name)
{
	for (int i = 1; i < count; i += rule_clause_words(words[i]))
		if (!strcmp(words[i], name))
			return true;
	return false;
}

/* The first one at or behind the clause at @start. */
static bool find_mention(int count, char *const words[], int start, struct mention *found)
{
	bool ends = false;

	/* The first word is no clause, and an action behind `route` or `disabled` is never a profile. */
	for (int i = 1; i < count; i += rule_clause_words(words[i])) {
		bool target = !ends;

		ends = ends || !strcmp(words[i], "from") || !strcmp(words[i], "to");
		if (i < start)
			continue;
		if (!strcmp(words[i], "app") && i + 1 < count) {
			*found = (struct mention){i, 2, target, words[i + 1]};
			return true;
		}
		if (is_unknown_target(words[i]) && profile_find(words[i])) {
			*found = (struct mention){i, 1, true, words[i]};
			return true;
		}
	}
	return false;
}

bool names_profile(int count, char *const words[])
{
	struct mention ignored;

	return find_mention(count, words, 1, &ignored);
}

static void put(struct line *line, const char *word)
{
	line->words[line->count++] = (char *)word;
}

static void put_all(struct line *line, int count, char *const words[])
{
	memcpy(line->words + line->count, words, count * sizeof(*words));
	line->count += count;
}

/* What `proto` says already, NULL if nothing. */
static const char *said_protocol(int count, char *const words[])
{
	for (int i = 1; i + 1 < count; i += rule_clause_words(words[i]))
		if (!strcmp(words[i], "proto"))
			return words[i + 1];
	return NULL;
}

/*
 * The rule with @part ("137,138/udp", cut at its slash as needed) instead of the mention. 0 words if the rule is for
 * another protocol already, by the other profile that it names.
 */
static void rewrite(int count, char *const words[], const struct mention *m, char *part, struct line *line)
{
	char *slash = strchr(part, '/');
	const char *said = said_protocol(count, words);

	line->count = 0;
	if (said && slash && strcmp(said, slash + 1) != 0)
		return;
	put_all(line, m->at, words);
	if (m->target) {
		put(line, part);
	} else {
		put(line, "port");
		put(line, part);
		if (slash)
			*slash = '\0';
		if (slash && !said) {
			put(line, "proto");
			put(line, slash + 1);
		}
	}
	if (!has_clause(count, words, "comment")) {
		put(line, "comment");
		put(line, m->name);
	}
	put_all(line, count - m->at - m->words, words + m->at + m->words);
}

/* Every part, and of each every part of the other profile, if there is one. *@taken counts the rules. */
static int expand(int count, char *const words[], statement_fn take, void *context, int *taken, struct error *e)
{
	struct mention m;
	const struct profile *profile;
	_free_ char *ports = NULL, **rewritten = NULL;
	char *rest, *part;
	int err = 0;

	if (!find_mention(count, words, 1, &m)) {
		++*taken;
		return statements_parse(count, words, take, context, e);
	}
	profile = profile_find(m.name);
	if (!profile)
		return fail(e, -EINVAL, "'%s': no such application profile; `xdpfw app list` names them",
			    excerpt(m.name).text);
	ports = strdup(profile->ports);
	rewritten = calloc(count + MORE_WORDS, sizeof(*rewritten));
	if (!ports || !rewritten)
		return fail(e, -ENOMEM, "out of memory");
	rest = ports;
	while (!err && (part = strsep(&rest, "|"))) {
		struct line line = {.words = rewritten};

		rewrite(count, words, &m, part, &line);
		if (line.count)
			err = expand(line.count, line.words, take, context, taken, e);
	}
	return err;
}

int expand_profiles(int count, char *const words[], statement_fn take, void *context, struct error *e)
{
	struct mention first, second;
	int taken = 0, err;

	if (has_clause(count, words, "proto"))
		return fail(e, -EINVAL, "'proto': a profile has its own protocols; leave it out");
	if (find_mention(count, words, 1, &first) && first.target &&
	    find_mention(count, words, first.at + first.words, &second) && second.target)
		return fail(e, -EINVAL, "'%s': one word too many; a rule has one target", excerpt(second.name).text);
	err = expand(count, words, take, context, &taken, e);
	if (!err && !taken)
		err = fail(e, -EINVAL, "'app': the two profiles have no protocol in common");
	return err;
}
