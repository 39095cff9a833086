/*
 * Loaded before the C library (LD_PRELOAD): the N-th of some calls fails, as on a machine that is out of memory, whose disk is full or
 * breaks, or that has been interrupted. FAULTY_CALL: malloc, mmap, pread, read, write (to standard output), readv (process_vm_readv), ptrace;
 * FAULTY_AT: N, from 1 on;
 * FAULTY_ERROR: the number of the error; FAULTY_LAST: the last one that fails (default N).
 */
#include <dlfcn.h>
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <unistd.h>

static const char *wanted;
static long first, last, calls;
static int error_number;

__attribute__((constructor)) static void read_environment(void)
{
	const char *at = getenv("FAULTY_AT"), *until = getenv("FAULTY_LAST"), *error = getenv("FAULTY_ERROR");

	first = at ? atol(at) : 0;
	last = until ? atol(until) : first;
	error_number = error ? atoi(error) : EIO;
	wanted = getenv("FAULTY_CALL");
}

static bool fails(const char *call)
{
	if (wanted == NULL || strcmp(call, wanted) != 0)
		return false;
	calls++;
	if (calls < first || calls > last)
		return false;
	errno = error_number;
	return true;
}

#ifdef FAULTY_MALLOC
/* --- memory: dlsym() itself allocates, so these go to the names that glibc has for its own ------------------------- */

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *old, size_t size);

void *malloc(size_t size)
{
	return fails("malloc") ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
	return fails("malloc") ? NULL : __libc_calloc(count, size);
}

void *realloc(void *old, size_t size)
{
	return fails("malloc") ? NULL : __libc_realloc(old, size);
}

void *reallocarray(void *old, size_t count, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(count, size, &bytes)) {
		errno = ENOMEM;
		return NULL;
	}
	return realloc(old, bytes);
}

#endif

/* --- the kernel --------------------------------------------------------------------------------------------------- */

#define NEXT(name) ((__typeof__(name) *)dlsym(RTLD_NEXT, #name))
/* what the headers make of the name where offsets in files have 64 bits; without it the one with 32 on machines that have both */
#define NEXT64(name) ((__typeof__(name) *)dlsym(RTLD_NEXT, #name "64"))

void *mmap(void *address, size_t length, int protection, int flags, int fd, off_t offset)
{
	return fails("mmap") ? MAP_FAILED : NEXT64(mmap)(address, length, protection, flags, fd, offset);
}

ssize_t pread(int fd, void *to, size_t length, off_t offset)
{
	return fails("pread") ? -1 : NEXT64(pread)(fd, to, length, offset);
}

ssize_t read(int fd, void *to, size_t length)
{
	return fails("read") ? -1 : NEXT(read)(fd, to, length);
}

ssize_t write(int fd, const void *from, size_t length)
{
	if (fd == STDOUT_FILENO && fails("write"))
		return -1;
	return NEXT(write)(fd, from, length);
}

ssize_t process_vm_readv(pid_t pid, const struct iovec *to, unsigned long to_count, const struct iovec *from, unsigned long from_count,
			 unsigned long flags)
{
	if (fails("readv"))
		return -1;
	return NEXT(process_vm_readv)(pid, to, to_count, from, from_count, flags);
}

long ptrace(enum __ptrace_request request, ...)
{
	va_list arguments;

	va_start(arguments, request);

	pid_t pid = va_arg(arguments, pid_t);
	void *address = va_arg(arguments, void *), *data = va_arg(arguments, void *);

	va_end(arguments);
	return fails("ptrace") ? -1 : NEXT(ptrace)(request, pid, address, data);
}
