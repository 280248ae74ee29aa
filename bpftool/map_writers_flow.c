// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Following a program: which state reaches which instruction, through calls too */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "map_ref.h"
#include "map_writers_flow.h"

#define MAX_STATES	(256u << 20)	/* bytes */
#define MANY_VISITS	60		/* after these, a loop's ranges are widened */

void walk_finding(struct walk *w, unsigned int i, enum map_finding_kind kind,
		  const char *what)
{
	if (w->report)
		audit_finding(w->a, w->p, i, kind, "%s", what);
}

/* Drop what was found until now: the whole program is a finding */
void walk_give_up(struct walk *w, unsigned int i, const char *why)
{
	if (w->gave_up)
		return;
	w->gave_up = true;
	audit_finding(w->a, w->p, i, MAP_FINDING_UNKNOWN, "%s", why);
}

size_t walk_state_size(unsigned int frames)
{
	return sizeof(struct state) + frames * sizeof(struct value[NR_SLOTS]);
}

static struct state *state_new(struct walk *w, unsigned int frames)
{
	struct state *st;

	w->bytes += walk_state_size(frames);
	if (w->bytes > MAX_STATES) {
		walk_give_up(w, 0, TOO_LARGE);
		return NULL;
	}
	st = calloc(1, walk_state_size(frames));
	if (!st)
		w->err = -ENOMEM;
	else
		st->nr_frames = frames;
	return st;
}

void walk_clobber(struct state *st)
{
	unsigned int r;

	for (r = 0; r <= 5; r++)
		st->reg[r] = value_number(LEAST, MOST);
}

/* Join a state into that of an instruction, and follow from there if it changed */
void walk_flow(struct walk *w, struct place *pl, __s64 insn, const struct state *st)
{
	struct state **at, *old;
	void *more;

	if (w->report || w->gave_up || w->err)
		return;
	if (insn < pl->start || insn >= pl->end) {
		walk_give_up(w, insn, "a jump leaves its function");
		return;
	}
	at = &pl->at[insn - pl->start];
	if (!*at) {
		*at = state_new(w, pl->depth + 1);
		if (!*at)
			return;
	}
	old = *at;
	if (!state_join(old, st, old->visits > MANY_VISITS) && old->visits)
		return;
	old->visits++;
	if (old->queued)
		return;
	more = map_grow(w->todo, w->nr_todo, sizeof(*w->todo));
	if (!more) {
		w->err = -ENOMEM;
		return;
	}
	w->todo = more;
	old->queued = true;
	w->todo[w->nr_todo].place = pl;
	w->todo[w->nr_todo++].insn = insn;
}

/* The start of a called function. Its distance is in off, cut to 16 bits; if the
 * program was JITed, imm is the function's number by then.
 */
bool walk_call_target(struct walk *w, unsigned int i, unsigned int *target)
{
	const struct bpf_insn *insn = &w->p->insns[i];
	const struct bpf_prog_info *info = w->p->info;
	const struct bpf_func_info *func;
	__s64 to = (__s64)i + 1 + insn->off;
	bool sure = w->p->nr_insns <= 0x7fff;

	if (info && info->nr_func_info > (__u32)insn->imm && insn->imm > 0) {
		func = (void *)(unsigned long)info->func_info +
		       insn->imm * info->func_info_rec_size;
		if ((__s16)((__s64)func->insn_off - i - 1) == insn->off) {
			to = func->insn_off;
			sure = true;
		}
	}
	if (!sure || to < 0 || to >= w->p->nr_insns)
		return false;
	*target = to;
	return true;
}

static struct place *find_place(struct walk *w, unsigned int call, unsigned int start,
				bool callback)
{
	unsigned int end = start + 1, n;
	struct place *pl;

	for (n = 0; n < w->nr_places; n++) {
		pl = w->places[n];
		if (pl->caller == w->place && pl->call == call && pl->start == start &&
		    pl->callback == callback)
			return pl;
	}
	if (w->report || w->gave_up)
		return NULL;
	if (w->nr_places == MAX_PLACES ||
	    (w->place && w->place->depth + 1 >= MAX_FRAMES)) {
		walk_give_up(w, call, "its functions call each other too often");
		return NULL;
	}
	while (end < w->p->nr_insns && !(w->joins[end] & JOIN_FUNC))
		end++;
	w->bytes += (end - start) * sizeof(*pl->at);
	pl = calloc(1, sizeof(*pl) + (end - start) * sizeof(*pl->at));
	if (!pl) {
		w->err = -ENOMEM;
		return NULL;
	}
	pl->caller = w->place;
	pl->call = call;
	pl->start = start;
	pl->end = end;
	pl->callback = callback;
	pl->depth = w->place ? w->place->depth + 1 : 0;
	w->places[w->nr_places++] = pl;
	return pl;
}

/* Join into *@to, creating it if need be */
static bool save(struct walk *w, struct state **to, const struct state *from)
{
	bool first = !*to;

	if (first)
		*to = state_new(w, from->nr_frames);
	if (!*to)
		return false;
	(*to)->visits++;
	return state_join(*to, from, (*to)->visits > MANY_VISITS) || first;
}

static void enter(struct walk *w, struct place *pl, const struct value *args,
		  const struct state *frames)
{
	struct state *st = state_new(w, pl->depth + 1);

	if (!st)
		return;
	w->bytes -= walk_state_size(pl->depth + 1);
	memcpy(&st->reg[1], args, 5 * sizeof(*args));
	st->reg[10] = value_pointer(REGION_KERNEL, HOLDS_STACK, 0);
	st->reg[10].frame = pl->depth;
	if (frames)
		memcpy(st->slot, frames->slot, pl->depth * sizeof(st->slot[0]));
	walk_flow(w, pl, pl->start, st);
	free(st);
}

/* Continue after the call, or call a callback again */
static void leave(struct walk *w, struct place *pl)
{
	struct state *st;
	unsigned int i;

	if (!pl->caller || !pl->exit || !pl->saved)
		return;
	st = state_new(w, pl->depth);
	if (!st)
		return;
	w->bytes -= walk_state_size(pl->depth);
	memcpy(st->slot, pl->exit->slot, pl->depth * sizeof(st->slot[0]));
	memcpy(st->reg, pl->saved->reg, sizeof(st->reg));
	for (i = 0; i < NR_REGS; i++)
		st->reg[i].copy = 0;
	if (!pl->callback)
		st->reg[0] = pl->exit->reg[0];
	walk_flow(w, pl->caller, pl->call + 1, st);
	if (pl->callback && pl->at[0])
		enter(w, pl, &pl->at[0]->reg[1], st);
	free(st);
}

void walk_call(struct walk *w, unsigned int i)
{
	struct value args[5];
	struct place *pl;
	unsigned int to;

	if (!walk_call_target(w, i, &to)) {
		walk_give_up(w, i, "can't tell which function is called");
		return;
	}
	pl = find_place(w, i, to, false);
	if (!pl || w->report)
		return;
	memcpy(args, &w->now->reg[1], sizeof(args));
	enter(w, pl, args, w->now);
	walk_clobber(w->now);
	if (save(w, &pl->saved, w->now))
		leave(w, pl);
}

/* A helper calls @func, any number of times, then returns */
void walk_call_back(struct walk *w, unsigned int i, const struct value *func,
		    const struct value *args)
{
	struct place *pl;

	if (func->low != func->high || func->low < 0 || func->low >= w->p->nr_insns) {
		walk_give_up(w, i, "can't tell which function is called back");
		return;
	}
	pl = find_place(w, i, func->low, true);
	if (!pl || w->report)
		return;
	walk_flow(w, w->place, i + 1, w->now);
	enter(w, pl, args, w->now);
	if (save(w, &pl->saved, w->now))
		leave(w, pl);
}

void walk_exit(struct walk *w)
{
	if (!w->report && save(w, &w->place->exit, w->now))
		leave(w, w->place);
}

void walk_begin(struct walk *w, const struct value *args)
{
	struct place *main = find_place(w, 0, 0, false);

	if (main)
		enter(w, main, args, NULL);
}
