package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"unicode/utf8"
	"unsafe"
)

// Nested maps are written out to this depth; it must be more than the tool's default.
const truthDepth = 6

// encodeValue appends the value of type t at p as the contract's JSON. It takes an address, not a reflect.Value, so that
// unexported fields and the words of chans and funcs are open to it.
func encodeValue(out *bytes.Buffer, t reflect.Type, p unsafe.Pointer, depth int) {
	switch t.Kind() {
	case reflect.Array:
		encodeSequence(out, t.Elem(), p, t.Len(), depth)
	case reflect.Slice:
		header := (*reflect.SliceHeader)(p)
		if header.Data == 0 {
			out.WriteString("null")
			return
		}
		encodeSequence(out, t.Elem(), *(*unsafe.Pointer)(p), header.Len, depth)
	case reflect.Struct:
		encodeStruct(out, t, p, depth)
	case reflect.Interface:
		encodeInterface(out, t, p, depth)
	case reflect.Map:
		encodeMap(out, t, p, depth)
	case reflect.Ptr, reflect.Chan, reflect.Func, reflect.UnsafePointer:
		encodeAddress(out, *(*unsafe.Pointer)(p))
	case reflect.String:
		encodeString(out, *(*string)(p))
	default:
		encodeScalar(out, reflect.NewAt(t, p).Elem())
	}
}

func encodeScalar(out *bytes.Buffer, v reflect.Value) {
	switch v.Kind() {
	case reflect.Bool:
		fmt.Fprint(out, v.Bool())
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		fmt.Fprint(out, v.Int())
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		fmt.Fprint(out, v.Uint())
	case reflect.Float32, reflect.Float64:
		encodeFloat(out, v.Float(), v.Type().Bits())
	case reflect.Complex64, reflect.Complex128:
		out.WriteByte('[')
		encodeFloat(out, real(v.Complex()), v.Type().Bits()/2)
		out.WriteByte(',')
		encodeFloat(out, imag(v.Complex()), v.Type().Bits()/2)
		out.WriteByte(']')
	default:
		panic("zoo: no JSON for " + v.Type().String())
	}
}

func encodeFloat(out *bytes.Buffer, f float64, bits int) {
	switch {
	case math.IsNaN(f):
		out.WriteString(`"NaN"`)
	case math.IsInf(f, 1):
		out.WriteString(`"+Inf"`)
	case math.IsInf(f, -1):
		out.WriteString(`"-Inf"`)
	default:
		out.WriteString(strconv.FormatFloat(f, 'g', -1, bits))
	}
}

func encodeString(out *bytes.Buffer, s string) {
	if !utf8.ValidString(s) {
		out.WriteString(`{"base64":"` + base64.StdEncoding.EncodeToString([]byte(s)) + `"}`)
		return
	}
	text, err := json.Marshal(s)
	if err != nil {
		panic(err)
	}
	out.Write(text)
}

func encodeAddress(out *bytes.Buffer, p unsafe.Pointer) {
	if p == nil {
		out.WriteString("null")
		return
	}
	fmt.Fprintf(out, `"0x%x"`, uintptr(p))
}

func encodeSequence(out *bytes.Buffer, elem reflect.Type, p unsafe.Pointer, length, depth int) {
	out.WriteByte('[')
	for i := 0; i < length; i++ {
		if i > 0 {
			out.WriteByte(',')
		}
		encodeValue(out, elem, unsafe.Pointer(uintptr(p)+uintptr(i)*elem.Size()), depth)
	}
	out.WriteByte(']')
}

func encodeStruct(out *bytes.Buffer, t reflect.Type, p unsafe.Pointer, depth int) {
	out.WriteByte('{')
	comma := ""
	for i := 0; i < t.NumField(); i++ {
		field := t.Field(i)
		if field.Name == "_" {
			continue
		}
		fmt.Fprintf(out, `%s"%s":`, comma, field.Name)
		encodeValue(out, field.Type, unsafe.Pointer(uintptr(p)+field.Offset), depth)
		comma = ","
	}
	out.WriteByte('}')
}

func encodeInterface(out *bytes.Buffer, t reflect.Type, p unsafe.Pointer, depth int) {
	v := reflect.NewAt(t, p).Elem()
	if v.IsNil() {
		out.WriteString("null")
		return
	}
	dynamic := v.Elem()
	held := reflect.New(dynamic.Type()).Elem()
	held.Set(dynamic)
	out.WriteString(`{"type":`)
	encodeString(out, dynamic.Type().String())
	out.WriteString(`,"value":`)
	encodeValue(out, dynamic.Type(), unsafe.Pointer(held.UnsafeAddr()), depth)
	out.WriteByte('}')
}

func encodeMap(out *bytes.Buffer, t reflect.Type, p unsafe.Pointer, depth int) {
	header := *(*unsafe.Pointer)(p)
	if header == nil {
		out.WriteString("null")
		return
	}
	fmt.Fprintf(out, `{"address":"0x%x","type":`, uintptr(header))
	encodeString(out, t.String())
	fmt.Fprintf(out, `,"len":%d`, reflect.NewAt(t, p).Elem().Len())
	if depth < truthDepth {
		out.WriteString(`,"entries":`)
		encodeEntries(out, t, p, depth+1)
	}
	out.WriteByte('}')
}

func encodeEntries(out *bytes.Buffer, t reflect.Type, p unsafe.Pointer, depth int) {
	out.WriteByte('[')
	comma := ""
	eachEntry(t, p, func(key, elem unsafe.Pointer) {
		out.WriteString(comma)
		encodeEntry(out, t, key, elem, depth)
		comma = ","
	})
	out.WriteByte(']')
}

func encodeEntry(out *bytes.Buffer, t reflect.Type, key, elem unsafe.Pointer, depth int) {
	out.WriteString(`{"key":`)
	encodeValue(out, t.Key(), key, depth)
	out.WriteString(`,"value":`)
	encodeValue(out, t.Elem(), elem, depth)
	out.WriteByte('}')
}

// A visitor gets the addresses of copies of a key and its elem.
type visitor func(key, elem unsafe.Pointer)

// Iterations written out for map types whose keys can hold a NaN, which MapIndex cannot find, and for large ones.
var typedIterations = map[reflect.Type]func(p unsafe.Pointer, each visitor){}

func typed(nilMap interface{}, iterate func(p unsafe.Pointer, each visitor)) {
	typedIterations[reflect.TypeOf(nilMap)] = iterate
}

// eachEntry visits every entry of the map whose word is at p.
func eachEntry(t reflect.Type, p unsafe.Pointer, each visitor) {
	if iterate := typedIterations[t]; iterate != nil {
		iterate(p, each)
		return
	}
	m := reflect.NewAt(t, p).Elem()
	for _, k := range m.MapKeys() {
		key := reflect.New(t.Key()).Elem()
		key.Set(k)
		elem := reflect.New(t.Elem()).Elem()
		elem.Set(m.MapIndex(k))
		each(unsafe.Pointer(key.UnsafeAddr()), unsafe.Pointer(elem.UnsafeAddr()))
	}
}
