//go:build go1.24 && (go1.26 || goexperiment.swissmap)
// +build go1.24
// +build go1.26 goexperiment.swissmap

package main

import "unsafe"

const implementation = "swiss"

// As large as internal/runtime/maps.Map, with a pointer in the same word.
type look struct {
	used              uint64
	seed              uintptr
	dirPtr            unsafe.Pointer
	dirLen            int
	depth, shift      uint8
	writing           uint8
	tombstonePossible bool
	clearSeq          uint64
}

// A group of map[int64]int64.
const unitSize = 136

func emptyLook(n uint64) *look { return &look{seed: uintptr(mix(n))} }

func smallLook(n uint64, data unsafe.Pointer) *look {
	return &look{used: 1 + n%8, seed: uintptr(mix(n)), dirPtr: data}
}

func randomLook(n uint64, data unsafe.Pointer) *look {
	return &look{used: mix(n), seed: uintptr(mix(n + 1)), dirPtr: data, dirLen: int(mix(n + 2)), depth: uint8(mix(n + 3)),
		shift: uint8(mix(n + 4)), writing: uint8(mix(n + 5)), clearSeq: mix(n + 6)}
}

// data is where the entries of a small map are.
func (l *look) data() *unsafe.Pointer { return &l.dirPtr }
