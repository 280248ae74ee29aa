// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Which programs are sleepable: program info does not tell, an iterator does */

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "main.h"
#include "map_sleepable_list.h"

#ifdef BPFTOOL_WITHOUT_SKELETONS

int map_sleepable(__u32 prog_id)
{
	return -EOPNOTSUPP;
}

#else /* BPFTOOL_WITHOUT_SKELETONS */

#include "skeleton/map_sleepable.h"
#include "map_sleepable.skel.h"

/* All programs, as they were when the iterator last ran */
static struct map_sleepable_entry *list;
static size_t list_len;

static int __printf(2, 0)
print_nothing(__maybe_unused enum libbpf_print_level level,
	      __maybe_unused const char *format, __maybe_unused va_list args)
{
	return 0;
}

static int read_list(int fd)
{
	size_t len = 0, room = 0;
	char *buf = NULL, *tmp;
	ssize_t n;

	for (;;) {
		if (len == room) {
			room += 4096 * sizeof(*list);
			tmp = realloc(buf, room);
			if (!tmp) {
				free(buf);
				return -ENOMEM;
			}
			buf = tmp;
		}
		n = read(fd, buf + len, room - len);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			continue;
		if (n <= 0)
			break;
		len += n;
	}
	if (n < 0) {
		free(buf);
		return -errno;
	}

	free(list);
	list = (struct map_sleepable_entry *)buf;
	list_len = len / sizeof(*list);

	return 0;
}

static int run_iterator(void)
{
	struct map_sleepable_bpf *skel;
	libbpf_print_fn_t print;
	int fd, err;

	set_max_rlimit();

	/* A kernel without iterators is no error that anyone must read */
	print = verifier_logs ? NULL : libbpf_set_print(print_nothing);
	skel = map_sleepable_bpf__open_and_load();
	err = skel ? map_sleepable_bpf__attach(skel) : -errno;
	if (!verifier_logs)
		libbpf_set_print(print);
	if (err)
		goto destroy;

	fd = bpf_iter_create(bpf_link__fd(skel->links.list));
	if (fd < 0) {
		err = -errno;
		goto destroy;
	}
	err = read_list(fd);
	close(fd);

destroy:
	map_sleepable_bpf__destroy(skel);
	return err;
}

static const struct map_sleepable_entry *find(__u32 prog_id)
{
	size_t i;

	for (i = 0; i < list_len; i++)
		if (list[i].id == prog_id)
			return &list[i];

	return NULL;
}

int map_sleepable(__u32 prog_id)
{
	const struct map_sleepable_entry *e = find(prog_id);
	int err;

	if (!e) {
		err = run_iterator();
		if (err)
			return err;
		e = find(prog_id);
	}

	/* One that is gone meanwhile does not run any more, as far as known */
	return e ? e->sleepable : 0;
}

#endif /* BPFTOOL_WITHOUT_SKELETONS */
