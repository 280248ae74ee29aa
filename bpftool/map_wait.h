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

/* The ways to wait, best first */
#define MAP_WAIT_COMMAND	"bpf_sync_map_access"
#define MAP_WAIT_UPDATE		"map_in_map_update"
#define MAP_WAIT_MEMBARRIER	"membarrier"

/* As help and errors show them */
#define MAP_WAIT_WAYS	MAP_WAIT_COMMAND " | " MAP_WAIT_UPDATE " | " MAP_WAIT_MEMBARRIER

/* Size of a buffer that holds any text put into "why" */
#define MAP_WAIT_WHY		1024

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

#define map_wait_opts__last_field log_ctx

/**
 * @brief **map_wait()** does what map_wait_open(), map_wait_run() and
 * map_wait_close() do.
 * @param opts options, or NULL for the defaults
 * @return 0 only after a wait that took place; otherwise a negative error code,
 * as map_wait_open() and map_wait_run() return them
 */
int map_wait(const struct map_wait_opts *opts);

/**
 * @brief **map_wait_open()** chooses the best way to wait that the running kernel
 * really has, and prepares it. To be called before what can't be taken back.
 *
 * bpf_sync_map_access: the command of bpf(2). Used only where the kernel's BTF
 * has its name and its number. Needs CAP_BPF.
 *
 * map_in_map_update: an update of a scratch map-in-map; waits since Linux 4.20,
 * commit 1ae80cf31938 ("bpf: wait for running BPF programs when updating
 * map-in-map"). Needs CAP_BPF.
 *
 * membarrier: MEMBARRIER_CMD_GLOBAL, since Linux 4.3. Not used while a single
 * CPU is online, where it returns without waiting, nor under nohz_full.
 *
 * @param w where to put the handle, to be closed with map_wait_close()
 * @param opts options, or NULL for the defaults
 * @param why buffer for the reason of a failure, one line; may be NULL
 * @param why_size size of that buffer, MAP_WAIT_WHY is enough
 * @return 0 on success; otherwise a negative error code:
 * -EINVAL, opts are not valid, such as an unknown name of a way;
 * -EOPNOTSUPP, there is no way to wait, or not the one that was asked for;
 * -ENOMEM
 */
int map_wait_open(struct map_wait **w, const struct map_wait_opts *opts,
		  char *why, size_t why_size);

/**
 * @brief **map_wait_run()** waits until each BPF program that was running at
 * the call has finished that run, unless it is sleepable. May be called again.
 * @param w handle
 * @param why buffer for the reason of a failure, one line; may be NULL
 * @param why_size size of that buffer
 * @return 0 only after a wait that took place; otherwise a negative error code:
 * -EOPNOTSUPP, a CPU went offline, so that membarrier may not have waited;
 * or what the kernel's call returned
 */
int map_wait_run(struct map_wait *w, char *why, size_t why_size);

/* map_wait_close() - release all that a handle holds; NULL is fine */
void map_wait_close(struct map_wait *w);

/* map_wait_way() - the name of the way that was chosen, one of MAP_WAIT_WAYS */
const char *map_wait_way(const struct map_wait *w);

/* map_wait_us() - how long the last wait took, in microseconds */
__u64 map_wait_us(const struct map_wait *w);

/* map_wait_by_update() - is the way map_in_map_update? */
bool map_wait_by_update(const struct map_wait *w);

/* map_wait_kernel_has_command() - does the kernel's BTF have BPF_SYNC_MAP_ACCESS,
 * with the number that libbpf has for it?
 */
bool map_wait_kernel_has_command(void);

#ifdef __cplusplus
}
#endif

#endif /* __MAP_WAIT_H */
