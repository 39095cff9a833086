//go:build go1.11 && !go1.21
// +build go1.11,!go1.21

package main

// From 1.11 on the compiler takes a loop that deletes all keys for a clear (cmd/compile/internal/gc/range.go, isMapClear).
const clearLoop, clearBuiltin = true, false
