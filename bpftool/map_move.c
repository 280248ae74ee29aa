// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Moves what programs counted in one map into another. A program exchanges each
 * counter with 0; an iterator runs it where there are many entries or another type.
 * For a per-CPU map it runs on each CPU, from a thread that is pinned there. The
 * elements of a queue are popped and pushed.
 */

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "map_move.h"
#include "map_move_impl.h"
#include "map_ref.h"

#ifdef BPFTOOL_WITHOUT_SKELETONS

int map_move_open(struct map_move **m, const struct map_move_opts *opts,
		  char *why, size_t size)
{
	snprintf(why, size, "bpftool was built without BPF skeletons");
	return -EOPNOTSUPP;
}

int map_move_run(struct map_move *m, struct map_move_result *res)
{
	return -EOPNOTSUPP;
}

void map_move_close(struct map_move *m)
{
}

#else /* BPFTOOL_WITHOUT_SKELETONS */

#include "skeleton/map_move_kinds.h"
#include "map_move.skel.h"

/* The verifier follows the loop over a value, 4 bytes a turn, and has a limit */
#define PART_UNITS	8192

/* Runs without progress: a CPU comes and goes, or a lock is not free */
#define RUN_TRIES	100

static const char * const mover_names[] = {
	[MOVER_EACH]	= "for_each",
	[MOVER_ITER]	= "iterator",
	[MOVER_OWN]	= "per_cpu",
	[MOVER_CPU]	= "per_cpu",
	[MOVER_POP]	= "pop",
};

struct map_move {
	struct map_move_opts opts;
	enum mover mover;
	int layout_fd, scratch_fd;
	__u32 units;			/* of 4 bytes in a value */
	__u32 begin;			/* of the part that is loaded */
	bool others;			/* not all of a value is counters */
	struct map_move_bpf *skel;
};

static bool has_keys(__u32 type)
{
	return type != BPF_MAP_TYPE_ARRAY && type != BPF_MAP_TYPE_PERCPU_ARRAY;
}

/* Of the counter at @unit; 0: not known */
static unsigned int counter_size(const struct map_move *m, __u32 unit)
{
	return m->opts.sizes ? m->opts.sizes[unit * 4] : 0;
}

/* What the 4 bytes at @unit are, or -EINVAL for a part of a counter */
static int unit_kind(const struct map_move *m, __u32 unit)
{
	const __u8 *bytes = m->opts.bytes + unit * 4;
	unsigned int found = map_move_counter_bytes(bytes);

	if (found % 4)
		return -EINVAL;
	if (!found)
		return MOVE_OTHER;
	if (unit + 1 == m->units || map_move_counter_bytes(bytes + 4) != 4 ||
	    counter_size(m, unit) == 4 || counter_size(m, unit + 1) == 4)
		return MOVE_U32;
	if (unit % 2 == 0)
		return MOVE_U64;

	/* It can't be exchanged but in halves, which can't be subtracted */
	return m->opts.since && counter_size(m, unit) == 8 &&
	       counter_size(m, unit + 1) == 8 && (unit + 1) % PART_UNITS ?
		       MOVE_U64 : MOVE_U32;
}

/* Frozen, so that the verifier knows what is in it */
static int create_layout(struct map_move *m)
{
	__u32 zero = 0, i;
	__u8 *kinds;
	int err, kind;

	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_RDONLY_PROG);

	kinds = calloc(m->units, 1);
	if (!kinds)
		return -ENOMEM;
	for (i = 0; m->opts.bytes && i < m->units; i++) {
		kind = unit_kind(m, i);
		if (kind < 0) {
			free(kinds);
			return kind;
		}
		kinds[i] = kind;
		m->others |= kind == MOVE_OTHER;
		i += kind == MOVE_U64;
	}

	m->layout_fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "layout", 4, m->units,
				      1, &opts);
	err = m->layout_fd < 0 ||
	      bpf_map_update_elem(m->layout_fd, &zero, kinds, 0) ||
	      bpf_map_freeze(m->layout_fd) ? -errno : 0;
	free(kinds);

	return err;
}

static int create_maps(struct map_move *m)
{
	int err;

	err = create_layout(m);
	if (err)
		return err;

	m->scratch_fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "scratch", 4,
				       MOVE_KEY_MAX + m->units * 4, 1, NULL);

	return m->scratch_fd < 0 ? -errno : 0;
}

static struct bpf_program *program(const struct map_move *m)
{
	switch (m->mover) {
	case MOVER_ITER:
		return m->skel->progs.move_iter;
	case MOVER_EACH:
	case MOVER_OWN:
		return m->skel->progs.move_each;
	case MOVER_CPU:
		return m->skel->progs.move_cpu;
	default:
		return m->skel->progs.move_pop;
	}
}

static int use_maps(struct map_move *m)
{
	const struct map_move_opts *o = &m->opts;
	const struct {
		struct bpf_map *map;
		int fd;
	} maps[] = {
		{ m->skel->maps.map, o->map->fd },
		{ m->skel->maps.stage, o->stage->fd },
		{ m->skel->maps.last, o->last ? o->last->fd : -1 },
		{ m->skel->maps.now, o->now ? o->now->fd : -1 },
		{ m->skel->maps.layout, m->layout_fd },
		{ m->skel->maps.scratch, m->scratch_fd },
		{}
	};
	unsigned int i;
	int err;

	for (i = 0; maps[i].map; i++) {
		if (maps[i].fd < 0)
			continue;
		err = bpf_map__reuse_fd(maps[i].map, maps[i].fd);
		if (err)
			return err;
	}

	return 0;
}

/* Load the program for the part of a value that begins at @begin */
static int load_part(struct map_move *m, __u32 begin)
{
	const struct map_move_opts *o = &m->opts;
	struct bpf_program *prog;
	int err;

	if (m->mover == MOVER_ITER && o->map->info.key_size > MOVE_KEY_MAX)
		return -E2BIG;
	map_move_bpf__destroy(m->skel);
	m->skel = map_move_bpf__open();
	if (!m->skel)
		return -errno;

	m->begin = begin;
	m->skel->rodata->begin = begin;
	m->skel->rodata->end = begin + PART_UNITS < m->units ?
			       begin + PART_UNITS : m->units;
	m->skel->rodata->key_size = o->map->info.key_size;
	m->skel->rodata->max_entries = o->map->info.max_entries;
	m->skel->rodata->has_keys = has_keys(o->map->info.type);
	m->skel->rodata->is_since = o->since;
	m->skel->rodata->has_last = !!o->last;
	m->skel->rodata->revisit = m->others &&
		(m->units > PART_UNITS || m->mover == MOVER_OWN ||
		 m->mover == MOVER_CPU);

	bpf_object__for_each_program(prog, m->skel->obj)
		bpf_program__set_autoload(prog, prog == program(m));

	err = use_maps(m);

	return err ? : map_move_bpf__load(m->skel);
}

static void add_result(const struct map_move *m, struct map_move_result *res)
{
	res->moved += m->skel->bss->moved;
	res->left += m->skel->bss->left;
	res->shrank += m->skel->bss->shrank;
	res->lost += m->skel->bss->lost;
	m->skel->bss->moved = 0;
	m->skel->bss->left = 0;
	m->skel->bss->shrank = 0;
}

/* Reading an iterator to its end runs its program for every entry */
static int run_iter(struct map_move *m)
{
	union bpf_iter_link_info info = { .map.map_fd = m->opts.map->fd };
	struct bpf_link *link;
	int fd, err = 0;
	char byte;

	LIBBPF_OPTS(bpf_iter_attach_opts, opts, .link_info = &info,
		    .link_info_len = sizeof(info));

	link = bpf_program__attach_iter(program(m), &opts);
	if (!link)
		return -errno;
	fd = bpf_iter_create(bpf_link__fd(link));
	if (fd < 0) {
		err = -errno;
		goto destroy_link;
	}
	while (read(fd, &byte, 1) < 0) {
		/* EAGAIN comes after every million entries */
		if (errno == EAGAIN || errno == EINTR)
			continue;
		err = -errno;
		break;
	}
	close(fd);

destroy_link:
	bpf_link__destroy(link);
	return err;
}

static int run_program(struct map_move *m, __u64 arg, __u32 *result)
{
	int err;

	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = &arg,
		    .ctx_size_in = sizeof(arg));

	err = bpf_prog_test_run_opts(bpf_program__fd(program(m)), &opts);
	*result = opts.retval;

	return err ? -errno : 0;
}

static int run_cpu(struct map_move *own, struct map_move *other,
		   int cpu, struct map_move_result *res, bool *done)
{
	int online = move_cpu_is_online(cpu), err;
	__u32 ran_on = cpu;

	if (online < 0)
		return online;
	if (online) {
		err = move_cpu_pin(cpu);
		if (!err && res)
			err = run_program(own, 0, &ran_on);
		/* The CPU may have gone offline and the thread moved to another,
		 * where the program did no harm
		 */
		*done = !err && ran_on == (__u32)cpu;
		return err == -EINVAL ? 0 : err;
	}

	err = other->skel ? 0 : load_part(other, own->begin);
	if (!err && res)
		err = run_program(other, cpu, &ran_on);
	if (err)
		return err;
	/* If it is online by now, programs there may have added in between */
	*done = !move_cpu_is_online(cpu);
	if (!*done && res && !own->opts.since)
		res->unsure++;

	return 0;
}

/* Run on all possible CPUs, and again on those that came or went in between.
 * Without @res, only find out whether that works.
 */
static int run_cpus(struct map_move *m, struct map_move_result *res)
{
	struct map_move other = *m;
	unsigned int tries, to_do = 1;
	bool *possible, done = false;
	struct cpu_mask before;
	int nr, cpu, err = 0;

	possible = move_cpu_list("possible", &nr);
	if (!possible)
		return -ENOENT;
	if (sched_getaffinity(0, sizeof(before), before.sets)) {
		err = -errno;
		goto free_cpus;
	}
	other.mover = MOVER_CPU;
	other.skel = NULL;

	for (tries = 0; !err && to_do && tries < RUN_TRIES; tries++) {
		for (cpu = 0, to_do = 0; cpu < nr && !err; cpu++) {
			if (!possible[cpu])
				continue;
			err = run_cpu(m, &other, cpu, res, &done);
			possible[cpu] = !done;
			to_do += !done;
		}
	}
	if (!err && to_do)
		err = res ? -EAGAIN : -EINVAL;

	sched_setaffinity(0, sizeof(before), before.sets);
	if (other.skel && res)
		add_result(&other, res);
	map_move_bpf__destroy(other.skel);
free_cpus:
	free(possible);
	return err;
}

static int run_pop(struct map_move *m)
{
	unsigned int tries = 0;
	__u64 before;
	__u32 end;
	int err;

	do {
		before = m->skel->bss->moved;
		err = run_program(m, 0, &end);
		if (m->skel->bss->moved != before)
			tries = 0;
	} while (!err && !end && tries++ < RUN_TRIES);

	return err ? : end ? 0 : -EBUSY;
}

static int run_part(struct map_move *m, struct map_move_result *res)
{
	__u32 ignored;
	int err;

	switch (m->mover) {
	case MOVER_EACH:
		err = run_program(m, 0, &ignored);
		break;
	case MOVER_ITER:
		err = run_iter(m);
		break;
	case MOVER_POP:
		err = run_pop(m);
		break;
	default:
		err = run_cpus(m, res);
	}
	add_result(m, res);

	return err;
}

int map_move_run(struct map_move *m, struct map_move_result *res)
{
	unsigned int rounds, begin;
	int err = 0;

	memset(res, 0, sizeof(*res));
	res->mover = mover_names[m->mover];

	/* Bytes that are not counters are copied only if the stage has the entry,
	 * which the run for another CPU, or another part of the value, may create
	 */
	for (rounds = m->skel->rodata->revisit ? 2 : 1; rounds; rounds--) {
		res->shrank = 0;
		res->moved = m->opts.since ? 0 : res->moved;
		for (begin = 0; begin < m->units; begin += PART_UNITS) {
			if (begin != m->begin)
				err = load_part(m, begin);
			if (!err)
				err = run_part(m, res);
			if (err)
				return err;
		}
	}

	return 0;
}

int map_move_open(struct map_move **mp, const struct map_move_opts *opts,
		  char *why, size_t size)
{
	libbpf_print_fn_t print = NULL;
	struct map_move *m;
	int err;

	m = calloc(1, sizeof(*m));
	if (!m)
		return -ENOMEM;
	m->opts = *opts;
	m->mover = move_choose(&opts->map->info);
	m->units = (opts->map->info.value_size + 3) / 4;
	m->layout_fd = -1;
	m->scratch_fd = -1;

	if (!opts->verbose)
		print = libbpf_set_print(NULL);
	err = create_maps(m);
	if (!err)
		err = load_part(m, 0);
	if (err && m->mover == MOVER_EACH) {
		m->mover = MOVER_ITER;
		err = load_part(m, 0);
	}
	if (!err && m->mover == MOVER_OWN)
		err = run_cpus(m, NULL);
	if (err) {
		move_explain(m->mover, err, &opts->map->info, why, size);
		map_move_close(m);
	} else {
		*mp = m;
	}
	if (!opts->verbose)
		libbpf_set_print(print);

	return err;
}

void map_move_close(struct map_move *m)
{
	if (!m)
		return;
	map_move_bpf__destroy(m->skel);
	if (m->layout_fd >= 0)
		close(m->layout_fd);
	if (m->scratch_fd >= 0)
		close(m->scratch_fd);
	free(m);
}

#endif /* BPFTOOL_WITHOUT_SKELETONS */
