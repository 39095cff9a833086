#include "target/live.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "target/headroom.h"
#include "target/permission.h"
#include "target/process.h"
#include "target/snapshot.h"
#include "target/stop.h"
#include "util/alloc.h"

/* One iovec element reads at most this much: the kernel pins its pages batch by batch, the rest of us may wait. */
#define ELEMENT_MAX ((size_t)1 << 20)

struct live {
	struct target target;
	pid_t tid;     /* a living thread: a leader that ended has no memory any more */
	int memory_fd; /* /proc/TID/mem, or -1: in use where process_vm_readv() is not permitted, or cannot say the address */
	struct stopper *stopper; /* while it is stopped, or there is a snapshot */
	struct inject_code code; /* LIVE_SNAPSHOT: by which one is made */
	pid_t copy;              /* the process that has it; 0: none */
	int copy_fd;             /* its memory; -1: none */
	struct live_options options;
	struct live_stats stats;
	struct process_mapping *mappings; /* as /proc had them at that time; NULL: not looked at */
	size_t mapping_count;
	struct timespec mappings_at;
};

static struct live *live_of(struct target *target)
{
	return (struct live *)target;
}

/* A batch of iovec elements, taken from the pieces from `next` on. */
struct batch {
	struct target_piece *pieces;
	size_t count;
	size_t next; /* the first piece that is not done; its `got` says how far it is */
	struct iovec local[IOV_MAX];
	struct iovec remote[IOV_MAX];
	size_t elements;
};

static void batch_fill(struct batch *batch)
{
	size_t n = 0;

	for (size_t i = batch->next; i < batch->count && n < IOV_MAX; i++) {
		struct target_piece *piece = &batch->pieces[i];

		for (size_t at = piece->got; at < piece->length && n < IOV_MAX; n++) {
			size_t length = piece->length - at < ELEMENT_MAX ? piece->length - at : ELEMENT_MAX;

			batch->local[n] = (struct iovec){ (uint8_t *)piece->to + at, length };
			batch->remote[n] = (struct iovec){ (void *)(uintptr_t)(piece->address.v + at), length };
			at += length;
		}
	}
	batch->elements = n;
}

/* Counts `bytes` more as read, in order; stands at the first piece that is not complete then. */
static void batch_advance(struct batch *batch, size_t bytes)
{
	while (batch->next < batch->count) {
		struct target_piece *piece = &batch->pieces[batch->next];
		size_t missing = piece->length - piece->got;

		if (missing > bytes) {
			piece->got += bytes;
			return;
		}
		piece->got = piece->length;
		bytes -= missing;
		batch->next++;
	}
}

static size_t batch_bytes(const struct batch *batch)
{
	size_t bytes = 0;

	for (size_t i = 0; i < batch->elements; i++)
		bytes += batch->local[i].iov_len;
	return bytes;
}

/* Through /proc/TID/mem, which copies page by page and stops at the first that it cannot read. */
static void read_from_file(struct live *live, int fd, struct target_piece *piece)
{
	while (piece->got < piece->length) {
		size_t length = piece->length - piece->got;
		uint64_t from = piece->address.v + piece->got;
		ssize_t n = pread(fd, (uint8_t *)piece->to + piece->got,
				  length < ELEMENT_MAX ? length : ELEMENT_MAX, (off_t)from);

		live->stats.read_calls++;
		if (n <= 0)
			return;
		piece->got += (size_t)n;
		live->stats.read_bytes += (uint64_t)n;
	}
}

static int open_memory_of(pid_t pid)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/mem", (int)pid);
	return open(path, O_RDONLY | O_CLOEXEC);
}

/* Opens the way round process_vm_readv(); false where that is closed too. */
static bool open_memory(struct live *live)
{
	live->memory_fd = open_memory_of(live->tid);
	return live->memory_fd >= 0;
}

/* The leader may end before the other threads do, and takes our handle on the memory with it. */
static bool find_living_thread(struct live *live)
{
	pid_t *threads;
	size_t count, i;
	bool complete;
	struct error *error = process_threads(live->target.pid, &threads, &count, &complete);

	if (error != NULL) {
		error_free(error);
		return false;
	}
	for (i = 0; i < count && process_state_is_dead(process_state(threads[i])); i++)
		continue;
	if (i < count)
		live->tid = threads[i];
	free(threads);
	return i < count;
}

/* One system call's worth. False where nothing more can be read at all. */
static bool batch_read(struct live *live, struct batch *batch)
{
	ssize_t n = process_vm_readv(live->tid, batch->local, batch->elements, batch->remote, batch->elements, 0);
	int number = errno;

	live->stats.read_calls++;
	if (n >= 0) {
		size_t wanted = batch_bytes(batch);

		live->stats.read_bytes += (uint64_t)n;
		batch_advance(batch, (size_t)n);
		/*
		 * Short: the byte where it stopped cannot be read. The manual promises whole elements only, the
		 * kernel copies up to the bad page (mm/process_vm_access.c, process_vm_rw_single_vec()).
		 */
		if ((size_t)n < wanted)
			batch->next++;
		return true;
	}
	if (number == ESRCH) {
		pid_t before = live->tid;

		return find_living_thread(live) && live->tid != before;
	}
	if (number == EPERM || number == ENOSYS)
		return open_memory(live);
	batch_advance(batch, 0); /* over empty pieces, to the one whose first byte is bad (EFAULT) */
	batch->next++;
	return true;
}

static void read_from_process(struct live *live, struct target_piece *pieces, size_t count)
{
	struct batch batch;

	batch.pieces = pieces;
	batch.count = count;
	batch.next = 0;
	while (live->memory_fd < 0) {
		batch_fill(&batch);
		if (batch.elements == 0 || !batch_read(live, &batch))
			return;
	}
	for (; batch.next < count; batch.next++)
		read_from_file(live, live->memory_fd, &pieces[batch.next]);
}

/* Whether what has been read up to now was read while the process stood, where it is to stand. */
static bool in_time(const struct live *live)
{
	return live->stopper == NULL || stopper_in_time(live->stopper);
}

static void live_read_pieces(struct target *target, struct target_piece *pieces, size_t count)
{
	struct live *live = live_of(target);

	for (size_t i = 0; i < count; i++)
		pieces[i].got = 0;
	if (live->copy_fd < 0)
		read_from_process(live, pieces, count);
	/* not by process_vm_readv(), which pins pages, and so makes copies of those that are shared (mm/gup.c, gup_must_unshare) */
	for (size_t i = 0; i < count && live->copy_fd >= 0; i++)
		read_from_file(live, live->copy_fd, &pieces[i]);
	for (size_t i = 0; i < count && !in_time(live); i++)
		pieces[i].got = 0;
}

static bool is_recent(const struct timespec *time)
{
	enum { RECENT = 100 * 1000 * 1000 }; /* ns */
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (now.tv_sec - time->tv_sec) * 1000000000LL + now.tv_nsec - time->tv_nsec < RECENT;
}

static void forget_mappings(struct live *live)
{
	process_maps_free(live->mappings, live->mapping_count);
	live->mappings = NULL;
	live->mapping_count = 0;
}

static const struct process_mapping *mapping_of(const struct live *live, taddr address)
{
	for (size_t i = 0; i < live->mapping_count; i++)
		if (address.v >= live->mappings[i].start.v && address.v < live->mappings[i].end.v)
			return &live->mappings[i];
	return NULL;
}

/* What says no is believed for a while: where guesses lead nowhere, it is asked for thousands of addresses. */
static struct error *load_mappings(struct live *live, taddr address)
{
	const struct process_mapping *mapping = mapping_of(live, address);

	if (live->mapping_count != 0 && is_recent(&live->mappings_at) && (mapping == NULL || !mapping->readable))
		return NULL;
	forget_mappings(live);
	clock_gettime(CLOCK_MONOTONIC, &live->mappings_at);
	return process_maps(live->copy ? live->copy : live->tid, &live->mappings, &live->mapping_count);
}

static struct error *live_unreadable(struct target *target, taddr address)
{
	struct live *live = live_of(target);
	const struct process_mapping *mapping;

	if (!in_time(live))
		return stopper_over_budget(live->stopper);
	TRY(load_mappings(live, address));
	if (live->mapping_count == 0 && live->copy != 0)
		return error_new(ERROR_TARGET, "process %d: its snapshot has been killed (is memory short?)", (int)target->pid);
	if (live->mapping_count == 0)
		return error_new(ERROR_TARGET, "process %d: it has ended", (int)target->pid);
	mapping = mapping_of(live, address);
	if (mapping == NULL)
		return error_new(ERROR_MEMORY, "0x%" PRIx64 ": not mapped", address.v);
	return error_new(ERROR_MEMORY, mapping->readable ? "0x%" PRIx64 ": cannot be read" : "0x%" PRIx64 ": mapped, but not readable", address.v);
}

/* Whether all threads stand still; asked where another tracer is in charge of that. */
static bool all_stopped(pid_t pid)
{
	pid_t *threads;
	size_t count;
	bool complete, stopped = true;
	struct error *error = process_threads(pid, &threads, &count, &complete);

	if (error != NULL) {
		error_free(error);
		return false;
	}
	for (size_t i = 0; i < count; i++) {
		char state = process_state(threads[i]);

		stopped &= state == 't' || state == 'T' || process_state_is_dead(state);
	}
	free(threads);
	return stopped;
}

static void set_held(struct live *live, pid_t tracer)
{
	live->stats.mode = LIVE_HELD;
	live->stats.tracer = tracer;
	live->stats.held_stopped = all_stopped(live->target.pid);
}

static struct error *open_copy(struct live *live, pid_t copy)
{
	live->copy = copy;
	live->copy_fd = open_memory_of(copy);
	if (live->copy_fd < 0)
		return error_new(ERROR_TARGET, "process %d: cannot read its snapshot: %s", (int)live->target.pid, strerror(errno));
	return NULL;
}

static struct error *traced_by(const struct live *live, pid_t tracer)
{
	struct error *error = error_new(ERROR_TARGET, "process %d: process %d traces it, so no snapshot can be made of it", (int)live->target.pid,
					(int)tracer);

	return error_hint(error, "without --snapshot it is read as it is, without attaching");
}

static struct error *stop(struct live *live)
{
	bool snapshot = live->stats.mode == LIVE_SNAPSHOT;
	const struct stopper_options options = {
		.budget_ns = live->options.budget_ns,
		.snapshot = snapshot ? &live->code : NULL,
		.machine = register_roles_find(&live->target.machine) ? &live->target.machine : NULL,
	};
	struct stopper_figures figures;
	struct headroom headroom;
	pid_t tracer;

	if (snapshot) {
		headroom_read("", live->target.pid, &headroom);
		TRY(headroom_check("", live->target.pid, &headroom));
	}
	TRY(stopper_start(live->target.pid, &options, &live->stopper, &tracer));
	if (live->stopper == NULL && snapshot)
		return traced_by(live, tracer);
	if (live->stopper == NULL) {
		set_held(live, tracer);
		return NULL;
	}
	live->stats.stops++;
	stopper_figures(live->stopper, &figures);
	live->stats.threads = figures.threads;
	live->stats.pause_ns += figures.pause_ns;
	return snapshot ? open_copy(live, figures.snapshot) : NULL;
}

static struct error *live_stop(struct target *target)
{
	struct live *live = live_of(target);

	if (live->stats.mode == LIVE_HELD)
		live->stats.held_stopped = all_stopped(target->pid);
	if (live->stats.mode == LIVE_HELD || live->stats.mode == LIVE_UNSTOPPED || live->stopper != NULL)
		return NULL;
	return stop(live);
}

static void live_resume(struct target *target)
{
	struct live *live = live_of(target);
	struct stopper_figures figures;

	if (live->stopper == NULL || live->stats.mode == LIVE_SNAPSHOT)
		return;
	stopper_end(live->stopper, &figures);
	live->stats.pause_ns += figures.pause_ns;
	live->stopper = NULL;
}

void live_forget_snapshot(struct target *target)
{
	struct live *live = live_of(target);
	struct stopper_figures figures;

	if (live->stopper == NULL || live->stats.mode != LIVE_SNAPSHOT)
		return;
	if (live->copy != 0 && live->options.count_copies)
		live->stats.copied_bytes += process_private_bytes(live->copy);
	if (live->copy_fd >= 0)
		close(live->copy_fd);
	live->copy_fd = -1;
	live->copy = 0;
	stopper_end(live->stopper, &figures);
	live->stopper = NULL;
	live->stats.reap_ns += figures.reap_ns;
	live->stats.left += figures.snapshot_left;
}

static struct error *live_threads(struct target *target, struct target_thread **out, size_t *count)
{
	struct live *live = live_of(target);

	if (live->stats.mode == LIVE_HELD)
		return error_new(ERROR_TARGET, "process %d: process %d traces it, and has the registers of its threads", (int)target->pid,
				 (int)live->stats.tracer);
	if (live->stopper == NULL)
		return error_new(ERROR_TARGET, "process %d: it is not stopped, so its threads' registers are not to be had", (int)target->pid);
	return stopper_threads(live->stopper, &target->machine, out, count);
}

static void live_destroy(struct target *target)
{
	struct live *live = live_of(target);

	live_forget_snapshot(target);
	forget_mappings(live);
	if (live->memory_fd >= 0)
		close(live->memory_fd);
	if (target->executable.fd >= 0)
		close(target->executable.fd);
	free(target->executable.path);
	free(live);
}

static const struct target_ops live_ops = {
	.kind = "live",
	.read_pieces = live_read_pieces,
	.unreadable = live_unreadable,
	.stop = live_stop,
	.resume = live_resume,
	.threads = live_threads,
	.destroy = live_destroy,
};

static struct error *not_permitted(pid_t pid)
{
	return permission_hint("", pid, error_new(ERROR_TARGET, "process %d: not permitted to read it", (int)pid));
}

/* What this machine's processors can run: its own programs, and those of its 32-bit predecessor. */
static bool machine_is_native(const struct machine *machine)
{
	uint16_t wanted = machine->elf_machine;
	bool host_big_endian = __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__;

#if defined(__x86_64__) || defined(__i386__)
	if (wanted != EM_X86_64 && wanted != EM_386)
		return false;
#elif defined(__aarch64__)
	if (wanted != EM_AARCH64 && wanted != EM_ARM)
		return false;
#else
	(void)wanted;
#endif
	return machine->big_endian == host_big_endian;
}

/* qemu-user by its names, binfmt_misc's too: qemu-aarch64, qemu-arm-static; not qemu-system-arm, qemu-img. */
static bool is_user_emulator(const char *path)
{
	static const char *const others[] = { "system-", "img", "nbd", "io", "ga", "edid", "storage-daemon", "pr-helper" };
	const char *name = strrchr(path, '/');

	name = name ? name + 1 : path;
	if (strncmp(name, "qemu-", 5) != 0)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		if (strncmp(name + 5, others[i], strlen(others[i])) == 0)
			return false;
	return true;
}

static struct error *is_emulated(pid_t pid, const char *path)
{
	struct error *error = error_new(ERROR_TARGET, "process %d: it is %s, which emulates the program: registers and threads of the process "
					"are the emulator's", (int)pid, path);

	return error_hint(error, "started with GOTRACEBACK=crash and ulimit -c unlimited, kill -ABRT makes it write qemu_*.core, for -c with -e; "
			  "or start it with -g PORT for GDB and mapscope inside it; -e alone reads the program at rest");
}

static struct error *open_executable(struct live *live)
{
	struct target *target = &live->target;
	pid_t pid = target->pid;
	int number = process_open_executable(live->tid, &target->executable.fd, &target->executable.path);

	if (number == EACCES || number == EPERM)
		return not_permitted(pid);
	if (number != 0)
		return error_new(ERROR_TARGET, "process %d: cannot open its executable: %s", (int)pid, strerror(number));

	struct error *error = process_elf_machine(target->executable.fd, &target->machine);

	if (error != NULL)
		return error_wrap(error, "process %d: %s", (int)pid, target->executable.path);
	if (is_user_emulator(target->executable.path))
		return is_emulated(pid, target->executable.path);
	if (!machine_is_native(&target->machine))
		return error_new(ERROR_TARGET, "process %d: %s: a program for a foreign machine (ELF machine %u)",
				 (int)pid, target->executable.path, target->machine.elf_machine);
	return NULL;
}

/* A read says what no file mode does: whether ptrace access is granted. */
static struct error *check_access(struct live *live)
{
	struct target *target = &live->target;
	uint64_t page = target->executable.phdr_address & ~UINT64_C(4095);
	uint8_t byte;

	if (target_read_some(target, taddr_of(page), &byte, 1) == 1)
		return NULL;

	struct iovec local = { &byte, 1 }, remote = { (void *)(uintptr_t)page, 1 };

	if (live->memory_fd < 0 && process_vm_readv(live->tid, &local, 1, &remote, 1, 0) < 0 &&
	    (errno == EPERM || errno == ENOSYS))
		return not_permitted(target->pid);
	/* Readable in principle: the program may have unmapped its own headers. */
	return find_living_thread(live) ? NULL : error_new(ERROR_TARGET, "process %d: it has ended", (int)target->pid);
}

static struct error *choose_mode(struct live *live, const struct process_status *status, const struct live_options *options)
{
	bool snapshot = options != NULL && options->snapshot;

	if (status->tracer != 0 && snapshot)
		return traced_by(live, status->tracer);
	if (status->tracer != 0) {
		set_held(live, status->tracer);
		return NULL;
	}
	live->stats.mode = snapshot ? LIVE_SNAPSHOT : options != NULL && options->no_stop ? LIVE_UNSTOPPED : LIVE_STOPPED;
	if (options != NULL)
		live->options = *options;
	if (snapshot)
		TRY(permission_to_copy(live->target.pid, live->tid));
	return snapshot ? inject_find_code(&live->target, &live->code) : NULL;
}

static struct error *live_set_up(struct live *live, pid_t pid, const struct live_options *options)
{
	struct target_executable *executable = &live->target.executable;
	struct process_status status;

	TRY(process_status(pid, &status));
	live->target.pid = live->tid = status.process; /* of a thread: its process */
	if (status.kernel_thread)
		return error_new(ERROR_TARGET, "process %d: it is a kernel thread", (int)pid);
	if (process_state_is_dead(status.state) && !find_living_thread(live))
		return error_new(ERROR_TARGET, "process %d: it is a zombie", (int)pid);
	TRY(open_executable(live));
	/* An iovec of ours has no room for addresses of wider words; the offset of a file has. */
	if (live->target.machine.word_size > sizeof(void *) && !open_memory(live))
		return not_permitted(pid);
	TRY(process_auxv(live->tid, &live->target.machine, executable->fd, &executable->phdr_address, &executable->entry));
	TRY(check_access(live));
	return choose_mode(live, &status, options);
}

struct error *live_open(pid_t pid, const struct live_options *options, struct target **out)
{
	struct live *live = xcalloc(1, sizeof(*live));
	struct error *error;

	live->target.ops = &live_ops;
	live->target.executable.fd = -1;
	live->memory_fd = live->copy_fd = -1;
	if (pid <= 0)
		error = error_new(ERROR_TARGET, "process %d: no such process", (int)pid);
	else
		error = live_set_up(live, pid, options);
	if (error != NULL) {
		live_destroy(&live->target);
		return error;
	}
	*out = &live->target;
	return NULL;
}

void live_stats(const struct target *target, struct live_stats *out)
{
	*out = ((const struct live *)target)->stats;
}

void live_clear_copies(pid_t pid)
{
	struct target *target = NULL;
	struct snapshot snapshot = { 0 };
	struct error *error = live_open(pid, NULL, &target);

	if (error == NULL)
		error = inject_find_code(target, &snapshot.code);
	if (error == NULL) {
		snapshot.process = target->pid;
		snapshot_clear(&snapshot);
	}
	error_free(error);
	if (target != NULL)
		target_destroy(target);
}
