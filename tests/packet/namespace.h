/* SPDX-License-Identifier: GPL-2.0-only */
/* A network namespace for tests that need sockets or routes; test runs look them up in the caller's. */
#ifndef XDPFW_TESTS_PACKET_NAMESPACE_H
#define XDPFW_TESTS_PACKET_NAMESPACE_H

/* A new one, empty but for loopback, which is up. It goes with the process and its sockets. */
void enter_namespace(void);

/* By the shell; it must succeed. */
void run_command(const char *command);

#endif
