# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The base's bpftool as it is without us: what "map dump" prints has to be the
# same, and takes longer
#
#   build/plain/bpftool		built from the pristine source

PLAIN	:= build/plain
PLAIN_DIR := $(OUT)/pristine/tools/bpf/bpftool

.PHONY: plain
plain: $(PLAIN)/bpftool

# The base's makefiles write nothing into the source. What makes the skeletons is
# there already.
$(PLAIN)/bpftool: $(OBJ)/.built $(OUT)/.llvm build/.chosen
	$(Q)rm -rf $(PLAIN)
	$(Q)mkdir -p $(PLAIN)/obj
	$(Q)cp -a $(OBJ)/bootstrap $(OBJ)/vmlinux.h $(PLAIN)/obj/
	$(Q)$(SUBMAKE) $(JOBS) -C $(abspath $(PLAIN_DIR)) \
		OUTPUT=$(abspath $(PLAIN)/obj)/ >$(PLAIN)/log
	$(Q)mv $(PLAIN)/obj/bpftool $@

check-host quick check-vm check-asan bench: $(PLAIN)/bpftool
