//go:build !go1.24 || (!go1.26 && !goexperiment.swissmap)
// +build !go1.24 !go1.26,!goexperiment.swissmap

package main

import (
	"bytes"
	"reflect"
	"unsafe"
)

const implementation = "classic"

func encodeHeader(out *bytes.Buffer, header unsafe.Pointer) { encodeClassicHeader(out, header) }

func liveSlots(t reflect.Type, header unsafe.Pointer) []slot { return classicSlots(t, header) }

func growing(header unsafe.Pointer) bool { return (*classicHeader)(header).oldbuckets != nil }

func sameSizeGrowing(header unsafe.Pointer) bool {
	return growing(header) && (*classicHeader)(header).flags&8 != 0
}
