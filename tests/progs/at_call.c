// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Runs a command, and makes something happen at one of its system calls
 *
 *	at_call [-a] [-n NTH] [-s SINCE] [-o LOG] WHAT CALL COMMAND...
 *
 *	WHAT	error=ENAME	the call fails
 *		late=ENAME	it is made, and is said to have failed
 *		signal=NAME	a signal, that of a kill before the call
 *		run=TEXT	bash -c TEXT before the call, the command is stopped;
 *				$TRACED is its process
 *		after=TEXT	the same after it
 *	CALL	an extended regular expression on the call as LOG shows it
 *	-n	the N-th of these calls, by default the first
 *	-s	those before a call like SINCE don't count
 *	-a	that one and all later ones
 *
 * strace can only count calls by their name, and how often bpftool calls bpf(2)
 * depends on what other maps and programs the machine has at that moment. Here
 * the call itself decides.
 *
 * LOG gets a line for each call of that name: the thread, the call, and
 * "(INJECTED)" where it happened. A command that a signal has stopped adds
 * "stopped PID". The exit status is the command's, or 125 if there was no such
 * call.
 */

#include <elf.h>
#include <err.h>
#include <errno.h>
#include <limits.h>
#include <regex.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <fcntl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>

#include <linux/bpf.h>
#include <linux/filter.h>

#include "calls.h"

#define EXIT_NOT_HIT	125
#define TEXT_MAX	5000

#define PTRACE_OPTIONS	(PTRACE_O_TRACESECCOMP | PTRACE_O_TRACECLONE | \
			 PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | \
			 PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL)

/* What the arguments of a call are */
enum args { NUMBERS, PATH, AT_PATH, BPF, LOCK, BARRIER };

static const struct call {
	const char *name;
	int nr;
	enum args args;
} calls[] = {
	{ "bpf",	__NR_bpf,	BPF },
	{ "write",	__NR_write,	NUMBERS },
	{ "close",	__NR_close,	NUMBERS },
	{ "dup",	__NR_dup,	NUMBERS },
	{ "fcntl",	__NR_fcntl,	LOCK },
	{ "flock",	__NR_flock,	NUMBERS },
	{ "membarrier",	__NR_membarrier, BARRIER },
	{ "openat",	__NR_openat,	AT_PATH },
	{ "mkdir",	__NR_mkdir,	PATH },
	{ "mount",	__NR_mount,	PATH },
	{ "rename",	__NR_rename,	PATH },
	{ "rmdir",	__NR_rmdir,	PATH },
	{ "unlink",	__NR_unlink,	PATH },
};

static struct {
	const char *what, *text;
	const struct call *call;
	regex_t like, since;
	int error, signal;
	unsigned long nth, seen;
	bool all, waiting;	/* for a call like since */
	FILE *log;
} fault = { .nth = 1 };

static void get_mem(pid_t tid, __u64 from, void *to, size_t size)
{
	struct iovec local = { to, size };
	struct iovec remote = { (void *)(unsigned long)from, size };

	memset(to, 0, size);
	/* After the end of a path there may be none */
	if (process_vm_readv(tid, &local, 1, &remote, 1, 0) < 0 &&
	    errno != EFAULT && errno != ESRCH)
		err(2, "process_vm_readv");
}

/* A path may end where the memory does: not read beyond its page */
static void get_path(pid_t tid, __u64 from, char to[PATH_MAX])
{
	size_t page = 4096 - from % 4096;

	get_mem(tid, from, to, page);
	to[page < PATH_MAX ? page : PATH_MAX - 1] = '\0';
	if (strlen(to) == page)
		get_mem(tid, from + page, to + page, PATH_MAX - page - 1);
}

/* Of what a descriptor stands for, as "map=7, " */
static int object_text(pid_t tid, __u32 fd, char *text)
{
	static const char * const kinds[] = { "map", "prog", "link", "btf" };
	char path[64], line[256], like[32];
	int len = 0, id;
	size_t i;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/fdinfo/%u", tid, fd);
	f = fopen(path, "re");
	while (f && !len && fgets(line, sizeof(line), f))
		for (i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
			snprintf(like, sizeof(like), "%s_id: %%d", kinds[i]);
			if (sscanf(line, like, &id) == 1)
				len = sprintf(text, "%s=%d, ", kinds[i], id);
		}
	if (f)
		fclose(f);

	return len;
}

static int bpf_text(pid_t tid, const __u64 *args, char *text)
{
	char path[PATH_MAX + 1] = "";
	union bpf_attr attr = {};
	int len;

	get_mem(tid, args[1], &attr,
		args[2] < sizeof(attr) ? args[2] : sizeof(attr));
	if (args[0] < sizeof(bpf_cmds) / sizeof(*bpf_cmds))
		len = sprintf(text, "BPF_%s, ", bpf_cmds[args[0]]);
	else
		len = sprintf(text, "%llu, ", (unsigned long long)args[0]);

	switch (args[0]) {
	case BPF_MAP_CREATE:
		return len + sprintf(text + len, "type=%u, name=%.15s, ",
				     attr.map_type, attr.map_name);
	case BPF_MAP_LOOKUP_BATCH:
	case BPF_MAP_UPDATE_BATCH:
		len += object_text(tid, attr.batch.map_fd, text + len);
		return len + sprintf(text + len, "count=%u, ",
				     attr.batch.count);
	case BPF_MAP_LOOKUP_ELEM:
	case BPF_MAP_UPDATE_ELEM:
	case BPF_MAP_DELETE_ELEM:
	case BPF_MAP_GET_NEXT_KEY:
	case BPF_MAP_LOOKUP_AND_DELETE_ELEM:
	case BPF_OBJ_GET_INFO_BY_FD:
		return len + object_text(tid, attr.map_fd, text + len);
	case BPF_OBJ_PIN:
	case BPF_OBJ_GET:
		get_path(tid, attr.pathname, path);
		return len + sprintf(text + len, "\"%s\", ", path);
	case BPF_PROG_GET_NEXT_ID:
	case BPF_MAP_GET_NEXT_ID:
	case BPF_PROG_GET_FD_BY_ID:
	case BPF_MAP_GET_FD_BY_ID:
	case BPF_BTF_GET_FD_BY_ID:
		return len + sprintf(text + len, "id=%u, ", attr.start_id);
	default:
		return len;
	}
}

static int lock_text(pid_t tid, const __u64 *args, char *text)
{
	struct flock fl;

	if (args[1] != F_OFD_SETLK && args[1] != F_SETLK)
		return sprintf(text, "%d, %d", (int)args[0], (int)args[1]);

	get_mem(tid, args[2], &fl, sizeof(fl));
	return sprintf(text, "%d, %s, %s", (int)args[0],
		       args[1] == F_SETLK ? "F_SETLK" : "F_OFD_SETLK",
		       fl.l_type == F_UNLCK ? "F_UNLCK" : "F_WRLCK");
}

static void call_text(pid_t tid, const __u64 *args, char text[TEXT_MAX])
{
	char path[PATH_MAX + 1] = "", link[64];
	int len = sprintf(text, "%s(", fault.call->name);

	switch (fault.call->args) {
	case BPF:
		len += bpf_text(tid, args, text + len);
		break;
	case LOCK:
		len += lock_text(tid, args, text + len);
		break;
	case BARRIER:
		len += sprintf(text + len, "%s", args[0] == 1 ?
			       "MEMBARRIER_CMD_GLOBAL" : "");
		break;
	case PATH:
	case AT_PATH:
		get_path(tid, args[fault.call->args == AT_PATH], path);
		len += sprintf(text + len, "\"%s\"", path);
		break;
	default:
		snprintf(link, sizeof(link), "/proc/%d/fd/%d", tid,
			 (int)args[0]);
		if (readlink(link, path, PATH_MAX) < 0)
			*path = '\0';
		len += sprintf(text + len, "%d, \"%s\", ", (int)args[0],
			       path);
	}
	sprintf(text + len, ")");
}

/* The call returns this, and is not made unless it was already */
static void fail_call(pid_t tid, int error, bool made)
{
#ifdef __x86_64__
	struct user_regs_struct regs;
	struct iovec iov = { &regs, sizeof(regs) };

	if (ptrace(PTRACE_GETREGSET, tid, NT_PRSTATUS, &iov))
		err(1, "registers");
	if (!made)
		regs.orig_rax = -1;
	regs.rax = -error;
	if (ptrace(PTRACE_SETREGSET, tid, NT_PRSTATUS, &iov))
		err(1, "registers");
#else
	errx(EXIT_SKIP, "calls can be made to fail on x86-64 only");
#endif
}

static pid_t process_of(pid_t tid)
{
	char path[64], line[256];
	int pid = tid;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", tid);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "Tgid: %d", &pid) == 1)
			break;
	if (f)
		fclose(f);

	return pid;
}

/* A shell in between would lose bash's exported functions */
static void run_text(pid_t tid)
{
	char pid[16];
	int status;
	pid_t child;

	snprintf(pid, sizeof(pid), "%d", process_of(tid));
	child = fork();
	if (!child) {
		setenv("TRACED", pid, 1);
		dup2(STDERR_FILENO, STDOUT_FILENO);
		execlp("bash", "bash", "-c", fault.text, NULL);
		_exit(127);
	}
	if (child < 0 || waitpid(child, &status, 0) != child || status)
		warnx("failed: %s", fault.text);
}

/* Returns how the thread continues */
static int seen_call(pid_t tid, const __u64 *args)
{
	bool hit = false;
	char text[TEXT_MAX];
	int request = PTRACE_CONT;

	call_text(tid, args, text);
	if (!fault.waiting && !regexec(&fault.like, text, 0, NULL, 0)) {
		fault.seen++;
		hit = fault.seen == fault.nth ||
		      (fault.all && fault.seen > fault.nth);
	}
	if (fault.waiting && !regexec(&fault.since, text, 0, NULL, 0))
		fault.waiting = false;
	if (fault.log)
		fprintf(fault.log, "%d %s%s\n", tid, text,
			hit ? " (INJECTED)" : "");
	if (!hit)
		return request;

	if (!strcmp(fault.what, "error"))
		fail_call(tid, fault.error, false);
	else if (fault.signal)
		kill(process_of(tid), fault.signal);
	else if (!strcmp(fault.what, "run"))
		run_text(tid);
	else
		request = PTRACE_SYSCALL;

	return request;
}

static bool stops(int sig)
{
	return sig == SIGSTOP || sig == SIGTSTP || sig == SIGTTIN ||
	       sig == SIGTTOU;
}

/* A thread has stopped */
static void handle(pid_t tid, int status)
{
	struct __ptrace_syscall_info info;
	int request = PTRACE_CONT, sig = 0;

	switch (status >> 8) {
	case SIGTRAP | PTRACE_EVENT_SECCOMP << 8:
		if (ptrace(PTRACE_GET_SYSCALL_INFO, tid, sizeof(info),
			   &info) > 0)
			request = seen_call(tid, (const __u64 *)
					  info.seccomp.args);
		break;
	case SIGTRAP | 0x80:
		if (fault.error)
			fail_call(tid, fault.error, true);
		else
			run_text(tid);
		break;
	default:
		if (status >> 16 == PTRACE_EVENT_STOP &&
		    stops(WSTOPSIG(status))) {
			if (fault.log && fault.seen >= fault.nth)
				fprintf(fault.log, "stopped %d\n",
					process_of(tid));
			request = PTRACE_LISTEN;
		} else if (!(status >> 16)) {
			sig = WSTOPSIG(status);
		}
	}
	if (fault.log)
		fflush(fault.log);
	ptrace(request, tid, 0, sig);
}

static void run_traced(char **argv)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, DATA_NR),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, fault.call->nr, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};

	/* Until it is traced: a call would fail */
	raise(SIGSTOP);
	install_filter(code, sizeof(code) / sizeof(*code));
	execvp(argv[0], argv);
	err(1, "can't run %s", argv[0]);
}

static int trace(pid_t child)
{
	int status, ret = EXIT_SKIP;
	pid_t tid;

	if (waitpid(child, &status, WUNTRACED) != child ||
	    ptrace(PTRACE_SEIZE, child, 0, PTRACE_OPTIONS))
		err(EXIT_SKIP, "nothing can be traced");
	kill(child, SIGCONT);

	/* Threads and children may outlive the command */
	while ((tid = waitpid(-1, &status, __WALL)) > 0) {
		if (WIFSTOPPED(status))
			handle(tid, status);
		else if (tid == child)
			ret = WIFEXITED(status) ? WEXITSTATUS(status) :
						  128 + WTERMSIG(status);
	}

	return ret;
}

static void parse_what(char *what)
{
	char *text = strchr(what, '=');

	if (!text)
		errx(2, "what is to happen? %s", what);
	*text++ = '\0';
	fault.what = what;
	fault.text = text;
	if (!strcmp(what, "error") || !strcmp(what, "late"))
		fault.error = number_of(text, strerrorname_np);
	else if (!strcmp(what, "signal"))
		fault.signal = number_of(text, sigabbrev_np);
	else if (strcmp(what, "run") && strcmp(what, "after"))
		errx(2, "what is to happen? %s", what);
}

static void parse_call(const char *like)
{
	size_t i, len = strspn(like, "abcdefghijklmnopqrstuvwxyz");

	for (i = 0; i < sizeof(calls) / sizeof(*calls); i++)
		if (strlen(calls[i].name) == len &&
		    !strncmp(calls[i].name, like, len))
			fault.call = &calls[i];
	if (!fault.call || regcomp(&fault.like, like, REG_EXTENDED | REG_NOSUB))
		errx(2, "no call: %s", like);
}

int main(int argc, char **argv)
{
	pid_t child;
	int opt;

	while ((opt = getopt(argc, argv, "+an:o:s:")) != -1) {
		if (opt == 'a')
			fault.all = true;
		else if (opt == 'n')
			fault.nth = atol(optarg);
		else if (opt == 's')
			fault.waiting = !regcomp(&fault.since, optarg,
						 REG_EXTENDED | REG_NOSUB);
		else if (opt == 'o')
			fault.log = fopen(optarg, "we");
		else
			return 2;
		if (opt == 'o' && !fault.log)
			err(2, "%s", optarg);
	}
	argv += optind;
	if (argc - optind < 3)
		errx(2, "usage: at_call [-a] [-n NTH] [-s SINCE] [-o LOG] WHAT CALL COMMAND...");
	parse_what(argv[0]);
	parse_call(argv[1]);

	child = fork();
	if (child < 0)
		err(EXIT_SKIP, "fork");
	if (!child)
		run_traced(argv + 2);
	opt = trace(child);
	if (fault.seen < fault.nth && opt != EXIT_SKIP)
		warnx("there was no call %lu like %s", fault.nth, argv[1]);

	return fault.seen < fault.nth && opt != EXIT_SKIP ? EXIT_NOT_HIT : opt;
}
