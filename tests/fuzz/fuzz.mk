# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The fuzzer of the command lines, and bpftool with and without what it is
# usually built with
#
#   build/fuzz/args		the harness, with ASan and UBSan
#   build/fuzz/args-control	the same with a bug planted
#   build/asan/bpftool		all of bpftool with ASan and UBSan
#   build/noskel/bpftool	all of bpftool without BPF skeletons

# The sanitizers' runtime is that of clang's own release; on Debian 12, where
# clang may not be there yet, it is 14
CLANG_RELEASE := $(or $(shell clang -dumpversion 2>/dev/null | cut -d. -f1),14)
CHECK_PKGS += libclang-rt-$(CLANG_RELEASE)-dev

FUZZ	:= build/fuzz
FUZZ_SANITIZE := address,undefined
FUZZ_OURS := args json stubs
FUZZ_TOOL := common json_writer main map_drain_args map_msg map_ref map_sync map_sync_sleepable
FUZZ_OBJS := $(FUZZ_OURS:%=$(FUZZ)/fuzz-%.o) $(FUZZ_TOOL:%=$(FUZZ)/tool-%.o)
FUZZ_WRAPS := close readlink syscall bpf_map_get_next_id \
	bpf_obj_get bpf_obj_get_info_by_fd
FUZZ_CFLAGS := -g -O1 -W -Wall -Wno-unused-parameter -fno-omit-frame-pointer \
	-Wno-missing-field-initializers -Wno-sign-compare \
	-fsanitize=fuzzer-no-link,$(FUZZ_SANITIZE) \
	-fno-sanitize-recover=undefined -D_GNU_SOURCE -DPACKAGE='"bpftool"' \
	-D__EXPORTED_HEADERS__ -DBPFTOOL_WITHOUT_SKELETONS \
	-I$(BPFTOOL_DIR) -I$(OBJ) -I$(LIBBPF)/include \
	-I$(TREE)/kernel/bpf -I$(TREE)/tools/include \
	-I$(TREE)/tools/include/uapi -Itests/fuzz
FUZZ_LIBS = $(LIBBPF)/libbpf.a -lelf -lz -lcap

.PHONY: fuzz check-asan

$(FUZZ)/fuzz-%.o: tests/fuzz/%.c tests/fuzz/fuzz.h $(OBJ)/.built \
		build/.chosen build/.check-packages
	@mkdir -p $(@D)
	$(Q)clang $(FUZZ_CFLAGS) -c $< -o $@

# The tool's own main() makes place for that of the fuzzer
$(FUZZ)/tool-%.o: $(OBJ)/.built build/.chosen build/.check-packages
	@mkdir -p $(@D)
	$(Q)clang $(FUZZ_CFLAGS) -Dmain=bpftool_main \
		-c $(BPFTOOL_DIR)/$*.c -o $@

$(FUZZ)/control-%.o: tests/fuzz/%.c tests/fuzz/fuzz.h $(OBJ)/.built \
		build/.chosen build/.check-packages
	@mkdir -p $(@D)
	$(Q)clang $(FUZZ_CFLAGS) -DFUZZ_CONTROL -c $< -o $@

FUZZ_LINK = clang -fsanitize=fuzzer,$(FUZZ_SANITIZE) \
	$(FUZZ_WRAPS:%=-Wl,--wrap=%) -o $@ $^ $(FUZZ_LIBS)

$(FUZZ)/args: $(FUZZ_OBJS)
	$(Q)$(FUZZ_LINK)
$(FUZZ)/args-control: $(FUZZ)/control-args.o $(filter-out %/fuzz-args.o,$(FUZZ_OBJS))
	$(Q)$(FUZZ_LINK)

# FUZZ_INPUTS=N: another number than a million
fuzz: $(FUZZ)/args $(FUZZ)/args-control build/.check-packages
	$(TEST_ENV) bats tests/source/fuzz.bats

# Another base does not change what is fuzzed
check-host: build/noskel/bpftool \
	$(if $(OTHER_BASE),,$(FUZZ)/args $(FUZZ)/args-control)

# Both start from what is built already: only what differs is built again
NOSKEL	:= build/noskel
$(NOSKEL)/bpftool: $(OBJ)/.built build/.chosen
	$(Q)rm -rf $(NOSKEL)
	$(Q)mkdir -p $(NOSKEL)
	$(Q)cp -a $(OBJ) $(NOSKEL)/obj
	$(Q)rm -f $(addprefix $(NOSKEL)/obj/,bpftool main.o pids.o prog.o \
		map_async.o)
	$(Q)$(SUBMAKE) OUTPUT=$(abspath $(NOSKEL)/obj)/ \
		feature-clang-bpf-co-re=0 >$(NOSKEL)/log
	$(Q)mv $(NOSKEL)/obj/bpftool $@

ASAN	:= build/asan
ASAN_FLAGS := -fsanitize=$(FUZZ_SANITIZE) -fno-omit-frame-pointer -g -O1
$(ASAN)/hooks.o: tests/fuzz/asan_hooks.c build/.check-packages
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) -Wall -Wextra -O1 -c $< -o $@
# Any byte may stand in a map where a bool should, and the base's dumper reads
# it as one. "prog load" without a map to replace sorts none of them, at NULL
ASAN_MAKE = $(SUBMAKE) $(JOBS) OUTPUT=$(abspath $(ASAN)/obj)/ \
	EXTRA_LDFLAGS='$(ASAN_FLAGS) $(abspath $(ASAN)/hooks.o)' EXTRA_CFLAGS
$(ASAN)/bpftool: $(OBJ)/.built build/.chosen $(ASAN)/hooks.o \
		tests/fuzz/fuzz.mk
	$(Q)for newer in tests/fuzz/fuzz.mk $(OUT)/.pristine build/.chosen; do \
		[ $@ -nt $$newer ] || rm -rf $(ASAN)/obj; done
	$(Q)mkdir -p $(ASAN)/obj
	$(Q)cp -a $(OBJ)/bootstrap $(OBJ)/vmlinux.h $(OBJ)/*.bpf.o \
		$(OBJ)/*.skel.h $(ASAN)/obj/
	$(Q)rm -f $(ASAN)/obj/bpftool
	$(Q)$(ASAN_MAKE)='$(ASAN_FLAGS) -fno-sanitize=bool' \
		$(abspath $(ASAN)/obj/btf_dumper.o)
	$(Q)$(ASAN_MAKE)='$(ASAN_FLAGS) -fno-sanitize=nonnull-attribute' \
		$(abspath $(ASAN)/obj/prog.o)
	$(Q)$(ASAN_MAKE)='$(ASAN_FLAGS)'
	$(Q)mv $(ASAN)/obj/bpftool $@

# ASAN_TESTS="FILE...": only these. What is repeated many times, at random or at
# every system call, is done in full without sanitizers: here it is quick, and
# its figures are kept apart. Memory is mapped by the sanitizers themselves, which
# end the process when there is none. Left out are the loads of map drain, whose code
# in the kernel no sanitizer sees, the documents, what is fuzzed with sanitizers, and
# what loads a library before theirs.
# Those that hold sleepable programs come after the others.
ASAN_NOT := $(patsubst %,tests/host/%.bats,audit bench demo drain-exact guide kill \
	progress prometheus readme recipes sleepable users)
ASAN_LAST := $(patsubst %,tests/host/%.bats,swap-sleepable swap-sleepable-ends \
	swap-sleepable-faults uncovered)
ASAN_TESTS ?= $(filter-out $(ASAN_NOT),$(wildcard tests/host/*.bats))
ASAN_QUICK ?= FAULTS_QUICK=16 LOAD_SECONDS=2 \
	FAULTS_NOT='mmap mprotect munmap'
ASAN_PROVE = $(TEST_ENV) BPFTOOL=$(abspath $(ASAN)/bpftool) $(ASAN_QUICK) \
	UBSAN_OPTIONS=suppressions=$(abspath tests/fuzz/ubsan.supp) \
	SETUP_BPFTOOL=$(abspath build/bpftool) RESULTS=$(abspath $(ASAN))/results \
	prove --timer --failures --comments --exec tests/world.sh
check-asan: all test-programs build/.check-packages $(ASAN)/bpftool \
		$(NOSKEL)/bpftool
	@$(ASAN_PROVE) -j $(TEST_JOBS) $(filter-out $(ASAN_LAST),$(ASAN_TESTS))
	@$(if $(filter $(ASAN_LAST),$(ASAN_TESTS)),\
		$(ASAN_PROVE) $(filter $(ASAN_LAST),$(ASAN_TESTS)))
