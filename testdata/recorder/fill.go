package main

import (
	"fmt"
	"math"
	"reflect"
	"unsafe"
)

type (
	packed struct{ a, b int32 }
	padded struct {
		a int8
		b int64
		c int16
	}
	blank struct {
		a int32
		_ int32
		b int64
	}
	mixed struct {
		s string
		i int16
		f float64
		v interface{}
	}
	nested struct {
		p padded
		w packed
	}
	word  struct{ s string }
	wide  struct{ a, b, c, d, e uint64 }
	large struct {
		s string
		b [130]byte
	}
	text   string
	number int64
	letter [2]byte
)

func (t text) String() string    { return string(t) }
func (n number) String() string  { return fmt.Sprint(int64(n)) }
func (l letter) String() string  { return string(l[:]) }
func (p *packed) String() string { return "packed" }
func (w wide) String() string    { return "wide" }
func (w word) String() string    { return w.s }

// What an interface may hold.
var dynamic = []reflect.Type{
	reflect.TypeOf(false), reflect.TypeOf(0), reflect.TypeOf(int8(0)), reflect.TypeOf(int16(0)), reflect.TypeOf(int32(0)),
	reflect.TypeOf(int64(0)), reflect.TypeOf(uint(0)), reflect.TypeOf(uint8(0)), reflect.TypeOf(uint16(0)),
	reflect.TypeOf(uint32(0)), reflect.TypeOf(uint64(0)), reflect.TypeOf(uintptr(0)), reflect.TypeOf(float32(0)),
	reflect.TypeOf(0.0), reflect.TypeOf(complex64(0)), reflect.TypeOf(0i), reflect.TypeOf(""), reflect.TypeOf([2]string{}),
	reflect.TypeOf([3]int16{}), reflect.TypeOf([1]float64{}), reflect.TypeOf(struct{}{}), reflect.TypeOf(packed{}),
	reflect.TypeOf(padded{}), reflect.TypeOf(nested{}), reflect.TypeOf(word{}), reflect.TypeOf(wide{}), reflect.TypeOf(large{}),
	reflect.TypeOf(text("")), reflect.TypeOf(number(0)), reflect.TypeOf(letter{}), reflect.TypeOf(&packed{}),
	reflect.TypeOf(make(chan int)), reflect.TypeOf(unsafe.Pointer(nil)), reflect.TypeOf(mixed{}),
}

func mix(n uint64) uint64 {
	n ^= n >> 31
	n *= 0x7fb5d329728ea185
	n ^= n >> 27
	n *= 0x81dadef4bc2dd44d
	return n ^ n>>33
}

// Sets a value to the n-th of its type. The twin of a value is equal to it, in other bytes where there are such.
func fill(v reflect.Value, n uint64, twin bool) {
	r := mix(n)
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(r&1 != 0)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		v.SetInt(int64(r) << (64 - uint(v.Type().Bits())) >> (64 - uint(v.Type().Bits())))
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		v.SetUint(r >> (64 - uint(v.Type().Bits())))
	case reflect.Float32, reflect.Float64:
		v.SetFloat(float(r, twin))
	case reflect.Complex64, reflect.Complex128:
		v.SetComplex(complex(float(r, twin), float(mix(r), twin)))
	case reflect.String:
		v.SetString(characters(r))
	case reflect.Array:
		for i := 0; i < v.Len(); i++ {
			fill(v.Index(i), r+uint64(i), twin)
		}
	case reflect.Struct:
		for i := 0; i < v.NumField(); i++ {
			field := reflect.NewAt(v.Field(i).Type(), unsafe.Pointer(v.Field(i).UnsafeAddr())).Elem()
			if v.Type().Field(i).Name != "_" {
				fill(field, r+uint64(i), twin)
			} else if twin {
				fill(field, r, false) // blank fields are not part of the value
			}
		}
	case reflect.Interface:
		fillInterface(v, r, twin)
	default:
		fillReference(v, r)
	}
}

func float(r uint64, twin bool) float64 {
	switch r % 16 {
	case 0:
		if twin {
			return math.Copysign(0, -1)
		}
		return 0
	case 1:
		return math.Inf(int(r>>8&2) - 1)
	}
	return float64(int32(r>>16)) / 256
}

// Mostly short strings, some empty ones, some long; each in its own memory.
func characters(r uint64) string {
	length := int(r >> 8 % 36)
	if r%32 == 0 {
		length = int(r >> 8 % 300)
	}
	bytes := make([]byte, length)
	for i := range bytes {
		if i%8 == 0 {
			r = mix(r)
		}
		bytes[i] = byte(r >> (8 * uint(i%8)))
	}
	return string(bytes)
}

func fillInterface(v reflect.Value, r uint64, twin bool) {
	if r%64 == 0 {
		return
	}
	for at := r >> 8; ; at++ {
		t := dynamic[at%uint64(len(dynamic))]
		if !t.Implements(v.Type()) {
			continue
		}
		value := reflect.New(t).Elem()
		fill(value, r>>16, twin)
		v.Set(value)
		return
	}
}

func fillReference(v reflect.Value, r uint64) {
	if r%64 == 0 {
		return
	}
	switch v.Kind() {
	case reflect.Ptr:
		v.Set(reflect.New(v.Type().Elem()))
	case reflect.UnsafePointer:
		v.SetPointer(unsafe.Pointer(new(int)))
	case reflect.Chan:
		v.Set(reflect.MakeChan(v.Type(), 0))
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), int(r%4), int(r%4)))
	}
}

// Fills a slice of keys: the second half are the twins of the first.
func fillTwins(slice reflect.Value) {
	half := slice.Len() / 2
	for i := 0; i < half; i++ {
		fill(slice.Index(i), uint64(i), false)
		fill(slice.Index(half+i), uint64(i), true)
	}
	if references(slice.Type().Elem()) {
		for i := 0; i < half; i++ {
			slice.Index(half + i).Set(slice.Index(i))
		}
	}
}

// Whether two values filled alike may be different ones: new pointers are.
func references(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Ptr, reflect.UnsafePointer, reflect.Chan:
		return true
	case reflect.Array:
		return references(t.Elem())
	}
	return false
}

func fillAll(slice reflect.Value) {
	for i := 0; i < slice.Len(); i++ {
		fill(slice.Index(i), uint64(i)+1000003, false)
	}
}

// Whether k == k for all keys of the type: then the compiler takes a loop that deletes all keys for a clear.
func reflexive(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Float32, reflect.Float64, reflect.Complex64, reflect.Complex128, reflect.Interface:
		return false
	case reflect.Array:
		return reflexive(t.Elem())
	case reflect.Struct:
		for i := 0; i < t.NumField(); i++ {
			if !reflexive(t.Field(i).Type) {
				return false
			}
		}
	}
	return true
}

// How many keys of that size there may be for so many operations, in pairs.
func keyCount(operations int, size uintptr) int {
	most := int((4 << 20) / (size + 1))
	if operations > most {
		operations = most
	}
	return operations/2*2 + 16
}
