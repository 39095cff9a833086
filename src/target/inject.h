/*
 * Making a stopped thread call the kernel for us, so that whatever kills us on the way, the thread goes on as if it had only taken
 * a signal.
 *
 * The thread is sent a signal that its program catches, and is stopped at the handler's first instruction: the kernel has then
 * saved its registers, floating point state and signal mask in a frame on its signal stack (man 2 sigreturn), and blocked what the
 * handler blocks (Go: everything, runtime/os_linux.go, setsig). The handler never runs. The thread is led to a `syscall; ret` of
 * the program's own instead: left alone there, it makes the call, and `ret` takes it where a handler returns to, which is the
 * kernel again, that restores everything from the frame. We do not leave it alone: after the call its state is put back
 * directly, so that a system call that it was in is restarted exactly as if nobody had looked.
 *
 * Only programs for x86-64, by a mapscope for x86-64. Only the tracer's thread calls these.
 */
#ifndef TARGET_INJECT_H
#define TARGET_INJECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "target/target.h"
#include "util/error.h"

/* Instructions of the program, found before it is stopped. */
struct inject_code {
	taddr call; /* syscall; ret */
	taddr exit; /* mov $231, %eax; syscall: exit_group, of whatever status */
};

/* Looks through the executable mappings of process `pid`, which `target` reads. An error where they lack one, or for another machine. */
struct error *inject_find_code(struct target *target, struct inject_code *out) MUST_CHECK;

struct injection;

/*
 * Leads thread `tid`, which is stopped by PTRACE_INTERRUPT, into the frame of a signal handler. *out is NULL where another signal
 * came first: `signal` is that one, to be given back when the thread is let go.
 */
struct error *inject_begin(pid_t process, pid_t tid, const struct inject_code *code, struct injection **out, int *signal) MUST_CHECK;
/* A system call; `result` is what it returned, -errno where it failed. */
struct error *inject_call(struct injection *injection, uint64_t number, const uint64_t arguments[6], int64_t *result) MUST_CHECK;
/*
 * A call of clone() without a function: a process that stands still, traced by us, at its first instruction, with a copy of the
 * memory. It ends at once where nobody holds it. `child` is its id as we see it, `inner` as its parent does; -errno where there is none.
 */
struct error *inject_clone(struct injection *injection, uint64_t flags, pid_t *child, int64_t *inner) MUST_CHECK;
/*
 * Puts everything back; the thread is stopped as it was. `signal`: 0, or one that it stopped for meanwhile. Ends the injection also
 * where that failed, because the process is gone.
 */
struct error *inject_end(struct injection *injection, int *signal) MUST_CHECK;

/* Why a call cannot be made by this thread; NULL: it can. Static. `passing`: it can in a moment, probably. */
const char *inject_unsuited(pid_t tid, bool *passing);

#endif
