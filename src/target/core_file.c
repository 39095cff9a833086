#include "target/core_file.h"

#include <elf.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "util/alloc.h"

/* More than any kernel makes: vm.max_map_count is 65530 by default, a few millions where somebody raised it. */
#define SEGMENTS_MAX ((uint64_t)1 << 22)
/* Pids are below this (PID_MAX_LIMIT of linux/threads.h). */
#define THREADS_MAX ((size_t)1 << 22)

/* A member of one of ELF's structs, in the class and byte order of the core. */
#define FIELD(machine, base, type, member)                                                        \
	((machine)->word_size == 8                                                                \
		 ? load_uint((machine), (base) + offsetof(Elf64_##type, member), sizeof(((Elf64_##type *)0)->member)) \
		 : load_uint((machine), (base) + offsetof(Elf32_##type, member), sizeof(((Elf32_##type *)0)->member)))
#define SIZE_OF(machine, type) ((machine)->word_size == 8 ? sizeof(Elf64_##type) : sizeof(Elf32_##type))

static uint64_t smaller(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t add_saturated(uint64_t a, uint64_t b)
{
	return a + b < a ? UINT64_MAX : a + b;
}

/* Whether the file holds all of these bytes. */
static bool file_holds(const struct core_file *core, uint64_t offset, uint64_t length)
{
	return offset <= core->size && length <= core->size - offset;
}

/* Remembers that the file should reach up to there. */
static void claim(struct core_file *core, uint64_t offset, uint64_t length)
{
	uint64_t end = add_saturated(offset, length);

	if (length != 0 && end > core->size && end > core->full_size)
		core->full_size = end;
}

static struct error *wrong_magic(const struct core_file *core)
{
	static const struct {
		const char *magic, *what;
	} packed[] = {
		{ "\x1f\x8b", "gzip" }, { "\x28\xb5\x2f\xfd", "zstd" }, { "\x04\x22\x4d\x18", "lz4" }, { "\xfd" "7zXZ", "xz" },
	};
	struct error *error = error_new(ERROR_TARGET, "not a core file: it is not ELF");

	for (size_t i = 0; i < ARRAY_SIZE(packed); i++) {
		size_t length = strlen(packed[i].magic);

		if (core->size >= length && memcmp(core->bytes, packed[i].magic, length) == 0)
			return error_hint(error, "it is compressed: unpack it with %s -d, or take it with "
						 "`coredumpctl dump -o FILE`", packed[i].what);
	}
	return error;
}

static struct error *wrong_type(uint64_t type)
{
	if (type == ET_EXEC || type == ET_DYN)
		return error_hint(error_new(ERROR_TARGET, "not a core file: it is an executable or a library"),
				  "name an executable with -e");
	return error_new(ERROR_TARGET, "not a core file: ELF type %" PRIu64, type);
}

static struct error *parse_ident(struct core_file *core)
{
	const uint8_t *ident = core->bytes;

	if (core->size == 0)
		return error_new(ERROR_TARGET, "not a core file: it is empty");
	if (core->size < SELFMAG || memcmp(ident, ELFMAG, SELFMAG) != 0)
		return wrong_magic(core);
	if (core->size < sizeof(Elf32_Ehdr))
		return error_new(ERROR_TARGET, "not a core file: it ends within the ELF header");
	if (ident[EI_CLASS] != ELFCLASS32 && ident[EI_CLASS] != ELFCLASS64)
		return error_new(ERROR_TARGET, "not a core file: ELF class %u is unknown", ident[EI_CLASS]);
	if (ident[EI_DATA] != ELFDATA2LSB && ident[EI_DATA] != ELFDATA2MSB)
		return error_new(ERROR_TARGET, "not a core file: ELF byte order %u is unknown", ident[EI_DATA]);
	core->machine.word_size = ident[EI_CLASS] == ELFCLASS64 ? 8 : 4;
	core->machine.big_endian = ident[EI_DATA] == ELFDATA2MSB;
	if (core->size < SIZE_OF(&core->machine, Ehdr))
		return error_new(ERROR_TARGET, "not a core file: it ends within the ELF header");
	return NULL;
}

/* The number of program headers; where it does not fit 16 bits it is in section header 0 (elf(5), PN_XNUM). */
static uint64_t header_count(const struct core_file *core)
{
	const struct machine *m = &core->machine;
	uint64_t count = FIELD(m, core->bytes, Ehdr, e_phnum);
	uint64_t section = FIELD(m, core->bytes, Ehdr, e_shoff);

	if (count == PN_XNUM && section != 0 && file_holds(core, section, SIZE_OF(m, Shdr)))
		count = FIELD(m, core->bytes + section, Shdr, sh_info);
	return count;
}

/* Where the program headers are, and how many of them are there. */
static struct error *find_headers(struct core_file *core, const uint8_t **headers, uint64_t *count)
{
	const struct machine *m = &core->machine;
	uint64_t offset = FIELD(m, core->bytes, Ehdr, e_phoff);
	uint64_t size = SIZE_OF(m, Phdr);

	*count = header_count(core);
	if (*count == 0)
		return error_new(ERROR_TARGET, "not a core file: it has no program headers");
	if (FIELD(m, core->bytes, Ehdr, e_phentsize) != size)
		return error_new(ERROR_TARGET, "not a core file: program headers of %" PRIu64 " bytes",
				 FIELD(m, core->bytes, Ehdr, e_phentsize));
	if (*count > SEGMENTS_MAX)
		return error_new(ERROR_TARGET, "damaged core file: %" PRIu64 " program headers", *count);
	if (!file_holds(core, offset, size))
		return error_new(ERROR_TARGET, "damaged core file: it ends before its program headers");
	claim(core, offset, *count * size);
	*count = smaller(*count, (core->size - offset) / size);
	*headers = core->bytes + offset;
	return NULL;
}

static void add_segment(struct core_file *core, const uint8_t *header)
{
	const struct machine *m = &core->machine;
	struct core_segment *segment = &core->segments[core->segment_count];
	uint64_t address = FIELD(m, header, Phdr, p_vaddr), offset = FIELD(m, header, Phdr, p_offset);
	uint64_t in_file = FIELD(m, header, Phdr, p_filesz);
	uint64_t length = smaller(FIELD(m, header, Phdr, p_memsz), UINT64_MAX - address);

	claim(core, offset, in_file);
	if (length == 0)
		return;
	*segment = (struct core_segment){ .address = address, .length = length, .offset = offset };
	segment->claimed = smaller(in_file, length);
	segment->held = offset < core->size ? smaller(segment->claimed, core->size - offset) : 0;
	segment->writable = FIELD(m, header, Phdr, p_flags) & PF_W;
	core->segment_count++;
}

static int compare_segments(const void *a, const void *b)
{
	const struct core_segment *x = a, *y = b;

	if (x->address != y->address)
		return x->address < y->address ? -1 : 1;
	return x->offset < y->offset ? -1 : x->offset > y->offset;
}

static void segment_skip(struct core_segment *segment, uint64_t bytes)
{
	segment->address += bytes;
	segment->length -= bytes;
	segment->offset += smaller(bytes, segment->claimed);
	segment->claimed -= smaller(bytes, segment->claimed);
	segment->held -= smaller(bytes, segment->held);
}

/* Sorts, and cuts off what an earlier segment covers: only a damaged core has that. */
static void sort_segments(struct core_file *core)
{
	uint64_t end = 0;
	size_t kept = 0;

	qsort(core->segments, core->segment_count, sizeof(*core->segments), compare_segments);
	for (size_t i = 0; i < core->segment_count; i++) {
		struct core_segment segment = core->segments[i];
		uint64_t covered = segment.address < end ? end - segment.address : 0;

		if (covered >= segment.length)
			continue;
		segment_skip(&segment, covered);
		end = segment.address + segment.length;
		core->segments[kept++] = segment;
	}
	core->segment_count = kept;
}

/* NT_PRPSINFO has the process; where in it depends on the width of pr_flag and pr_uid (linux/elfcore.h). */
static void parse_prpsinfo(struct core_file *core, const uint8_t *bytes, uint64_t length)
{
	bool narrow_ids = core->machine.elf_machine == EM_386 || core->machine.elf_machine == EM_ARM;
	size_t at = core->machine.word_size == 8 ? 24 : narrow_ids ? 12 : 16;

	if (length >= at + 4)
		core->pid = (pid_t)load_u32(&core->machine, bytes + at);
}

/*
 * NT_PRSTATUS has a thread; the kernel writes the one that crashed first. struct elf_prstatus (linux/elfcore.h): si_signo, si_code,
 * si_errno, pr_cursig, pr_sigpend, pr_sighold, then pr_pid and three more ids, four pairs of times, then pr_reg.
 */
static void parse_prstatus(struct core_file *core, const uint8_t *bytes, uint64_t length)
{
	size_t word = core->machine.word_size, at = word == 8 ? 32 : 24, registers = at + 16 + 8 * word;
	struct target_thread thread = { 0 };

	if (length < at + 4)
		return;
	thread.tid = (pid_t)load_u32(&core->machine, bytes + at);
	thread.signal = (int16_t)load_u16(&core->machine, bytes + 12);
	if (core->pid == 0)
		core->pid = thread.tid;
	if (length <= registers || core->thread_count == THREADS_MAX ||
	    !registers_from_user(&core->machine, bytes + registers, length - registers, &thread.registers))
		return;
	ARRAY_RESERVE(core->threads, core->thread_count, core->thread_capacity);
	core->threads[core->thread_count++] = thread;
}

static void parse_auxv(struct core_file *core, const uint8_t *bytes, uint64_t length)
{
	size_t word = core->machine.word_size;

	for (uint64_t at = 0; length - at >= 2 * word; at += 2 * word) {
		uint64_t type = load_word(&core->machine, bytes + at);
		uint64_t value = load_word(&core->machine, bytes + at + word);

		if (type == AT_NULL)
			return;
		if (type == AT_PHDR)
			core->phdr_address = value;
		if (type == AT_ENTRY)
			core->entry = value;
	}
}

static void add_mapping(struct core_file *core, const uint8_t *entry, uint64_t page_size, const char *name)
{
	size_t word = core->machine.word_size;
	struct core_mapping mapping = {
		.start = load_word(&core->machine, entry),
		.end = load_word(&core->machine, entry + word),
		.name = name,
	};

	if (mapping.start < mapping.end &&
	    !__builtin_mul_overflow(load_word(&core->machine, entry + 2 * word), page_size, &mapping.offset))
		core->mappings[core->mapping_count++] = mapping;
}

/* NT_FILE: words count and page size; count times start, end, offset in pages; count names (fs/binfmt_elf.c). */
static struct error *parse_files(struct core_file *core, const uint8_t *bytes, uint64_t length)
{
	size_t word = core->machine.word_size;
	uint64_t count = length >= 2 * word ? load_word(&core->machine, bytes) : 0;
	void *room;

	if (count == 0 || core->mappings != NULL || count > (length - 2 * word) / (3 * word))
		return NULL;
	TRY(alloc_checked(count, sizeof(*core->mappings), "the core's list of mapped files", &room));
	core->mappings = room;

	uint64_t page_size = load_word(&core->machine, bytes + word);
	const uint8_t *entry = bytes + 2 * word;
	const uint8_t *name = entry + count * 3 * word, *end = bytes + length;

	for (; count > 0 && name < end; count--, entry += 3 * word) {
		const uint8_t *name_end = memchr(name, '\0', (size_t)(end - name));

		if (name_end == NULL)
			break;
		add_mapping(core, entry, page_size, (const char *)name);
		name = name_end + 1;
	}
	return NULL;
}

static struct error *parse_note(struct core_file *core, uint32_t type, const uint8_t *bytes, uint64_t length)
{
	switch (type) {
	case NT_AUXV: parse_auxv(core, bytes, length); break;
	case NT_FILE: return parse_files(core, bytes, length);
	case NT_PRPSINFO: parse_prpsinfo(core, bytes, length); break;
	case NT_PRSTATUS: parse_prstatus(core, bytes, length); break;
	default: break;
	}
	return NULL;
}

static uint64_t round_up_4(uint64_t n)
{
	return (n + 3) & ~UINT64_C(3);
}

/* Notes of a core are aligned to 4 in both classes, whatever p_align says. */
static struct error *parse_notes(struct core_file *core, uint64_t offset, uint64_t length)
{
	claim(core, offset, length);
	if (offset >= core->size)
		return NULL;
	length = smaller(length, core->size - offset);
	while (length >= sizeof(Elf64_Nhdr)) {
		const uint8_t *note = core->bytes + offset;
		uint64_t name = load_u32(&core->machine, note + offsetof(Elf64_Nhdr, n_namesz));
		uint64_t size = load_u32(&core->machine, note + offsetof(Elf64_Nhdr, n_descsz));
		uint64_t at = sizeof(Elf64_Nhdr) + round_up_4(name);

		if (at > length || size > length - at)
			return NULL; /* past the end: the rest cannot be told */
		if (name == sizeof("CORE") && memcmp(note + sizeof(Elf64_Nhdr), "CORE", sizeof("CORE")) == 0)
			TRY(parse_note(core, load_u32(&core->machine, note + offsetof(Elf64_Nhdr, n_type)), note + at,
				       size));
		at = smaller(at + round_up_4(size), length);
		offset += at;
		length -= at;
	}
	return NULL;
}

static int compare_mappings(const void *a, const void *b)
{
	const struct core_mapping *x = a, *y = b;

	return x->start < y->start ? -1 : x->start > y->start;
}

/* The file that holds the program's headers or its entry; without these, what is mapped first. */
static const char *name_executable(const struct core_file *core)
{
	const struct core_mapping *mapping = core_file_mapping(core, core->phdr_address);

	if (mapping == NULL)
		mapping = core_file_mapping(core, core->entry);
	if (mapping == NULL && core->phdr_address == 0 && core->mapping_count != 0)
		mapping = &core->mappings[0];
	return mapping ? mapping->name : NULL;
}

static struct error *parse_headers(struct core_file *core, const uint8_t *headers, uint64_t count)
{
	const struct machine *m = &core->machine;
	uint64_t size = SIZE_OF(m, Phdr);
	void *room;

	TRY(alloc_checked(count, sizeof(*core->segments), "the core's segments", &room));
	core->segments = room;
	for (uint64_t i = 0; i < count; i++) {
		const uint8_t *header = headers + i * size;
		uint64_t type = FIELD(m, header, Phdr, p_type);

		if (type == PT_LOAD)
			add_segment(core, header);
		else if (type == PT_NOTE)
			TRY(parse_notes(core, FIELD(m, header, Phdr, p_offset), FIELD(m, header, Phdr, p_filesz)));
	}
	return NULL;
}

struct error *core_file_parse(struct core_file *core)
{
	const uint8_t *headers = NULL;
	uint64_t count;

	TRY(parse_ident(core));

	uint64_t type = FIELD(&core->machine, core->bytes, Ehdr, e_type);

	core->machine.elf_machine = (uint16_t)FIELD(&core->machine, core->bytes, Ehdr, e_machine);
	if (type != ET_CORE)
		return wrong_type(type);
	TRY(find_headers(core, &headers, &count));
	TRY(parse_headers(core, headers, count));
	sort_segments(core);
	if (core->mapping_count != 0)
		qsort(core->mappings, core->mapping_count, sizeof(*core->mappings), compare_mappings);
	core->executable = name_executable(core);
	return NULL;
}

void core_file_free(struct core_file *core)
{
	free(core->threads);
	free(core->segments);
	free(core->mappings);
}

const struct core_segment *core_file_segment(const struct core_file *core, uint64_t address)
{
	size_t low = 0, high = core->segment_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (core->segments[middle].address <= address)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == 0 || address - core->segments[low - 1].address >= core->segments[low - 1].length)
		return NULL;
	return &core->segments[low - 1];
}

const struct core_mapping *core_file_mapping(const struct core_file *core, uint64_t address)
{
	size_t low = 0, high = core->mapping_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (core->mappings[middle].start <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low != 0 && address < core->mappings[low - 1].end ? &core->mappings[low - 1] : NULL;
}
