// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* What the sanitizers ask the program for: linked into the bpftool of
 * "make check-asan", so that it needs no environment of its own.
 */
#include <stdio.h>

/* A finding ends the command with 99, which no test takes for anything else */
const char *__asan_default_options(void)
{
	return "exitcode=99:detect_leaks=1:detect_stack_use_after_return=1";
}

const char *__ubsan_default_options(void)
{
	return "halt_on_error=1:exitcode=99:print_stacktrace=1";
}

const char *__lsan_default_options(void)
{
	return "exitcode=99:print_suppressions=0";
}

/* Who traces this process, or 0; -1 if that can't be read */
static int tracer(void)
{
	char line[256];
	int pid = -1;
	FILE *f;

	f = fopen("/proc/self/status", "re");
	if (!f)
		return -1;
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "TracerPid: %d", &pid) == 1)
			break;
	fclose(f);

	return pid;
}

/* It can't look for leaks in a process that is traced already. Where system
 * calls are made to fail, one of those in here may be the one: once more, then.
 */
int __lsan_is_turned_off(void)
{
	int pid = tracer();

	if (pid < 0)
		pid = tracer();

	return pid != 0;
}
