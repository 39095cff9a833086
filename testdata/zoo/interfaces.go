package main

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"unsafe"
)

type point struct{ X, Y int }

func (p point) String() string { return fmt.Sprintf("(%d,%d)", p.X, p.Y) }

type level uint8

func (l level) String() string { return "level" }

type account struct{ owner string }

func (a *account) String() string { return a.owner }

type oneWord struct{ p *int }

func (o oneWord) String() string { return "one word" }

var (
	anyKeys     map[interface{}]interface{}
	anyElems    map[string]interface{}
	stringers   map[fmt.Stringer]fmt.Stringer
	failures    map[string]error
	anyArrays   map[[2]interface{}]int
	anyStructs  map[struct{ V interface{} }]string
	heapTypes   map[string]interface{}
	heapMap     interface{}
	heapMapOf   interface{}
	boxedWords  interface{}
	boxedStruct interface{}
)

func fillInterfaces() {
	number := 7
	fillAny(&number)
	stringers = map[fmt.Stringer]fmt.Stringer{
		point{1, 2}: level(3), level(200): &account{"ann"}, &account{"bob"}: nil, nil: point{}, oneWord{&number}: oneWord{},
	}
	failures = map[string]error{"nil": nil, "plain": errors.New("broken"), "wrapped": fmt.Errorf("at %d", 5)}
	anyArrays = map[[2]interface{}]int{{1, "one"}: 1, {nil, math.NaN()}: 2, {math.NaN(), nil}: 3}
	anyStructs = map[struct{ V interface{} }]string{{nil}: "nil", {uint8(1)}: "uint8", {math.NaN()}: "NaN"}
	fillHeapTypes()
	boxedWords = map[string]int{"boxed": 1}
	boxedStruct = struct {
		Limit int
		Inner map[string]point
	}{9, map[string]point{"origin": {}, "unit": {1, 1}}}
	addInterfaces()
	typedInterfaces()
}

func addInterfaces() {
	add("main.anyKeys", &anyKeys)
	add("main.anyElems", &anyElems)
	add("main.stringers", &stringers)
	add("main.failures", &failures)
	add("main.anyArrays", &anyArrays)
	add("main.anyStructs", &anyStructs)
	add("main.heapTypes", &heapTypes)
	addCopy("main.heapMap", heapMap, true)
	addCopy("main.heapMapOf", heapMapOf, true)
	addCopy("main.boxedWords", boxedWords, true)
	addCopy("main.boxedStruct.Inner", boxedStruct.(struct {
		Limit int
		Inner map[string]point
	}).Inner, true)
	addCopy(`main.anyElems["map"]`, anyElems["map"], false)
}

func fillAny(number *int) {
	channel := make(chan int)
	keys := []interface{}{
		nil, true, int(-1), int8(-8), int16(-16), int32(-32), int64(-64), uint(1), uint8(8), uint16(16), uint32(32), uint64(64),
		uintptr(0xabc), float32(0.1), 0.1, math.NaN(), math.NaN(), math.Inf(1), complex64(1 + 2i), 3 - 4i, "text", "", "\xff", Name("named"),
		Celsius(1.5), level(9), point{3, 4}, padded{A: 1, B: 2, c: true, D: 3}, struct{}{}, [0]int{}, [3]int8{1, 2, 3}, [1]string{"only"},
		number, oneWord{number}, [1]*int{number}, channel, unsafe.Pointer(number), exactly128{3: 3}, wideKey{Head: "wide"},
		struct{ A, B interface{} }{1, "b"}, &point{5, 6}, blankOnly{X: 5}, zeroTail{N: 6}, errors.New("as key"), rune('x'),
	}
	anyKeys = map[interface{}]interface{}{}
	for i, key := range keys {
		anyKeys[key] = keys[len(keys)-1-i]
	}
	anyElems = map[string]interface{}{
		"nil": nil, "map": map[string]int{"x": 1}, "nil map": map[string]int(nil), "slice": []interface{}{1, "a", nil, []byte("raw")},
		"func": plainFunction, "chan": make(<-chan string), "pointer": &anyKeys, "named map": Users{"z": nil}, "tree": Tree{"t": nil},
		"struct": User{1, "in interface", true, []string{}}, "bytes": []byte{0, 255}, "error": error(errors.New("e")),
		"nil pointer": (*User)(nil), "deep": map[string]interface{}{"deeper": map[int]interface{}{1: map[bool]interface{}{true: "bottom"}}},
		"array": [2]map[int]int{{1: 1}, nil}, "big": [40]int32{1}, "map of any": map[interface{}]interface{}{1: 2}, "float": -2.5,
		"anonymous": struct {
			A int `json:"a"`
			b string
		}{1, "tagged"},
	}
}

// Types that only reflect made: their descriptors are in the heap and in no DWARF.
func fillHeapTypes() {
	array := reflect.New(reflect.ArrayOf(5, reflect.TypeOf(point{}))).Elem()
	array.Index(3).Set(reflect.ValueOf(point{30, 40}))
	structure := reflect.New(reflect.StructOf([]reflect.StructField{
		{Name: "Code", Type: reflect.TypeOf(int16(0)), Tag: `json:"code"`},
		{Name: "Text", Type: reflect.TypeOf("")},
		{Name: "Users", Type: reflect.TypeOf(Users(nil))},
	})).Elem()
	structure.Field(0).SetInt(-5)
	structure.Field(1).SetString("made by reflect")
	slice := reflect.MakeSlice(reflect.SliceOf(array.Type()), 2, 3)
	slice.Index(1).Set(array)
	pointer := reflect.New(array.Type())
	channel := reflect.MakeChan(reflect.ChanOf(reflect.BothDir, array.Type()), 1)

	small := reflect.MakeMap(reflect.MapOf(reflect.TypeOf(int16(0)), array.Type()))
	small.SetMapIndex(reflect.ValueOf(int16(-3)), array)
	small.SetMapIndex(reflect.ValueOf(int16(4)), reflect.Zero(array.Type()))
	heapMap = small.Interface()
	large := reflect.MakeMap(reflect.MapOf(structure.Type().Field(1).Type, structure.Type()))
	for i := 0; i < 40; i++ {
		structure.Field(0).SetInt(int64(i))
		large.SetMapIndex(reflect.ValueOf(string(rune('0'+i))), structure)
	}
	heapMapOf = large.Interface()
	heapTypes = map[string]interface{}{
		"array": array.Interface(), "struct": structure.Interface(), "slice": slice.Interface(), "pointer": pointer.Interface(),
		"chan": channel.Interface(), "map": small.Interface(),
	}
}

func typedInterfaces() {
	typed(anyKeys, func(p unsafe.Pointer, each visitor) {
		for k, v := range *(*map[interface{}]interface{})(p) {
			k, v := k, v
			each(unsafe.Pointer(&k), unsafe.Pointer(&v))
		}
	})
	typed(anyArrays, func(p unsafe.Pointer, each visitor) {
		for k, v := range *(*map[[2]interface{}]int)(p) {
			k, v := k, v
			each(unsafe.Pointer(&k), unsafe.Pointer(&v))
		}
	})
	typed(anyStructs, func(p unsafe.Pointer, each visitor) {
		for k, v := range *(*map[struct{ V interface{} }]string)(p) {
			k, v := k, v
			each(unsafe.Pointer(&k), unsafe.Pointer(&v))
		}
	})
}
