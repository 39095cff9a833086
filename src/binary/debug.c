#include "binary/debug.h"

#include <errno.h>

#include <dwarf.h>
#include <elfutils/libdwfl.h>
#include <fcntl.h>
#include <gelf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/alloc.h"
#include "util/table.h"

/* A unit of .debug_info, and whether its names are in the index. */
struct unit {
	Dwarf_Off die;
	const char *name; /* for Go the package's path; "" where it has none */
	bool go;
	bool indexed;
};

struct debug {
	Dwarf *dwarf;
	Dwfl *dwfl; /* owns `dwarf` where it comes from a separate file; else NULL */
	bool made;  /* nobody's compiler wrote it */
	struct table addresses; /* of its variables, by the hash of a name: those that were told */
	struct unit *units;
	size_t unit_count;
	size_t unit_capacity;
	/* From the hash of a name to the offset of its DIE. */
	struct table variables;
	struct table types;
	struct table constants;
};

/* FNV-1a, 64 bits. */
static uint64_t hash_of_name(const char *name)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	for (; *name != '\0'; name++)
		hash = (hash ^ (uint8_t)*name) * UINT64_C(0x100000001b3);
	return hash;
}

/* --- opening ----------------------------------------------------------------------------------------------- */

static bool is_debug_section(const char *name)
{
	return strncmp(name, ".debug_", 7) == 0 || strncmp(name, ".zdebug_", 8) == 0;
}

/* The sections that types and variables live in. The others (lines, locations, ranges, frames) are most of the bytes. */
static bool is_needed(const char *name)
{
	static const char *const needed[] = { "info", "abbrev", "str", "line_str", "str_offsets", "addr" };
	const char *kind = strchr(name, '_') + 1;

	for (size_t i = 0; i < ARRAY_SIZE(needed); i++)
		if (strcmp(kind, needed[i]) == 0)
			return true;
	return false;
}

/*
 * libdw decompresses every debug section when it opens a file, needed or not. Those that are not needed are marked as
 * having no bytes in our private copy of the section headers. Returns whether there is a .debug_info.
 */
static bool hide_sections(Elf *elf)
{
	bool info = false;
	size_t names;
	Elf_Scn *section = NULL;

	if (elf_getshdrstrndx(elf, &names) != 0)
		return false;
	while ((section = elf_nextscn(elf, section)) != NULL) {
		GElf_Shdr header;

		if (gelf_getshdr(section, &header) == NULL)
			continue;

		const char *name = elf_strptr(elf, names, header.sh_name);

		if (name == NULL || !is_debug_section(name) || header.sh_type == SHT_NOBITS)
			continue;
		if (is_needed(name)) {
			info |= strcmp(strchr(name, '_') + 1, "info") == 0;
			continue;
		}
		header.sh_type = SHT_NOBITS;
		gelf_update_shdr(section, &header);
	}
	return info;
}

static void add_unit(struct debug *debug, Dwarf_Die *die)
{
	const char *name = dwarf_diename(die);

	ARRAY_RESERVE(debug->units, debug->unit_count, debug->unit_capacity);
	debug->units[debug->unit_count++] = (struct unit){
		.die = dwarf_dieoffset(die),
		.name = name ? name : "",
		.go = dwarf_srclang(die) == DW_LANG_Go,
	};
}

/* libdw says of an allocation that failed what it says of damage; from that the rest can still be read. Before its calls errno is 0. */
static void check_memory(void)
{
	if (errno == ENOMEM)
		alloc_failed();
}

static void list_units(struct debug *debug)
{
	Dwarf_CU *unit = NULL;
	Dwarf_Die die;

	errno = 0;
	while (dwarf_get_units(debug->dwarf, unit, &unit, NULL, NULL, &die, NULL) == 0)
		if (dwarf_tag(&die) == DW_TAG_compile_unit)
			add_unit(debug, &die);
	check_memory();
}

/* A name for the executable under which libdwfl finds its neighbours; /proc/self/fd where there is none. */
static char *lookup_path(const struct binary *binary, const char *directory_hint)
{
	const char *candidates[] = { binary->path, directory_hint };
	struct stat own, other;

	if (fstat(binary->fd, &own) == 0)
		for (size_t i = 0; i < ARRAY_SIZE(candidates); i++)
			if (candidates[i] != NULL && stat(candidates[i], &other) == 0 && own.st_dev == other.st_dev &&
			    own.st_ino == other.st_ino)
				return realpath(candidates[i], NULL);
	return xasprintf("/proc/self/fd/%d", binary->fd);
}

/* libdwfl's own search: .gnu_debuglink, build ID folders, debuginfod. */
static Dwarf *find_separate(const struct binary *binary, const char *directory_hint, Dwfl **dwfl)
{
	static char *search_path; /* NULL: libdwfl's default */
	static const Dwfl_Callbacks callbacks = {
		.find_elf = dwfl_build_id_find_elf,
		.find_debuginfo = dwfl_standard_find_debuginfo,
		.section_address = dwfl_offline_section_address,
		.debuginfo_path = &search_path,
	};
	char *path = lookup_path(binary, directory_hint);
	Dwarf_Addr bias;
	Dwarf *dwarf = NULL;

	*dwfl = dwfl_begin(&callbacks);
	if (*dwfl != NULL && path != NULL) {
		dwfl_report_begin(*dwfl);

		Dwfl_Module *module = dwfl_report_offline(*dwfl, path, path, -1);

		dwfl_report_end(*dwfl, NULL, NULL);
		if (module != NULL)
			dwarf = dwfl_module_getdwarf(module, &bias);
	}
	if (dwarf == NULL) {
		dwfl_end(*dwfl);
		*dwfl = NULL;
	}
	free(path);
	return dwarf;
}

static struct error *no_dwarf(const struct binary *binary)
{
	char *id = binary_build_id(binary);
	struct error *error = error_new(ERROR_TARGET, "%s: no DWARF: the program was stripped, or built with -ldflags=-s or -w",
					binary->path);

	if (strcmp(binary->format, "ELF") != 0)
		error = error_hint(error, "build it without -s and -w; separate debug files of %s are not looked for", binary->format);
	error = error_hint(error, "build it without -s and -w, or put its debug file where .gnu_debuglink or the build ID "
				  "leads, or set DEBUGINFOD_URLS (%s)", id);
	free(id);
	return error;
}

/* "Go cmd/compile go1.23.12; regabi" of the first Go unit; NULL where none says (Go 1.8). */
static const char *find_producer(struct debug *debug)
{
	for (size_t i = 0; i < debug->unit_count; i++) {
		Dwarf_Die die;
		Dwarf_Attribute attribute;

		if (!debug->units[i].go || dwarf_offdie(debug->dwarf, debug->units[i].die, &die) == NULL)
			continue;
		if (dwarf_attr(&die, DW_AT_producer, &attribute) != NULL)
			return dwarf_formstring(&attribute);
	}
	return NULL;
}

struct error *debug_open(struct binary *binary, const char *directory_hint)
{
	if (binary->debug != NULL)
		return NULL;

	struct debug *debug = xcalloc(1, sizeof(*debug));

	if (hide_sections(binary->elf)) {
		debug->dwarf = dwarf_begin_elf(binary->elf, DWARF_C_READ, NULL);
		if (debug->dwarf == NULL) {
			struct error *error = error_new(ERROR_TARGET, "%s: its DWARF cannot be read: %s", binary->path,
							dwarf_errmsg(-1));

			free(debug);
			return error;
		}
	} else {
		debug->dwarf = find_separate(binary, directory_hint, &debug->dwfl);
		if (debug->dwarf == NULL) {
			free(debug);
			binary->stripped = true;
			return no_dwarf(binary);
		}
	}
	dwarf_new_oom_handler(debug->dwarf, alloc_failed); /* its own ends the program with status 1 */
	list_units(debug);
	binary->debug = debug;

	const char *producer = find_producer(debug);

	if (binary->go_version == NULL && producer != NULL) {
		const char *version = strstr(producer, "go1.");

		if (version != NULL)
			binary_set_go_version(binary, version, strcspn(version, ";"));
	}
	return NULL;
}

struct error *debug_open_made(struct binary *binary, int fd)
{
	Dwarf *dwarf = dwarf_begin(fd, DWARF_C_READ);

	if (dwarf == NULL)
		return error_new(ERROR_TARGET, "%s: the DWARF made for it cannot be read: %s", binary->path, dwarf_errmsg(-1));
	binary->debug = xcalloc(1, sizeof(*binary->debug));
	binary->debug->dwarf = dwarf;
	binary->debug->made = true;
	list_units(binary->debug);
	return NULL;
}

bool debug_is_made(const struct debug *debug)
{
	return debug->made;
}

void debug_destroy(struct debug *debug)
{
	if (debug == NULL)
		return;
	if (debug->dwfl != NULL)
		dwfl_end(debug->dwfl);
	else
		dwarf_end(debug->dwarf);
	table_free(&debug->variables);
	table_free(&debug->types);
	table_free(&debug->constants);
	table_free(&debug->addresses);
	free(debug->units);
	free(debug);
}

struct error *debug_open_all(const struct binary *binary, Dwarf **dwarf, Elf **elf)
{
	if (binary->debug->dwfl != NULL || binary->debug->made) { /* a separate file: libdwfl has opened all of it */
		*dwarf = binary->debug->dwarf;
		*elf = NULL;
		return NULL;
	}
	*elf = elf_begin(binary->fd, ELF_C_READ_MMAP_PRIVATE, NULL);
	*dwarf = *elf ? dwarf_begin_elf(*elf, DWARF_C_READ, NULL) : NULL;
	if (*dwarf == NULL) {
		elf_end(*elf);
		return error_new(ERROR_TARGET, "%s: its DWARF cannot be read: %s", binary->path, dwarf_errmsg(-1));
	}
	dwarf_new_oom_handler(*dwarf, alloc_failed);
	return NULL;
}

void debug_close_all(Dwarf *dwarf, Elf *elf)
{
	if (elf == NULL)
		return;
	dwarf_end(dwarf);
	elf_end(elf);
}

/* --- DIEs and attributes ----------------------------------------------------------------------------------- */

bool debug_die(struct debug *debug, uint64_t offset, Dwarf_Die *out)
{
	return dwarf_offdie(debug->dwarf, offset, out) != NULL;
}

bool debug_number(Dwarf_Die *die, unsigned attribute, uint64_t *out)
{
	Dwarf_Attribute found;
	Dwarf_Word value;
	Dwarf_Addr address;

	if (dwarf_attr(die, attribute, &found) == NULL)
		return false;
	if (dwarf_whatform(&found) == DW_FORM_addr) { /* DW_AT_go_runtime_type: an offset in the form of an address */
		if (dwarf_formaddr(&found, &address) != 0)
			return false;
		*out = address;
		return true;
	}
	if (dwarf_formudata(&found, &value) != 0)
		return false;
	*out = value;
	return true;
}

bool debug_reference(Dwarf_Die *die, unsigned attribute, uint64_t *out)
{
	Dwarf_Attribute found;
	Dwarf_Die target;

	if (dwarf_attr(die, attribute, &found) == NULL || dwarf_formref_die(&found, &target) == NULL)
		return false;
	*out = dwarf_dieoffset(&target);
	return true;
}

bool debug_member_offset(Dwarf_Die *member, uint64_t *out)
{
	Dwarf_Attribute attribute;
	Dwarf_Block block;

	if (dwarf_attr(member, DW_AT_data_member_location, &attribute) == NULL)
		return false;
	if (dwarf_formblock(&attribute, &block) != 0)
		return debug_number(member, DW_AT_data_member_location, out);
	/* Go <= 1.9: DW_OP_plus_uconst N */
	if (block.length < 2 || block.data[0] != DW_OP_plus_uconst)
		return false;

	uint64_t value = 0;

	for (size_t i = 1; i < block.length && i <= 9; i++) {
		value |= (uint64_t)(block.data[i] & 0x7f) << (7 * (i - 1));
		if (!(block.data[i] & 0x80)) {
			*out = value;
			return true;
		}
	}
	return false;
}

/* Go writes globals as one DW_OP_addr in a block, in DWARF 5 too. */
static bool variable_address(Dwarf_Die *die, uint64_t *out)
{
	Dwarf_Attribute attribute;
	Dwarf_Block block;
	struct machine machine;

	if (dwarf_attr(die, DW_AT_location, &attribute) == NULL || dwarf_formblock(&attribute, &block) != 0 ||
	    (block.length != 5 && block.length != 9) || block.data[0] != DW_OP_addr)
		return false;

	Elf *elf = dwarf_getelf(dwarf_cu_getdwarf(die->cu));
	const char *ident = elf_getident(elf, NULL);

	machine.big_endian = ident != NULL && ident[EI_DATA] == ELFDATA2MSB;
	machine.word_size = (uint8_t)(block.length - 1);
	*out = load_word(&machine, block.data + 1);
	return true;
}

static bool told_address(const struct debug *debug, const char *name, uint64_t *out)
{
	const uint64_t *told = table_get(&debug->addresses, hash_of_name(name));

	if (told != NULL)
		*out = *told;
	return told != NULL;
}

static bool read_variable(const struct debug *debug, Dwarf_Die *die, struct debug_variable *out)
{
	out->name = dwarf_diename(die);
	return out->name != NULL &&
	       (debug->made ? told_address(debug, out->name, &out->address) : variable_address(die, &out->address)) &&
	       debug_reference(die, DW_AT_type, &out->type);
}

/* --- the index of names ------------------------------------------------------------------------------------ */

static bool is_type(int tag)
{
	switch (tag) {
	case DW_TAG_array_type:
	case DW_TAG_base_type:
	case DW_TAG_pointer_type:
	case DW_TAG_structure_type:
	case DW_TAG_subroutine_type:
	case DW_TAG_typedef:
	case DW_TAG_unspecified_type:
		return true;
	default:
		return false;
	}
}

/* Calls `visit` with the named children of a unit's DIE; stops where it returns false. */
static bool each_child(struct debug *debug, const struct unit *unit,
		       bool (*visit)(void *context, Dwarf_Die *die, int tag, const char *name), void *context)
{
	Dwarf_Die parent, die;

	if (dwarf_offdie(debug->dwarf, unit->die, &parent) == NULL || dwarf_child(&parent, &die) != 0)
		return true;
	do {
		int tag = dwarf_tag(&die);

		if (tag == DW_TAG_subprogram)
			continue; /* most DIEs; its name is not wanted */

		const char *name = dwarf_diename(&die);

		if (name != NULL && !visit(context, &die, tag, name))
			return false;
	} while (dwarf_siblingof(&die, &die) == 0);
	return true;
}

static bool index_child(void *context, Dwarf_Die *die, int tag, const char *name)
{
	struct debug *debug = context;
	struct table *table = tag == DW_TAG_variable ? &debug->variables
			      : tag == DW_TAG_constant ? &debug->constants
			      : is_type(tag)	      ? &debug->types
						      : NULL;

	if (table != NULL && !(debug->made && dwarf_hasattr(die, DW_AT_declaration)))
		table_put(table, hash_of_name(name), dwarf_dieoffset(die));
	return true;
}

static void index_unit(struct debug *debug, struct unit *unit)
{
	errno = 0;
	if (!unit->indexed && unit->go)
		each_child(debug, unit, index_child, debug);
	check_memory();
	unit->indexed = true;
}

static bool look_up(struct debug *debug, const struct table *table, const char *name, Dwarf_Die *out)
{
	const uint64_t *offset = table_get(table, hash_of_name(name));

	if (offset == NULL || dwarf_offdie(debug->dwarf, *offset, out) == NULL)
		return false;

	const char *own = dwarf_diename(out);

	return own != NULL && strcmp(own, name) == 0;
}

/* Looks in the units named `likely` first, then in all others. */
static bool find(struct debug *debug, const struct table *table, const char *name, const char *likely, Dwarf_Die *out)
{
	for (size_t i = 0; i < debug->unit_count; i++)
		if (strcmp(debug->units[i].name, likely) == 0)
			index_unit(debug, &debug->units[i]);
	if (look_up(debug, table, name, out))
		return true;
	for (size_t i = 0; i < debug->unit_count; i++) {
		if (debug->units[i].indexed)
			continue;
		index_unit(debug, &debug->units[i]);
		if (look_up(debug, table, name, out))
			return true;
	}
	return false;
}

/* "net/http.DefaultServeMux": the package ends at the first dot behind the last slash. The caller frees it. */
static char *package_of(const char *name)
{
	const char *slash = strrchr(name, '/');
	const char *dot = strchr(slash ? slash : name, '.');

	return xstrndup(name, dot ? (size_t)(dot - name) : strlen(name));
}

bool debug_find_variable(struct debug *debug, const char *name, struct debug_variable *out)
{
	char *package = package_of(name);
	Dwarf_Die die;
	bool found = find(debug, &debug->variables, name, package, &die) && read_variable(debug, &die, out);

	free(package);
	return found;
}

bool debug_set_variable(struct debug *debug, const char *name, uint64_t address)
{
	Dwarf_Die die;
	uint64_t key = hash_of_name(name), *known;

	if (!debug->made || !find(debug, &debug->variables, name, "runtime", &die))
		return false;
	known = table_get(&debug->addresses, key);
	if (known != NULL)
		*known = address;
	else
		table_put(&debug->addresses, key, address);
	return true;
}

bool debug_find_type(struct debug *debug, const char *name, uint64_t *die)
{
	Dwarf_Die found;

	/* Go's linker writes all types into the unit of package runtime. */
	if (!find(debug, &debug->types, name, "runtime", &found))
		return false;
	*die = dwarf_dieoffset(&found);
	return true;
}

bool debug_find_constant(struct debug *debug, const char *name, uint64_t *out)
{
	char *package = package_of(name);
	Dwarf_Die die;
	bool found = find(debug, &debug->constants, name, package, &die) && debug_number(&die, DW_AT_const_value, out);

	free(package);
	return found;
}

/* --- visiting all ------------------------------------------------------------------------------------------ */

struct variable_visit {
	const struct debug *debug;
	bool (*visit)(void *context, const struct debug_variable *);
	void *context;
};

static bool visit_variable(void *context, Dwarf_Die *die, int tag, const char *name)
{
	const struct variable_visit *visit = context;
	struct debug_variable variable;

	if (tag != DW_TAG_variable || !read_variable(visit->debug, die, &variable))
		return true;
	return visit->visit(visit->context, &variable);
}

void debug_each_variable(struct debug *debug, bool (*visit)(void *context, const struct debug_variable *), void *context)
{
	struct variable_visit both = { debug, visit, context };

	for (size_t i = 0; i < debug->unit_count; i++)
		if (debug->units[i].go && !each_child(debug, &debug->units[i], visit_variable, &both))
			return;
}

struct type_visit {
	bool (*visit)(void *context, const char *name, uint64_t die);
	void *context;
};

static bool visit_type(void *context, Dwarf_Die *die, int tag, const char *name)
{
	const struct type_visit *visit = context;

	return !is_type(tag) || visit->visit(visit->context, name, dwarf_dieoffset(die));
}

void debug_each_type(struct debug *debug, bool (*visit)(void *context, const char *name, uint64_t die), void *context)
{
	struct type_visit both = { visit, context };

	for (size_t i = 0; i < debug->unit_count; i++)
		if (debug->units[i].go && !each_child(debug, &debug->units[i], visit_type, &both))
			return;
}
