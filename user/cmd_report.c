// SPDX-License-Identifier: GPL-2.0-only
/* report: a recorded run of `stats --watch --json` as a page with plots. */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>

#include "command.h"
#include "report.h"
#include "util.h"

static int read_input(const char *from, struct recording *r, struct error *e)
{
	_fclose_ FILE *file = NULL;

	if (!from && isatty(STDIN_FILENO))
		return fail(e, -EINVAL,
			    "report: of what? give --from FILE, or `xdpfw stats --watch 1 --count 60 --json | xdpfw "
			    "report FILE.html`");
	if (!from || strcmp(from, "-") == 0)
		return recording_read(stdin, "standard input", r, e);
	file = fopen(from, "re");
	if (!file)
		return fail(e, -errno == -EINVAL ? -EIO : -errno, "%s: %s", from, strerror(errno));
	return recording_read(file, from, r, e);
}

/* Written beside and renamed: the page is the old one or the new one, never half. */
static int write_file(struct recording *r, const char *path, struct error *e)
{
	_free_ char *beside = NULL;
	_fclose_ FILE *out = NULL;
	int err;

	if (asprintf(&beside, "%s.new", path) < 0)
		return fail(e, -ENOMEM, "out of memory");
	out = fopen(beside, "we");
	if (!out)
		return fail(e, -EIO, "%s: %s", beside, strerror(errno));
	err = report_write(r, out);
	if (!err && rename(beside, path))
		err = -errno;
	if (err) {
		unlink(beside);
		return fail(e, -EIO, "%s: %s", path, strerror(-err));
	}
	return 0;
}

int cmd_report(const struct settings *settings, struct words words, struct error *e)
{
	const char *from = NULL;
	struct recording r;
	int err = take_option(&words, "--from FILE", &from, e);

	if (!err && words.count != 2)
		err = fail(e, -EINVAL,
			   "report: write `report FILE.html`, or - for standard output; --from FILE reads a "
			   "recording");
	if (!err && settings->json)
		err = fail(e, -EINVAL, "report: --json: is what it reads");
	if (!err)
		err = read_input(from, &r, e);
	if (err)
		return err;
	if (strcmp(words.list[1], "-") == 0)
		err = report_write(&r, stdout) ? fail(e, -EIO, "report: standard output: %s", strerror(errno)) : 0;
	else
		err = write_file(&r, words.list[1], e);
	if (!err && !settings->quiet && strcmp(words.list[1], "-") != 0)
		printf("%s: %zu intervals\n", words.list[1], r.count);
	recording_free(&r);
	return err;
}
