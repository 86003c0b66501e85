// SPDX-License-Identifier: GPL-2.0-only
/* reset: the policy as it was at first. The rules file that was there is kept beside it, with the date. */
#define _GNU_SOURCE
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "candidate.h"
#include "changes.h"
#include "command.h"
#include "enforce.h"
#include "util.h"

/* host.rules.2026-11-25T18-30-00, UTC. Its name with a number behind it if that is there already. */
static int keep_file(const char *path, char backup[PATH_MAX], struct error *e)
{
	time_t now = time(NULL);
	char date[32];
	struct tm tm;

	gmtime_r(&now, &tm);
	strftime(date, sizeof(date), "%Y-%m-%dT%H-%M-%S", &tm);
	snprintf(backup, PATH_MAX, "%.*s.%s", PATH_MAX - 48, path, date);
	for (int n = 2; link(path, backup); n++) {
		if (errno == ENOENT) { /* there is no file to keep */
			backup[0] = '\0';
			return 0;
		}
		if (errno != EEXIST || n > 100)
			return fail(e, -errno, "%s: cannot be kept: %s", backup, strerror(errno));
		snprintf(backup, PATH_MAX, "%.*s.%s.%d", PATH_MAX - 48, path, date, n);
	}
	return 0;
}

static int reset(struct session *s, struct ruleset *after, struct changes *c, struct error *e)
{
	char backup[PATH_MAX] = "";
	int err = s->settings.dry_run ? 0 : keep_file(s->instance.rules_file, backup, e);

	if (!err)
		err = enforce(s, after, false, c, e);
	if (err && backup[0])
		unlink(backup);
	if (!err && backup[0] && !s->settings.quiet && !s->settings.json)
		printf("kept: %s; `xdpfw restore %s` puts it back\n", backup, backup);
	return err;
}

int cmd_reset(const struct settings *settings, struct words words, struct error *e)
{
	struct ruleset after = {};
	struct changes c;
	_session_ struct session s = SESSION_CLOSED;
	int err;

	if (words.count > 1)
		return fail(e, -EINVAL, "reset: '%s': takes no words", excerpt(words.list[1]).text);
	err = begin_session(settings, true, &s, e);
	if (err)
		return err;
	changes_init(&c);
	err = candidate_keep_interfaces(&s, &after, e);
	if (!err)
		changes_compare(&c, &s.now, &after);
	if (!err)
		err = reset(&s, &after, &c, e);
	if (!err || (err == -EKEYREJECTED && settings->dry_run))
		changes_print(&c, settings, s.live);
	ruleset_free(&after);
	changes_free(&c);
	return err;
}
