/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Inner maps of a type that the command line names: what the drivers of the
 * race tests share.
 */
#ifndef TESTS_INNER_H
#define TESTS_INNER_H

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>

/* LRU maps keep free entries on lists of each CPU, and may evict while others
 * still have some: far more than the keys of a test, so that they never do.
 */
#define LRU_ENTRIES	10240

static inline int inner_is_lru(int type)
{
	return type == BPF_MAP_TYPE_LRU_HASH ||
	       type == BPF_MAP_TYPE_LRU_PERCPU_HASH;
}

static inline int inner_is_percpu(int type)
{
	return type == BPF_MAP_TYPE_PERCPU_HASH ||
	       type == BPF_MAP_TYPE_PERCPU_ARRAY ||
	       type == BPF_MAP_TYPE_LRU_PERCPU_HASH;
}

/* What the inner maps of an outer map look like */
struct inner_template {
	int type;
	__u32 entries;
	const struct bpf_object *obj;
	__u32 key_btf, value_btf;	/* types in the object's BTF */
	bool no_types;
};

/* A map that the outer map takes. Once the object is loaded it has BTF types,
 * so that a dump of it prints numbers.
 */
static inline int inner_create(const struct inner_template *t, const char *name)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts);
	int btf_fd = bpf_object__btf_fd(t->obj);

	if (btf_fd >= 0 && !t->no_types) {
		opts.btf_fd = btf_fd;
		opts.btf_key_type_id = t->key_btf;
		opts.btf_value_type_id = t->value_btf;
	}

	return bpf_map_create(t->type, name, sizeof(__u32), sizeof(__u64),
			      t->entries, &opts);
}

/* Before the object is loaded: have its map "outer", an array or a hash, take maps of
 * t->type
 */
static inline int inner_set_template(struct inner_template *t,
				     struct bpf_object *obj, bool outer_hash,
				     __u32 entries)
{
	struct bpf_map *outer = bpf_object__find_map_by_name(obj, "outer");
	struct bpf_map *inner = bpf_map__inner_map(outer);
	int fd;

	t->obj = obj;
	t->entries = inner_is_lru(t->type) ? LRU_ENTRIES : entries;
	t->key_btf = bpf_map__btf_key_type_id(inner);
	t->value_btf = bpf_map__btf_value_type_id(inner);

	/* Open until the object is loaded, and that is as good as for ever */
	fd = inner_create(t, "template");
	if (fd < 0 ||
	    (outer_hash && bpf_map__set_type(outer, BPF_MAP_TYPE_HASH_OF_MAPS)))
		return -1;

	return bpf_map__set_inner_map_fd(outer, fd);
}

/* The value of a key, over all CPUs of a per-CPU map; 0 when there is none */
static inline __u64 inner_read(int fd, int type, __u32 key)
{
	int cpus = inner_is_percpu(type) ? libbpf_num_possible_cpus() : 1;
	__u64 *values, sum = 0;
	int i;

	values = calloc(cpus, sizeof(*values));
	if (values && !bpf_map_lookup_elem(fd, &key, values)) {
		for (i = 0; i < cpus; i++)
			sum += values[i];
	}
	free(values);

	return sum;
}

static inline int inner_write(int fd, int type, __u32 key, __u64 value)
{
	int cpus = inner_is_percpu(type) ? libbpf_num_possible_cpus() : 1;
	__u64 *values;
	int i, err;

	values = calloc(cpus, sizeof(*values));
	if (!values)
		return -1;
	for (i = 0; i < cpus; i++)
		values[i] = value;
	err = bpf_map_update_elem(fd, &key, values, BPF_ANY);
	free(values);

	return err;
}

#endif /* TESTS_INNER_H */
