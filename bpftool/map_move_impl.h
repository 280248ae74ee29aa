/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Shared by the files behind map_move.h; the includer defines _GNU_SOURCE */

#ifndef __BPFTOOL_MAP_MOVE_IMPL_H
#define __BPFTOOL_MAP_MOVE_IMPL_H

#include <sched.h>
#include <stdbool.h>
#include <stddef.h>

struct bpf_map_info;

enum mover { MOVER_EACH, MOVER_ITER, MOVER_OWN, MOVER_CPU, MOVER_POP };

/* move_choose() - the way to try first for a map */
enum mover move_choose(const struct bpf_map_info *info);

/* move_explain() - why a way can't be loaded or run: @err, and what the kernel lacks */
void move_explain(enum mover mover, int err, const struct bpf_map_info *info,
		  char *why, size_t size);

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
bool *move_cpu_list(const char *name, int *nr);

/* move_cpu_is_online() - 0, 1, or -ENOENT if it is not known */
int move_cpu_is_online(int cpu);

/* move_cpu_pin() - run this thread on one CPU only; 0 or -errno */
int move_cpu_pin(int cpu);

#endif /* __BPFTOOL_MAP_MOVE_IMPL_H */
