//go:build go1.24
// +build go1.24

package main

import (
	"reflect"
	"runtime"
)

func init() {
	optionalPlaces = append(optionalPlaces, optionalPlace{"cleanup", func(value interface{}) {
		a := &anchor{new(int)}
		anchors = append(anchors, a)
		runtime.AddCleanup(a, func(v interface{}) { use(reflect.ValueOf(v).Len()) }, value)
	}})
}
