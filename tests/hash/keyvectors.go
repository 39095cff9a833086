// Keyvectors prints how maps of its own Go runtime hash keys of many types, with what is needed to hash them again.
// Lines:
//
//	state, schedule, hashkey         as hashvectors.go prints them
//	mem ADDRESS BYTES                what strings and interfaces point to
//	dyn ADDRESS VALUE INSIDE TYPE    the interface value at ADDRESS holds a TYPE, which lies at VALUE
//	key HOW TYPE ADDRESS BYTES SEED HASH   HOW: compiler or typehash (a map type by reflect.MapOf)
//
// A TYPE is KIND FLAGS : SIZE, then for an array [LENGTH,ELEM], for a struct {NAME@OFFSET=TYPE;...}.
// FLAGS: r for tflagRegularMemory, m for an interface with methods.
package main

import (
	"bytes"
	"fmt"
	"math"
	"reflect"
	"unsafe"
)

type (
	plain  struct{ a, b int32 }
	three  struct{ a, b, c int16 }
	padded struct {
		a int8
		b int64
	}
	tail struct {
		a int64
		b int8
	}
	blank struct {
		a int32
		_ int32
		b int32
	}
	onlyBlank struct{ _ int32 }
	mixed     struct {
		a int64
		s string
		b int32
		c int32
	}
	floats struct {
		f float32
		a int32
		g float64
	}
	inner struct {
		s string
		n int32
		m int32
	}
	nested struct {
		a int64
		i inner
		b int32
		c uint8
	}
	oneString struct{ s string }
	empties   struct {
		a int32
		e struct{}
		b int32
		s string
		z struct{}
	}
	emptyBetween struct {
		s string
		e struct{}
		t string
	}
	run struct {
		x uint8
		y uint8
		z uint16
		s string
		p uint8
		q uint32
		r uint64
	}
	withAny struct {
		n int32
		v interface{}
		m int8
	}
	cell struct {
		n int64
		s string
	}
	arrays struct {
		a int32
		s [3]string
		b [5]float32
		c [2]plain
	}
	method int
	named  struct {
		method
		name string
	}
)

func (m method) String() string { return "m" }

type stringer interface{ String() string }

func main() {
	prepare()
	printState()
	printKeys(map[bool]bool{true: true, false: true})
	printKeys(map[uint16]bool{1: true, 0xfedc: true})
	printKeys(map[int32]bool{-5: true, 7: true})
	printKeys(map[uint64]bool{3: true, 1 << 60: true})
	printKeys(map[uintptr]bool{3: true})
	printKeys(map[*int]bool{new(int): true, nil: true})
	printKeys(map[chan int]bool{nil: true, make(chan int): true})
	printKeys(map[string]bool{"": true, "x": true, "a string longer than sixteen bytes": true})
	printKeys(map[float32]bool{0: true, 1.5: true, float32(math.Copysign(0, -1)): true})
	printKeys(map[float64]bool{0: true, -1.5: true, math.Inf(1): true})
	printKeys(map[complex64]bool{0: true, 1 + 2i: true, 2i: true})
	printKeys(map[complex128]bool{0: true, 1 + 2i: true, 1: true})
	printKeys(map[[0]int]bool{{}: true})
	printKeys(map[struct{}]bool{{}: true})
	printKeys(map[[3]byte]bool{{1, 2, 3}: true})
	printKeys(map[[4]byte]bool{{1, 2, 3, 4}: true})
	printKeys(map[[8]byte]bool{{1, 2, 3, 4, 5, 6, 7, 8}: true})
	printKeys(map[[16]byte]bool{{1: 5}: true})
	printKeys(map[[200]byte]bool{{9: 3, 199: 1}: true})
	printKeys(map[plain]bool{{1, 2}: true})
	printKeys(map[three]bool{{1, 2, 3}: true})
	printKeys(map[padded]bool{{1, 2}: true})
	printKeys(map[tail]bool{{1, 2}: true})
	printKeys(map[blank]bool{{a: 1, b: 2}: true})
	printKeys(map[onlyBlank]bool{{}: true})
	printKeys(map[[3]onlyBlank]bool{{}: true})
	printKeys(map[mixed]bool{{1, "s", 2, 3}: true, {}: true})
	printKeys(map[floats]bool{{1, 2, 3}: true, {}: true})
	printKeys(map[inner]bool{{"inner", 1, 2}: true})
	printKeys(map[nested]bool{{1, inner{"in", 2, 3}, 4, 5}: true})
	printKeys(map[oneString]bool{{"one"}: true})
	printKeys(map[[1]oneString]bool{{{"one"}}: true})
	printKeys(map[empties]bool{{1, struct{}{}, 2, "e", struct{}{}}: true})
	printKeys(map[emptyBetween]bool{{"a", struct{}{}, "b"}: true})
	printKeys(map[run]bool{{1, 2, 3, "run", 4, 5, 6}: true})
	printKeys(map[arrays]bool{{1, [3]string{"a", "", "c"}, [5]float32{1, 0, 3}, [2]plain{{1, 2}, {3, 4}}}: true})
	printKeys(map[[2]string]bool{{"x", "y"}: true})
	printKeys(map[[7]string]bool{{"x", "y", "z", "a", "b", "c", "d"}: true})
	printKeys(map[[9]float32]bool{{1, 2, 3, 4, 5, 6, 7, 8, 9}: true})
	printKeys(map[[16]float32]bool{{1, 2, 3, 4, 5, 6, 7, 8, 9}: true})
	printKeys(map[[8]float64]bool{{1, 2, 3, 4, 5, 6, 7, 8}: true})
	printKeys(map[[5]padded]bool{{{1, 2}, {3, 4}, {5, 6}, {7, 8}, {9, 10}}: true})
	printKeys(map[[3]cell]bool{{{1, "a"}, {2, "b"}, {3, "c"}}: true})
	printKeys(map[[2][3]blank]bool{{{{a: 1, b: 2}}, {{a: 3, b: 4}}}: true})
	printKeys(map[[6]inner]bool{{{"p", 1, 2}, {"q", 3, 4}}: true})
	printKeys(map[withAny]bool{{1, "v", 2}: true, {1, 5.5, 2}: true})
	printKeys(map[[3]interface{}]bool{{1, "v", nil}: true})
	printKeys(map[interface{}]bool{
		nil: true, 1: true, "s": true, int8(3): true, uint64(9): true, 2.5: true, float32(0): true, 1 + 2i: true,
		plain{1, 2}: true, three{1, 2, 3}: true, padded{1, 2}: true, tail{1, 2}: true, blank{a: 1, b: 2}: true,
		onlyBlank{}: true, mixed{1, "s", 2, 3}: true, floats{1, 2, 3}: true, nested{1, inner{"in", 2, 3}, 4, 5}: true,
		oneString{"o"}: true, [2]string{"a", "b"}: true, [3]byte{1}: true, [0]int{}: true, struct{}{}: true,
		new(int): true, [1]*int{new(int)}: true, struct{ p *int }{new(int)}: true, make(chan int): true,
		withAny{1, withAny{2, "deep", 3}, 4}: true, [5]padded{{1, 2}}: true, run{1, 2, 3, "run", 4, 5, 6}: true,
		emptyBetween{"a", struct{}{}, "b"}: true, arrays{}: true, method(5): true, "": true,
	})
	printKeys(map[stringer]bool{nil: true, method(4): true, named{3, "n"}: true, &named{3, "n"}: true})
}

func printKeys(m interface{}) {
	compiled := hasherOf(m)
	key := reflect.TypeOf(m).Key()
	// An element type that no map in this program has, or MapOf gives the compiler's map type.
	mapOf := reflect.MapOf(key, reflect.TypeOf([77]int16{}))
	made := hasherOf(reflect.Zero(mapOf).Interface())
	for i, k := range reflect.ValueOf(m).MapKeys() {
		p := reflect.New(key)
		p.Elem().Set(k)
		address := p.Pointer()
		printMemory(p.Elem(), address)
		seed := seedOf(i)
		described := describe(key)
		data := bytesAt(address, int(key.Size()))
		fmt.Printf("key compiler %s %x %x- %x %x\n", described, address, data, uint64(seed), uint64(compiled(at(address), seed)))
		fmt.Printf("key typehash %s %x %x- %x %x\n", described, address, data, uint64(seed), uint64(made(at(address), seed)))
		kept = append(kept, p)
	}
}

var kept []reflect.Value

func descriptor(t reflect.Type) uintptr {
	return (*[2]uintptr)(unsafe.Pointer(&t))[1]
}

func describe(t reflect.Type) string {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%d", t.Kind())
	if minor >= 14 && bytesAt(descriptor(t)+2*wordSize+4, 1)[0]&8 != 0 {
		b.WriteByte('r')
	}
	if t.Kind() == reflect.Interface && t.NumMethod() > 0 {
		b.WriteByte('m')
	}
	fmt.Fprintf(&b, ":%d", t.Size())
	switch t.Kind() {
	case reflect.Array:
		fmt.Fprintf(&b, "[%d,%s]", t.Len(), describe(t.Elem()))
	case reflect.Struct:
		b.WriteByte('{')
		for i := 0; i < t.NumField(); i++ {
			f := t.Field(i)
			fmt.Fprintf(&b, "%s@%d=%s;", f.Name, f.Offset, describe(f.Type))
		}
		b.WriteByte('}')
	}
	return b.String()
}

func isDirect(t reflect.Type) bool {
	if minor >= 26 {
		return bytesAt(descriptor(t)+2*wordSize+4, 1)[0]&32 != 0
	}
	return bytesAt(descriptor(t)+2*wordSize+7, 1)[0]&32 != 0
}

// Everything that hashing the value at address will read beyond it.
func printMemory(v reflect.Value, address uintptr) {
	switch v.Kind() {
	case reflect.String:
		if n := v.Len(); n > 0 {
			data := word(address)
			fmt.Printf("mem %x %x\n", data, bytesAt(data, n))
		}
	case reflect.Array:
		for i := 0; i < v.Len(); i++ {
			printMemory(v.Index(i), address+uintptr(i)*v.Type().Elem().Size())
		}
	case reflect.Struct:
		for i := 0; i < v.NumField(); i++ {
			printMemory(v.Field(i), address+v.Type().Field(i).Offset)
		}
	case reflect.Interface:
		if v.IsNil() {
			return
		}
		t := v.Elem().Type()
		inside, value := isDirect(t), address+wordSize
		if !inside {
			value = word(value)
			if t.Size() > 0 {
				fmt.Printf("mem %x %x\n", value, bytesAt(value, int(t.Size())))
			}
		}
		fmt.Printf("dyn %x %x %v %s\n", address, value, inside, describe(t))
		printMemory(v.Elem(), value)
	}
}
