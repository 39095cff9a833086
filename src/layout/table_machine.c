/*
 * internal/cpu/cpu_*.go, CacheLinePadSize (1.12 ... 1.27); runtime/internal/sys/arch_*.go, CacheLineSize (1.8 ... 1.11); runtime/os_linux_*.go, sigset; runtime/preempt_xreg.go, preempt_noxreg.go
 * (>= 1.26); runtime/malloc.go, heapAddrBits, by which mheap.arenas has its length.
 */
#include <elf.h>
#include <string.h>

#include "layout/table_private.h"

enum { LINE_OF_ROWS = 64 }; /* of amd64 and 386 */

static uint64_t cache_line(int minor, const struct machine *machine)
{
	switch (machine->elf_machine) {
	case EM_ARM:
	case EM_MIPS:
		return 32;
	case EM_AARCH64:
		return minor >= 20 ? 128 : minor >= 10 ? 64 : 32;
	case EM_RISCV:
		return minor >= 22 ? 64 : 32;
	case EM_PPC64:
		return 128;
	case EM_S390:
		return 256;
	default:
		return LINE_OF_ROWS;
	}
}

/* "_ [cpu.CacheLinePadSize - unsafe.Sizeof(lfstack(0)) - 1]byte" of runtime.cleanupQueue, and the like: what is before it are few bytes. */
static bool fills_line(const struct table_field *field, uint64_t size)
{
	return strcmp(field->name, "_") == 0 && field->type[0] == '[' && size >= LINE_OF_ROWS - 16 && size <= LINE_OF_ROWS;
}

/* "pad [sys.CacheLineSize]byte" at the end of runtime.p (1.8 ... 1.11). */
static bool is_line(const struct table_field *field)
{
	return strcmp(field->name, "pad") == 0 && strcmp(field->type, "[64]uint8") == 0;
}

static const char *line_type(uint64_t size)
{
	return size == 32 ? "[32]uint8" : size == 128 ? "[128]uint8" : size == 256 ? "[256]uint8" : "[64]uint8";
}

static bool has_extended_registers(const struct machine *machine)
{
	return machine->elf_machine == EM_X86_64 || machine->elf_machine == EM_AARCH64 || machine->elf_machine == EM_LOONGARCH;
}

/* Of runtime.xRegPerP, from DWARF of Go 1.27. */
static uint64_t extended_registers(uint64_t size, const struct machine *machine)
{
	switch (machine->elf_machine) {
	case EM_X86_64:
		return size;
	case EM_AARCH64:
		return 520;
	case EM_LOONGARCH:
		return 1032;
	default:
		return 0;
	}
}

/* "_ [goexperiment.SpinbitMutexInt * 700 * (2 - goarch.PtrSize/4)]byte" at the end of runtime.m (1.24). */
static bool is_spinbit_padding(const struct table_field *field)
{
	return field->type32 != NULL && strcmp(field->type32, "[700]uint8") == 0;
}

/* Go 1.24 has its mutexes of one bit where a byte can be exchanged (internal/goexperiment, exp_spinbitmutex; runtime/lock_spinbit.go). */
static bool has_spinbit_mutexes(int minor, const struct machine *machine)
{
	return minor != 24 || (machine->elf_machine != EM_S390 && machine->elf_machine != EM_LOONGARCH &&
			       machine->elf_machine != EM_RISCV && machine->elf_machine != EM_MIPS);
}

uint64_t table_field_size(const struct table_field *field, int minor, const struct machine *machine)
{
	uint64_t size = machine->word_size == 8 ? field->size64 : field->size32;

	if (fills_line(field, size))
		return size + cache_line(minor, machine) - LINE_OF_ROWS;
	if (is_line(field) || strcmp(field->type, "internal/cpu.CacheLinePad") == 0)
		return cache_line(minor, machine);
	if (strcmp(field->type, "runtime.sigset") == 0)
		return machine->elf_machine == EM_MIPS ? 16 : size; /* [4]uint32, [2]uint64 */
	if (is_spinbit_padding(field) || strcmp(field->type, "runtime.mWaitList") == 0)
		return has_spinbit_mutexes(minor, machine) ? size : 0;
	if (strcmp(field->type, "runtime.xRegPerG") == 0)
		return has_extended_registers(machine) ? size : 0;
	if (strcmp(field->type, "runtime.xRegPerP") == 0)
		return extended_registers(size, machine);
	return size;
}

const char *table_field_type(const struct table_field *field, int minor, const struct machine *machine)
{
	const char *type = machine->word_size == 4 && field->type32 != NULL ? field->type32 : field->type;

	if (is_line(field))
		return line_type(cache_line(minor, machine));
	/* 31 bits of address */
	if (machine->word_size == 4 && machine->elf_machine == EM_MIPS && strcmp(type, "[1]*[1024]*runtime.heapArena") == 0)
		return "[1]*[512]*runtime.heapArena";
	return type;
}
