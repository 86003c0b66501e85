// SPDX-License-Identifier: GPL-2.0-only
/* The grammar of one statement. */
#include "unit.h"

static void expect_round_trip(const char *line, const char *canonical)
{
	struct statement s = parse_line(line), again;
	_free_ char *text = statement_format(&s), *text_again = NULL;

	cr_expect_str_eq(text, canonical);
	again = parse_line(text);
	text_again = statement_format(&again);
	cr_expect_str_eq(text_again, canonical);
	cr_expect_eq(s.id, again.id, "%s", line);
	cr_expect_eq(s.kind, again.kind, "%s", line);
	cr_expect_eq(s.runtime, again.runtime, "%s", line);
	statement_free(&s);
	statement_free(&again);
}

Test(statement, round_trip)
{
	static const struct pair cases[] = {
		{"allow 22", "allow in 22"},
		{"allow in 22", "allow in 22"},
		{"allow incoming 22", "allow in 22"},
		{"deny out 25/tcp", "deny out 25/tcp"},
		{"deny outgoing 25/tcp", "deny out 25/tcp"},
		{"reject in any", "reject in any"},
		{"allow any", "allow in any"},
		{"allow in http", "allow in 80/tcp"},
		{"allow https", "allow in 443"},
		{"allow out domain/udp", "allow out 53/udp"},
		{"allow 8000-8010,80,443", "allow in 80,443,8000-8010"},
		{"allow 6000:6010/tcp", "allow in 6000-6010/tcp"},
		{"deny in 0", "deny in 0"},
		/* protocols */
		{"allow 3868/sctp", "allow in 3868/sctp"},
		{"allow out 80,443/sctp", "allow out 80,443/sctp"},
		{"allow amqp/sctp", "allow in 5672/sctp"},
		{"allow in proto gre", "allow in proto gre"},
		{"allow proto GRE", "allow in proto gre"},
		{"allow proto 47", "allow in proto gre"},
		{"reject out proto 50", "reject out proto esp"},
		{"deny in proto 251", "deny in proto 251"},
		{"deny in proto 255", "deny in proto 255"},
		{"deny in proto ipip", "deny in proto 94"},
		{"deny in proto wesp", "deny in proto 141"},
		{"deny in proto 4", "deny in proto ipencap"},
		{"allow in proto tcp", "allow in 0-65535/tcp"},
		{"allow in proto TCP", "allow in 0-65535/tcp"},
		{"allow in proto 17", "allow in 0-65535/udp"},
		{"allow in proto sctp", "allow in 0-65535/sctp"},
		{"allow in proto 132", "allow in 0-65535/sctp"},
		{"allow in proto icmp", "allow in icmp4"},
		{"allow in proto ICMP", "allow in icmp4"},
		{"allow in proto 1", "allow in icmp4"},
		{"allow in proto ipv6-icmp", "allow in icmp6"},
		{"allow in proto icmpv6", "allow in icmp6"},
		{"allow in proto 58", "allow in icmp6"},
		/* ICMP */
		{"allow icmp", "allow in icmp"},
		{"deny out icmp4", "deny out icmp4"},
		{"allow in icmp6", "allow in icmp6"},
		{"allow in icmp/echo-request", "allow in icmp/echo-request"},
		{"allow in icmp/ping", "allow in icmp/echo-request"},
		{"allow in icmp/pong", "allow in icmp/echo-reply"},
		{"allow in icmp/ttl-exceeded", "allow in icmp/time-exceeded"},
		{"allow in icmp4/8", "allow in icmp4/echo-request"},
		{"allow in icmp6/128", "allow in icmp6/echo-request"},
		{"allow in icmp6/echo-request", "allow in icmp6/echo-request"},
		{"allow in icmp6/8", "allow in icmp6/8"},
		{"allow in icmp4/255", "allow in icmp4/255"},
		{"allow in icmp4/0", "allow in icmp4/echo-reply"},
		{"allow in icmp6/0", "allow in icmp6/0"},
		{"allow in icmp/timestamp-request", "allow in icmp4/timestamp-request"},
		{"allow in icmp/packet-too-big", "allow in icmp6/packet-too-big"},
		{"allow in icmp6/3", "allow in icmp6/time-exceeded"},
		{"allow in icmp/redirect", "allow in icmp/redirect"},
		{"allow in icmp/nd-redirect", "allow in icmp6/redirect"},
		{"allow in icmp/neighbor-solicitation", "allow in icmp6/neighbour-solicitation"},
		{"allow in icmp6/neighbour-advertisement", "allow in icmp6/neighbour-advertisement"},
		/* routed */
		{"route allow 80/tcp", "route allow 80/tcp"},
		{"route deny any", "route deny any"},
		{"route reject https", "route reject 443"},
		{"route allow proto 47", "route allow proto gre"},
		{"route allow icmp/ping", "route allow icmp/echo-request"},
		{"--runtime route allow 80", "route allow 80 --runtime"},
		{"default deny routed", "default deny routed"},
		{"default allow routed", "default allow routed"},
		{"default deny", "default deny in"},
		{"default allow outgoing", "default allow out"},
		{"default reject incoming", "default reject in"},
		{"forward 8080:2988", "forward 8080:2988"},
		{"forward 2988:8080/udp", "forward 2988:8080/udp"},
		{"forward 0:65535/tcp", "forward 0:65535/tcp"},
		{"forward 8000-8010:9000-9010", "forward 8000-8010:9000-9010"},
		{"forward 443,80:8443,8080/tcp", "forward 443,80:8443,8080/tcp"},
		{"forward 8080:2988 one-way", "forward 8080:2988 one-way"},
		{"forward 80:8080,8081", "forward 80:8080,8081"},
		{"forward 80:8080,8081 one-way", "forward 80:8080,8081"},
		{"forward 443:10.0.0.5:8443/tcp", "forward 443:10.0.0.5:8443/tcp"},
		{"forward 443:10.0.0.5:8443 one-way", "forward 443:10.0.0.5:8443"},
		{"forward 53:[fd00:0:0::53]:53/udp", "forward 53:[fd00::53]:53/udp"},
		{"forward 80,443:10.0.0.5:8080,8443", "forward 80,443:10.0.0.5:8080,8443"},
		{"forward 80:10.0.0.5:8080,8081,10.0.0.6:8080", "forward 80:10.0.0.5:8080,10.0.0.5:8081,10.0.0.6:8080"},
		{"forward 443:10.0.0.5:1 comment why on eth0 to 192.0.2.1 from 203.0.113.9/24 keep-source",
		 "forward 443:10.0.0.5:1 keep-source from 203.0.113.0/24 to 192.0.2.1 on eth0 comment 'why'"},
		{"forward 8080:2988 until 2030-01-01T00:00:00Z one-way",
		 "forward 8080:2988 one-way until 2030-01-01T00:00:00Z"},
		{"block 203.0.113.9", "block 203.0.113.9"},
		{"block 203.0.113.9/24", "block 203.0.113.0/24"},
		{"block 2001:DB8::/32", "block 2001:db8::/32"},
		{"block 0.0.0.0/0", "block 0.0.0.0/0"},
		{"block ::/0", "block ::/0"},
		{"option allow-ping off", "option allow-ping off"},
		{"option non-ip on", "option non-ip on"},
		{"option log-drops off", "option log-drops off"},
		{"option log-rate 100", "option log-rate 100"},
		{"option log-rate 0", "option log-rate 0"},
		{"option udp-timeout 60s", "option udp-timeout 60s"},
		{"option udp-timeout 1m", "option udp-timeout 60s"},
		{"option udp-replied-timeout 1", "option udp-replied-timeout 1s"},
		{"option tcp-established-timeout 30d", "option tcp-established-timeout 30d"},
		{"option tcp-established-timeout 1w", "option tcp-established-timeout 7d"},
		{"option icmp-timeout 2m --runtime", "option icmp-timeout 2m --runtime"},
		{"load eth0", "load eth0"},
		{"load eth0 --mode auto", "load eth0"},
		{"load --mode tc eth0.100", "load eth0.100 --mode tc"},
		{"--mode native load abcdefghijklmno", "load abcdefghijklmno --mode native"},
		{"load eth0 --mode tc --mode generic", "load eth0 --mode generic"},
		{"--runtime allow 22", "allow in 22 --runtime"},
		{"allow --runtime 22", "allow in 22 --runtime"},
		{"allow 22 --runtime --runtime", "allow in 22 --runtime"},
		{"default deny --runtime out", "default deny out --runtime"},
		{"load eth0 --runtime --mode tc", "load eth0 --mode tc --runtime"},
		{"block 1.2.3.4 --runtime", "block 1.2.3.4 --runtime"},
		{" \tallow\t\tin  22 \r", "allow in 22"},
		{"", ""},
		{"   ", "   "},
		{"# allow in 22", "# allow in 22"},
		{"  #kept as it is \t", "  #kept as it is \t"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		expect_round_trip(cases[i].input, cases[i].output);
}

Test(statement, values)
{
	struct statement s = parse_line("reject out 80,443/udp");

	cr_expect(s.kind == STATEMENT_RULE && s.rule.verdict == XDPFW_REJECT && s.rule.dir == XDPFW_OUT);
	cr_expect(s.rule.protocols == PROTO_UDP && s.rule.ports.count == 2 && !s.runtime && !s.counter);
	statement_free(&s);
	s = parse_line("default reject out --runtime");
	cr_expect(s.kind == STATEMENT_DEFAULT && s.default_policy.verdict == XDPFW_REJECT &&
		  s.default_policy.dir == XDPFW_OUT && s.runtime);
	s = parse_line("forward 8080:2988/tcp");
	cr_expect(s.kind == STATEMENT_FORWARD && s.forward.listen[0].first == 8080 &&
		  s.forward.targets[0].ports[0].first == 2988 && s.forward.protocols == PROTO_TCP);
	statement_free(&s);
	s = parse_line("option non-ip off");
	cr_expect(s.kind == STATEMENT_OPTION && s.option.name == OPTION_NON_IP && s.option.value == 0);
	s = parse_line("option allow-ping on");
	cr_expect(s.option.name == OPTION_ALLOW_PING && s.option.value == 1);
	s = parse_line("option udp-timeout 2m");
	cr_expect(s.option.name == OPTION_TIMEOUTS + XDPFW_T_UDP && s.option.value == 120);
	s = parse_line("load eth0 --mode generic");
	cr_expect(s.kind == STATEMENT_LOAD && s.load.mode == MODE_GENERIC);
	cr_expect_str_eq(s.load.name, "eth0");
	s = parse_line("# note");
	cr_expect(s.kind == STATEMENT_COMMENT && !s.id);
	statement_free(&s);
}

Test(statement, long_comments_are_not_cut)
{
	_free_ char *line = malloc(1000001), *text = NULL;
	struct statement s;

	memset(line, '#', 1000000);
	line[1000000] = '\0';
	s = parse_line(line);
	text = statement_format(&s);
	cr_expect(!strcmp(text, line));
	statement_free(&s);
}

static __u64 fnv1a(const char *text)
{
	__u64 hash = 14695981039346656037ULL;

	while (*text) {
		hash ^= (unsigned char)*text++;
		hash *= 1099511628211ULL;
	}
	return hash;
}

Test(statement, the_id_is_a_hash_of_the_match_part)
{
	static const struct pair cases[] = {
		{"allow in 22/tcp", "rule in 22/tcp"},
		{"deny in 22/tcp", "rule in 22/tcp"},
		{"reject in 22/tcp --runtime", "rule in 22/tcp"},
		{"allow out 22/tcp", "rule out 22/tcp"},
		{"allow in 22", "rule in 22"},
		{"allow in 80,79,1", "rule in 1,79-80"},
		{"allow in ssh", "rule in 22/tcp"},
		{"allow in any", "rule in any"},
		{"allow in 0-65535", "rule in 0-65535"},
		{"allow in 80/sctp", "rule in 80/sctp"},
		{"allow in proto udp", "rule in 0-65535/udp"},
		{"allow in proto gre", "rule in proto 47"},
		{"allow out proto 251", "rule out proto 251"},
		{"deny in icmp", "rule in icmp"},
		{"deny in icmp4", "rule in icmp4"},
		{"deny in icmp6", "rule in icmp6"},
		{"deny in icmp4/8", "rule in icmp4/8"},
		{"deny in icmp6/echo-request", "rule in icmp6/128"},
		{"deny in icmp/echo-request", "rule in icmp4/8+icmp6/128"},
		{"deny in icmp/source-quench", "rule in icmp4/4"},
		{"route allow 80/tcp", "rule routed 80/tcp"},
		{"route deny proto gre", "rule routed proto 47"},
		{"default deny routed", "default routed"},
		{"option udp-timeout 5s", "option udp-timeout"},
		{"default deny", "default in"},
		{"default allow out", "default out"},
		{"forward 8080:2988", "forward 8080:2988"},
		{"forward 2988:8080", "forward 8080:2988"},
		{"forward 2988:8080/udp", "forward 8080:2988/udp"},
		{"block 1.2.3.4", "block 1.2.3.4/32"},
		{"block 1.2.3.4/16", "block 1.2.0.0/16"},
		{"block 0.0.0.0/0", "block 0.0.0.0/0"},
		{"block 2001:db8::1", "block 2001:db8::1/128"},
		{"block ::/0", "block ::/0"},
		{"option allow-ping off", "option allow-ping"},
		{"load eth0 --mode tc", "load eth0"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct statement s = parse_line(cases[i].input);

		cr_expect_eq(s.id, fnv1a(cases[i].output), "%s", cases[i].input);
		statement_free(&s);
	}
	cr_expect_eq(fnv1a("foobar"), 0x85944171f73967e8ULL, "the published test vector");
}

#define UNKNOWN                                                                                                        \
	": unknown; statements are allow, deny, reject, limit, route, default, forward, block, set, option, panic "    \
	"and load"
#define NO_STATEMENT     ": a command, not a statement; in a file the order of the lines is the order of the rules"
#define NO_ROUTE_ACTION  ": not an action; write route allow, route deny, route reject or route limit"
#define NO_DIRECTION     ": rules for routed requests take no direction, but interfaces, as in on eth0 out on eth1"
#define NOT_PART         " are not part of this version"
#define NOT_A_PROTOCOL   ": not a protocol; write a name of /etc/protocols, as gre, or a number, 0..255"
#define EXTENSION_HEADER ": an IPv6 extension header; rules are for the protocol behind it"
#define NO_SUCH_TYPE     ": no such type; write a name, as echo-request, or a number, as icmp4/8 or icmp6/128"
#define NUMBERED         ": ICMP and ICMPv6 number their types differently; write "
#define OPTIONS                                                                                                        \
	"allow-ping, non-ip, log-drops, log-rate, udp-timeout, udp-replied-timeout, icmp-timeout, sctp-timeout, "      \
	"other-timeout, "                                                                                              \
	"tcp-syn-timeout, tcp-established-timeout, tcp-closing-timeout, tcp-closed-timeout"
#define MISSING ": the target is missing; write ports, a service or 'any', as "

static const struct refusal refusals[] = {
	{"allwo in 22", "'allwo'" UNKNOWN},
	{"22", "'22'" UNKNOWN},
	{"Allow in 22", "'Allow'" UNKNOWN},
	{"--runtime", "'': a statement is missing; write one such as allow in 22"},
	{"insert 1 allow 22", "'insert'" NO_STATEMENT},
	{"prepend allow 22", "'prepend'" NO_STATEMENT},
	/* flags */
	{"allow in 22 --foo", "'--foo': no such flag; statements know --runtime, load also --mode"},
	{"allow in -- 22", "'--': no such flag; statements know --runtime, load also --mode"},
	{"load eth0 --mode=tc", "'--mode=tc': no such flag; statements know --runtime, load also --mode"},
	{"load eth0 --mode", "'--mode': the mode is missing; write auto, native, generic or tc"},
	{"load eth0 --mode --runtime", "'--runtime': not a mode; write auto, native, generic or tc"},
	{"load eth0 --mode xdp", "'xdp': not a mode; write auto, native, generic or tc"},
	{"allow in 22 --mode tc", "'--mode': only load has a mode"},
	/* rules */
	{"allow", "'allow'" MISSING "allow in 22"},
	{"deny out", "'deny'" MISSING "deny out 22"},
	{"reject in --runtime", "'reject'" MISSING "reject in 22"},
	{"allow in 70000", "'70000': ports are 0..65535"},
	{"allow in 22/tpc", "'tpc': not a protocol with ports; write tcp, udp or sctp"},
	{"allow in -5", "'-5': ports are 0..65535"},
	{"allow -q 22", "'-q': no such flag"},
	{"allow in 210.10.94.277:8082", "'210.10.94.277:8082': 277 is no octet of an IPv4 address; octets are 0..255"},
	{"allow 8080:2988", "'8080:2988': not a target; did you mean 'forward 8080:2988', or the range 2988-8080?"},
	{"allow in 22 in", "'in': one word too many; the direction stands before the target, as in allow in 22"},
	{"allow 22 outgoing",
	 "'outgoing': one word too many; the direction stands before the target, as in allow in 22"},
	{"allow 22 tcp", "'tcp': one word too many; the protocol stands behind a slash, as in 22/tcp"},
	{"allow 22 proto tcp",
	 "'proto tcp': '22' is the target already; its protocol stands behind a slash, as in 22/tcp"},
	{"allow 22 80", "'80': one word too many; a rule has one target, lists are written 22,80"},
	{"allow in out 22", "'out': one word too many; the direction stands before the target, as in allow in 22"},
	{"allow in 22 # ssh",
	 "'#': one word too many; comments stand on lines of their own, or behind the word comment"},
	{"allow in 22 #ssh",
	 "'#ssh': one word too many; comments stand on lines of their own, or behind the word comment"},
	/* protocols */
	{"allow 22/gre", "'gre': not a protocol with ports; write tcp, udp or sctp"},
	{"allow sctp", "'sctp': a protocol, neither ports nor a service; write proto sctp"},
	{"allow gre", "'gre': a protocol, neither ports nor a service; write proto gre"},
	{"allow proto", "'proto': the protocol is missing; write proto gre or proto 47"},
	{"allow out proto --runtime", "'proto': the protocol is missing; write proto gre or proto 47"},
	{"allow proto foo", "'foo'" NOT_A_PROTOCOL},
	{"allow proto Gre", "'Gre'" NOT_A_PROTOCOL},
	{"allow proto -1", "'-1'" NOT_A_PROTOCOL},
	{"allow proto 0x2f", "'0x2f'" NOT_A_PROTOCOL},
	{"allow proto 22/tcp", "'22/tcp'" NOT_A_PROTOCOL},
	{"allow proto gre,esp", "'gre,esp'" NOT_A_PROTOCOL},
	{"allow proto mptcp", "'mptcp'" NOT_A_PROTOCOL},
	{"allow proto negative", "'negative'" NOT_A_PROTOCOL},
	{"allow proto 256", "'256': protocols are 0..255"},
	{"allow proto 99999999999999999999", "'99999999999999999999': protocols are 0..255"},
	{"allow proto 047", "'047': a protocol has no leading zeros; write 47"},
	{"allow proto ip", "'ip': not one protocol; for every protocol write any, without proto"},
	{"allow proto all", "'all': not one protocol; for every protocol write any, without proto"},
	{"allow proto 0", "'0'" EXTENSION_HEADER},
	{"allow proto hopopt", "'hopopt'" EXTENSION_HEADER},
	{"allow proto 43", "'43'" EXTENSION_HEADER},
	{"allow proto ipv6-frag", "'ipv6-frag'" EXTENSION_HEADER},
	{"allow proto 60", "'60'" EXTENSION_HEADER},
	{"allow proto tcp port 22",
	 "'port': one word too many; a port belongs to from or to, as in to any port 22; alone write it as 22/tcp"},
	{"allow proto gre 22",
	 "'proto gre': '22' is the target already; its protocol stands behind a slash, as in 22/tcp"},
	{"allow proto gre in", "'in': one word too many; the direction stands before the target, as in allow in 22"},
	/* ICMP */
	{"allow icmp/", "'icmp/': the type is missing; write icmp/echo-request, or icmp for every type"},
	{"allow icmp6/", "'icmp6/': the type is missing; write icmp6/echo-request, or icmp6 for every type"},
	{"allow icmp/foo", "'icmp/foo'" NO_SUCH_TYPE},
	{"allow icmp4/ECHO-REQUEST", "'icmp4/ECHO-REQUEST'" NO_SUCH_TYPE},
	{"allow icmp4/-1", "'icmp4/-1'" NO_SUCH_TYPE},
	{"allow icmp4/8,0", "'icmp4/8,0'" NO_SUCH_TYPE},
	{"allow icmp/tcp", "'icmp/tcp'" NO_SUCH_TYPE},
	{"allow icmp4/packet-too-big", "'icmp4/packet-too-big': a type of ICMPv6 only; write icmp6/packet-too-big"},
	{"allow icmp6/source-quench", "'icmp6/source-quench': a type of ICMP only; write icmp4/source-quench"},
	{"allow icmp4/256", "'icmp4/256': types are 0..255"},
	{"allow icmp/256", "'icmp/256': types are 0..255"},
	{"allow icmp6/0128", "'icmp6/0128': a type has no leading zeros; write icmp6/128"},
	{"allow icmp/8", "'icmp/8'" NUMBERED "icmp4/8 or icmp6/128"},
	{"allow icmp/128", "'icmp/128'" NUMBERED "icmp4/8 or icmp6/128"},
	{"allow icmp/0", "'icmp/0'" NUMBERED "icmp4/0 or icmp6/129"},
	{"allow icmp/4", "'icmp/4'" NUMBERED "icmp4/4 or icmp6/4"},
	{"allow icmp/2", "'icmp/2'" NUMBERED "icmp4/2 or icmp6/2"},
	{"allow icmp/200", "'icmp/200'" NUMBERED "icmp4/200 or icmp6/200"},
	{"allow icmp4/3/4", "'icmp4/3/4': rules for codes" NOT_PART "; write icmp4/3"},
	{"allow icmp 8", "'8': one word too many; the type stands behind a slash, as in icmp/echo-request"},
	{"allow icmp type 8", "'type': one word too many; the type stands behind a slash, as in icmp/echo-request"},
	{"allow icmp4 out", "'out': one word too many; the direction stands before the target, as in allow in 22"},
	{"allow icmp5", "'icmp5': neither ports nor a service of /etc/services nor 'any'"},
	{"allow 22/icmp", "'icmp': not a protocol with ports; write tcp, udp or sctp"},
	/* routed */
	{"route", "'route': the action is missing; write route allow 80/tcp"},
	{"route 22", "'22'" NO_ROUTE_ACTION},
	{"route in allow 22", "'in'" NO_ROUTE_ACTION},
	{"route default deny", "'default'" NO_ROUTE_ACTION},
	{"route insert 1 allow 22", "'insert'" NO_ROUTE_ACTION},
	{"route allow", "'allow'" MISSING "route allow 22"},
	{"route deny --runtime", "'deny'" MISSING "route deny 22"},
	{"route allow in 80", "'in'" NO_DIRECTION},
	{"route reject outgoing 80", "'outgoing'" NO_DIRECTION},
	{"route deny routed 80", "'routed': route says it already; write route deny 80/tcp"},
	{"route allow 80 in", "'in'" NO_DIRECTION},
	{"allow routed 22", "'routed': rules for routed requests begin with route; write route allow 22"},
	{"deny route 22", "'route': rules for routed requests begin with route; write route deny 22"},
	{"allow 22 routed",
	 "'routed': one word too many; rules for routed requests begin with route, as in route allow 22"},
	/* default */
	{"default", "'default': the action is missing; write default allow, deny or reject"},
	{"default in deny", "'in': not an action; write default allow, deny or reject"},
	{"default drop", "'drop': not an action; write default allow, deny or reject"},
	{"default deny inn", "'inn': not a direction; write in, out or routed"},
	{"default deny route", "'route': not a direction; write in, out or routed"},
	{"default deny routed in", "'in': one word too many; a default has one direction"},
	{"default deny in out", "'out': one word too many; a default has one direction"},
	/* forward */
	{"forward", "'forward': the ports are missing; write forward 8080:2988"},
	{"forward 8080", "'8080': a forward has two ports; write forward 8080:2988"},
	{"forward 8080/tcp", "'8080/tcp': a forward has two ports; write forward 8080:2988"},
	{"forward 8080/tcp:2988", "'8080/tcp:2988': a forward has two ports; write forward 8080:2988"},
	{"forward 8080 2988", "'8080': a forward has two ports; write forward 8080:2988"},
	{"forward 8080:8080", "'8080:8080': a port cannot be forwarded to itself"},
	{"forward 8080:8080/tcp", "'8080:8080/tcp': a port cannot be forwarded to itself"},
	{"forward 8080:", "'': a port is missing; write a number, 0..65535"},
	{"forward :2988", "'': a port is missing; write a number, 0..65535"},
	{"forward 8080:70000", "'70000': ports are 0..65535"},
	{"forward 08080:2988", "'08080': a port has no leading zeros; write 8080"},
	{"forward http:8080", "'http': not a port; write a number, 0..65535"},
	{"forward 8080:2988/", "'': not a protocol of forwards; write tcp or udp"},
	{"forward 8080:2988/tpc", "'tpc': not a protocol of forwards; write tcp or udp"},
	{"forward 8080:2988/sctp", "'sctp': not a protocol of forwards; write tcp or udp"},
	{"forward 8000-8010:9000-9009",
	 "'8000-8010:9000-9009': as many ports as listen are needed, in ranges of the same length"},
	{"forward 80,443:8080", "'80,443:8080': as many ports as listen are needed, in ranges of the same length"},
	{"forward 80,443:8080,8443,8444",
	 "'80,443:8080,8443,8444': as many ports as listen are needed, in ranges of the same length"},
	{"forward 8010-8000:9000-9010", "'8010-8000': a range ascends; write 8000-8010"},
	{"forward 80,:8080", "'': a port is missing; write a number, 0..65535"},
	{"forward 80:8080,", "'': a port is missing; write a number, 0..65535"},
	{"forward 443:10.0.0.5", "'10.0.0.5': the port of the target is missing; write 10.0.0.5:8443"},
	{"forward 53:fd00::53:53", "'fd00::53:53': an IPv6 address stands in brackets; write [fd00::5]:8443"},
	{"forward 53:[fd00::53]", "'[fd00::53]': not a target; write [fd00::5]:8443"},
	{"forward 53:[10.0.0.5]:53", "'53:[10.0.0.5]:53': only IPv6 addresses stand in brackets"},
	{"forward 443:10.0.0.5:8443,444:1",
	 "'443:10.0.0.5:8443,444:1': not an address; host names are not looked up, write "
	 "it as 203.0.113.9 or 2001:db8::1"},
	{"forward 443:8443,10.0.0.5:8443", "'443:8443,10.0.0.5:8443': targets are all on this host or all on others"},
	{"forward 443:10.0.0.5:1,[fd00::1]:1",
	 "'443:10.0.0.5:1,[fd00::1]:1': targets are of one family; write a forward for each"},
	{"forward 443:10.0.0.500:8443", "'443:10.0.0.500:8443': 500 is no octet of an IPv4 address; octets are 0..255"},
	{"forward 443:example.com:8443", "'443:example.com:8443': not an address; host names are not looked up, write "
					 "it as 203.0.113.9 or 2001:db8::1"},
	{"forward 443:backend:8443", "'443:backend:8443': not an address; host names are not looked up, write it as "
				     "203.0.113.9 or 2001:db8::1"},
	{"forward 8080:2988 keep-source",
	 "'keep-source': goes with other hosts only; this host sees the client anyway"},
	{"forward 8080:2988 from 10.0.0.0/8",
	 "'8080:2988': two ports are linked for everybody and for good; write one-way behind it"},
	{"forward 8080:2988 for 1h",
	 "'8080:2988': two ports are linked for everybody and for good; write one-way behind it"},
	{"forward 443:10.0.0.5:8443 from fd00::/8", "'443:10.0.0.5:8443': its addresses are of different families"},
	{"forward 443:10.0.0.5:8443 from @office", "'@office': a forward is for one prefix; write from 203.0.113.0/24"},
	{"forward 443:10.0.0.5:8443 from", "'from': something is missing behind it; write from 203.0.113.0/24"},
	{"forward 443:10.0.0.5:8443 on eth0 on eth1", "'on eth1': 'on' is given already"},
	{"forward 443:10.0.0.5:8443 to 10.0.0.0/8",
	 "'10.0.0.0/8': not an address; host names are not looked up, write it as 203.0.113.9 or 2001:db8::1"},
	{"forward 8080:2988 tcp",
	 "'tcp': one word too many; behind the ports: one-way, keep-source, from, to, on, comment, for"},
	/* block */
	{"block", "'block': the address is missing; write block 203.0.113.9 or 2001:db8::/32"},
	{"block example.com",
	 "'example.com': not an address; host names are not looked up, write it as 203.0.113.9 or 2001:db8::1"},
	{"block 1.2.3.4/33", "'1.2.3.4/33': the prefix length of an IPv4 address is 0..32"},
	{"block 1.2.3.4:80", "'1.2.3.4:80': an address without a port is wanted here, as 203.0.113.9"},
	{"block 1.2.3.4 5.6.7.8", "'5.6.7.8': one word too many; one address a statement"},
	/* option */
	{"option", "'option': the name is missing; options are " OPTIONS},
	{"option ping on", "'ping': not an option; options are " OPTIONS},
	{"option allow-ping", "'option allow-ping': the value is missing; write option allow-ping on or off"},
	{"option allow-ping yes", "'yes': not a value of allow-ping; write on or off"},
	{"option non-ip on off", "'off': one word too many"},
	{"option log-drops maybe", "'maybe': not a value of log-drops; write on or off"},
	{"option log-rate", "'option log-rate': the value is missing; write option log-rate 10"},
	{"option log-rate fast", "'fast': option log-rate is a number of events a second, 0..1000000"},
	{"option log-rate 1000001", "'1000001': option log-rate is a number of events a second, 0..1000000"},
	{"option allow-ping 1", "'1': not a value of allow-ping; write on or off"},
	{"option udp-timeout", "'option udp-timeout': the value is missing; write option udp-timeout 60s"},
	{"option udp-timeout on", "'on': not a duration; write a number and s, m, h, d or w, as 90s or 1h"},
	{"option udp-timeout 0s", "'0s': a duration is at least 1 second"},
	{"option udp-timeout 31d", "'31d': too long; udp-timeout is at most 10m"},
	{"option tcp-established-timeout 31d", "'31d': too long; tcp-established-timeout is at most 30d"},
	{"option tcp-syn-timeout 2592001", "'2592001': too long; tcp-syn-timeout is at most 30d"},
	{"option tcp-closed-timeout 5w", "'5w': too long; tcp-closed-timeout is at most 30d"},
	{"option icmp-timeout 9999w", "'9999w': too long; a duration is at most 7101w"},
	{"option sctp-timeout 5 m", "'m': one word too many"},
	/* load */
	{"load", "'load': the interface is missing; write load eth0"},
	{"load lo", "'lo': loopback is never filtered"},
	{"load eth0 eth1", "'eth1': one word too many; one interface a statement"},
	{"load abcdefghijklmnop", "'abcdefghijklmnop': names of interfaces have at most 15 characters"},
	{"load eth/0", "'eth/0': not a name of an interface; 'ip link' lists them"},
	{"load eth0:1", "'eth0:1': not a name of an interface; 'ip link' lists them"},
	{"load -x", "'-x': not a name of an interface; 'ip link' lists them"},
	{"load .", "'.': not a name of an interface; 'ip link' lists them"},
	{"load ..", "'..': not a name of an interface; 'ip link' lists them"},
};

Test(statement, refusals)
{
	for (size_t i = 0; i < ARRAY_SIZE(refusals); i++) {
		struct statement s = {.counter = 7};
		struct error e = {0};

		cr_expect_eq(statement_parse_line(refusals[i].input, &s, &e), -EINVAL, "%s", refusals[i].input);
		cr_expect_eq(e.code, -EINVAL, "%s", refusals[i].input);
		cr_expect_str_eq(e.text, refusals[i].text);
		cr_expect(s.counter == 7 && !s.id, "untouched on failure: %s", refusals[i].input);
	}
}

/* Words from a shell may hold what a line cannot: blanks, nothing, a newline. */
Test(statement, refuses_words_that_no_line_can_hold)
{
	static const struct {
		char *words[3];
		int count;
		const char *text;
	} cases[] = {
		{{NULL}, 0, "'': a statement is missing; write one such as allow in 22"},
		{{""}, 1, "''" UNKNOWN},
		{{"# x"}, 1, "'# x'" UNKNOWN},
		{{"allow in 22"}, 1, "'allow in 22'" UNKNOWN},
		{{"allow", "in", ""}, 3, "'': a port is missing; write a number, 0..65535"},
		{{"allow", "in", " 22"}, 3, "' 22': not a port; write a number, 0..65535"},
		{{"allow", "in", "22\nallow in any"}, 3, "'22?allow in any': not a port; write a number, 0..65535"},
		{{"load", "eth0 x"}, 2, "'eth0 x': not a name of an interface; 'ip link' lists them"},
		{{"load", "a\x01z"}, 2, "'a?z': not a name of an interface; 'ip link' lists them"},
		{{"load", ""}, 2, "'': not a name of an interface; 'ip link' lists them"},
		{{"block", "1.2.3.4\n"},
		 2,
		 "'1.2.3.4?': not an address; host names are not looked up, write it as 203.0.113.9 or 2001:db8::1"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct statement s = {0};
		struct error e = {0};

		cr_expect_eq(statement_parse(cases[i].count, cases[i].words, &s, &e), -EINVAL, "%zu", i);
		cr_expect_str_eq(e.text, cases[i].text);
	}
}

Test(statement, arguments_and_lines_share_the_grammar)
{
	char *words[] = {"--runtime", "allow", "in", "80,443/tcp"};
	struct statement s;
	_free_ char *text = NULL;

	cr_assert_eq(statement_parse(ARRAY_SIZE(words), words, &s, NULL), 0);
	text = statement_format(&s);
	cr_expect_str_eq(text, "allow in 80,443/tcp --runtime");
	statement_free(&s);
}

Test(statement, names)
{
	enum load_mode mode = MODE_TC;

	cr_expect_str_eq(action_name(XDPFW_PASS), "allow");
	cr_expect_str_eq(action_name(XDPFW_DROP), "deny");
	cr_expect_str_eq(action_name(XDPFW_REJECT), "reject");
	cr_expect_str_eq(dir_name(XDPFW_IN), "in");
	cr_expect_str_eq(dir_name(XDPFW_OUT), "out");
	cr_expect_str_eq(dir_name(XDPFW_ROUTED), "routed");
	for (enum load_mode i = MODE_AUTO; i <= MODE_TC; i++) {
		cr_expect_eq(parse_mode(mode_name(i), &mode, NULL), 0);
		cr_expect_eq(mode, i);
	}
	cr_expect_eq(parse_mode("", &mode, NULL), -EINVAL);
	cr_expect_eq(mode, MODE_TC);
}

static const char *const starts[] = {
	"allow from ", "limit in ", "deny out on eth0 ", "route allow in on eth0 out on eth1 ",
	"set add x ",  "allow ",    "deny in ",          "reject out ",
	"route deny ", "default ",  "option ",           "allow proto ",
};

static const char *const pieces[] = {
	"allow",
	"deny",
	"reject",
	"default",
	"forward",
	"block",
	"option",
	"load",
	"in",
	"out",
	"routed",
	"incoming",
	"22",
	"80",
	"65535",
	"0",
	"65536",
	"-",
	",",
	":",
	"/",
	"/tcp",
	"/udp",
	"tcp",
	"any",
	"http",
	"https",
	"domain",
	"10-20",
	"8080:2988",
	"1.2.3.4",
	"::1",
	"[",
	"]",
	"%",
	".",
	"/24",
	"2001:db8::/32",
	"on",
	"off",
	"non-ip",
	"eth0",
	"#",
	"--runtime",
	"--mode",
	"native",
	"\t",
	"\r",
	"from",
	"0x1",
	"+",
	"\xc3\xb6",
	"7777777",
	"allow-ping",
	"route",
	"proto",
	"gre",
	"47",
	"sctp",
	"/sctp",
	"icmp",
	"icmp4",
	"icmp6",
	"/8",
	"/ping",
	"/redirect",
	"60s",
	"udp-timeout",
	"250",
	"icmp6/128",
	"icmp4/8",
	"/",
	"to",
	"port",
	"@set",
	"log",
	"comment",
	"'a b'",
	"for",
	"until",
	"2030-01-01T00:00:00Z",
	"rate",
	"6/30s",
	"limit",
	"user",
	"root",
	"cgroup",
	"a/b",
	"disabled",
	"set",
	"add",
	"10.0.0.5:80",
	"10.0.0.0/8",
	"\"",
};

static void random_line(char *line, unsigned int *seed)
{
	int count = 1 + rand_r(seed) % 7;

	strcpy(line, rand_r(seed) % 2 ? starts[rand_r(seed) % ARRAY_SIZE(starts)] : "");
	for (int i = 0; i < count; i++) {
		strcat(line, pieces[rand_r(seed) % ARRAY_SIZE(pieces)]);
		if (rand_r(seed) % 3)
			strcat(line, " ");
	}
}

/* Whatever is said: either a line that stays what it is, or one harmless line that says why not. */
Test(statement, random_lines, .timeout = 60)
{
	unsigned int seed = 7, accepted = 0;

	for (int i = 0; i < 300000; i++) {
		struct statement s = {0};
		struct error e = {0};
		char line[256];
		_free_ char *text = NULL;

		random_line(line, &seed);
		if (statement_parse_line(line, &s, &e)) {
			cr_assert(e.code == -EINVAL && strstr(e.text, "': "), "seed 7, line %d: %s", i, line);
			continue;
		}
		text = statement_format(&s);
		cr_assert(!strchr(text, '\n'), "seed 7, line %d: %s", i, line);
		expect_round_trip(text, text);
		accepted += s.kind != STATEMENT_COMMENT;
		statement_free(&s);
	}
	cr_expect_gt(accepted, 1000);
}
