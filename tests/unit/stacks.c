/*
 * Prints every goroutine with its frames, one a line, for tests/cases/stacks.py: stacks -p PID | stacks CORE EXE. In
 * the environment: VARIABLES prints those of each frame, and what closures capture; FIND, a file of addresses, tells
 * which goroutines' roots have them; QUIET only the figures; FRAMES, dwarf or tables: what frames are told from.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "binary/debug.h"
#include "stack/roots.h"
#include "target/core.h"
#include "target/live.h"

static struct target *target;
static bool quiet;
static uint64_t frames, bias;

static void need(struct error *error)
{
	if (error == NULL)
		return;
	fprintf(stderr, "stacks: %s\n", error->message);
	target_destroy(target);
	exit(1);
}

static struct program *open_program(int argc, char **argv)
{
	struct binary *binary;
	struct program *program;

	if (strcmp(argv[1], "-p") == 0)
		need(live_open(atoi(argv[2]), NULL, &target));
	else
		need(core_open(argv[1], &target));

	int fd = argc > 2 && strcmp(argv[1], "-p") != 0 ? open(argv[2], O_RDONLY) : dup(target->executable.fd);

	need(binary_open(fd, "executable", &binary));
	if (strcmp(argv[1], "-p") != 0)
		need(core_use_executable(target, fd, "executable"));
	close(fd);
	need(debug_open(binary, NULL));
	need(program_create(binary, target, &program));
	return program;
}

static bool print_variable(void *context, const struct stack_variable *variable)
{
	uint64_t word = 0;

	printf("    %s%s%s %s ", variable->parameter ? "parameter " : "", variable->name,
	       variable->shadowed ? " (shadowed)" : "", variable->type->name);
	if (variable->where == STACK_IN_MEMORY)
		printf("at 0x%" PRIx64 "%s\n", variable->address.v, variable->escaped ? " escaped" : "");
	else if (variable->where == STACK_GONE)
		printf("gone\n");
	else
		printf("= 0x%" PRIx64 "\n",
		       (memcpy(&word, variable->bytes, variable->type->size < 8 ? variable->type->size : 8), word));
	return true;
}

/* What the function of the frame captures, by its entry as a func value has it. */
static void print_captures(struct stack *stack, const struct stack_frame *frame)
{
	size_t count;
	const struct stack_capture *captures =
		stack_closure_variables(stack, taddr_of(frame->point->entry + bias), &count);

	for (size_t i = 0; i < count; i++)
		printf("    capture %s %s at %" PRIu64 "%s\n", captures[i].name, captures[i].type->name,
		       captures[i].offset, captures[i].by_reference ? " by reference" : "");
}

static bool print_frame(void *context, const struct stack_frame *frame)
{
	frames++;
	if (!quiet)
		printf("  #%u %s%s%s %s:%d pc=0x%" PRIx64 " cfa=0x%" PRIx64 "\n", frame->number, frame->function,
		       frame->inlined ? " inlined" : "", frame->system ? " system" : "",
		       frame->file ? frame->file : "?", frame->line, frame->pc, frame->sp);
	if (getenv("VARIABLES") != NULL) {
		need(stack_each_variable(context, frame, print_variable, NULL));
		print_captures(context, frame);
	}
	return true;
}

static bool print_goroutine(void *context, const struct goroutine *goroutine)
{
	const char *why;

	if (!quiet)
		printf("goroutine %" PRIu64 " [%s%s%s]\n", goroutine->id, goroutine->status,
		       goroutine->reason[0] ? ", " : "", goroutine->reason);
	need(stack_each_frame(context, goroutine, print_frame, context, &why));
	if (why != NULL)
		printf("  ... %s\n", why);
	return true;
}

static void find_in_range(const struct stack_root_range *range, uint64_t wanted)
{
	unsigned word = target->machine.word_size;
	uint8_t *words = malloc(range->length);
	size_t count = target_read_some(target, range->start, words, range->length) / word;

	for (size_t i = 0; i < count; i++) {
		if (load_word(&target->machine, words + i * word) == wanted) {
			printf("root 0x%" PRIx64 " goroutine %" PRIu64 "\n", wanted, range->goroutine);
			break;
		}
	}
	free(words);
}

/* Which goroutines have a word of their stacks or registers that is one of the addresses in a file. */
static void find_roots(const struct stack_roots *roots, const char *path)
{
	FILE *file = fopen(path, "re");
	uint64_t wanted;

	while (file != NULL && fscanf(file, "%" SCNx64, &wanted) == 1) {
		for (size_t i = 0; i < roots->range_count; i++)
			find_in_range(&roots->ranges[i], wanted);
		for (size_t i = 0; i < roots->word_count; i++)
			if (roots->words[i].value == wanted)
				printf("root 0x%" PRIx64 " goroutine %" PRIu64 "\n", wanted, roots->words[i].goroutine);
	}
	if (file != NULL)
		fclose(file);
}

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static enum code_choice choice(void)
{
	const char *frames_by = getenv("FRAMES");

	if (frames_by == NULL)
		return CODE_BY_ANY;
	return strcmp(frames_by, "tables") == 0 ? CODE_BY_TABLES : CODE_BY_DWARF;
}

int main(int argc, char **argv)
{
	struct program *program;
	struct stack *stack;
	struct findings findings = { 0 };
	double began, loaded, ended;

	quiet = getenv("QUIET") != NULL;
	program = open_program(argc, argv);
	bias = program->bias;
	need(stack_open_by(program, choice(), &stack));
	need(target_stop(target));
	began = seconds();
	need(stack_load(stack, &findings));
	loaded = seconds();
	need(stack_each_goroutine(stack, print_goroutine, stack));
	ended = seconds();

	struct stack_roots roots;

	need(stack_roots_load(stack, &roots));
	if (getenv("FIND") != NULL)
		find_roots(&roots, getenv("FIND"));
	target_resume(target);
	for (size_t i = 0; i < findings.count; i++)
		printf("finding 0x%" PRIx64 ": %s\n", findings.items[i].address.v, findings.items[i].what);
	fprintf(stderr, "%zu goroutines, %" PRIu64 " frames, load %.1f ms, unwind %.1f ms\n",
		stack_goroutines(stack)->count, frames, (loaded - began) * 1e3, (ended - loaded) * 1e3);
	fprintf(stderr, "%zu ranges, %zu words, %zu whole\n", roots.range_count, roots.word_count, roots.whole);
	stack_roots_free(&roots);
	stack_close(stack);
	return findings.total != 0;
}
