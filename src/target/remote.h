/*
 * Memory that another program reads for us, over a socket (target/wire.h): what GDB looks at, whatever that is. It stands still,
 * and each read is a round trip, maybe over a network: small ones are served from blocks that are kept.
 */
#ifndef TARGET_REMOTE_H
#define TARGET_REMOTE_H

#include "target/target.h"

/*
 * `socket` is the target's from here on. `path` names the executable, NULL where unknown: one that cannot be opened is no error
 * here. `entry` is where it starts in memory, 0 where unknown. The machine is not known before remote_use_executable().
 */
struct target *remote_create(int socket, const char *path, uint64_t entry);
/* What its executable says: the machine, and where its program headers are in memory, 0 where that is unknown. */
void remote_use_executable(struct target *target, const struct machine *machine, uint64_t phdr_address);

/* What target_threads() returns then. The threads are the target's from here on. */
void remote_set_threads(struct target *target, struct target_thread *threads, size_t count);

struct remote_stats {
	uint64_t round_trips;
	uint64_t bytes; /* that came */
};

/* Of a target from remote_create(). */
void remote_stats(const struct target *target, struct remote_stats *out);

#endif
