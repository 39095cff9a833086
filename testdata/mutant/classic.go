//go:build !go1.24
// +build !go1.24

package main

import "unsafe"

// runtime.hmap of 64-bit machines, as far as it is the same from Go 1.8 to 1.23: runtime/hashmap.go, runtime/map.go.
type header struct {
	count      int
	flags      uint8
	b          uint8
	noverflow  uint16
	hash0      uint32
	buckets    unsafe.Pointer
	oldBuckets unsafe.Pointer
}

const (
	growsByAndBy = true
	sameSizeGrow = 8 // of flags
)

func growing(at unsafe.Pointer) bool {
	return (*header)(at).oldBuckets != nil
}

func growingSameSize(at unsafe.Pointer) bool {
	return growing(at) && (*header)(at).flags&sameSizeGrow != 0
}
