#include "window.h"

#include <dwarf.h>
#include <fcntl.h>
#include <link.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "files.h"

enum {
	PARTS = 64,
	PART_SIZE = 256 << 10, /* bytes; GDB copies a part to its stack, and looks for Ctrl-C between two of them */
};

/* Our own ELF header, which the linker names: what GDB's host is. */
extern const ElfW(Ehdr) __ehdr_start __attribute__((visibility("hidden")));

/* Where what changes lies in the file. */
static struct {
	bool made;
	bool filled;
	unsigned long name;
	uint32_t turn;
	off_t turn_at;
	off_t parts[PARTS];
} window;

/* --- the file -------------------------------------------------------------------------------------------------------- */

enum { SECTION_NONE, SECTION_ABBREVIATIONS, SECTION_INFO, SECTION_NAMES, SECTIONS };

static const char section_names[] = "\0.debug_abbrev\0.debug_info\0.shstrtab";
static const size_t section_name_at[SECTIONS] = { 0, 1, 15, 27 };

enum { ENTRY_UNIT = 1, ENTRY_TYPE, ENTRY_ARRAY, ENTRY_RANGE, ENTRY_CONSTANT };

static const uint8_t abbreviations[] = {
	ENTRY_UNIT, DW_TAG_compile_unit, DW_CHILDREN_yes,
	DW_AT_language, DW_FORM_data1, DW_AT_name, DW_FORM_string, 0, 0,
	ENTRY_TYPE, DW_TAG_base_type, DW_CHILDREN_no,
	DW_AT_name, DW_FORM_string, DW_AT_encoding, DW_FORM_data1, DW_AT_byte_size, DW_FORM_data1, 0, 0,
	ENTRY_ARRAY, DW_TAG_array_type, DW_CHILDREN_yes,
	DW_AT_type, DW_FORM_ref4, 0, 0,
	ENTRY_RANGE, DW_TAG_subrange_type, DW_CHILDREN_no,
	DW_AT_upper_bound, DW_FORM_data4, 0, 0,
	ENTRY_CONSTANT, DW_TAG_variable, DW_CHILDREN_no,
	DW_AT_name, DW_FORM_string, DW_AT_type, DW_FORM_ref4, DW_AT_external, DW_FORM_flag_present,
	DW_AT_const_value, DW_FORM_block4, 0, 0,
	0,
};

static void put_word(FILE *file, uint32_t word)
{
	fwrite(&word, sizeof(word), 1, file);
}

static void put_string(FILE *file, const char *text)
{
	fwrite(text, strlen(text) + 1, 1, file);
}

static void put_type(FILE *file, const char *name, uint8_t encoding, uint8_t size)
{
	putc(ENTRY_TYPE, file);
	put_string(file, name);
	putc(encoding, file);
	putc(size, file);
}

/* A constant, but for its bytes, which are from the position returned on. Until they are written, they take no memory. */
static off_t put_constant(FILE *file, const char *what, uint32_t type, uint32_t size)
{
	putc(ENTRY_CONSTANT, file);
	fprintf(file, "_mapscope_%lx_%s%c", window.name, what, 0);
	put_word(file, type);
	put_word(file, size);

	off_t at = ftello(file);

	fseeko(file, size, SEEK_CUR);
	return at;
}

/* All that stands behind the unit's header, which begins at `start`. */
static void put_entries(FILE *file, off_t start)
{
	putc(ENTRY_UNIT, file);
	putc(DW_LANG_C99, file);
	put_string(file, "mapscope");

	uint32_t byte = (uint32_t)(ftello(file) - start);

	put_type(file, "_mapscope_byte", DW_ATE_unsigned_char, 1);

	uint32_t number = (uint32_t)(ftello(file) - start);

	put_type(file, "_mapscope_number", DW_ATE_unsigned, sizeof(window.turn));

	uint32_t array = (uint32_t)(ftello(file) - start);

	putc(ENTRY_ARRAY, file);
	put_word(file, byte);
	putc(ENTRY_RANGE, file);
	put_word(file, PART_SIZE - 1);
	putc(0, file); /* the array's children end */
	window.turn_at = put_constant(file, "turn", number, sizeof(window.turn));
	for (unsigned i = 0; i < PARTS; i++) {
		char what[16];

		snprintf(what, sizeof(what), "%u", i);
		window.parts[i] = put_constant(file, what, array, PART_SIZE);
	}
	putc(0, file); /* the unit's */
}

/* Returns where the section ends. */
static off_t put_information(FILE *file, off_t start)
{
	static const uint16_t version = 4;

	put_word(file, 0); /* its length, once that is known */
	fwrite(&version, sizeof(version), 1, file);
	put_word(file, 0); /* the abbreviations' offset */
	putc(sizeof(void *), file);
	put_entries(file, start);

	off_t end = ftello(file);

	fseeko(file, start, SEEK_SET);
	put_word(file, (uint32_t)(end - start - (off_t)sizeof(uint32_t)));
	return end;
}

static void set_section(ElfW(Shdr) *section, unsigned name, uint32_t type, off_t start, off_t end)
{
	section->sh_name = (uint32_t)section_name_at[name];
	section->sh_type = type;
	section->sh_offset = (size_t)start;
	section->sh_size = (size_t)(end - start);
	section->sh_addralign = 1;
}

static void put_file(FILE *file)
{
	ElfW(Ehdr) header = __ehdr_start;
	ElfW(Shdr) sections[SECTIONS] = { 0 };
	off_t names = (off_t)(sizeof(header) + sizeof(sections));
	off_t abbreviations_at = names + (off_t)sizeof(section_names);
	off_t information = abbreviations_at + (off_t)sizeof(abbreviations);

	header.e_type = ET_EXEC;
	header.e_entry = header.e_phoff = header.e_phnum = header.e_phentsize = 0;
	header.e_shoff = sizeof(header);
	header.e_shentsize = sizeof(sections[0]);
	header.e_shnum = SECTIONS;
	header.e_shstrndx = SECTION_NAMES;
	fseeko(file, information, SEEK_SET);
	set_section(&sections[SECTION_INFO], SECTION_INFO, SHT_PROGBITS, information, put_information(file, information));
	set_section(&sections[SECTION_NAMES], SECTION_NAMES, SHT_STRTAB, names, abbreviations_at);
	set_section(&sections[SECTION_ABBREVIATIONS], SECTION_ABBREVIATIONS, SHT_PROGBITS, abbreviations_at, information);
	fseeko(file, 0, SEEK_SET);
	fwrite(&header, sizeof(header), 1, file);
	fwrite(sections, sizeof(sections), 1, file);
	fwrite(section_names, sizeof(section_names), 1, file);
	fwrite(abbreviations, sizeof(abbreviations), 1, file);
}

/* GDB reads a symbol file again, when a program is started, if its time has changed: it must not seem to. */
static void keep_time(void)
{
	static const struct timespec times[2] = { { .tv_sec = 1 }, { .tv_sec = 1 } };

	futimens(PLUGIN_WINDOW, times);
}

static bool make(void)
{
	int fd = fcntl(PLUGIN_WINDOW, F_DUPFD_CLOEXEC, ABOVE_OURS);
	FILE *file = fd >= 0 ? fdopen(fd, "w") : NULL;
	struct timespec now;

	if (file == NULL)
		return false;
	clock_gettime(CLOCK_MONOTONIC, &now);
	/* none that GDB has of a reader before us */
	window.name = (unsigned long)now.tv_sec << 30 | (unsigned long)now.tv_nsec;
	put_file(file);

	bool failed = ferror(file);

	return fclose(file) == 0 && !failed;
}

/* --- its bytes ------------------------------------------------------------------------------------------------------- */

static bool put(off_t at, const void *bytes, size_t length)
{
	return pwrite(PLUGIN_WINDOW, bytes, length, at) == (ssize_t)length;
}

/* Returns how much of the text there is in the window; of `parts`, so many. */
static size_t put_text(const uint8_t *text, size_t length, unsigned *parts)
{
	size_t done = 0;

	for (*parts = 0; *parts < PARTS && done < length; ++*parts) {
		size_t size = length - done < PART_SIZE ? length - done : PART_SIZE;

		if (!put(window.parts[*parts], text + done, size) ||
		    (size < PART_SIZE && !put(window.parts[*parts] + (off_t)size, "", 1)))
			break;
		done += size;
	}
	return done;
}

struct window_view window_show(const uint8_t *text, size_t length)
{
	struct window_view view = { 0 };

	window.made = window.made || make();
	if (!window.made)
		return view;
	view.name = window.name;
	view.turn = ++window.turn;
	window.filled = true;
	if (put(window.turn_at, &view.turn, sizeof(view.turn)))
		view.length = put_text(text, length, &view.parts);
	keep_time();
	return view;
}

void window_clear(void)
{
	if (!window.filled)
		return;
	for (unsigned i = 0; i < PARTS; i++)
		fallocate(PLUGIN_WINDOW, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, window.parts[i], PART_SIZE);
	keep_time();
	window.filled = false;
}

void window_forget(void)
{
	window.made = window.filled = false;
}
