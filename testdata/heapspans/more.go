//go:build !go1.24
// +build !go1.24

package main

// Cleanups and weak pointers are of Go 1.24.
func makeMore() {}
