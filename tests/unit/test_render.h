/* What the tests of src/render share: output into memory, a random source, a strict reader of JSON. */
#ifndef TESTS_RENDER_H
#define TESTS_RENDER_H

#include <stdlib.h>

#include "check.h"
#include "render/output.h"
#include "util/buffer.h"

struct capture {
	struct buffer buffer;
	struct output *output;
};

static inline void capture_begin(struct capture *capture)
{
	capture->buffer = (struct buffer){ 0 };
	capture->output = output_create_memory(&capture->buffer);
}

/* What was written since the begin or the last take; good until something else is written. */
static inline const char *capture_take(struct capture *capture)
{
	static struct buffer taken;

	output_flush(capture->output);
	taken.length = 0;
	buffer_append(&taken, capture->buffer.bytes, capture->buffer.length);
	capture->buffer.length = 0;
	return buffer_text(&taken);
}

static inline void capture_end(struct capture *capture)
{
	CHECK(output_close(capture->output) == NULL);
	buffer_free(&capture->buffer);
}

/* xorshift64*: the same numbers in every run. */
static inline uint64_t random_next(void)
{
	static uint64_t state = 0x9e3779b97f4a7c15;

	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return state * 0x2545f4914f6cdd1d;
}

/* Nothing that a terminal would act on: no control bytes but newlines, no DEL, no C1 (as UTF-8: c2 80 to c2 9f). */
static inline bool harmless(const char *text)
{
	for (const uint8_t *at = (const uint8_t *)text; *at != '\0'; at++) {
		if ((*at < 0x20 && *at != '\n') || *at == 0x7f)
			return false;
		if (*at == 0xc2 && at[1] >= 0x80 && at[1] <= 0x9f)
			return false;
	}
	return true;
}

#endif
