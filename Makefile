# xdpfw. `make` builds build/xdpfw; `make demo` and `make test` install what they need and do the rest.
# V=1 shows the commands.

VERSION := 0.1.0
PREFIX ?= /usr/local
ZSH_FUNCTIONS ?= $(PREFIX)/share/zsh/site-functions
BUILD := build

CC ?= gcc
CLANG ?= clang
BPFTOOL ?= $(or $(wildcard /usr/sbin/bpftool),bpftool)
CLANG_FORMAT ?= clang-format

MULTIARCH := $(shell $(CC) -print-multiarch 2>/dev/null)
LIBRARIES := libbpf jansson libmnl ncursesw libmicrohttpd libpcap

WARNINGS := -Wall -Wextra
CFLAGS ?= -O2 -g
# Kept apart from CFLAGS, so that a packager's CFLAGS do not lose them.
XCFLAGS = -std=gnu11 $(WARNINGS) -Iinclude -Iuser -I$(BUILD) -DXDPFW_VERSION='"$(VERSION)"' -MMD -MP
LDLIBS = $(shell pkg-config --libs $(LIBRARIES))
# v3: 32-bit jumps and atomics, in every kernel from 5.12 on.
BPF_CFLAGS := -g -O2 -target bpf -mcpu=v3 $(WARNINGS) -Iinclude $(if $(MULTIARCH),-I/usr/include/$(MULTIARCH)) -MMD -MP

SOURCES := $(wildcard user/*.c)
OBJECTS := $(SOURCES:user/%.c=$(BUILD)/%.o)
# Everything but main() and the commands: what tests link with.
CORE := $(filter-out $(BUILD)/main.o $(BUILD)/cmd_%.o,$(OBJECTS))

UNIT := $(patsubst tests/unit/%.c,$(BUILD)/tests/unit/%.o,$(wildcard tests/unit/*.c))
POLICIES := $(patsubst tests/policies/%.c,$(BUILD)/tests/policies/%.o,$(wildcard tests/policies/*.c))
PACKET := $(patsubst tests/packet/%.c,$(BUILD)/tests/packet/%.o,$(wildcard tests/packet/*.c))

Q := $(if $(V),,@)
say = $(if $(V),,@printf '  %-8s %s\n' $(1) $(2))

.DELETE_ON_ERROR:
.SUFFIXES:
.PHONY: all test check programs figures unit packet e2e demo lint format install deb clean bench bench-short bench-programs policies deps-build deps-deb deps-test deps-clangs deps-lint deps-bench deps-docker deps-kernel kernel fuzz flood soak

all: $(BUILD)/xdpfw

$(BUILD) $(BUILD)/tests/unit $(BUILD)/tests/policies $(BUILD)/tests/packet $(BUILD)/bench:
	$(Q)mkdir -p $@

# BPF object, its skeleton, objects, program.
$(BUILD)/xdpfw.bpf.o: bpf/xdpfw.bpf.c | $(BUILD)
	$(call say,CLANG,$@)
	$(Q)$(CLANG) $(BPF_CFLAGS) -c $< -o $@

$(BUILD)/xdpfw.skel.h: $(BUILD)/xdpfw.bpf.o
	$(call say,SKELETON,$@)
	$(Q)$(BPFTOOL) gen skeleton $< name xdpfw > $@

$(BUILD)/datapath.o: $(BUILD)/xdpfw.skel.h

$(BUILD)/%.o: user/%.c | $(BUILD)
	$(call say,CC,$@)
	$(Q)$(CC) $(XCFLAGS) $(CFLAGS) -c $< -o $@

$(BUILD)/xdpfw: $(OBJECTS)
	$(call say,LINK,$@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) $^ $(LDLIBS) -o $@

# Tests. `make test` installs what it needs; `make check` only runs.
$(BUILD)/tests/unit/%.o: tests/unit/%.c | $(BUILD)/tests/unit
	$(call say,CC,$@)
	$(Q)$(CC) $(XCFLAGS) -Itests/policies $(CFLAGS) -c $< -o $@

$(BUILD)/tests/policies/%.o: tests/policies/%.c | $(BUILD)/tests/policies
	$(call say,CC,$@)
	$(Q)$(CC) $(XCFLAGS) $(CFLAGS) -c $< -o $@

$(BUILD)/tests/packet/%.o: tests/packet/%.c $(BUILD)/xdpfw.skel.h | $(BUILD)/tests/packet
	$(call say,CC,$@)
	$(Q)$(CC) $(XCFLAGS) $(CFLAGS) -c $< -o $@

$(BUILD)/tests/unit/run: $(UNIT) $(BUILD)/tests/policies/compiled.o $(CORE)
	$(call say,LINK,$@)
	$(Q)$(CC) $(CFLAGS) $^ $(LDLIBS) -lcriterion -o $@

$(BUILD)/tests/policies/run: $(POLICIES) $(CORE)
	$(call say,LINK,$@)
	$(Q)$(CC) $(CFLAGS) $^ $(LDLIBS) -o $@

$(BUILD)/tests/packet/run: $(PACKET) $(CORE)
	$(call say,LINK,$@)
	$(Q)$(CC) $(CFLAGS) $^ $(LDLIBS) -lcriterion -o $@

unit: $(BUILD)/tests/unit/run
	$(Q)$< --short-filename
	$(Q)tests/golden/every-message

packet: $(BUILD)/tests/packet/run
	$(Q)$< --short-filename -j1

# A file's tests share what they loaded, so files are spread over the processors. One wants /sys/fs/bpf for itself.
JOBS ?= $(shell nproc)
PYTEST := /usr/bin/python3 -m pytest -q -rs -p no:cacheprovider
e2e: all
	$(Q)$(PYTEST) tests/e2e/test_bpffs.py
	$(Q)$(PYTEST) tests/e2e --ignore tests/e2e/test_bpffs.py -n $(JOBS) --dist loadfile

# What the verifier and the JIT make of the programs, built with every clang of the distribution.
CLANGS := 14 15 16 19
PROGRAMS := $(CLANGS:%=$(BUILD)/clang-%.bpf.o)
measure = $(BUILD)/tests/measure $(1) tests/programs/figures $(foreach v,$(CLANGS),clang-$(v)=$(BUILD)/clang-$(v).bpf.o)

$(PROGRAMS): $(BUILD)/clang-%.bpf.o: bpf/xdpfw.bpf.c $(BUILD)/xdpfw.bpf.o
	$(call say,CLANG-$*,$@)
	$(Q)clang-$* $(BPF_CFLAGS) -c $< -o $@

$(BUILD)/tests/measure: tests/programs/measure.c user/util.h | $(BUILD)/tests/unit
	$(call say,LINK,$@)
	$(Q)$(CC) -std=gnu11 $(WARNINGS) $(CFLAGS) -Iuser -o $@ $< -lbpf

programs: $(BUILD)/tests/measure $(PROGRAMS)
	$(Q)$(call measure)

figures: $(BUILD)/tests/measure $(PROGRAMS)
	$(Q)$(call measure,--write)

# Random policies, compiled, beside a reader of their rules. POLICIES_FLAGS: tests/policies/README.md.
policies: $(BUILD)/tests/policies/run
	$(Q)$< --policies 100000 --seed 1 $(POLICIES_FLAGS)

# Random frames, judged beside nftables; floods beside live connections.
fuzz: all
	$(Q)/usr/bin/python3 tests/fuzz/run --frames 20000 --seed 1

flood: all bench-programs
	$(Q)/usr/bin/python3 tests/soak/flood --seconds 1 --connections 200

check: programs unit policies packet e2e fuzz flood bench-short kernel

test: deps-build deps-deb deps-test deps-clangs deps-docker deps-kernel deps-bench
	$(Q)$(MAKE) --no-print-directory check

# The main job on Debian's own kernel (6.1), under emulation.
kernel: all $(BUILD)/tests/exchange
	$(Q)tests/kernel/run

$(BUILD)/tests/exchange: tests/kernel/exchange.c | $(BUILD)/tests/unit
	$(call say,LINK,$@)
	$(Q)$(CC) -std=gnu11 $(WARNINGS) $(CFLAGS) -o $@ $<

# Random policies, frames and floods, long: about a quarter of an hour.
soak: deps-build deps-test
	$(Q)$(MAKE) --no-print-directory all bench-programs $(BUILD)/tests/policies/run
	$(Q)$(BUILD)/tests/policies/run --policies 300000 $(POLICIES_FLAGS)
	$(Q)/usr/bin/python3 tests/fuzz/run --frames 1000000 --seed 7
	$(Q)/usr/bin/python3 tests/soak/flood --seconds 60 --connections 1000 --flows 32768
	$(Q)/usr/bin/python3 tests/soak/applies
	$(Q)/usr/bin/python3 tests/soak/applies --mode tc

demo: deps-build
	$(Q)scripts/install-deps demo
	$(Q)$(MAKE) --no-print-directory all
	$(Q)tests/demo

# Benchmarks: ratios in one run; nothing is asserted. Writes docs/benchmarks.md.
$(BUILD)/bench/%.bpf.o: bench/%.bpf.c bench/gen.h | $(BUILD)/bench
	$(call say,CLANG,$@)
	$(Q)$(CLANG) $(BPF_CFLAGS) -Wno-unused-parameter -c $< -o $@

$(BUILD)/bench/%.skel.h: $(BUILD)/bench/%.bpf.o
	$(call say,SKELETON,$@)
	$(Q)$(BPFTOOL) gen skeleton $< name $*_bpf > $@

$(BUILD)/bench/gen: bench/gen_options.c bench/gen_frame.c bench/gen_options.h bench/gen_frame.h bench/gen.h $(BUILD)/bench/gen.skel.h
$(BUILD)/bench/segments: $(BUILD)/bench/segments.skel.h
$(BUILD)/bench/segments.skel.h: $(BUILD)/bench/segments.bpf.o

$(BUILD)/bench/%: bench/%.c bench/clock.h bench/ends.h user/util.h | $(BUILD)/bench
	$(call say,LINK,$@)
	$(Q)$(CC) -std=gnu11 -D_GNU_SOURCE $(WARNINGS) $(CFLAGS) -I$(BUILD)/bench -Iuser -o $@ $(filter %.c,$^) -lbpf

bench-programs: $(addprefix $(BUILD)/bench/,gen segments dial ask probe peak limits.bpf.o)

# Every scenario and every contender once: fails if one is broken, never for a time.
bench-short: all bench-programs
	$(Q)bench/run --short --json $(BUILD)/bench/short.json

bench: deps-build deps-bench
	$(Q)$(MAKE) --no-print-directory all bench-programs
	$(Q)bench/run --docs --json $(BUILD)/bench/result.json $(BENCH_FLAGS)

deps-build deps-deb deps-test deps-clangs deps-lint deps-bench deps-docker deps-kernel:
	$(Q)scripts/install-deps $(@:deps-%=%)

FORMATTED := $(wildcard include/xdpfw/*.h bpf/*.[ch] user/*.[ch] tests/unit/*.[ch] tests/policies/*.[ch] tests/packet/*.[ch] bench/*.[ch])

format:
	$(Q)$(CLANG_FORMAT) -i $(FORMATTED)

lint: deps-build deps-lint
	$(call say,FORMAT,)
	$(Q)$(CLANG_FORMAT) --dry-run -Werror $(FORMATTED)
	$(call say,CPPCHECK,"(it cannot see cleanup attributes; the sanitizers can)")
	$(Q)cppcheck --quiet --enable=warning,portability,performance --inline-suppr --error-exitcode=1 \
		--suppress=memleak --suppress=resourceLeak \
		--library=tests/lint/cppcheck.cfg \
		--suppress=missingIncludeSystem -DXDPFW_VERSION='""' -Iinclude -Iuser user
	$(call say,SHELL,)
	$(Q)shellcheck scripts/install-deps scripts/make-deb packaging/debian/p* tests/demo tests/kernel/run tests/e2e/boot.sh .ci/run \
		packaging/completions/complete packaging/completions/xdpfw.bash
	$(Q)$(MAKE) --no-print-directory BUILD=$(BUILD)/strict WARNINGS='-Wall -Wextra -Werror' all

install: SHARE = $(DESTDIR)$(PREFIX)/share
install: all
	install -D -m 755 $(BUILD)/xdpfw $(DESTDIR)$(PREFIX)/sbin/xdpfw
	install -D -m 644 man/xdpfw.8 $(DESTDIR)$(PREFIX)/share/man/man8/xdpfw.8
	install -D -m 644 man/xdpfw.rules.5 $(DESTDIR)$(PREFIX)/share/man/man5/xdpfw.rules.5
	install -D -m 644 packaging/grafana/xdpfw.json $(DESTDIR)$(PREFIX)/share/xdpfw/grafana/xdpfw.json
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/share/xdpfw/schemas docs/schemas/*.json
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/share/xdpfw/fail2ban packaging/fail2ban/xdpfw.conf
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/lib/udev/rules.d packaging/udev/90-xdpfw.rules
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/lib/systemd/system packaging/systemd/*.service
	sed -i 's|/usr/sbin/|$(PREFIX)/sbin/|' $(DESTDIR)$(PREFIX)/lib/systemd/system/xdpfw*.service
	install -D -m 755 packaging/completions/complete $(SHARE)/xdpfw/complete
	install -D -m 644 packaging/completions/xdpfw.bash $(SHARE)/bash-completion/completions/xdpfw
	install -D -m 644 -t $(DESTDIR)$(ZSH_FUNCTIONS) packaging/completions/_xdpfw
	install -D -m 644 -t $(SHARE)/fish/vendor_completions.d packaging/completions/xdpfw.fish
	sed -i 's|@SHARE@|$(PREFIX)/share|' $(SHARE)/bash-completion/completions/xdpfw \
		$(DESTDIR)$(ZSH_FUNCTIONS)/_xdpfw $(SHARE)/fish/vendor_completions.d/xdpfw.fish

# A Debian package, from a staged installation.
deb: deps-build deps-deb
	$(Q)$(MAKE) --no-print-directory all
	$(Q)rm -rf $(BUILD)/debian $(BUILD)/xdpfw_*.deb
	$(Q)$(MAKE) --no-print-directory install DESTDIR=$(BUILD)/debian/xdpfw PREFIX=/usr \
		ZSH_FUNCTIONS=/usr/share/zsh/vendor-completions >/dev/null
	$(Q)scripts/make-deb $(VERSION) $(BUILD)

clean:
	$(Q)rm -rf $(BUILD)

-include $(wildcard $(BUILD)/*.d $(BUILD)/tests/*/*.d)
