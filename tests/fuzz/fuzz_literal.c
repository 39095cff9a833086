/* What users type: literals, each held against types of several kinds, and addresses. */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "analysis/expression.h"
#include "analysis/literal.h"
#include "util/alloc.h"

static void check_against(const struct literal *literal, struct program *program, enum go_kind kind, uint64_t size)
{
	static const uint8_t zeroes[32];
	struct gotype type = { .program = program, .kind = kind, .name = "T", .size = size, .completed = true };
	struct error *error = literal_check(literal, &type);
	bool equal;

	if (error == NULL && kind != GO_STRING)
		error = literal_equals(literal, &type, zeroes, taddr_of(0), &equal);
	error_free(error);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = xstrndup((const char *)data, size);
	struct program program = { .machine = { .word_size = 8 } };
	const char *at = text;
	struct literal *literal;
	taddr address;
	struct error *error = literal_parse(&at, &literal);

	if (error == NULL) {
		check_against(literal, &program, GO_INT8, 1);
		check_against(literal, &program, GO_UINT64, 8);
		check_against(literal, &program, GO_FLOAT32, 4);
		check_against(literal, &program, GO_COMPLEX128, 16);
		check_against(literal, &program, GO_STRING, 16);
		check_against(literal, &program, GO_BOOL, 1);
		check_against(literal, &program, GO_POINTER, 8);
		literal_free(literal);
	}
	error_free(error);
	expression_is_address(text, &address);
	free(text);
	return 0;
}
