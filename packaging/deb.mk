# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Debian packages, built with debhelper from packaging/debian
#
#   make deb              build/deb/*.deb
#   make dsc              build/deb/dsc: a source package that builds by itself
#   make check-deb-fresh  from a clone to an installed package, in a chroot
#   make check-dsc-fresh  from that source package to installed ones, in chroots
#   build/deb/obj         bpftool and libbpf with the flags of dpkg-buildflags
#   build/deb/src         where dpkg-buildpackage runs
#   build/deb/chroot      a fresh Debian that the tests install them in

DEB_PKGS := build-essential debhelper libssl-dev
CHECK_PKGS += lintian mmdebstrap dpkg-dev

DEB	:= build/deb
DEB_OBJ	:= $(DEB)/obj
DEB_FILES := $(wildcard packaging/debian/* docs/examples/*)

.PHONY: deb deb-objects
deb: $(DEB)/.built
	@ls $(DEB)/*.deb

$(DEB)/.packages: scripts/packages.sh packaging/deb.mk
	$(Q)scripts/packages.sh $(DEB_PKGS)
	@mkdir -p $(@D)
	@touch $@

# debhelper wants the folder debian/ at the top of what it builds. That is a
# folder of its own here, so that none has to be at the top of the repository
$(DEB)/.built: $(OBJ)/.built build/man/bpftool-map.8 build/man/map_wait.3 $(DEB)/.packages \
		$(DEB_FILES) packaging/deb.mk packaging/version.sh LICENSES/BSD-2-Clause.txt build/.chosen
	$(Q)rm -rf $(DEB)/src $(DEB)/*.deb $(DEB)/*.buildinfo $(DEB)/*.changes
	$(Q)mkdir -p $(DEB)/src
	$(Q)cp -a packaging/debian docs/examples $(DEB)/src/
	$(Q)sed -e '/^#/d' -e "s/@VERSION@/$$(packaging/version.sh \
			$(OBJ)/bpftool $(OUT)/pristine)/" \
		packaging/debian/changelog.in >$(DEB)/src/debian/changelog
	$(Q)sed -e 's/^$$/./' -e 's/^/ /' LICENSES/BSD-2-Clause.txt >$(DEB)/bsd
	$(Q)sed -e '/@BSD@/{r $(DEB)/bsd' -e 'd}' \
		packaging/debian/copyright.in >$(DEB)/src/debian/copyright
	$(Q)cd $(DEB)/src && env -u MAKEFLAGS -u MAKELEVEL -u DESTDIR \
		DEB_BUILD_OPTIONS="$$DEB_BUILD_OPTIONS noautodbgsym" BUILD=$(abspath build) \
		BASE=$(BASE) KSRC=$(KSRC) LLVM=$(LLVM) \
		BPFTOOL_DIR=$(abspath $(BPFTOOL_DIR)) \
		DEB_OBJ=$(abspath $(DEB_OBJ)) TOP=$(CURDIR) MAKE=$(MAKE) \
		dpkg-buildpackage -b -us -uc >../log 2>&1 || \
		{ tail -n 30 ../log >&2; exit 1; }
	@touch $@

# The source package has the patched part of the base's source as its upstream
# tarball, with our examples and, for its autopkgtest, the quick tests. Times are those
# of our changelog, so that it comes out the same.
DSC	:= $(DEB)/dsc
DSC_TESTS := README.md $(filter tests/host/%,$(QUICK_TESTS)) tests/world.sh \
	$(wildcard tests/lib/* tests/progs/*.* tests/guest/*.[ch])
.PHONY: dsc
dsc: $(DSC)/.built
	@ls $(DSC)/*.dsc

$(DSC)/.built: $(DEB)/.built $(DSC_TESTS)
	$(Q)rm -rf $(DSC)
	$(Q)mkdir -p $(DSC)/src
	$(Q)tar cf - -C $(TREE) --exclude=./.pc --exclude=./.patches . | tar xf - -C $(DSC)/src
	$(Q)cp -a docs/examples $(DSC)/src/
	$(Q)cp -a --parents $(DSC_TESTS) $(DSC)/src/
	$(Q)version=$$(sed -n '1s/.*(\(.*\)).*/\1/p' $(DEB)/src/debian/changelog) && \
		date=$$(dpkg-parsechangelog -l $(DEB)/src/debian/changelog -S Date) && \
		tar cJf $(DSC)/bpftool-map-sync_$$version.orig.tar.xz --sort=name \
			--owner=0 --group=0 --numeric-owner --mtime="$$date" \
			--transform="flags=r;s,^\\.,bpftool-map-sync-$$version," \
			-C $(DSC)/src .
	$(Q)cp -a packaging/debian $(DSC)/src/
	$(Q)mkdir -p $(DSC)/src/debian/source
	$(Q)echo '3.0 (quilt)' >$(DSC)/src/debian/source/format
	$(Q)cp $(DEB)/src/debian/copyright docs/man/map_wait.rst $(DSC)/src/debian/
	$(Q)sed '1s/)/-1)/' $(DEB)/src/debian/changelog >$(DSC)/src/debian/changelog
	$(Q)rm $(DSC)/src/debian/changelog.in $(DSC)/src/debian/copyright.in
	$(Q)cd $(DSC) && dpkg-source -b src >log 2>&1 || { cat log >&2; exit 1; }
	$(Q)rm -rf $(DSC)/src
	@touch $@

# Called by debian/rules, with its flags. The base's makefiles need theirs too,
# hence EXTRA_. The skeletons are built anew: in them are paths, too
DEB_MAKE = env -u CFLAGS -u CPPFLAGS -u LDFLAGS $(SUBMAKE) $(JOBS) \
	OUTPUT=$(abspath $(DEB_OBJ))/ EXTRA_CFLAGS='$(DEB_CFLAGS)' \
	EXTRA_LDFLAGS='$(DEB_LDFLAGS)' \
	CLANG='$(or $(CLANG),clang) -ffile-prefix-map=$(CURDIR)=.'
deb-objects:
	$(Q)rm -rf $(DEB_OBJ)
	$(Q)mkdir -p $(DEB_OBJ)
	$(Q)cp -a $(OBJ)/bootstrap $(OBJ)/vmlinux.h $(DEB_OBJ)/
	$(DEB_MAKE)
	$(AR) rcs $(DEB_OBJ)/libmap_wait.a $(WAIT_OBJS:%=$(DEB_OBJ)/%.o)

# A minimal Debian, a compiler, and the distribution's own bpftool and libbpf
DEB_CHROOT_PKGS := bpftool,gcc,libc6-dev,pkgconf,libbpf-dev
$(DEB)/chroot: packaging/deb.mk | build/.check-packages
	@mkdir -p $(@D)
	@rm -rf $@
	$(Q)mmdebstrap --quiet --variant=apt --include=$(DEB_CHROOT_PKGS) \
		bookworm $@
	@touch $@

check-host: $(DEB)/.built $(DEB)/chroot $(DSC)/.built

# Takes some minutes and 700 MB of packages
.PHONY: check-deb-fresh
check-deb-fresh: build/.check-packages
	$(Q)tests/deb/fresh.sh

# SUITE=trixie: of another Debian than bookworm
.PHONY: check-dsc-fresh
check-dsc-fresh: $(DSC)/.built build/.check-packages
	$(Q)scripts/packages.sh sbuild uidmap autopkgtest
	$(Q)SUITE=$(SUITE) tests/deb/dsc-fresh.sh
