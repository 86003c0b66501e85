// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include "namespace.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

void run_command(const char *command)
{
	cr_assert_eq(system(command), 0, "%s", command);
}

void enter_namespace(void)
{
	cr_assert_eq(unshare(CLONE_NEWNET), 0, "a network namespace: %s", strerror(errno));
	run_command("ip link set lo up");
}
