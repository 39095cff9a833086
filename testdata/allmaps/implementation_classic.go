//go:build !go1.24 || (!go1.26 && !goexperiment.swissmap)
// +build !go1.24 !go1.26,!goexperiment.swissmap

package main

import "unsafe"

const implementation = "classic"

// As large as runtime.hmap (runtime/hashmap.go, from 1.12 on runtime/map.go), with pointers in the same words.
type look struct {
	count     int
	flags, b  uint8
	noverflow uint16
	hash0     uint32
	buckets   unsafe.Pointer
	old       unsafe.Pointer
	nevacuate uintptr
	extra     *int
}

// A bucket of map[int64]int64.
const unitSize = 144

func emptyLook(n uint64) *look { return &look{hash0: uint32(mix(n))} }

func smallLook(n uint64, data unsafe.Pointer) *look {
	return &look{count: int(1 + n%8), hash0: uint32(mix(n)), buckets: data}
}

func randomLook(n uint64, data unsafe.Pointer) *look {
	return &look{count: int(mix(n)), flags: uint8(mix(n + 1)), b: uint8(mix(n + 2)), hash0: uint32(mix(n + 3)), buckets: data, old: data,
		nevacuate: uintptr(mix(n + 4))}
}

// data is where the entries of a small map are.
func (l *look) data() *unsafe.Pointer { return &l.buckets }
