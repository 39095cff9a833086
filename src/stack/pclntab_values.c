/* pcvalue(), funcdata() and funcline1() of runtime/symtab.go, the inline tree of runtime/symtabinl.go. */
#include <inttypes.h>
#include <string.h>

#include "stack/pclntab_private.h"
#include "util/alloc.h"

enum {
	WINDOW = 256,    /* bytes of a table of values that are read together; most are shorter */
	STEPS = 1 << 20, /* of one table of values */
	VARINT_BYTES = 5,
	CALL_LIMIT = 64, /* layout/pclntab.c has no larger struct inlinedCall */
	CALLS = 1 << 20, /* of a function: the runtime's own bound */
};

/* --- tables of values ----------------------------------------------------------------------------------------- */

struct reader {
	struct pclntab *pclntab;
	uint64_t at, end; /* what has not been read yet */
	uint8_t bytes[WINDOW];
	size_t next, got;
};

static bool read_byte(struct reader *reader, uint8_t *out)
{
	if (reader->next == reader->got) {
		size_t some = reader->end - reader->at < WINDOW ? reader->end - reader->at : WINDOW;

		reader->got =
			target_read_some(reader->pclntab->program->memory, taddr_of(reader->at), reader->bytes, some);
		reader->at += reader->got;
		reader->next = 0;
		if (reader->got == 0)
			return false;
	}
	*out = reader->bytes[reader->next++];
	return true;
}

static bool read_varint(struct reader *reader, uint32_t *out)
{
	uint8_t byte;

	*out = 0;
	for (unsigned i = 0; i < VARINT_BYTES; i++) {
		if (!read_byte(reader, &byte))
			return false;
		*out |= (uint32_t)(byte & 0x7f) << (7 * i);
		if (!(byte & 0x80))
			return true;
	}
	return false;
}

/*
 * Pairs of differences: of the value, as a zigzag number, and of the pc up to which it holds. A value that does not
 * change is the end.
 */
static struct error *walk_values(struct reader *reader, const struct pclntab_function *function, uint64_t pc,
				 int32_t *out)
{
	unsigned quantum = reader->pclntab->rules->quantum;
	uint64_t up_to = function->entry;
	uint32_t value = UINT32_MAX, difference, length;

	for (int i = 0; i < STEPS; i++) {
		if (!read_varint(reader, &difference) || (difference == 0 && i != 0) || !read_varint(reader, &length))
			break;
		value += -(difference & 1) ^ difference >> 1;
		up_to += (uint64_t)length * quantum;
		if (pc < up_to) {
			*out = (int32_t)value;
			return NULL;
		}
	}
	return error_new(ERROR_MEMORY, "the function at 0x%" PRIx64 ": a table of its values does not reach 0x%" PRIx64,
			 function->entry, pc);
}

/* Number `index` of the 32-bit offsets behind a function's record. */
static struct error *read_offset(struct pclntab *pclntab, const struct pclntab_function *function, uint64_t index,
				 uint64_t *out)
{
	const struct pclntab_layout *layout = &pclntab->layout;
	uint64_t at = function->record + layout->funcdata_count.offset + layout->funcdata_count.size + index * 4;
	uint8_t bytes[4];

	TRY(target_read(pclntab->program->memory, taddr_of(at), bytes, sizeof(bytes)));
	*out = load_u32(&pclntab->program->machine, bytes);
	return NULL;
}

/* The value at a pc of the table at an offset. */
static struct error *value_at(struct pclntab *pclntab, const struct pclntab_function *function, uint64_t offset,
			      uint64_t pc, int32_t *out)
{
	const struct table_at *values = &function->module->values;

	*out = -1;
	if (offset == 0)
		return NULL;
	if (offset >= values->length)
		return error_new(ERROR_MEMORY,
				 "the function at 0x%" PRIx64 ": a table of its values is behind their end",
				 function->entry);

	struct reader reader = { .pclntab = pclntab,
				 .at = values->start + offset,
				 .end = values->start + values->length };

	return walk_values(&reader, function, pc, out);
}

struct error *pclntab_value(struct pclntab *pclntab, const struct pclntab_function *function, uint32_t index,
			    uint64_t pc, int32_t *out)
{
	uint64_t offset;

	*out = -1;
	if (index >= function->pcdata_count)
		return NULL;
	TRY(read_offset(pclntab, function, index, &offset));
	return value_at(pclntab, function, offset, pc, out);
}

struct error *pclntab_frame_size(struct pclntab *pclntab, const struct pclntab_function *function, uint64_t pc,
				 int32_t *out)
{
	return value_at(pclntab, function, function->frame_sizes, pc, out);
}

/* Up to Go 1.17 pointers, which are aligned; from 1.18 on offsets from go.func.*, all ones where there are no data. */
struct error *pclntab_data(struct pclntab *pclntab, const struct pclntab_function *function, uint32_t index, taddr *out)
{
	const struct pclntab_layout *layout = &pclntab->layout;
	unsigned word = pclntab->program->machine.word_size;
	uint64_t at = function->record + layout->funcdata_count.offset + layout->funcdata_count.size +
		      (uint64_t)function->pcdata_count * 4;
	uint64_t value;

	*out = taddr_of(0);
	if (index >= function->funcdata_count)
		return NULL;
	if (layout->gofunc.size != 0) {
		TRY(read_offset(pclntab, function, (uint64_t)function->pcdata_count + index, &value));
		*out = taddr_of(value == UINT32_MAX ? 0 : function->module->gofunc + value);
		return NULL;
	}
	at = (at + word - 1) / word * word;
	TRY(target_read_word(pclntab->program->memory, taddr_of(at + (uint64_t)index * word), &value));
	*out = taddr_of(value);
	return NULL;
}

/* --- lines ---------------------------------------------------------------------------------------------------- */

/* Names are in one string, a NUL behind each. */
size_t pclntab_read_text(const struct pclntab *pclntab, const struct table_at *table, uint64_t offset, char *to, size_t room)
{
	size_t most = room - 1, got = 0;

	if (offset < table->length) {
		if (most > table->length - offset)
			most = table->length - offset;
		got = target_read_some(pclntab->program->memory, taddr_of(table->start + offset), to, most);
	}
	to[got] = '\0';
	return strlen(to);
}

size_t pclntab_name(const struct pclntab *pclntab, const struct pclntab_function *function, uint32_t offset, char *to,
		    size_t room)
{
	return pclntab_read_text(pclntab, &function->module->names, offset, to, room);
}

/*
 * Up to Go 1.15 the number is an index into filetab, of offsets in pclntable; from 1.16 on one into the part of cutab
 * that the function's unit has, of offsets in filetab.
 */
static struct error *read_file(const struct pclntab *pclntab, const struct pclntab_function *function, uint32_t number,
			       char *to, size_t room)
{
	const struct pclntab_module *module = function->module;
	bool by_unit = pclntab->layout.units.array.size != 0;
	const struct table_at *index = by_unit ? &module->units : &module->files;
	uint64_t at = (by_unit ? (uint64_t)function->unit : 0) + number;
	uint8_t bytes[4];
	uint32_t offset;

	to[0] = '\0';
	if (at >= index->length)
		return error_new(ERROR_MEMORY, "the function at 0x%" PRIx64 ": file %" PRIu32 " is not in the table of files",
				 function->entry, number);
	TRY(target_read(pclntab->program->memory, taddr_of(index->start + at * sizeof(bytes)), bytes, sizeof(bytes)));
	offset = load_u32(&pclntab->program->machine, bytes);
	if (offset != UINT32_MAX)
		pclntab_read_text(pclntab, by_unit ? &module->files : &module->records, offset, to, room);
	return NULL;
}

struct error *pclntab_line(struct pclntab *pclntab, const struct pclntab_function *function, uint64_t pc,
			   struct pclntab_line *out)
{
	int32_t number;

	out->file[0] = '\0';
	TRY(value_at(pclntab, function, function->lines, pc, &out->line));
	TRY(value_at(pclntab, function, function->file_numbers, pc, &number));
	return number < 0 ? NULL : read_file(pclntab, function, (uint32_t)number, out->file, sizeof(out->file));
}

/* Go 1.9 to 1.11: the call says where it stands, and what it is in. */
static struct error *set_call_site(struct pclntab *pclntab, const struct pclntab_function *function, const uint8_t *bytes,
				   struct pclntab_call *out)
{
	const struct pclntab_layout *layout = &pclntab->layout;
	const struct machine *machine = &pclntab->program->machine;

	out->parent = (int32_t)load_int(machine, bytes + layout->call_parent.offset, layout->call_parent.size);
	out->site.line = (int32_t)pclntab_load(pclntab, bytes, layout->call_line);
	return read_file(pclntab, function, (uint32_t)pclntab_load(pclntab, bytes, layout->call_file), out->site.file,
			 sizeof(out->site.file));
}

static struct error *set_call_pc(struct pclntab *pclntab, const struct pclntab_function *function, const uint8_t *bytes,
				 struct pclntab_call *out)
{
	uint64_t pc = function->entry + (uint32_t)pclntab_load(pclntab, bytes, pclntab->layout.call_pc);

	if (pc >= function->end)
		return error_new(ERROR_MEMORY, "the function at 0x%" PRIx64 ": a call inlined in it stands at 0x%" PRIx64,
				 function->entry, pc);
	TRY(pclntab_line(pclntab, function, pc, &out->site));
	return pclntab_inlined(pclntab, function, pc, &out->parent);
}

struct error *pclntab_inlined(struct pclntab *pclntab, const struct pclntab_function *function, uint64_t pc, int32_t *out)
{
	const struct pclntab_indexes *indexes = pclntab->layout.indexes;

	*out = -1;
	return indexes->inline_tree ? pclntab_value(pclntab, function, indexes->inline_index, pc, out) : NULL;
}

struct error *pclntab_call(struct pclntab *pclntab, const struct pclntab_function *function, int32_t index,
			   struct pclntab_call *out)
{
	const struct pclntab_layout *layout = &pclntab->layout;
	uint8_t bytes[CALL_LIMIT];
	taddr tree;

	TRY(pclntab_data(pclntab, function, layout->indexes->inline_tree, &tree));
	if (tree.v == 0 || index < 0 || index >= CALLS)
		return error_new(ERROR_MEMORY, "the function at 0x%" PRIx64 ": there is no inlined call %d in it",
				 function->entry, index);
	TRY(target_read(pclntab->program->memory, taddr_add(tree, (uint64_t)index * layout->call_size), bytes,
			layout->call_size));
	out->name_offset = (uint32_t)pclntab_load(pclntab, bytes, layout->call_name);
	return layout->call_pc.size ? set_call_pc(pclntab, function, bytes, out) : set_call_site(pclntab, function, bytes, out);
}
