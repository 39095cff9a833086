/* Commands: one file each, with its descriptor at the end of it; main.c has the table. */
#ifndef COMMAND_COMMAND_H
#define COMMAND_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "analysis/trace.h"
#include "map/reader.h"
#include "render/json.h"
#include "render/text.h"

enum format { FORMAT_TEXT, FORMAT_JSON, FORMAT_NDJSON, FORMAT_C, FORMAT_GO };

/* What top orders maps by. */
enum top_order { TOP_BY_BYTES, TOP_BY_WASTE, TOP_BY_LEN, TOP_BY_TYPE };

struct stripped;

/* The command line, read. */
struct invocation {
	const struct command *command;
	pid_t pid; /* 0: none given */
	const char *core, *exe;
	char **arguments; /* the words that are no options: MAP, KEY, TYPE */
	size_t argument_count;
	enum format format;
	bool max_given;
	uint64_t max; /* 0: all */
	unsigned depth;
	bool no_stop, snapshot, stats, help;
	uint64_t pause_budget; /* milliseconds that the process may stand; 0: as long as it takes */
	bool gdb;      /* run by the plug-in in GDB: what that looks at is the target */
	const char *output; /* the file in place of standard output; NULL: none */
	size_t buffer; /* bytes that a capture may hold */
	int go_minor;  /* 0: what the binary says */
	uint64_t bucket, table, group; /* UINT64_MAX: not given */
	const char *type;              /* replay: the map's type, as Go source has it */
	uint64_t seed, hint;
	bool old;      /* --bucket is one of the old buckets */
	bool memory;   /* dump: the blocks in the heap, not the slots */
	bool goroutines; /* list: the maps of goroutines */
	bool goroutine_given, frame_given;
	uint64_t goroutine, frame; /* that MAP is a local variable of */
	uint64_t replay; /* entries of a map that verify replays */
	bool all, garbage;    /* every map of the heap; those too that nothing reaches */
	enum top_order by;
	bool version_table; /* layout: of all Go versions */
	const char *expect; /* verify: the file of a stored layout; NULL: none */
	size_t least;       /* rows with less of what they are ordered by are left out */
};

/* Options are one table in options.c; these bits say which commands take which. */
enum option_set {
	OPTIONS_MEMORY = 1 << 0,  /* how a process is looked at */
	OPTIONS_ENTRIES = 1 << 1, /* how many entries, how deep */
	OPTIONS_PART = 1 << 2,    /* one bucket, table or group */
	OPTIONS_PROGRAM = 1 << 3, /* what program it is */
	OPTIONS_REPLAY = 1 << 4,  /* which reference map */
	OPTIONS_VERIFY = 1 << 5,  /* how much is verified */
	OPTIONS_LOCAL = 1 << 6,   /* which goroutine's variable MAP is */
	OPTIONS_LIST = 1 << 7,    /* which maps are listed */
	OPTIONS_HEAP = 1 << 8,    /* which maps of the heap */
	OPTIONS_TOP = 1 << 9,     /* order, and how many */
	OPTIONS_LAYOUT = 1 << 10, /* which layouts */
};

/* What a command works on. */
enum command_target {
	TARGET_MEMORY, /* a process or a core */
	TARGET_ANY,    /* these, or a binary at rest */
	TARGET_OPTIONAL, /* these, or nothing: the command says where it needs one */
	TARGET_GDB,    /* what GDB looks at: a command only there */
	TARGET_NONE,   /* nothing: -p, -c and -e are no options of it */
};

struct session;

struct command {
	const char *name;
	const char *summary;   /* one line, for the list of commands */
	const char *arguments; /* "MAP KEY", "[TYPE]" or "" */
	size_t arguments_least, arguments_most;
	enum command_target target;
	unsigned options;      /* of enum option_set */
	const char *description; /* for --help and the man page */
	struct error *(*run)(struct session *session);
};

extern const struct command command_dump, command_layout, command_list, command_races, command_replay, command_show, command_stat, command_top, command_trace,
	command_verify, command_who;
extern const struct command *const commands[]; /* NULL at the end */
/* Those that make sense only inside GDB: in its script and help alone. */
extern const struct command command_goroutine, command_goroutines, command_thread;
extern const struct command *const gdb_commands[];
/* Of both tables; NULL: there is none of that name. */
const struct command *command_find(const char *name);

/* Reads the words behind the command's name. Ends the program for --help and --usage, and for usage errors with status 2. */
void options_parse(const struct command *command, int argc, char **argv, struct invocation *out);
/* Which of these words are no options nor options' values: their places, for which `found` has room. Returns how many. */
size_t options_find_arguments(const struct command *command, char *const *words, size_t count, size_t *found);
/* A command's options and its description, as GDB's help has them. */
void options_print_gdb_help(const struct command *command);

/* --- session.c: what a command works on ------------------------------------------------------------------------- */

struct session {
	const struct invocation *invocation;
	struct target *target; /* NULL: a binary at rest */
	struct binary *binary;
	struct program *program;
	struct stripped *stripped; /* what the program rests on where there is no DWARF; else NULL */
	bool stopped;             /* by session_stop(), until session_resume() */
	bool more_maps;           /* other maps are read after the one that is being read: a snapshot stays */
	bool rehearsed;           /* the frames' DWARF has been read for the MAP */
	const char *map_name;     /* the MAP that is worked on: at first, the first argument */
	char *local_map;          /* the MAP that -g and -f make; NULL: not given */
	char **gdb_maps;          /* what GDB made of the arguments that are MAPs, as MAPs; NULL in it: nothing */
	size_t gdb_map_count;
	struct output *variables; /* what becomes convenience variables of GDB; NULL: not in GDB */
	struct gotype *own_map;   /* replay: the type of the one map there is; NULL else */
	taddr own_header;
	const char *own_go;       /* "go1.23" */
	struct output *output; /* standard output */
	struct text text;
	struct json *json; /* NULL: text */
	struct findings findings; /* what was found wrong in the target's memory: exit status 4 */
	uint64_t unreadable;      /* values that were */
	uint64_t read_again;      /* --no-stop: attempts that a change spoiled */
	bool newer;               /* the program is of a newer Go than is known */
	bool contradicted;        /* and one of its maps is not as the newest known would have it: exit status 4 */
	bool wrong;               /* verify found something: exit status 1, whatever else there is */
};

/* The part of it from the target to the program. */
struct error *session_open_program(struct session *session) MUST_CHECK;
/* A program with symbols and without DWARF: which map a variable leads to, if it is one. False: there is no such variable. */
bool session_find_symbol(const struct session *session, const char *name, taddr *header);
struct error *session_open(const struct invocation *invocation, struct session *out) MUST_CHECK;
/* Brings what is printed to an end in the middle of it: a JSON document becomes whole, and says that it is not complete. */
void session_cut(struct session *session, const char *why);
/* Flushes, reports findings and --stats; returns the exit status. */
int session_close(struct session *session);

/* The MAP that a word of the command line is, with what -g and -f put before it. The caller frees it. */
char *session_local_name(const struct invocation *invocation, const char *name);

/* Stops the target where it is to be stopped. What is slow has been done before: evaluate things once beforehand. */
struct error *session_stop(struct session *session) MUST_CHECK;
void session_resume(struct session *session);

/* Whether it is read while it runs: it may have changed between two reads. */
bool session_runs(const struct session *session);
/* Whether it stands for as long as it is read: not a core, nor where a snapshot is read. */
bool session_stands(const struct session *session);
/* What is read next is to be newer: a snapshot that there is goes. */
void session_refresh(struct session *session);
/* Lets it run on; what is left to do is to print. */
void session_end_reading(struct session *session);
/*
 * What the session's MAP leads to now: its type, and the address of its header, 0 for a nil map; or a sync.Map (gotype_is_sync()) and
 * the address of that.
 */
struct error *session_find_any_map(struct session *session, struct gotype **type, taddr *header) MUST_CHECK;
/* The same for those that know plain maps only: a sync.Map is an error. */
struct error *session_find_map(struct session *session, struct gotype **type, taddr *header) MUST_CHECK;

/* How a command opens its map. */
struct map_request {
	struct reader_options options;
	/* May change the options, now that the type is known. May be NULL. */
	void (*prepare)(struct gotype *type, struct reader_options *options);
	/* Called while the target still stands. May be NULL. */
	void (*while_stopped)(const struct go_map *map, void *context);
	void *context;
	uint64_t part; /* one bucket, or the table of a directory slot; UINT64_MAX: all */
	bool part_old;
};

struct map_request map_request_default(const struct session *session);
/*
 * Finds the session's MAP, stops the target, reads the map, lets the target run on as soon as it can. A target that
 * runs (--no-stop) is read again when the map changed. The reader is ended with session_close_map().
 */
struct error *session_open_map(struct session *session, const struct map_request *request, struct reader **out) MUST_CHECK;
void session_close_map(struct session *session, struct reader *reader);

/*
 * Of a Go that is newer than the newest known, where not even DWARF says how maps are filled: verifies the session's MAP by the rules
 * of the newest, and warns of what does not fit. Of others does nothing. Before session_open_map(), which then reads it again.
 */
struct error *session_prove_map(struct session *session) MUST_CHECK;

/* After the last unit: whether as many entries came by as the header says, and whether the map is being written. */
void session_check_count(struct session *session, const struct reader *reader, uint64_t live);

/* The steps of a lookup, of the key that lies at `key`, in the session's format. */
void trace_print(struct session *session, const struct trace *trace, taddr key);

/* Sets $map_NAME in GDB to a number, as printf would write it; does nothing elsewhere. */
void session_variable(struct session *session, const char *name, const char *format, ...) PRINTF(3, 4);

/* What every output begins with. */
struct session_head {
	const char *type, *implementation;
	taddr address; /* 0: a nil map */
	uint64_t length;
};

/* "map", "type", "address", "implementation", "go", "len" of the contract, into an open JSON object. */
void session_json_head_of(struct session *session, const struct session_head *head);
/* Ends the document, or the line, that is the outermost object: "complete": false where there are findings, and "process". */
void session_json_end(struct session *session);
/*
 * "process", into an open JSON object: how a process was looked at, and for how long that stopped it. All has been read by then: it runs on.
 * Of other targets nothing.
 */
void session_json_pause(struct session *session);
/* The same on standard error: with --stats, or on a terminal where the output has no place for it. */
void session_report_pause(const struct session *session);
void session_warn_of_zombies(const struct session *session);
/* The first line of text: name, type, length, implementation, address. */
void session_text_head_of(struct session *session, const struct session_head *head);
struct session_head session_head_of(const struct go_map *map);
/* The same of a map. */
void session_json_head(struct session *session, const struct go_map *map);
void session_text_head(struct session *session, const struct go_map *map);

#endif
