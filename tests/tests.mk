# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The tests' programs, and the targets that run them
#
#   make check-host       the tests on this machine's kernel
#   make check-vm         the suite on other kernels, in tests/vm/vm.mk
#   make check-asan       the tests with ASan and UBSan, in tests/fuzz/fuzz.mk
#   make check            all of them
#   make quick            what finds most mistakes, in less than 3 minutes
#
#   tests/progs/*.bpf.c   BPF programs, built as build/tests/NAME.bpf.o
#   tests/progs/*.c       test programs in C, built as build/tests/NAME

CHECK_PKGS := bats jq strace shellcheck perl bash-completion libcap2-bin \
	util-linux procps iproute2 python3 libbpf-dev systemd

TESTS	:= build/tests
LIBBPF	:= $(OBJ)/libbpf
PROG_DIRS := tests/progs tests/progs/audit tests/guest tests/demo tests/bench
PROGS_C	:= $(filter-out %.bpf.c,$(wildcard $(PROG_DIRS:=/*.c)))
PROGS_BPF := $(wildcard $(PROG_DIRS:=/*.bpf.c))
PROGS	:= $(patsubst %.c,$(TESTS)/%,$(notdir $(PROGS_C))) \
	$(patsubst %.bpf.c,$(TESTS)/%.bpf.o,$(notdir $(PROGS_BPF)))
PROG_INCLUDES := -I$(OBJ) -I$(LIBBPF)/include -I$(TREE)/tools/include/uapi \
	-Itests/progs

vpath %.c $(PROG_DIRS) docs/examples

# Have the movers in them, without bpftool around them
$(TESTS)/move_load $(TESTS)/move_raw: PROG_INCLUDES := -I$(TREE)/tools/include \
	-I$(BPFTOOL_DIR) $(PROG_INCLUDES)

.PHONY: check check-host quick test-programs
test-programs: $(PROGS) $(TESTS)/syscalls.json

$(PROGS): $(wildcard tests/progs/*.h tests/progs/audit/*.h tests/guest/*.h) | $(TESTS)
$(TESTS):
	@mkdir -p $@

$(TESTS)/%.bpf.o: %.bpf.c $(OBJ)/.built build/.chosen
	$(Q)clang -g -O2 -Wall -Werror --target=bpf -mcpu=v3 \
		-D__TARGET_ARCH_x86 $(PROG_INCLUDES) -c $< -o $@

$(TESTS)/%: %.c $(OBJ)/.built build/.chosen
	$(Q)$(CC) -g -O2 -Wall -Wextra -Wno-unused-parameter -Werror \
		-D_GNU_SOURCE $(PROG_INCLUDES) $< -o $@ \
		$(LIBBPF)/libbpf.a -lelf -lz -lpthread

# What has map_wait is linked with the library, not with bpftool
WAIT_PROGS := $(TESTS)/wait_use $(TESTS)/drain-selector
$(WAIT_PROGS): $(TESTS)/%: %.c $(OBJ)/libmap_wait.a build/.chosen bpftool/map_wait.h bpftool/map_wait_sleepable.h | $(TESTS)
	$(Q)$(CC) -g -O2 -Wall -Wextra -Wno-unused-parameter -Werror \
		-D_GNU_SOURCE -Ibpftool $(PROG_INCLUDES) $< -o $@ \
		$(OBJ)/libmap_wait.a $(LIBBPF)/libbpf.a -lelf -lz -lpthread
test-programs: $(TESTS)/drain-selector

build/.check-packages: scripts/packages.sh build/.check-package-list
	$(Q)scripts/packages.sh $(CHECK_PKGS)
	@touch $@
build/.check-package-list: FORCE
	$(call remember,$(CHECK_PKGS))

# Files of tests at a time: each waits more than it works
TEST_JOBS ?= $(shell expr $$(nproc) + 1)

# What a test needs to find what it tests
TEST_ENV = BUILD=$(abspath build) BPFTOOL=$(abspath build/bpftool) \
	TREE=$(abspath $(TREE)) SUBMAKE='$(SUBMAKE)'

# What another base than the default one can't change is seen to with that one:
# the sanitizers, the fuzzer, the files' form, and the distribution's kernels.
# What is done at every place or many times is done at some: QUICK
OTHER_BASE := $(filter-out 6.12,$(NAME))
# SAMPLE=1: of the tests on this machine, those of what differs between bases: what
# the hooks change, what is printed, and what libbpf does
SAMPLE	?=
SAMPLE_TESTS := $(wildcard $(patsubst %,tests/host/%.bats,all batch completion drain \
	dump grammar keep queue reader recover sync wait))
HOST_TESTS ?= $(if $(filter 1,$(SAMPLE)),tests/source/export.bats $(SAMPLE_TESTS),\
	$(if $(OTHER_BASE),$(addprefix tests/source/,\
	deb.bats export.bats series.bats),tests/source) tests/host) \
	tests/guest/wrapper.bats
QUICK	?= $(if $(OTHER_BASE),FAULTS_QUICK=16 LOAD_SECONDS=2)

# The guests come last: what fails here need not be waited for. Their kernels are
# built and fetched beside them, for neither the build nor the tests here keep all
# CPUs busy
check: CHECK_START := $(shell date +%s)
check: $(OUT)/.packages build/.check-packages build/.vm-packages
	@echo 'check: $(words $(HOST_FILES)) files of tests on this machine,$(if \
		$(OTHER_BASE),, those with ASan and UBSan,) then the guests'
	@setsid nice $(MAKE) --no-print-directory vm-kernels \
		>build/vm-kernels.log 2>&1 & \
	kernels=$$!; \
	trap 'kill -- -$$kernels 2>/dev/null' EXIT; \
	trap 'exit 130' INT TERM HUP; \
	$(MAKE) --no-print-directory all test-programs $(SELFTESTS)/.built && \
	$(MAKE) --no-print-directory check-host && \
	$(if $(OTHER_BASE),,$(MAKE) --no-print-directory check-asan &&) \
	{ wait $$kernels || { cat build/vm-kernels.log; false; }; }
	@$(MAKE) --no-print-directory check-vm
	@echo "make check: $$(( ($$(date +%s) - $(CHECK_START)) / 60 )) minutes"
	@BUILD=$(abspath build) tests/summary.sh \
		$(if $(OTHER_BASE),'inputs fuzzed')

# What counts on the clock, hits moments of every kind, or holds sleepable programs, for
# which every wait on the machine then waits, has the machine for
# itself, after the others
ALONE	:= $(patsubst %,tests/host/%.bats,kill progress sleepable swap-sleepable \
	swap-sleepable-ends swap-sleepable-faults uncovered)
HOST_FILES = $(foreach t,$(HOST_TESTS),$(if $(filter %.bats,$t),$t,$(wildcard $t/*.bats)))
LOGS	:= build/logs
PROVE	= LOGS=$(LOGS) $(TEST_ENV) $(QUICK) prove --timer --failures --comments \
	--exec tests/logged.sh
# What failed is said again at the end
FAILED	= LOGS=$(LOGS) tests/failed.sh \
	'make check-host $(if $(KSRC),KSRC=$(KSRC),BASE=$(BASE)) HOST_TESTS='

check-host: all test-programs build/.check-packages
	@rm -rf build/results $(LOGS)
	@mkdir -p $(LOGS)
	@echo 'check-host: $(words $(HOST_FILES)) files of tests, $(TEST_JOBS) at a time'
	@status=0; \
	$(PROVE) -j $(TEST_JOBS) $(filter-out $(ALONE),$(HOST_FILES)) || status=1; \
	$(if $(filter $(ALONE),$(HOST_FILES)),\
		$(PROVE) $(filter $(ALONE),$(HOST_FILES)) || status=1;) \
	$(FAILED) $(HOST_FILES); \
	exit $$status

# What finds most mistakes, the longest first. Of the faults and the loads a few
QUICK_TESTS := tests/source/style.bats $(wildcard $(patsubst %,tests/host/%.bats,\
	drain-faults drain-exact json users journal recover all keep queue grammar \
	completion bad-input sync))
quick: QUICK = RESULTS=$(abspath build/quick-results) FAULTS_QUICK=64 FAULTS_STEP=25 \
	LOAD_SECONDS=3
quick: all test-programs build/.check-packages
	@rm -rf $(LOGS)
	@mkdir -p $(LOGS)
	@echo 'quick: $(words $(QUICK_TESTS)) files of tests, $(TEST_JOBS) at a time'
	@status=0; \
	$(PROVE) -j $(TEST_JOBS) $(QUICK_TESTS) || status=1; \
	$(FAILED) $(QUICK_TESTS); \
	exit $$status

DEMO_FILES := $(TESTS)/demo $(TESTS)/demo.bpf.o $(TESTS)/syscalls.json

$(TESTS)/syscalls.json: tests/demo/syscalls.sh $(OUT)/.packages \
		build/.demo-packages | $(TESTS)
	$(Q)CC='$(CC)' tests/demo/syscalls.sh >$@
build/.demo-packages: scripts/packages.sh
	$(Q)mkdir -p $(@D)
	$(Q)scripts/packages.sh jq util-linux
	@touch $@

.PHONY: demo
demo: build/bpftool $(DEMO_FILES)
	@$(TEST_ENV) tests/demo/demo.sh

# BENCH="sync ...": only these
BENCH ?=
.PHONY: bench
bench: build/bpftool test-programs build/.demo-packages
	@$(TEST_ENV) tests/bench/run.sh $(BENCH)

include tests/plain.mk
include tests/fuzz/fuzz.mk
include tests/mutants/mutants.mk
include tests/audit.mk
include tests/promtool.mk
include tests/vm/vm.mk
