#include "binary/buildinfo.h"

#include <gelf.h>
#include <stdlib.h>
#include <string.h>

#include "util/alloc.h"

/* cmd/link/internal/ld/elf.go: ELF_NOTE_GOBUILDID_TAG, name "Go\0\0" */
enum { NOTE_GO_BUILD_ID = 4 };

/* cmd/link/internal/ld/data.go (buildinfo), debug/buildinfo/buildinfo.go: 14 bytes of magic, pointer size, flags. */
static const char magic[] = "\xff Go buildinf:";
enum { MAGIC_LENGTH = 14, FLAGS_AT = 15, POINTER_AT = 16, INLINE_AT = 32, FLAG_BIG_ENDIAN = 1, FLAG_INLINE = 2 };

/* No Go version or module list is longer. */
enum { STRING_LIMIT = 1 << 20 };

static char *hexadecimal(const uint8_t *bytes, size_t length)
{
	char *text = xmalloc(2 * length + 1);

	for (size_t i = 0; i < length; i++) {
		text[2 * i] = "0123456789abcdef"[bytes[i] >> 4];
		text[2 * i + 1] = "0123456789abcdef"[bytes[i] & 15];
	}
	text[2 * length] = '\0';
	return text;
}

void buildinfo_notes(const struct machine *machine, const uint8_t *notes, size_t size, char **gnu, char **go)
{
	size_t at = 0;

	while (size - at >= 12) {
		uint64_t name_size = load_u32(machine, notes + at);
		uint64_t description_size = load_u32(machine, notes + at + 4);
		uint32_t type = load_u32(machine, notes + at + 8);
		uint64_t description = at + 12 + ((name_size + 3) & ~UINT64_C(3));
		uint64_t next = description + ((description_size + 3) & ~UINT64_C(3));

		if (description > size || description_size > size - description)
			break;

		const uint8_t *name = notes + at + 12;

		if (*gnu == NULL && type == NT_GNU_BUILD_ID && name_size == 4 && memcmp(name, "GNU", 4) == 0)
			*gnu = hexadecimal(notes + description, description_size);
		if (*go == NULL && type == NOTE_GO_BUILD_ID && name_size == 4 && memcmp(name, "Go\0", 4) == 0)
			*go = xstrndup((const char *)notes + description, description_size);
		if (next > size)
			break;
		at = next;
	}
}

static void read_notes(struct binary *binary)
{
	size_t count;

	if (elf_getphdrnum(binary->elf, &count) != 0)
		return;
	for (size_t i = 0; i < count; i++) {
		GElf_Phdr segment;

		if (gelf_getphdr(binary->elf, (int)i, &segment) == NULL || segment.p_type != PT_NOTE)
			continue;

		Elf_Data *data = elf_getdata_rawchunk(binary->elf, (int64_t)segment.p_offset, segment.p_filesz,
						      ELF_T_BYTE);

		if (data != NULL && data->d_buf != NULL)
			buildinfo_notes(&binary->machine, data->d_buf, data->d_size, &binary->gnu_build_id,
					&binary->go_build_id);
	}
}

/* A uvarint length and that many bytes, inside [at, end); returns what follows, or NULL. */
static const uint8_t *inline_string(const uint8_t *at, const uint8_t *end, const char **text, size_t *length)
{
	uint64_t value = 0;

	for (unsigned shift = 0; at < end && shift < 63; shift += 7) {
		uint8_t byte = *at++;

		value |= (uint64_t)(byte & 0x7f) << shift;
		if (byte & 0x80)
			continue;
		if (value > (uint64_t)(end - at))
			return NULL;
		*text = (const char *)at;
		*length = value;
		return at + value;
	}
	return NULL;
}

/* The Go string whose header lies at `address` in the file's image; the caller frees it. NULL where it is not there. */
static char *static_string(const struct binary *binary, uint64_t address, size_t *length)
{
	const struct machine *machine = &binary->machine;
	uint8_t header[16];

	if (!binary_read(binary, address, header, 2u * machine->word_size))
		return NULL;

	uint64_t data = load_word(machine, header);
	uint64_t size = load_word(machine, header + machine->word_size);

	if (size == 0 || size > STRING_LIMIT)
		return NULL;

	char *text = xmalloc(size + 1);

	if (!binary_read(binary, data, text, size)) {
		free(text);
		return NULL;
	}
	text[size] = '\0';
	*length = size;
	return text;
}

/* The line "build\tGOEXPERIMENT=..." of the module information, which 16 bytes of sentinel surround. */
static void read_experiments(struct binary *binary, const char *modules, size_t length)
{
	static const char key[] = "build\tGOEXPERIMENT=";
	const char *line = memmem(modules, length, key, sizeof(key) - 1);

	if (line == NULL || binary->go_experiments != NULL)
		return;
	line += sizeof(key) - 1;

	const char *end = memchr(line, '\n', length - (size_t)(line - modules));

	if (end != NULL)
		binary->go_experiments = xstrndup(line, (size_t)(end - line));
}

static void read_buildinfo_section(struct binary *binary)
{
	const uint8_t *bytes;
	size_t size;
	uint64_t address;
	const char *text;
	size_t length;

	if (!binary_section(binary, ".go.buildinfo", &bytes, &size, &address) || size < INLINE_AT ||
	    memcmp(bytes, magic, MAGIC_LENGTH) != 0)
		return;
	if (bytes[FLAGS_AT] & FLAG_INLINE) {
		const uint8_t *rest = inline_string(bytes + INLINE_AT, bytes + size, &text, &length);

		if (rest == NULL)
			return;
		binary_set_go_version(binary, text, length);
		if (inline_string(rest, bytes + size, &text, &length) != NULL)
			read_experiments(binary, text, length);
		return;
	}

	char *version = static_string(binary, load_word(&binary->machine, bytes + POINTER_AT), &length);

	if (version != NULL)
		binary_set_go_version(binary, version, length);
	free(version);
}

/* Go <= 1.12 has no .go.buildinfo; the linker always fills in runtime.buildVersion. */
static void read_version_variable(struct binary *binary)
{
	uint64_t address, size;
	size_t length;

	if (!binary_symbol(binary, "runtime.buildVersion", &address, &size))
		return;

	char *version = static_string(binary, address, &length);

	if (version != NULL)
		binary_set_go_version(binary, version, length);
	free(version);
}

void buildinfo_read(struct binary *binary)
{
	read_notes(binary);
	read_buildinfo_section(binary);
	if (binary->go_version == NULL)
		read_version_variable(binary);
}
