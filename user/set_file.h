/* SPDX-License-Identifier: GPL-2.0-only */
/* Lists of addresses as people publish them: one address or prefix a line, and what follows # or ; is a remark. */
#ifndef XDPFW_USER_SET_FILE_H
#define XDPFW_USER_SET_FILE_H

#include "ruleset.h"

/* @file stands in messages: "FILE:LINE: WHY". The members of the set @name, each once; all or nothing. */
int set_file_parse(const char *text, const char *file, const char *name, struct ruleset *members, struct error *e);

#endif
