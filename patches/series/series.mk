# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The series of patches, for those who review it and those who ship it
#
#   make series              build/series, with the number and the version node
#                            that are the same on every release
#   make series UPSTREAM=1   the form for the mailing list
#
# Each says with which command it goes on.
#
# BASE and KSRC as for the build: which tree it is for. SERIES: another folder.

UPSTREAM ?=
SERIES	?= build/series

# What to do with it. The cover letter is no .patch, for "git am" would take it
SERIES_NEXT = $(if $(filter 1,$(UPSTREAM)),git send-email \
	--to=bpf@vger.kernel.org $(SERIES)/0000-cover-letter.txt,git am)

.PHONY: series
series: $(OUT)/.pristine build/.series-packages
	$(Q)scripts/series.sh $(if $(filter 1,$(UPSTREAM)),-u) \
		$(OUT)/pristine $(SERIES)
	@echo "$(SERIES_NEXT) $(SERIES)/*.patch"

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
