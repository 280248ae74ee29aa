/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Following a program: which state reaches which instruction */

#ifndef __BPFTOOL_MAP_WRITERS_FLOW_H
#define __BPFTOOL_MAP_WRITERS_FLOW_H

#include <stdbool.h>
#include <stddef.h>

#include "map_writers_state.h"
#include "map_writers_value.h"

#define MAX_PLACES	1000		/* functions, each as called from one place */
#define TOO_LARGE	"the program is too large"

enum { JOIN_JUMP = 1, JOIN_FUNC = 2 };

/* A function, as called from one place */
struct place {
	struct place *caller;
	unsigned int call;		/* the instruction that calls it */
	unsigned int start, end, depth;
	bool callback;
	struct state *saved;		/* of the caller after the call */
	struct state *exit;
	struct state *at[];
};

struct walk {
	struct map_audit *a;
	struct map_audit_prog *p;
	struct place *places[MAX_PLACES];
	unsigned int nr_places;
	struct { struct place *place; unsigned int insn; } *todo;
	unsigned int nr_todo;
	__u8 *joins;			/* which instructions are JOIN_... */
	unsigned int steps;
	size_t bytes;
	bool report;			/* all states are known: report stores */
	bool gave_up;
	int err;
	struct state *now;
	struct place *place;
};

void walk_finding(struct walk *w, unsigned int i, enum map_finding_kind kind,
		  const char *what);
void walk_give_up(struct walk *w, unsigned int i, const char *why);

/* walk_clobber() - forget the registers that a call overwrites */
void walk_clobber(struct state *st);
void walk_flow(struct walk *w, struct place *pl, __s64 insn, const struct state *st);

/* walk_begin() - enter the program itself */
void walk_begin(struct walk *w, const struct value *args);
/* walk_call_target() - where a called function starts */
bool walk_call_target(struct walk *w, unsigned int i, unsigned int *target);
void walk_call(struct walk *w, unsigned int i);
void walk_call_back(struct walk *w, unsigned int i, const struct value *func,
		    const struct value *args);
void walk_exit(struct walk *w);

size_t walk_state_size(unsigned int frames);

#endif /* __BPFTOOL_MAP_WRITERS_FLOW_H */
