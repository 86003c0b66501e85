// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include "try_forwards.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "journey.h"
#include "util.h"

static bool complain(const struct candidate *c, const char *what, const char *text)
{
	printf("%s\n%s: %s\n", c->line, what, text);
	return false;
}

/* "'80:81': ...": the word, shortened as messages shorten it. */
static bool names(const struct error *e, const char *word)
{
	_free_ char *begin = NULL;

	if (asprintf(&begin, "'%s': ", excerpt(word).text) < 0)
		abort();
	return e->text[0] && !strncmp(e->text, begin, strlen(begin));
}

static bool same_ranges(const struct port_range *a, const struct port_range *b, size_t count)
{
	return !memcmp(a, b, count * sizeof(*a));
}

static bool same_target(const struct forward_target *a, const struct forward_target *b, size_t nr_ranges)
{
	return a->remote == b->remote && !memcmp(&a->addr, &b->addr, sizeof(a->addr)) &&
	       same_ranges(a->ports, b->ports, nr_ranges);
}

/* Was the line understood? */
static bool is_as_said(const struct forward *f, const struct forward *said)
{
	bool same = f->nr_ranges == said->nr_ranges && f->nr_targets == said->nr_targets &&
		    f->protocols == said->protocols && f->one_way == said->one_way &&
		    f->keep_source == said->keep_source && same_ranges(f->listen, said->listen, f->nr_ranges);

	for (size_t i = 0; same && i < f->nr_targets; i++)
		same = same_target(&f->targets[i], &said->targets[i], f->nr_ranges);
	return same;
}

static void append(char **text, const char *line)
{
	char *longer = NULL;

	if (asprintf(&longer, "%s%s\n", *text, line) < 0)
		abort();
	free(*text);
	*text = longer;
}

/* One that can be parsed. Whatever it says, the statement is the set's then, or gone. */
static bool add(const struct candidate *c, struct statement *s, struct ruleset *set, char **text, unsigned long *unfit)
{
	_free_ char *line = statement_format(s);
	bool fits = !read_clash(set, &s->forward), same = is_as_said(&s->forward, &c->said);
	struct error e = {0};
	enum change change;
	bool added = !ruleset_add(set, s, &change, &e);

	*unfit += !fits;
	if (!same)
		return complain(c, "understood as", line);
	if (added != fits)
		return complain(c, fits ? "it fits, but is refused" : "it does not fit, but is added", e.text);
	if (!added && !names(&e, line))
		return complain(c, "refused without its name", e.text);
	if (added)
		append(text, c->line);
	return true;
}

static bool try_one(const struct candidate *c, struct ruleset *set, char **text, unsigned long *mistaken,
		    unsigned long *unfit)
{
	struct statement s;
	struct error e = {0};

	if (!statement_parse_line(c->line, &s, &e)) {
		if (!c->wrong[0])
			return add(c, &s, set, text, unfit);
		statement_free(&s);
		return complain(c, "accepted, but wrong is", c->wrong);
	}
	if (!c->wrong[0])
		return complain(c, "refused", e.text);
	++*mistaken;
	return names(&e, c->wrong) || complain(c, "refused for something else", e.text);
}

bool try_forwards(const struct forwards *forwards, struct ruleset *set, char **text, unsigned long *mistaken,
		  unsigned long *unfit)
{
	for (int i = 0; i < forwards->count; i++)
		if (!try_one(&forwards->tried[i], set, text, mistaken, unfit))
			return false;
	return true;
}
