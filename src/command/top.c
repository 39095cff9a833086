#include <stdlib.h>
#include <string.h>

#include "command/census.h"
#include "util/alloc.h"

enum { ROWS = 20 }; /* unless --max says otherwise */

struct row {
	const struct census_map *map; /* by type: the largest of them */
	uint64_t maps, length, bytes, wasted;
};

struct rows {
	struct row *items;
	size_t count;
};

static int compare(const struct row *a, const struct row *b, enum top_order by)
{
	const uint64_t x = by == TOP_BY_LEN ? a->length : by == TOP_BY_WASTE ? a->wasted : a->bytes;
	const uint64_t y = by == TOP_BY_LEN ? b->length : by == TOP_BY_WASTE ? b->wasted : b->bytes;

	if (x != y)
		return x > y ? -1 : 1;
	return a->map->found.address.v < b->map->found.address.v ? -1 : a->map->found.address.v > b->map->found.address.v;
}

static int compare_rows(const void *a, const void *b, void *by)
{
	return compare(a, b, *(const enum top_order *)by);
}

static const char *type_of(const struct row *row)
{
	return row->map->found.type ? row->map->found.type->name : "";
}

static int compare_types(const void *a, const void *b, void *by)
{
	int order = strcmp(type_of(a), type_of(b));

	return order != 0 ? order : compare_rows(a, b, by);
}

/* Rows of one type become one. */
static void merge_types(struct rows *rows)
{
	size_t kept = 0;

	for (size_t i = 0; i < rows->count; i++) {
		struct row *last = kept ? &rows->items[kept - 1] : NULL;
		const struct row *row = &rows->items[i];

		if (last == NULL || strcmp(type_of(last), type_of(row)) != 0) {
			rows->items[kept++] = *row;
			continue;
		}
		last->maps += row->maps;
		last->length += row->length;
		last->bytes += row->bytes;
		last->wasted += row->wasted;
	}
	rows->count = kept;
}

static void choose(const struct session *session, const struct census *census, struct rows *rows)
{
	enum top_order by = session->invocation->by, order = by;
	uint64_t most = session->invocation->max_given ? session->invocation->max : ROWS;
	size_t kept = 0;

	rows->items = xcalloc(census->count + 1, sizeof(*rows->items));
	for (size_t i = 0; i < census->count; i++) {
		const struct census_map *map = &census->items[i];

		if (map->found.reached || session->invocation->garbage)
			rows->items[rows->count++] = (struct row){ map, 1, map->found.length, map->bytes, map->wasted_bytes };
	}
	if (by == TOP_BY_TYPE) {
		order = TOP_BY_BYTES;
		qsort_r(rows->items, rows->count, sizeof(*rows->items), compare_types, &order);
		merge_types(rows);
	}
	qsort_r(rows->items, rows->count, sizeof(*rows->items), compare_rows, &order);
	for (size_t i = 0; i < rows->count && (most == 0 || kept < most); i++)
		if ((by == TOP_BY_WASTE ? rows->items[i].wasted : by == TOP_BY_LEN ? rows->items[i].length : rows->items[i].bytes) >=
		    session->invocation->least)
			rows->items[kept++] = rows->items[i];
	rows->count = kept;
}

/* --- output ---------------------------------------------------------------------------------------------------------- */

static void json_type(struct session *session, const struct census *census, const struct row *row)
{
	struct json *json = session->json;

	json_object_begin(json);
	if (row->map->found.type != NULL) {
		json_field_name(json, "type", row->map->found.type->name);
	} else {
		json_key(json, "type");
		json_null(json);
	}
	json_field_unsigned(json, "maps", row->maps);
	json_field_unsigned(json, "len", row->length);
	json_field_unsigned(json, "bytes", row->bytes);
	json_field_unsigned(json, "wasted_bytes", row->wasted);
	json_key(json, "share");
	json_double(json, census_share(census, row->bytes), 64);
	json_object_end(json);
}

static void json_row(struct session *session, const struct census *census, const struct row *row, const struct owner_path *owner)
{
	if (session->invocation->by == TOP_BY_TYPE)
		json_type(session, census, row);
	else
		census_json_map(session, row->map, owner);
}

static void print_json(struct session *session, const struct census *census, const struct rows *rows, const struct owner_path *owners)
{
	census_json_begin(session, census, session->invocation->by == TOP_BY_TYPE ? "types" : "maps");
	for (size_t i = 0; i < rows->count; i++) {
		json_row(session, census, &rows->items[i], &owners[i]);
		census_json_next(session);
	}
	census_json_end(session);
}

static void print_row(struct text_table *table, const struct session *session, const struct census *census, const struct row *row,
		      const struct owner_path *owner)
{
	bool by_type = session->invocation->by == TOP_BY_TYPE, settled = row->map->found.type != NULL;
	char *bytes = census_bytes_text(row->bytes), *wasted = census_bytes_text(row->wasted);
	char *type = by_type && !settled ? xstrdup("(not settled)") : census_type_text(row->map);

	text_table_row(table);
	text_table_cell(table, "%s", bytes);
	text_table_cell(table, "%.1f %%", census_share(census, row->bytes));
	text_table_cell(table, "%s", wasted);
	text_table_cell(table, "%llu", (unsigned long long)row->length);
	if (by_type)
		text_table_cell(table, "%llu", (unsigned long long)row->maps);
	else
		text_table_cell(table, "%.2f", row->map->load_factor);
	text_table_cell(table, "%s", type);
	if (!by_type) {
		text_table_cell(table, "0x%llx", (unsigned long long)row->map->found.address.v);
		text_table_cell(table, "%s", owner->text ? owner->text : "(garbage)");
	}
	free(bytes);
	free(wasted);
	free(type);
}

static struct error *print_text(struct session *session, const struct census *census, const struct rows *rows,
				const struct owner_path *owners)
{
	struct text_table *table = text_table_create(&session->text);
	bool by_type = session->invocation->by == TOP_BY_TYPE;

	census_text_head(session, census);
	text_table_column(table, "BYTES", TEXT_RIGHT);
	text_table_column(table, "HEAP", TEXT_RIGHT);
	text_table_column(table, "WASTED", TEXT_RIGHT);
	text_table_column(table, "LEN", TEXT_RIGHT);
	text_table_column(table, by_type ? "MAPS" : "LOAD", TEXT_RIGHT);
	text_table_column(table, "TYPE", TEXT_LEFT);
	if (!by_type) {
		text_table_column(table, "ADDRESS", TEXT_LEFT);
		text_table_column(table, "OWNER", TEXT_LEFT);
	}
	for (size_t i = 0; i < rows->count; i++)
		print_row(table, session, census, &rows->items[i], &owners[i]);
	return text_table_write(table);
}

static struct error *name_owners(struct session *session, struct census *census, const struct rows *rows, struct owner_path *out)
{
	struct owners *owners;

	if (session->invocation->by == TOP_BY_TYPE)
		return NULL;
	TRY(census_owners(census, &owners));
	for (size_t i = 0; i < rows->count; i++)
		census_owner(owners, rows->items[i].map, &out[i]);
	owners_destroy(owners);
	return NULL;
}

static struct error *run(struct session *session)
{
	struct census census;
	struct rows rows = { 0 };
	struct owner_path *owners = NULL;
	struct error *error = census_of_session(session, session->invocation->garbage, &census);

	if (error == NULL) {
		choose(session, &census, &rows);
		owners = xcalloc(rows.count + 1, sizeof(*owners));
		error = name_owners(session, &census, &rows, owners);
	}
	session_resume(session);
	if (error == NULL) {
		census_report(session, &census);
		if (session->json != NULL)
			print_json(session, &census, &rows, owners);
		else
			error = print_text(session, &census, &rows, owners);
	}
	for (size_t i = 0; i < rows.count; i++)
		owner_path_free(&owners[i]);
	free(owners);
	free(rows.items);
	census_free(&census);
	return error;
}

const struct command command_top = {
	.name = "top",
	.summary = "Show which maps own the most memory, and who holds them",
	.arguments = "",
	.target = TARGET_MEMORY,
	.options = OPTIONS_MEMORY | OPTIONS_PROGRAM | OPTIONS_HEAP | OPTIONS_TOP,
	.description = "The whole heap is walked, as the collector would, and the process stands meanwhile. BYTES are what a map owns "
		       "itself: header, buckets or groups, and keys and elems that are stored behind pointers; not what strings and "
		       "pointers lead to. WASTED of these no entry uses. OWNER is a shortest way to the map, which show takes where "
		       "all of it has names in Go.",
	.run = run,
};
