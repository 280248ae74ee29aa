/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* System calls that go wrong: names, and seccomp */
#ifndef TESTS_CALLS_H
#define TESTS_CALLS_H

#include <err.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

#include <linux/filter.h>
#include <linux/types.h>

#include "run.h"

/* The kernel tree's own <linux/seccomp.h> is not for programs */
#ifndef SECCOMP_RET_TRACE
#define SECCOMP_MODE_FILTER	2
#define SECCOMP_RET_ERRNO	0x00050000U
#define SECCOMP_RET_TRACE	0x7ff00000U
#define SECCOMP_RET_ALLOW	0x7fff0000U
#endif
#define DATA_NR		0	/* offsets in struct seccomp_data */
#define DATA_ARG0	16

static const char * const bpf_cmds[] = {
	"MAP_CREATE", "MAP_LOOKUP_ELEM", "MAP_UPDATE_ELEM", "MAP_DELETE_ELEM",
	"MAP_GET_NEXT_KEY", "PROG_LOAD", "OBJ_PIN", "OBJ_GET", "PROG_ATTACH",
	"PROG_DETACH", "PROG_TEST_RUN", "PROG_GET_NEXT_ID", "MAP_GET_NEXT_ID",
	"PROG_GET_FD_BY_ID", "MAP_GET_FD_BY_ID", "OBJ_GET_INFO_BY_FD",
	"PROG_QUERY", "RAW_TRACEPOINT_OPEN", "BTF_LOAD", "BTF_GET_FD_BY_ID",
	"TASK_FD_QUERY", "MAP_LOOKUP_AND_DELETE_ELEM", "MAP_FREEZE",
	"BTF_GET_NEXT_ID", "MAP_LOOKUP_BATCH", "MAP_LOOKUP_AND_DELETE_BATCH",
	"MAP_UPDATE_BATCH", "MAP_DELETE_BATCH", "LINK_CREATE", "LINK_UPDATE",
	"LINK_GET_FD_BY_ID", "LINK_GET_NEXT_ID", "ENABLE_STATS", "ITER_CREATE",
	"LINK_DETACH", "PROG_BIND_MAP",
};

static inline int number_of(const char *name, const char *(*name_of)(int))
{
	int i;

	for (i = 1; i < 200; i++)
		if (name_of(i) && !strcmp(name, name_of(i)))
			return i;
	/* What no errno.h has, such as the kernel's ENOTSUPP */
	i = atoi(name);
	if (i <= 0)
		errx(2, "no number: %s", name);

	return i;
}

/* For all threads of what it then runs */
static inline void install_filter(struct sock_filter *code, size_t len)
{
	struct sock_fprog filter = { .len = len, .filter = code };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter))
		err(EXIT_SKIP, "this kernel has no seccomp filters");
}

#endif /* TESTS_CALLS_H */
