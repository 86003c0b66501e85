// SPDX-License-Identifier: GPL-2.0-only
/* import ufw [FILE...], import nft [FILE|-]: another firewall's rules as a rules file on standard output. */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "import.h"
#include "instance.h"
#include "rulesfile.h"
#include "util.h"

#define LIST_RULESET "nft -j list ruleset"

static const char *const ufw_files[] = {"/etc/default/ufw", "/etc/ufw/user.rules", "/etc/ufw/user6.rules"};

static int import_ufw(int count, const char *const paths[], struct import *im, struct error *e)
{
	__attribute__((cleanup(ufw_free))) struct ufw_rules *rules = NULL;
	int err = 0;

	for (int i = 0; !err && i < count; i++) {
		_free_ char *text = NULL;

		err = rulesfile_read(paths[i], &text, e);
		if (!err)
			err = ufw_read(&rules, text, paths[i], e);
	}
	return err ? err : ufw_import(rules, im, e);
}

/*
 * Of the network namespace that @settings name. The command and not its library, so that the whole program
 * need not be linked with that for one use.
 */
static int ask_nft(const struct settings *settings, char **text, struct error *e)
{
	struct instance instance;
	FILE *nft;
	int err = require_root(e);

	if (!err && settings->netns)
		err = instance_open(settings->netns, settings->pin_dir, settings->rules_file, &instance, e);
	if (err)
		return err;
	nft = popen(LIST_RULESET, "re");
	if (!nft)
		return fail(e, -errno, "nft: %s", strerror(errno));
	err = rulesfile_read_open(nft, text);
	if (pclose(nft) && !err)
		err = -EIO;
	return err ? fail(e, err, "nft: `" LIST_RULESET "` failed; a file with its output will do as well") : 0;
}

static int import_nft(const struct settings *settings, const char *path, struct import *im, struct error *e)
{
	_free_ char *text = NULL;
	int err = path ? rulesfile_read(path, &text, e) : ask_nft(settings, &text, e);

	return err ? err : nft_import(text, path ? path : "nft", im, e);
}

/* The file is for a pipe; what a person must know goes beside it. */
static int print(const struct settings *settings, const struct import *im, struct error *e)
{
	_free_ char *text = ruleset_format(&im->set, true);

	if (!text)
		return fail(e, -ENOMEM, "out of memory");
	fputs(text, stdout);
	if (!settings->quiet)
		fprintf(stderr, "xdpfw: import: %zu rules; %zu not expressed%s\n",
			ruleset_count(&im->set, STATEMENT_RULE), im->left_out,
			im->left_out ? ", see the comments `# not expressed`" : "");
	return 0;
}

static int judge_words(const struct settings *settings, struct words words, struct error *e)
{
	bool ufw = words.count > 1 && !strcmp(words.list[1], "ufw");
	bool nft = words.count > 1 && !strcmp(words.list[1], "nft");

	if (!ufw && !nft)
		return fail(e, -EINVAL, "import: '%s': write import ufw [FILE...] or import nft [FILE|-]",
			    words.count > 1 ? excerpt(words.list[1]).text : "");
	for (int i = 2; i < words.count; i++)
		if (words.list[i][0] == '-' && words.list[i][1])
			return fail(e, -EINVAL, "import: '%s': no such flag", excerpt(words.list[i]).text);
	if (nft && words.count > 3)
		return fail(e, -EINVAL, "import: '%s': one file only, as in import nft FILE",
			    excerpt(words.list[3]).text);
	if (settings->json)
		return fail(e, -EINVAL, "import: --json: it prints a rules file");
	return 0;
}

int cmd_import(const struct settings *settings, struct words words, struct error *e)
{
	const char *const *paths = (const char *const *)words.list + 2;
	struct import im = {.left_out = 0};
	int err = judge_words(settings, words, e);

	if (err)
		return err;
	if (!strcmp(words.list[1], "nft"))
		err = import_nft(settings, words.count > 2 ? paths[0] : NULL, &im, e);
	else if (words.count > 2)
		err = import_ufw(words.count - 2, paths, &im, e);
	else
		err = import_ufw(ARRAY_SIZE(ufw_files), ufw_files, &im, e);
	if (!err)
		err = print(settings, &im, e);
	import_free(&im);
	return err;
}
