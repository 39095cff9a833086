#include "target/inject.h"

#include <elf.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include "target/process.h"
#include "util/alloc.h"
#include "util/clock.h"

#define SECOND UINT64_C(1000000000)
/* A stop on the way into the handler takes microseconds; fork copies 10 MB to 40 MB of address space a millisecond. */
#define STOP_WITHIN (5 * SECOND)
#define CALL_WITHIN (300 * SECOND)

/*
 * Of real-time signals each one sent is delivered: it does not become one with another that is pending, as SIGURG would with one
 * by which Go's scheduler preempts. Go ignores it, should it ever reach the handler (runtime/sigtab_linux_generic.go: _SigNotify alone).
 */
#define SIGNAL 64
/* SIGKILL and SIGSTOP, as signals_shared has them. */
#define UNBLOCKABLE (UINT64_C(1) << (SIGKILL - 1) | UINT64_C(1) << (SIGSTOP - 1))

enum {
	EXTENDED_MAX = 1 << 16, /* bytes of extended processor state: 11 KiB with all that there is in 2024 */
	/*
	 * struct rt_sigframe (arch/x86/include/asm/sigframe.h) at the stack pointer: the return address, a ucontext, a siginfo. In
	 * the ucontext struct sigcontext (uapi/asm/sigcontext.h) follows five words, and the signal mask follows that.
	 */
	FRAME_CONTEXT = 8 + 40,
	FRAME_SP = FRAME_CONTEXT + 15 * 8,
	FRAME_PC = FRAME_CONTEXT + 16 * 8,
	FRAME_INFO = FRAME_CONTEXT + 256 + 8,
};

static const uint8_t call_bytes[] = { 0x0f, 0x05, 0xc3 };
static const uint8_t exit_bytes[] = { 0xb8, 0xe7, 0x00, 0x00, 0x00, 0x0f, 0x05 };

/* --- finding code --------------------------------------------------------------------------------------------- */

static void find_bytes(const uint8_t *bytes, size_t length, taddr at, const uint8_t *wanted, size_t wanted_length, taddr *out)
{
	const uint8_t *found = out->v == 0 ? memmem(bytes, length, wanted, wanted_length) : NULL;

	if (found != NULL)
		*out = taddr_add(at, (uint64_t)(found - bytes));
}

static void search(struct target *target, const struct process_mapping *mapping, uint8_t *window, size_t size, struct inject_code *code)
{
	for (uint64_t at = mapping->start.v; at < mapping->end.v && (code->call.v == 0 || code->exit.v == 0);) {
		uint64_t left = mapping->end.v - at;
		size_t got = target_read_some(target, taddr_of(at), window, left < size ? (size_t)left : size);

		find_bytes(window, got, taddr_of(at), call_bytes, sizeof(call_bytes), &code->call);
		find_bytes(window, got, taddr_of(at), exit_bytes, sizeof(exit_bytes), &code->exit);
		if (got < size)
			return;
		at += size - sizeof(exit_bytes); /* they may lie across the windows' border */
	}
}

static struct error *without_one(struct error *error)
{
	return error_hint(error, "--no-stop reads it while it runs; without both it is stopped while it is read");
}

struct error *inject_find_code(struct target *target, struct inject_code *out)
{
	enum { WINDOW = 1 << 20 };
	struct process_mapping *mappings;
	size_t count;

	*out = (struct inject_code){ 0 };
#if !defined(__x86_64__)
	return without_one(error_new(ERROR_TARGET, "process %d: a snapshot takes a mapscope for x86-64", (int)target->pid));
#endif
	if (target->machine.elf_machine != EM_X86_64)
		return without_one(error_new(ERROR_TARGET, "process %d: snapshots are made of programs for x86-64 only", (int)target->pid));
	TRY(process_maps(target->pid, &mappings, &count));
	if (count == 0) {
		process_maps_free(mappings, count);
		return error_new(ERROR_TARGET, "process %d: it has ended", (int)target->pid);
	}

	uint8_t *window = xmalloc(WINDOW);

	for (size_t i = 0; i < count; i++)
		if (mappings[i].executable && mappings[i].readable && !mappings[i].writable)
			search(target, &mappings[i], window, WINDOW, out);
	free(window);
	process_maps_free(mappings, count);
	if (out->call.v == 0 || out->exit.v == 0)
		return without_one(error_new(ERROR_TARGET, "process %d: its code lacks the instructions by which a snapshot is made", (int)target->pid));
	return NULL;
}

const char *inject_unsuited(pid_t tid, bool *passing)
{
	const uint64_t bit = UINT64_C(1) << (SIGNAL - 1);
	struct process_status status;
	struct error *error = process_status(tid, &status);

	error_free(error);
	*passing = false;
	if (error != NULL || process_state_is_dead(status.state))
		return "has ended";
	if (status.seccomp != 0)
		return "is under a seccomp filter, which may kill it for a system call that is not its own";
	if (status.shadow_stack)
		return "has a shadow stack, which forbids to return elsewhere";
	if ((status.signals_caught & bit) == 0)
		return "does not catch signal 64, as Go programs do";
	*passing = true;
	if ((status.signals_blocked & bit) != 0)
		return "is in a signal handler, or blocks signals";
	/*
	 * What is pending for any thread may wait, for as long as the process is stopped (SIGSTOP) for ever: a thread gets its own signals first
	 * (kernel/signal.c, dequeue_signal), and Go's handlers block all that can be blocked.
	 */
	if (status.signals_pending != 0 || (status.signals_shared & UNBLOCKABLE) != 0)
		return "is about to get a signal";
	return NULL;
}

#if defined(__x86_64__)

/* --- one thread ----------------------------------------------------------------------------------------------- */

struct injection {
	pid_t process, tid;
	const struct inject_code *code;
	struct user_regs_struct original; /* as it was when it was stopped */
	struct user_regs_struct entry;    /* at the handler's first instruction */
	uint8_t *extended;
	size_t extended_length;
	uint64_t mask;
	taddr scratch; /* a word of the frame that nobody needs unless the handler runs */
	uint64_t scratch_was;
};

/* A stop, as wait() tells of it; the report stays (WNOWAIT), so that the kernel delivers a signal should we be killed now. */
struct stop {
	int signal; /* with 0x80 in it: a system call's */
	int event;  /* PTRACE_EVENT_..., 0: none */
};

static struct error *trace_error(const struct injection *in, const char *what)
{
	if (errno == ESRCH || errno == ECHILD)
		return error_new(ERROR_TARGET, "process %d: it has ended", (int)in->process);
	return error_new(ERROR_TARGET, "process %d: cannot %s its thread %d: %s", (int)in->process, what, (int)in->tid, strerror(errno));
}

static struct error *wait_for_stop(const struct injection *in, uint64_t within, struct stop *out)
{
	uint64_t began = clock_now_ns();

	for (long pause = 5;; pause = pause < 100 ? pause * 2 : 100) {
		siginfo_t info = { 0 };

		if (waitid(P_PID, (id_t)in->tid, &info, WSTOPPED | WEXITED | __WALL | WNOHANG | WNOWAIT) != 0)
			return trace_error(in, "wait for");
		if (info.si_pid == in->tid && info.si_code != CLD_TRAPPED && info.si_code != CLD_STOPPED)
			return error_new(ERROR_TARGET, "process %d: it has ended", (int)in->process);
		if (info.si_pid == in->tid) {
			*out = (struct stop){ info.si_status & 0xff, info.si_status >> 8 };
			return NULL;
		}
		if (pause == 100 && process_state_is_dead(process_state(in->tid))) /* of a leader's end is told when no other thread is left */
			return error_new(ERROR_TARGET, "process %d: it has ended", (int)in->process);
		if (clock_now_ns() - began > within)
			return error_new(ERROR_TARGET, "process %d: its thread %d does not stop", (int)in->process, (int)in->tid);
		clock_sleep_us(pause);
	}
}

static struct error *go_on(const struct injection *in, int request, int signal, uint64_t within, struct stop *out)
{
	if (ptrace(request, in->tid, NULL, (void *)(intptr_t)signal) != 0)
		return trace_error(in, "continue");
	return wait_for_stop(in, within, out);
}

static struct error *get_registers(const struct injection *in, struct user_regs_struct *out)
{
	struct iovec all = { out, sizeof(*out) };

	if (ptrace(PTRACE_GETREGSET, in->tid, (void *)(intptr_t)NT_PRSTATUS, &all) != 0)
		return trace_error(in, "read the registers of");
	return NULL;
}

static struct error *set_registers(const struct injection *in, const struct user_regs_struct *registers)
{
	struct iovec all = { (void *)registers, sizeof(*registers) };

	if (ptrace(PTRACE_SETREGSET, in->tid, (void *)(intptr_t)NT_PRSTATUS, &all) != 0)
		return trace_error(in, "set the registers of");
	return NULL;
}

static struct error *peek(const struct injection *in, taddr address, uint64_t *out)
{
	errno = 0;
	*out = (uint64_t)ptrace(PTRACE_PEEKDATA, in->tid, (void *)(uintptr_t)address.v, NULL);
	return errno != 0 ? trace_error(in, "read the stack of") : NULL;
}

static struct error *poke(const struct injection *in, taddr address, uint64_t word)
{
	if (ptrace(PTRACE_POKEDATA, in->tid, (void *)(uintptr_t)address.v, (void *)(uintptr_t)word) != 0)
		return trace_error(in, "write the stack of");
	return NULL;
}

static struct error *save(struct injection *in)
{
	struct iovec extended = { in->extended, EXTENDED_MAX };

	TRY(get_registers(in, &in->original));
	if (ptrace(PTRACE_GETREGSET, in->tid, (void *)(intptr_t)NT_X86_XSTATE, &extended) != 0 ||
	    ptrace(PTRACE_GETSIGMASK, in->tid, (void *)sizeof(in->mask), &in->mask) != 0)
		return trace_error(in, "read the state of");
	in->extended_length = extended.iov_len;
	if (extended.iov_len == EXTENDED_MAX)
		return error_new(ERROR_TARGET, "process %d: its processor state is larger than is known here", (int)in->process);
	if (ptrace(PTRACE_SETOPTIONS, in->tid, NULL,
		   (void *)(PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK)) != 0)
		return trace_error(in, "trace");
	return NULL;
}

/* Whether the code is what it was when it was found: the process may have called exec() since. */
static struct error *check_code(const struct injection *in)
{
	uint64_t call, exit;

	TRY(peek(in, in->code->call, &call));
	TRY(peek(in, in->code->exit, &exit));
	if (memcmp(&call, call_bytes, sizeof(call_bytes)) != 0 || memcmp(&exit, exit_bytes, sizeof(exit_bytes)) != 0)
		return error_new(ERROR_TARGET, "process %d: it runs another program now", (int)in->process);
	return NULL;
}

/* With a value by which we know it again. */
static struct error *send_signal(struct injection *in)
{
	siginfo_t info = { .si_signo = SIGNAL, .si_code = SI_QUEUE, .si_pid = getpid(), .si_uid = getuid() };

	info.si_value.sival_ptr = in;
	if (syscall(SYS_rt_tgsigqueueinfo, in->process, in->tid, SIGNAL, &info) != 0)
		return trace_error(in, "signal");
	return NULL;
}

static bool is_ours(const struct injection *in, const struct stop *stop)
{
	siginfo_t info;

	return stop->event == 0 && stop->signal == SIGNAL && ptrace(PTRACE_GETSIGINFO, in->tid, NULL, &info) == 0 &&
	       info.si_code == SI_QUEUE && info.si_value.sival_ptr == in;
}

/* The frame must hold what we know the thread to be: then it is one. */
static struct error *check_frame(struct injection *in)
{
	taddr frame;
	uint64_t sp;

	TRY(get_registers(in, &in->entry));
	frame = taddr_of(in->entry.rsp);
	TRY(peek(in, taddr_add(frame, FRAME_SP), &sp));
	if (in->entry.rip == in->original.rip || sp != in->original.rsp)
		return error_new(ERROR_TARGET, "process %d: its thread %d did not enter a signal handler", (int)in->process, (int)in->tid);
	in->scratch = taddr_add(frame, FRAME_INFO);
	return peek(in, in->scratch, &in->scratch_was);
}

static void injection_free(struct injection *in)
{
	free(in->extended);
	free(in);
}

/* *signal: another one that came first. */
static struct error *enter(struct injection *in, int *signal)
{
	struct stop stop;

	TRY(check_code(in));
	TRY(save(in));
	TRY(send_signal(in));
	/* an interrupt and a stop by SIGSTOP may have come together: these are two stops (PTRACE_EVENT_STOP) */
	for (int again = 0; again < 3 && (again == 0 || stop.event != 0); again++)
		TRY(go_on(in, PTRACE_CONT, 0, STOP_WITHIN, &stop));
	if (!is_ours(in, &stop)) {
		*signal = stop.event == 0 ? stop.signal : 0;
		return NULL;
	}
	/* the step ends where the kernel has set up the frame (kernel/signal.c, signal_delivered) */
	TRY(go_on(in, PTRACE_SINGLESTEP, SIGNAL, STOP_WITHIN, &stop));
	return check_frame(in);
}

struct error *inject_begin(pid_t process, pid_t tid, const struct inject_code *code, struct injection **out, int *signal)
{
	struct injection *in = xcalloc(1, sizeof(*in));
	struct error *error;

	*out = NULL;
	*signal = 0;
	in->process = process;
	in->tid = tid;
	in->code = code;
	in->extended = xmalloc(EXTENDED_MAX);
	error = enter(in, signal);
	if (error != NULL || in->scratch.v == 0)
		injection_free(in);
	else
		*out = in;
	return error;
}

/* Until the call is done. `child`: of a clone, as we see it. */
static struct error *run_call(const struct injection *in, pid_t *child)
{
	unsigned long message;
	struct stop stop;

	TRY(go_on(in, PTRACE_SYSCALL, 0, STOP_WITHIN, &stop)); /* before it */
	TRY(go_on(in, PTRACE_SYSCALL, 0, CALL_WITHIN, &stop));
	if (stop.event != 0 && ptrace(PTRACE_GETEVENTMSG, in->tid, NULL, &message) == 0) {
		*child = (pid_t)message;
		TRY(go_on(in, PTRACE_SYSCALL, 0, STOP_WITHIN, &stop));
	}
	if (stop.signal != (SIGTRAP | 0x80))
		return error_new(ERROR_TARGET, "process %d: its thread %d stopped for signal %d in the middle of a call", (int)in->process,
				 (int)in->tid, stop.signal);
	return NULL;
}

static struct error *call(const struct injection *in, uint64_t number, const uint64_t arguments[6], pid_t *child, int64_t *result)
{
	struct user_regs_struct registers = in->entry;

	registers.rip = in->code->call.v;
	registers.rax = number;
	registers.orig_rax = UINT64_MAX; /* not in a system call: nothing to restart */
	registers.rdi = arguments[0];
	registers.rsi = arguments[1];
	registers.rdx = arguments[2];
	registers.r10 = arguments[3];
	registers.r8 = arguments[4];
	registers.r9 = arguments[5];
	TRY(set_registers(in, &registers));
	TRY(run_call(in, child));
	TRY(get_registers(in, &registers));
	*result = (int64_t)registers.rax;
	return NULL;
}

struct error *inject_call(struct injection *in, uint64_t number, const uint64_t arguments[6], int64_t *result)
{
	pid_t child = 0;

	return call(in, number, arguments, &child, result);
}

struct error *inject_clone(struct injection *in, uint64_t flags, pid_t *child, int64_t *inner)
{
	/* the child's stack is one word, which its `ret` takes it to */
	const uint64_t arguments[6] = { flags, in->scratch.v };

	*child = 0;
	TRY(poke(in, in->scratch, in->code->exit.v));
	return call(in, SYS_clone, arguments, child, inner);
}

/* The registers last: once they are back, nothing returns through the frame any more. */
static struct error *put_back(const struct injection *in)
{
	struct iovec extended = { in->extended, in->extended_length };

	TRY(poke(in, in->scratch, in->scratch_was));
	if (ptrace(PTRACE_SETREGSET, in->tid, (void *)(intptr_t)NT_X86_XSTATE, &extended) != 0 ||
	    ptrace(PTRACE_SETSIGMASK, in->tid, (void *)sizeof(in->mask), &in->mask) != 0)
		return trace_error(in, "put back the state of");
	return set_registers(in, &in->original);
}

struct error *inject_end(struct injection *in, int *signal)
{
	struct stop stop = { 0 };
	struct error *error = put_back(in);

	/* from such a stop the kernel restarts the system call that was interrupted (arch/x86/kernel/signal.c) */
	if (error == NULL && ptrace(PTRACE_INTERRUPT, in->tid, NULL, NULL) != 0)
		error = trace_error(in, "stop");
	if (error == NULL)
		error = go_on(in, PTRACE_CONT, 0, STOP_WITHIN, &stop);
	*signal = stop.event == 0 ? stop.signal : 0;
	injection_free(in);
	return error;
}

#else

/* inject_find_code() fails here: there is no code to call these with. */
struct error *inject_begin(pid_t process, pid_t tid, const struct inject_code *code, struct injection **out, int *signal)
{
	(void)tid, (void)code, (void)out, (void)signal;
	return error_new(ERROR_TARGET, "process %d: a snapshot takes a mapscope for x86-64", (int)process);
}

struct error *inject_call(struct injection *injection, uint64_t number, const uint64_t arguments[6], int64_t *result)
{
	(void)injection, (void)number, (void)arguments, (void)result;
	return NULL;
}

struct error *inject_clone(struct injection *injection, uint64_t flags, pid_t *child, int64_t *inner)
{
	(void)injection, (void)flags, (void)child, (void)inner;
	return NULL;
}

struct error *inject_end(struct injection *injection, int *signal)
{
	(void)injection, (void)signal;
	return NULL;
}

#endif
