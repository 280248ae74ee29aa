/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What starts callbacks, for test programs. The headers of older bases do not know it,
 * and the kernel goes by name and size alone.
 */
#ifndef WQ_H
#define WQ_H

#define bpf_wq bpf_wq___of_the_header
#define bpf_task_work bpf_task_work___of_the_header
#include <linux/bpf.h>
#undef bpf_wq
#undef bpf_task_work
#include "maps.bpf.h"

struct bpf_task_work {
	__u64 __opaque;
};

struct bpf_wq {
	__u64 __opaque[2];
};

int bpf_wq_init(struct bpf_wq *wq, void *map, unsigned int flags) __ksym;
int bpf_wq_start(struct bpf_wq *wq, unsigned int flags) __ksym;

/* 7.0 has the first one. Both are weak: the kernel removes the call of the other. */
int bpf_wq_set_callback(struct bpf_wq *wq,
			int (*callback)(void *, int *, void *),
			unsigned int flags) __ksym __weak;
int bpf_wq_set_callback_impl(struct bpf_wq *wq,
			     int (*callback)(void *, int *, void *),
			     unsigned int flags, void *aux) __ksym __weak;

#ifndef bpf_ksym_exists
#define bpf_ksym_exists(sym)	(!!(sym))
#endif

static __always_inline int wq_set_callback(struct bpf_wq *wq,
					   int (*callback)(void *, int *, void *))
{
	return bpf_ksym_exists(bpf_wq_set_callback) ?
	       bpf_wq_set_callback(wq, callback, 0) :
	       bpf_wq_set_callback_impl(wq, callback, 0, NULL);
}

#endif
