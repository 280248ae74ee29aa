/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Wait until no running BPF program still uses what it got from a map.
 *
 * Needs libbpf and nothing of bpftool. Keeps no global state: any number of
 * threads may wait at the same time, each with a handle of its own.
 */

#ifndef __MAP_WAIT_H
#define __MAP_WAIT_H

#include <stdbool.h>
#include <stddef.h>

#include <linux/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The ways to wait, best first: non-sleepable programs ... */
#define MAP_WAIT_COMMAND	"bpf_sync_map_access"
#define MAP_WAIT_UPDATE		"map_in_map_update"
#define MAP_WAIT_MEMBARRIER	"membarrier"
/* ... and sleepable ones */
#define MAP_WAIT_KFUNC		"bpf_call_rcu_tasks_trace"
#define MAP_WAIT_UPROBE		"uprobe"

/* As help and errors show them */
#define MAP_WAIT_WAYS							\
	MAP_WAIT_COMMAND " | " MAP_WAIT_UPDATE " | " MAP_WAIT_MEMBARRIER
#define MAP_WAIT_SLEEPABLE_WAYS						\
	MAP_WAIT_KFUNC " | " MAP_WAIT_UPROBE

#define MAP_WAIT_TIMEOUT_MS	30000
/* Size of a buffer that holds any text put into "why" */
#define MAP_WAIT_WHY		1024

struct map_wait;

struct map_wait_opts {
	/* Size of this struct, for compatibility */
	size_t sz;
	/* Name of the only way to use, NULL for the best one that works. The
	 * name of a way for sleepable programs chooses that one; the other is
	 * then the best one.
	 */
	const char *way;
	/* After the wait for non-sleepable programs wait for sleepable ones,
	 * and for callbacks of a bpf_wq or task work, too: all that runs under
	 * RCU Tasks Trace.
	 */
	bool sleepable;
	/* The caller is about to update a slot of a map-in-map. Where that
	 * update is itself the wait, map_wait_run() does not wait another time
	 * for non-sleepable programs. As an update can't be taken back, the
	 * way for sleepable programs is proven by map_wait_open() already.
	 */
	bool after_update;
	/* Limit of the wait for sleepable programs, 0: MAP_WAIT_TIMEOUT_MS */
	__u32 timeout_ms;
	/* Ends the wait for sleepable programs with -ECANCELED once it can be
	 * read from, such as an eventfd; 0: there is none
	 */
	int cancel_fd;
	/* Called with a line of text for each way that was passed over, chosen
	 * or used; may be NULL
	 */
	void (*log)(void *ctx, const char *line);
	void *log_ctx;
};

#define map_wait_opts__last_field log_ctx

/**
 * @brief **map_wait()** waits until each BPF program that was running at the
 * call has finished that run.
 *
 * It does what map_wait_open(), map_wait_run() and map_wait_close() do.
 *
 * @param opts options, or NULL for the defaults
 * @return 0 only after a wait that took place; otherwise a negative error code,
 * as map_wait_open() and map_wait_run() return them
 */
int map_wait(const struct map_wait_opts *opts);

/**
 * @brief **map_wait_open()** chooses a way to wait that the running kernel
 * really has, and prepares it.
 *
 * Called before something that can't be taken back, it finds out that there is
 * no way to wait while that costs nothing. The ways, best first:
 *
 * bpf_sync_map_access: the command of bpf(2). Used only where the kernel's BTF
 * names it and gives it the number that libbpf has for it. Needs CAP_BPF.
 *
 * map_in_map_update: an update of a scratch map-in-map; waits since Linux 4.20,
 * commit 1ae80cf31938 ("bpf: wait for running BPF programs when updating
 * map-in-map"). Needs CAP_BPF.
 *
 * membarrier: MEMBARRIER_CMD_GLOBAL, since Linux 4.3. Not used while a single
 * CPU is online, where it returns without waiting, nor under nohz_full.
 *
 * For sleepable programs:
 *
 * bpf_call_rcu_tasks_trace: a kfunc, not in any release yet. Found in the kernel's BTF,
 * but not used by this version.
 *
 * uprobe: closing a uprobe's perf event that has a BPF program. Waits since
 * Linux 6.13, commit ef1b808e3b7c ("bpf: Fix UAF via mismatching
 * bpf_prog/attachment RCU flavors"), and in stable kernels that took it. As that
 * is a side effect, each wait is proven: see map_wait_run(). Needs CAP_BPF,
 * CAP_PERFMON and CAP_SYS_PTRACE, /proc and /sys, and Linux 5.14 or later.
 *
 * @param w where to put the handle, to be closed with map_wait_close()
 * @param opts options, or NULL for the defaults
 * @param why buffer for the reason of a failure, one line; may be NULL
 * @param why_size size of that buffer, MAP_WAIT_WHY is enough
 * @return 0 on success; otherwise a negative error code:
 * -EINVAL, opts are not valid, such as an unknown name of a way;
 * -EOPNOTSUPP, there is no way to wait, or not the one that was asked for;
 * -EPROTO, a way for sleepable programs does not wait on this kernel;
 * -ETIMEDOUT or -ECANCELED, as map_wait_run();
 * -ENOMEM
 */
int map_wait_open(struct map_wait **w, const struct map_wait_opts *opts,
		  char *why, size_t why_size);

/**
 * @brief **map_wait_run()** waits until each BPF program that was running at
 * the call has finished that run. May be called again.
 *
 * The wait for sleepable programs takes place in a child process, because
 * the kernel's wait can't be interrupted. It is given up at the timeout or when
 * cancel_fd becomes readable, or when the caller is killed; the child ends by
 * itself as soon as the kernel's wait does, and holds nothing but that wait. (It
 * is not a child of the caller's, which so gets no zombie.) Each such wait is
 * proven: a sleepable program, held for some 50 milliseconds, has to keep it
 * from returning.
 *
 * @param w handle
 * @param why buffer for the reason of a failure, one line; may be NULL
 * @param why_size size of that buffer
 * @return 0 only after a wait that took place; otherwise a negative error code:
 * -ETIMEDOUT, sleepable programs were still running at the timeout;
 * -ECANCELED, cancel_fd became readable;
 * -EPROTO, the wait returned while a sleepable program was running;
 * -EOPNOTSUPP, a CPU went offline, so that membarrier may not have waited;
 * or what the kernel's call returned
 */
int map_wait_run(struct map_wait *w, char *why, size_t why_size);

/**
 * @brief **map_wait_close()** releases all that a handle holds
 * @param w handle, or NULL
 */
void map_wait_close(struct map_wait *w);

/**
 * @brief **map_wait_way()** returns the name of the way that was chosen
 * @param w handle
 * @return the name, one of MAP_WAIT_WAYS
 */
const char *map_wait_way(const struct map_wait *w);

/**
 * @brief **map_wait_us()** returns how long the last wait took
 * @param w handle
 * @return microseconds spent in the wait for non-sleepable programs
 */
__u64 map_wait_us(const struct map_wait *w);

/**
 * @brief **map_wait_sleepable_way()** returns the name of the way that was
 * chosen for sleepable programs
 * @param w handle
 * @return the name, one of MAP_WAIT_SLEEPABLE_WAYS; NULL without opts.sleepable
 */
const char *map_wait_sleepable_way(const struct map_wait *w);

/**
 * @brief **map_wait_sleepable_us()** returns how long the last wait took
 * @param w handle
 * @return microseconds spent in the wait for sleepable programs
 */
__u64 map_wait_sleepable_us(const struct map_wait *w);

/**
 * @brief **map_wait_by_update()** tells whether an update of a map-in-map slot
 * is the wait for non-sleepable programs
 * @param w handle
 * @return true if the way is map_in_map_update
 */
bool map_wait_by_update(const struct map_wait *w);

/**
 * @brief **map_wait_kernel_has_command()** tells whether the running kernel
 * has the command BPF_SYNC_MAP_ACCESS
 * @return true if its BTF has the name and the number
 */
bool map_wait_kernel_has_command(void);

#ifdef __cplusplus
}
#endif

#endif /* __MAP_WAIT_H */
