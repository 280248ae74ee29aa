/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Running a command while something is there for it to meet */
#ifndef TESTS_RUN_H
#define TESTS_RUN_H

#include <err.h>
#include <sys/wait.h>
#include <unistd.h>

/* An exit status that says: this kernel lacks what the test needs */
#define EXIT_SKIP	77

/* The command's exit status, or 128 where a signal has ended it */
static inline int run_command(char **command)
{
	int status;
	pid_t pid;

	pid = fork();
	if (!pid) {
		execvp(*command, command);
		warn("can't run %s", *command);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		err(1, "can't run %s", *command);

	return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

#endif /* TESTS_RUN_H */
