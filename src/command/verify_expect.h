/* verify --expect: a program's layout against a stored one. */
#ifndef COMMAND_VERIFY_EXPECT_H
#define COMMAND_VERIFY_EXPECT_H

#include "analysis/report.h"
#include "command/command.h"

/*
 * Appends a check "expect" of the file, and one for each struct, constant or map type that is not as the file says. All
 * that the file has is to be so; the program may have more.
 */
struct error *verify_expect(struct session *session, const char *path, struct report *report) MUST_CHECK;

#endif
