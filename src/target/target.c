#include "target/target.h"

#include <unistd.h>

struct error *target_read(struct target *target, taddr address, void *to, size_t length)
{
	size_t got = target_read_some(target, address, to, length);

	if (got < length)
		return target_unreadable(target, taddr_add(address, got));
	return NULL;
}

size_t target_read_some(struct target *target, taddr address, void *to, size_t length)
{
	struct target_piece piece = { .address = address, .to = to, .length = length };

	target_read_pieces(target, &piece, 1);
	return piece.got;
}

void target_read_pieces(struct target *target, struct target_piece *pieces, size_t count)
{
	target->ops->read_pieces(target, pieces, count);
}

const void *target_view(struct target *target, taddr address, size_t length)
{
	return target->ops->view ? target->ops->view(target, address, length) : NULL;
}

struct error *target_unreadable(struct target *target, taddr address)
{
	return target->ops->unreadable(target, address);
}

struct error *target_read_word(struct target *target, taddr address, uint64_t *out)
{
	uint8_t bytes[8];

	TRY(target_read(target, address, bytes, target->machine.word_size));
	*out = load_word(&target->machine, bytes);
	return NULL;
}

struct error *target_stop(struct target *target)
{
	return target->ops->stop ? target->ops->stop(target) : NULL;
}

void target_resume(struct target *target)
{
	if (target->ops->resume)
		target->ops->resume(target);
}

struct error *target_threads(struct target *target, struct target_thread **out, size_t *count)
{
	if (target->ops->threads == NULL)
		return error_new(ERROR_TARGET, "the registers of threads are not available from a %s", target->ops->kind);
	if (register_roles_find(&target->machine) == NULL)
		return error_new(ERROR_TARGET, "the registers of machine %u are not known", target->machine.elf_machine);
	return target->ops->threads(target, out, count);
}

void target_destroy(struct target *target)
{
	if (target == NULL)
		return;
	target_resume(target);
	target->ops->destroy(target);
}
