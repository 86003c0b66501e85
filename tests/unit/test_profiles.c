// SPDX-License-Identifier: GPL-2.0-only
/* Application profiles: their files, and the rules that they become. Criterion gives each test a process of its own. */
#define _GNU_SOURCE 1 /* asprintf() */
#include <stdio.h>
#include <sys/stat.h>

#include "profiles.h"
#include "statements.h"
#include "unit.h"

static char root[] = "/tmp/xdpfw-profiles-XXXXXX";

static void write_file(const char *name, const char *text)
{
	_free_ char *path = NULL;
	FILE *file;

	cr_assert(asprintf(&path, "%s/%s", root, name) > 0);
	file = fopen(path, "w");
	cr_assert(file && fputs(text, file) >= 0);
	fclose(file);
}

static void begin(void)
{
	_free_ char *path = NULL, *own = NULL, *theirs = NULL;

	cr_assert(mkdtemp(root));
	cr_assert(asprintf(&own, "%s/own", root) > 0 && asprintf(&theirs, "%s/theirs", root) > 0);
	cr_assert(!mkdir(own, 0700) && !mkdir(theirs, 0700));
	write_file("own/a", "[Samba]\ntitle=mine\nports=137,138/udp|139,445/tcp\n");
	write_file("theirs/samba", "[Samba]\ntitle=theirs\nports=1/tcp\n");
	write_file("theirs/web", "# remark\n\n[Nginx Full]\r\n title = Web \ndescription=a=b\nports=80,443/tcp\n"
				 "[Web]\nports=8000:8010/tcp\n[DNS]\nports=53\n[NTP]\nports=123/udp\n");
	write_file("theirs/bad",
		   "ports=1/tcp\n[all]\nports=1/tcp\n[123]\nports=1/tcp\n[a/b]\nports=1/tcp\n"
		   "[unclosed\nports=1/tcp\n[Empty]\ntitle=x\n[Bad]\nports=99999/tcp\n[Odd]\nports=1/esp|\n");
	write_file("theirs/old.dpkg-old", "[Old]\nports=1/tcp\n");
	write_file("theirs/.hidden", "[Hidden]\nports=1/tcp\n");
	cr_assert(asprintf(&path, "%s/none:%s:%s", root, own, theirs) > 0);
	setenv("XDPFW_APPLICATIONS", path, 1);
}

static void end(void)
{
	_free_ char *command = NULL;

	cr_assert(asprintf(&command, "rm -r %s", root) > 0 && !system(command));
}

TestSuite(profiles, .init = begin, .fini = end);

Test(profiles, files)
{
	static const char *const names[] = {"Bad", "DNS", "NTP", "Nginx Full", "Odd", "Samba", "Web"};
	const struct profiles *all;
	const struct profile *nginx;

	cr_assert_eq(profiles_read(&all), 0);
	cr_assert_eq(all->count, ARRAY_SIZE(names));
	for (size_t i = 0; i < all->count; i++)
		cr_expect_str_eq(all->list[i].name, names[i]);
	cr_expect_str_eq(profile_find("Samba")->title, "mine", "the first directory counts");
	nginx = profile_find("Nginx Full");
	cr_expect_str_eq(nginx->title, "Web");
	cr_expect_str_eq(nginx->description, "a=b");
	cr_expect_null(profile_find("samba"));
	cr_expect_null(profile_find("Old"));
}

Test(profiles, rules)
{
	static const struct pair cases[] = {
		{"allow Web", "allow in 8000-8010/tcp comment 'Web'\n"},
		{"allow app Web", "allow in 8000-8010/tcp comment 'Web'\n"},
		{"allow 'Nginx Full'", "allow in 80,443/tcp comment 'Nginx Full'\n"},
		{"deny out Samba", "deny out 137-138/udp comment 'Samba'\ndeny out 139,445/tcp comment 'Samba'\n"},
		{"limit in on eth0 Samba comment why",
		 "limit in 137-138/udp on eth0 comment 'why'\nlimit in 139,445/tcp on eth0 comment 'why'\n"},
		{"route allow in on eth0 out on eth1 DNS", "route allow 53 on eth0 out on eth1 comment 'DNS'\n"},
		{"allow from 10.0.0.0/8 to any app DNS", "allow in 53 from 10.0.0.0/8 comment 'DNS'\n"},
		{"allow from any app NTP", "allow in 0-65535/udp from any port 123 comment 'NTP'\n"},
		{"allow Samba from 10.0.0.1", "allow in 137-138/udp from 10.0.0.1 comment 'Samba'\nallow in "
					      "139,445/tcp from 10.0.0.1 comment 'Samba'\n"},
		{"allow to any app Samba from any app DNS",
		 "allow in 137-138/udp from any port 53 comment 'Samba'\nallow in 139,445/tcp from any port 53 comment "
		 "'Samba'\n"},
		{"allow from any app DNS to any app Samba",
		 "allow in 137-138/udp from any port 53 comment 'DNS'\nallow in 139,445/tcp from any port 53 comment "
		 "'DNS'\n"},
		{"allow from any app NTP to any app Samba", "allow in 137-138/udp from any port 123 comment 'NTP'\n"},
		{"allow from any port 1024:65535 to any app Web",
		 "allow in 8000-8010/tcp from any port 1024-65535 comment 'Web'\n"},
		{"--runtime allow Web", "allow in 8000-8010/tcp comment 'Web' --runtime\n"},
		{"disabled allow Web", "disabled allow in 8000-8010/tcp comment 'Web'\n"},
		{"allow 22 comment Web", "allow in 22 comment 'Web'\n"},
		{"allow domain", "allow in 53\n"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct ruleset set = parse_set(cases[i].input);

		expect_set(&set, cases[i].output);
		ruleset_free(&set);
	}
}

Test(profiles, refusals)
{
	static const struct refusal cases[] = {
		{"allow app Nothing", "'Nothing': no such application profile; `xdpfw app list` names them"},
		{"allow Nothing", "'Nothing': neither ports nor a service of /etc/services nor 'any'"},
		{"allow app", "'app': the name of the profile is missing; write app Samba"},
		{"allow proto tcp to any app Web", "'proto': a profile has its own protocols; leave it out"},
		{"allow from any app NTP to any app Web", "'app': the two profiles have no protocol in common"},
		{"allow Bad", "'99999': ports are 0..65535"},
		{"allow Odd", "'esp': not a protocol with ports; write tcp, udp or sctp"},
		{"allow Web Samba", "'Samba': one word too many; a rule has one target"},
		{"forward Web", "'Web': a forward has two ports; write forward 8080:2988"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct ruleset set = {0};
		struct error e = {0};

		cr_expect_eq(statements_parse_line(cases[i].input, take_into_ruleset, &set, &e), -EINVAL, "%s",
			     cases[i].input);
		cr_expect_str_eq(e.text, cases[i].text);
		ruleset_free(&set);
	}
}
