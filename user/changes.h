/* SPDX-License-Identifier: GPL-2.0-only */
/* What a changing command did, or (--dry-run) would do: one model, printed for people or for scripts. */
#ifndef XDPFW_USER_CHANGES_H
#define XDPFW_USER_CHANGES_H

#include <jansson.h>
#include <stdbool.h>

#include "ruleset.h"
#include "session.h"

struct changes {
	json_t *added, *removed, *replaced, *moved, *warnings; /* arrays of lines */
	json_t *said;                                          /* the warnings, as keys */
	char *sum; /* for people, instead of thousands of lines; NULL if all are listed */
	unsigned int generation;
	unsigned int trial_seconds; /* left to `confirm` it; 0 = no trial */
};

void changes_init(struct changes *c);
void changes_free(struct changes *c);

/* Note a statement that ruleset_add() or ruleset_delete() has dealt with. */
void changes_note(struct changes *c, enum change change, const struct statement *s);

/* The same is said once. */
void changes_warn(struct changes *c, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Say in one line what changed beside the lines noted. */
void changes_sum(struct changes *c, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The difference of two whole rulesets, for apply. */
void changes_compare(struct changes *c, const struct ruleset *before, const struct ruleset *after);
bool changes_any(const struct changes *c);

/* For people. */
void changes_print_warnings(const struct changes *c);

/* @loaded tells people whether the change is in force or waits in the file. */
void changes_print_trial(const struct changes *c);
void changes_print(const struct changes *c, const struct settings *settings, bool loaded);

#endif
