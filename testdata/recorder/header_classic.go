//go:build !go1.24 || (!go1.26 && !goexperiment.swissmap)
// +build !go1.24 !go1.26,!goexperiment.swissmap

package main

import "unsafe"

// runtime.hmap's beginning (runtime/hashmap.go, from 1.12 on runtime/map.go); the same in all versions.
type classicHeader struct {
	count     int
	flags, b  uint8
	noverflow uint16
	hash0     uint32
}

func readSeed(header unsafe.Pointer) uint64        { return uint64((*classicHeader)(header).hash0) }
func writeSeed(header unsafe.Pointer, seed uint64) { (*classicHeader)(header).hash0 = uint32(seed) }

// Overflow buckets, as the map counts them: from 2^16 buckets on chance decides which ones.
func overflows(header unsafe.Pointer) uint16 { return (*classicHeader)(header).noverflow }
