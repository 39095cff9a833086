/*
 * All type descriptors that a module lists: moduledata.typelinks up to Go 1.26 (runtime/symtab.go). From 1.27 on they lie side by side behind
 * moduledata.types, and how long each is follows from its kind (moduleTypelinks() of runtime/type.go, Type.DescriptorSize() of internal/abi).
 * The same set either way: types without a name of their own; those that have one are behind them.
 */
#include "gotype/descriptor.h"
#include "util/limits.h"

/* internal/abi/type.go: UncommonType { pkgpath, mcount, xcount, moff, _ }, Method { name, mtyp, ifn, tfn }, Imethod { name, typ }. */
enum { UNCOMMON_METHODS_AT = 4, METHOD_SIZE = 16, IMETHOD_SIZE = 8 };

static enum descriptor_struct struct_of(enum go_kind kind)
{
	switch (kind) {
	case GO_ARRAY: return ARRAY;
	case GO_CHAN: return CHAN;
	case GO_FUNC: return FUNC;
	case GO_INTERFACE: return INTERFACE;
	case GO_MAP: return MAP;
	case GO_POINTER: return POINTER;
	case GO_SLICE: return SLICE;
	case GO_STRUCT: return STRUCT;
	default: return COMMON;
	}
}

/* Bytes behind the struct, without methods. */
static struct error *tail_size(const struct descriptor *descriptor, enum go_kind kind, uint64_t *out)
{
	unsigned word = descriptor->program->machine.word_size;
	uint64_t count = 0, more = 0;

	*out = 0;
	if (kind == GO_FUNC) {
		TRY(descriptor_word(descriptor, "InCount", "inCount", 0, &count));
		TRY(descriptor_word(descriptor, "OutCount", "outCount", 0, &more));
		*out = (count + (more & ~(uint64_t)DESCRIPTOR_VARIADIC)) * word;
	} else if (kind == GO_INTERFACE) {
		TRY(descriptor_word(descriptor, "Methods", "mhdr", 1, &count));
		*out = count * IMETHOD_SIZE;
	} else if (kind == GO_STRUCT) {
		TRY(descriptor_word(descriptor, "Fields", "fields", 1, &count));
		*out = count * 3 * word;
	}
	return count <= limit_of(LIMIT_FIELDS) ? NULL : limit_passed(LIMIT_FIELDS, "0x%llx: a type", (unsigned long long)descriptor->address.v);
}

static struct error *descriptor_size(struct program *program, taddr address, uint64_t *out)
{
	struct descriptor descriptor;
	uint64_t kind, flags, tail;
	uint8_t methods[2];

	TRY(descriptor_read(program, COMMON, address, &descriptor));
	TRY(descriptor_word(&descriptor, "Kind_", "kind", 0, &kind));
	TRY(descriptor_word(&descriptor, "TFlag", "tflag", 0, &flags));
	kind &= DESCRIPTOR_KIND_MASK;
	if (kind == GO_INVALID || kind > GO_UNSAFE_POINTER)
		return not_a_descriptor(address, "it is of no kind");
	TRY(descriptor_read(program, struct_of((enum go_kind)kind), address, &descriptor));
	TRY(tail_size(&descriptor, (enum go_kind)kind, &tail));
	*out = descriptor.layout->size + tail;
	if (!(flags & TFLAG_UNCOMMON))
		return NULL;
	TRY(target_read(program->memory, taddr_add(address, descriptor.layout->size + UNCOMMON_METHODS_AT), methods, sizeof(methods)));
	*out += DESCRIPTOR_UNCOMMON_SIZE + (uint64_t)METHOD_SIZE * load_u16(&program->machine, methods);
	return NULL;
}

static struct error *visit_side_by_side(struct program *program, const struct module *module, descriptor_visit *visit, void *context)
{
	unsigned word = program->machine.word_size;
	uint64_t size;

	for (uint64_t at = module->types + word; at < module->types + module->described; at = (at + size + word - 1) & ~(uint64_t)(word - 1)) {
		TRY(descriptor_size(program, taddr_of(at), &size));
		if (!visit(context, taddr_of(at)))
			break;
	}
	return NULL;
}

static struct error *visit_links(struct program *program, const struct module *module, descriptor_visit *visit, void *context)
{
	for (uint64_t i = 0; i < module->link_count; i++) {
		uint8_t offset[4];

		TRY(target_read(program->memory, taddr_of(module->links + 4 * i), offset, sizeof(offset)));
		if (!visit(context, taddr_of(module->types + load_u32(&program->machine, offset))))
			break;
	}
	return NULL;
}

struct error *descriptor_each_listed(struct program *program, const struct module *module, descriptor_visit *visit, void *context)
{
	return module->described ? visit_side_by_side(program, module, visit, context) : visit_links(program, module, visit, context);
}
