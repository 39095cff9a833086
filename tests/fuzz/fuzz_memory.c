/*
 * A core of a real program with damaged memory, through every command: maps, types, the heap's tables, goroutines, stacks, pclntab. What is damaged
 * is what the command reads of the sound core, every read as likely as another, so that the small ones (headers, descriptors, spans) are not lost
 * among the large.
 */
#include "damage.h"

#include <elf.h>

static struct target recording;
static struct target_ops recording_ops;
static struct target *recorded;
static struct damage_ranges *recorded_ranges;

/* Where the core file has the bytes at an address; 0: it does not. */
static uint64_t offset_of(uint64_t address, uint64_t *left)
{
	const Elf64_Ehdr *header = (const Elf64_Ehdr *)damage_core.bytes;
	const Elf64_Phdr *segments = (const Elf64_Phdr *)(damage_core.bytes + header->e_phoff);

	for (unsigned i = 0; i < header->e_phnum; i++) {
		if (segments[i].p_type != PT_LOAD || address - segments[i].p_vaddr >= segments[i].p_filesz)
			continue;
		*left = segments[i].p_filesz - (address - segments[i].p_vaddr);
		return segments[i].p_offset + (address - segments[i].p_vaddr);
	}
	return 0;
}

static void note(uint64_t address, uint64_t size)
{
	uint64_t left = 0, offset = offset_of(address, &left);

	if (offset == 0 || size == 0)
		return;
	ARRAY_RESERVE(recorded_ranges->items, recorded_ranges->count, recorded_ranges->capacity);
	recorded_ranges->items[recorded_ranges->count++] = (struct damage_range){ offset, size < left ? size : left, address };
}

static void read_pieces(struct target *target, struct target_piece *pieces, size_t count)
{
	target_read_pieces(recorded, pieces, count);
	for (size_t i = 0; i < count; i++)
		note(pieces[i].address.v, pieces[i].got);
}

static struct error *unreadable(struct target *target, taddr address)
{
	return target_unreadable(recorded, address);
}

static struct error *threads(struct target *target, struct target_thread **out, size_t *count)
{
	return target_threads(recorded, out, count);
}

static void record(struct session *session)
{
	recorded = session->target;
	recording = *session->target;
	recording_ops = (struct target_ops){ .kind = "recording", .read_pieces = read_pieces, .unreadable = unreadable, .threads = threads };
	recording.ops = &recording_ops;
	session->program->memory = &recording;
}

static int compare(const void *a, const void *b)
{
	const struct damage_range *x = a, *y = b;

	return x->address != y->address ? (x->address < y->address ? -1 : 1) : (x->size > y->size) - (x->size < y->size);
}

/* In an order that does not depend on how often things are read. */
static void settle(struct damage_ranges *ranges)
{
	size_t kept = 0;

	if (ranges->count == 0) /* layout reads no memory */
		return;
	qsort(ranges->items, ranges->count, sizeof(*ranges->items), compare);
	for (size_t i = 0; i < ranges->count; i++)
		if (kept == 0 || compare(&ranges->items[kept - 1], &ranges->items[i]) != 0)
			ranges->items[kept++] = ranges->items[i];
	ranges->count = kept;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (damage_command_count == 0)
		damage_open();
	if (size == 0)
		return 0;

	struct damage_command *command = &damage_commands[data[0] % damage_command_count];

	if (!command->recorded) {
		command->recorded = true;
		recorded_ranges = &command->ranges;
		run_words(command->words, command->count, record);
		settle(&command->ranges);
	}
	if (command->ranges.count != 0)
		damage_and_run(&damage_core, command, &command->ranges, data + 1, size - 1);
	return 0;
}
