#include "target/core.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "target/core_file.h"
#include "util/alloc.h"

/* A file mapped into our memory, for reading. */
struct mapped {
	const uint8_t *bytes;
	uint64_t size;
};

struct core {
	struct target target;
	int fd;
	struct mapped file;
	struct core_file headers;
	struct mapped executable; /* once core_use_executable() was called */
	const struct core_segment *last; /* that a read hit: the next one mostly hits it too */
	int error_number; /* of the first read of the file that failed; 0: none has */
};

/* Pieces from this size on are read with pread: as fast as faulting their pages in, and they do not stay in our memory. */
#define PREAD_LEAST ((size_t)8192)

static struct core *core_of(struct target *target)
{
	return (struct core *)target;
}

static struct error *map_file(int fd, const char *path, struct mapped *out)
{
	struct stat info;

	if (fstat(fd, &info) != 0)
		return error_new(ERROR_TARGET, "%s: %s", path, strerror(errno));
	if (S_ISDIR(info.st_mode))
		return error_new(ERROR_TARGET, "%s: it is a directory", path);
	if (!S_ISREG(info.st_mode))
		return error_new(ERROR_TARGET, "%s: it is not a regular file", path);
	*out = (struct mapped){ 0 };
	if (info.st_size == 0)
		return NULL;

	if ((uint64_t)info.st_size > PTRDIFF_MAX)
		return error_new(ERROR_TARGET, "%s: %lld bytes are more than this mapscope, a program of %zu bits, can map", path,
				 (long long)info.st_size, 8 * sizeof(size_t));

	/* Of a core of many gigabytes this takes address space, and memory for the pages that are read only. */
	void *bytes = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_PRIVATE, fd, 0);

	if (bytes == MAP_FAILED)
		return error_new(ERROR_TARGET, "%s: cannot map it: %s", path, strerror(errno));
	*out = (struct mapped){ bytes, (uint64_t)info.st_size };
	return NULL;
}

static void unmap(struct mapped *mapped)
{
	if (mapped->bytes != NULL)
		munmap((void *)mapped->bytes, mapped->size);
	*mapped = (struct mapped){ 0 };
}

/* Opens without waiting: a core may name a FIFO. */
static int open_for_reading(const char *path)
{
	return open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
}

/* The core's own bytes at an address, and how many follow; NULL where it has none. */
static const uint8_t *core_bytes(struct core *core, uint64_t address, uint64_t *length)
{
	const struct core_segment *segment = core->last;

	if (segment == NULL || address - segment->address >= segment->held) {
		segment = core_file_segment(&core->headers, address);
		if (segment == NULL || address - segment->address >= segment->held)
			return NULL;
		core->last = segment;
	}

	uint64_t at = address - segment->address;

	*length = segment->held - at;
	return core->file.bytes + segment->offset + at;
}

/*
 * The executable's bytes at an address. The kernel leaves out a file's page only while nobody wrote to its mapping
 * (fs/coredump.c, vma_dump_size()); gdb's gcore does the same, and has no segment for it then. Not so what the core
 * claims to hold and a truncation took, nor what may be written to: with another coredump_filter these too are left
 * out, and may be anything.
 */
static const uint8_t *executable_bytes(const struct core *core, uint64_t address, uint64_t *length)
{
	const struct core_file *headers = &core->headers;
	const struct core_mapping *mapping;
	const struct core_segment *segment = core_file_segment(headers, address);

	if (core->executable.bytes == NULL || headers->executable == NULL)
		return NULL;
	if (segment != NULL && (segment->writable || address - segment->address < segment->claimed))
		return NULL;
	mapping = core_file_mapping(headers, address);
	if (mapping == NULL || strcmp(mapping->name, headers->executable) != 0)
		return NULL;

	uint64_t end = mapping->end, offset;

	if (segment != NULL && segment->address + segment->length < end)
		end = segment->address + segment->length;
	else if (segment == NULL) /* only up to the next segment, which may be one that was written to: page by page */
		end = (address | 4095) < end ? (address | 4095) + 1 : end;
	if (__builtin_add_overflow(mapping->offset, address - mapping->start, &offset) ||
	    offset >= core->executable.size)
		return NULL;
	*length = end - address;
	if (*length > core->executable.size - offset)
		*length = core->executable.size - offset;
	return core->executable.bytes + offset;
}

static const uint8_t *bytes_at(struct core *core, uint64_t address, uint64_t *length)
{
	const uint8_t *bytes = core_bytes(core, address, length);

	return bytes ? bytes : executable_bytes(core, address, length);
}

/* Copies bytes that lie at `bytes` in our mapping of the core; returns how many came. */
static size_t copy_out(struct core *core, const uint8_t *bytes, void *to, size_t length)
{
	bool own = bytes >= core->file.bytes && bytes < core->file.bytes + core->file.size;

	if (!own || length < PREAD_LEAST) {
		memcpy(to, bytes, length);
		return length;
	}

	ssize_t got = pread(core->fd, to, length, bytes - core->file.bytes);

	if (got < 0 && core->error_number == 0)
		core->error_number = errno;
	return got < 0 ? 0 : (size_t)got;
}

static void read_piece(struct core *core, struct target_piece *piece)
{
	const uint8_t *bytes;
	uint64_t length;
	size_t got = 1;

	piece->got = 0;
	while (piece->got < piece->length && got != 0 &&
	       (bytes = bytes_at(core, piece->address.v + piece->got, &length)) != NULL) {
		if (length > piece->length - piece->got)
			length = piece->length - piece->got;
		got = copy_out(core, bytes, (uint8_t *)piece->to + piece->got, length);
		piece->got += got;
	}
}

static void core_read_pieces(struct target *target, struct target_piece *pieces, size_t count)
{
	for (size_t i = 0; i < count; i++)
		read_piece(core_of(target), &pieces[i]);
}

static const void *core_view(struct target *target, taddr address, size_t length)
{
	struct core *core = core_of(target);
	uint64_t there;
	const uint8_t *bytes = bytes_at(core, address.v, &there);

	return bytes != NULL && length <= there ? bytes : NULL;
}

static struct error *core_unreadable(struct target *target, taddr address)
{
	const struct core_file *headers = &core_of(target)->headers;
	const struct core_segment *segment = core_file_segment(headers, address.v);
	const struct core_mapping *mapping = core_file_mapping(headers, address.v);
	bool claimed = segment != NULL && address.v - segment->address < segment->claimed;
	bool held = segment != NULL && address.v - segment->address < segment->held;

	if (held)
		return error_new(ERROR_MEMORY, "0x%" PRIx64 ": the core cannot be read: %s", address.v,
				 core_of(target)->error_number != 0 ? strerror(core_of(target)->error_number) : "it was cut meanwhile");
	if (!claimed && mapping != NULL)
		return error_new(ERROR_MEMORY, "0x%" PRIx64 ": not in the core, but in %s", address.v, mapping->name);
	if (headers->full_size != 0)
		return error_new(ERROR_MEMORY, "0x%" PRIx64 ": not in the core, which is truncated (%" PRIu64
				 " of %" PRIu64 " bytes)", address.v, headers->size, headers->full_size);
	return error_new(ERROR_MEMORY, "0x%" PRIx64 ": not in the core", address.v);
}

static struct error *core_threads(struct target *target, struct target_thread **out, size_t *count)
{
	const struct core_file *headers = &core_of(target)->headers;

	if (headers->thread_count == 0)
		return error_new(ERROR_TARGET, "the core has no registers of threads (NT_PRSTATUS)");
	*out = xcalloc(headers->thread_count, sizeof(**out));
	memcpy(*out, headers->threads, headers->thread_count * sizeof(**out));
	*count = headers->thread_count;
	return NULL;
}

static void core_destroy(struct target *target)
{
	struct core *core = core_of(target);

	core_file_free(&core->headers);
	unmap(&core->file);
	unmap(&core->executable);
	if (core->fd >= 0)
		close(core->fd);
	if (target->executable.fd >= 0)
		close(target->executable.fd);
	free(target->executable.path);
	free(core);
}

static const struct target_ops core_ops = {
	.kind = "core",
	.read_pieces = core_read_pieces,
	.unreadable = core_unreadable,
	.view = core_view,
	.threads = core_threads,
	.destroy = core_destroy,
};

static struct error *load(struct core *core, const char *path)
{
	core->fd = open_for_reading(path);
	if (core->fd < 0)
		return error_new(ERROR_TARGET, "%s: %s", path, strerror(errno));

	struct error *error = map_file(core->fd, path, &core->file);

	if (error != NULL)
		return error;
	core->headers.bytes = core->file.bytes;
	core->headers.size = core->file.size;
	error = core_file_parse(&core->headers);
	return error ? error_wrap(error, "%s", path) : NULL;
}

/* The kernel marks the name of a file that was gone already. */
static char *without_deleted(const char *name)
{
	static const char mark[] = " (deleted)";
	size_t length = strlen(name), tail = sizeof(mark) - 1;

	if (length > tail && strcmp(name + length - tail, mark) == 0)
		length -= tail;
	return xstrndup(name, length);
}

/* A missing executable is no error here: its path in the core may mean another machine's. */
static void open_executable(struct core *core)
{
	struct target_executable *executable = &core->target.executable;
	struct stat info;

	executable->phdr_address = core->headers.phdr_address;
	executable->entry = core->headers.entry;
	if (core->headers.executable == NULL)
		return;
	executable->path = without_deleted(core->headers.executable);
	executable->fd = open_for_reading(executable->path);
	if (executable->fd >= 0 && (fstat(executable->fd, &info) != 0 || !S_ISREG(info.st_mode))) {
		close(executable->fd);
		executable->fd = -1;
	}
}

struct error *core_open(const char *path, struct target **out)
{
	struct core *core = xcalloc(1, sizeof(*core));

	core->target.ops = &core_ops;
	core->target.executable.fd = -1;
	core->fd = -1;

	struct error *error = load(core, path);

	if (error != NULL) {
		core_destroy(&core->target);
		return error;
	}
	core->target.machine = core->headers.machine;
	core->target.pid = core->headers.pid;
	open_executable(core);
	*out = &core->target;
	return NULL;
}

struct error *core_use_executable(struct target *target, int fd, const char *path)
{
	struct core *core = core_of(target);
	struct mapped mapped;
	int own = fcntl(fd, F_DUPFD_CLOEXEC, 0);

	if (own < 0)
		return error_new(ERROR_TARGET, "%s: %s", path, strerror(errno));

	struct error *error = map_file(own, path, &mapped);

	if (error != NULL) {
		close(own);
		return error;
	}

	char *copy = xstrdup(path); /* before the old one goes: it may be the same */

	if (target->executable.fd >= 0)
		close(target->executable.fd);
	free(target->executable.path);
	target->executable.fd = own;
	target->executable.path = copy;
	unmap(&core->executable);
	core->executable = mapped;
	return NULL;
}

uint64_t core_truncated_at(const struct target *target)
{
	return ((const struct core *)target)->headers.full_size;
}
