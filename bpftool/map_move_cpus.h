/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The CPUs that a thread is pinned to; the includer defines _GNU_SOURCE */

#ifndef __BPFTOOL_MAP_MOVE_CPUS_H
#define __BPFTOOL_MAP_MOVE_CPUS_H

#include <sched.h>
#include <stdbool.h>

/* Where a thread may run, on machines with up to 8192 CPUs */
struct cpu_mask {
	cpu_set_t sets[8];
};

/**
 * move_cpu_list() - the CPUs in one of sysfs' lists
 * @name:	"possible" or "online"
 * @nr:		gets the size of the result
 *
 * Return: a bool for each, to be freed; or NULL.
 */
bool *move_cpu_list(const char *name, unsigned int *nr);

/* move_cpu_is_online() - 0, 1, or -ENOENT if it is not known */
int move_cpu_is_online(unsigned int cpu);

/* move_cpu_pin() - run this thread on one CPU only; 0 or -errno */
int move_cpu_pin(unsigned int cpu);

#endif /* __BPFTOOL_MAP_MOVE_CPUS_H */
