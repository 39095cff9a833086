/*
 * Reading the memory of something: a running process, a core file, another target through a mirror, a fake for
 * tests. Knows nothing of Go, nor of DWARF.
 *
 * A target never changes what it looks at. A live one may be stopped with target_stop(); target_resume(),
 * target_destroy() and the end of this program by whatever means let it run on.
 */
#ifndef TARGET_TARGET_H
#define TARGET_TARGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "target/thread.h"
#include "util/bytes.h"
#include "util/error.h"

struct target;

/* One piece of a scatter read. */
struct target_piece {
	taddr address;
	void *to;
	size_t length;
	size_t got; /* set by the read: bytes at `to` that are good, from the start; `length` where all went well */
};

/*
 * What a kind of target can do. Those that may be NULL say so. The functions get the target that embeds
 * `struct target` as its first member.
 */
struct target_ops {
	const char *kind; /* "live", "core", "mirror", "fake" */
	/* Reads all pieces, each as far as it goes. */
	void (*read_pieces)(struct target *, struct target_piece *pieces, size_t count);
	/* Why `address` cannot be read. Never NULL. */
	struct error *(*unreadable)(struct target *, taddr address);
	/* May be NULL. See target_view(). */
	const void *(*view)(struct target *, taddr address, size_t length);
	/* May both be NULL: nothing to stop. */
	struct error *(*stop)(struct target *);
	void (*resume)(struct target *);
	/* May be NULL: nothing is known of its threads. See target_threads(). */
	struct error *(*threads)(struct target *, struct target_thread **out, size_t *count);
	void (*destroy)(struct target *);
};

/* Where the program that runs (or ran) in the target comes from. */
struct target_executable {
	int fd;                /* open for reading, owned by the target; -1 where it could not be opened */
	char *path;            /* for messages: as the kernel or the core names it; NULL where unknown */
	uint64_t phdr_address; /* AT_PHDR: where its program headers are in memory; 0 where unknown */
	uint64_t entry;        /* AT_ENTRY: where it starts in memory; 0 where unknown */
};

struct target {
	const struct target_ops *ops;
	struct machine machine;
	struct target_executable executable;
	pid_t pid; /* of the process, also of one that a core was made of; 0 where unknown */
};

/* Reads exactly `length` bytes. On an error `to` is unspecified, and the error names the first address that failed. */
struct error *target_read(struct target *target, taddr address, void *to, size_t length) MUST_CHECK;
/* Reads what there is, up to `length` bytes; returns how many from the start are good. */
size_t target_read_some(struct target *target, taddr address, void *to, size_t length);
/* Reads many pieces in few system calls; each piece's `got` says how far it went. */
void target_read_pieces(struct target *target, struct target_piece *pieces, size_t count);
/* The bytes where they already are in this program's memory, good for the target's life; NULL where they must be
 * read: not there in one piece, or never there (live). */
const void *target_view(struct target *target, taddr address, size_t length);
/* Why `address` cannot be read: "0xc000010000 is not mapped", "0x4a0000 is not in the core", ... */
struct error *target_unreadable(struct target *target, taddr address) MUST_CHECK;

/* One word of the target, or an address in it. */
struct error *target_read_word(struct target *target, taddr address, uint64_t *out) MUST_CHECK;

/* Stops all threads, those too that start meanwhile; does nothing where there is nothing to stop (core; a process
 * that another debugger holds; a live target opened with no_stop). Calls do not nest. */
struct error *target_stop(struct target *target) MUST_CHECK;
/* Lets the threads run on, with the signals that came meanwhile. Does nothing where it is not stopped. */
void target_resume(struct target *target);

/*
 * The threads with their registers, of a live target only while target_stop() holds it. ERROR_TARGET says why they are not to be had:
 * it runs, another debugger holds it, it is no such target. The caller frees *out.
 */
struct error *target_threads(struct target *target, struct target_thread **out, size_t *count) MUST_CHECK;

/* NULL is allowed. Resumes first. */
void target_destroy(struct target *target);

#endif
