/* The same reader as a BPF program: compiled with clang -target bpf, not loaded. It sums up the map that a uprobe's
 * first argument is. */
#include "map_reader.h"

#define SECTION(name) __attribute__((section(name), used))

static long (*const bpf_probe_read_user)(void *to, uint32_t size, const void *from) = (void *)112;

uint64_t entries SECTION(".bss"), sum SECTION(".bss");

static long read_user(void *to, uint32_t size, uint64_t from)
{
	return bpf_probe_read_user(to, size, (const void *)from);
}

static void emit(const struct entry *entry)
{
	entries++;
	sum += entry->key ^ entry->value;
}

SECTION("uprobe") int probe_map(uint64_t *registers)
{
	return (int)read_map(registers[10]); /* pt_regs.ax, where Go from 1.17 on has its first argument */
}

char probe_license[] SECTION("license") = "GPL";
