# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# make mutants: bugs that are planted one by one, and have to be found
#
#   MUTANTS="NAME..."	only these of tests/mutants/NAME.mutant

MUTANTS ?=
.PHONY: mutants
mutants: all test-programs build/.check-packages $(PLAIN)/bpftool
	@$(TEST_ENV) FAULTS_QUICK=1 tests/mutants/run.sh $(MUTANTS)
