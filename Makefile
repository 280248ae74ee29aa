# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# bpftool map sync: builds bpftool from a kernel source with our files dropped
# in (bpftool/, docs/man/, bash-completion/) and hooked up (patches/).
#
#   build/NAME/pristine   what we need of the kernel source
#   build/NAME/tree       the same, patched, with our files in place
#   build/NAME/obj        what bpftool's own Makefile builds from it
#   build/tests           programs and BPF objects of the tests
#
# NAME is the base's version, or "ksrc" with KSRC=DIR.

BASE	?= 6.12
KSRC	?=
LLVM	?=
DESTDIR	?=
prefix	?= /usr/local
mandir	?= $(prefix)/share/man
bash_compdir ?= $(prefix)/share/bash-completion/completions

Q	:= $(if $(filter 1,$(V)),,@)
NAME	:= $(if $(KSRC),ksrc,$(BASE))
OUT	:= build/$(NAME)
TREE	:= $(OUT)/tree
OBJ	:= $(OUT)/obj
# This machine's own suites have no 7.x: those come from a newer suite
NEWER	:= $(if $(KSRC),,$(filter 7.%,$(BASE)))
SRC	:= $(if $(KSRC),$(abspath $(KSRC)),$(if $(NEWER),$(abspath build/apt),/usr/src)/linux-source-$(BASE).tar.xz)
BPFTOOL_DIR := $(TREE)/tools/bpf/bpftool

BUILD_PKGS := gcc make libc6-dev libelf-dev libcap-dev zlib1g-dev clang llvm \
	quilt xz-utils $(if $(KSRC),,$(if $(NEWER),debian-archive-keyring,linux-source-$(BASE))) \
	$(if $(filter 1,$(LLVM)),llvm-dev)
DOC_PKGS := python3-docutils

CODE	:= $(wildcard bpftool/*.[ch])
SKEL	:= $(wildcard bpftool/skeleton/*)
MAN	:= $(wildcard docs/man/map-*.rst)
COMP	:= bash-completion/bpftool
COMPONENTS := kernel libbpf bpftool
PATCHES	:= $(wildcard $(foreach c,$(COMPONENTS),patches/$c/series \
	patches/$c/*.patch patches/$c/*/*.patch))

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.PHONY: all help doc install clean FORCE
FORCE:

all: build/bpftool build/man/bpftool-map.8 build/man/map_wait.3

help:
	@echo 'make             build/bpftool, and its manual pages in build/man'
	@echo 'make demo        count every system call of this machine, drain once a second'
	@echo 'make quick       the tests that find most mistakes, in some 3 minutes'
	@echo 'make check       all tests: check-host, check-asan and check-vm'
	@echo 'make mutants     plants bugs, one at a time, and runs the tests that should see them'
	@echo 'make bench       benchmarks; bench-vm: those that want a guest'
	@echo 'make series      the patches as mails; UPSTREAM=1: for the mailing list'
	@echo 'make export      DIR=FOLDER: the patches as quilt folders, for packages'
	@echo 'make install     DESTDIR= prefix=/usr/local: binary, manual, bash completion'
	@echo 'make deb         Debian packages in build/deb; check-deb-fresh: in a fresh Debian'
	@echo 'make dsc         a Debian source package in build/deb/dsc; check-dsc-fresh: by sbuild'
	@echo 'make clean       remove build/'
	@echo
	@echo 'BASE=6.12        kernel release of the package linux-source-BASE: 6.1, 6.12, 7.3'
	@echo 'KSRC=DIR         a kernel source tree instead of the package'
	@echo 'LLVM=1           with the LLVM disassembler (starts 20 ms slower)'
	@echo 'V=1              show the commands'

# Says a setting's value in a file that changes only when the value does
define remember
	@mkdir -p $(@D)
	@echo '$(1)' | cmp -s - $@ || echo '$(1)' >$@
endef

$(OUT)/.packages: scripts/packages.sh $(OUT)/.package-list
	$(Q)scripts/packages.sh $(BUILD_PKGS) $(DOC_PKGS)
	@touch $@
$(OUT)/.package-list: FORCE
	$(call remember,$(BUILD_PKGS) $(DOC_PKGS))
ifneq ($(NEWER),)
$(SRC): scripts/backports.sh | $(OUT)/.packages
	$(Q)mkdir -p $(@D)
	$(Q)test -e $@ || scripts/backports.sh source $(BASE) $@
endif
# After the packages: the source may be one of them
$(OUT)/.source: FORCE $(OUT)/.packages $(if $(NEWER),$(SRC))
	@scripts/unpack.sh -s $(SRC) >$@.new
	@cmp -s $@.new $@ || cp $@.new $@
	@rm $@.new
$(OUT)/.our-files: FORCE
	$(call remember,$(CODE) $(SKEL) $(MAN) $(COMP))
$(OUT)/.llvm: FORCE
	$(call remember,$(LLVM))
build/.chosen: FORCE
	$(call remember,$(NAME))

# What was built goes: files keep the times of the source, which are older
$(OUT)/.pristine: scripts/unpack.sh $(OUT)/.source $(OUT)/.packages
	@rm -f $@
	$(Q)rm -rf $(OBJ)
	$(Q)scripts/unpack.sh $(SRC) $(OUT)/pristine
	@touch $@

# What only some trees want, such as those whose bpftool signs programs: the tree says
$(OUT)/.tree-packages: scripts/packages.sh $(OUT)/.pristine
	$(Q)! grep -q -e -lcrypto $(OUT)/pristine/tools/bpf/bpftool/Makefile || \
		scripts/packages.sh libssl-dev
	@touch $@

# A file of ours that was removed has to go from the tree: it is made anew, and so are
# the objects, whose dependencies may name it
$(OUT)/.tree: scripts/hook.sh scripts/patches.sh $(OUT)/.pristine $(OUT)/.our-files $(PATCHES)
	@rm -f $@
	$(Q)rm -f $(OBJ)/*.[od]
	$(Q)scripts/hook.sh $(OUT)/pristine $(TREE)
	$(Q)mv $(BPFTOOL_DIR)/bash-completion/bpftool $(OUT)/completion.hooked
	$(Q)rm -f $(OBJ)/*.[do]
	@touch $@

# Copies keep their time, so that bpftool's Makefile rebuilds what changed
$(OUT)/.overlay: $(OUT)/.tree $(CODE) $(SKEL) $(MAN) $(COMP)
	$(Q)cp -p $(CODE) $(BPFTOOL_DIR)/
	$(Q)cp -p $(SKEL) $(BPFTOOL_DIR)/skeleton/
	$(Q)cp -p $(MAN) $(BPFTOOL_DIR)/Documentation/
	$(Q)cat $(OUT)/completion.hooked $(COMP) \
		>$(BPFTOOL_DIR)/bash-completion/bpftool
	@touch $@

# LLVM=1 means another thing to the kernel's makefiles. The disassemblers
# cost 20 ms and 50 MB at every start.
SUBMAKE := env -u MAKEFLAGS -u MAKEOVERRIDES -u LLVM -u prefix -u DESTDIR \
	$(MAKE) --no-print-directory -C $(BPFTOOL_DIR) \
	OUTPUT=$(abspath $(OBJ))/ V=$(V) \
	feature-libbfd=0 feature-libbfd-liberty=0 feature-libbfd-liberty-z=0 \
	$(if $(filter 1,$(LLVM)),,feature-llvm=0)
JOBS	:= -j$(shell nproc)

$(OBJ)/.built: $(OUT)/.overlay $(OUT)/.tree-packages $(OUT)/.llvm
	$(Q)mkdir -p $(OBJ)
	$(Q)cmp -s $(OUT)/.llvm $(OBJ)/.llvm || rm -f $(OBJ)/*.o
	$(Q)cp $(OUT)/.llvm $(OBJ)/.llvm
	$(Q)$(SUBMAKE) $(JOBS)
	@touch $@

build/bpftool: $(OBJ)/.built build/.chosen
	$(Q)cp $(OBJ)/bpftool $@

# map_wait for C programs: the objects that bpftool itself is linked from
WAIT_OBJS := map_wait map_wait_sleepable map_wait_canary kernel_btf
$(OBJ)/libmap_wait.a: $(OBJ)/.built
	@rm -f $@
	$(Q)$(AR) rcs $@ $(WAIT_OBJS:%=$(OBJ)/%.o)

# All are removed first: bpftool's Makefile does not know which files a page
# includes, and takes those of another base for newer than its sources
doc: build/man/bpftool-map.8
build/man/bpftool-map.8: $(OUT)/.overlay build/.chosen
	$(Q)mkdir -p build/man
	$(Q)rm -f build/man/*.8
	$(Q)$(MAKE) --no-print-directory -C $(BPFTOOL_DIR)/Documentation \
		OUTPUT=$(abspath build/man)/ LLVM= V=$(V) man
	@touch $@

# Its manual page in section 3
doc: build/man/map_wait.3
build/man/map_wait.3: docs/man/map_wait.rst $(OUT)/.packages
	@mkdir -p $(@D)
	$(Q)rst2man --strip-comments $< $@

install: all
	install -D -m 0755 build/bpftool $(DESTDIR)$(prefix)/sbin/bpftool
	install -d $(DESTDIR)$(mandir)/man8
	install -m 0644 build/man/*.8 $(DESTDIR)$(mandir)/man8/
	install -D -m 0644 build/man/map_wait.3 $(DESTDIR)$(mandir)/man3/map_wait.3
	install -D -m 0644 $(BPFTOOL_DIR)/bash-completion/bpftool \
		$(DESTDIR)$(bash_compdir)/bpftool

clean:
	rm -rf build

include tests/tests.mk
include packaging/deb.mk
include patches/series/series.mk
