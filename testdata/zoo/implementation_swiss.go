//go:build go1.24 && (go1.26 || goexperiment.swissmap)
// +build go1.24
// +build go1.26 goexperiment.swissmap

package main

import (
	"bytes"
	"reflect"
	"unsafe"
)

const implementation = "swiss"

func encodeHeader(out *bytes.Buffer, header unsafe.Pointer) { encodeSwissHeader(out, header) }

func liveSlots(t reflect.Type, header unsafe.Pointer) []slot { return swissSlots(t, header) }

// Swiss maps have no state of growth between two operations.
func growing(header unsafe.Pointer) bool { return false }

func sameSizeGrowing(header unsafe.Pointer) bool { return false }
