# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# make mutants: bugs that are planted one by one, and have to be found
#
#   MUTANTS="NAME..."	only these of tests/mutants/NAME.mutant
#   MUTANTS_SAMPLE=NR	so many of them, others each day

MUTANTS ?=
MUTANTS_SAMPLE ?=
.PHONY: mutants
mutants: all test-programs build/.check-packages $(PLAIN)/bpftool
	@$(TEST_ENV) AUDIT_CC='$(CC) $(AUDIT_CFLAGS)' FAULTS_QUICK=1 FAULTS_STEP=25 \
		LOAD_SECONDS=3 SAMPLE=$(MUTANTS_SAMPLE) tests/mutants/run.sh $(MUTANTS)
