/*
 * Loaded before libdw (LD_PRELOAD): one of its functions goes wrong, as a damaged file might make it. FAULT says how, FAULT_AT where: "open" (when
 * the DWARF is opened), a number (so many attributes later), or "held" (at the first attribute that is asked for while process FAULT_PID is
 * traced).
 */
#include <dlfcn.h>
#include <elfutils/libdw.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* To the last byte: a small program's DWARF is read with the rest of a megabyte. */
static void eat(void)
{
	for (size_t size = 1 << 20; size >= sizeof(void *); size /= 2) {
		void *memory;

		while ((memory = malloc(size)) != NULL)
			memset(memory, 1, size);
	}
}

static void go_wrong(void)
{
	static const struct {
		const char *name;
		int number;
	} signals[] = { { "segv", SIGSEGV }, { "bus", SIGBUS }, { "fpe", SIGFPE }, { "abort", SIGABRT }, { "kill", SIGKILL }, { "usr1", SIGUSR1 } };
	const char *fault = getenv("FAULT");

	for (size_t i = 0; i < sizeof(signals) / sizeof(*signals); i++) {
		if (strcmp(fault, signals[i].name) == 0) {
			signal(signals[i].number, SIG_DFL); /* a sanitizer's handler would make another signal of it */
			raise(signals[i].number);
		}
	}
	while (strcmp(fault, "hang") == 0)
		usleep(1000);
	if (strcmp(fault, "eat") == 0)
		eat();
}

static bool is_traced(const char *pid)
{
	char path[64], line[256];
	int tracer = 0;

	snprintf(path, sizeof(path), "/proc/%s/status", pid);

	FILE *file = fopen(path, "r");

	while (file != NULL && fgets(line, sizeof(line), file) != NULL)
		if (sscanf(line, "TracerPid: %d", &tracer) == 1)
			break;
	if (file != NULL)
		fclose(file);
	return tracer != 0;
}

static bool is_time(void)
{
	static unsigned long asked;
	const char *at = getenv("FAULT_AT"), *pid = getenv("FAULT_PID");

	if (at == NULL || strcmp(at, "open") == 0)
		return false;
	return strcmp(at, "held") == 0 ? pid != NULL && is_traced(pid) : ++asked == strtoul(at, NULL, 10);
}

Dwarf *dwarf_begin_elf(Elf *elf, Dwarf_Cmd command, Elf_Scn *section)
{
	Dwarf *(*real)(Elf *, Dwarf_Cmd, Elf_Scn *);

	*(void **)&real = dlsym(RTLD_NEXT, "dwarf_begin_elf");
	if (getenv("FAULT_AT") != NULL && strcmp(getenv("FAULT_AT"), "open") == 0)
		go_wrong();
	return real(elf, command, section);
}

Dwarf_Attribute *dwarf_attr(Dwarf_Die *die, unsigned name, Dwarf_Attribute *result)
{
	static Dwarf_Attribute *(*real)(Dwarf_Die *, unsigned, Dwarf_Attribute *);

	if (real == NULL)
		*(void **)&real = dlsym(RTLD_NEXT, "dwarf_attr");
	if (is_time())
		go_wrong();
	return real(die, name, result);
}
