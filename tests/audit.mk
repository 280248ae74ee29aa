# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The audit of a map's writers: what tells its verdict, and its fuzzer
#
#   tests/progs/audit/audit_*.bpf.c   programs in the shapes of public tools
#   tests/progs/audit/expected        the verdict on each
#   build/tests/audit_check           prints that of what it is given
#   build/fuzz/audit, audit-control   any bytes for instructions; with a bug planted

AUDIT_OURS := $(filter-out map_writers_learn,$(patsubst bpftool/%.c,%,$(wildcard \
	bpftool/map_writers*.c)))
AUDIT_INCLUDES := -Ibpftool -I$(BPFTOOL_DIR) -I$(OBJ) -I$(LIBBPF)/include \
	-I$(TREE)/kernel/bpf -I$(TREE)/tools/include -I$(TREE)/tools/include/uapi
AUDIT_CFLAGS := -g -O1 -Wall -Wno-unused-parameter -D_GNU_SOURCE \
	-DPACKAGE='"bpftool"' -D__EXPORTED_HEADERS__ $(AUDIT_INCLUDES)

# With all of bpftool but its main(), so that nothing of it is played, and with
# libcrypto where the tree's bpftool signs programs
$(TESTS)/audit_check: tests/progs/audit/audit_check.c $(OBJ)/.built build/.chosen
	$(Q)objcopy --redefine-sym main=bpftool_main $(OBJ)/main.o $@.main.o
	$(Q)$(CC) $(AUDIT_CFLAGS) -o $@ $< $@.main.o \
		$$(ls $(OBJ)/*.o | grep -v -e '/main\.o' -e '\.bpf\.o') \
		$(LIBBPF)/libbpf.a -lelf -lz -lcap \
		$$(grep -o -m 1 -e -lcrypto $(BPFTOOL_DIR)/Makefile || :)

AUDIT_FUZZ_LINK = clang -fsanitize=fuzzer,$(FUZZ_SANITIZE) \
	-Wl,--wrap=btf__load_vmlinux_btf -o $@ $^ $(FUZZ_LIBS)
AUDIT_FUZZ_OBJS := $(AUDIT_OURS:%=$(FUZZ)/tool-%.o)

$(FUZZ)/audit: $(FUZZ)/fuzz-audit.o $(AUDIT_FUZZ_OBJS)
	$(Q)$(AUDIT_FUZZ_LINK)
$(FUZZ)/audit-control: $(FUZZ)/control-audit.o $(AUDIT_FUZZ_OBJS)
	$(Q)$(AUDIT_FUZZ_LINK)

check-host: $(if $(OTHER_BASE),,$(FUZZ)/audit $(FUZZ)/audit-control)
