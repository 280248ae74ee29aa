// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Follows the translated instructions of one program
 *
 * At each instruction that is jumped to stands what the registers and the stack
 * may hold there, whichever way it was reached; these grow until nothing changes.
 * Then each instruction is looked at once more, and the stores are reported. A
 * called function is followed anew for each place that calls it.
 *
 * What is taken for granted, as the verifier has seen to it: an access is within
 * the value; an atomic is aligned; what was loaded from memory other than the stack
 * is not an address in a value. What is not seen: user space, and a range that depends
 * on another variable, as that of a pointer which a loop moves on while it counts
 * something else: that offset is unknown, and so mostly a finding. Read, changed by
 * an OR or a shift only and stored is not an addition: such bytes are left alone.
 * Constants that were blinded (net.core.bpf_jit_harden) and calls that are hidden
 * (kernel.kptr_restrict, without CAP_SYSLOG) are findings.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "map_writers_walk.h"

#define MAX_STEPS	4000000		/* instructions, about a second */
#define MAX_STATES	(256u << 20)	/* bytes */
#define MANY_VISITS	60		/* then a loop's ranges are widened */

#define TOO_LARGE	"the program is too large"
#define MODE_MEMSX	0x80

enum { JOIN_JUMP = 1, JOIN_FUNC = 2 };

void walk_finding(struct walk *w, unsigned int i, enum map_finding_kind kind,
		  const char *what)
{
	if (w->report)
		audit_finding(w->a, w->p, i, kind, "%s", what);
}

/* Nothing that was found until now counts: the whole program is a finding */
void walk_give_up(struct walk *w, unsigned int i, const char *why)
{
	if (w->gave_up)
		return;
	w->gave_up = true;
	audit_finding(w->a, w->p, i, MAP_FINDING_UNKNOWN, "%s", why);
}

static size_t state_size(unsigned int frames)
{
	return sizeof(struct state) + frames * sizeof(struct value[NR_SLOTS]);
}

static struct state *state_new(struct walk *w, unsigned int frames)
{
	struct state *st;

	w->bytes += state_size(frames);
	if (w->bytes > MAX_STATES) {
		walk_give_up(w, 0, TOO_LARGE);
		return NULL;
	}
	st = calloc(1, state_size(frames));
	if (!st)
		w->err = -ENOMEM;
	else
		st->nr_frames = frames;
	return st;
}

/* The state at an instruction is also this one: it has to be followed from there */
void walk_flow(struct walk *w, struct place *pl, unsigned int insn,
	       const struct state *st)
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
	if (w->nr_todo == w->max_todo) {
		w->max_todo = w->max_todo * 2 + 64;
		more = realloc(w->todo, w->max_todo * sizeof(*w->todo));
		if (!more) {
			w->err = -ENOMEM;
			return;
		}
		w->todo = more;
	}
	old->queued = true;
	w->todo[w->nr_todo].place = pl;
	w->todo[w->nr_todo++].insn = insn;
}

/* Where the function behind a call starts. Its distance is in off, cut to 16 bits;
 * imm is the function's number by then, if the program was compiled.
 */
static bool call_target(struct walk *w, unsigned int i, unsigned int *target)
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

/* Joins into *@to, making it */
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
	w->bytes -= state_size(pl->depth + 1);
	memcpy(&st->reg[1], args, 5 * sizeof(*args));
	st->reg[10] = value_pointer(REGION_KERNEL, HOLDS_STACK, 0);
	st->reg[10].frame = pl->depth;
	if (frames)
		memcpy(st->slot, frames->slot, pl->depth * sizeof(st->slot[0]));
	walk_flow(w, pl, pl->start, st);
	free(st);
}

/* Continues behind the call, or calls a callback again */
static void leave(struct walk *w, struct place *pl)
{
	struct state *st;
	unsigned int i;

	if (!pl->caller || !pl->exit || !pl->saved)
		return;
	st = state_new(w, pl->depth);
	if (!st)
		return;
	w->bytes -= state_size(pl->depth);
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

static void call_function(struct walk *w, unsigned int i)
{
	struct value args[5];
	struct place *pl;
	unsigned int to;

	if (!call_target(w, i, &to)) {
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

/* Returns false where the next instruction does not follow */
static bool jump_class(struct walk *w, unsigned int i)
{
	const struct bpf_insn *insn = &w->p->insns[i];
	bool wide = BPF_CLASS(insn->code) == BPF_JMP;
	struct state *st = w->now;
	__s64 to;

	switch (BPF_OP(insn->code)) {
	case BPF_CALL:
		if (insn->src_reg == BPF_PSEUDO_CALL) {
			call_function(w, i);
			return false;
		}
		return walk_call_helper(w, i);
	case BPF_EXIT:
		if (!w->report && save(w, &w->place->exit, st))
			leave(w, w->place);
		return false;
	case BPF_JA:
		to = (__s64)i + 1 + (wide ? insn->off : insn->imm);
		if (to < 0 || to >= w->p->nr_insns)
			walk_give_up(w, i, "a jump leaves the program");
		else
			walk_flow(w, w->place, to, st);
		return false;
	case 0xe0:	/* BPF_JCOND: either way */
		to = (__s64)i + 1 + insn->off;
		if (to >= 0 && to < w->p->nr_insns)
			walk_flow(w, w->place, to, st);
		return true;
	default:
		walk_jump(w, i, insn->off);
		return true;
	}
}

static bool step(struct walk *w, unsigned int *i)
{
	const struct bpf_insn *insn = &w->p->insns[*i];
	struct value *reg = w->now->reg, v;
	bool on = true;

	if (insn->dst_reg >= NR_REGS || insn->src_reg >= NR_REGS) {
		walk_give_up(w, *i, "can't tell what the instruction does");
		return false;
	}
	switch (BPF_CLASS(insn->code)) {
	case BPF_ALU:
	case BPF_ALU64:
		walk_alu(w, *i);
		break;
	case BPF_LDX:
		v = walk_load(w, &reg[insn->src_reg], insn->off, walk_access_size(insn->code), *i);
		if (BPF_MODE(insn->code) & MODE_MEMSX && !(v.holds & HOLDS_POINTER))
			value_forget(&v);
		reg[insn->dst_reg] = v;
		break;
	case BPF_ST:
		v = value_number(insn->imm, insn->imm);
		walk_plain_store(w, *i, &v);
		break;
	case BPF_STX:
		walk_mark_copy(w->now, &reg[insn->src_reg], *i);
		v = reg[insn->src_reg];
		if (BPF_MODE(insn->code) == BPF_ATOMIC ||
		    BPF_MODE(insn->code) == 0xe0)	/* of an arena */
			walk_atomic(w, *i);
		else
			walk_plain_store(w, *i, &v);
		break;
	case BPF_LD:
		if (insn->code == (BPF_LD | BPF_IMM | BPF_DW)) {
			walk_load_imm64(w, *i);
			++*i;
		} else {
			walk_clobber(w->now);
		}
		break;
	default:
		on = jump_class(w, *i);
	}
	++*i;
	return on;
}

/* Follows from an instruction up to where its way joins another */
static void follow(struct walk *w, struct place *pl, unsigned int i)
{
	unsigned int first = i;
	struct state *st = pl->at[i - pl->start];

	w->place = pl;
	memcpy(w->now, st, state_size(st->nr_frames));
	while (!w->gave_up && !w->err) {
		if (w->steps++ == MAX_STEPS) {
			walk_give_up(w, i, TOO_LARGE);
			return;
		}
		if (!step(w, &i))
			return;
		if (i >= pl->end) {
			if (!w->gave_up)
				walk_give_up(w, first, "a function has no end");
			return;
		}
		if (w->joins[i] || (w->report && pl->at[i - pl->start])) {
			walk_flow(w, pl, i, w->now);
			return;
		}
	}
}

static void find_joins(struct walk *w)
{
	const struct bpf_insn *insn;
	unsigned int i, to;
	__s64 at;

	w->joins[0] = JOIN_FUNC;
	for (i = 0; i < w->p->nr_insns; i++) {
		insn = &w->p->insns[i];
		at = -1;
		if (insn->code == (BPF_LD | BPF_IMM | BPF_DW)) {
			if (insn->src_reg == BPF_PSEUDO_FUNC) {
				at = (__s64)i + insn->imm + 1;
				if (at >= 0 && at < w->p->nr_insns)
					w->joins[at] |= JOIN_FUNC;
			}
			i++;
			continue;
		}
		if (BPF_CLASS(insn->code) != BPF_JMP && BPF_CLASS(insn->code) != BPF_JMP32)
			continue;
		if (BPF_OP(insn->code) == BPF_CALL) {
			if (insn->src_reg == BPF_PSEUDO_CALL && call_target(w, i, &to))
				w->joins[to] |= JOIN_FUNC;
			at = (__s64)i + 1;
			if (insn->src_reg != BPF_PSEUDO_CALL)
				continue;
		} else if (insn->code == (BPF_JMP32 | BPF_JA)) {
			at = (__s64)i + 1 + insn->imm;
		} else {
			at = (__s64)i + 1 + insn->off;
		}
		if (at >= 0 && at < w->p->nr_insns)
			w->joins[at] |= JOIN_JUMP;
	}
}

static void report(struct walk *w)
{
	unsigned int n, i;

	w->report = true;
	w->steps = 0;
	for (n = 0; n < w->nr_places; n++)
		for (i = w->places[n]->start; i < w->places[n]->end; i++)
			if (w->places[n]->at[i - w->places[n]->start])
				follow(w, w->places[n], i);
}

static void walk_free(struct walk *w)
{
	unsigned int n, i;

	for (n = 0; n < w->nr_places; n++) {
		struct place *pl = w->places[n];

		for (i = 0; i < pl->end - pl->start; i++)
			free(pl->at[i]);
		free(pl->saved);
		free(pl->exit);
		free(pl);
	}
	free(w->todo);
	free(w->joins);
	free(w->now);
	free(w);
}

static void start(struct walk *w)
{
	struct value args[5] = {};
	struct place *main;
	unsigned int i;

	args[0] = value_pointer(REGION_KERNEL, HOLDS_VALUE, 0);
	for (i = 0; w->p->ext && i < 5; i++) {
		if (!audit_arg_points(w->p, i))
			continue;
		args[i] = value_pointer(REGION_ANY, HOLDS_VALUE, 0);
		value_forget(&args[i]);
	}
	main = find_place(w, 0, 0, false);
	if (main)
		enter(w, main, args, NULL);
}

int map_walk(struct map_audit *a, struct map_audit_prog *p)
{
	struct walk *w = calloc(1, sizeof(*w));
	int err = -ENOMEM;

	if (!w)
		return -ENOMEM;
	w->a = a;
	w->p = p;
	w->now = calloc(1, state_size(MAX_FRAMES));
	w->joins = calloc(1, p->nr_insns + 1);
	if (!w->now || !w->joins)
		goto free_walk;
	find_joins(w);
	start(w);
	while (w->nr_todo && !w->gave_up && !w->err) {
		w->nr_todo--;
		w->todo[w->nr_todo].place->at[w->todo[w->nr_todo].insn -
			w->todo[w->nr_todo].place->start]->queued = false;
		follow(w, w->todo[w->nr_todo].place, w->todo[w->nr_todo].insn);
	}
	if (!w->gave_up && !w->err)
		report(w);
	err = w->err;
free_walk:
	walk_free(w);
	return err;
}
