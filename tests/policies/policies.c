// SPDX-License-Identifier: GPL-2.0-only
/*
 * Random policies, compiled, against a reader that takes their rules from the first to the last (user/evaluate.c).
 * Requests are aimed at the edges of what the rules mention. Prints what it did, or the smallest policy that shows a
 * difference and how to repeat it.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "chance.h"
#include "journey.h"
#include "parse_addr.h"
#include "try_forwards.h"
#include "util.h"

#define MAX_JOBS 256

/* Of one worker; seen by all. */
struct tally {
	unsigned long policies, requests, refused;
	unsigned long rules, forwards, blocks, defaults, others; /* what decided */
	unsigned long taken;                                     /* requests that a forward with state takes */
	unsigned long unfit, mistaken;                           /* forwards that are refused */
};

static struct {
	unsigned long policies;
	unsigned long first;
	__u64 seed;
	unsigned int jobs;
} wanted = {.policies = 10000};

static struct shared {
	struct tally tallies[MAX_JOBS];
	bool failed;
} * shared;

static struct compiled policy;

struct probe {
	struct request request;
	bool over_limit;
};

/*
 * Where a routed request would be dropped as any other, the data path does not ask which it is: the reason may differ. And
 * which hosts are targets is known by a hash, which errs only toward "is one".
 */
static bool same_journey(const struct probe *p, const struct journey *expected, const struct journey *got)
{
	struct journey adapted = *got;

	if (p->request.dir == XDPFW_ROUTED && xdpfw_verdict_of(expected->decision) != XDPFW_PASS &&
	    xdpfw_verdict_of(expected->decision) == xdpfw_verdict_of(got->decision))
		adapted.decision = expected->decision;
	adapted.is_direct_elsewhere &= expected->is_direct_elsewhere;
	return !memcmp(&adapted, expected, sizeof(adapted));
}

static bool read_as_compiled(const struct ruleset *set, const struct probe *p)
{
	struct journey expected = read_journey(set, &p->request, p->over_limit),
		       got = compiled_journey(&policy, &p->request, p->over_limit);

	return same_journey(p, &expected, &got);
}

/* Are reader and compiler of one mind about the policy, or is it none that can be compiled? */
static bool agrees(const char *text, const struct probe *p)
{
	struct ruleset set = {0};
	bool same;

	if (ruleset_parse(text, "policy", &set, NULL))
		return true;
	same = compile_into(&policy, &set, NULL) || read_as_compiled(&set, p);
	ruleset_free(&set);
	return same;
}

/* Leave out each line that the difference does not need. */
static void shrink(char *text, const struct probe *p)
{
	size_t at = 0;

	while (text[at]) {
		size_t length = strcspn(text + at, "\n") + 1;
		_free_ char *without = strdup(text);

		if (!without)
			return;
		memmove(without + at, without + at + length, strlen(without + at + length) + 1);
		if (agrees(without, p))
			at += length;
		else
			strcpy(text, without);
	}
}

static void print_request(const struct probe *p)
{
	static const char *const dirs[] = {[XDPFW_IN] = "in", [XDPFW_OUT] = "out", [XDPFW_ROUTED] = "routed"};
	const struct request *r = &p->request;
	char from[ADDR_TEXT_MAX], to[ADDR_TEXT_MAX];

	printf("%s, protocol %u, from %s port %u to %s port %u, ICMP type %u,\n", dirs[r->dir], r->protocol,
	       format_addr(&r->from, from), r->from_port, format_addr(&r->to, to), r->to_port, r->icmp_type);
	printf("on %s, out on %s, user %d, cgroup %s, %llu s later, %s limits\n", r->on, r->on_out ? r->on_out : "-",
	       r->has_uid ? (int)r->uid : -1, r->cgroup ? r->cgroup : "-", r->now - COMPILED_NOW,
	       p->over_limit ? "over" : "within");
}

static void print_journey(const char *who, const struct journey *j)
{
	char addr[ADDR_TEXT_MAX];

	printf("%s: verdict %u, reason %u, rule %u, forward %u and %u, linked to %u, direct %u %u\n", who,
	       xdpfw_verdict_of(j->decision), xdpfw_reason_of(j->decision), xdpfw_rule_of(j->decision), j->forward,
	       j->answers, j->linked, j->is_direct, j->is_direct_elsewhere);
	for (__u32 i = 0; i < j->nr_arrivals; i++) {
		printf("\tto %s port %u%s", format_addr(&j->arrivals[i].addr, addr), j->arrivals[i].port,
		       j->arrivals[i].blocked ? ", blocked" : "");
		printf(" from %s\n", format_addr(&j->arrivals[i].source, addr));
	}
}

static void report_difference(unsigned long number, char *text, const struct probe *p)
{
	struct ruleset set = {0};
	struct journey read, compiled;

	shrink(text, p);
	if (ruleset_parse(text, "policy", &set, NULL) || compile_into(&policy, &set, NULL))
		abort();
	read = read_journey(&set, &p->request, p->over_limit);
	compiled = compiled_journey(&policy, &p->request, p->over_limit);
	printf("\nA difference, in policy %lu of seed %llu: --seed %llu --first %lu --policies 1\n%s", number,
	       wanted.seed, wanted.seed, number, text);
	print_request(p);
	print_journey("the reader  ", &read);
	print_journey("the compiler", &compiled);
	ruleset_free(&set);
}

static void count_journey(struct tally *tally, const struct journey *j)
{
	switch (xdpfw_reason_of(j->decision)) {
	case XDPFW_R_RULE:
	case XDPFW_R_LIMIT:
		tally->rules++;
		break;
	case XDPFW_R_FORWARD:
		tally->forwards++;
		break;
	case XDPFW_R_BLOCKED:
		tally->blocks++;
		break;
	case XDPFW_R_DEFAULT:
		tally->defaults++;
		break;
	default:
		tally->others++;
	}
	tally->taken += j->forward != 0;
	tally->requests++;
}

static bool try_requests(struct chance *chance, const struct ruleset *set, struct tally *tally, struct probe *p)
{
	unsigned long requests = 60 + 8 * ruleset_count(set, STATEMENT_RULE);

	for (unsigned long i = 0; i < requests; i++) {
		struct journey expected, got;

		*p = (struct probe){.request = random_request(chance, set), .over_limit = once_in(chance, 3)};
		expected = read_journey(set, &p->request, p->over_limit);
		got = compiled_journey(&policy, &p->request, p->over_limit);
		count_journey(tally, &expected);
		if (!same_journey(p, &expected, &got))
			return false;
	}
	return true;
}

static bool try_policy(unsigned long number, struct tally *tally)
{
	struct chance chance = {.state = wanted.seed * 0x100000001ULL + number};
	struct forwards forwards;
	_free_ char *text = random_policy(&chance, &forwards);
	struct ruleset set = {0};
	struct error e = {0};
	struct probe p;
	bool same = true;

	if (!text || ruleset_parse(text, "policy", &set, &e)) {
		printf("policy %lu: %s\n%s", number, e.text, text ? text : "");
		return false;
	}
	if (!try_forwards(&forwards, &set, &text, &tally->mistaken, &tally->unfit)) {
		printf("policy %lu of seed %llu, after\n%s", number, wanted.seed, text);
		ruleset_free(&set);
		return false;
	}
	tally->policies++;
	/* Refused is what a packet would have to be asked too much for; then the message names a rule. */
	if (compile_into(&policy, &set, &e) == 0)
		same = try_requests(&chance, &set, tally, &p);
	else if (strstr(e.text, "too many"))
		tally->refused++;
	else
		same = false;
	if (!same && e.text[0])
		printf("policy %lu: %s\n%s", number, e.text, text);
	else if (!same)
		report_difference(number, text, &p);
	ruleset_free(&set);
	return same;
}

static int work(unsigned int job)
{
	for (unsigned long i = job; i < wanted.policies && !shared->failed; i += wanted.jobs)
		if (!try_policy(wanted.first + i, &shared->tallies[job]))
			shared->failed = true;
	return shared->failed;
}

static int share_work(void)
{
	int failed = 0, status;

	fflush(stdout);
	for (unsigned int job = 0; job < wanted.jobs; job++) {
		pid_t child = fork();

		if (child < 0)
			return 1;
		if (child == 0)
			exit(work(job));
	}
	while (wait(&status) > 0)
		failed |= status != 0;
	return failed;
}

static void print_tally(void)
{
	struct tally all = {0};

	for (unsigned int job = 0; job < wanted.jobs; job++) {
		const struct tally *t = &shared->tallies[job];

		all.policies += t->policies;
		all.requests += t->requests;
		all.refused += t->refused;
		all.rules += t->rules;
		all.forwards += t->forwards;
		all.taken += t->taken;
		all.unfit += t->unfit;
		all.mistaken += t->mistaken;
		all.blocks += t->blocks;
		all.defaults += t->defaults;
		all.others += t->others;
	}
	printf("%lu policies of seed %llu, %lu refused as too much; of %lu requests rules decided %lu, forwards %lu, "
	       "blocks %lu, defaults %lu, others %lu\n",
	       all.policies, wanted.seed, all.refused, all.requests, all.rules, all.forwards, all.blocks, all.defaults,
	       all.others);
	printf("forwards took %lu requests; forwards refused: %lu for a mistake, %lu beside another\n", all.taken,
	       all.mistaken, all.unfit);
}

static bool read_options(int argc, char **argv)
{
	static const struct option options[] = {{"policies", required_argument, NULL, 'p'},
						{"seed", required_argument, NULL, 's'},
						{"first", required_argument, NULL, 'f'},
						{"jobs", required_argument, NULL, 'j'},
						{}};
	int option;

	wanted.jobs = sysconf(_SC_NPROCESSORS_ONLN);
	wanted.seed = time(NULL);
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		unsigned long long value = optarg ? strtoull(optarg, NULL, 10) : 0;

		if (option == 'p')
			wanted.policies = value;
		else if (option == 's')
			wanted.seed = value;
		else if (option == 'f')
			wanted.first = value;
		else if (option == 'j')
			wanted.jobs = value;
		else
			return false;
	}
	if (wanted.jobs < 1 || wanted.jobs > MAX_JOBS)
		wanted.jobs = 1;
	return optind == argc;
}

int main(int argc, char **argv)
{
	int failed;

	if (!read_options(argc, argv)) {
		fprintf(stderr, "usage: %s [--policies N] [--seed N] [--first N] [--jobs N]\n", argv[0]);
		return 2;
	}
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		return 1;
	failed = share_work();
	print_tally();
	return failed;
}
