// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Tells where the content of a map is that was in slot 0 of DIR/outer and that "map_make
 * --sums" had filled, by looking with raw bpf(2) calls at the slot and at every pin,
 * and by reading back what was printed.
 *
 *	state DIR JOURNAL ID COUNT OUTPUT
 *		where the content of map ID is, in one word; exits with 1 if
 *		part of it is nowhere
 *	recovered JOURNAL ID COUNT OUTPUT [FIRST]
 *		does OUTPUT hold the content of map ID, and the journal nothing?
 *		Of a queue, FIRST holds what was popped before.
 *	empty PIN
 *		does the pinned map hold nothing?
 *	sum FILE...
 *		sum of all values printed in files that are whole
 *	slot PIN
 *		id of the map in slot 0, and the sum of its values
 */

#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <limits.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "faults_out.h"

struct content {
	__u64 values[OUT_MAX];
	size_t count;
};

static __u64 value_of(__u32 key)
{
	return 3ULL * key + 1;
}

static struct bpf_map_info info_of(int fd)
{
	struct bpf_map_info info = {};
	__u32 len = sizeof(info);

	if (bpf_obj_get_info_by_fd(fd, &info, &len))
		err(2, "map info");

	return info;
}

static int open_pin(const char *path)
{
	int fd = bpf_obj_get(path);

	if (fd < 0)
		err(2, "%s", path);

	return fd;
}

static bool has_keys(const struct bpf_map_info *info)
{
	return info->type != BPF_MAP_TYPE_QUEUE &&
	       info->type != BPF_MAP_TYPE_STACK;
}

/* Elements can only be popped: they are put back as they were. In the order in
 * which they were pushed.
 */
static void read_elements(int fd, struct content *c, bool stack)
{
	__u64 value;
	size_t i;

	while (c->count < OUT_MAX &&
	       !bpf_map_lookup_and_delete_elem(fd, NULL, &c->values[c->count]))
		c->count++;
	if (errno != ENOENT)
		err(2, "pop");
	for (i = 0; stack && i < c->count / 2; i++) {
		value = c->values[i];
		c->values[i] = c->values[c->count - 1 - i];
		c->values[c->count - 1 - i] = value;
	}
	for (i = 0; i < c->count; i++)
		if (bpf_map_update_elem(fd, NULL, &c->values[i], BPF_ANY))
			err(2, "push");
}

/* What is in a map, by key; the zeros of an array are nothing */
static void read_map(int fd, struct content *c)
{
	struct bpf_map_info info = info_of(fd);
	__u32 key, *prev = NULL;
	__u64 value;

	memset(c, 0, sizeof(*c));
	if (!has_keys(&info)) {
		read_elements(fd, c, info.type == BPF_MAP_TYPE_STACK);
		return;
	}
	while (!bpf_map_get_next_key(fd, prev, &key)) {
		if (bpf_map_lookup_elem(fd, &key, &value))
			err(2, "lookup");
		if (value && key < OUT_MAX) {
			c->values[key] = value;
			c->count++;
		}
		prev = &key;
	}
	if (errno != ENOENT)
		err(2, "next key");
}

/* The same from what was printed, of one map or of all */
static void read_output(const struct output *out, __u32 id, bool keys,
			struct content *c)
{
	const struct entry *e;
	size_t i;

	memset(c, 0, sizeof(*c));
	for (i = 0; i < out->count; i++) {
		e = &out->entries[i];
		if (e->id != NO_ID && e->id != id)
			continue;
		if (!keys) {
			c->values[c->count++] = e->value;
		} else if (e->value && e->key < OUT_MAX) {
			c->count += !c->values[e->key];
			c->values[e->key] = e->value;
		}
	}
}

static bool is_all(const struct content *c, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (c->values[i] != value_of(i))
			return false;

	return c->count == count;
}

/* Elements that were printed and popped, and those that are left: all of them,
 * and at most the last of the first once more.
 */
static bool is_rest(const struct content *first, const struct content *rest,
		    size_t count)
{
	size_t n = first->count, i;

	if (n && rest->count && first->values[n - 1] == rest->values[0])
		n--;
	for (i = 0; i < n + rest->count; i++)
		if ((i < n ? first->values[i] : rest->values[i - n]) != value_of(i))
			return false;

	return n + rest->count == count;
}

static int slot_of(int outer, struct content *c, __u32 *id)
{
	__u32 key = 0;
	int fd;

	if (bpf_map_lookup_elem(outer, &key, id))
		return -1;
	fd = bpf_map_get_fd_by_id(*id);
	if (fd < 0)
		err(2, "map %u in the slot", *id);
	read_map(fd, c);

	return fd;
}

struct pins {
	size_t count;		/* of any map */
	bool found;		/* the one that was asked for */
	bool printed;		/* and it is said to be printed */
	struct content content;	/* what is in that one */
	char path[PATH_MAX];
};

static void look_at_pin(struct pins *pins, const char *path, __u32 id)
{
	int fd = open_pin(path);

	pins->count++;
	if (info_of(fd).id == id) {
		pins->found = true;
		pins->printed = strstr(path, "_printed");
		read_map(fd, &pins->content);
		snprintf(pins->path, sizeof(pins->path), "%s", path);
	}
	close(fd);
}

/* Also what is named in a way that only this program knows */
static void find_pins(struct pins *pins, const char *dir, __u32 id)
{
	char path[PATH_MAX];
	struct dirent *entry;
	DIR *d = opendir(dir);

	while (d && (entry = readdir(d))) {
		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		snprintf(path, sizeof(path), "%s/%s", dir, entry->d_name);
		if (entry->d_type == DT_DIR)
			find_pins(pins, path, id);
		else
			look_at_pin(pins, path, id);
	}
	if (d)
		closedir(d);
}

struct scene {
	struct output out;
	struct content slot, printed;
	struct pins pins;
	bool in_slot, all_printed;
	size_t count;
};

static const char *state_of_elements(struct scene *s)
{
	if (!is_rest(&s->printed, &s->pins.content, s->count))
		return "lost";
	if (!s->pins.found)
		return s->all_printed ? "released" : "lost";

	return s->all_printed ? "both" : "pinned";
}

static const char *state_of(struct scene *s, bool keys)
{
	if (s->in_slot) {
		if (!is_all(&s->slot, s->count))
			return "lost";
		return s->printed.count ? "printed-untouched" :
		       s->pins.found ? "untouched-pinned" : "untouched";
	}
	if (s->slot.count)
		return "dirty-replacement";
	if (!keys)
		return state_of_elements(s);
	if (!s->pins.found)
		return s->all_printed ? "released" : "lost";
	if (s->pins.printed)
		return s->all_printed ? "clearing" : "lost";
	if (!is_all(&s->pins.content, s->count))
		return "lost";

	return s->all_printed ? "both" : "pinned";
}

static int do_state(char **argv)
{
	struct scene *s = calloc(1, sizeof(*s));
	__u32 id, old = atoi(argv[2]);
	struct bpf_map_info info;
	char outer[PATH_MAX];
	const char *state;
	int slot;

	s->count = atoi(argv[3]);
	snprintf(outer, sizeof(outer), "%s/outer", argv[0]);
	slot = slot_of(open_pin(outer), &s->slot, &id);
	if (slot < 0)
		errx(2, "the slot is empty");
	info = info_of(slot);
	s->in_slot = id == old;
	find_pins(&s->pins, argv[1], old);
	out_read(&s->out, argv[4]);
	read_output(&s->out, old, has_keys(&info), &s->printed);
	s->all_printed = s->out.whole &&
			 (is_all(&s->printed, s->count) || !has_keys(&info));

	state = state_of(s, has_keys(&info));
	printf("%s %s\n", state, s->pins.path);

	return !strcmp(state, "lost");
}

static int do_recovered(char **argv)
{
	struct content *c = calloc(1, sizeof(*c));
	struct pins *pins = calloc(1, sizeof(*pins));
	struct content *first = calloc(1, sizeof(*first));
	struct output *out = calloc(1, sizeof(*out));
	__u32 id = atoi(argv[1]);
	bool all;

	find_pins(pins, argv[0], id);
	if (pins->count)
		errx(1, "%zu maps are still in %s", pins->count, argv[0]);
	out_read(out, argv[3]);
	if (!out->whole)
		errx(1, "recovered output is not whole");
	read_output(out, id, !argv[4], c);
	if (argv[4]) {
		out_read(out, argv[4]);
		read_output(out, id, false, first);
		all = is_rest(first, c, atoi(argv[2]));
	} else {
		all = is_all(c, atoi(argv[2]));
	}
	if (!all)
		errx(1, "recovered %zu entries, or wrong ones", c->count);

	return 0;
}

static int do_empty(char **argv)
{
	struct content *c = calloc(1, sizeof(*c));

	read_map(open_pin(argv[0]), c);
	if (c->count)
		errx(1, "%s holds %zu entries", argv[0], c->count);

	return 0;
}

static int do_sum(char **argv)
{
	struct output *out = calloc(1, sizeof(*out));
	__u64 sum = 0;
	size_t i;

	for (; *argv; argv++) {
		out_read(out, *argv);
		if (out->bytes && !out->whole)
			errx(1, "%s is not whole", *argv);
		for (i = 0; i < out->count; i++)
			sum += out->entries[i].value;
	}
	printf("%llu\n", (unsigned long long)sum);

	return 0;
}

static int do_slot(char **argv)
{
	struct content *c = calloc(1, sizeof(*c));
	__u64 sum = 0;
	__u32 id;
	size_t i;

	if (slot_of(bpf_obj_get(argv[0]), c, &id) < 0)
		errx(1, "%s: slot 0 is empty", argv[0]);
	for (i = 0; i < OUT_MAX; i++)
		sum += c->values[i];
	printf("%u %llu\n", id, (unsigned long long)sum);

	return 0;
}

static const struct {
	const char *name;
	int args;		/* -N: N or more */
	int (*run)(char **argv);
} commands[] = {
	{ "state",	5,	do_state },
	{ "recovered",	-4,	do_recovered },
	{ "empty",	1,	do_empty },
	{ "sum",	-1,	do_sum },
	{ "slot",	1,	do_slot },
};

int main(int argc, char **argv)
{
	size_t i;

	for (i = 0; argc > 1 && i < sizeof(commands) / sizeof(*commands); i++)
		if (!strcmp(argv[1], commands[i].name) &&
		    (commands[i].args == argc - 2 ||
		     (commands[i].args < 0 && -commands[i].args <= argc - 2)))
			return commands[i].run(argv + 2);

	errx(2, "usage: state | recovered | empty | sum | slot ...");
}
