// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* The providers of map sync, the best first */

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <linux/membarrier.h>

#include <bpf/bpf.h>

#include "kernel_btf.h"
#include "main.h"
#include "map_sync_providers.h"

#define CPUS_ONLINE_PATH	"/sys/devices/system/cpu/online"

/*
 * bpf_sync_map_access: the bpf(2) command made for it. On a kernel that was
 * not built with this header the number may be another command, and a 0 from
 * that would be taken for a wait. So the number is used only where the running
 * kernel's own BTF gives it this name.
 */
static int command_probe(char *why, size_t size)
{
	int ret = kernel_btf_enumerator_is("bpf_cmd", "BPF_SYNC_MAP_ACCESS",
					   BPF_SYNC_MAP_ACCESS);

	if (ret > 0)
		return 0;

	if (!ret)
		snprintf(why, size, "the kernel does not have the command");
	else if (ret == -ERANGE)
		snprintf(why, size, "the kernel's command has another number");
	else
		snprintf(why, size, "the kernel's BTF can't be read: %s",
			 strerror(-ret));
	return -1;
}

bool map_sync_kernel_has_command(void)
{
	char why[256];

	return !command_probe(why, sizeof(why));
}

static int command_wait(char *why, size_t size)
{
	if (bpf_sync_map_access()) {
		snprintf(why, size, "%s", strerror(errno));
		return -1;
	}

	return 0;
}

static const struct map_sync_provider command = {
	.name		= MAP_SYNC_COMMAND,
	.probe		= command_probe,
	.wait		= command_wait,
};

/*
 * map_in_map_update: an update of a map-in-map slot returns after a grace
 * period, since commit 1ae80cf31938 ("bpf: wait for running BPF programs when
 * updating map-in-map") in Linux 4.20. It is done on a private scratch map.
 */
static int scratch_outer = -1, scratch_inner = -1;

static void update_release(void)
{
	if (scratch_outer >= 0)
		close(scratch_outer);
	if (scratch_inner >= 0)
		close(scratch_inner);
	scratch_outer = -1;
	scratch_inner = -1;
}

static int update_probe(char *why, size_t size)
{
	struct utsname uts;
	int major, minor;

	if (uname(&uts) ||
	    sscanf(uts.release, "%d.%d", &major, &minor) != 2) {
		snprintf(why, size, "can't read the kernel's release");
		return -1;
	}

	/* It can't be probed but by timing it, so the release has to tell */
	if (major < 4 || (major == 4 && minor < 20)) {
		snprintf(why, size, "kernel %s does not wait, 4.20 and later do",
			 uts.release);
		return -1;
	}

	return 0;
}

static int update_prepare(char *why, size_t size)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts);

	set_max_rlimit();

	scratch_inner = bpf_map_create(BPF_MAP_TYPE_ARRAY, "sync_inner", 4, 4,
				       1, NULL);
	if (scratch_inner < 0)
		goto no_map;

	opts.inner_map_fd = scratch_inner;
	scratch_outer = bpf_map_create(BPF_MAP_TYPE_ARRAY_OF_MAPS, "sync_outer",
				       4, 4, 1, &opts);
	if (scratch_outer < 0)
		goto no_map;

	return 0;

no_map:
	snprintf(why, size, "can't create a scratch map: %s", strerror(errno));
	update_release();
	return -1;
}

static int update_wait(char *why, size_t size)
{
	const __u32 key = 0;

	/* A failed update does not wait */
	if (bpf_map_update_elem(scratch_outer, &key, &scratch_inner, BPF_ANY)) {
		snprintf(why, size, "can't update the scratch map: %s",
			 strerror(errno));
		return -1;
	}

	return 0;
}

static const struct map_sync_provider map_in_map_update = {
	.name		= MAP_SYNC_UPDATE,
	.by_update	= true,
	.probe		= update_probe,
	.prepare	= update_prepare,
	.wait		= update_wait,
	.release	= update_release,
};

/*
 * membarrier: MEMBARRIER_CMD_GLOBAL waits for an RCU grace period, but
 * returns at once, without waiting, while one CPU is online.
 */

/* Several CPUs are a list ("0,2") or a range ("0-3") */
static int several_cpus_online(char *why, size_t size)
{
	char cpus[256];
	FILE *f;

	f = fopen(CPUS_ONLINE_PATH, "re");
	if (!f) {
		snprintf(why, size, "can't tell how many CPUs are online: %s: %s",
			 CPUS_ONLINE_PATH, strerror(errno));
		return -1;
	}
	if (!fgets(cpus, sizeof(cpus), f))
		cpus[0] = '\0';
	fclose(f);

	if (!strpbrk(cpus, ",-")) {
		snprintf(why, size, "it does not wait while one CPU is online");
		return -1;
	}

	return 0;
}

static int membarrier_probe(char *why, size_t size)
{
	int cmds;

	cmds = syscall(__NR_membarrier, MEMBARRIER_CMD_QUERY, 0);
	if (cmds < 0) {
		snprintf(why, size, "the kernel has no membarrier: %s",
			 strerror(errno));
		return -1;
	}

	/* Under nohz_full the command answers EINVAL and is not listed */
	if (!(cmds & MEMBARRIER_CMD_GLOBAL)) {
		snprintf(why, size,
			 "the kernel refuses its global command, as under nohz_full");
		return -1;
	}

	return several_cpus_online(why, size);
}

static int membarrier_wait(char *why, size_t size)
{
	if (syscall(__NR_membarrier, MEMBARRIER_CMD_GLOBAL, 0)) {
		snprintf(why, size, "%s", strerror(errno));
		return -1;
	}

	/* A CPU may have gone offline between the probe and the call */
	return several_cpus_online(why, size);
}

static const struct map_sync_provider membarrier = {
	.name		= MAP_SYNC_MEMBARRIER,
	.probe		= membarrier_probe,
	.wait		= membarrier_wait,
};

const struct map_sync_provider * const map_sync_providers[] = {
	&command,
	&map_in_map_update,
	&membarrier,
	NULL
};
