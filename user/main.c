// SPDX-License-Identifier: GPL-2.0-only
/* The command table, which is also the help text; global flags; exit codes. */
#define _GNU_SOURCE
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "parse.h"
#include "trial.h"
#include "util.h"

static int cmd_help(const struct settings *settings, struct words words, struct error *e);
static int cmd_version(const struct settings *settings, struct words words, struct error *e);

static const struct command {
	const char *name;
	const char *usage;
	const char *help;
	command_fn run;
} commands[] = {
	{"load", "load IFACE... [--mode auto|native|generic|tc] [--flows N]",
	 "enforce on these interfaces; again: upgrade in place", cmd_load},
	{"unload", "unload IFACE... | --all", "stop enforcing; the rules stay in the file", cmd_unload},
	{"default", "default allow|deny|reject [in|out|routed]", "what happens to requests that no rule matches",
	 cmd_change},
	{"allow", "allow [in|out] TARGET [CLAUSES]", "let connection requests to it pass", cmd_change},
	{"deny", "deny [in|out] TARGET [CLAUSES] [--kill]", "drop them; --kill: cut open connections too", cmd_change},
	{"reject", "reject [in|out] TARGET [CLAUSES] [--kill]", "drop them and tell the sender", cmd_change},
	{"limit", "limit [in|out] TARGET [CLAUSES] [rate N/DURATION]",
	 "let so many pass from each sender, 6 in 30 s if not said", cmd_change},
	{"route", "route allow|deny|reject|limit TARGET [CLAUSES]", "the same for requests to hosts behind this one",
	 cmd_route},
	{"forward", "forward PORTS:[ADDR:]PORTS[/PROTO] [one-way]", "link local ports, or hand them to another host",
	 cmd_forward},
	{"forward", "forward list", "counters and open connections of each", cmd_forward},
	{"forward", "forward --check [--probe COMMAND [--within DURATION] [--mark]]",
	 "can their targets be reached, are they alive? pass over dead ones", cmd_forward},
	{"delete", "delete N... | id:ID... | RULE-AS-TYPED", "delete rules or forwards", cmd_delete},
	{"insert", "insert N RULE", "put a new rule, or one that is there, in this place", cmd_change},
	{"prepend", "prepend RULE", "the same, before all others", cmd_change},
	{"enable", "enable N...", "switch rules on", cmd_enable},
	{"disable", "disable N...", "switch rules off; they keep their place", cmd_enable},
	{"block", "block ADDR[/LENGTH]... [for DURATION]",
	 "nothing from it and nothing to it, open connections included", cmd_change},
	{"unblock", "unblock ADDR[/LENGTH]...", "the reverse", cmd_unblock},
	{"set", "set add|del NAME ADDR[/LENGTH]... [for DURATION]", "named addresses, for from @NAME and to @NAME",
	 cmd_set},
	{"set", "set load NAME FILE|- | flush NAME | list [NAME]", "all of a set at once", cmd_set},
	{"app", "app list | info NAME|all", "application profiles, for allow app NAME", cmd_app},
	{"option", "option allow-ping|non-ip on|off", "answer pings; pass what is not IP", cmd_change},
	{"option", "option log-rate N", "events a second and reason that `log` gets, 10 at first", cmd_change},
	{"option", "option udp-timeout DURATION ...", "time-outs of flows, see the man page", cmd_change},
	{"status", "status", "interfaces, rules and how often each decided", cmd_status},
	{"ports", "ports", "what listens, which process, and what outsiders get", cmd_ports},
	{"top", "top [--interval S]", "a live view of ports and rules, with rates; h for its keys", cmd_top},
	{"stats", "stats [--watch S [--count N]] [--port PORTS] [--csv]",
	 "counters of every port and of every reason; at intervals, with rates", cmd_stats},
	{"stats", "stats --reset", "print the counters and begin them anew", cmd_stats},
	{"report", "report FILE.html [--from FILE]", "a page with plots of what `stats --watch S --json` printed",
	 cmd_report},
	{"metrics", "metrics [--listen ADDR:PORT] [--ports PORTS]",
	 "the counters for Prometheus, once or at an endpoint", cmd_metrics},
	{"explain", "explain [in|out] PROTO from ADDR[:PORT] to [ADDR]:PORT [on IFACE] [user U]",
	 "what would become of this packet, and why", cmd_explain},
	{"explain", "explain [in|out] --pcap FILE [on IFACE]", "the same for every packet of a capture", cmd_explain},
	{"bench", "bench [on IFACE] [--repeat N]", "what packets cost under the policy in force, in nanoseconds",
	 cmd_bench},
	{"doctor", "doctor", "what stands in the way or slows things down, and the command that mends it", cmd_doctor},
	{"log", "log [--pcap FILE] [--count N]", "follow what is dropped and what rules with `log` decide", cmd_log},
	{"log", "log drops on|off", "whether drops are among it", cmd_log},
	{"plan", "plan FILE|-", "what apply would change, and whose connections and listeners it would concern",
	 cmd_plan},
	{"history", "history [ADDR[/LENGTH]] [:PORT]", "what was dropped last, and why", cmd_history},
	{"flows", "flows [PROTO] [port N] [with ADDR] [state NAME] [--kill]", "connections as the firewall sees them",
	 cmd_flows},
	{"apply", "apply FILE|- [--check]", "replace the whole policy, at once or not at all", cmd_apply},
	{"reset", "reset", "no rules, defaults as at first; the old file is kept beside it, with the date", cmd_reset},
	{"restore", "restore [IFACE] | FILE", "load what the rules file says (at boot); or put such a backup back",
	 cmd_restore},
	{"reload", "reload", "put the rules file in force, after it was edited", cmd_reload},
	{"panic", "panic on [PORTS] [--all] | off",
	 "nothing passes but open logins (or connections to PORTS); --all: nothing", cmd_panic},
	{"confirm", "confirm", "keep what was changed with --confirm SECONDS, and write it down", cmd_confirm},
	{"rollback", "rollback", "undo it now", cmd_rollback},
	{"export", "export", "print the policy in force as a rules file", cmd_export},
	{"import", "import ufw [FILE...] | import nft [FILE|-]", "print the rules of ufw or nftables as a rules file",
	 cmd_import},
	{"help", NULL, NULL, cmd_help},
	{"version", NULL, NULL, cmd_version},
};

static void print_help(void)
{
	puts("xdpfw: a firewall and port forwarder at XDP and TC\n\nusage: xdpfw [FLAGS] COMMAND WORDS...\n");
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (commands[i].usage) /* two spaces: packaging/completions read this, too */
			printf("  %-50s  %s\n", commands[i].usage, commands[i].help);
	puts("\nTARGET: PORTS[/PROTO] | ADDR:PORTS[/PROTO] | ADDR (out only) | SERVICE | app NAME | icmp[/TYPE] |\n"
	     "        proto NAME|NUMBER | any; may be left out if one of these is there:\n"
	     "CLAUSES: from CIDR|@SET  to CIDR|@SET  on IFACE; and, in any order: log  log-all  rate N/DURATION\n"
	     "         user U  cgroup C (out only)  comment TEXT  for DURATION\n"
	     "PORTS: 22 | 6000-6010 | 80,443,8000-8010   PROTO: tcp | udp | sctp   SERVICE: a name of /etc/services\n"
	     "in: connection requests from outside to this host; out: requests that leave by a loaded interface\n"
	     "\nflags, anywhere:\n"
	     "  -n, --netns NAME   the firewall of that network namespace\n"
	     "  --json             output for scripts\n"
	     "  --dry-run          print what would change, change nothing\n"
	     "  --confirm SECONDS  undo the change by itself unless `xdpfw confirm` comes in time\n"
	     "  --force            change even what cuts your own login\n"
	     "  --runtime          change the kernel only, not the rules file\n"
	     "  --rules FILE       instead of /etc/xdpfw/INSTANCE.rules (or XDPFW_RULES)\n"
	     "  --pin-dir DIR      instead of /sys/fs/bpf/xdpfw/INSTANCE (or XDPFW_PIN_DIR)\n"
	     "  -q, --quiet        say nothing but errors\n"
	     "  --help, --version\n"
	     "\nexit codes: 0 done, 1 failed, 2 wrong words, 3 not loaded, 4 no permission,\n"
	     "5 refused: it would cut a login");
}

static int cmd_help(const struct settings *settings, struct words words, struct error *e)
{
	(void)settings, (void)words, (void)e;
	print_help();
	return 0;
}

static int cmd_version(const struct settings *settings, struct words words, struct error *e)
{
	(void)settings, (void)words, (void)e;
	puts("xdpfw " XDPFW_VERSION);
	return 0;
}

static int exit_code(int err)
{
	switch (err) {
	case 0:
		return 0;
	case -EINVAL:
		return 2;
	case -ENOTCONN:
		return 3;
	case -EPERM:
	case -EACCES:
		return 4;
	case -EKEYREJECTED:
		return 5;
	default:
		return 1;
	}
}

int require_root(struct error *e)
{
	return geteuid() == 0 ? 0 : fail(e, -EPERM, "no permission: only root may do this; try sudo");
}

int begin_session(const struct settings *settings, bool writer, struct session *s, struct error *e)
{
	int err = require_root(e);

	return err ? err : session_open(settings, writer, s, e);
}

static void remove_word(struct words *words, int i, int n)
{
	memmove(&words->list[i], &words->list[i + n], (words->count - i - n) * sizeof(*words->list));
	words->count -= n;
}

bool take_flag(struct words *words, const char *flag)
{
	bool found = false;

	for (int i = words->count - 1; i >= 0; i--) {
		if (strcmp(words->list[i], flag) == 0) {
			remove_word(words, i, 1);
			found = true;
		}
	}
	return found;
}

/* The word behind an option, which is no flag: `--probe --mark` has forgotten the command. */
static int require_value(const struct words *words, int i, const char *form, struct error *e)
{
	const char *option = words->list[i];

	if (i + 1 >= words->count)
		return fail(e, -EINVAL, "%s: a value is missing; write %s", option, form);
	if (strncmp(words->list[i + 1], "--", 2) == 0)
		return fail(e, -EINVAL, "%s: '%s' is a flag, not a value; write %s", option,
			    excerpt(words->list[i + 1]).text, form);
	return 0;
}

int take_option(struct words *words, const char *form, const char **value, struct error *e)
{
	size_t length = strcspn(form, " ");

	for (int i = 0; i < words->count; i++) {
		const char *word = words->list[i];
		int err;

		if (strncmp(word, form, length) != 0)
			continue;
		if (word[length] == '=') {
			*value = word + length + 1;
			remove_word(words, i--, 1);
		} else if (!word[length]) {
			err = require_value(words, i, form, e);
			if (err)
				return err;
			*value = words->list[i + 1];
			remove_word(words, i--, 2);
		}
	}
	return 0;
}

/* "60", or a duration as rules have it. */
static int parse_confirm(const char *word, unsigned int *seconds, struct error *e)
{
	char *end;
	unsigned long value = strtoul(word, &end, 10);

	if (*word && strspn(word, "0123456789") == strlen(word))
		*seconds = value > TRIAL_MAX_SECONDS ? 0 : value;
	else if (parse_duration(word, seconds, NULL) || *seconds > TRIAL_MAX_SECONDS)
		*seconds = 0;
	return *seconds ? 0 : fail(e, -EINVAL, "--confirm: '%s': write seconds, at most a day: --confirm 60", word);
}

static int take_globals(struct words *words, struct settings *st, struct error *e)
{
	const char *confirm = NULL;
	int err = take_option(words, "-n NAME", &st->netns, e);

	if (!err)
		err = take_option(words, "--netns NAME", &st->netns, e);
	if (!err)
		err = take_option(words, "--pin-dir DIR", &st->pin_dir, e);
	if (!err)
		err = take_option(words, "--rules FILE", &st->rules_file, e);
	if (!err)
		err = take_option(words, "--confirm SECONDS", &confirm, e);
	if (!err && confirm)
		err = parse_confirm(confirm, &st->confirm, e);
	st->json = take_flag(words, "--json");
	st->dry_run = take_flag(words, "--dry-run");
	st->force = take_flag(words, "--force");
	st->quiet = take_flag(words, "-q") | take_flag(words, "--quiet");
	return err;
}

static const struct command *find_command(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	return NULL;
}

/* Those that change the policy; what `unload` opens nobody can be locked out by. */
static bool can_be_tried(const struct command *command)
{
	static const command_fn changing[] = {
		cmd_load,  cmd_change, cmd_delete, cmd_unblock, cmd_enable,  cmd_set,
		cmd_apply, cmd_reload, cmd_panic,  cmd_reset,   cmd_restore,
	};

	for (size_t i = 0; i < ARRAY_SIZE(changing); i++)
		if (changing[i] == command->run)
			return true;
	return false;
}

/* Flags end at "--": what follows is put back behind the words as it is. */
static int run(struct words words, struct error *e)
{
	struct settings settings = {
		.pin_dir = getenv("XDPFW_PIN_DIR"),
		.rules_file = getenv("XDPFW_RULES"),
	};
	struct words flags = words;
	const struct command *command;
	int err, rest = 0;

	while (flags.count - rest > 0 && strcmp(words.list[rest], "--") != 0)
		rest++;
	flags.count = rest;
	if (take_flag(&flags, "--help") | take_flag(&flags, "-h")) {
		print_help();
		return 0;
	}
	if (take_flag(&flags, "--version")) {
		puts("xdpfw " XDPFW_VERSION);
		return 0;
	}
	err = take_globals(&flags, &settings, e);
	if (err)
		return err;
	for (int i = rest + 1; i < words.count; i++)
		flags.list[flags.count++] = words.list[i];
	if (flags.count == 0)
		return fail(e, -EINVAL, "no command: say what to do; see `xdpfw --help`");
	command = find_command(flags.list[0]);
	if (!command)
		return fail(e, -EINVAL, "'%s': no such command; see `xdpfw --help`", flags.list[0]);
	if (settings.confirm && !can_be_tried(command))
		return fail(e, -EINVAL, "--confirm: '%s': changes no rules that could be undone", command->name);
	return command->run(&settings, flags, e);
}

/* One line says what went wrong; the verifier's own words are for those who ask. */
static int print_libbpf(enum libbpf_print_level level, const char *format, va_list args)
{
	(void)level;
	return getenv("XDPFW_VERBOSE") ? vfprintf(stderr, format, args) : 0;
}

int main(int argc, char **argv)
{
	struct error e = {};
	int err;

	libbpf_set_print(print_libbpf);
	err = run((struct words){argc - 1, argv + 1}, &e);

	if (err && e.text[0])
		fprintf(stderr, "xdpfw: %s\n", e.text);
	if (fflush(stdout))
		return 1;
	return exit_code(err);
}
