//go:build go1.24
// +build go1.24

package main

import "unsafe"

// A Swiss map grows at once (internal/runtime/maps/table.go, grow and split): nobody sees it half done.
const growsByAndBy = false

func growing(at unsafe.Pointer) bool { return false }

func growingSameSize(at unsafe.Pointer) bool { return false }
