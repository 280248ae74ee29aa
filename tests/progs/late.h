/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What the late program and its driver tell each other, through a map that the
 * driver has mapped into its memory. Needs __u64.
 */
#ifndef TESTS_LATE_H
#define TESTS_LATE_H

#define LATE_KEY	7
#define LATE_MARK	8	/* key of the map to be late in, no other */
#define LATE_EARLY	1	/* added before it says that it is inside */
#define LATE_ADD	41	/* added just before it says that it left */

struct late_state {
	__u64 spin_ns;		/* how long to stay inside */
	__u64 by_selector;	/* or by the slot of a map-in-map */
	__u64 inside;		/* how often it has been, and left again */
	__u64 left;
	__u64 left_ns;		/* CLOCK_MONOTONIC */
	__u64 error;		/* it found no map or no value */
};

#endif /* TESTS_LATE_H */
