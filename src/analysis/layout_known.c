#include <stdio.h>
#include <stdlib.h>

#include "analysis/layout_set.h"
#include "layout/table.h"
#include "util/alloc.h"

static void add_structs(const struct go_version *version, enum map_implementation implementation,
			struct layout_set *set)
{
	for (const struct runtime_name *row = layout_runtime_structs; row->names[0] != NULL; row++) {
		for (size_t i = 0; i < ARRAY_SIZE(row->names) && row->names[i] != NULL; i++) {
			struct layout_struct layout;

			if (!layout_struct_goes_with(row->names[i], implementation) ||
			    !layout_struct_known(row->names[i], version, set->word_size, &layout))
				continue;
			layout_set_add_struct(set, &layout);
		}
	}
}

static void add_constants(const struct go_version *version, enum map_implementation implementation,
			  struct layout_set *set)
{
	uint64_t value;

	for (const char *const *name = layout_runtime_constants; *name != NULL; name++)
		if (layout_constant_known(*name, version, set->word_size, implementation, &value))
			layout_set_add_constant(set, *name, value);
}

struct error *layout_set_known(int minor, unsigned word_size, enum map_implementation implementation,
			       struct layout_set *out)
{
	const struct go_version *version;
	struct layout_set set = { .source = "table",
				  .word_size = word_size,
				  .architecture = word_size == 8 ? "amd64" : "386" };
	bool newer;
	char name[32];

	TRY(go_version_find(minor, &version, &newer));
	if (newer)
		return error_new(ERROR_TARGET, "Go 1.%d: not in the table, which ends with Go 1.%d", minor,
				 go_version_newest());
	if (!layout_implementation_known(version, implementation))
		return error_new(ERROR_TARGET, "Go 1.%d has no %s maps", minor,
				 map_implementation_name(implementation));
	snprintf(name, sizeof(name), "go1.%d", minor);
	set.go = layout_set_text(&set, name);
	set.implementation = map_implementation_name(implementation);
	add_structs(version, implementation, &set);
	add_constants(version, implementation, &set);
	*out = set;
	return NULL;
}

void layout_sets_known(struct layout_sets *out)
{
	static const unsigned word_sizes[] = { 8, 4 };
	static const enum map_implementation implementations[] = { MAP_CLASSIC, MAP_SWISS };
	int oldest = go_version_oldest(), newest = go_version_newest();
	size_t most = (size_t)(newest - oldest + 1) * ARRAY_SIZE(word_sizes) * ARRAY_SIZE(implementations);

	*out = (struct layout_sets){ .sets = xcalloc(most, sizeof(*out->sets)) };
	for (int minor = oldest; minor <= newest; minor++)
		for (size_t w = 0; w < ARRAY_SIZE(word_sizes); w++)
			for (size_t i = 0; i < ARRAY_SIZE(implementations); i++) {
				struct error *error = layout_set_known(minor, word_sizes[w], implementations[i],
								       &out->sets[out->count]);

				if (error == NULL)
					out->count++;
				error_free(error); /* that version has no such maps */
			}
}

void layout_sets_free(struct layout_sets *sets)
{
	for (size_t i = 0; i < sets->count; i++)
		layout_set_free(&sets->sets[i]);
	free(sets->sets);
}
