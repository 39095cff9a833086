/* An executable: ELF headers, sections, symbols, build information; and a run of notes alone. */
#include "fuzz.h"

#include <stdlib.h>

#include "binary/binary.h"
#include "binary/buildinfo.h"

static void look_into(const struct binary *binary)
{
	const uint8_t *bytes;
	uint64_t address, symbol_size;
	uint8_t read[64];
	size_t size;

	if (binary_section(binary, ".debug_info", &bytes, &size, &address) && size != 0)
		(void)*(const volatile uint8_t *)(bytes + size - 1);
	binary_symbol(binary, "runtime.buildVersion", &address, &symbol_size);
	binary_read(binary, binary->entry, read, sizeof(read));
	free(binary_build_id(binary));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct machine machine = { .word_size = 8 };
	char path[32], *gnu = NULL, *go = NULL;
	struct binary *binary;
	int fd = fuzz_file(data, size, path);

	if (fd < 0)
		return 0;

	struct error *error = binary_open(fd, path, &binary);

	if (error == NULL) {
		look_into(binary);
		binary_destroy(binary);
	}
	error_free(error);
	close(fd);
	buildinfo_notes(&machine, data, size, &gnu, &go);
	free(gnu);
	free(go);
	return 0;
}
