/*
 * getGCMask() of runtime/type.go (>= 1.24), gcdata before: bit i of the mask is word i of a value, up to ptrdata. From 1.24 on
 * the masks of large types are made when the collector needs them first (TFlagGCMaskOnDemand); where that has not been, they are
 * put together from the parts here too, as buildGCMask() does.
 */
#include "heap/type_mask.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "util/alloc.h"

enum {
	RECENT = 256,           /* of a power of two: the masks used last, found without the table */
	MASK_LIMIT = 1 << 18,   /* a program has fewer types; garbage in headers is not to fill memory */
	DEPTH_LIMIT = 64,
	READ_AT_ONCE = 1 << 20, /* bytes */
};

/* Bytes of all patterns together. */
#define PATTERN_LIMIT (UINT64_C(1) << 30)

struct recent {
	uint64_t descriptor;
	const struct type_mask *mask;
};

struct type_masks {
	struct program *program;
	const struct heap_layout *layout;
	struct recent recent[RECENT];
	struct table table; /* by descriptor: the index of a mask */
	struct type_mask **masks;
	size_t count, capacity;
	uint64_t pattern_bytes;
	unsigned depth;
	struct type_mask refused; /* too large for its object, or one too many */
};

/* The common part of a descriptor. */
struct header {
	uint64_t size, pointers, flags, kind, mask;
};

static const struct type_mask *find(struct type_masks *masks, uint64_t descriptor, uint64_t limit);

/* --- bits ------------------------------------------------------------------------------------------------------ */

/* ORs bits [from, from + count) of `bits` into those from `to` on. `bits` has a word behind its last. */
static void or_bits(uint64_t *out, uint64_t to, const uint64_t *bits, uint64_t from, uint64_t count)
{
	while (count != 0) {
		unsigned shift = from % 64, room = 64 - to % 64;
		uint64_t some = room < count ? room : count;
		uint64_t word = bits[from / 64] >> shift;

		if (shift != 0)
			word |= bits[from / 64 + 1] << (64 - shift);
		if (some < 64)
			word &= (UINT64_C(1) << some) - 1;
		out[to / 64] |= word << to % 64;
		to += some;
		from += some;
		count -= some;
	}
}

void type_mask_repeat(const struct type_mask *mask, uint64_t first, uint64_t count, uint64_t *out, uint64_t to)
{
	if (mask->pattern == NULL || count == 0)
		return;
	for (uint64_t start = first / mask->stride * mask->stride; start < first + count; start += mask->stride) {
		uint64_t low = start > first ? start : first;
		uint64_t high = start + mask->words < first + count ? start + mask->words : first + count;

		if (low < high)
			or_bits(out, to + (low - first), mask->pattern, low - start, high - low);
	}
}

static uint64_t *pattern_allocate(struct type_masks *masks, uint64_t words)
{
	uint64_t bytes = (words / 64 + 2) * 8;

	if (masks->pattern_bytes + bytes > PATTERN_LIMIT)
		return NULL;
	masks->pattern_bytes += bytes;
	return xcalloc(bytes / 8, 8);
}

/* Small values are repeated up to 64 words, so that arrays of them take fewer steps. */
static void widen(struct type_mask *mask)
{
	uint64_t copies = mask->stride ? 64 / mask->stride : 0;
	struct type_mask one = *mask;
	uint64_t bits = 0;

	if (copies < 2 || mask->pattern == NULL)
		return;
	mask->words += (copies - 1) * mask->stride;
	mask->stride *= copies;
	type_mask_repeat(&one, 0, mask->words, &bits, 0);
	mask->pattern[0] = bits;
}

/* --- from memory -------------------------------------------------------------------------------------------------- */

static struct error *read_header(struct type_masks *masks, uint64_t descriptor, struct header *out)
{
	const struct heap_layout *layout = masks->layout;
	const struct machine *machine = &masks->program->machine;
	uint8_t bytes[HEAP_STRUCT_LIMIT];

	TRY(target_read(masks->program->memory, taddr_of(descriptor), bytes, layout->type_bytes));
	out->size = load_uint(machine, bytes + layout->type_size.offset, layout->type_size.size);
	out->pointers = load_uint(machine, bytes + layout->type_pointers.offset, layout->type_pointers.size);
	out->flags = load_uint(machine, bytes + layout->type_flags.offset, layout->type_flags.size);
	out->kind = load_uint(machine, bytes + layout->type_kind.offset, layout->type_kind.size);
	out->mask = load_uint(machine, bytes + layout->type_mask.offset, layout->type_mask.size);
	if (out->pointers > out->size || out->pointers % machine->word_size != 0 ||
	    (out->pointers != 0 && out->size % machine->word_size != 0))
		return error_new(ERROR_MEMORY, "0x%" PRIx64 ": no type: %" PRIu64 " bytes with pointers of %" PRIu64, descriptor,
				 out->pointers, out->size);
	return NULL;
}

/* The bytes of a mask, in the order of bits whatever the machine's order of bytes: readUintptr() of runtime/mbitmap.go. */
static struct error *read_mask(struct type_masks *masks, uint64_t address, struct type_mask *out)
{
	uint64_t length = (out->words + 7) / 8;

	out->pattern = pattern_allocate(masks, out->words);
	if (out->pattern == NULL)
		return error_new(ERROR_MEMORY, "0x%" PRIx64 ": its mask has %" PRIu64 " bytes", address, length);
	for (uint64_t at = 0; at < length; at += READ_AT_ONCE) {
		size_t some = length - at < READ_AT_ONCE ? length - at : READ_AT_ONCE;

		TRY(target_read(masks->program->memory, taddr_of(address + at), (uint8_t *)out->pattern + at, some));
	}
	for (uint64_t i = 0; i < length / 8 + 1; i++)
		out->pattern[i] = le64toh(out->pattern[i]);
	if (out->words % 64 != 0)
		out->pattern[out->words / 64] &= (UINT64_C(1) << out->words % 64) - 1;
	return NULL;
}

/* --- from parts ---------------------------------------------------------------------------------------------------- */

static struct error *not_built(uint64_t descriptor, const char *why)
{
	return error_new(ERROR_MEMORY, "0x%" PRIx64 ": the collector has not made its mask, and %s", descriptor, why);
}

/* ORs the mask of one value of a part into that of the whole. */
static struct error *add_part(struct type_masks *masks, const struct gotype *part, uint64_t offset, struct type_mask *out)
{
	unsigned word = masks->program->machine.word_size;
	const struct type_mask *mask = find(masks, part->descriptor.v, part->size);
	uint64_t words = part->size / word, at = offset / word;

	if (mask->unreadable != NULL)
		return error_new(ERROR_MEMORY, "%s", mask->unreadable);
	if (mask->pattern == NULL)
		return NULL;
	if (at >= out->words)
		return not_built(part->descriptor.v, "a part has more pointers than the whole");
	type_mask_repeat(mask, 0, words < out->words - at ? words : out->words - at, out->pattern, at);
	return NULL;
}

static struct error *build_array(struct type_masks *masks, const struct gotype *type, struct type_mask *out)
{
	const struct type_mask *element = find(masks, type->elem->descriptor.v, type->elem->size);

	if (element->unreadable != NULL)
		return error_new(ERROR_MEMORY, "%s", element->unreadable);
	if (element->pattern == NULL)
		return not_built(type->descriptor.v, "its elements have no pointers");
	out->stride = element->stride;
	out->words = element->words;
	out->pattern = pattern_allocate(masks, out->words);
	if (out->pattern == NULL)
		return not_built(type->descriptor.v, "there is no room for more masks");
	type_mask_repeat(element, 0, out->words, out->pattern, 0);
	return NULL;
}

static struct error *build_struct(struct type_masks *masks, const struct gotype *type, struct type_mask *out)
{
	out->pattern = pattern_allocate(masks, out->words);
	if (out->pattern == NULL)
		return not_built(type->descriptor.v, "there is no room for more masks");
	for (size_t i = 0; i < type->field_count; i++)
		TRY(add_part(masks, type->fields[i].type, type->fields[i].offset, out));
	return NULL;
}

static struct error *build(struct type_masks *masks, uint64_t descriptor, struct type_mask *out)
{
	struct gotype *type;

	TRY(gotype_of_descriptor(masks->program, taddr_of(descriptor), &type));
	TRY(gotype_complete(type));
	if (type->kind == GO_ARRAY)
		return build_array(masks, type, out);
	if (type->kind == GO_STRUCT)
		return build_struct(masks, type, out);
	return not_built(descriptor, "it is neither an array nor a struct");
}

/* --- one type --------------------------------------------------------------------------------------------------------- */

static struct error *load_pattern(struct type_masks *masks, uint64_t descriptor, const struct header *header,
				  struct type_mask *out)
{
	const struct heap_layout *layout = masks->layout;
	uint64_t address = header->mask;

	/* "GCProg for type that isn't large", and of a large one it is unrolled: heapSetType() of runtime/mbitmap.go, 1.22, 1.23 */
	if (header->kind & layout->mask_program)
		return error_new(ERROR_MEMORY, "0x%" PRIx64 ": its mask is a program", descriptor);
	if (header->flags & layout->mask_on_demand) {
		TRY(target_read_word(masks->program->memory, taddr_of(header->mask), &address));
		if (address == 0 || (layout->mask_in_progress != 0 && address == layout->mask_in_progress + masks->program->bias))
			return build(masks, descriptor, out);
	}
	return read_mask(masks, address, out);
}

static struct error *load(struct type_masks *masks, uint64_t descriptor, const struct header *header, struct type_mask *out)
{
	unsigned word = masks->program->machine.word_size;

	out->size = header->size;
	out->describes = !(header->flags & masks->layout->unrolled_mask);
	out->stride = header->size / word ? header->size / word : 1;
	out->words = header->pointers / word;
	if (out->words == 0)
		return NULL;
	if (masks->depth == DEPTH_LIMIT)
		return error_new(ERROR_MEMORY, "0x%" PRIx64 ": it nests too deeply", descriptor);
	masks->depth++;

	struct error *error = load_pattern(masks, descriptor, header, out);

	masks->depth--;
	if (error == NULL)
		widen(out);
	return error;
}

/* The message is the mask's; the error ends. */
static void set_unreadable(struct type_mask *mask, struct error *error)
{
	free(mask->unreadable);
	mask->unreadable = xstrdup(error->message);
	error_free(error);
}

static const struct type_mask *refuse(struct type_masks *masks, struct error *error)
{
	set_unreadable(&masks->refused, error);
	return &masks->refused;
}

static struct type_mask *add_mask(struct type_masks *masks, uint64_t descriptor)
{
	struct type_mask *mask = xcalloc(1, sizeof(*mask));

	table_put(&masks->table, descriptor, masks->count);
	ARRAY_RESERVE(masks->masks, masks->count, masks->capacity);
	masks->masks[masks->count++] = mask;
	return mask;
}

static const struct type_mask *refuse_size(struct type_masks *masks, uint64_t descriptor, uint64_t size, uint64_t limit)
{
	return refuse(masks, error_new(ERROR_MEMORY, "0x%" PRIx64 ": a type of %" PRIu64 " bytes is larger than its object of %" PRIu64,
				       descriptor, size, limit));
}

static const struct type_mask *find(struct type_masks *masks, uint64_t descriptor, uint64_t limit)
{
	const uint64_t *known = table_get(&masks->table, descriptor);
	struct header header = { 0 };

	if (known != NULL && masks->masks[*known]->size > limit)
		return refuse_size(masks, descriptor, masks->masks[*known]->size, limit);
	if (known != NULL)
		return masks->masks[*known];
	if (masks->count == MASK_LIMIT)
		return refuse(masks, error_new(ERROR_MEMORY, "0x%" PRIx64 ": more types than any program has", descriptor));

	struct error *error = read_header(masks, descriptor, &header);

	if (error == NULL && header.size > limit)
		return refuse_size(masks, descriptor, header.size, limit);

	struct type_mask *mask = add_mask(masks, descriptor);

	mask->unreadable = xstrdup("it is a part of itself"); /* what a cycle meets here */
	if (error == NULL)
		error = load(masks, descriptor, &header, mask);
	if (error != NULL) {
		set_unreadable(mask, error);
		free(mask->pattern);
		mask->pattern = NULL;
	} else {
		free(mask->unreadable);
		mask->unreadable = NULL;
	}
	return mask;
}

const struct type_mask *type_mask_find(struct type_masks *masks, taddr descriptor, uint64_t limit)
{
	struct recent *recent = &masks->recent[(descriptor.v >> 5) % RECENT];

	if (recent->mask != NULL && recent->descriptor == descriptor.v && recent->mask->size <= limit)
		return recent->mask;

	const struct type_mask *mask = find(masks, descriptor.v, limit);

	if (mask != &masks->refused)
		*recent = (struct recent){ descriptor.v, mask };
	return mask;
}

struct type_masks *type_masks_create(struct program *program, const struct heap_layout *layout)
{
	struct type_masks *masks = xcalloc(1, sizeof(*masks));

	masks->program = program;
	masks->layout = layout;
	return masks;
}

void type_masks_free(struct type_masks *masks)
{
	if (masks == NULL)
		return;
	for (size_t i = 0; i < masks->count; i++) {
		free(masks->masks[i]->pattern);
		free(masks->masks[i]->unreadable);
		free(masks->masks[i]);
	}
	free(masks->masks);
	free(masks->refused.unreadable);
	table_free(&masks->table);
	free(masks);
}
