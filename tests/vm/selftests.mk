# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The kernel's own selftests of the command, patches/selftests/, built with the kernel's
# own runner

SELFTESTS := $(OUT)/selftests
check-vm: $(SELFTESTS)/.built

$(SELFTESTS)/.built: tests/vm/build-selftests.sh $(wildcard patches/selftests/*/*) \
		$(OBJ)/.built build/.vm-packages
	@echo 'selftests: building the runner'
	$(Q)BPFTOOL=$(abspath $(OBJ)/bpftool) tests/vm/build-selftests.sh \
		$(SRC) $(TREE) $(SELFTESTS)
	@touch $@
