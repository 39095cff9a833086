package main

import (
	"fmt"
	"reflect"
	"time"
	"unsafe"
)

var (
	stringerType = reflect.TypeOf((*fmt.Stringer)(nil)).Elem()
	errorType    = reflect.TypeOf((*error)(nil)).Elem()
	timeType     = reflect.TypeOf(time.Time{})
)

func mix(n uint64) uint64 {
	n ^= n >> 31
	n *= 0x7fb5d329728ea185
	n ^= n >> 27
	n *= 0x81dadef4bc2dd44d
	return n ^ n>>33
}

// fill sets a value to the n-th of its type. Numbers, strings and what is made of them are different for different n; maps
// in it are nil or new ones, which are recorded.
func fill(v reflect.Value, n uint64) {
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(n&1 != 0)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		v.SetInt(int64(n*0x9e3779b97f4a7c15+1) << (64 - uint(v.Type().Bits())) >> (64 - uint(v.Type().Bits())))
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		v.SetUint((n*0x9e3779b97f4a7c15 + 1) << (64 - uint(v.Type().Bits())) >> (64 - uint(v.Type().Bits())))
	case reflect.Float32, reflect.Float64:
		v.SetFloat(float64(n) + 0.5)
	case reflect.Complex64, reflect.Complex128:
		v.SetComplex(complex(float64(n), -1))
	case reflect.String:
		v.SetString(text(n))
	case reflect.Array:
		fillElements(v, n)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), int(n%4), int(n%4)+1))
		fillElements(v, n)
	case reflect.Struct:
		fillFields(v, n)
	case reflect.Interface:
		fillInterface(v, n)
	default:
		fillReference(v, n)
	}
}

func text(n uint64) string {
	if n%5 == 4 {
		return fmt.Sprintf("a longer text, that has the number %d in it", n)
	}
	return fmt.Sprintf("text %d", n)
}

func fillElements(v reflect.Value, n uint64) {
	for i := 0; i < v.Len(); i++ {
		fill(v.Index(i), n+uint64(i))
	}
}

func fillFields(v reflect.Value, n uint64) {
	if v.Type() == timeType {
		v.Set(reflect.ValueOf(time.Unix(int64(n), 0).UTC()))
		return
	}
	for i := 0; i < v.NumField(); i++ {
		fill(v.Field(i), n)
	}
}

func fillInterface(v reflect.Value, n uint64) {
	switch {
	case v.Type() == errorType || v.Type() == stringerType && n%2 == 0:
		v.Set(reflect.ValueOf(point{int32(n), 1}))
	case v.Type() == stringerType:
		v.Set(reflect.ValueOf(number(n)))
	case n%4 == 0:
		v.Set(reflect.ValueOf(text(n)))
	case n%4 == 1:
		v.Set(reflect.ValueOf(float64(n)))
	case n%4 == 2:
		v.Set(reflect.ValueOf(point{int32(n), 2}))
	default:
		v.Set(reflect.ValueOf(int(n)))
	}
}

func fillReference(v reflect.Value, n uint64) {
	switch v.Kind() {
	case reflect.Ptr:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), n)
	case reflect.Map:
		if n%16 < 2 {
			v.Set(makeMap(v.Type(), int(n%3), 0, n))
			record(v, "inside", 0)
		}
	case reflect.Chan:
		v.Set(reflect.MakeChan(v.Type(), 1))
	case reflect.Func:
		v.Set(reflect.ValueOf(func() int { return int(n) }))
	case reflect.UnsafePointer:
		v.SetPointer(unsafe.Pointer(new(int)))
	}
}

// How many different keys fill makes of a type.
func variety(t reflect.Type) int {
	switch t.Kind() {
	case reflect.Bool:
		return 2
	case reflect.Int8, reflect.Uint8:
		return 256
	case reflect.Int16, reflect.Uint16:
		return 1 << 16
	case reflect.Array:
		return variety(t.Elem())
	}
	return 1 << 30
}

// holdsMaps says whether fill makes maps for such a value: if so, entries must not be deleted, as they are recorded as live.
func holdsMaps(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Map:
		return true
	case reflect.Ptr, reflect.Slice, reflect.Array:
		return holdsMaps(t.Elem())
	case reflect.Struct:
		for i := 0; i < t.NumField() && t != timeType; i++ {
			if holdsMaps(t.Field(i).Type) {
				return true
			}
		}
	}
	return false
}

// makeMap makes a map of this many entries, after as many more as `deleted` were there.
func makeMap(t reflect.Type, size, deleted int, n uint64) reflect.Value {
	m := reflect.MakeMap(t)
	fillMap(m, size, deleted, n)
	return m
}

func fillMap(m reflect.Value, size, deleted int, n uint64) {
	t := m.Type()
	if size+deleted > variety(t.Key()) {
		size, deleted = variety(t.Key()), 0
	}
	if holdsMaps(t.Elem()) || holdsMaps(t.Key()) {
		deleted = 0
	}
	for i := 0; i < size+deleted; i++ {
		key, elem := reflect.New(t.Key()).Elem(), reflect.New(t.Elem()).Elem()
		fill(key, n%2+uint64(i))
		fill(elem, n+uint64(i))
		m.SetMapIndex(key, elem)
	}
	if deleted > 0 {
		for _, key := range m.MapKeys()[:deleted] {
			m.SetMapIndex(key, reflect.Value{})
		}
	}
}
