/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Waiting until no running program still uses what it got from a map */

#ifndef __BPFTOOL_MAP_SYNC_H
#define __BPFTOOL_MAP_SYNC_H

#include <stdbool.h>
#include <stddef.h>

#include <linux/types.h>

/* One way to wait for a grace period that covers every running non-sleepable
 * BPF program. The kernel offers several, none of them everywhere.
 */
struct map_sync_provider {
	const char *name;
	/* The kernel waits this way by itself whenever user space updates a
	 * slot of a map-in-map: after such an update wait() is not needed.
	 */
	bool by_update;
	/* Does the running kernel have it? Returns 0, or -1 with the reason
	 * in @why.
	 */
	int (*probe)(char *why, size_t size);
	/* Sets up what wait() needs, outside of the time that is measured.
	 * May be NULL. Returns as probe().
	 */
	int (*prepare)(char *why, size_t size);
	/* Waits. Returns 0 only when the wait took place; else -1 with the
	 * reason in @why.
	 */
	int (*wait)(char *why, size_t size);
	/* Undoes prepare(). May be NULL. */
	void (*release)(void);
};

/**
 * map_sync_choose() - find a provider that the running kernel really has
 * @name:	the name of the only one to try, or NULL for the first that works
 * @update:	true when the caller updates a map-in-map slot and waits after
 *		that, so that a provider with by_update set needs no preparation
 *
 * Says with -d, on stderr, which one was taken and why the earlier ones were
 * passed over. To be paired with map_sync_done().
 *
 * Return: the provider; or NULL after one error that names each provider that
 * was tried and why it is not there.
 */
const struct map_sync_provider *map_sync_choose(const char *name, bool update);

/**
 * map_sync_wait() - wait with a provider that map_sync_choose() returned
 * @p:		the provider
 * @wait_us:	where to put the time spent waiting, in microseconds
 * @why:	where to put the reason of a failure
 * @size:	size of @why in bytes
 *
 * Return: 0 once every non-sleepable program that was running at the call has
 * finished that run; -1 with the reason in @why when that is not known to be
 * so, which no caller may take for a success.
 */
int map_sync_wait(const struct map_sync_provider *p, __u64 *wait_us,
		  char *why, size_t size);

/** map_sync_kernel_has_command() - does the kernel have BPF_SYNC_MAP_ACCESS? */
bool map_sync_kernel_has_command(void);

/** map_sync_done() - let go of what a provider holds; NULL is allowed */
void map_sync_done(const struct map_sync_provider *p);

/** map_sync_now_us() - monotonic time in microseconds */
__u64 map_sync_now_us(void);

#endif /* __BPFTOOL_MAP_SYNC_H */
