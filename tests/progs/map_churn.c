// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Deletes and inserts entries of a pinned map while a command runs, and ends
 * with its status: those whose number is a multiple of N go away and come back
 * all the time, the others stay. Keys are numbers, as map_make makes them.
 */

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "run.h"

struct churn {
	struct bpf_map_info info;
	int fd;
	__u32 entries, every;
	atomic_bool stop;
};

/* An LPM trie's key begins with the length of the prefix */
static void make_key(const struct churn *c, __u32 i, __u32 *key)
{
	if (c->info.type == BPF_MAP_TYPE_LPM_TRIE)
		*key++ = (c->info.key_size - 4) * 8;
	*key = i;
}

static void *churn(void *ctx)
{
	static __u64 value[512];
	struct churn *c = ctx;
	__u32 key[2] = {}, i;

	while (!c->stop) {
		for (i = 0; i < c->entries; i += c->every) {
			make_key(c, i, key);
			bpf_map_delete_elem(c->fd, key);
		}
		for (i = 0; i < c->entries; i += c->every) {
			make_key(c, i, key);
			bpf_map_update_elem(c->fd, key, value, BPF_ANY);
		}
	}

	return NULL;
}

int main(int argc, char **argv)
{
	static struct churn c;
	__u32 len = sizeof(c.info);
	pthread_t thread;
	int status;

	if (argc < 5)
		errx(2, "usage: map_churn PIN ENTRIES N COMMAND...");
	c.fd = bpf_obj_get(argv[1]);
	if (c.fd < 0 || bpf_obj_get_info_by_fd(c.fd, &c.info, &len))
		err(2, "%s", argv[1]);
	c.entries = atoi(argv[2]);
	c.every = atoi(argv[3]);
	if (c.info.key_size > 8 || c.info.value_size > 8 || !c.every)
		errx(2, "no such map or number");

	if (pthread_create(&thread, NULL, churn, &c))
		errx(2, "can't create a thread");
	status = run_command(argv + 4);
	c.stop = true;
	pthread_join(thread, NULL);

	return status;
}
