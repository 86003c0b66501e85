// SPDX-License-Identifier: GPL-2.0-only
/* Rules with conditions: every form that is taken, its canonical line, and every refusal. */
#include "statement.h"
#include "unit.h"

static const struct pair forms[] = {
	/* addresses */
	{"allow from 10.0.0.1", "allow in from 10.0.0.1"},
	{"allow in 22 from 10.0.0.1", "allow in 22 from 10.0.0.1"},
	{"allow in from 10.0.0.1 22", "allow in 22 from 10.0.0.1"},
	{"allow in any from 10.0.0.1/8", "allow in from 10.0.0.0/8"},
	{"allow from any", "allow in any"},
	{"allow from any to any port 22", "allow in 22"},
	{"allow to 10.0.0.1", "allow in to 10.0.0.1"},
	{"deny from 2001:DB8::/32 to ::/0", "deny in from 2001:db8::/32 to ::/0"},
	{"deny from 0.0.0.0/0", "deny in from 0.0.0.0/0"},
	{"deny in from @blocklist", "deny in from @blocklist"},
	{"allow out 443 to @mirrors", "allow out 443 to @mirrors"},
	{"allow in 10.0.0.5:80", "allow in 80 to 10.0.0.5"},
	{"allow in 10.0.0.5:80,443/tcp from @office", "allow in 80,443/tcp from @office to 10.0.0.5"},
	{"deny out [2001:db8::1]:22", "deny out 22 to 2001:db8::1"},
	{"deny out 203.0.113.9", "deny out to 203.0.113.9"},
	{"deny out 203.0.113.9/24", "deny out to 203.0.113.0/24"},
	{"deny out 2001:db8::1", "deny out to 2001:db8::1"},
	{"deny from 10.0.0.0/255.255.0.0", "deny in from 10.0.0.0/16"},
	{"deny from 10.0.0.0/0.0.0.0", "deny in from 0.0.0.0/0"},
	{"allow icmp/echo-request from 10.0.0.0/8", "allow in icmp/echo-request from 10.0.0.0/8"},
	{"allow icmp6 from fe80::/10", "allow in icmp6 from fe80::/10"},
	/* ufw's long form */
	{"allow proto tcp from 10.0.0.1", "allow in 0-65535/tcp from 10.0.0.1"},
	{"allow from 10.0.0.1 proto tcp", "allow in 0-65535/tcp from 10.0.0.1"},
	{"allow proto any from 10.0.0.1", "allow in from 10.0.0.1"},
	{"allow proto any", "allow in any"},
	{"allow proto tcp from 10.0.0.0/8 port 68 to any port 22", "allow in 22/tcp from 10.0.0.0/8 port 68"},
	{"allow to any port 22 from 10.0.0.0/8 port 68 proto tcp", "allow in 22/tcp from 10.0.0.0/8 port 68"},
	{"allow to any port http", "allow in 80/tcp"},
	{"allow to any port domain", "allow in 53"},
	{"allow to any port domain proto udp", "allow in 53/udp"},
	{"allow from any port http to any port domain", "allow in 53/tcp from any port 80"},
	{"allow from any port 67,68 to any port 6000:6010 proto udp", "allow in 6000-6010/udp from any port 67-68"},
	{"allow from any port 68", "allow in 0-65535 from any port 68"},
	{"allow 22/tcp from any port 1024-65535", "allow in 22/tcp from any port 1024-65535"},
	{"allow any from 10.0.0.1 port 68", "allow in 0-65535 from 10.0.0.1 port 68"},
	{"allow from any port any to any port any", "allow in any"},
	{"deny proto gre from 10.0.0.1 to any", "deny in proto gre from 10.0.0.1"},
	{"deny proto 58 from ::/0", "deny in icmp6 from ::/0"},
	{"allow in on eth0 to any port 80 proto tcp", "allow in 80/tcp on eth0"},
	{"allow log from 10.0.0.1", "allow in from 10.0.0.1 log"},
	{"allow in on eth0 log-all 22", "allow in 22 on eth0 log-all"},
	/* interfaces */
	{"allow in on eth0", "allow in on eth0"},
	{"allow on eth0 22", "allow in 22 on eth0"},
	{"allow in 22 on eth0", "allow in 22 on eth0"},
	{"deny out on wg0 any", "deny out on wg0"},
	{"allow in on lo", "allow in on lo"},
	{"route allow on eth0 80", "route allow 80 on eth0"},
	{"route allow in on eth0 out on eth1", "route allow on eth0 out on eth1"},
	{"route allow out on eth1 in on eth0 80/tcp from 10.0.0.0/8",
	 "route allow 80/tcp from 10.0.0.0/8 on eth0 out on eth1"},
	{"route deny out on eth1", "route deny out on eth1"},
	{"route allow on eth0 out on eth1 to 10.0.0.5 port 80", "route allow 80 to 10.0.0.5 on eth0 out on eth1"},
	/* limits */
	{"limit 22", "limit in 22"},
	{"limit in 22/tcp rate 6/30s", "limit in 22/tcp"},
	{"limit ssh rate 10/1m", "limit in 22/tcp rate 10/60s"},
	{"allow 22 rate 10/5m", "limit in 22 rate 10/5m"},
	{"allow 22 rate 6/30", "limit in 22"},
	{"route limit 80/tcp", "route limit 80/tcp"},
	/* owners */
	{"allow out 443 user www-data", "allow out 443 user www-data"},
	{"deny out any cgroup system.slice/foo.service", "deny out any cgroup system.slice/foo.service"},
	{"deny out cgroup /a/b/ any user 33", "deny out any user 33 cgroup a/b"},
	{"deny out on eth0 user root", "deny out on eth0 user root"},
	/* what is not part of the match */
	{"allow 22 comment ssh", "allow in 22 comment 'ssh'"},
	{"allow 22 comment 'ssh for all'", "allow in 22 comment 'ssh for all'"},
	{"allow 22 comment \"it's so\"", "allow in 22 comment \"it's so\""},
	{"allow comment 'first' 22", "allow in 22 comment 'first'"},
	{"allow 22 comment ''", "allow in 22"},
	{"allow 22 comment '# no'", "allow in 22 comment '# no'"},
	{"allow 22 comment for", "allow in 22 comment 'for'"},
	{"allow 22 until 2026-11-25T18:00:00Z", "allow in 22 until 2026-11-25T18:00:00Z"},
	{"allow 22 until 2028-02-29T23:59:59Z log", "allow in 22 log until 2028-02-29T23:59:59Z"},
	{"disabled allow 22", "disabled allow in 22"},
	{"disabled route limit 80 rate 1/1h --runtime", "disabled route limit 80 rate 1/1h --runtime"},
	{"allow in 22 from @a to @b on eth0 rate 3/10s log comment 'x' until 2030-01-01T00:00:00Z",
	 "limit in 22 from @a to @b on eth0 rate 3/10s log until 2030-01-01T00:00:00Z comment 'x'"},
	/* blocks and sets */
	{"block 1.2.3.4 until 2026-11-25T18:00:00Z", "block 1.2.3.4 until 2026-11-25T18:00:00Z"},
	{"set add office 203.0.113.7/24", "set add office 203.0.113.0/24"},
	{"panic on", "panic on"},
	{"panic on 2222,22 --runtime", "panic on 22,2222 --runtime"},
	{"panic on 1-8", "panic on 1,2,3,4,5,6,7,8"},
	{"set add x.y-z_1 ::1 until 2026-11-25T18:00:00Z", "set add x.y-z_1 ::1 until 2026-11-25T18:00:00Z"},
};

Test(grammar, every_form_has_one_line)
{
	for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
		struct statement s = parse_line(forms[i].input), again;
		_free_ char *text = statement_format(&s), *text_again = NULL;

		cr_expect_str_eq(text, forms[i].output);
		again = parse_line(text);
		text_again = statement_format(&again);
		cr_expect_str_eq(text_again, text);
		cr_expect_eq(again.id, s.id, "%s", forms[i].input);
		statement_free(&s);
		statement_free(&again);
	}
}

#define WHICH_END    ": a bare address does not say which end it is; write "
#define NOT_A_TIME   ": not a time; write it in UTC, as 2026-11-25T18:00:00Z"
#define NOT_A_RATE   ": not a rate; write requests and a duration, as 10/1m, at most 65535/1d"
#define NOT_A_CGROUP ": not a cgroup; write its path below /sys/fs/cgroup, as system.slice/nginx.service"
#define NOT_A_USER   ": not a user; write a name or a number, as www-data or 33"
#define NOT_A_SET    ": not a name of a set; it has letters and digits and, behind the first, '-', '_' and '.'"
#define NO_DIRECTION ": rules for routed requests take no direction, but interfaces, as in on eth0 out on eth1"
#define EARLIER      ": one word too many; the direction stands before the target, as in allow in 22"

static const struct refusal refusals[] = {
	/* addresses */
	{"allow 10.0.0.1", "'10.0.0.1'" WHICH_END "'from 10.0.0.1' (the sender) or 'to 10.0.0.1'"},
	{"route allow ::1", "'::1'" WHICH_END "'from ::1' (the sender) or 'to ::1'"},
	{"allow 210.10.94.277:8082", "'210.10.94.277:8082': 277 is no octet of an IPv4 address; octets are 0..255"},
	{"allow from", "'from': the sender is missing; write from 203.0.113.0/24 or from @office"},
	{"allow 22 to", "'to': the address is missing; write to 203.0.113.9 or to any"},
	{"allow from 10.0.0.1 from 10.0.0.2", "'from 10.0.0.2': 'from' is given already, as '10.0.0.1'"},
	{"allow from example.com",
	 "'example.com': not an address; host names are not looked up, write it as 203.0.113.9 or 2001:db8::1"},
	{"allow from 10.0.0.1:22", "'10.0.0.1:22': an address without a port is wanted here, as 203.0.113.9"},
	{"allow from 10.0.0.0/33", "'10.0.0.0/33': the prefix length of an IPv4 address is 0..32"},
	{"allow from 10.0.0.0/255.0.255.0", "'10.0.0.0/255.0.255.0': not a netmask; write the length, as 10.0.0.0/24"},
	{"allow from ::/255.0.0.0", "'::/255.0.0.0': the prefix length of an IPv6 address is 0..128"},
	{"allow from ::ffff:1.2.3.4", "'::ffff:1.2.3.4': v4-mapped addresses are not accepted; write 1.2.3.4"},
	{"allow from fe80::1%eth0", "'fe80::1%eth0': addresses have no zone here; leave out '%eth0'"},
	{"allow from @", "'@': the name of the set is missing; write @office"},
	{"allow from @a/b", "'a/b'" NOT_A_SET},
	{"allow from @-a", "'-a'" NOT_A_SET},
	{"allow from @abcdefghijklmnopqrstuvwxyz0123456",
	 "'abcdefghijklmnopqrstuvwxyz0123456': names of sets have at most 32 characters"},
	{"allow from 10.0.0.1 to ::1", "'to ::1': the sender's address is of the other family"},
	{"allow icmp6 from 10.0.0.1", "'icmp6': IPv4 addresses have icmp4"},
	{"allow icmp4 to ::1", "'icmp4': IPv6 addresses have icmp6"},
	{"allow 10.0.0.5:80 to 10.0.0.6", "'to 10.0.0.6': '10.0.0.5:80' says already where to"},
	/* ports */
	{"allow port 22",
	 "'port': one word too many; a port belongs to from or to, as in to any port 22; alone write it as 22/tcp"},
	{"allow from any port", "'port': the port is missing; write from any port 68 or to any port 22"},
	{"allow from any port 22/tcp",
	 "'port 22/tcp': ports only; the protocol stands behind the word proto, as in proto tcp"},
	{"allow to any port 22 port 23", "'port 23': 'port' is given already, as '22'"},
	{"allow 80 to any port 22", "'port 22': '80' says already which"},
	{"allow to any port 70000", "'70000': ports are 0..65535"},
	{"allow to any port 10.0.0.1", "'10.0.0.1': an address; ports or a service are wanted here"},
	{"allow to any port 6000:6010",
	 "'6000:6010': not a target; did you mean 'forward 6000:6010', or the range 6000-6010?"},
	{"allow proto gre to any port 22", "'port 22': gre has no ports; they go with tcp, udp and sctp"},
	{"allow proto gre from any port 22",
	 "'port 22': what the rule is for has no ports; they go with tcp, udp and sctp"},
	{"allow icmp from any port 22", "'port 22': what the rule is for has no ports; they go with tcp, udp and sctp"},
	{"allow 22/udp from any port ssh", "'ssh/udp': /etc/services has ssh for tcp only; write 22/udp"},
	{"allow from any port ntp to any port ssh", "'ntp/tcp': /etc/services has ntp for udp only; write 123/tcp"},
	{"allow 22 proto tcp",
	 "'proto tcp': '22' is the target already; its protocol stands behind a slash, as in 22/tcp"},
	/* interfaces */
	{"allow in on", "'on': the interface is missing; write on eth0"},
	{"allow in on eth0 on eth1 22", "'on eth1': 'on' is given already, as 'eth0'"},
	{"allow in on eth0 out on eth1", "'out'" EARLIER},
	{"allow on eth0 in 22", "'in'" EARLIER},
	{"allow in on eth/0", "'eth/0': not a name of an interface; 'ip link' lists them"},
	{"allow in on eth0:1", "'eth0:1': not a name of an interface; 'ip link' lists them"},
	{"allow in on eth+", "'eth+': not a name of an interface; a rule is for one, or without on for all"},
	{"allow in on abcdefghijklmnop", "'abcdefghijklmnop': names of interfaces have at most 15 characters"},
	{"deny in on lo", "'lo': loopback is never filtered"},
	{"limit in on lo", "'lo': loopback is never filtered"},
	{"route allow in 80", "'in'" NO_DIRECTION},
	{"route allow out", "'out'" NO_DIRECTION},
	{"route allow routed 80", "'routed': route says it already; write route allow 80/tcp"},
	/* limits */
	{"deny 22 rate 6/30s", "'rate 6/30s': deny lets nothing pass; write limit ... rate 6/30s"},
	{"limit 22 rate", "'rate': the rate is missing; write rate 10/1m"},
	{"limit 22 rate 6", "'6'" NOT_A_RATE},
	{"limit 22 rate 0/1m", "'0/1m'" NOT_A_RATE},
	{"limit 22 rate 65536/1m", "'65536/1m'" NOT_A_RATE},
	{"limit 22 rate 6/1y", "'1y': not a duration; write a number and s, m, h, d or w, as 90s or 1h"},
	{"limit 22 rate 6/2d", "'6/2d': too long; the duration of a rate is at most 1d"},
	/* owners */
	{"allow 22 user root", "'user': only requests that leave have an owner here; write allow out ... user root"},
	{"route deny 22 cgroup a",
	 "'cgroup': only requests that leave have an owner here; write deny out ... cgroup a"},
	{"allow out 22 user", "'user': the user is missing; write user www-data or user 33"},
	{"allow out 22 user ''", "''" NOT_A_USER},
	{"allow out 22 user 'a b'", "'a b'" NOT_A_USER},
	{"allow out 22 cgroup", "'cgroup': the cgroup is missing; write cgroup system.slice/nginx.service"},
	{"allow out 22 cgroup /", "'/'" NOT_A_CGROUP},
	{"allow out 22 cgroup a/../b", "'a/../b'" NOT_A_CGROUP},
	/* the rest */
	{"allow 22 log log", "'log log': 'log' is given already, as 'log'"},
	{"allow 22 log log-all", "'log log-all': 'log' is given already, as 'log'"},
	{"allow 22 comment", "'comment': the comment is missing; write comment 'why'"},
	{"allow 22 comment a b", "'b': one word too many; a rule has one target, lists are written 22,80"},
	{"allow 22 comment 'a", "''a': a quote without its end; write comment 'why'"},
	{"allow 22 comment 'a'b", "''a'b': a quote without its end; write comment 'why'"},
	{"allow 22 comment it's\"", "'it's\"': a comment may have one kind of quotes, ' or \", not both"},
	{"allow 22 for", "'for': the duration is missing; write for 20m"},
	{"allow 22 for ever", "'ever': not a duration; write a number and s, m, h, d or w, as 90s or 1h"},
	{"allow 22 for 1h until 2026-11-25T18:00:00Z", "'until 2026-11-25T18:00:00Z': 'for 1h' says already when"},
	{"allow 22 until", "'until': the time is missing; write until 2026-11-25T18:00:00Z"},
	{"allow 22 until tomorrow", "'tomorrow'" NOT_A_TIME},
	{"allow 22 until 2026-11-25T18:00:00", "'2026-11-25T18:00:00'" NOT_A_TIME},
	{"allow 22 until 2026-11-25T18:00:00+01:00", "'2026-11-25T18:00:00+01:00'" NOT_A_TIME},
	{"allow 22 until 2026-02-30T18:00:00Z", "'2026-02-30T18:00:00Z': no such time"},
	{"allow 22 until 1969-01-01T00:00:00Z", "'1969-01-01T00:00:00Z': no such time"},
	{"allow sideways 22", "'sideways': neither ports nor a service of /etc/services nor 'any'"},
	{"allow http 22", "'22': one word too many; a rule has one target, lists are written 22,80"},
	{"disabled", "'': not a rule; write disabled allow in 22"},
	{"disabled 22", "'22': not a rule; write disabled allow in 22"},
	{"disabled disabled allow 22", "'disabled': not a rule; write disabled allow in 22"},
	/* blocks and sets */
	{"block 1.2.3.4 for", "'for': when is missing; write for 20m or until 2026-11-25T18:00:00Z"},
	{"block 1.2.3.4 for 1h 2h", "'2h': one word too many"},
	{"panic", "'panic': write panic on or panic off"},
	{"panic off", "'off': write panic on or panic off"},
	{"panic on 1-9", "'1-9': at most 8 ports can be kept open"},
	{"panic on x", "'x': not a port; write a number, 0..65535"},
	{"panic on 1 2", "'2': one word too many; ports whose open connections go on are one list"},
	{"set", "'set': not a statement; write set add office 203.0.113.0/24"},
	{"set flush x", "'flush': not a statement; write set add office 203.0.113.0/24"},
	{"set add", "'set add': the name is missing; write set add office 203.0.113.0/24"},
	{"set add x", "'set add': the address is missing; write set add office 203.0.113.0/24"},
	{"set add @x 1.2.3.4", "'@x'" NOT_A_SET},
	{"set add x 1.2.3.4 5.6.7.8", "'5.6.7.8': one word too many; one address a statement"},
};

Test(grammar, refusals)
{
	for (size_t i = 0; i < ARRAY_SIZE(refusals); i++) {
		struct statement s = {.counter = 7};
		struct error e = {0};

		cr_expect_eq(statement_parse_line(refusals[i].input, &s, &e), -EINVAL, "%s", refusals[i].input);
		cr_expect_str_eq(e.text, refusals[i].text);
		cr_expect(s.counter == 7 && !s.id, "untouched on failure: %s", refusals[i].input);
	}
}

/* `for` becomes a time, so that the file and the kernel agree when it is over, whenever the file is read. */
Test(grammar, durations_are_stored_as_times)
{
	static const char *const lines[] = {"allow 22 for 20m", "block 1.2.3.4 for 20m", "set add x 1.2.3.4 for 20m"};

	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		time_t before = time(NULL), after;
		struct statement s = parse_line(lines[i]), again;
		_free_ char *text = statement_format(&s);
		__u64 expires = s.kind == STATEMENT_RULE    ? s.rule.expires
				: s.kind == STATEMENT_BLOCK ? s.block.expires
							    : s.member.expires;

		after = time(NULL);
		cr_expect(expires >= (__u64)before + 1200 && expires <= (__u64)after + 1200);
		cr_expect(strstr(text, " until 20"), "%s", text);
		again = parse_line(text);
		cr_expect_eq(again.id, s.id);
		statement_free(&s);
		statement_free(&again);
	}
}

/* What is the same rule, and what is not. */
Test(grammar, ids)
{
	static const struct {
		const char *a, *b;
		bool same;
	} cases[] = {
		{"allow http", "deny 80/tcp", true},
		{"allow 80/tcp from any", "allow proto tcp to any port 80", true},
		{"allow 22", "limit 22 rate 3/1h log comment x for 1h", true},
		{"allow 22", "disabled deny 22", true},
		{"allow in 10.0.0.5:80", "allow to 10.0.0.5 port 80", true},
		{"deny out 10.0.0.5", "deny out to 10.0.0.5", true},
		{"allow on eth0", "allow in on eth0", true},
		{"allow 22", "allow 22 from 0.0.0.0/0", false},
		{"allow 22 from 10.0.0.1", "allow 22 to 10.0.0.1", false},
		{"allow 22 from 10.0.0.1", "allow 22 from 10.0.0.0/31", false},
		{"allow 22 from @a", "allow 22 to @a", false},
		{"allow 22", "allow 22 on eth0", false},
		{"route allow on eth0", "route allow out on eth0", false},
		{"allow out 22 user a", "allow out 22 cgroup a", false},
		{"allow 22/tcp", "allow 22/tcp from any port 22", false},
		{"block 1.2.3.4", "block 1.2.3.4 for 1h", true},
		{"set add a 1.2.3.4", "set add b 1.2.3.4", false},
		{"set add a 1.2.3.4", "set add a 1.2.3.4 for 1h", true},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct statement a = parse_line(cases[i].a), b = parse_line(cases[i].b);

		cr_expect_eq(a.id == b.id, cases[i].same, "%s | %s", cases[i].a, cases[i].b);
		statement_free(&a);
		statement_free(&b);
	}
}
