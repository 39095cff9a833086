#include "analysis/local.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "stack/variables.h"
#include "util/alloc.h"
#include "util/buffer.h"

/* Names that an error lists. */
enum { NAMES_SHOWN = 12 };

/* --- the scope's own words -------------------------------------------------------------------------------------- */

/* "WORD N:" and blanks; false where it does not begin with the word. */
static struct error *parse_part(const char **at, const char *word, uint64_t *out, bool *found)
{
	const char *text = *at + strspn(*at, " ");
	size_t length = strlen(word);
	char *end;

	*found = strncmp(text, word, length) == 0 && text[length] == ' ';
	if (!*found)
		return NULL;
	text += length;
	text += strspn(text, " ");
	errno = 0;
	*out = strtoull(text, &end, 10);
	if (end == text || errno != 0 || *text == '-')
		return error_new(ERROR_USAGE, "%s: a number was expected behind %s", *at, word);
	end += strspn(end, " ");
	if (*end != ':')
		return error_new(ERROR_USAGE, "%s: a colon was expected behind the number", *at);
	*at = end + 1 + strspn(end + 1, " ");
	return NULL;
}

struct error *local_parse_scope(const char **at, struct local_scope *out, bool *found)
{
	uint64_t frame = 0;

	*out = (struct local_scope){ 0 };
	TRY(parse_part(at, "goroutine", &out->goroutine, found));
	if (!*found)
		return NULL;
	TRY(parse_part(at, "frame", &frame, &out->frame_given));
	if (frame > UINT32_MAX)
		return error_new(ERROR_USAGE, "frame %" PRIu64 ": there is no such number", frame);
	out->frame = (unsigned)frame;
	return NULL;
}

/* --- looking ---------------------------------------------------------------------------------------------------- */

struct search {
	struct stack *stack;
	const struct local_scope *scope;
	const char *name;
	struct place *out;
	bool found;          /* the variable */
	struct error *error;
	unsigned frames;     /* seen */
	char *function;      /* of the frame that was asked for; NULL: not seen */
	struct buffer names; /* of its other variables */
	unsigned name_count;
	bool nameless;       /* nothing tells variables of it */
	char *gone;          /* "frame 2 (main.worker)": where it is, but optimised out; NULL */
};

/* Bytes of a variable that lies nowhere are kept as long as the stacks are. */
static void keep_bytes(struct search *search, const struct stack_variable *variable)
{
	uint64_t size = variable->type->size;
	uint8_t *kept = code_allocate(stack_code(search->stack), 2 * size);

	memcpy(kept, variable->bytes, size);
	memcpy(kept + size, variable->known, size);
	search->out->bytes = kept;
	search->out->known = kept + size;
}

static void take(struct search *search, const struct stack_variable *variable)
{
	*search->out = (struct place){ .type = variable->type, .address = variable->address };
	if (variable->where == STACK_IN_BYTES)
		keep_bytes(search, variable);
	search->found = true;
}

static bool match(void *context, const struct stack_variable *variable)
{
	struct search *search = context;

	if (variable->shadowed)
		return true;
	if (strcmp(variable->name, search->name) != 0) {
		if (search->scope->frame_given && search->name_count++ < NAMES_SHOWN)
			buffer_append_format(&search->names, "%s%s", search->names.length ? ", " : "", variable->name);
		return true;
	}
	if (variable->where == STACK_GONE)
		return search->gone != NULL || (search->gone = xstrdup(""), true);
	take(search, variable);
	return false;
}

static bool look_in_frame(void *context, const struct stack_frame *frame)
{
	struct search *search = context;
	bool gone_before = search->gone != NULL;

	search->frames = frame->number + 1;
	if (search->scope->frame_given && frame->number != search->scope->frame)
		return true;
	if (search->scope->frame_given)
		search->function = xstrdup(frame->function);
	search->nameless |= frame->point->go && !stack_knows_variables(frame);
	search->error = stack_each_variable(search->stack, frame, match, search);
	if (!gone_before && search->gone != NULL) {
		free(search->gone);
		search->gone = xasprintf("frame %u (%s)", frame->number, frame->function);
	}
	return search->error == NULL && !search->found && !search->scope->frame_given;
}

/* Why there is no such variable. */
static struct error *not_found(struct search *search, const char *why)
{
	const struct local_scope *scope = search->scope;
	unsigned long long id = scope->goroutine;
	struct error *error;

	if (search->gone != NULL)
		return error_hint(error_new(ERROR_TARGET, "goroutine %llu: %s: %s: it is optimised out at this place",
					    id, search->gone, search->name),
				  "another frame may hold the same map: mapscope list -g shows them all");
	if (scope->frame_given && search->function == NULL)
		return error_new(ERROR_TARGET, "goroutine %llu: frame %u: there are %u frames%s%s", id, scope->frame,
				 search->frames, why ? "; " : "", why ? why : "");
	if (!scope->frame_given)
		return error_new(ERROR_TARGET, "goroutine %llu: %s: no frame of it has such a variable%s%s", id,
				 search->name, why ? "; " : "", why ? why : "");
	error = error_new(ERROR_TARGET, "goroutine %llu: frame %u (%s): %s: no such variable", id, scope->frame,
			  search->function, search->name);
	if (search->name_count == 0)
		return error_hint(error, search->nameless ? "no DWARF tells its variables: what maps they hold, mapscope list --all says"
							  : "there is none in this frame");
	return error_hint(error, "there are %s%s", buffer_text(&search->names),
			  search->name_count > NAMES_SHOWN ? ", ..." : "");
}

static struct error *search_frames(struct search *search)
{
	const struct goroutine *goroutine = goroutines_find(stack_goroutines(search->stack), search->scope->goroutine);
	const char *why;

	if (goroutine == NULL)
		return error_hint(error_new(ERROR_TARGET, "goroutine %" PRIu64 ": there is none of that number",
					    search->scope->goroutine),
				  "mapscope list -g lists the maps of all goroutines");
	TRY(stack_each_frame(search->stack, goroutine, look_in_frame, search, &why));
	if (search->error != NULL)
		return search->error;
	return search->found ? NULL : not_found(search, why);
}

struct error *local_find(struct program *program, const struct local_scope *scope, const char *name, struct place *out)
{
	struct findings findings = { 0 }; /* what is wrong with other goroutines does not matter here */
	struct search search = { .scope = scope, .name = name, .out = out };
	struct error *error;

	if (program->memory == NULL)
		return error_new(ERROR_TARGET, "goroutine %" PRIu64 ": a binary at rest has none", scope->goroutine);
	if (program->stack == NULL)
		TRY(stack_open(program, &program->stack));
	search.stack = program->stack;
	error = stack_load(search.stack, &findings);
	if (error == NULL)
		error = search_frames(&search);
	findings_free(&findings);
	buffer_free(&search.names);
	free(search.function);
	free(search.gone);
	return error;
}
