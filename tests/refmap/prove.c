/*
 * prove [--spoil] RECORDER <SEQUENCES
 *
 * Proves that the reference map ends in the same bytes as Go's: starts the recorder, has it do the sequences that standard
 * input names, a line each, does the same to a reference map and compares. A line is KIND SEED OPERATIONS PROFILE HINT.
 * Differences are printed with the number of operations after which they are there first.
 *
 * --spoil: changes one bit of each reference map before it is compared, so that all of them must differ.
 */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "binary/debug.h"
#include "cache.h"
#include "compare.h"
#include "map/hash_state.h"
#include "play.h"
#include "target/live.h"
#include "target/overlay.h"
#include "util/alloc.h"

struct prover {
	pid_t pid;
	FILE *orders, *answers;
	struct target *live, *cache, *arena, *memory;
	struct binary *binary;
	struct program *program;
	struct hash_state hash_state;
	uint64_t sequences, operations, differences;
	bool spoil;
};

struct sequence {
	char kind[64], profile[32];
	uint64_t seed, operations, hint;
};

static void check(struct error *error)
{
	if (error == NULL)
		return;
	printf("error: %s\n", error->message);
	exit((int)error->code);
}

static void fail(const char *what)
{
	perror(what);
	exit(ERROR_TARGET);
}

static void start(struct prover *p, const char *recorder)
{
	int to[2], from[2];

	if (pipe(to) != 0 || pipe(from) != 0)
		fail("pipe");
	p->pid = fork();
	if (p->pid < 0)
		fail("fork");
	if (p->pid == 0) {
		dup2(to[0], STDIN_FILENO);
		dup2(from[1], STDOUT_FILENO);
		close(to[1]);
		close(from[0]);
		execl(recorder, recorder, (char *)NULL);
		_exit(127);
	}
	close(to[0]);
	close(from[1]);
	p->orders = fdopen(to[1], "w");
	p->answers = fdopen(from[0], "r");

	int c;

	fputs("kinds\n", p->orders); /* the answer tells that the recorder runs */
	fflush(p->orders);
	while ((c = getc(p->answers)) != '\n')
		if (c == EOF)
			fail(recorder);
}

/* The recorder's entries in its log; it stands still then. */
static uint64_t order(struct prover *p, const struct sequence *s, uint64_t limit)
{
	char line[256] = "";
	uint64_t entries;

	fprintf(p->orders, "run %s %" PRIu64 " %" PRIu64 " %s %" PRIu64 " %" PRIu64 "\n", s->kind, s->seed, s->operations,
		s->profile, s->hint, limit);
	fflush(p->orders);
	if (fgets(line, sizeof(line), p->answers) == NULL || sscanf(line, "done %" SCNu64, &entries) != 1) {
		printf("error: %s %s: the recorder says %s\n", s->kind, s->profile, line[0] ? line : "nothing");
		exit(ERROR_TARGET);
	}
	return entries;
}

/*
 * Addresses for the arena that no process uses: above all of user space, or, of a 32-bit program, between the heap, which grows
 * from low addresses up, and the kernel's mappings, which grow from high ones down.
 */
static struct target *make_arena(const struct machine *machine)
{
	if (machine->word_size == 8)
		return arena_create(machine, taddr_of(UINT64_C(1) << 60), (size_t)1 << (sizeof(size_t) > 4 ? 33 : 30));
	return arena_create(machine, taddr_of(0xa0000000), 0x20000000);
}

static void open_all(struct prover *p)
{
	struct live_options options = { .no_stop = true };

	check(live_open(p->pid, &options, &p->live));
	check(binary_open(p->live->executable.fd, p->live->executable.path, &p->binary));
	check(debug_open(p->binary, NULL));
	p->arena = make_arena(&p->live->machine);
	p->cache = cache_create(p->live);
	p->memory = overlay_create(p->arena, p->cache);
	check(program_create(p->binary, p->live, &p->program));
	p->program->memory = p->memory;
	check(hash_state_read(p->program, &p->hash_state));
}

static void close_all(struct prover *p)
{
	fclose(p->orders);
	fclose(p->answers);
	waitpid(p->pid, NULL, 0);
	program_destroy(p->program);
	target_destroy(p->memory);
	target_destroy(p->cache);
	target_destroy(p->arena);
	binary_destroy(p->binary);
	target_destroy(p->live);
}

/* The first bucket or group of the reference map; 0: there is none. */
static taddr first_unit(struct target *arena, const struct map_layout *layout, const uint8_t *header)
{
	const struct machine *machine = &arena->machine;
	taddr directory;

	if (layout->implementation == MAP_CLASSIC)
		return load_address(machine, header + layout->classic.buckets.offset);
	directory = load_address(machine, header + layout->swiss.dir_ptr.offset);
	if (directory.v == 0 || load_word(machine, header + layout->swiss.dir_len.offset) == 0)
		return directory;

	const uint8_t *table = arena_at(arena, load_address(machine, arena_at(arena, directory)));

	return load_address(machine, table + layout->swiss.table_groups_data.offset);
}

/* Changes a bit of the header's count or of the first unit's control bytes. */
static void spoil(struct prover *p, const struct play_result *result)
{
	const struct map_layout *layout = result->type->map_layout;
	uint8_t *header = arena_at(p->arena, refmap_address(result->map)), *control;
	taddr unit = first_unit(p->arena, layout, header);
	unsigned which = p->sequences % 64;

	if (unit.v == 0 || which % 2 == 0) {
		header[0] ^= (uint8_t)(1 << which / 8);
		return;
	}
	control = arena_at(p->arena, taddr_add(unit, layout->unit.control_offset));
	control[which / 8] ^= (uint8_t)(1 << which % 8);
}

static char *compared(struct prover *p, const struct play_result *result)
{
	if (p->spoil)
		spoil(p, result);
	return compare_maps(&(struct compared_map){ .go = p->cache,
						    .refmap = p->arena,
						    .go_header = result->go_header,
						    .refmap_header = refmap_address(result->map),
						    .type = result->type });
}

/* The first difference after at most `limit` entries of the log, or NULL; the caller frees it. */
static char *difference(struct prover *p, const struct sequence *s, uint64_t limit, uint64_t *operations)
{
	struct play play = { .program = p->program, .arena = p->arena, .hash_state = &p->hash_state, .kind = s->kind };
	struct play_result result;

	order(p, s, limit);
	cache_clear(p->cache);
	arena_clear(p->arena);
	check(play_log(&play, &result));
	if (result.difference == NULL)
		result.difference = compared(p, &result);
	if (!p->spoil) /* the map is not one any more */
		refmap_destroy(result.map);
	*operations = result.steps;
	return result.difference;
}

/* The fewest operations after which there is a difference. Where iterations begin is up to chance, so it may be another one. */
static char *first_difference(struct prover *p, const struct sequence *s, uint64_t *operations)
{
	uint64_t good = 0, bad = *operations;
	char *first = NULL;

	while (good + 1 < bad) {
		uint64_t middle = good + (bad - good) / 2, steps;
		char *found = difference(p, s, middle, &steps);

		if (found == NULL) {
			good = middle;
			continue;
		}
		free(first);
		first = found;
		bad = middle;
	}
	*operations = bad;
	return first;
}

static void prove(struct prover *p, const struct sequence *s)
{
	uint64_t operations;
	char *found = difference(p, s, INT32_MAX, &operations);

	p->sequences++;
	p->operations += operations;
	if (found == NULL)
		return;
	p->differences++;

	uint64_t at = operations;
	char *first = p->spoil ? NULL : first_difference(p, s, &at);

	printf("%s %" PRIu64 " %" PRIu64 " %s %" PRIu64 ": after %" PRIu64 ": %s\n", s->kind, s->seed, s->operations, s->profile,
	       s->hint, first ? at : operations, first ? first : found);
	fflush(stdout);
	free(first);
	free(found);
}

/* False at the end of the input. */
static bool read_sequence(struct sequence *s)
{
	char line[256];

	if (fgets(line, sizeof(line), stdin) == NULL)
		return false;
	if (sscanf(line, "%63s %" SCNu64 " %" SCNu64 " %31s %" SCNu64, s->kind, &s->seed, &s->operations, s->profile,
		   &s->hint) != 5) {
		printf("error: not KIND SEED OPERATIONS PROFILE HINT: %s", line);
		exit(ERROR_USAGE);
	}
	return true;
}

int main(int argc, char **argv)
{
	struct prover prover = { .spoil = argc == 3 && strcmp(argv[1], "--spoil") == 0 };
	struct sequence sequence;

	if (argc != 2 + prover.spoil) {
		fprintf(stderr, "usage: prove [--spoil] RECORDER <SEQUENCES\n");
		return ERROR_USAGE;
	}
	signal(SIGPIPE, SIG_IGN);
	start(&prover, argv[argc - 1]);
	open_all(&prover);
	while (read_sequence(&sequence))
		prove(&prover, &sequence);
	close_all(&prover);
	printf("%" PRIu64 " sequences, %" PRIu64 " operations, %" PRIu64 " differences\n", prover.sequences, prover.operations,
	       prover.differences);
	return prover.differences != 0;
}
