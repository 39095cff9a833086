/* What a parsed literal is; between literal_parse.c and literal.c only. */
#ifndef ANALYSIS_LITERAL_PRIVATE_H
#define ANALYSIS_LITERAL_PRIVATE_H

#include "analysis/literal.h"
#include "util/buffer.h"

enum literal_kind { LITERAL_STRING, LITERAL_INTEGER, LITERAL_RUNE, LITERAL_FLOAT, LITERAL_COMPLEX, LITERAL_WORD, LITERAL_LIST };

struct literal {
	enum literal_kind kind;
	char *type;          /* int64 of int64(5), main.point of main.point{1}; NULL: none given */
	struct buffer bytes; /* STRING: its bytes; WORD: true, false, nil */
	bool negative;
	uint64_t magnitude;  /* INTEGER, RUNE */
	double real, imaginary;
	struct literal **items; /* LIST */
	char **names;           /* LIST: field names; each NULL where none was given */
	size_t count, capacity;
};

#endif
