//go:build go1.9
// +build go1.9

package main

import (
	"reflect"
	"sync"
	"unsafe"
)

var (
	syncMap  sync.Map
	syncMaps []*sync.Map
	syncKeys sync.Map
	syncRack = []struct {
		label string
		m     sync.Map
	}{{label: "upper"}, {label: "middle"}, {label: "lower"}} // the linker lays out the array
)

func init() {
	optionalPlaces = append(optionalPlaces, optionalPlace{"sync.Map value", func(value interface{}) {
		syncMap.Store(len(notes), value)
	}}, optionalPlace{"sync.Map value, behind a pointer", func(value interface{}) {
		m := new(sync.Map)
		m.Store("the map", value)
		m.Store("a number", 1)
		m.Load("a number")
		syncMaps = append(syncMaps, m)
		recordAddress(uintptr(unsafe.Pointer(m)), 2, reflect.TypeOf(*m), "sync.Map", 0)
	}}, optionalPlace{"sync.Map key", func(value interface{}) {
		syncKeys.Store(&struct{ held interface{} }{value}, true)
	}})
	syncRack[0].m.Store("upper", 1)
	syncRack[2].m.Store("lower", 1)
	atTheEnd = append(atTheEnd, func() {
		for _, m := range []*sync.Map{&syncMap, &syncKeys, &syncRack[0].m, &syncRack[2].m} {
			size := 0
			m.Range(func(_, _ interface{}) bool {
				size++
				return true
			})
			recordAddress(uintptr(unsafe.Pointer(m)), size, reflect.TypeOf(m).Elem(), "sync.Map", 0)
		}
	})
}
