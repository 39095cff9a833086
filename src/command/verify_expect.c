#include "command/verify_expect.h"

#include <stdlib.h>
#include <string.h>

#include "analysis/layout_diff.h"
#include "render/layout.h"

struct expectation {
	struct report *report;
	const char *owner; /* of the last difference */
};

/* Differences of one struct come one after the other: they are wrong things of one check. */
static void add_difference(void *context, const struct layout_difference *difference)
{
	struct expectation *expectation = context;
	struct report *report = expectation->report;
	bool same = expectation->owner != NULL && strcmp(expectation->owner, difference->owner) == 0;
	struct report_check *check =
		same ? &report->checks[report->count - 1] : report_check_begin(report, "expect", difference->owner);
	char *expected = layout_place_text(difference, &difference->a),
	     *found = layout_place_text(difference, &difference->b);

	if (!same)
		report_detail(check, "not as in the stored layout");
	report_wrong(check, taddr_of(0), expected, found, "%s",
		     difference->name != NULL ? difference->name : layout_part_name(difference->part));
	expectation->owner = difference->owner;
	free(expected);
	free(found);
}

static void compare(struct session *session, const char *path, const struct layout_set *stored,
		    const struct layout_set *found, struct report *report)
{
	struct expectation expectation = { .report = report };
	size_t count = layout_diff(stored, found, false, add_difference, &expectation);
	struct report_check *check = report_check_begin(report, "expect", path);

	report_detail(check, "stored layout of %s: %zu structs, %zu constants, %zu map types; %zu differences",
		      stored->go ? stored->go : "Go", stored->struct_count, stored->constant_count, stored->map_count,
		      count);
	if (count != 0)
		report_wrong(check, taddr_of(0), "as stored", "another layout", "%s", session->binary->path);
}

struct error *verify_expect(struct session *session, const char *path, struct report *report)
{
	struct layout_set stored, found = { 0 };

	TRY(layout_set_parse(path, &stored));

	struct error *error = layout_set_read(session->program, NULL, 0, &session->findings, &found);

	if (error == NULL)
		compare(session, path, &stored, &found, report);
	layout_set_free(&stored);
	layout_set_free(&found);
	return error;
}
