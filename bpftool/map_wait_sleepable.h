/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Wait for sleepable BPF programs, and for callbacks of a bpf_wq or task work:
 * everything that runs under RCU Tasks Trace. map_wait() waits for the rest.
 *
 * Needs libbpf and nothing of bpftool, and keeps no global state.
 */

#ifndef __MAP_WAIT_SLEEPABLE_H
#define __MAP_WAIT_SLEEPABLE_H

#include <stdbool.h>
#include <stddef.h>

#include <linux/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The ways to wait, best first */
#define MAP_WAIT_KFUNC		"bpf_call_rcu_tasks_trace"
#define MAP_WAIT_UPROBE		"uprobe"

/* As help and errors show them */
#define MAP_WAIT_SLEEPABLE_WAYS	MAP_WAIT_KFUNC " | " MAP_WAIT_UPROBE

#define MAP_WAIT_TIMEOUT_MS	30000

struct map_wait_sleepable;

struct map_wait_sleepable_opts {
	/* Size of this struct, for compatibility */
	size_t sz;
	/* Name of the only way to use, NULL for the best one that works */
	const char *way;
	/* Limit of the wait, 0: MAP_WAIT_TIMEOUT_MS */
	__u32 timeout_ms;
	/* A descriptor, such as an eventfd, that ends the wait with -ECANCELED
	 * once it can be read from; 0: none
	 */
	int cancel_fd;
};

/**
 * @brief **map_wait_sleepable()** waits until each sleepable BPF program that
 * was running at the call has finished that run.
 * @param opts options, or NULL for the defaults
 * @return 0 only after a wait that took place; otherwise a negative error code,
 * as map_wait_sleepable_open() and map_wait_sleepable_run() return them
 */
int map_wait_sleepable(const struct map_wait_sleepable_opts *opts);

/**
 * @brief **map_wait_sleepable_open()** prepares a way to wait.
 *
 * bpf_call_rcu_tasks_trace: a kfunc, not in any release yet. Found in the
 * kernel's BTF, but not used by this version.
 *
 * uprobe: closing a uprobe's perf event that has a BPF program. Waits since
 * Linux 6.13, commit ef1b808e3b7c ("bpf: Fix UAF via mismatching
 * bpf_prog/attachment RCU flavors"), and in stable kernels that took it. Needs
 * CAP_SYS_ADMIN and CAP_SYS_PTRACE, /proc and /sys, and Linux 5.14 or later.
 *
 * @param w where to put the handle, to be closed with map_wait_sleepable_close()
 * @param opts options, or NULL for the defaults
 * @param why buffer for the reason of a failure, one line; may be NULL
 * @param why_size size of that buffer, MAP_WAIT_WHY is enough
 * @return 0 on success; otherwise a negative error code:
 * -EINVAL, opts are not valid, such as an unknown name of a way;
 * -EOPNOTSUPP, no way to wait works, or not the requested one;
 * -ENOMEM
 */
int map_wait_sleepable_open(struct map_wait_sleepable **w,
			    const struct map_wait_sleepable_opts *opts,
			    char *why, size_t why_size);

/**
 * @brief **map_wait_sleepable_prove()** makes sure that the way waits on this
 * kernel. Call it before anything that can't be taken back.
 *
 * A sleepable program, held for some 100 milliseconds, has to keep a wait from
 * returning. Other sleepable programs don't matter.
 *
 * @param w handle
 * @param why buffer for the reason of a failure, one line; may be NULL
 * @param why_size size of that buffer
 * @return as map_wait_sleepable_run()
 */
int map_wait_sleepable_prove(struct map_wait_sleepable *w, char *why,
			     size_t why_size);

/**
 * @brief **map_wait_sleepable_run()** waits until each sleepable BPF program
 * that was running at the call has finished that run. May be called again.
 *
 * The wait takes place in a separate process, because the kernel's wait can't be
 * interrupted. The caller gives up at the timeout, when cancel_fd becomes readable,
 * or when it is killed; the process ends by itself as soon as the kernel's wait
 * does, and holds nothing but that wait. (It is not a child of the caller, so it
 * leaves no zombie.) Each wait is proven as by map_wait_sleepable_prove(), with a
 * shorter proof if that was called before.
 *
 * @param w handle
 * @param why buffer for the reason of a failure, one line; may be NULL
 * @param why_size size of that buffer
 * @return 0 only after a wait that took place; otherwise a negative error code:
 * -ETIMEDOUT, sleepable programs were still running at the timeout;
 * -ECANCELED, cancel_fd became readable;
 * -EPROTO, the wait returned while a sleepable program was running, so it does
 * not wait on this kernel;
 * or what the kernel's call returned
 */
int map_wait_sleepable_run(struct map_wait_sleepable *w, char *why,
			   size_t why_size);

/**
 * @brief **map_wait_sleepable_close()** releases everything that a handle holds
 * @param w handle, or NULL
 */
void map_wait_sleepable_close(struct map_wait_sleepable *w);

/**
 * @brief **map_wait_sleepable_way()** returns the name of the way
 * @param w handle
 * @return the name, one of MAP_WAIT_SLEEPABLE_WAYS
 */
const char *map_wait_sleepable_way(const struct map_wait_sleepable *w);

/**
 * @brief **map_wait_sleepable_us()** returns how long the last wait took
 * @param w handle
 * @return microseconds
 */
__u64 map_wait_sleepable_us(const struct map_wait_sleepable *w);

#ifdef __cplusplus
}
#endif

#endif /* __MAP_WAIT_SLEEPABLE_H */
