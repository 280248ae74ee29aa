// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* The program of the manual's examples: counts packets by address in a plain
 * hash, in a map-in-map and by the selector pattern, and drops those whose
 * address is in the configured set. The address is the first word of the packet.
 */
#include "vmlinux.h"
#include "maps.bpf.h"

struct_map(counts, HASH, 1024, __u32, __u64);

struct counts packets SEC(".maps"), spare SEC(".maps"), flows_in SEC(".maps");
struct counts counts_0 SEC(".maps"), counts_1 SEC(".maps");
struct counts kind_0 SEC(".maps"), kind_1 SEC(".maps");

MAP_OF_MAPS(flows, ARRAY, 1, __u32, counts) = { .values = { &flows_in } };
MAP_OF_MAPS(kinds, ARRAY, 4, __u32, counts) = { .values = { &kind_0, &kind_1 } };
MAP(selector, ARRAY, 1, __u32, __u32);
MAP(totals, PERCPU_ARRAY, 1, __u32, __u64);

struct addresses {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__uint(key_size, 4);
	__uint(value_size, 1);
} blocked SEC(".maps");

MAP_OF_MAPS(blocklist, ARRAY, 1, __u32, addresses) = { .values = { &blocked } };

static __always_inline void count(void *map, __u32 address)
{
	const __u64 one = 1;
	__u64 *value;

	value = bpf_map_lookup_elem(map, &address);
	if (value)
		__sync_fetch_and_add(value, 1);
	else
		bpf_map_update_elem(map, &address, &one, BPF_NOEXIST);
}

SEC("xdp")
int recipe(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *map;
	void *end = (void *)(long)ctx->data_end;
	const __u32 zero = 0;
	__u32 *which, address, kind;
	__u64 *total;

	if (data + sizeof(address) > end)
		return XDP_ABORTED;
	address = *(__u32 *)data;

	count(&packets, address);

	map = bpf_map_lookup_elem(&flows, &zero);
	if (map)
		count(map, address);

	kind = *((__u8 *)data + 3) & 1;
	map = bpf_map_lookup_elem(&kinds, &kind);
	if (map)
		count(map, address);

	which = bpf_map_lookup_elem(&selector, &zero);
	if (which && *which)
		count(&counts_1, address);
	else if (which)
		count(&counts_0, address);

	total = bpf_map_lookup_elem(&totals, &zero);
	if (total)
		(*total)++;

	map = bpf_map_lookup_elem(&blocklist, &zero);
	if (map && bpf_map_lookup_elem(map, &address))
		return XDP_DROP;

	return XDP_PASS;
}
