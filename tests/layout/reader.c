/* reader PID ADDRESS: prints "KEY VALUE" of each entry of the map[uint64]uint64 there. process_vm_readv stands for
 * bpf_probe_read_user. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "map_reader.h"

static pid_t pid;

static long read_user(void *to, uint32_t size, uint64_t from)
{
	struct iovec local = { to, size }, remote = { (void *)(uintptr_t)from, size };

	return process_vm_readv(pid, &local, 1, &remote, 1, 0) == (ssize_t)size ? 0 : -1;
}

static void emit(const struct entry *entry)
{
	printf("%llu %llu\n", (unsigned long long)entry->key, (unsigned long long)entry->value);
}

int main(int argc, char **argv)
{
	if (argc != 3)
		return 2;
	pid = (pid_t)strtol(argv[1], NULL, 10);
	return read_map(strtoull(argv[2], NULL, 0)) == 0 ? 0 : 1;
}
