// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Attaches the demo's program while the script works with its maps
 *
 * usage: demo OBJECT FOLDER
 *
 * Pins the maps in FOLDER, attaches, says "attached". Detaches on the line
 * "detach" and says "detached" when the program is gone. At the end of its
 * input, and so whatever ends the script, it removes the pins and the folder.
 */
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

static int fail(const char *what, int err)
{
	fprintf(stderr, "demo: can't %s: %s\n", what, strerror(-err));
	return -1;
}

static int prog_id(const struct bpf_program *prog, __u32 *id)
{
	struct bpf_prog_info info = {};
	__u32 len = sizeof(info);

	if (bpf_obj_get_info_by_fd(bpf_program__fd(prog), &info, &len))
		return fail("get program info", -errno);
	*id = info.id;

	return 0;
}

/* The link is gone at once, but a system call may be on its way from the
 * tracepoint to the program. Only when the kernel frees the program can no
 * new run begin.
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

	return fail("see the program end", -ETIMEDOUT);
}

static int serve(struct bpf_program *prog)
{
	struct bpf_link *link;
	char line[64];
	__u32 id = 0;

	if (prog_id(prog, &id))
		return -1;
	link = bpf_program__attach(prog);
	if (!link)
		return fail("attach", -errno);
	if (say("attached")) {
		bpf_link__destroy(link);
		return -1;
	}

	while (fgets(line, sizeof(line), stdin)) {
		if (strcmp(line, "detach\n") || !link)
			continue;
		bpf_link__destroy(link);
		link = NULL;
		bpf_program__unload(prog);
		if (wait_gone(id) || say("detached"))
			return -1;
	}
	bpf_link__destroy(link);

	return 0;
}

int main(int argc, char **argv)
{
	struct bpf_object *obj;
	int err;

	if (argc != 3) {
		fprintf(stderr, "usage: demo OBJECT FOLDER\n");
		return 2;
	}

	/* Ctrl-C is for the script, whose end is the end of our input */
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);

	obj = bpf_object__open_file(argv[1], NULL);
	if (!obj) {
		fail("open the object file", -errno);
		return 1;
	}
	err = bpf_object__load(obj);
	if (err) {
		fail("load the program", err);
		goto close_obj;
	}
	err = bpf_object__pin_maps(obj, argv[2]);
	if (err) {
		fail("pin the maps", err);
		goto close_obj;
	}

	err = serve(bpf_object__next_program(obj, NULL));

	bpf_object__unpin_maps(obj, argv[2]);
	rmdir(argv[2]);
close_obj:
	bpf_object__close(obj);
	return err ? 1 : 0;
}
