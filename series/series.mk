# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The series of patches, for those who review it and those who ship it
#
#   make series              build/series, with the number and the version node
#                            that are the same on every release
#   make series UPSTREAM=1   the form for the mailing list
#
# BASE and KSRC as for the build: which tree it is for. SERIES: another folder.

UPSTREAM ?=
SERIES	?= build/series

.PHONY: series
series: $(OUT)/.pristine build/.series-packages
	$(Q)scripts/series.sh $(if $(filter 1,$(UPSTREAM)),-u) \
		$(OUT)/pristine $(SERIES)
	@echo "git am $(SERIES)/*.patch"

SERIES_PKGS := git python3 patch
CHECK_PKGS += $(SERIES_PKGS) dpkg-dev
build/.series-packages: scripts/packages.sh
	$(Q)mkdir -p $(@D)
	$(Q)scripts/packages.sh $(SERIES_PKGS)
	@touch $@

#   make export DIR=FOLDER   the same as quilt folders for distributions' source
#                            packages: see docs/distributions.md
DIR	?=

.PHONY: export
export: $(OUT)/.pristine build/.series-packages
	$(if $(DIR),,$(error make export DIR=FOLDER: where to?))
	$(Q)scripts/export.sh $(OUT)/pristine $(DIR)
