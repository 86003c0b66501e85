// SPDX-License-Identifier: GPL-2.0-only
/* apply FILE|- [--check]: replace the whole policy, at once or not at all. reload: by the rules file. export: print it. */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>

#include "candidate.h"
#include "changes.h"
#include "command.h"
#include "enforce.h"
#include "point_out.h"
#include "rulesfile.h"
#include "util.h"
#include "warnings.h"

/* @path NULL: the instance's own rules file. */
static int apply(const struct settings *settings, const char *path, struct error *e)
{
	struct ruleset after = {};
	struct changes c;
	_session_ struct session s = SESSION_CLOSED;
	int err = session_open(settings, true, &s, e);

	if (err)
		return err;
	changes_init(&c);
	if (!path && !s.live)
		err = fail(e, -ENOTCONN, "reload: nothing is loaded; `xdpfw load IFACE` enforces %s",
			   s.instance.rules_file);
	if (!err)
		err = candidate_read(path ? path : s.instance.rules_file, &after, e);
	if (!err)
		err = candidate_keep_interfaces(&s, &after, e);
	if (!err) {
		changes_compare(&c, &s.now, &after);
		warn_of_ruleset(&after, &c);
	}
	/* Also with no difference to what is live: the file may have been edited, or rules reordered. */
	if (!err)
		err = enforce(&s, &after, false, &c, e);
	if (!err || (err == -EKEYREJECTED && settings->dry_run))
		changes_print(&c, settings, s.live);
	ruleset_free(&after);
	changes_free(&c);
	return err;
}

/* The error is one line on standard error; this stands below it. */
static void show_mistake(const char *text, const char *name, const struct error *e)
{
	_free_ char *where = point_out(text, name, e->text);

	if (where)
		fputs(where, stdout);
}

/* --check: without root, without looking at what is loaded. */
static int judge(const struct settings *settings, const char *path, struct error *e)
{
	const char *name = strcmp(path, "-") == 0 ? "stdin" : path;
	_free_ char *text = NULL;
	struct ruleset set = {};
	int err = rulesfile_read(path, &text, e);

	if (err)
		return err;
	err = ruleset_parse(text, name, &set, e);
	if (err && !settings->quiet && !settings->json)
		show_mistake(text, name, e);
	if (!err && !settings->quiet && !settings->json)
		printf("%s: %zu rules, %zu forwards, no mistakes\n", path, ruleset_count(&set, STATEMENT_RULE),
		       ruleset_count(&set, STATEMENT_FORWARD));
	ruleset_free(&set);
	return err;
}

int cmd_apply(const struct settings *settings, struct words words, struct error *e)
{
	bool check = take_flag(&words, "--check");
	int err;

	if (words.count != 2 || (words.list[1][0] == '-' && words.list[1][1]))
		return fail(e, -EINVAL, "apply: one file, or - for standard input: `apply FILE [--check]`");
	if (check)
		return judge(settings, words.list[1], e);
	err = require_root(e);
	return err ? err : apply(settings, words.list[1], e);
}

/* A name with a slash is a file, as of a backup; others are interfaces. */
int cmd_restore(const struct settings *settings, struct words words, struct error *e)
{
	const char *word = words.count > 1 ? words.list[1] : NULL;
	int err;

	if (words.count > 2 || (word && word[0] == '-'))
		return fail(e, -EINVAL, "restore: '%s': write restore, restore eth0 or restore /PATH/OF/A/BACKUP",
			    excerpt(words.list[words.count - 1]).text);
	err = require_root(e);
	if (err)
		return err;
	return word && strchr(word, '/') ? apply(settings, word, e) : restore_interfaces(settings, word, e);
}

int cmd_reload(const struct settings *settings, struct words words, struct error *e)
{
	int err;

	if (words.count != 1)
		return fail(e, -EINVAL, "reload: '%s': takes no words; `xdpfw apply FILE` reads another file",
			    excerpt(words.list[1]).text);
	err = require_root(e);
	return err ? err : apply(settings, NULL, e);
}

int cmd_export(const struct settings *settings, struct words words, struct error *e)
{
	_free_ char *text = NULL;
	_session_ struct session s = SESSION_CLOSED;
	int err;

	if (words.count != 1)
		return fail(e, -EINVAL, "export: '%s': takes no words", words.list[1]);
	err = begin_session(settings, false, &s, e);
	if (err)
		return err;
	text = ruleset_format(&s.now, true);
	if (text)
		fputs(text, stdout);
	return text ? 0 : fail(e, -ENOMEM, "out of memory");
}
