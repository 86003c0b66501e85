// SPDX-License-Identifier: GPL-2.0-only
/*
 * measure FIGURES COMPILER=OBJECT...: load every program of each object and print what the verifier had to look at and
 * what the JIT made of it. Fails if a program is refused, or if one has grown by more than a quarter against FIGURES,
 * which is made anew with --write. The verifier's work depends on the kernel, so figures of another one are not compared.
 */
#define _GNU_SOURCE
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include "util.h"

struct figure {
	char compiler[32], program[32];
	unsigned int instructions; /* processed by the verifier */
	unsigned int bytes;        /* of machine code */
};

#define MAX_FIGURES 128

struct figures {
	char kernel[32]; /* "6.18" */
	struct figure list[MAX_FIGURES];
	size_t count;
};

/* Major and minor number; the patch level does not change the verifier. */
static void name_kernel(char kernel[32])
{
	struct utsname name;
	unsigned int major = 0, minor = 0;

	uname(&name);
	sscanf(name.release, "%u.%u", &major, &minor);
	snprintf(kernel, 32, "%u.%u", major, minor);
}

static struct figure *find_figure(struct figures *f, const struct figure *like)
{
	for (size_t i = 0; i < f->count; i++)
		if (strcmp(f->list[i].compiler, like->compiler) == 0 && strcmp(f->list[i].program, like->program) == 0)
			return &f->list[i];
	return NULL;
}

static int read_figures(const char *path, struct figures *f)
{
	_fclose_ FILE *file = fopen(path, "re");

	if (!file || fscanf(file, "linux %31s\n", f->kernel) != 1)
		return -EINVAL;
	while (f->count < MAX_FIGURES) {
		struct figure *each = &f->list[f->count];

		if (fscanf(file, "%31s %31s %u %u\n", each->compiler, each->program, &each->instructions,
			   &each->bytes) != 4)
			break;
		f->count++;
	}
	return feof(file) ? 0 : -EINVAL;
}

static int write_figures(const char *path, const struct figures *f)
{
	_fclose_ FILE *file = fopen(path, "we");

	if (!file)
		return -errno;
	fprintf(file, "linux %s\n", f->kernel);
	for (size_t i = 0; i < f->count; i++)
		fprintf(file, "%s %s %u %u\n", f->list[i].compiler, f->list[i].program, f->list[i].instructions,
			f->list[i].bytes);
	return ferror(file) ? -EIO : 0;
}

/* One program alone, with maps of its own. */
static int load_one(const char *path, const char *program, struct figure *figure)
{
	struct bpf_object *object = bpf_object__open_file(path, NULL);
	struct bpf_prog_info info = {};
	struct bpf_program *each;
	__u32 size = sizeof(info);
	int err = object ? 0 : -errno;

	if (object)
		bpf_object__for_each_program(each, object)
			bpf_program__set_autoload(each, strcmp(bpf_program__name(each), program) == 0);
	if (!err)
		err = bpf_object__load(object);
	if (!err)
		err = bpf_obj_get_info_by_fd(bpf_program__fd(bpf_object__find_program_by_name(object, program)), &info,
					     &size);
	figure->instructions = info.verified_insns;
	figure->bytes = info.jited_prog_len;
	bpf_object__close(object);
	return err;
}

static int measure(const char *compiler, const char *path, struct figures *f)
{
	struct bpf_object *object = bpf_object__open_file(path, NULL);
	struct bpf_program *each;
	int err = object ? 0 : -errno;

	if (object) {
		bpf_object__for_each_program(each, object) {
			struct figure *figure = &f->list[f->count];

			if (!err && f->count == MAX_FIGURES)
				err = -E2BIG;
			if (err)
				break;
			snprintf(figure->compiler, sizeof(figure->compiler), "%s", compiler);
			snprintf(figure->program, sizeof(figure->program), "%s", bpf_program__name(each));
			err = load_one(path, bpf_program__name(each), figure);
			if (err)
				fprintf(stderr, "measure: %s: %s: %s\n", path, bpf_program__name(each), strerror(-err));
			f->count += !err;
		}
	}
	bpf_object__close(object);
	return err;
}

static bool has_grown(unsigned int now, unsigned int before)
{
	return now > before + before / 4;
}

/* Returns how many have grown or are new. */
static int compare(struct figures *now, struct figures *before, bool same_kernel)
{
	int grown = 0;

	printf("%-10s %-10s %12s %9s\n", "compiler", "program", "instructions", "bytes");
	for (size_t i = 0; i < now->count; i++) {
		const struct figure *figure = &now->list[i], *old = find_figure(before, figure);
		bool bad = !old || has_grown(figure->bytes, old->bytes) ||
			   (same_kernel && has_grown(figure->instructions, old->instructions));

		printf("%-10s %-10s %12u %9u", figure->compiler, figure->program, figure->instructions, figure->bytes);
		if (old)
			printf("  (%+d, %+d)", (int)(figure->instructions - old->instructions),
			       (int)(figure->bytes - old->bytes));
		puts(bad ? "  GROWN" : "");
		grown += bad;
	}
	return grown;
}

int main(int argc, char **argv)
{
	bool write = argc > 1 && strcmp(argv[1], "--write") == 0, same_kernel;
	struct figures now = {}, before = {};
	const char *path;
	int grown;

	argc -= write;
	argv += write;
	if (argc < 3) {
		fprintf(stderr, "usage: measure [--write] FIGURES COMPILER=OBJECT...\n");
		return 2;
	}
	path = argv[1];
	name_kernel(now.kernel);
	for (int i = 2; i < argc; i++) {
		char *object = strchr(argv[i], '=');

		if (!object)
			return 2;
		*object++ = '\0';
		if (measure(argv[i], object, &now))
			return 1;
	}
	if (write)
		return write_figures(path, &now) ? 1 : 0;
	if (read_figures(path, &before)) {
		fprintf(stderr, "measure: %s: not a file of figures\n", path);
		return 1;
	}
	same_kernel = strcmp(now.kernel, before.kernel) == 0;
	grown = compare(&now, &before, same_kernel);
	if (!same_kernel)
		printf("the verifier's figures are those of Linux %s, this is %s: only code sizes are compared\n",
		       before.kernel, now.kernel);
	if (grown)
		fprintf(stderr,
			"measure: %d grown by more than a quarter; if there is a reason, `make figures` and say it\n",
			grown);
	return grown ? 1 : 0;
}
