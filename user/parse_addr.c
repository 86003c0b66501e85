// SPDX-License-Identifier: GPL-2.0-only
/* Addresses and prefixes of both families. */
#include "parse_addr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "parse_number.h"
#include "util.h"

static const __u8 mapped[12] = {[10] = 0xff, [11] = 0xff};

bool addr_is_ipv4(const struct xdpfw_addr *addr)
{
	return !memcmp(addr->bytes, mapped, sizeof(mapped));
}

bool addr_from_sockaddr(const struct sockaddr *from, struct xdpfw_addr *to)
{
	memset(to, 0, sizeof(*to));
	if (from && from->sa_family == AF_INET) {
		memcpy(to->bytes, mapped, sizeof(mapped));
		to->words[3] = ((const struct sockaddr_in *)from)->sin_addr.s_addr;
		return true;
	}
	if (!from || from->sa_family != AF_INET6)
		return false;
	memcpy(to, &((const struct sockaddr_in6 *)from)->sin6_addr, sizeof(*to));
	return true;
}

static int refuse_octet(const char *word, const char *text, size_t length, enum number_fault fault, struct error *e)
{
	struct excerpt whole = excerpt(word), shown = excerpt_part(text, length);

	if (fault == NUMBER_TOO_BIG)
		return fail(e, -EINVAL, "'%s': %s is no octet of an IPv4 address; octets are 0..255", whole.text,
			    shown.text);
	if (fault == NUMBER_NONE)
		return fail(e, -EINVAL, "'%s': an octet of the IPv4 address is empty; write it as 203.0.113.9",
			    whole.text);
	text = skip_zeros(text, &length);
	return fail(e, -EINVAL, "'%s': octet %s has leading zeros; write %.*s", whole.text, shown.text, (int)length,
		    text);
}

/* Not inet_pton(): it does not say which octet is wrong. */
static int parse_ipv4(const char *word, const char *text, struct xdpfw_addr *addr, struct error *e)
{
	struct xdpfw_addr parsed;
	size_t count = 0;

	memcpy(parsed.bytes, mapped, sizeof(mapped));
	for (;; text++) {
		size_t length = strcspn(text, ".");
		unsigned long octet = 0;
		enum number_fault fault = parse_number(text, length, 255, &octet);

		if (fault != NUMBER_OK)
			return refuse_octet(word, text, length, fault, e);
		if (count < 4)
			parsed.bytes[12 + count] = octet;
		count++;
		text += length;
		if (!*text)
			break;
	}
	if (count != 4)
		return fail(e, -EINVAL, "'%s': an IPv4 address has four octets, as 203.0.113.9", excerpt(word).text);
	*addr = parsed;
	return 0;
}

static int parse_ipv6(const char *word, const char *text, struct xdpfw_addr *addr, struct error *e)
{
	struct xdpfw_addr parsed;
	char shown[ADDR_TEXT_MAX];

	if (strchr(text, '%'))
		return fail(e, -EINVAL, "'%s': addresses have no zone here; leave out '%s'", excerpt(word).text,
			    excerpt(strchr(text, '%')).text);
	if (strchr(text, ':') == strrchr(text, ':'))
		return fail(e, -EINVAL, "'%s': an address without a port is wanted here, as 203.0.113.9",
			    excerpt(word).text);
	if (inet_pton(AF_INET6, text, parsed.bytes) != 1)
		return fail(e, -EINVAL, "'%s': not an IPv6 address; write it as 2001:db8::1", excerpt(word).text);
	if (addr_is_ipv4(&parsed))
		return fail(e, -EINVAL, "'%s': v4-mapped addresses are not accepted; write %s", excerpt(word).text,
			    format_addr(&parsed, shown));
	*addr = parsed;
	return 0;
}

int parse_addr(const char *word, const char *text, struct xdpfw_addr *addr, struct error *e)
{
	if (strchr(text, ':') && *text != '[')
		return parse_ipv6(word, text, addr, e);
	if (strchr(text, '.') && !text[strspn(text, "0123456789.")])
		return parse_ipv4(word, text, addr, e);
	return fail(e, -EINVAL,
		    "'%s': not an address; host names are not looked up, write it as 203.0.113.9 or 2001:db8::1",
		    excerpt(word).text);
}

/* "255.255.0.0", as ufw takes it: ones, then zeros. */
static int parse_netmask(const char *word, const char *text, __u8 *length, struct error *e)
{
	struct xdpfw_addr mask;
	__u32 bits, zeros;
	int err = parse_ipv4(word, text, &mask, e);

	if (err)
		return err;
	bits = ntohl(mask.words[3]);
	zeros = bits ? __builtin_ctz(bits) : 32;
	if (zeros < 32 && ~bits != (1U << zeros) - 1)
		return fail(e, -EINVAL, "'%s': not a netmask; write the length, as 10.0.0.0/24", excerpt(word).text);
	*length = 128 - zeros;
	return 0;
}

/* @text is what follows the slash, NULL if there is none. */
static int parse_length(const char *word, const char *text, bool ipv4, __u8 *length, struct error *e)
{
	unsigned long bits = ipv4 ? 32 : 128, value = bits;

	if (text && ipv4 && strchr(text, '.'))
		return parse_netmask(word, text, length, e);
	if (text && parse_number(text, strlen(text), bits, &value) != NUMBER_OK)
		return fail(e, -EINVAL, "'%s': the prefix length of an IPv%d address is 0..%lu", excerpt(word).text,
			    ipv4 ? 4 : 6, bits);
	*length = 128 - bits + value;
	return 0;
}

/* True if there was a bit to clear. */
static bool clear_host_bits(struct prefix *prefix)
{
	bool cleared = false;

	for (unsigned int i = prefix->length / 8; i < sizeof(prefix->addr.bytes); i++) {
		unsigned int keep = i == prefix->length / 8U ? prefix->length % 8 : 0;
		__u8 host = 0xff >> keep;

		cleared |= prefix->addr.bytes[i] & host;
		prefix->addr.bytes[i] &= ~host;
	}
	return cleared;
}

int parse_prefix(const char *word, struct prefix *prefix, bool *normalised, struct error *e)
{
	const char *slash = strchr(word, '/');
	_free_ char *text = slash ? strndup(word, slash - word) : strdup(word);
	struct prefix parsed;
	bool cleared;
	int err;

	if (!text)
		return fail(e, -ENOMEM, "out of memory");
	err = parse_addr(word, text, &parsed.addr, e);
	if (err)
		return err;
	err = parse_length(word, slash ? slash + 1 : NULL, addr_is_ipv4(&parsed.addr), &parsed.length, e);
	if (err)
		return err;
	cleared = clear_host_bits(&parsed);
	if (normalised)
		*normalised = cleared;
	*prefix = parsed;
	return 0;
}

bool prefix_equal(const struct prefix *a, const struct prefix *b)
{
	return a->length == b->length && !memcmp(a->addr.bytes, b->addr.bytes, sizeof(a->addr.bytes));
}
