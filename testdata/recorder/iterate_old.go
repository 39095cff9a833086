//go:build !go1.18
// +build !go1.18

package main

import "unsafe"

type iteration interface {
	next() unsafe.Pointer // the key; nil at the end
	start() (a, b uint64)
}

// runtime.hiter (runtime/hashmap.go, from 1.12 on runtime/map.go): 1.8 and 1.9 have the two overflow fields as an array.
type hiter struct {
	key, elem, t, h, buckets, bptr, overflow, oldoverflow unsafe.Pointer
	startBucket                                           uintptr
	offset                                                uint8
}

//go:linkname mapiterinit reflect.mapiterinit
func mapiterinit(t, m unsafe.Pointer) *hiter

//go:linkname mapiternext reflect.mapiternext
func mapiternext(it *hiter)

type runtimeIteration struct {
	it   *hiter
	t, m unsafe.Pointer
}

func newIteration(m interface{}) iteration {
	words := *(*[2]unsafe.Pointer)(unsafe.Pointer(&m))
	return &runtimeIteration{nil, words[0], words[1]}
}

func (it *runtimeIteration) next() unsafe.Pointer {
	if it.it == nil {
		it.it = mapiterinit(it.t, it.m)
	} else {
		mapiternext(it.it)
	}
	return it.it.key
}

func (it *runtimeIteration) start() (a, b uint64) {
	return uint64(it.it.startBucket), uint64(it.it.offset)
}
