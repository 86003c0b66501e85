// SPDX-License-Identifier: GPL-2.0-only
#include <arpa/inet.h>

#include "unit.h"

Test(parse_prefix, round_trip)
{
	static const struct {
		const char *word;
		const char *canonical;
		__u8 length;
		bool normalised;
	} cases[] = {
		{"203.0.113.9", "203.0.113.9", 128, false},
		{"203.0.113.9/32", "203.0.113.9", 128, false},
		{"203.0.113.0/24", "203.0.113.0/24", 120, false},
		{"203.0.113.9/24", "203.0.113.0/24", 120, true},
		{"203.0.113.8/24", "203.0.113.0/24", 120, true},
		{"203.0.113.9/31", "203.0.113.8/31", 127, true},
		{"10.255.0.0/9", "10.128.0.0/9", 105, true},
		{"0.0.0.0/0", "0.0.0.0/0", 96, false},
		{"1.2.3.4/0", "0.0.0.0/0", 96, true},
		{"0.0.0.0", "0.0.0.0", 128, false},
		{"255.255.255.255", "255.255.255.255", 128, false},
		{"::/0", "::/0", 0, false},
		{"::", "::", 128, false},
		{"::1", "::1", 128, false},
		{"2001:db8::1", "2001:db8::1", 128, false},
		{"2001:DB8:0:0:0:0:0:1/128", "2001:db8::1", 128, false},
		{"2001:db8::/32", "2001:db8::/32", 32, false},
		{"2001:db8::1/32", "2001:db8::/32", 32, true},
		{"2001:db8:ffff::/33", "2001:db8:8000::/33", 33, true},
		{"::1.2.3.4", "::1.2.3.4", 128, false},
		{"64:ff9b::10.0.0.0/104", "64:ff9b::a00:0/104", 104, false},
		{"ffff::/1", "8000::/1", 1, true},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct prefix prefix, again;
		char text[ADDR_TEXT_MAX];
		bool normalised = !cases[i].normalised;
		struct error e = {0};

		cr_assert_eq(parse_prefix(cases[i].word, &prefix, &normalised, &e), 0, "%s", e.text);
		cr_expect_str_eq(format_prefix(&prefix, text), cases[i].canonical);
		cr_expect_eq(prefix.length, cases[i].length, "%s", cases[i].word);
		cr_expect_eq(normalised, cases[i].normalised, "%s", cases[i].word);
		cr_assert_eq(parse_prefix(text, &again, NULL, NULL), 0);
		cr_expect(prefix_equal(&prefix, &again));
	}
}

Test(parse_prefix, bytes)
{
	static const struct xdpfw_addr v4 = {.bytes = {[10] = 0xff, [11] = 0xff, 203, 0, 113, 9}},
				       v6 = {.bytes = {0x20, 0x01, 0x0d, 0xb8, [15] = 1}};
	struct prefix prefix;
	char text[ADDR_TEXT_MAX];

	cr_assert_eq(parse_prefix("203.0.113.9", &prefix, NULL, NULL), 0);
	cr_expect_arr_eq(prefix.addr.bytes, v4.bytes, 16);
	cr_expect_str_eq(format_addr(&v4, text), "203.0.113.9");
	cr_assert_eq(parse_prefix("2001:db8::1", &prefix, NULL, NULL), 0);
	cr_expect_arr_eq(prefix.addr.bytes, v6.bytes, 16);
	cr_expect_str_eq(format_addr(&v6, text), "2001:db8::1");
}

Test(parse_prefix, equal)
{
	struct prefix a, b;

	cr_assert(!parse_prefix("10.0.0.0/8", &a, NULL, NULL) && !parse_prefix("10.0.0.0/9", &b, NULL, NULL));
	cr_expect(!prefix_equal(&a, &b));
	cr_assert(!parse_prefix("11.0.0.0/8", &b, NULL, NULL));
	cr_expect(!prefix_equal(&a, &b));
	cr_assert(!parse_prefix("10.9.9.9/8", &b, NULL, NULL));
	cr_expect(prefix_equal(&a, &b));
}

/* What is said then: tests/golden/rejected.txt. */
Test(parse_prefix, touches_nothing_on_failure)
{
	static const char *const words[] = {"", "1.2.3.4/33", "1.2.3.04", "::/129", "::ffff:1.2.3.4"};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		struct prefix prefix = {.length = 7};
		bool normalised = true;

		cr_expect_eq(parse_prefix(words[i], &prefix, &normalised, NULL), -EINVAL, "%s", words[i]);
		cr_expect(prefix.length == 7 && normalised, "%s", words[i]);
	}
}

/* libc is the second opinion on what an address is. */
Test(parse_prefix, agrees_with_libc)
{
	static const char alphabet[] = "0123456789.:af";
	unsigned int seed = 20240601;

	for (int i = 0; i < 300000; i++) {
		struct xdpfw_addr expected = {.bytes = {[10] = 0xff, [11] = 0xff}};
		struct prefix prefix;
		char word[12];
		size_t length = 1 + rand_r(&seed) % (sizeof(word) - 1);
		bool valid;

		for (size_t at = 0; at < length; at++)
			word[at] = alphabet[rand_r(&seed) % (rand_r(&seed) % 2 ? 11 : sizeof(alphabet) - 1)];
		word[length] = '\0';
		valid = inet_pton(AF_INET, word, expected.bytes + 12) == 1 ||
			inet_pton(AF_INET6, word, expected.bytes) == 1;
		cr_expect_eq(!parse_prefix(word, &prefix, NULL, NULL), valid, "seed 20240601, word %d: %s", i, word);
		if (valid)
			cr_expect_arr_eq(prefix.addr.bytes, expected.bytes, 16, "%s", word);
	}
}
