/* The program as the plug-in in GDB runs it: what GDB looks at is the target, and GDB evaluates MAP. See target/wire.h. */
#ifndef COMMAND_GDB_H
#define COMMAND_GDB_H

#include <stdio.h>

#include "binary/binary.h"
#include "command/command.h"
#include "target/target.h"

/* The memory of what GDB looks at (of a core that can be opened here: the core itself), and the executable as GDB knows it. */
struct error *gdb_open(struct target **out) MUST_CHECK;
/* Whether its memory comes through GDB: it is target/remote.h's. */
bool gdb_is_remote(const struct target *target);
/* Tells the target what its executable says: by this its headers are found in memory, and its build compared. */
struct error *gdb_use_binary(struct target *target, const struct binary *binary) MUST_CHECK;

/*
 * What leads to the value that GDB has for `map`, the command's MAP of that number from 0 on, as a MAP of ours:
 * "(map[string]int)(0xc000012345)". NULL where GDB knows nothing of that name, and it is for us to look it up. The caller frees it.
 */
struct error *gdb_evaluated(const struct machine *machine, const char *map, size_t number, char **out) MUST_CHECK;

/*
 * The part of a MAP that GDB can evaluate where it cannot, or must not, evaluate all: what stands before the first bracket, for
 * GDB takes Go's maps and slices for the structs that they are; what is cast, as GDB has no such casts: $rax of
 * (map[string]int)$rax. Its length is 0 where there is none.
 */
const char *gdb_base(const char *map, size_t *length);

/* Where the GDB commands go that set convenience variables. */
struct output *gdb_variables(void);

/*
 * The shell's end of GDB's `pipe`: what comes goes to a file of the plug-in's, or to a program. Where these fail, it is read to
 * its end all the same: a GDB without Python dies of SIGPIPE where it writes and nobody reads.
 */
#define GDB_INTO_FILE "cat >/proc/$PPID/fd/%d || cat >/dev/null"
#define GDB_INTO_PROGRAM "'%s' %s || cat >/dev/null"

/* --- gdb_thread.c ----------------------------------------------------------------------------------------------- */

/* Whether a command with these words looks at goroutines, and so at threads' registers. */
bool gdb_needs_threads(const struct command *command, char *const *words, size_t count);
/* GDB commands that print the registers of all threads into PLUGIN_THREADS. */
void gdb_write_thread_steps(FILE *steps);
/* What these printed, for target_threads(). */
void gdb_take_threads(struct target *target, const char *text);

/* --- gdb_script.c ----------------------------------------------------------------------------------------------- */

/* How many of a command's arguments are MAPs, where there are so many: the first ones. */
size_t gdb_map_count(const struct command *command, size_t arguments);

/* `mapscope gdb-script`: returns the exit status. */
int gdb_script_main(int argc, char **argv);

#endif
