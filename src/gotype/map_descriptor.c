#include "gotype/map_descriptor.h"

#include <string.h>

#include "gotype/descriptor.h"

struct error *map_descriptor_read(struct program *program, taddr address, struct map_descriptor *out)
{
	struct descriptor descriptor;

	TRY(descriptor_read(program, MAP, address, &descriptor));
	*out = (struct map_descriptor){ .name = descriptor.layout->name, .address = address };
	for (size_t i = 0; i < descriptor.layout->field_count; i++) {
		const struct layout_field *field = &descriptor.layout->fields[i];
		struct field_at at;
		struct error *error = layout_field_at(descriptor.layout, field->name, false, &at);

		if (error != NULL) { /* the common part, which is a struct */
			error_free(error);
			continue;
		}
		if (out->field_count == MAP_DESCRIPTOR_FIELDS)
			return error_new(ERROR_TARGET, "struct %s: more than %d fields are not those of a map type", out->name,
					 MAP_DESCRIPTOR_FIELDS);
		out->fields[out->field_count++] = (struct map_descriptor_field){
			.name = field->name,
			.address = taddr_add(address, at.offset),
			.size = at.size,
			.value = load_uint(&program->machine, descriptor.bytes + at.offset, at.size),
		};
	}
	return NULL;
}

const struct map_descriptor_field *map_descriptor_find(const struct map_descriptor *descriptor, const char *const *names)
{
	for (; *names != NULL; names++)
		for (size_t i = 0; i < descriptor->field_count; i++)
			if (strcmp(descriptor->fields[i].name, *names) == 0)
				return &descriptor->fields[i];
	return NULL;
}

struct error *map_descriptor_size_at(struct program *program, taddr address, uint64_t *out)
{
	struct descriptor common;

	TRY(descriptor_read(program, COMMON, address, &common));
	return descriptor_word(&common, "Size_", "size", 0, out);
}
