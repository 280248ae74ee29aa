/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Helpers of map_wait.c that map_wait_sleepable's files use too */

#ifndef __MAP_WAIT_IMPL_H
#define __MAP_WAIT_IMPL_H

#include "map_wait.h"

/* map_wait_fail() - put a reason into @why, of MAP_WAIT_WHY bytes; returns @err */
int map_wait_fail(char *why, int err, const char *fmt, ...);

/* map_wait_opts_copy() - false if the caller has set a member that is not known here */
bool map_wait_opts_copy(void *dst, size_t size, const void *opts);

/* map_wait_give() - hand @reason of @err to a caller; returns @err */
int map_wait_give(int err, const char *reason, char *why, size_t why_size);

__u64 map_wait_now_us(void);

#endif /* __MAP_WAIT_IMPL_H */
