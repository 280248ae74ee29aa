// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* bpftool map dump: the entries of a map, read in batches and printed fast
 *
 * The bytes are those that dump_map_elem() of map.c prints entry by entry, for
 * a map that nobody changes meanwhile. An entry that goes away while a map is
 * dumped is left out; one by one it is an error that is printed in its place.
 */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <bpf/btf.h>

#include "main.h"
#include "map_drain.h"
#include "map_drain_fast.h"
#include "map_drain_progress.h"
#include "map_err.h"

/* Of these the kernel reads batches, and their values are plain bytes: those
 * of other types are ids of maps or programs, can't be read, or are missing.
 */
static bool is_covered(const struct bpf_map_info *info)
{
	/* Typed by the kernel's own BTF, or held by a network card */
	if (info->btf_vmlinux_value_type_id || info->ifindex)
		return false;

	return drain_how(info->type) == DRAIN_BY_KEY ||
	       drain_how(info->type) == DRAIN_BY_INDEX;
}

/* do_dump() asks for the info of several maps into the same struct, where some
 * kernels (6.18) leave the BTF of the map before to one that has none. Then the
 * types are not those of the map.
 */
static bool types_fit(const struct bpf_map_info *info, const struct btf *btf)
{
	return btf__resolve_size(btf, info->btf_value_type_id) ==
	       (__s64)info->value_size &&
	       (!info->btf_key_type_id ||
		btf__resolve_size(btf, info->btf_key_type_id) ==
		(__s64)info->key_size);
}

bool map_dump_fast(int fd, const struct bpf_map_info *info, json_writer_t *wtr,
		   struct btf *btf, bool in_list, unsigned int *count, int *err)
{
	const struct map_ref map = { .fd = fd, .info = *info };
	struct drain_doc doc = {
		/* Maps of which only some are typed: bytes, whatever wtr is */
		.wtr = json_output || btf ? wtr : NULL,
		.own_wtr = !json_output,
		.list = in_list,
	};
	struct drain_printer p = {
		.doc = &doc,
		.info = &map.info,
		.btf = btf,
		.out = stdout,
		.as_dump = true,
	};
	const char *what;
	int ret;

	if (!is_covered(info) || (btf && !types_fit(info, btf)))
		return false;

	drain_out_start();
	p.fast = drain_fast_new(&p);
	drain_progress_start(true);
	ret = map_drain_batches(&map, &p, &what);
	drain_progress_stop();
	drain_fast_free(p.fast);
	drain_out_end();
	*count = p.count;
	/* Nothing was printed: one by one it may work */
	if (ret && !p.count)
		return false;

	*err = ret ? -1 : 0;
	if (ret)
		/* Inside the array of entries, where it keeps JSON valid */
		map_err("can't read map %u: %s", info->id, strerror(-ret));
	/* What the reader met on its way; a batch file would stop at it */
	errno = 0;

	return true;
}
