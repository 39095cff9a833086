#include "command/census.h"

#include <stdlib.h>

#include "render/diagnostics.h"
#include "render/progress.h"
#include "util/alloc.h"
#include "util/buffer.h"

static void show_progress(void *context, uint64_t done, uint64_t total)
{
	progress_update(context, done, total);
}

struct error *census_of_session(struct session *session, bool garbage, struct census *out)
{
	struct error *error = census_create(session->program, out);

	if (error == NULL)
		error = session_stop(session);
	if (error == NULL) {
		struct progress *progress = progress_create("walking the heap");
		const struct census_options options = { garbage, show_progress, progress };

		error = census_take(out, &options);
		progress_end(progress);
	}
	return error;
}

void census_report(struct session *session, const struct census *census)
{
	for (size_t i = 0; i < census->findings.count; i++)
		findings_add(&session->findings, census->findings.items[i].address, "%s", census->findings.items[i].what);
	session->findings.total += census->findings.total - census->findings.count;
}

static struct error *not_settled(const struct session *session, const struct census_map *map)
{
	struct buffer types = { 0 };

	for (size_t i = 0; i < map->found.candidate_count; i++) {
		buffer_append_text(&types, i == 0 ? ": " : ", ");
		buffer_append_text(&types, map->found.candidates[i]->name);
	}

	struct error *error = error_new(ERROR_TARGET, "%s: a map, but of which type is not settled%s", session->map_name, buffer_text(&types));

	buffer_free(&types);
	return error_hint(error, "give its type too: '(%s)(0x%llx)'", map->like ? map->like->name : "map[string]int",
			  (unsigned long long)map->found.address.v);
}

struct error *census_find_type(struct session *session, const struct census *census, taddr address, struct gotype **type)
{
	const struct census_map *map = census_find(census, address);

	if (map == NULL)
		return error_hint(error_new(ERROR_TARGET, "%s: no map is at this address", session->map_name),
				  "mapscope list --all lists all there are; with its type the address is taken for one: '(map[string]int)(%s)'",
				  session->map_name);
	if (map->found.type == NULL)
		return not_settled(session, map);
	*type = map->found.type;
	return NULL;
}

void census_owner(struct owners *owners, const struct census_map *map, struct owner_path *out)
{
	*out = (struct owner_path){ 0 };
	if (map->is_sync)
		owner_of_place(owners, map->found.address, out);
	else if (map->found.slot != UINT64_MAX && map->found.reached)
		owner_of_slot(owners, map->found.slot, out);
	else if (map->found.slot == UINT64_MAX && map->found.from.v != 0)
		owner_of_word(owners, map->found.from, out);
}

/* --- JSON ------------------------------------------------------------------------------------------------------------ */

static void json_candidates(struct json *json, const struct heap_map *map)
{
	json_key(json, "candidates");
	if (map->candidate_count == 0) { /* it is empty: any type fits */
		json_null(json);
		return;
	}
	json_array_begin(json);
	for (size_t i = 0; i < map->candidate_count; i++)
		json_name(json, map->candidates[i]->name);
	json_array_end(json);
}

static void json_optional(struct json *json, const char *key, const char *text)
{
	if (text != NULL) {
		json_field_name(json, key, text);
		return;
	}
	json_key(json, key);
	json_null(json);
}

static const char *implementation_of(const struct session *session)
{
	uint64_t die;

	return map_implementation_name(debug_find_type(session->binary->debug, "runtime.hmap", &die) ? MAP_CLASSIC : MAP_SWISS);
}

void census_json_map(struct session *session, const struct census_map *map, const struct owner_path *owner)
{
	static const char *const evidence[] = { "referrer", "buckets", "hashes", "none" };
	struct json *json = session->json;
	const char *name = owner && owner->is_map_form ? owner->text : NULL;

	json_object_begin(json);
	json_optional(json, "name", name);
	json_optional(json, "type", map->found.type ? map->found.type->name : NULL);
	if (map->found.type == NULL)
		json_candidates(json, &map->found);
	json_field_address(json, "address", map->found.address);
	json_field_name(json, "implementation", map->is_sync ? "sync" : implementation_of(session));
	json_field_unsigned(json, "len", map->found.length);
	json_field_unsigned(json, "capacity", map->capacity);
	json_key(json, "load_factor");
	json_double(json, map->load_factor, 64);
	json_field_unsigned(json, "bytes", map->bytes);
	json_field_unsigned(json, "wasted_bytes", map->wasted_bytes);
	json_optional(json, "owner", name);
	if (owner != NULL)
		json_field_name(json, "path", owner->text);
	json_field_bool(json, "live", map->found.reached);
	json_field_name(json, "evidence", evidence[map->found.evidence]);
	json_object_end(json);
}

static uint64_t owned_bytes(const struct census *census)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < census->count; i++)
		bytes += census->items[i].found.reached ? census->items[i].bytes : 0;
	return bytes;
}

static void json_figures(struct json *json, const struct census *census)
{
	json_field_known(json, "live_heap", census->figures.live);
	json_field_known(json, "heap_goal", census->figures.goal);
	json_field_unsigned(json, "reached_bytes", census->reached.bytes);
	json_field_unsigned(json, "reached_objects", census->reached.objects);
	json_field_unsigned(json, "map_bytes", owned_bytes(census));
}

void census_json_begin(struct session *session, const struct census *census, const char *name)
{
	struct json *json = session->json;

	if (session->invocation->format != FORMAT_JSON)
		return;
	json_object_begin(json);
	json_field_name(json, "go", session->binary->go_version);
	json_figures(json, census);
	json_key(json, name);
	json_array_begin(json);
}

void census_json_next(struct session *session)
{
	if (session->invocation->format == FORMAT_NDJSON)
		json_end_line(session->json);
}

void census_json_end(struct session *session)
{
	if (session->invocation->format != FORMAT_JSON)
		return;
	json_array_end(session->json);
	session_json_end(session);
}

/* --- text ------------------------------------------------------------------------------------------------------------ */

char *census_type_text(const struct census_map *map)
{
	const struct heap_map *found = &map->found;

	if (found->type != NULL)
		return xstrdup(found->type->name);
	if (found->candidate_count == 0)
		return xstrdup("map of unknown type");
	if (found->candidate_count == 1)
		return xasprintf("perhaps %s", found->candidates[0]->name);
	if (found->candidate_count == 2)
		return xasprintf("%s or %s", found->candidates[0]->name, found->candidates[1]->name);
	return xasprintf("%s or one of %zu others", found->candidates[0]->name, found->candidate_count - 1);
}

char *census_bytes_text(uint64_t bytes)
{
	static const char *const units[] = { "KiB", "MiB", "GiB", "TiB" };
	double scaled = (double)bytes / 1024;
	size_t unit = 0;

	if (bytes < 1024)
		return xasprintf("%llu B", (unsigned long long)bytes);
	for (; scaled >= 1024 && unit < 3; unit++)
		scaled /= 1024;
	return xasprintf("%.1f %s", scaled, units[unit]);
}

double census_share(const struct census *census, uint64_t bytes)
{
	uint64_t whole = census->figures.live != UINT64_MAX && census->figures.live != 0 ? census->figures.live : census->reached.bytes;

	return whole ? 100.0 * (double)bytes / (double)whole : -1;
}

void census_text_head(struct session *session, const struct census *census)
{
	struct output *output = session->output;
	uint64_t bytes = owned_bytes(census), unsettled = 0, reached = 0;
	char *owned = census_bytes_text(bytes), *live = census_bytes_text(census->figures.live);
	char *goal = census_bytes_text(census->figures.goal);

	for (size_t i = 0; i < census->count; i++) {
		reached += census->items[i].found.reached;
		unsettled += census->items[i].found.reached && census->items[i].found.type == NULL;
	}
	output_format(output, "%llu maps own %s", (unsigned long long)reached, owned);
	if (census->figures.live != UINT64_MAX)
		output_format(output, ", %.1f %% of %s of heap", census_share(census, bytes), live);
	if (census->figures.goal != UINT64_MAX)
		output_format(output, " (collected at %s)", goal);
	if (unsettled != 0)
		output_format(output, "; the type of %llu is not settled", (unsigned long long)unsettled);
	output_char(output, '\n');
	free(owned);
	free(live);
	free(goal);
}
