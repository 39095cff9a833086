/* Core files, well-formed and not, made by a small writer. */
#include "check.h"

#include <elf.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "target/core.h"
#include "target/process.h"
#include "util/buffer.h"

/* What the writer makes; tests change the members they are about. */
struct shape {
	bool wide, big_endian;
	unsigned type, machine, segments, phentsize;
	struct {
		uint32_t type, flags;
		uint64_t offset, address, in_file, in_memory;
	} segment[8];
	bool extended_count; /* PN_XNUM */
	uint64_t count;      /* what the header claims instead of `segments`, if not 0 */
};

static char path[] = "/tmp/mapscope-test-core-XXXXXX";
static char executable_path[] = "/tmp/mapscope-test-exe-XXXXXX";

static void put(struct buffer *buffer, const struct shape *shape, uint64_t value, unsigned size)
{
	for (unsigned i = 0; i < size; i++) {
		unsigned shift = 8 * (shape->big_endian ? size - 1 - i : i);
		uint8_t byte = shift < 64 ? (uint8_t)(value >> shift) : 0;

		buffer_append(buffer, &byte, 1);
	}
}

static void put_word(struct buffer *buffer, const struct shape *shape, uint64_t value)
{
	put(buffer, shape, value, shape->wide ? 8 : 4);
}

static void pad_to(struct buffer *buffer, size_t length)
{
	while (buffer->length < length)
		buffer_append(buffer, "", 1);
}

static void put_header(struct buffer *out, const struct shape *s)
{
	size_t header = s->wide ? sizeof(Elf64_Ehdr) : sizeof(Elf32_Ehdr);
	uint64_t count = s->count ? s->count : s->segments;

	buffer_append(out, ELFMAG, SELFMAG);
	put(out, s, s->wide ? ELFCLASS64 : ELFCLASS32, 1);
	put(out, s, s->big_endian ? ELFDATA2MSB : ELFDATA2LSB, 1);
	put(out, s, EV_CURRENT, 1);
	pad_to(out, EI_NIDENT);
	put(out, s, s->type ? s->type : ET_CORE, 2);
	put(out, s, s->machine, 2);
	put(out, s, EV_CURRENT, 4);
	put_word(out, s, 0);
	put_word(out, s, header);
	put_word(out, s, s->extended_count ? 0x800 : 0);
	put(out, s, 0, 4);
	put(out, s, header, 2);
	put(out, s, s->phentsize ? s->phentsize : s->wide ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr), 2);
	put(out, s, s->extended_count ? PN_XNUM : count, 2);
	put(out, s, s->wide ? sizeof(Elf64_Shdr) : sizeof(Elf32_Shdr), 2);
	put(out, s, 0, 4);
}

static void put_segment(struct buffer *out, const struct shape *s, unsigned i)
{
	put(out, s, s->segment[i].type, 4);
	if (s->wide)
		put(out, s, s->segment[i].flags, 4);
	put_word(out, s, s->segment[i].offset);
	put_word(out, s, s->segment[i].address);
	put_word(out, s, 0);
	put_word(out, s, s->segment[i].in_file);
	put_word(out, s, s->segment[i].in_memory);
	if (!s->wide)
		put(out, s, s->segment[i].flags, 4);
	put_word(out, s, 0); /* alignment: none, and must not matter */
}

static void put_note(struct buffer *out, const struct shape *s, uint32_t type, const struct buffer *body)
{
	put(out, s, 5, 4);
	put(out, s, body->length, 4);
	put(out, s, type, 4);
	buffer_append(out, "CORE\0\0\0", 8);
	buffer_append(out, body->bytes, body->length);
	pad_to(out, (out->length + 3) & ~(size_t)3);
}

/* Notes at 0x400; memory at 0x1000: 0x2000 bytes of which each is the low byte of its place / 16. */
static void write_core(const struct shape *s, const struct buffer *notes, size_t length)
{
	struct buffer out = { 0 };

	put_header(&out, s);
	for (unsigned i = 0; i < s->segments; i++)
		put_segment(&out, s, i);
	pad_to(&out, 0x400);
	if (notes != NULL)
		buffer_append(&out, notes->bytes, notes->length);
	pad_to(&out, 0x800);
	if (s->extended_count) {
		size_t at = s->wide ? offsetof(Elf64_Shdr, sh_info) : offsetof(Elf32_Shdr, sh_info);

		pad_to(&out, 0x800 + at);
		put(&out, s, s->count ? s->count : s->segments, 4);
	}
	pad_to(&out, 0x1000);
	for (unsigned i = 0x1000; i < 0x3000; i++)
		put(&out, s, i / 16, 1);

	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	CHECK(write(fd, out.bytes, length < out.length ? length : out.length) >= 0);
	close(fd);
	buffer_free(&out);
}

static void check_error(struct error *error, const char *message)
{
	if (CHECK(error != NULL)) {
		char *expected;

		CHECK(asprintf(&expected, message, path) > 0);
		CHECK_TEXT(error->message, expected);
		free(expected);
	}
	error_free(error);
}

static struct shape usual(bool wide, bool big_endian)
{
	return (struct shape){ .wide = wide, .big_endian = big_endian, .machine = wide ? EM_X86_64 : EM_386, .segments = 4,
			       .segment = {
				       { PT_NOTE, 0, 0x400, 0, 0x400, 0 },
				       { PT_LOAD, PF_R | PF_W, 0x2000, 0xc0000000, 0x1000, 0x3000 }, /* partly absent */
				       { PT_LOAD, PF_R | PF_X, 0x1000, 0x400000, 0x1000, 0x4000 },
				       { PT_LOAD, PF_R | PF_W, 0x1000, 0x404000, 0, 0x1000 },
			       } };
}

static void put_usual_notes(struct buffer *notes, const struct shape *s)
{
	struct buffer body = { 0 };

	put(&body, s, 0, s->wide ? 24 : s->machine == EM_386 ? 12 : 16);
	put(&body, s, 4711, 4);
	put_note(notes, s, NT_PRPSINFO, &body);
	body.length = 0;
	put_word(&body, s, AT_PHDR);
	put_word(&body, s, 0x400040);
	put_word(&body, s, AT_ENTRY);
	put_word(&body, s, 0x401000);
	put_note(notes, s, NT_AUXV, &body);
	body.length = 0;
	put_word(&body, s, 3);
	put_word(&body, s, 0x1000);
	const uint64_t mapped[3][3] = { { 0x200000, 0x201000, 0 }, { 0x400000, 0x404000, 0 }, { 0x404000, 0x405000, 4 } };

	for (unsigned i = 0; i < 9; i++)
		put_word(&body, s, mapped[i / 3][i % 3]);
	buffer_append(&body, "/lib/other.so", 14);
	for (unsigned i = 0; i < 2; i++)
		buffer_append(&body, executable_path, sizeof(executable_path));
	put_note(notes, s, NT_FILE, &body);
	buffer_free(&body);
}

static void write_executable(void)
{
	int fd = open(executable_path, O_WRONLY | O_TRUNC);
	uint8_t page[0x1000];

	for (unsigned i = 0; i < 3; i++) { /* shorter than its mapping */
		memset(page, 0xe0 + (int)i, sizeof(page));
		CHECK(write(fd, page, sizeof(page)) == sizeof(page));
	}
	close(fd);
}

static void check_reads(struct target *core)
{
	uint8_t bytes[0x2000];

	CHECK(target_read(core, taddr_of(0xc0000010), bytes, 16) == NULL && bytes[0] == 1 && bytes[15] == 1);
	CHECK_UINT(target_read_some(core, taddr_of(0xc0000ff0), bytes, 32), 16); /* absent is not zero */
	check_error(target_read(core, taddr_of(0xc0000ff0), bytes, 32), "0xc0001000: not in the core");
	check_error(target_read(core, taddr_of(0x10), bytes, 1), "0x10: not in the core");
	check_error(target_read(core, taddr_of(0x200010), bytes, 1), "0x200010: not in the core, but in /lib/other.so");
	CHECK(target_view(core, taddr_of(0xc0000000), 0x1000) != NULL);
	CHECK(target_view(core, taddr_of(0xc0000000), 0x1001) == NULL);
	CHECK_UINT(target_read_some(core, taddr_of(0x400000), bytes, 0x2000), 0x1000);
}

static void check_executable(struct target *core)
{
	uint8_t bytes[0x4000];

	CHECK_TEXT(core->executable.path, executable_path);
	if (!CHECK(core->executable.fd >= 0))
		return;

	struct error *error = core_use_executable(core, core->executable.fd, core->executable.path);

	CHECK(error == NULL);
	CHECK_UINT(target_read_some(core, taddr_of(0x400000), bytes, 0x4000), 0x3000);
	CHECK(bytes[0] == 0 && bytes[16] == 1 && bytes[0x1000] == 0xe1 && bytes[0x2fff] == 0xe2);
	CHECK(target_view(core, taddr_of(0x401000), 0x2000) != NULL);
	CHECK_UINT(target_read_some(core, taddr_of(0x404000), bytes, 1), 0); /* may have been written to */
}

static void test_usual(bool wide, bool big_endian, bool extended_count)
{
	struct shape shape = usual(wide, big_endian);
	struct buffer notes = { 0 };
	struct target *core;

	shape.extended_count = extended_count;
	put_usual_notes(&notes, &shape);
	write_core(&shape, &notes, SIZE_MAX);
	if (CHECK(core_open(path, &core) == NULL)) {
		CHECK_UINT(core->machine.word_size, wide ? 8 : 4);
		CHECK_UINT(core->machine.big_endian, big_endian);
		CHECK_UINT(core->machine.elf_machine, shape.machine);
		CHECK_UINT(core->pid, 4711);
		CHECK_UINT(core->executable.phdr_address, 0x400040);
		CHECK_UINT(core->executable.entry, 0x401000);
		CHECK_UINT(core_truncated_at(core), 0);
		check_reads(core);
		check_executable(core);
		CHECK(target_stop(core) == NULL);
		target_destroy(core);
	}
	buffer_free(&notes);
}

static void test_truncated(void)
{
	struct shape shape = usual(true, false);
	struct buffer notes = { 0 };
	struct target *core;
	uint8_t bytes[0x1000];

	put_usual_notes(&notes, &shape);
	write_core(&shape, &notes, 0x2100);
	if (CHECK(core_open(path, &core) == NULL)) {
		CHECK_UINT(core_truncated_at(core), 0x3000);
		CHECK_UINT(target_read_some(core, taddr_of(0xc0000000), bytes, 0x1000), 0x100);
		check_error(target_read(core, taddr_of(0xc0000100), bytes, 1),
			    "0xc0000100: not in the core, which is truncated (8448 of 12288 bytes)");
		target_destroy(core);
	}
	write_core(&shape, &notes, 0x1000 - 0x100); /* what the text segment claims is gone: not from the executable */
	if (CHECK(core_open(path, &core) == NULL)) {
		CHECK(core_use_executable(core, core->executable.fd, executable_path) == NULL);
		CHECK_UINT(target_read_some(core, taddr_of(0x400000), bytes, 1), 0);
		CHECK_UINT(target_read_some(core, taddr_of(0x401000), bytes, 1), 1);
		target_destroy(core);
	}
	for (size_t length = 0; length < 0x600; length += 7) { /* wherever it ends */
		struct error *error;

		write_core(&shape, &notes, length);
		core = NULL;
		error = core_open(path, &core);
		CHECK((error == NULL) == (core != NULL));
		error_free(error);
		target_destroy(core);
	}
	buffer_free(&notes);
}

/* Opens and reads all over the place: nothing may crash, and sanitizers see to the rest. */
static void poke(const struct shape *shape, const struct buffer *notes)
{
	static const uint64_t places[] = { 0, 0x400000, 0x401fff, 0xc0000000, 0xfffffff0, UINT64_MAX - 4, UINT64_MAX };
	struct target *core = NULL;
	uint8_t bytes[0x3000];

	write_core(shape, notes, SIZE_MAX);
	error_free(core_open(path, &core));
	for (unsigned i = 0; core != NULL && i < sizeof(places) / sizeof(places[0]); i++) {
		size_t got = target_read_some(core, taddr_of(places[i]), bytes, sizeof(bytes));

		CHECK(got <= sizeof(bytes));
		error_free(target_unreadable(core, taddr_of(places[i])));
	}
	target_destroy(core);
}

static void test_hostile_segments(void)
{
	static const uint64_t values[] = { 0, 1, 0x1000, 0x2fff, 0x3000, 0x3001, UINT64_MAX, UINT64_MAX - 0xfff, 1ULL << 63 };
	const unsigned count = sizeof(values) / sizeof(values[0]);

	for (unsigned i = 0; i < count * count; i++) {
		struct shape shape = usual(i % 2, false);

		shape.segment[1].offset = values[i % count];
		shape.segment[1].in_file = values[i / count];
		shape.segment[2].address = values[i / count];
		shape.segment[2].in_memory = values[i % count];
		poke(&shape, NULL);
	}
}

static void test_overlap(void)
{
	struct shape shape = usual(true, false);
	struct target *core;
	uint8_t bytes[0x3000];

	shape.segment[1].address = 0x400800; /* from file offset 0x2000, of which 0x3800 to 0x4000 are covered */
	write_core(&shape, NULL, SIZE_MAX);
	if (CHECK(core_open(path, &core) == NULL)) {
		CHECK_UINT(target_read_some(core, taddr_of(0x400000), bytes, 0x3000), 0x1000);
		CHECK(bytes[0x800] == 0x80);
		CHECK(core->executable.fd == -1 && core->executable.path == NULL && core->pid == 0);
		target_destroy(core);
	}
	shape = usual(true, false);
	shape.segment[1].in_file = 0x5000; /* more than in memory, and than the file has */
	shape.segment[1].in_memory = 0x800;
	write_core(&shape, NULL, SIZE_MAX);
	if (CHECK(core_open(path, &core) == NULL)) {
		CHECK_UINT(target_read_some(core, taddr_of(0xc0000000), bytes, 0x3000), 0x800);
		CHECK_UINT(core_truncated_at(core), 0x7000);
		target_destroy(core);
	}
}

static void test_hostile_notes(void)
{
	struct shape shape = usual(true, false);
	struct buffer notes = { 0 };

	put_usual_notes(&notes, &shape);
	for (size_t i = 0; i < notes.length; i++) {
		static const uint8_t evil[] = { 0x00, 0x7f, 0x80, 0xff };
		uint8_t before = notes.bytes[i];

		notes.bytes[i] = evil[i % 4];
		poke(&shape, &notes);
		notes.bytes[i] = before;
	}
	buffer_free(&notes);
}

static void write_text(const char *text, size_t length)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	CHECK(write(fd, text, length) == (ssize_t)length);
	close(fd);
}

static void test_no_core(void)
{
	struct shape shape = usual(true, false);
	struct target *core;
	struct error *error;

	write_text("", 0);
	check_error(core_open(path, &core), "%s: not a core file: it is empty");
	write_text("hello", 5);
	check_error(core_open(path, &core), "%s: not a core file: it is not ELF");
	write_text("\x28\xb5\x2f\xfd....", 8);
	error = core_open(path, &core);
	CHECK(error != NULL && error->code == ERROR_TARGET && error->hint != NULL && strstr(error->hint, "zstd -d") != NULL);
	error_free(error);
	check_error(core_open("/nonexistent", &core), "/nonexistent: No such file or directory");
	check_error(core_open("/tmp", &core), "/tmp: it is a directory");
	check_error(core_open("/dev/null", &core), "/dev/null: it is not a regular file");
	shape.type = ET_DYN;
	write_core(&shape, NULL, SIZE_MAX);
	error = core_open(path, &core);
	CHECK(error != NULL && error->hint != NULL && strstr(error->hint, "-e") != NULL);
	check_error(error, "%s: not a core file: it is an executable or a library");
	shape = usual(true, false);
	shape.segments = 0;
	write_core(&shape, NULL, SIZE_MAX);
	check_error(core_open(path, &core), "%s: not a core file: it has no program headers");
	shape = usual(true, false);
	shape.extended_count = true;
	shape.count = 0xffffffff;
	write_core(&shape, NULL, SIZE_MAX);
	check_error(core_open(path, &core), "%s: damaged core file: 4294967295 program headers");
	shape.count = 4000000; /* most of them beyond the end: no room for them is asked for */
	poke(&shape, NULL);
}

static void check_machine_fails(const uint8_t *header, size_t length, const char *message)
{
	struct machine machine = { 0 };
	FILE *file = tmpfile();

	if (!CHECK(file != NULL))
		return;
	CHECK(fwrite(header, 1, length, file) == length && fflush(file) == 0);

	struct error *error = process_elf_machine(fileno(file), &machine);

	if (CHECK(error != NULL))
		CHECK_TEXT(error->message, message);
	CHECK(machine.word_size == 0);
	error_free(error);
	fclose(file);
}

/* An executable that no words can be read by: of no known size or order. */
static void test_other_executables(void)
{
	uint8_t header[20] = { 0x7f, 'E', 'L', 'F', 2, 1 };

	check_machine_fails(header, sizeof(header) - 1, "not an ELF file");
	header[4] = 3;
	check_machine_fails(header, sizeof(header), "ELF class 3 is unknown");
	header[4] = 2;
	header[5] = 3;
	check_machine_fails(header, sizeof(header), "ELF byte order 3 is unknown");
	header[0] = 0;
	check_machine_fails(header, sizeof(header), "not an ELF file");
}

/* A byte of a sound core's ELF header is another one. */
static void check_header_byte(size_t at, uint8_t value, const char *message)
{
	struct shape shape = usual(true, false);
	struct target *core;

	write_core(&shape, NULL, SIZE_MAX);

	int fd = open(path, O_WRONLY);

	CHECK(pwrite(fd, &value, 1, (off_t)at) == 1);
	close(fd);
	check_error(core_open(path, &core), message);
}

static void test_other_header(void)
{
	check_header_byte(EI_CLASS, 3, "%s: not a core file: ELF class 3 is unknown");
	check_header_byte(EI_DATA, 0, "%s: not a core file: ELF byte order 0 is unknown");
	check_header_byte(offsetof(Elf64_Ehdr, e_type), ET_REL, "%s: not a core file: ELF type 1");
	check_header_byte(offsetof(Elf64_Ehdr, e_phentsize), 55, "%s: not a core file: program headers of 55 bytes");
}

/* No registers are no threads with registers of zero. */
static void test_no_registers(void)
{
	struct shape shape = usual(true, false);
	struct buffer notes = { 0 };
	struct target_thread *threads = NULL;
	struct target *core;
	size_t count = 7;

	put_usual_notes(&notes, &shape);
	write_core(&shape, &notes, SIZE_MAX);
	if (CHECK(core_open(path, &core) == NULL)) {
		check_error(target_threads(core, &threads, &count), "the core has no registers of threads (NT_PRSTATUS)");
		CHECK(threads == NULL && count == 7);
		target_destroy(core);
	}
	buffer_free(&notes);
}

int main(void)
{
	close(mkstemp(path));
	close(mkstemp(executable_path));
	write_executable();
	for (unsigned i = 0; i < 8; i++)
		test_usual(i & 1, i & 2, i & 4);
	test_truncated();
	test_hostile_segments();
	test_overlap();
	test_hostile_notes();
	test_no_core();
	test_other_header();
	test_no_registers();
	test_other_executables();
	unlink(path);
	unlink(executable_path);
	return check_done();
}
