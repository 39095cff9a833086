/* What /proc tells of a process. Thread ids do wherever a process id does: /proc/TID answers, though it is not listed. */
#ifndef TARGET_PROCESS_H
#define TARGET_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "util/bytes.h"
#include "util/error.h"

struct process_status {
	char state;         /* R, S, D, T (stopped), t (traced and stopped), Z, X, ... */
	pid_t inner;        /* its own id in the PID namespace that it lives in (the last of NSpid) */
	pid_t process;      /* the process that the thread belongs to (Tgid) */
	pid_t tracer;       /* 0 where nobody traces it */
	pid_t parent;
	unsigned seccomp;   /* 0: no filter (prctl(2), PR_GET_SECCOMP) */
	bool shadow_stack;  /* x86: returns are checked */
	uint64_t page_tables; /* bytes of them */
	/* Bit N - 1 is signal N. */
	uint64_t signals_pending; /* for the thread alone */
	uint64_t signals_shared;  /* pending for any thread of the process */
	uint64_t signals_blocked;
	uint64_t signals_caught;
	bool kernel_thread;
};

/* An error where there is no such process or thread. */
struct error *process_status(pid_t pid, struct process_status *out) MUST_CHECK;
/* The state letter alone, quickly; 0 where there is no such thread. */
char process_state(pid_t tid);
/* A state that a thread does not leave any more. */
bool process_state_is_dead(char state);

/* The threads of a process, zombies too, in the order of the kernel. `complete` tells whether the kernel counts as
 * many as it listed: a thread that ends while they are listed can cut the list short. The caller frees *out. */
struct error *process_threads(pid_t pid, pid_t **out, size_t *count, bool *complete) MUST_CHECK;

/*
 * Its children whose end no signal tells of, as no fork() makes them (proc_pid_stat(5), exit_signal), the zombies or the others: ids as we
 * see them. At most `room`; returns how many.
 */
size_t process_silent_children(pid_t pid, bool dead, pid_t *out, size_t room);

/* One line of /proc/PID/maps. */
struct process_mapping {
	taddr start;
	taddr end; /* exclusive */
	uint64_t offset; /* bytes, in the file */
	uint64_t inode;  /* 0: no file */
	bool readable;
	bool writable;
	bool executable;
	bool shared;
	char *path; /* as the kernel writes it; "" where there is none */
};

struct error *process_maps(pid_t pid, struct process_mapping **out, size_t *count) MUST_CHECK;
/* Bytes of pages that are its alone (/proc/PID/smaps_rollup, Linux >= 4.14), 0 where that is unknown. Takes as long as they are many. */
uint64_t process_private_bytes(pid_t pid);
void process_maps_free(struct process_mapping *mappings, size_t count);

/*
 * Values of the auxiliary vector, 0 where it lacks them. `machine` says how wide its words are; `fd` is the executable, for the same
 * values where the vector may not be read.
 */
struct error *process_auxv(pid_t pid, const struct machine *machine, int fd, uint64_t *phdr, uint64_t *entry) MUST_CHECK;

/* Opens the executable, whatever became of its path; `path` is for messages, without " (deleted)"; the caller owns
 * both. Returns 0 or an errno. */
int process_open_executable(pid_t pid, int *fd, char **path);
/* Class, byte order and machine from an ELF header. */
struct error *process_elf_machine(int fd, struct machine *out) MUST_CHECK;

#endif
