/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Wait until no running BPF program still uses what it got from a map. Needs libbpf
 * only. Threads may wait at the same time, each with a handle of its own.
 */

#ifndef __MAP_WAIT_H
#define __MAP_WAIT_H

#include <stdbool.h>
#include <stddef.h>

#include <linux/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The ways to wait, best first: the command of bpf(2), used only where the kernel's
 * BTF has its name and its number; an update of a scratch map-in-map, which waits
 * since Linux 4.20, commit 1ae80cf31938 ("bpf: wait for running BPF programs when
 * updating map-in-map"); MEMBARRIER_CMD_GLOBAL, since Linux 4.3, but not under
 * nohz_full nor while a single CPU is online, where it returns without waiting.
 * The first two need CAP_BPF.
 */
#define MAP_WAIT_COMMAND	"bpf_sync_map_access"
#define MAP_WAIT_UPDATE		"map_in_map_update"
#define MAP_WAIT_MEMBARRIER	"membarrier"

/* As help and errors show them */
#define MAP_WAIT_WAYS	MAP_WAIT_COMMAND " | " MAP_WAIT_UPDATE " | " MAP_WAIT_MEMBARRIER

#define MAP_WAIT_WHY		1024	/* bytes, enough for any text put into "why" */

struct map_wait;

struct map_wait_opts {
	/* Size of this struct, for compatibility */
	size_t sz;
	/* Name of the only way to use, NULL for the best one that works */
	const char *way;
	/* The caller updates a slot of a map-in-map after map_wait_open(). Where
	 * that waits, map_wait_run() does not wait again.
	 */
	bool after_update;
	/* Called with a line for each way that was passed over or used, or NULL */
	void (*log)(void *ctx, const char *line);
	void *log_ctx;
};

/**
 * @brief **map_wait_open()** chooses the best way to wait that the running kernel
 * really has, and prepares it. Call it before anything that can't be taken back.
 * @param w where to put the handle, to be closed with map_wait_close()
 * @param opts options, or NULL for the defaults
 * @param why buffer for the reason of a failure, one line; may be NULL
 * @param why_size size of that buffer in bytes, MAP_WAIT_WHY is enough
 * @return 0 on success; otherwise -EINVAL, opts are not valid, such as an unknown
 * way; -EOPNOTSUPP, no way to wait works, or not the requested one; or -ENOMEM
 */
int map_wait_open(struct map_wait **w, const struct map_wait_opts *opts,
		  char *why, size_t why_size);

/**
 * @brief **map_wait_run()** waits until each BPF program that was running at
 * the call has finished that run, unless it is sleepable. May be called again.
 * @param w handle
 * @param why, why_size as for map_wait_open()
 * @return 0 only after a wait that took place; otherwise -EOPNOTSUPP, a CPU went
 * offline, so that membarrier may not have waited; or -errno of the kernel's call
 */
int map_wait_run(struct map_wait *w, char *why, size_t why_size);

/* map_wait_close() - release everything that a handle holds; NULL is fine */
void map_wait_close(struct map_wait *w);

/* map_wait() - open, run and close in one; returns 0 or an error as these do */
int map_wait(const struct map_wait_opts *opts);

/* map_wait_way() - the name of the way that was chosen, one of MAP_WAIT_WAYS */
const char *map_wait_way(const struct map_wait *w);

/* map_wait_us() - how long the last wait took, in microseconds */
__u64 map_wait_us(const struct map_wait *w);

/* map_wait_by_update() - is the way map_in_map_update? */
bool map_wait_by_update(const struct map_wait *w);

/* map_wait_kernel_has_command() - does this kernel have the way bpf_sync_map_access? */
bool map_wait_kernel_has_command(void);

#ifdef __cplusplus
}
#endif

#endif /* __MAP_WAIT_H */
