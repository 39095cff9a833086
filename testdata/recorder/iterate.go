//go:build go1.18
// +build go1.18

package main

import (
	"reflect"
	"unsafe"
)

// An iteration as a range loop does it, that can be asked where it began.
type iteration interface {
	next() unsafe.Pointer // the key; nil at the end
	start() (a, b uint64)
}

// reflect's iterator has the runtime's in it (reflect/value.go, reflect/map*.go); its first word is the pointer to the key.
type reflectIteration struct {
	reflect.MapIter
}

var hiter, _ = reflect.TypeOf(reflect.MapIter{}).FieldByName("hiter")

func newIteration(m interface{}) iteration {
	return &reflectIteration{*reflect.ValueOf(m).MapRange()}
}

func (it *reflectIteration) at(offset uintptr) unsafe.Pointer {
	return unsafe.Pointer(uintptr(unsafe.Pointer(&it.MapIter)) + hiter.Offset + offset)
}

func (it *reflectIteration) next() unsafe.Pointer {
	if !it.Next() {
		return nil
	}
	return *(*unsafe.Pointer)(it.at(0))
}

func (it *reflectIteration) field(name string) uint64 {
	field, _ := hiter.Type.FieldByName(name)
	at := it.at(field.Offset)
	switch field.Type.Size() {
	case 1:
		return uint64(*(*uint8)(at))
	case 4:
		return uint64(*(*uint32)(at))
	}
	return *(*uint64)(at)
}

// Classic: bucket and slot. Swiss: the offsets of entries and of the directory.
func (it *reflectIteration) start() (a, b uint64) {
	if _, classic := hiter.Type.FieldByName("startBucket"); classic {
		return it.field("startBucket"), it.field("offset")
	}
	return it.field("entryOffset"), it.field("dirOffset")
}
