#include "command/command.h"
#include "command/gdb.h"
#include "render/diagnostics.h"
#include "target/live.h"
#include "target/remote.h"

/* How it was looked at in the end: what needs no stop, and a process that another one traces, is read without. */
static const char *mode_name(const struct live_stats *stats)
{
	if (stats->mode == LIVE_HELD)
		return "traced";
	if (stats->stops == 0)
		return "unstopped";
	return stats->mode == LIVE_SNAPSHOT ? "snapshot" : "stopped";
}

void session_json_pause(struct session *session)
{
	struct json *json = session->json;
	struct live_stats stats;

	if (session->invocation->pid == 0 || session->target == NULL)
		return;
	session_end_reading(session);
	live_stats(session->target, &stats);
	json_key(json, "process");
	json_object_begin(json);
	json_field_unsigned(json, "pid", (uint64_t)session->invocation->pid);
	json_field_name(json, "mode", mode_name(&stats));
	json_key(json, "pause_ms");
	json_double(json, (double)stats.pause_ns / 1e6, 64);
	json_key(json, "reap_ms");
	json_double(json, (double)stats.reap_ns / 1e6, 64);
	json_field_unsigned(json, "stops", stats.stops);
	json_field_unsigned(json, "threads", stats.threads);
	json_field_unsigned(json, "read_again", session->read_again);
	json_object_end(json);
}

static void report_round_trips(const struct session *session)
{
	struct remote_stats stats;

	remote_stats(session->target, &stats);
	diagnostics_note("%.2f MB were read in %llu round trips through GDB", (double)stats.bytes / 1e6,
			 (unsigned long long)stats.round_trips);
}

static const char *plural(uint64_t count)
{
	return count == 1 ? "" : "s";
}

static void report_mode(const struct session *session, const struct live_stats *stats)
{
	if (stats->mode == LIVE_SNAPSHOT)
		diagnostics_note("the process stood for %.2f ms (%u thread%s, %u snapshot%s), one thread for %.2f ms more", (double)stats->pause_ns / 1e6,
				 stats->threads, plural(stats->threads), stats->stops, plural(stats->stops), (double)stats->reap_ns / 1e6);
	else if (stats->stops != 0)
		diagnostics_note("the process stood for %.2f ms (%u thread%s, stopped %u time%s)", (double)stats->pause_ns / 1e6, stats->threads,
				 plural(stats->threads), stats->stops, plural(stats->stops));
	else
		diagnostics_note("the process was not stopped; read again %llu time%s", (unsigned long long)session->read_again, plural(session->read_again));
}

/* Whether somebody looks at what has no place for it: lines, and text for people. */
static bool is_seen(const struct invocation *invocation)
{
	return (invocation->command->options & OPTIONS_MEMORY) != 0 && invocation->format != FORMAT_JSON && diagnostics_on_terminal();
}

void session_report_pause(const struct session *session)
{
	const struct invocation *invocation = session->invocation;
	struct live_stats stats;

	if (session->target == NULL)
		return;
	if (invocation->stats && invocation->gdb && gdb_is_remote(session->target))
		report_round_trips(session);
	if (invocation->pid == 0 || (!invocation->stats && !is_seen(invocation)))
		return;
	live_forget_snapshot(session->target);
	live_stats(session->target, &stats);
	report_mode(session, &stats);
	if (!invocation->stats)
		return;
	if (stats.mode == LIVE_SNAPSHOT)
		diagnostics_note("%.2f MB that it wrote to meanwhile were copied", (double)stats.copied_bytes / 1e6);
	diagnostics_note("%.2f MB were read in %llu calls", (double)stats.read_bytes / 1e6, (unsigned long long)stats.read_calls);
}

void session_warn_of_zombies(const struct session *session)
{
	struct live_stats stats;

	if (session->invocation->pid == 0 || session->target == NULL)
		return;
	live_forget_snapshot(session->target);
	live_stats(session->target, &stats);
	if (stats.left != 0)
		diagnostics_warning("process %d: it has %u zombie %s, until it ends or the next --snapshot", (int)session->invocation->pid,
				    stats.left, stats.left == 1 ? "child" : "children");
}
