/*
 * Files of strangers are read in a child process: where libelf or libdw dies of one (or mapscope does), that ends in an error, not in a
 * core dump. The child is what traces a process; the kernel lets that run on when the child ends, however it ends.
 */
#ifndef COMMAND_SUPERVISOR_H
#define COMMAND_SUPERVISOR_H

struct supervised {
	int (*work)(void *context);
	void *context;
	/*
	 * Clears away what a child has left that was killed; NULL: nothing is left. It is called in a process that is killed where it takes more than
	 * a while. Where the supervisor itself is killed, the child is killed with it; or, where there is something to clear away, ends as by
	 * SIGTERM, and is killed when it has not after a while.
	 */
	void (*clear)(void *context);
};

/*
 * Runs `work` in a child and returns its exit status. The child may take LIMIT_MEMORY at most, of its own: what it maps of files does not
 * count. Signals that are sent to this process are passed on; it stops, goes on and dies of a signal as the child does. A child that dies of a
 * fault is reported on standard error: ERROR_TARGET where it was opening files, ERROR_MEMORY later.
 */
int supervisor_run(const struct supervised *what);

/* In the child, for that report: the file that is being opened (NULL: one without a name), and that all are open. They do nothing where there is no
 * supervisor. */
void supervisor_opening(const char *path);
void supervisor_opened(void);

#endif
