/* What answers the program's reads inside GDB (target/wire.h): replies of any kind, as long as the input lasts. */
#include "fuzz.h"

#include <sys/socket.h>

#include "target/remote.h"

enum { READS = 64 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct machine machine = { .word_size = 8 };
	uint8_t bytes[300];
	int ends[2];

	if (size > 1 << 16 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
		return 0;
	if (write(ends[1], data, size) != (ssize_t)size || shutdown(ends[1], SHUT_WR) != 0) {
		close(ends[0]);
		close(ends[1]);
		return 0;
	}

	struct target *target = remote_create(ends[0], NULL, 0);

	remote_use_executable(target, &machine, 0);
	for (size_t i = 0; i + 8 <= size && i / 8 < READS; i += 8) {
		taddr at = taddr_of(load_u64(&machine, data + i));

		target_read_some(target, at, bytes, 1 + data[i] % (sizeof(bytes) - 1));
		error_free(target_read(target, at, bytes, sizeof(bytes)));
	}
	target_destroy(target);
	close(ends[1]);
	return 0;
}
