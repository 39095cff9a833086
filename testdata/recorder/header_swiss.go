//go:build go1.24 && (go1.26 || goexperiment.swissmap)
// +build go1.24
// +build go1.26 goexperiment.swissmap

package main

import "unsafe"

// internal/runtime/maps.Map's beginning.
type swissHeader struct {
	used uint64
	seed uintptr
}

func readSeed(header unsafe.Pointer) uint64        { return uint64((*swissHeader)(header).seed) }
func writeSeed(header unsafe.Pointer, seed uint64) { (*swissHeader)(header).seed = uintptr(seed) }

func overflows(header unsafe.Pointer) uint16 { return 0 }
