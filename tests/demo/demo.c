// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Attach the demo's program while the script works with its maps
 *
 * usage: demo OBJECT FOLDER
 *
 * Pins the maps in FOLDER, attaches the program and prints "attached". On the
 * line "detach" it detaches, and prints "detached" when the program is gone. On
 * the line "clear" it reads and clears one of the maps the usual way and prints
 * the sum. At the end of its input, whatever ends the script, it removes the pins
 * and the folder.
 */
#include <err.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#define GONE_TRIES	1000
#define GONE_PAUSE_US	10000	/* 10 seconds in all */

static int say(const char *word)
{
	puts(word);
	return fflush(stdout);
}

static int fail(const char *what)
{
	warn("can't %s", what);
	return -1;
}

/* The link is gone at once, but a system call may be on its way from the
 * tracepoint to the program. No new run can begin only once the kernel has
 * freed the program.
 */
static int wait_gone(__u32 id)
{
	int i, fd;

	for (i = 0; i < GONE_TRIES; i++) {
		fd = bpf_prog_get_fd_by_id(id);
		if (fd < 0 && errno == ENOENT)
			return 0;
		if (fd >= 0)
			close(fd);
		usleep(GONE_PAUSE_US);
	}

	errno = ETIMEDOUT;
	return fail("see the program end");
}

/* As tools usually do: read all entries, then delete all of them. What is counted
 * in between is lost.
 */
static unsigned long long read_and_clear(int fd)
{
	unsigned long long value, sum = 0;
	__u32 key, next;
	int err;

	err = bpf_map_get_next_key(fd, NULL, &next);
	while (!err) {
		key = next;
		if (!bpf_map_lookup_elem(fd, &key, &value))
			sum += value;
		err = bpf_map_get_next_key(fd, &key, &next);
	}
	/* The next key before the deletion: our own calls are counted too, and
	 * come back at the start
	 */
	err = bpf_map_get_next_key(fd, NULL, &next);
	while (!err) {
		key = next;
		err = bpf_map_get_next_key(fd, &key, &next);
		bpf_map_delete_elem(fd, &key);
	}

	return sum;
}

static int serve(struct bpf_program *prog, int usual_fd)
{
	struct bpf_prog_info info = {};
	__u32 len = sizeof(info);
	struct bpf_link *link;
	char line[64];

	if (bpf_obj_get_info_by_fd(bpf_program__fd(prog), &info, &len))
		return fail("get program info");
	link = bpf_program__attach(prog);
	if (!link || say("attached"))
		return fail("attach");

	while (fgets(line, sizeof(line), stdin)) {
		if (!strcmp(line, "clear\n")) {
			printf("%llu\n", read_and_clear(usual_fd));
			fflush(stdout);
		}
		if (strcmp(line, "detach\n") || !link)
			continue;
		bpf_link__destroy(link);
		link = NULL;
		bpf_program__unload(prog);
		if (wait_gone(info.id) || say("detached"))
			return -1;
	}
	bpf_link__destroy(link);

	return 0;
}

int main(int argc, char **argv)
{
	struct bpf_object *obj;
	int failed;

	if (argc != 3)
		errx(2, "usage: demo OBJECT FOLDER");

	/* Ctrl-C is for the script, whose end is the end of our input */
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);

	obj = bpf_object__open_file(argv[1], NULL);
	if (!obj || bpf_object__load(obj))
		err(1, "can't load the program");
	if (bpf_object__pin_maps(obj, argv[2]))
		err(1, "can't pin the maps");

	failed = serve(bpf_object__next_program(obj, NULL),
		       bpf_object__find_map_fd_by_name(obj, "calls_usual"));

	bpf_object__unpin_maps(obj, argv[2]);
	rmdir(argv[2]);

	return failed ? 1 : 0;
}
