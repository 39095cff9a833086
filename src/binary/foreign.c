#include "binary/foreign.h"

#include <elf.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "util/alloc.h"
#include "util/bytes.h"
#include "util/sanitizer.h"

/* --- what kind of file ----------------------------------------------------------------------------------------- */

/* mach-o/loader.h, mach-o/fat.h, mach/machine.h; the PE format's own document for the rest. */
enum {
	MACHO_NARROW = 0xfeedface,
	MACHO_WIDE = 0xfeedfacf,
	MACHO_FAT = 0xcafebabe,
	MACHO_FAT_WIDE = 0xcafebabf,
	FAT_LIMIT = 30, /* a Java class has the same magic, and 45 or more as its version here */
	PE_HEADER_AT = 0x3c,
	PE_HEADER_LIMIT = 1 << 20,
};

static const struct foreign_format formats[] = {
	{ "PE", "amd64", "pei-x86-64", EM_X86_64, 0x8664 },
	{ "PE", "386", "pei-i386", EM_386, 0x14c },
	{ "PE", "arm64", "pei-aarch64-little", EM_AARCH64, 0xaa64 },
	{ "Mach-O", "amd64", "mach-o-x86-64", EM_X86_64, 0x01000007 },
	{ "Mach-O", "arm64", "mach-o-arm64", EM_AARCH64, 0x0100000c },
	{ "Mach-O", "386", "mach-o-i386", EM_386, 7 },
};

static const struct machine little = { .word_size = 8 }, big = { .word_size = 8, .big_endian = true };

static struct foreign_format format_of(const char *name, uint32_t cpu)
{
	for (size_t i = 0; i < ARRAY_SIZE(formats); i++)
		if (strcmp(formats[i].name, name) == 0 && formats[i].cpu_number == cpu)
			return formats[i];
	return (struct foreign_format){ .name = name, .cpu_number = cpu };
}

static bool recognize_pe(int fd, const uint8_t *start, struct foreign_format *out)
{
	uint8_t header[6];
	uint32_t at = load_u32(&little, start + PE_HEADER_AT);

	if (memcmp(start, "MZ", 2) != 0 || at > PE_HEADER_LIMIT || pread(fd, header, sizeof(header), at) != sizeof(header) ||
	    memcmp(header, "PE\0", 4) != 0)
		return false;
	*out = format_of("PE", load_u16(&little, header + 4));
	return true;
}

static bool recognize_macho(const uint8_t *start, struct foreign_format *out)
{
	uint32_t magic = load_u32(&little, start), fat_magic = load_u32(&big, start), count = load_u32(&big, start + 4);

	if (magic == MACHO_NARROW || magic == MACHO_WIDE) {
		*out = format_of("Mach-O", load_u32(&little, start + 4));
		return true;
	}
	if ((fat_magic == MACHO_FAT || fat_magic == MACHO_FAT_WIDE) && count > 0 && count <= FAT_LIMIT) {
		*out = (struct foreign_format){ .name = "Mach-O", .fat = count };
		return true;
	}
	return false;
}

bool foreign_recognize(int fd, struct foreign_format *out)
{
	uint8_t start[64];

	if (pread(fd, start, sizeof(start), 0) != sizeof(start))
		return false;
	return recognize_pe(fd, start, out) || recognize_macho(start, out);
}

/* --- through libbfd, in a process of its own ------------------------------------------------------------------- */

/* What is wrong with a file is said in a line; libbfd reads 100 MB in about a second. */
enum { MESSAGE_LIMIT = 512, SECONDS_LIMIT = 60, MEMORY_BASE = 256 << 20, MEMORY_FACTOR = 8 };

static void limit(int resource, rlim_t most)
{
	struct rlimit limits;

	if (getrlimit(resource, &limits) != 0)
		return;
	limits.rlim_cur = limits.rlim_max == RLIM_INFINITY || most < limits.rlim_max ? most : limits.rlim_max;
	setrlimit(resource, &limits);
}

static void limit_reader(int fd)
{
	struct stat status;

	limit(RLIMIT_CPU, SECONDS_LIMIT);
	limit(RLIMIT_CORE, 0);
#ifndef ADDRESS_SANITIZER
	if (fstat(fd, &status) == 0)
		limit(RLIMIT_AS, (rlim_t)MEMORY_BASE + (rlim_t)status.st_size * MEMORY_FACTOR);
#else
	(void)status;
#endif
}

/* The other process: it says nothing but what is wrong with the file, into `answer`, and leaves nothing of its parent's unsaid. */
static void __attribute__((noreturn)) read_in_child(int fd, const char *path, const struct foreign_format *format, int elf_fd,
						     int answer)
{
	static const int fatal[] = { SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL, SIGXCPU, SIGINT, SIGTERM };

	for (size_t i = 0; i < ARRAY_SIZE(fatal); i++)
		signal(fatal[i], SIG_DFL);
	if (answer > STDERR_FILENO && elf_fd > STDERR_FILENO) {
		close(STDOUT_FILENO);
		close(STDERR_FILENO);
	}
	limit_reader(fd);

	const char *wrong = bfd_write_elf(fd, path, format, elf_fd);
	size_t length = wrong ? strnlen(wrong, MESSAGE_LIMIT) : 0;

	_exit(wrong == NULL ? 0 : write(answer, wrong, length) == (ssize_t)length ? 1 : 2);
}

static struct error *child_error(const char *path, const struct foreign_format *format, int status, const char *message)
{
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return NULL;
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGXCPU)
		return error_new(ERROR_TARGET, "%s: a %s file that libbfd needs more than %d seconds for", path, format->name,
				 SECONDS_LIMIT);
	if (WIFSIGNALED(status))
		return error_new(ERROR_TARGET, "%s: a %s file that libbfd does not survive: %s", path, format->name,
				 strsignal(WTERMSIG(status)));
	return error_new(ERROR_TARGET, "%s: a %s file that cannot be read: %s", path, format->name,
			 message[0] != '\0' ? message : "libbfd gave up");
}

static struct error *run_child(int fd, const char *path, const struct foreign_format *format, int elf_fd)
{
	char message[MESSAGE_LIMIT + 1] = "";
	size_t got = 0;
	ssize_t more;
	int ends[2], status;

	if (pipe(ends) != 0)
		return error_new(ERROR_TARGET, "%s: %s", path, strerror(errno));

	pid_t child = fork();

	if (child == 0)
		read_in_child(fd, path, format, elf_fd, ends[1]);
	close(ends[1]);
	while (child > 0 && got < MESSAGE_LIMIT &&
	       ((more = read(ends[0], message + got, MESSAGE_LIMIT - got)) > 0 || (more < 0 && errno == EINTR)))
		got += more > 0 ? (size_t)more : 0;
	close(ends[0]);
	if (child < 0)
		return error_new(ERROR_TARGET, "%s: %s", path, strerror(errno));
	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			return error_new(ERROR_TARGET, "%s: %s", path, strerror(errno));
	return child_error(path, format, status, message);
}

static struct error *check_format(const char *path, const struct foreign_format *format)
{
	if (format->fat != 0)
		return error_hint(error_new(ERROR_TARGET, "%s: a fat Mach-O file, which holds programs for %u CPUs", path, format->fat),
				  "take one of them out: lipo -thin arm64 -output ONE FILE");
	if (format->target == NULL)
		return error_new(ERROR_TARGET, "%s: a %s file for CPU 0x%x, which is not known", path, format->name,
				 format->cpu_number);
	if (!bfd_has_target(format->target))
		return error_hint(error_new(ERROR_TARGET, "%s: a %s file for %s: this libbfd has no target %s", path, format->name,
					    format->cpu, format->target),
				  "build mapscope with a libbfd that has it: scripts/build-libbfd makes one");
	return NULL;
}

struct error *foreign_to_elf(int fd, const char *path, const struct foreign_format *format, int *elf_fd)
{
	TRY(check_format(path, format));

	int memory = memfd_create("mapscope-elf", MFD_CLOEXEC);

	if (memory < 0)
		return error_new(ERROR_TARGET, "%s: no memory for it: %s", path, strerror(errno));

	struct error *error = run_child(fd, path, format, memory);

	if (error != NULL) {
		close(memory);
		return error;
	}
	*elf_fd = memory;
	return NULL;
}
