/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The record that the iterator in map_sleepable.bpf.c writes for each program */

#ifndef __MAP_SLEEPABLE_H
#define __MAP_SLEEPABLE_H

struct map_sleepable_entry {
	__u32 id;
	__u32 sleepable;
	__u32 target;		/* of an extension that was not attached yet */
};

#endif /* __MAP_SLEEPABLE_H */
