#include <stdlib.h>

#include "analysis/expression.h"
#include "analysis/who.h"
#include "command/census.h"
#include "gotype/sync.h"
#include "map/map.h"

static const char *const kinds[] = { "variable", "local", "object", "word" };

/* --- JSON ------------------------------------------------------------------------------------------------------------ */

static void json_path(struct json *json, const struct owner_path *path)
{
	json_field_name(json, "path", path->text);
	json_field_unsigned(json, "pointers", path->hops);
	json_field_bool(json, "is_map", path->is_map_form);
}

static void json_holder(struct json *json, const struct who_holder *holder)
{
	json_object_begin(json);
	json_field_name(json, "kind", kinds[holder->kind]);
	json_path(json, &holder->path);
	json_field_address(json, "from", holder->from);
	json_object_end(json);
}

static void json_array(struct json *json, const struct who_array *array)
{
	json_object_begin(json);
	json_field_address(json, "array", array->address);
	json_key(json, "slices");
	json_array_begin(json);
	for (size_t i = 0; i < array->count; i++)
		json_name(json, array->slices[i].text);
	json_array_end(json);
	json_object_end(json);
}

static void print_json(struct session *session, const struct session_head *head, const struct who *who)
{
	struct json *json = session->json;

	json_object_begin(json);
	session_json_head_of(session, head);
	json_field_bool(json, "live", who->shortest.text != NULL || who->count != 0);
	if (who->shortest.text != NULL)
		json_field_name(json, "shortest", who->shortest.text);
	json_key(json, "holders");
	json_array_begin(json);
	for (size_t i = 0; i < who->count; i++)
		json_holder(json, &who->holders[i]);
	json_array_end(json);
	json_field_unsigned(json, "left_out", who->left_out);
	json_key(json, "shared_arrays");
	json_array_begin(json);
	for (size_t i = 0; i < who->array_count; i++)
		json_array(json, &who->arrays[i]);
	json_array_end(json);
	session_json_end(session);
}

/* --- text ------------------------------------------------------------------------------------------------------------ */

static void print_holders(struct session *session, const struct who *who)
{
	static const char *const words[] = { "is the map", "is the map", "holds it", "a word without a variable" };

	for (size_t i = 0; i < who->count; i++) {
		const struct who_holder *holder = &who->holders[i];

		output_text(session->output, "  ");
		text_plain(session->output, holder->path.text);
		text_begin(&session->text, TEXT_DIM);
		output_format(session->output, "  %s", words[holder->kind]);
		if (holder->path.hops > 1)
			output_format(session->output, ", %u pointers from its root", holder->path.hops);
		text_end(&session->text, TEXT_DIM);
		output_char(session->output, '\n');
	}
	if (who->left_out != 0)
		output_format(session->output, "  and %llu more\n", (unsigned long long)who->left_out);
}

static void print_arrays(struct session *session, const struct who *who)
{
	for (size_t i = 0; i < who->array_count; i++) {
		output_format(session->output, "on the way the array at 0x%llx, which is shared by the slices\n",
			      (unsigned long long)who->arrays[i].address.v);
		for (size_t k = 0; k < who->arrays[i].count; k++) {
			output_text(session->output, "  ");
			text_plain(session->output, who->arrays[i].slices[k].text);
			output_char(session->output, '\n');
		}
	}
}

static void print_text(struct session *session, const struct session_head *head, const struct who *who)
{
	session_text_head_of(session, head);
	if (who->shortest.text != NULL && who->in_object) {
		output_text(session->output, "  ");
		text_plain(session->output, who->shortest.text);
		output_text(session->output, who->count ? "  is the map; to what it is a part of lead\n" : "  is the map\n");
	} else if (who->count == 0) {
		output_text(session->output, "  nothing that is alive leads to it\n");
	}
	print_holders(session, who);
	print_arrays(session, who);
}

/* What the MAP is now, and how large it is where it lies. */
static struct error *find(struct session *session, const struct census *census, struct session_head *head, uint64_t *size)
{
	const struct sync_layout *layout;
	struct gotype *type;
	struct go_map map;
	taddr address;

	if (expression_is_address(session->map_name, &address))
		TRY(census_find_type(session, census, address, &type));
	else
		TRY(session_find_any_map(session, &type, &address));
	if (gotype_is_sync(type)) {
		const struct census_map *found = census_find(census, address);

		TRY(gotype_sync_layout(type, &layout));
		*head = (struct session_head){ type->name, "sync", address, found ? found->found.length : 0 };
		*size = layout->size;
		return NULL;
	}
	TRY(map_open(type, address, &map));
	if (address.v == 0)
		return error_new(ERROR_TARGET, "%s: a nil map: there is nothing to hold", session->map_name);
	*head = (struct session_head){ type->name, map_implementation_name(map.layout->implementation), address, map.length };
	*size = map.layout->header_size;
	return NULL;
}

static struct error *look(struct session *session, struct census *census)
{
	struct session_head head;
	struct who who;
	uint64_t size = 0;

	TRY(find(session, census, &head, &size));

	struct error *error = who_holds(census, head.address, size, &who);

	session_resume(session);
	if (error == NULL) {
		census_report(session, census);
		if (session->json != NULL)
			print_json(session, &head, &who);
		else
			print_text(session, &head, &who);
	}
	who_free(&who);
	return error;
}

static struct error *run(struct session *session)
{
	struct gotype *type;
	struct census census;
	taddr header;

	/* a name that does not exist is told before the heap is walked; an address alone is found by that walk */
	if (!expression_is_address(session->map_name, &header))
		TRY(session_find_any_map(session, &type, &header));

	struct error *error = census_of_session(session, false, &census);

	if (error == NULL)
		error = look(session, &census);
	session_resume(session);
	census_free(&census);
	return error;
}

const struct command command_who = {
	.name = "who",
	.summary = "Show who keeps a map alive",
	.arguments = "MAP",
	.arguments_least = 1,
	.arguments_most = 1,
	.target = TARGET_MEMORY,
	.options = OPTIONS_MEMORY | OPTIONS_PROGRAM,
	.description = "Every pointer to the map is found in variables, stacks and reached objects, each with a shortest way to it, and those "
		       "in variables named: they are the same map, as Go passes maps by the address of their header. Where a slice is on the "
		       "way, other slices of the same array are named too.",
	.run = run,
};
