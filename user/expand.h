/* SPDX-License-Identifier: GPL-2.0-only */
/* Rules that name an application profile, as one rule for each part of its ports. */
#ifndef XDPFW_USER_EXPAND_H
#define XDPFW_USER_EXPAND_H

#include "statements.h"

/* `app NAME` behind the action, behind `from ADDRESS` or behind `to ADDRESS`; or a NAME where a target stands. */
bool names_profile(int count, char *const words[]);

/* The words of a rule for which names_profile() is true. */
int expand_profiles(int count, char *const words[], statement_fn take, void *context, struct error *e);

#endif
