// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* The slots of a map-in-map: reading and swapping them
 *
 * The kernel waits for a grace period after each update of a slot, and before
 * Linux 6.8 in each lookup as well. Since 6.8 a batch waits once. Before that,
 * concurrent waiters share grace periods: many threads handle single slots.
 */

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include <bpf/bpf.h>

#include "map_msg.h"
#include "map_in_map.h"
#include "map_ref.h"

#define BATCH		1024

/* More threads were slower again */
#define THREADS_MAX	256
#define THREAD_STACK	65536

/* Before commit 37ba5b59d6ad ("bpf: Call maybe_wait_bpf_programs() only once
 * for generic_map_update_batch()") in Linux 6.8 a batch on a map-in-map waited
 * for a grace period in each slot.
 */
static bool batch_waits_once(void)
{
	struct utsname uts;
	int major, minor;

	if (uname(&uts) ||
	    sscanf(uts.release, "%d.%d", &major, &minor) != 2)
		return false;

	return major > 6 || (major == 6 && minor >= 8);
}

/* Calls to make, in no order; each thread takes the next one */
struct calls {
	unsigned int nr;
	unsigned int next;
	void (*fn)(unsigned int i, void *ctx);
	void *ctx;
};

static void *make_calls(void *arg)
{
	struct calls *calls = arg;
	unsigned int i;

	for (;;) {
		i = __atomic_fetch_add(&calls->next, 1, __ATOMIC_RELAXED);
		if (i >= calls->nr)
			return NULL;
		calls->fn(i, calls->ctx);
	}
}

/* Call a function with every number below @nr. Calls that wait at the same time
 * share a grace period. Each thread starts right away, so the first ones already
 * wait while others are created. Signals stay blocked in them: only the main
 * thread handles those.
 */
static void call_in_threads(unsigned int nr,
			    void (*fn)(unsigned int i, void *ctx), void *ctx)
{
	struct calls calls = { .nr = nr, .fn = fn, .ctx = ctx };
	unsigned int i, started = 0;
	pthread_t threads[THREADS_MAX];
	sigset_t all, before;
	pthread_attr_t attr;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	pthread_attr_init(&attr);
	/* Some machines need more */
	if (pthread_attr_setstacksize(&attr, THREAD_STACK))
		pthread_attr_setstacksize(&attr, PTHREAD_STACK_MIN);
	while (started < THREADS_MAX && started + 1 < nr &&
	       !pthread_create(&threads[started], &attr, make_calls, &calls))
		started++;
	pthread_attr_destroy(&attr);
	pthread_sigmask(SIG_SETMASK, &before, NULL);

	/* If no thread could be created it only takes longer */
	make_calls(&calls);
	for (i = 0; i < started; i++)
		pthread_join(threads[i], NULL);
}

struct reader {
	const struct map_ref *outer;
	__u32 ids[BATCH];	/* of the maps in the slots */
	int errs[BATCH];	/* of single lookups */
	void *cursor, *next_cursor;
	__u32 count;
	bool started, last;
	bool batched;		/* false: slot by slot, where the kernel has no batches */
	char keys[];		/* BATCH of them, then the cursors */
};

static struct reader *reader_new(const struct map_ref *outer)
{
	/* A cursor is a key or a bucket number */
	size_t size = outer->info.key_size < sizeof(__u64) ?
		      sizeof(__u64) : outer->info.key_size;
	struct reader *r = NULL;

	if (size < SIZE_MAX / (BATCH + 3))
		r = calloc(1, sizeof(*r) + (BATCH + 2) * size);
	if (!r)
		return NULL;
	r->outer = outer;
	r->batched = batch_waits_once();
	r->cursor = r->keys + BATCH * size;
	r->next_cursor = r->cursor + size;

	return r;
}

static void look_up_nth(unsigned int i, void *ctx)
{
	struct reader *r = ctx;
	void *key = r->keys + (size_t)i * r->outer->info.key_size;

	r->errs[i] = bpf_map_lookup_elem(r->outer->fd, key, &r->ids[i]) ?
			     -errno : 0;
}

/* Getting the next key does not wait: collect the keys first */
static int next_in_threads(struct reader *r)
{
	__u32 key_size = r->outer->info.key_size;
	void *key;

	for (r->count = 0; r->count < BATCH; r->count++) {
		key = r->keys + (size_t)r->count * key_size;
		if (bpf_map_get_next_key(r->outer->fd,
					 r->started ? r->cursor : NULL, key)) {
			if (errno != ENOENT)
				return -errno;
			r->last = true;
			break;
		}
		r->started = true;
		memcpy(r->cursor, key, key_size);
	}
	call_in_threads(r->count, look_up_nth, r);

	return 0;
}

static int next_batch(struct reader *r)
{
	unsigned int tries = 0;
	void *tmp;
	int err;

	LIBBPF_OPTS(bpf_map_batch_opts, opts);

	do {
		r->count = BATCH;
		err = bpf_map_lookup_batch(r->outer->fd,
					   r->started ? r->cursor : NULL,
					   r->next_cursor, r->keys, r->ids,
					   &r->count, &opts) ? -errno : 0;
	} while (map_try_again(err, &tries));
	if (err == -ENOENT) {
		r->last = true;
		return 0;
	}
	if (err) {
		/* Some kernels (6.8 to 6.13) end a batch at an empty slot of
		 * an array. Continue slot by slot: there a cursor is a key.
		 */
		if (r->started &&
		    r->outer->info.type != BPF_MAP_TYPE_ARRAY_OF_MAPS)
			return err;
		r->batched = false;
		return next_in_threads(r);
	}
	tmp = r->cursor;
	r->cursor = r->next_cursor;
	r->next_cursor = tmp;
	r->started = true;

	return 0;
}

int map_in_map_each(const struct map_ref *outer, map_in_map_fn fn, void *ctx)
{
	struct reader *r = reader_new(outer);
	int ret = 0;
	__u32 i;

	if (!r)
		return -ENOMEM;

	while (!ret && !r->last) {
		ret = r->batched ? next_batch(r) : next_in_threads(r);
		for (i = 0; !ret && i < r->count; i++) {
			if (r->errs[i] == -ENOENT)	/* an empty slot */
				continue;
			ret = r->errs[i] ? :
			      fn(outer, r->keys + (size_t)i * outer->info.key_size,
				 r->ids[i], ctx);
		}
	}
	free(r);

	return ret;
}

int map_in_map_each_of(__u32 outer_id, map_in_map_fn fn, void *ctx)
{
	struct map_ref outer;
	int ret = map_ref_open(&outer, outer_id, BPF_F_RDONLY);

	if (ret)
		return ret == -ENOENT ? 0 : ret;
	if (map_is_map_in_map(outer.info.type))
		ret = map_in_map_each(&outer, fn, ctx);
	map_ref_close(&outer);

	return ret;
}

struct swap {
	const struct map_ref *outer;
	struct map_in_map_slot *slots;
	unsigned int nr;
	int err;		/* the last error of any slot */
};

static void update_nth(unsigned int i, void *ctx)
{
	struct swap *s = ctx;
	struct map_in_map_slot *slot = &s->slots[i];
	__u64 flags = BPF_ANY;
	int err;

	/* A slot that was deleted must not come back. A slot of an array can't
	 * be deleted, and array_of_maps rejects the flag.
	 */
	if (s->outer->info.type == BPF_MAP_TYPE_HASH_OF_MAPS)
		flags = BPF_EXIST;

	err = map_retry(bpf_map_update_elem(s->outer->fd, slot->key, &slot->fd, flags));
	slot->swapped = !err;
	if (err)
		__atomic_store_n(&s->err, err, __ATOMIC_RELAXED);
}

static int update_batch(const struct swap *s)
{
	__u32 i, count, done = 0, key_size = s->outer->info.key_size;
	char *keys = malloc((size_t)s->nr * key_size);
	int *fds = malloc(s->nr * sizeof(*fds));
	unsigned int tries = 0;
	int err = -ENOMEM;

	LIBBPF_OPTS(bpf_map_batch_opts, opts);

	if (!keys || !fds)
		goto free_arrays;
	for (i = 0; i < s->nr; i++) {
		memcpy(keys + (size_t)i * key_size, s->slots[i].key, key_size);
		fds[i] = s->slots[i].fd;
	}

	do {
		count = s->nr - done;
		err = bpf_map_update_batch(s->outer->fd,
					   keys + (size_t)done * key_size,
					   fds + done, &count, &opts) ? -errno : 0;
		/* A kernel that rejects the whole call leaves count unchanged */
		if (err && count == s->nr - done)
			count = 0;
		if (count)
			tries = 0;
		while (count--)
			s->slots[done++].swapped = true;
	} while (map_try_again(err, &tries));

free_arrays:
	free(keys);
	free(fds);
	return err;
}

int map_in_map_swap(const struct map_ref *outer, struct map_in_map_slot *slots,
		    unsigned int nr)
{
	struct swap s = { .outer = outer, .slots = slots, .nr = nr };
	bool batched = nr > 1 && batch_waits_once();
	int err;

	if (batched) {
		err = update_batch(&s);
		if (!err || slots[0].swapped)
			return err;
	}
	if (nr > 1)
		map_debug("slots are swapped one by one: %s", batched ?
			  strerror(-err) :
			  "on this kernel a batch waits for each of them");
	call_in_threads(nr, update_nth, &s);

	return s.err;
}
