//go:build zoocgo
// +build zoocgo

package main

/*
#include <pthread.h>
#include <unistd.h>

struct c_map { int count; void *buckets; };
struct c_map c_side = { 3, 0 };

static void *wait_for_ever(void *unused) { pause(); return unused; }
static int start_thread(void) { pthread_t thread; return pthread_create(&thread, 0, wait_for_ever, 0) + c_side.count; }
*/
import "C"

// A thread that Go does not know, and C's own debug info beside Go's.
func init() {
	if C.start_thread() != 3 {
		panic("zoo: no C thread")
	}
}
