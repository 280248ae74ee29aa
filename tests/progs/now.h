/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
#ifndef TESTS_NOW_H
#define TESTS_NOW_H

#include <time.h>

/* Microseconds of CLOCK_MONOTONIC */
static inline unsigned long long now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);

	return ts.tv_sec * 1000000ULL + ts.tv_nsec / 1000;
}

#endif /* TESTS_NOW_H */
