/* A core file: its headers and notes, then reads all over it. */
#include "fuzz.h"

#include "target/core.h"

static void read_around(struct target *core, uint64_t address)
{
	uint8_t bytes[300];

	for (int64_t delta = -8; delta <= 8; delta += 4) {
		taddr at = taddr_of(address + (uint64_t)delta);

		target_read_some(core, at, bytes, sizeof(bytes));
		target_view(core, at, sizeof(bytes));
		error_free(target_read(core, at, bytes, sizeof(bytes)));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char path[32];
	int fd = fuzz_file(data, size, path);
	struct target *core;

	if (fd < 0)
		return 0;

	struct error *error = core_open(path, &core);

	if (error == NULL) {
		error = core_use_executable(core, fd, path);
		for (size_t i = 0; i + 8 <= size && i < 2048; i += 8)
			read_around(core, load_u64(&core->machine, data + i));
		target_destroy(core);
	}
	error_free(error);
	close(fd);
	return 0;
}
