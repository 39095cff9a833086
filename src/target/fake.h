/* Memory made of a list of byte ranges, for tests and fuzzers. */
#ifndef TARGET_FAKE_H
#define TARGET_FAKE_H

#include "target/target.h"

struct target *fake_create(const struct machine *machine);
/* Puts bytes (copied) at an address; ranges must not overlap. */
void fake_put(struct target *target, taddr address, const void *bytes, size_t length);

#endif
