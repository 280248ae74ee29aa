# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The same tests on other kernels, booted in qemu: ours, built from the base
# source with the patches to the kernel, and Debian's own, taken as packages

VM_PKGS := qemu-system-x86 qemu-system-common busybox-static cpio kmod \
	flex bison bc libssl-dev openssl dwarves iproute2

# How long a load lasts in a guest
GUEST_LOAD_SECONDS ?= 5

VM_ENV = $(TEST_ENV) BASE='$(BASE)' SOURCE='$(SRC)' \
	$(if $(GUEST_TESTS),GUEST_TESTS='$(GUEST_TESTS)') LOAD_SECONDS='$(GUEST_LOAD_SECONDS)'

build/.vm-packages: scripts/packages.sh build/.vm-package-list
	$(Q)scripts/packages.sh $(VM_PKGS)
	@touch $@
build/.vm-package-list: FORCE
	$(call remember,$(VM_PKGS))

# VM_LINES="tests/vm/lines/patched.line ...": only these kernels. Those of the
# distribution do not depend on the base: they are seen to with the default one
VM_LINES ?= $(if $(OTHER_BASE),tests/vm/lines/patched.line tests/vm/selftests.bats)

.PHONY: vm-kernels check-vm bench-vm
vm-kernels: $(OUT)/.packages build/.vm-packages
	$(Q)$(VM_ENV) tests/vm/matrix.sh -k $(VM_LINES)

check-vm: all test-programs build/.check-packages build/.vm-packages
	@$(VM_ENV) tests/vm/matrix.sh $(VM_LINES)

bench-vm: all build/.vm-packages
	@$(VM_ENV) tests/vm/bench.sh

include tests/vm/selftests.mk
