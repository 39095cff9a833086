#include "command/memory.h"

#include <stdlib.h>

#include "command/figures.h"
#include "command/sync.h"
#include "util/alloc.h"

/* With GOGC=off the goal is what GOMEMLIMIT leaves, which is 2^63 bytes unless it is set: none. */
#define NO_GOAL (UINT64_C(1) << 48)

void memory_watch_begin(struct memory_watch *watch, struct session *session, size_t most)
{
	*watch = (struct memory_watch){ .session = session };
	if (session->own_map == NULL)
		watch->source = memory_source_create(session->program, session->invocation->core ? MEMORY_MANY : most);
}

static bool can_be_looked_at(struct memory_watch *watch)
{
	if (watch->source == NULL)
		return false;
	if (session_runs(watch->session))
		watch->memory.unknown = xstrdup("the process runs meanwhile");
	return watch->memory.unknown == NULL;
}

void memory_watch_map(struct memory_watch *watch, const struct go_map *map)
{
	if (can_be_looked_at(watch))
		watch->error = memory_look(watch->source, map, &watch->session->findings, &watch->memory);
}

void memory_watch_sync(struct memory_watch *watch, const struct sync_contents *contents)
{
	if (can_be_looked_at(watch))
		watch->error = memory_look_sync(watch->source, contents, &watch->session->findings, &watch->memory);
}

struct error *memory_watch_end(struct memory_watch *watch, struct error *error)
{
	memory_source_destroy(watch->source);
	memory_free(&watch->memory);
	if (error == NULL)
		return watch->error;
	error_free(watch->error);
	return error;
}

/* --- the summary -------------------------------------------------------------------------------------------------- */

static void text_live_heap(const struct text *text, const struct memory *memory)
{
	const struct heap_figures *figures = &memory->figures;
	struct output *output = text->output;

	if (figures->live == UINT64_MAX)
		return;
	figures_line(text, "live heap");
	figures_bytes(output, figures->live);
	if (figures->goal < NO_GOAL) {
		output_text(output, ", collected at ");
		figures_bytes(output, figures->goal);
	}
	if (figures->live != 0)
		output_format(output, "; %s%.2g %% of it are this map's", memory->cut ? "more than " : "", 100.0 * (double)memory->all.slot_bytes / (double)figures->live);
	output_char(output, '\n');
}

void memory_text_summary(const struct text *text, const struct memory *memory)
{
	const struct memory_total *all = &memory->all;
	struct output *output = text->output;

	figures_line(text, "allocator");
	if (memory->unknown != NULL) {
		output_text(output, "not known: ");
		text_plain(output, memory->unknown);
		output_char(output, '\n');
		return;
	}
	output_format(output, "%llu of %s%llu blocks are objects of the heap, %llu of them without pointers, in slots of ",
		      (unsigned long long)all->in_heap, memory->cut ? "the first " : "", (unsigned long long)all->count,
		      (unsigned long long)all->pointer_free);
	figures_bytes(output, all->slot_bytes);
	output_text(output, "; slack ");
	figures_bytes(output, all->slack_bytes);
	output_char(output, '\n');
	text_live_heap(text, memory);
}

static void json_figures(struct json *json, const struct memory *memory)
{
	json_field_known(json, "live_heap", memory->figures.live);
	json_field_known(json, "marked_heap", memory->figures.marked);
	json_field_known(json, "heap_goal", memory->figures.goal < NO_GOAL ? memory->figures.goal : UINT64_MAX);
	json_key(json, "share_of_live_heap");
	if (memory->figures.live == UINT64_MAX || memory->figures.live == 0)
		json_null(json);
	else
		json_double(json, (double)memory->all.slot_bytes / (double)memory->figures.live, 64);
}

static void json_total(struct json *json, const struct memory_total *total)
{
	json_field_unsigned(json, "blocks", total->count);
	json_field_unsigned(json, "bytes", total->bytes);
	json_field_unsigned(json, "in_heap", total->in_heap);
	json_field_unsigned(json, "slot_bytes", total->slot_bytes);
	json_field_unsigned(json, "slack_bytes", total->slack_bytes);
	json_field_unsigned(json, "pointer_free", total->pointer_free);
}

static void json_kinds(struct json *json, const struct memory *memory)
{
	json_key(json, "kinds");
	json_array_begin(json);
	for (int kind = 0; kind < MEMORY_KINDS; kind++) {
		if (memory->totals[kind].count == 0)
			continue;
		json_object_begin(json);
		json_field_name(json, "kind", memory_kind_name((enum memory_kind)kind));
		json_total(json, &memory->totals[kind]);
		json_object_end(json);
	}
	json_array_end(json);
}

void memory_json_summary(struct json *json, const struct memory *memory)
{
	json_key(json, "memory");
	json_object_begin(json);
	if (memory->unknown != NULL) {
		json_field_name(json, "error", memory->unknown);
	} else {
		json_total(json, &memory->all);
		json_field_bool(json, "cut", memory->cut);
		json_kinds(json, memory);
		json_figures(json, memory);
	}
	json_object_end(json);
}

/* --- dump --memory ------------------------------------------------------------------------------------------------ */

static const char *place_name(const struct memory_block *block)
{
	static const char *const names[] = {
		[HEAP_UNKNOWN] = "unknown", [HEAP_NOWHERE] = "nowhere", [HEAP_OBJECT] = "heap", [HEAP_STACK] = "stack", [HEAP_DATA] = "data",
	};

	if (block->place == HEAP_OBJECT && !block->object.allocated)
		return "free slot";
	if (block->place == HEAP_OBJECT && block->object.dead)
		return "garbage";
	return names[block->place];
}

static void json_block(struct json *json, const struct memory_block *block)
{
	const struct heap_object *object = &block->object;

	json_object_begin(json);
	json_field_name(json, "kind", memory_kind_name(block->kind));
	json_field_address(json, "address", block->address);
	json_field_unsigned(json, "bytes", block->size);
	json_field_name(json, "place", place_name(block));
	if (block->place == HEAP_OBJECT) {
		json_field_address(json, "slot", object->base);
		json_field_unsigned(json, "slot_bytes", object->size);
		json_field_unsigned(json, "slack_bytes", memory_slack(block));
		json_field_unsigned(json, "header_bytes", object->data.v - object->base.v);
		json_field_bool(json, "pointer_free", !object->scannable);
	}
	if (block->place == HEAP_OBJECT || block->place == HEAP_STACK) {
		json_field_address(json, "span", taddr_of(object->span_start));
		json_field_unsigned(json, "span_bytes", object->span_size);
	}
	json_object_end(json);
}

static void print_json(struct session *session, const struct session_head *head, const struct memory *memory)
{
	struct json *json = session->json;

	json_object_begin(json);
	session_json_head_of(session, head);
	memory_json_summary(json, memory);
	json_key(json, "blocks");
	json_array_begin(json);
	for (size_t i = 0; i < memory->count; i++)
		json_block(json, &memory->blocks[i]);
	json_array_end(json);
	json_object_end(json);
	json_end_line(json);
}

static void text_block(struct text_table *table, const struct memory_block *block)
{
	const struct heap_object *object = &block->object;

	text_table_row(table);
	text_table_cell(table, "%s", memory_kind_name(block->kind));
	text_table_cell(table, "0x%llx", (unsigned long long)block->address.v);
	text_table_cell(table, "%llu", (unsigned long long)block->size);
	if (block->place != HEAP_OBJECT) {
		text_table_cell(table, "-");
		text_table_cell(table, "-");
		text_table_cell(table, "-");
		text_table_cell(table, "%s", place_name(block));
		return;
	}
	text_table_cell(table, "%llu", (unsigned long long)object->size);
	text_table_cell(table, "%llu", (unsigned long long)memory_slack(block));
	text_table_cell(table, "%s", object->scannable ? "yes" : "no");
	text_table_cell(table, "0x%llx of %llu%s%s", (unsigned long long)object->span_start, (unsigned long long)object->span_size,
			object->allocated && !object->dead ? "" : ", ", object->allocated && !object->dead ? "" : place_name(block));
}

static struct error *print_text(struct session *session, const struct session_head *head, const struct memory *memory)
{
	struct text_table *table;

	session_text_head_of(session, head);
	if (head->address.v == 0)
		return NULL;
	memory_text_summary(&session->text, memory);
	if (memory->unknown != NULL)
		return NULL;
	table = text_table_create(&session->text);
	text_table_column(table, "BLOCK", TEXT_LEFT);
	text_table_column(table, "ADDRESS", TEXT_LEFT);
	text_table_column(table, "NEEDS", TEXT_RIGHT);
	text_table_column(table, "SLOT", TEXT_RIGHT);
	text_table_column(table, "SLACK", TEXT_RIGHT);
	text_table_column(table, "POINTERS", TEXT_LEFT);
	text_table_column(table, "SPAN", TEXT_LEFT);
	for (size_t i = 0; i < memory->count; i++)
		text_block(table, &memory->blocks[i]);
	return text_table_write(table);
}

static struct error *print_blocks(struct session *session, const struct session_head *head, const struct memory *memory)
{
	if (session->invocation->format == FORMAT_TEXT)
		return print_text(session, head, memory);
	if (session->invocation->format == FORMAT_JSON) {
		print_json(session, head, memory);
		return NULL;
	}
	for (size_t i = 0; i < memory->count; i++) {
		json_block(session->json, &memory->blocks[i]);
		json_end_line(session->json);
	}
	return NULL;
}

static struct error *look_at_sync(struct memory_watch *watch, struct gotype *type, taddr address, struct session_head *head)
{
	struct sync_contents contents = { 0 };
	struct sync_map map;

	TRY(sync_map_open(type, address, &map));

	struct error *error = sync_contents_load(&map, NULL, &watch->session->findings, &contents);

	if (error == NULL) {
		*head = sync_head(&contents);
		memory_watch_sync(watch, &contents);
	}
	sync_contents_free(&contents);
	return error;
}

/* While the target stands, if it can be stopped. */
static struct error *look(struct memory_watch *watch, struct session_head *head)
{
	struct gotype *type;
	taddr address;
	struct go_map map;

	TRY(session_find_any_map(watch->session, &type, &address));
	if (gotype_is_sync(type))
		return look_at_sync(watch, type, address, head);
	TRY(map_open(type, address, &map));
	*head = session_head_of(&map);
	memory_watch_map(watch, &map);
	return NULL;
}

struct error *memory_dump(struct session *session)
{
	struct session_head head = { 0 };
	struct memory_watch watch;
	struct gotype *type;
	taddr address;

	/* names and types are looked up while it runs */
	TRY(session_find_any_map(session, &type, &address));
	memory_watch_begin(&watch, session, MEMORY_MANY);

	struct error *error = session_stop(session);

	if (error == NULL)
		error = look(&watch, &head);
	session_resume(session);
	if (error == NULL && watch.error == NULL)
		error = print_blocks(session, &head, &watch.memory);
	return memory_watch_end(&watch, error);
}
