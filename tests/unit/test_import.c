// SPDX-License-Identifier: GPL-2.0-only
/* import: rules of ufw and nftables, and the rules file that they become. */
#define _GNU_SOURCE 1 /* asprintf() */
#include <stdio.h>

#include "import.h"
#include "unit.h"

static void expect_import(struct import *im, const char *expected)
{
	_free_ char *text = ruleset_format(&im->set, true);
	struct ruleset again = parse_set(text);

	cr_expect_str_eq(text, expected);
	ruleset_free(&again);
	import_free(im);
}

/* ---- ufw ---- */

static void expect_ufw(const char *text, const char *expected)
{
	__attribute__((cleanup(ufw_free))) struct ufw_rules *rules = NULL;
	struct import im = {.left_out = 0};
	struct error e = {0};

	cr_assert_eq(ufw_read(&rules, text, "rules", &e), 0, "%s", e.text);
	cr_assert_eq(ufw_import(rules, &im, &e), 0, "%s", e.text);
	expect_import(&im, expected);
}

#define TUPLE "### tuple ### "

Test(import_ufw, each_form)
{
	static const struct pair forms[] = {
		{"allow tcp 22 0.0.0.0/0 any 10.0.0.1 in", "allow in 22/tcp from 10.0.0.1\n"},
		{"allow tcp 22 0.0.0.0/0 any 10.0.0.1", "allow in 22/tcp from 10.0.0.1\n"},
		{"deny any 25 192.0.2.1 any 0.0.0.0/0 out", "deny out 25 to 192.0.2.1\n"},
		{"reject any any 0.0.0.0/0 any 10.0.0.0/8 in_eth0", "reject in from 10.0.0.0/8 on eth0\n"},
		{"limit tcp 22 ::/0 any 2001:db8::/32 in", "limit in 22/tcp from 2001:db8::/32\n"},
		{"allow_log tcp 80,443 2001:db8::1 any ::/0 in", "allow in 80,443/tcp to 2001:db8::1 log\n"},
		{"deny_log-all udp 6000:6007 10.0.0.1 68 0.0.0.0/0 out_eth0",
		 "deny out 6000-6007/udp from any port 68 to 10.0.0.1 on eth0 log-all\n"},
		{"route:allow tcp 80 10.0.0.5 any 0.0.0.0/0 in_eth0!out_eth1",
		 "route allow 80/tcp to 10.0.0.5 on eth0 out on eth1\n"},
		{"route:deny any any 10.0.0.5 any 0.0.0.0/0 out_eth1", "route deny to 10.0.0.5 out on eth1\n"},
		{"allow tcp 80 10.0.0.5 any 0.0.0.0/0 in comment=6d792077c3bc",
		 "allow in 80/tcp to 10.0.0.5 comment 'my wü'\n"},
		{"allow tcp 80 10.0.0.5 any 0.0.0.0/0 Nginx%20Full - in",
		 "allow in 80/tcp to 10.0.0.5 comment 'Nginx Full'\n"},
		{"allow tcp 80 10.0.0.5 any 0.0.0.0/0 Web - in comment=78",
		 "allow in 80/tcp to 10.0.0.5 comment 'x'\n"},
		{"allow esp any 0.0.0.0/0 any 10.0.0.1 in", "allow in proto esp from 10.0.0.1\n"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
		char text[256];

		snprintf(text, sizeof(text), TUPLE "%s\n", forms[i].input);
		expect_ufw(text, forms[i].output);
	}
}

Test(import_ufw, pairs_become_one_rule_and_keep_the_order)
{
	expect_ufw(TUPLE "allow tcp 22 0.0.0.0/0 any 0.0.0.0/0 in\n" TUPLE
			 "allow udp 53 0.0.0.0/0 any 0.0.0.0/0 in\n" TUPLE
			 "deny any any 0.0.0.0/0 any 0.0.0.0/0 in\n" TUPLE "allow tcp 22 ::/0 any ::/0 in\n" TUPLE
			 "allow tcp 80 ::/0 any 2001:db8::1 in\n" TUPLE "deny any any ::/0 any ::/0 in\n",
		   "allow in 22/tcp\nallow in 53/udp from 0.0.0.0/0\nallow in 80/tcp from 2001:db8::1\ndeny in any\n");
	/* Crossed: joined, one of them would stand on the wrong side of the other. */
	expect_ufw(TUPLE "deny tcp 22 0.0.0.0/0 any 0.0.0.0/0 in\n" TUPLE
			 "allow any 22 0.0.0.0/0 any 0.0.0.0/0 in\n" TUPLE "allow any 22 ::/0 any ::/0 in\n" TUPLE
			 "deny tcp 22 ::/0 any ::/0 in\n",
		   "allow in 22 from ::/0\ndeny in 22/tcp\nallow in 22 from 0.0.0.0/0\n");
}

Test(import_ufw, the_first_of_two_decides)
{
	expect_ufw(TUPLE "deny tcp 22 0.0.0.0/0 any 10.0.0.1 in\n" TUPLE "allow tcp 22 0.0.0.0/0 any 10.0.0.1 in\n",
		   "deny in 22/tcp from 10.0.0.1\n");
}

Test(import_ufw, defaults)
{
	expect_ufw("IPV6=yes\nDEFAULT_INPUT_POLICY=\"REJECT\"\nDEFAULT_OUTPUT_POLICY='DROP'\nDEFAULT_FORWARD_POLICY="
		   "ACCEPT\n",
		   "default reject in\ndefault deny out\ndefault allow routed\n");
}

Test(import_ufw, what_is_not_expressed)
{
	expect_ufw(TUPLE "allow tcp 22 0.0.0.0/0 any 10.0.0.1 in_eth+\n",
		   "# not expressed: allow tcp 22 0.0.0.0/0 any 10.0.0.1 in_eth+: 'eth+': not a name of an interface; "
		   "a rule is "
		   "for one, or without on for all\n");
	expect_ufw(TUPLE "permit tcp 22 0.0.0.0/0 any 10.0.0.1 in\n" TUPLE "allow tcp 23 0.0.0.0/0 any 10.0.0.1 in\n",
		   "# not expressed: permit tcp 22 0.0.0.0/0 any 10.0.0.1 in: 'permit': unknown; statements are "
		   "allow, deny, reject, limit, route, default, forward, block, set, option, panic and load\n"
		   "allow in 23/tcp from 10.0.0.1\n");
}

Test(import_ufw, refusals)
{
	static const struct refusal refusals[] = {
		{"root:x:0:0\n", "rules: no rules of ufw's in it; they are in /etc/ufw/user.rules and user6.rules"},
		{"\n" TUPLE "allow tcp 22\n", "rules:2: 'allow tcp 22': not a rule of ufw's; it has ACTION PROTO DPORT "
					      "DST SPORT SRC and a direction"},
		{"DEFAULT_INPUT_POLICY=\"DROPPED\"\n",
		 "rules:1: 'DROPPED\"': not a policy; ufw has ACCEPT, DROP and REJECT"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(refusals); i++) {
		__attribute__((cleanup(ufw_free))) struct ufw_rules *rules = NULL;
		struct error e = {0};

		cr_expect_eq(ufw_read(&rules, refusals[i].input, "rules", &e), -EINVAL);
		cr_expect_str_eq(e.text, refusals[i].text);
	}
}

/* ---- nft ---- */

#define TABLE "{\"table\":{\"family\":\"inet\",\"name\":\"f\"}}"
#define CHAIN(hook, policy)                                                                                            \
	"{\"chain\":{\"family\":\"inet\",\"table\":\"f\",\"name\":\"" hook "\",\"type\":\"filter\",\"hook\":\"" hook   \
	"\",\"prio\":0,\"policy\":\"" policy "\"}}"
#define RULE(chain, expressions)                                                                                       \
	"{\"rule\":{\"family\":\"inet\",\"table\":\"f\",\"chain\":\"" chain "\",\"handle\":7,\"expr\":[" expressions   \
	"]}}"
#define MATCH(left, right)     "{\"match\":{\"op\":\"==\",\"left\":" left ",\"right\":" right "}}"
#define FIELD(protocol, field) "{\"payload\":{\"protocol\":\"" protocol "\",\"field\":\"" field "\"}}"
#define META(key)              "{\"meta\":{\"key\":\"" key "\"}}"
#define STATE                  "{\"ct\":{\"key\":\"state\"}}"
#define ACCEPT                 "{\"accept\":null}"
#define DROP                   "{\"drop\":null}"
#define RULESET(objects)       "{\"nftables\":[" TABLE "," objects "]}"
#define DEFAULTS               CHAIN("input", "drop") "," CHAIN("output", "accept") "," CHAIN("forward", "drop")
#define DEFAULT_LINES          "default deny in\ndefault allow out\ndefault deny routed\n"

static void expect_nft(const char *text, const char *expected)
{
	struct import im = {.left_out = 0};
	struct error e = {0};

	cr_assert_eq(nft_import(text, "nft", &im, &e), 0, "%s", e.text);
	expect_import(&im, expected);
}

/* One rule of the chain @chain, whose default stands before it; the other chains come before. */
static void expect_rule(const char *chain, const char *expressions, const char *expected)
{
	_free_ char *text = NULL, *whole = NULL;
	char rest[1024];

	cr_assert(asprintf(&text,
			   "{\"nftables\":[%s,{\"rule\":{\"family\":\"inet\",\"table\":\"f\",\"chain\":\"%s\","
			   "\"handle\":7,"
			   "\"expr\":[%s]}}]}",
			   DEFAULTS, chain, expressions) > 0);
	snprintf(rest, sizeof(rest), "%s", expected);
	if (!strcmp(chain, "input"))
		cr_assert(asprintf(&whole, "default deny in\n%sdefault allow out\ndefault deny routed\n", rest) > 0);
	else if (!strcmp(chain, "output"))
		cr_assert(asprintf(&whole, "default deny in\ndefault allow out\n%sdefault deny routed\n", rest) > 0);
	else
		cr_assert(asprintf(&whole, DEFAULT_LINES "%s", rest) > 0);
	expect_nft(text, whole);
}

Test(import_nft, each_match)
{
	static const struct pair matches[] = {
		{MATCH(FIELD("tcp", "dport"), "22") "," ACCEPT, "allow in 22/tcp\n"},
		{MATCH(FIELD("udp", "dport"), "{\"set\":[53,{\"range\":[60,70]}]}") "," DROP, "deny in 53,60-70/udp\n"},
		{MATCH(FIELD("udp", "sport"), "68") "," MATCH(FIELD("udp", "dport"), "67") "," ACCEPT,
		 "allow in 67/udp from any port 68\n"},
		{MATCH(FIELD("ip", "saddr"), "{\"prefix\":{\"addr\":\"10.0.0.0\",\"len\":8}}") "," DROP,
		 "deny in from 10.0.0.0/8\n"},
		{MATCH(FIELD("ip6", "daddr"), "\"2001:db8::1\"") ",{\"reject\":{}}", "reject in to 2001:db8::1\n"},
		{MATCH(FIELD("ip", "saddr"), "{\"set\":[\"10.0.0.1\",\"10.0.0.2\"]}") "," DROP,
		 "deny in from 10.0.0.1\ndeny in from 10.0.0.2\n"},
		{MATCH(FIELD("ip", "saddr"), "{\"range\":[\"10.0.0.1\",\"10.0.0.4\"]}") "," DROP,
		 "deny in from 10.0.0.1\ndeny in from 10.0.0.2/31\ndeny in from 10.0.0.4\n"},
		{MATCH(META("iifname"), "\"eth0\"") ",{\"counter\":{\"packets\":0,\"bytes\":0}}," ACCEPT,
		 "allow in on eth0\n"},
		{MATCH(META("l4proto"), "\"gre\"") "," ACCEPT, "allow in proto gre\n"},
		{MATCH(META("l4proto"), "{\"set\":[\"tcp\",\"udp\"]}") "," MATCH(FIELD("th", "dport"), "53") "," ACCEPT,
		 "allow in 53/tcp\nallow in 53/udp\n"},
		{MATCH(META("nfproto"), "\"ipv6\"") "," MATCH(FIELD("tcp", "dport"), "22") "," ACCEPT,
		 "allow in 22/tcp from ::/0\n"},
		{MATCH(FIELD("icmp", "type"), "\"echo-request\"") "," DROP, "deny in icmp4/echo-request\n"},
		{MATCH(STATE, "\"new\"") "," MATCH(FIELD("tcp", "dport"), "22") ",{\"log\":null}," ACCEPT,
		 "allow in 22/tcp log\n"},
		{DROP, "deny in any\n"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(matches); i++)
		expect_rule("input", matches[i].input, matches[i].output);
}

Test(import_nft, interfaces_by_direction)
{
	expect_rule("output", MATCH(META("oifname"), "\"eth0\"") "," DROP, "deny out on eth0\n");
	expect_rule("forward", MATCH(META("iifname"), "\"eth0\"") "," MATCH(META("oifname"), "\"eth1\"") "," ACCEPT,
		    "route allow on eth0 out on eth1\n");
}

Test(import_nft, what_xdpfw_does_by_itself)
{
	expect_rule("input", MATCH(STATE, "[\"established\",\"related\"]") "," ACCEPT, "");
	expect_rule("input", MATCH(STATE, "\"invalid\"") "," DROP, "");
	expect_rule("input", MATCH(META("iifname"), "\"lo\"") "," ACCEPT, "");
	expect_rule("output", MATCH(META("oifname"), "\"lo\"") "," ACCEPT, "");
	expect_rule("input",
		    "{\"vmap\":{\"key\":" STATE ",\"data\":{\"set\":[[\"established\"," ACCEPT "],[\"invalid\"," DROP
		    "]]}}}",
		    "");
	expect_rule("input", "{\"counter\":null}", "");
}

/* What is left out must not become a rule without its condition. */
Test(import_nft, what_is_not_expressed)
{
	static const char *const rules[] = {
		MATCH(STATE, "\"established\"") "," DROP,
		MATCH(STATE, "\"untracked\"") "," ACCEPT,
		MATCH(FIELD("tcp", "dport"), "22") ",{\"limit\":{\"rate\":3}}," ACCEPT,
		MATCH(FIELD("tcp", "dport"), "{\"set\":[]}") "," ACCEPT,
		MATCH(FIELD("ip", "saddr"), "\"@none\"") "," ACCEPT,
		MATCH(FIELD("ip", "saddr"), "{\"range\":[\"10.0.0.4\",\"10.0.0.1\"]}") "," ACCEPT,
		MATCH(FIELD("ip", "ttl"), "1") "," ACCEPT,
		MATCH(META("mark"), "1") "," ACCEPT,
		MATCH(META("oifname"), "\"eth0\"") "," ACCEPT,
		MATCH(META("iifname"), "\"eth*\"") "," ACCEPT,
		"{\"match\":{\"op\":\"!=\",\"left\":" META("iifname") ",\"right\":\"eth0\"}}," ACCEPT,
		MATCH(FIELD("ip", "saddr"), "\"10.0.0.1\"") "," MATCH(FIELD("ip6", "daddr"), "\"::2\"") "," ACCEPT,
		"{\"jump\":{\"target\":\"other\"}}",
		"{\"vmap\":{\"key\":" FIELD("tcp", "dport") ",\"data\":{\"set\":[[22," ACCEPT "]]}}}",
		"{\"log\":{\"prefix\":\"x\"}}",
	};

	for (size_t i = 0; i < ARRAY_SIZE(rules); i++) {
		struct import im = {.left_out = 0};
		struct error e = {0};
		_free_ char *text = NULL;

		cr_assert(asprintf(&text,
				   "{\"nftables\":[%s,{\"rule\":{\"family\":\"inet\",\"table\":\"f\",\"chain\":"
				   "\"input\",\"expr\":[%s]}}]}",
				   DEFAULTS, rules[i]) > 0);
		cr_assert_eq(nft_import(text, "nft", &im, &e), 0, "%s: %s", rules[i], e.text);
		cr_expect_eq(im.left_out, 1, "%s", rules[i]);
		cr_expect_eq(ruleset_count(&im.set, STATEMENT_RULE), 0, "%s", rules[i]);
		import_free(&im);
	}
}

Test(import_nft, sets)
{
	static const char set[] =
		"{\"set\":{\"family\":\"inet\",\"name\":\"s\",\"table\":\"f\",\"type\":\"ipv4_addr\",\"elem\":["
		"\"10.0.0.1\",{\"range\":[\"10.1.0.0\",\"10.1.0.2\"]},{\"prefix\":{\"addr\":\"10.2.0.0\",\"len\":16}}]}"
		"}";
	static const char ports[] = "{\"set\":{\"family\":\"inet\",\"name\":\"p\",\"table\":\"f\",\"type\":\"inet_"
				    "service\",\"elem\":[22,80]}}";
	_free_ char *text = NULL;

	cr_assert(asprintf(&text, "{\"nftables\":[%s,%s,%s,%s]}", set, ports, DEFAULTS,
			   RULE("forward", MATCH(FIELD("ip", "saddr"), "\"@s\"") "," MATCH(FIELD("tcp", "dport"),
											   "\"@p\"") "," DROP)) > 0);
	expect_nft(
		text,
		"set add s 10.0.0.1\nset add s 10.1.0.0/31\nset add s 10.1.0.2\nset add s 10.2.0.0/16\n" DEFAULT_LINES
		"route deny 22,80/tcp from @s\n");
}

Test(import_nft, hooks_without_a_chain_and_second_chains)
{
	expect_nft("{\"nftables\":[" CHAIN("input", "drop") "]}",
		   "default deny in\n"
		   "# not expressed: forward: no filter of either family, so nft lets it pass; here the default is "
		   "deny\n");
	expect_nft("{\"nftables\":[" DEFAULTS "," CHAIN("input", "drop") "]}", DEFAULT_LINES
		   "# not expressed: chain inet f input: a second filter at its hook; what one lets pass the other "
		   "may drop\n");
}

Test(import_nft, refusals)
{
	struct import im = {.left_out = 0};
	struct error e = {0};

	cr_expect_eq(nft_import("table inet f {\n", "nft", &im, &e), -EINVAL);
	cr_expect_str_eq(e.text, "nft:1: not the JSON of nft; write `nft -j list ruleset`");
	cr_expect_eq(nft_import("[]", "nft", &im, &e), -EINVAL);
	cr_expect_eq(nft_import(RULESET(TABLE), "nft", &im, &e), -ENOENT);
	cr_expect_str_eq(e.text, "nft: no filter at input, output or forward, so there is nothing to take over");
	import_free(&im);
}
