/* goroutines, goroutine and thread: inside GDB alone, for they are about GDB's frames. */
#include <elf.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "stack/goroutine.h"
#include "command/command.h"
#include "target/wire.h"

/* The registers that a view needs, as DWARF numbers them (System V ABI of each machine). */
struct register_numbers {
	uint16_t machine;
	uint8_t pc, sp, bp;
};

static const struct register_numbers register_numbers[] = {
	{ EM_X86_64, 16, 7, 6 },
};

static const struct register_numbers *find_numbers(const struct machine *machine)
{
	for (size_t i = 0; i < sizeof(register_numbers) / sizeof(register_numbers[0]); i++)
		if (register_numbers[i].machine == machine->elf_machine)
			return &register_numbers[i];
	return NULL;
}

/* Tells the plug-in; it looks once this program has ended. */
static struct error *write_view(const struct wire_view *view)
{
	if (pwrite(WIRE_VIEW, view, sizeof(*view), 0) != (ssize_t)sizeof(*view))
		return error_new(ERROR_TARGET, "GDB does not take the goroutine's registers");
	return NULL;
}

/* --- goroutines ------------------------------------------------------------------------------------------------------ */

/* As GDB commands, for it knows the names of functions: "  18  waiting: chan receive  0x4a1b20 <main.worker>" */
static bool list_one(void *context, const struct goroutine *goroutine)
{
	struct session *session = context;
	struct output *output = session->variables;

	output_format(output, "printf \"%6llu  %s%s", (unsigned long long)goroutine->id, goroutine->status,
		      goroutine->reason[0] ? ": " : "");
	for (const char *at = goroutine->reason; *at != '\0'; at++)
		output_char(output, *at >= ' ' && *at < 0x7f && strchr("\"\\%", *at) == NULL ? *at : '?');
	output_format(output, "  \"\noutput/a 0x%llx\necho \\n\n", (unsigned long long)goroutine->start);
	return true;
}

static struct error *run_list(struct session *session)
{
	return goroutines_each(session->program, list_one, session);
}

const struct command command_goroutines = {
	.name = "goroutines",
	.summary = "List the goroutines",
	.arguments = "",
	.target = TARGET_GDB,
	.options = OPTIONS_PROGRAM,
	.description = "Each with its number, what it is doing, and the function that it was started with.",
	.run = run_list,
};

/* --- goroutine ------------------------------------------------------------------------------------------------------- */

struct search {
	uint64_t id;
	bool found;
	struct goroutine goroutine;
};

static bool match_id(void *context, const struct goroutine *goroutine)
{
	struct search *search = context;

	search->found = goroutine->id == search->id;
	if (search->found)
		search->goroutine = *goroutine;
	return !search->found;
}

static struct error *find(struct session *session, const char *text, struct goroutine *out)
{
	char *end;
	struct search search = { .id = strtoull(text, &end, 10) };

	if (end == text || *end != '\0')
		return error_new(ERROR_USAGE, "goroutine %s: not a number", text);
	TRY(goroutines_each(session->program, match_id, &search));
	if (!search.found)
		return error_hint(error_new(ERROR_TARGET, "goroutine %s: there is none of that number", text),
				  "mapscope goroutines lists them");
	*out = search.goroutine;
	return NULL;
}

static struct error *run_view(struct session *session)
{
	const struct machine *machine = &session->program->machine;
	const struct register_numbers *numbers = find_numbers(machine);
	struct goroutine goroutine = { 0 };

	TRY(find(session, session->invocation->arguments[0], &goroutine));
	if (!goroutine.parked)
		return error_hint(error_new(ERROR_TARGET, "goroutine %llu: it is on a thread (%s): what it has saved is old",
					    (unsigned long long)goroutine.id, goroutine.status),
				  "info threads and thread N lead to it");
	if (numbers == NULL || goroutine.saved_length > WIRE_SAVED_MAX)
		return error_new(ERROR_TARGET, "goroutine %llu: not on this machine", (unsigned long long)goroutine.id);

	struct wire_view view = {
		.saved = goroutine.saved.v,
		.saved_length = goroutine.saved_length,
		.registers = goroutine.bp != 0 ? 3 : 2,
		.size = machine->word_size,
		.items = { { numbers->pc, goroutine.pc }, { numbers->sp, goroutine.sp }, { numbers->bp, goroutine.bp } },
	};

	TRY(write_view(&view));
	output_format(session->output, "goroutine %llu: its frames are those from 1 on (mapscope thread leaves it)\n",
		      (unsigned long long)goroutine.id);
	return NULL;
}

const struct command command_goroutine = {
	.name = "goroutine",
	.summary = "Show a parked goroutine's frames as the callers of frame 0",
	.arguments = "N",
	.arguments_least = 1,
	.arguments_most = 1,
	.target = TARGET_GDB,
	.options = OPTIONS_PROGRAM,
	.description = "Then backtrace, frame, info locals and mapscope work in them. Frame 0 stays that of the thread, but its "
		       "arguments on the stack are not shown. It lasts until the thread moves, or mapscope thread. A goroutine that runs has "
		       "saved nothing: it is refused.",
	.run = run_view,
};

/* --- thread ---------------------------------------------------------------------------------------------------------- */

static struct error *run_thread(struct session *session)
{
	return write_view(&(struct wire_view){ 0 });
}

const struct command command_thread = {
	.name = "thread",
	.summary = "Show the thread's own frames again",
	.arguments = "",
	.target = TARGET_GDB,
	.description = "Ends what mapscope goroutine began.",
	.run = run_thread,
};
