/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The rules file on disk. It is replaced, never rewritten: the new text is written beside it,
 * and synced and renamed when the kernel has accepted the policy. (Syncing takes longer than
 * everything else and need not delay the policy.)
 */
#ifndef XDPFW_USER_RULESFILE_H
#define XDPFW_USER_RULESFILE_H

#include <stdio.h>

#include "error.h"
#include "ruleset.h"

/* Read a whole file ("-" is standard input); a new string. */
int rulesfile_read(const char *path, char **text, struct error *e);

/* The rest of an open one. */
int rulesfile_read_open(FILE *file, char **text);

/* A hash of the whole file; 0 if it cannot be read. */
__u32 rulesfile_mark(const char *path);

/* Read and parse; a file that does not exist is an empty ruleset. */
int rulesfile_load(const char *path, struct ruleset *set, struct error *e);

/* Write @text beside @path. */
int rulesfile_stage(const char *path, const char *text, struct error *e);

/* Make the staged text the file, or forget it. */
int rulesfile_publish(const char *path, struct error *e);
void rulesfile_discard(const char *path);

/* The staged text that a dead command has left, if any: a new string or NULL. */
char *rulesfile_staged(const char *path);

#endif
