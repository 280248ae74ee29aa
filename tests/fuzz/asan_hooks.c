// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* What the sanitizers ask the program for: linked into the bpftool of
 * "make check-asan", so that it needs no environment of its own.
 */
#include <stdio.h>

const char *__asan_default_options(void);
const char *__ubsan_default_options(void);
const char *__lsan_default_options(void);
int __lsan_is_turned_off(void);

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

/* It can't look for leaks in a process that is traced already */
int __lsan_is_turned_off(void)
{
	char line[256];
	int tracer = 0;
	FILE *f;

	f = fopen("/proc/self/status", "re");
	if (!f)
		return 0;
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "TracerPid: %d", &tracer) == 1)
			break;
	fclose(f);

	return tracer != 0;
}
