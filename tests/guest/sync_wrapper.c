// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Calls libbpf's wrapper and prints what it returned and the errno it left.
 *
 * This is the one place where the command's number is used whether the kernel
 * has the command or not: without arguments, and to see the wrapper report an
 * error like libbpf's other functions.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <bpf/bpf.h>

int main(void)
{
	int ret;

	errno = 0;
	ret = bpf_sync_map_access();
	printf("returned %d errno %d\n", ret, errno);
	return 0;
}
