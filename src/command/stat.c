#include <stdlib.h>

#include "analysis/stat.h"
#include "command/command.h"
#include "command/figures.h"
#include "command/memory.h"
#include "command/sync.h"

/* What is looked at while the target stands. */
struct standing {
	struct map_stat stat;
	struct memory_watch watch;
};

static void look(const struct go_map *map, void *context)
{
	struct standing *standing = context;

	stat_read_spares(map, &standing->stat);
	memory_watch_map(&standing->watch, map);
}

/* --- JSON ------------------------------------------------------------------------------------------------------ */

static bool is_growing(const struct go_map *map)
{
	return map->layout->implementation == MAP_CLASSIC && map->address.v != 0 && map->classic.old_buckets.v != 0;
}

static void json_classic(struct json *json, const struct go_map *map, const struct map_stat *stat)
{
	const struct classic_header *header = &map->classic;

	json_field_unsigned(json, "b", header->b);
	json_field_unsigned(json, "buckets", header->bucket_count);
	json_field_unsigned(json, "old_buckets", header->old_count);
	json_field_unsigned(json, "evacuated", stat->evacuated);
	json_field_unsigned(json, "nevacuate", header->nevacuate);
	json_field_unsigned(json, "overflow_buckets", stat->overflow_buckets);
	json_field_unsigned(json, "spare_buckets", stat->spare_buckets);
	json_field_unsigned(json, "noverflow", header->noverflow);
	json_field_unsigned(json, "flags", header->flags);
	json_field_unsigned(json, "hash0", header->hash0);
	figures_json_histogram(json, "chain_lengths", &stat->chain_lengths);
	json_field_bool(json, "same_size_grow", header->flags & CLASSIC_SAME_SIZE_GROW);
	json_field_unsigned(json, "deleted", stat->deleted);
	json_field_unsigned(json, "grows_above", stat->limit);
}

static void json_swiss(struct json *json, const struct go_map *map, const struct map_stat *stat)
{
	const struct swiss_header *header = &map->swiss;

	json_field_unsigned(json, "tables", stat->tables);
	json_field_unsigned(json, "directory_len", header->dir_len);
	json_field_unsigned(json, "global_depth", header->global_depth);
	json_field_unsigned(json, "groups", stat->groups);
	json_field_unsigned(json, "tombstones", stat->deleted);
	json_field_unsigned(json, "seed", header->seed);
	json_field_bool(json, "writing", header->writing != 0);
	if (stat->no_probe_lengths != NULL) {
		json_key(json, "probe_lengths");
		json_null(json);
		json_field_name(json, "no_probe_lengths", stat->no_probe_lengths);
	} else {
		figures_json_histogram(json, "probe_lengths", &stat->probe_lengths);
	}
	json_field_unsigned(json, "unhashable", stat->unhashable);
	json_field_unsigned(json, "misplaced", stat->misplaced);
	json_field_unsigned(json, "growth_left", stat->table_growth_left);
}

static void print_json(struct session *session, const struct go_map *map, const struct standing *standing)
{
	const struct map_stat *stat = &standing->stat;
	struct json *json = session->json;

	json_object_begin(json);
	session_json_head(session, map);
	json_field_unsigned(json, "capacity", stat->capacity);
	json_key(json, "load_factor");
	json_double(json, stat->load_factor, 64);
	json_field_unsigned(json, "bytes", stat->bytes);
	json_field_unsigned(json, "wasted_bytes", stat->wasted_bytes);
	json_field_bool(json, "growing", is_growing(map));
	if (map->layout->implementation == MAP_CLASSIC)
		json_classic(json, map, stat);
	else
		json_swiss(json, map, stat);
	if (standing->watch.source != NULL && map->address.v != 0)
		memory_json_summary(json, &standing->watch.memory);
	session_json_end(session);
}

/* --- text ------------------------------------------------------------------------------------------------------ */

static void print_classic_growth(const struct text *text, const struct go_map *map, const struct map_stat *stat)
{
	const struct classic_header *header = &map->classic;
	unsigned b = header->b < 15 ? header->b : 15;
	struct output *output = text->output;

	figures_line(text, "growth");
	if (is_growing(map)) {
		output_format(output, "growing%s: %llu of %llu old buckets evacuated; each insert or delete moves one or two more\n",
			      header->flags & CLASSIC_SAME_SIZE_GROW ? " to the same size (it had too many overflow buckets)" : " to twice the size",
			      (unsigned long long)stat->evacuated, (unsigned long long)header->old_count);
		return;
	}
	output_format(output, "doubles at the insert that makes it more than %llu entries (%llu to go)\n",
		      (unsigned long long)stat->limit,
		      (unsigned long long)(stat->limit > map->length ? stat->limit - map->length + 1 : 1));
	output_format(output, "  %-14sis rebuilt at the same size when noverflow%s is %llu (now %u)\n", "",
		      header->b > 15 ? ", an estimate from B 16 on," : "", 1ULL << b, header->noverflow);
}

static void print_memory(const struct text *text, const struct standing *standing)
{
	figures_memory(text, standing->stat.bytes, standing->stat.wasted_bytes);
	if (standing->watch.source != NULL)
		memory_text_summary(text, &standing->watch.memory);
}

static void print_classic(const struct text *text, const struct go_map *map, const struct standing *standing)
{
	const struct map_stat *stat = &standing->stat;
	const struct classic_header *header = &map->classic;
	struct output *output = text->output;

	figures_line(text, "buckets");
	output_format(output, "%llu of 8 slots (B %u), %llu overflow buckets behind them, %llu spare\n",
		      (unsigned long long)header->bucket_count, header->b, (unsigned long long)stat->overflow_buckets,
		      (unsigned long long)stat->spare_buckets);
	figures_line(text, "load factor");
	output_format(output, "%.2f entries a bucket (limit %.1f)\n", stat->load_factor,
		      (double)map->program->version->load_numerator / map->program->version->load_denominator);
	figures_line(text, "deleted slots");
	output_format(output, "%llu\n", (unsigned long long)stat->deleted);
	print_classic_growth(text, map, stat);
	print_memory(text, standing);
	figures_histogram(text, "chain lengths", "buckets to look through, at worst, and how many chains have so many",
			&stat->chain_lengths);
}

static void print_swiss_growth(const struct text *text, const struct go_map *map, const struct map_stat *stat)
{
	figures_line(text, "growth");
	if (map->swiss.dir_len == 0)
		output_text(text->output, "becomes a table of 16 slots at the insert that makes it more than 8 entries\n");
	else
		output_format(text->output, "a table is rebuilt, doubled or split (at 1024 slots) when its growthLeft is 0; the least now is %llu\n",
			      (unsigned long long)stat->table_growth_left);
}

static void print_swiss(const struct text *text, const struct go_map *map, const struct standing *standing)
{
	const struct map_stat *stat = &standing->stat;
	const struct swiss_header *header = &map->swiss;
	struct output *output = text->output;

	figures_line(text, "groups");
	if (header->dir_len == 0)
		output_text(output, stat->groups ? "one of 8 slots, no table (small map)\n" : "none yet, no table (small map)\n");
	else
		output_format(output, "%llu of 8 slots in %llu table%s; directory of %llu (depth %u)\n",
			      (unsigned long long)stat->groups, (unsigned long long)stat->tables, stat->tables == 1 ? "" : "s",
			      (unsigned long long)header->dir_len, header->global_depth);
	figures_line(text, "load factor");
	output_format(output, "%.2f entries a slot (limit %s)\n", stat->load_factor, header->dir_len == 0 ? "1" : "0.875");
	figures_line(text, "tombstones");
	output_format(output, "%llu\n", (unsigned long long)stat->deleted);
	print_swiss_growth(text, map, stat);
	print_memory(text, standing);
	if (stat->no_probe_lengths == NULL) {
		figures_histogram(text, "probe lengths", "groups to look at to find an entry, and how many entries need so many",
				&stat->probe_lengths);
	} else {
		figures_line(text, "probe lengths");
		text_plain(output, stat->no_probe_lengths);
		output_char(output, '\n');
	}
	if (stat->unhashable != 0)
		output_format(output, "  %-14s%llu entries have a NaN in their key and can be anywhere\n", "",
			      (unsigned long long)stat->unhashable);
}

static void print_text(struct session *session, const struct go_map *map, const struct standing *standing)
{
	const struct map_stat *stat = &standing->stat;
	const struct text *text = &session->text;

	session_text_head(session, map);
	if (map->address.v == 0)
		return;
	figures_line(text, "entries");
	output_format(text->output, "%llu in %llu slots\n", (unsigned long long)map->length, (unsigned long long)stat->capacity);
	if (map->layout->implementation == MAP_CLASSIC)
		print_classic(text, map, standing);
	else
		print_swiss(text, map, standing);
}

static void set_variables(struct session *session, const struct map_stat *stat)
{
	session_variable(session, "capacity", "%llu", (unsigned long long)stat->capacity);
	session_variable(session, "load", "%.6f", stat->load_factor);
	session_variable(session, "bytes", "%llu", (unsigned long long)stat->bytes);
	session_variable(session, "wasted", "%llu", (unsigned long long)stat->wasted_bytes);
}

static void print(struct session *session, struct reader *reader, const struct standing *standing)
{
	session_check_count(session, reader, standing->stat.live);
	set_variables(session, &standing->stat);
	if (session->json != NULL)
		print_json(session, reader_map(reader), standing);
	else
		print_text(session, reader_map(reader), standing);
}

static struct error *run(struct session *session)
{
	struct standing standing = { 0 };
	struct map_request request = map_request_default(session);
	struct reader *reader;
	bool sync;

	TRY(sync_is_named(session, &sync));
	if (sync)
		return sync_stat(session);
	TRY(session_prove_map(session));
	request.prepare = stat_reader_options;
	request.while_stopped = look;
	request.context = &standing;
	memory_watch_begin(&standing.watch, session, MEMORY_FEW);

	struct error *error = session_open_map(session, &request, &reader);

	if (error == NULL) {
		error = stat_compute(reader, &session->findings, &standing.stat);
		if (error == NULL)
			print(session, reader, &standing);
		map_stat_free(&standing.stat);
		session_close_map(session, reader);
	}
	return memory_watch_end(&standing.watch, error);
}

const struct command command_stat = {
	.name = "stat",
	.summary = "Show a map's size, load, growth and waste",
	.arguments = "MAP",
	.arguments_least = 1,
	.arguments_most = 1,
	.target = TARGET_MEMORY,
	.options = OPTIONS_MEMORY | OPTIONS_PROGRAM | OPTIONS_LOCAL,
	.description = "Memory is what the map itself owns: header, buckets or groups and tables, overflow and old buckets, keys and elems "
		       "stored behind pointers; not what strings and pointers in it lead to. Wasted is the part of it "
		       "that no live entry uses: free and deleted slots, spare buckets, evacuated ones. Maps never shrink.",
	.run = run,
};
