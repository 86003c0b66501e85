/* SPDX-License-Identifier: GPL-2.0-only */
/* What all changing commands share: from the words' effect on a copy of the policy to the printed result. */
#ifndef XDPFW_USER_EDIT_H
#define XDPFW_USER_EDIT_H

#include "changes.h"
#include "command.h"

/* Change @set, which is a copy of what is in force, and note in @c what that did. */
typedef int (*edit_fn)(struct ruleset *set, void *what, struct changes *c, struct error *e);

int edit_policy(const struct settings *settings, bool runtime, edit_fn edit, void *what, struct error *e);

#endif
