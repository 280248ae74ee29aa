# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Series of patches, for those who review them and those who ship them
#
#   make series              build/series/N-NAME, with the number and the version
#                            node that are the same on every release
#   make series UPSTREAM=1 KSRC=DIR
#                            the form for the mailing list: DIR is a clean git tree
#                            that the series are for, such as bpf-next
#
# Both print the commands to run next. BASE and KSRC as for the build. SERIES
# names another folder.

UPSTREAM ?=
SERIES	?= build/series
IS_UPSTREAM := $(filter 1,$(UPSTREAM))

# What to do with a series. The cover letter is not .patch, as "git am" would take it
ifneq ($(IS_UPSTREAM),)
SERIES_OPTIONS = -u -b $$(git -C $(KSRC) rev-parse HEAD)
SERIES_NEXT = git send-email --to=bpf@vger.kernel.org $$dir/0000-cover-letter.txt
else
SERIES_NEXT = git am
endif

.PHONY: series upstream-tree
series: $(OUT)/.pristine build/.series-packages $(if $(IS_UPSTREAM),upstream-tree)
	$(Q)scripts/series.sh $(SERIES_OPTIONS) $(OUT)/pristine $(SERIES)
	@for dir in $(SERIES)/*; do echo "$(SERIES_NEXT) $$dir/*.patch"; done

# The base that the mails name has to be what they were made from
upstream-tree:
	$(if $(KSRC),,$(error UPSTREAM=1 needs KSRC=DIR, a current tree))
	@git -C $(KSRC) diff --quiet HEAD || \
		{ echo 'Error: $(KSRC) is not a git tree without changes' >&2; exit 1; }

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
