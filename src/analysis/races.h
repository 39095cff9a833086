/*
 * Which goroutines are inside a map operation, on which map, with which key: from the frames of all of them at one
 * moment. After a fatal error "concurrent map ..." it names both sides, or what is missing to name them.
 */
#ifndef ANALYSIS_RACES_H
#define ANALYSIS_RACES_H

#include "map/map.h"
#include "stack/stack.h"

enum race_kind { RACE_ACCESS, RACE_ASSIGN, RACE_DELETE, RACE_ITERATE, RACE_CLEAR, RACE_CLONE, RACE_GROW, RACE_INNER };

/* "assign", "access", ...; INNER has none. */
const char *race_kind_name(enum race_kind kind);
/* Whether the runtime marks the map as being written for it. */
bool race_kind_writes(enum race_kind kind);

/* How the map of an operation is known. */
enum race_evidence {
	RACE_UNKNOWN,   /* not at all: see `missing` */
	RACE_PARAMETER, /* a parameter of the runtime's function, where its DWARF says */
	RACE_ITERATOR,  /* the iterator that it is given */
	RACE_SLOT,      /* where the function has, or had, put its parameters: the bytes there make a sound map of a sound type */
	RACE_CALLER,    /* the only map in the variables of its caller */
	RACE_SAME,      /* of a fatal error: the only map that another goroutine is inside */
};

struct race_frame {
	unsigned number;
	const char *function, *file;
	int line;
	bool inlined;
};

enum { RACE_FRAMES = 12 };

/*
 * One goroutine inside one map operation. One that is inside a sync.Map and, by that, in a plain map is inside both.
 */
struct race_operation {
	uint64_t goroutine;
	const char *status;
	enum race_kind kind;
	bool sync;             /* on a sync.Map */
	const char *function;  /* of the runtime, reflect or sync, that was called: "runtime.mapassign_faststr" */
	unsigned frame;        /* its number */
	bool fatal;            /* the runtime was ending the program for it */
	char *message;         /* with what words; NULL: not known */
	enum race_evidence evidence;
	char *missing;         /* why the map is not known; NULL: it is */
	taddr map;             /* of the header, or of the sync.Map; 0: not known */
	struct gotype *type;   /* of the map; NULL: not known */
	bool sound, writing;   /* the header could be read and makes sense; its writing flag is set */
	uint64_t length;       /* of a sound one */
	uint8_t *key;          /* type->key->size bytes; NULL: not known */
	taddr key_address;     /* 0: it lies nowhere */
	char *variable;        /* a variable of its caller that leads to the map, as a MAP; NULL: none */
	struct race_frame frames[RACE_FRAMES]; /* that led there, innermost first, from the one that called the operation */
	size_t frame_count;
};

struct races {
	struct race_operation *operations; /* those on the same map side by side: maps with several first, fatal ones before all */
	size_t count;
	uint64_t goroutines;  /* that were looked at */
	uint64_t cut;         /* whose frames are not all known */
	char *cut_why;        /* of the first of them; NULL */
	/*
	 * After a fatal error whose other side is in no operation any more: variables of other goroutines that are
	 * this map, as MAPs.
	 */
	char **holders;
	size_t holder_count;
};

/* The target should stand. program->stack is opened if it is not. Freed with races_free(), also after an error. */
struct error *races_find(struct program *program, struct findings *findings, struct races *out) MUST_CHECK;
void races_free(struct races *races);
/*
 * Tells the type of an operation's map, as a variable that is that map has it, where the operation's own frames did
 * not; reads the header then. A type that is known, or that is of another sort than the operation, stays what it is.
 */
void race_set_type(struct race_operation *operation, struct gotype *type);
/* How many of the operations are on the same map as this one, itself included; 1 where it is not known. */
size_t races_on_same_map(const struct races *races, const struct race_operation *operation);

#endif
