/* SPDX-License-Identifier: GPL-2.0-only */
/* Commands: each in a file of its own, cmd_NAME.c. The table in main.c is also the help text. */
#ifndef XDPFW_USER_COMMAND_H
#define XDPFW_USER_COMMAND_H

#include <stdbool.h>

#include "error.h"
#include "session.h"

/* The words of a command, its name first, global flags removed. */
struct words {
	int count;
	char **list;
};

/*
 * A command returns 0 or a negative errno that error.h's table turns into the exit code, with the line for
 * the person in @e. A command that has said everything itself leaves @e empty.
 */
typedef int (*command_fn)(const struct settings *settings, struct words words, struct error *e);

int cmd_load(const struct settings *settings, struct words words, struct error *e);
int cmd_unload(const struct settings *settings, struct words words, struct error *e);
int cmd_change(const struct settings *settings, struct words words, struct error *e);
int cmd_delete(const struct settings *settings, struct words words, struct error *e);
int cmd_route(const struct settings *settings, struct words words, struct error *e);
int cmd_unblock(const struct settings *settings, struct words words, struct error *e);
int cmd_enable(const struct settings *settings, struct words words, struct error *e);
int cmd_set(const struct settings *settings, struct words words, struct error *e);
int cmd_app(const struct settings *settings, struct words words, struct error *e);
int cmd_apply(const struct settings *settings, struct words words, struct error *e);
int cmd_import(const struct settings *settings, struct words words, struct error *e);
int cmd_reload(const struct settings *settings, struct words words, struct error *e);
int cmd_status(const struct settings *settings, struct words words, struct error *e);
int cmd_metrics(const struct settings *settings, struct words words, struct error *e);
int cmd_ports(const struct settings *settings, struct words words, struct error *e);
int cmd_report(const struct settings *settings, struct words words, struct error *e);
int cmd_top(const struct settings *settings, struct words words, struct error *e);
int cmd_stats(const struct settings *settings, struct words words, struct error *e);
int cmd_history(const struct settings *settings, struct words words, struct error *e);
int cmd_bench(const struct settings *settings, struct words words, struct error *e);
int cmd_doctor(const struct settings *settings, struct words words, struct error *e);
int cmd_plan(const struct settings *settings, struct words words, struct error *e);
int cmd_explain(const struct settings *settings, struct words words, struct error *e);
int cmd_log(const struct settings *settings, struct words words, struct error *e);
int cmd_forward(const struct settings *settings, struct words words, struct error *e);
int cmd_forward_check(const struct settings *settings, struct words words, struct error *e);
int cmd_flows(const struct settings *settings, struct words words, struct error *e);
int cmd_reset(const struct settings *settings, struct words words, struct error *e);
int cmd_restore(const struct settings *settings, struct words words, struct error *e);
int cmd_panic(const struct settings *settings, struct words words, struct error *e);
int cmd_confirm(const struct settings *settings, struct words words, struct error *e);
int cmd_rollback(const struct settings *settings, struct words words, struct error *e);
int cmd_export(const struct settings *settings, struct words words, struct error *e);

/* Take "--NAME" out of the words; for flags that only some commands have. */
bool take_flag(struct words *words, const char *flag);
/*
 * Take what @form shows, "--count N", out of the words; "--count=N" does as well. @value is left alone if it is not there;
 * -EINVAL, naming the form, if the value is missing.
 */
int take_option(struct words *words, const char *form, const char **value, struct error *e);

/* Load what the rules file says, or only this interface of it. In cmd_load.c. */
int restore_interfaces(const struct settings *settings, const char *only, struct error *e);

/* -EPERM for those who are not root. Words are judged before permission, so commands call it after parsing. */
int require_root(struct error *e);

/* The same, and the session that the command works on: see session_open(). */
int begin_session(const struct settings *settings, bool writer, struct session *s, struct error *e);

#endif
