package main

import (
	"math"
	"strings"
	"unsafe"
)

// A map of every scalar key and elem kind.

var words map[string]int

var (
	boolToInt8       map[bool]int8
	intToBool        map[int]bool
	int8ToInt16      map[int8]int16
	int16ToInt32     map[int16]int32
	int32ToInt64     map[int32]int64
	int64ToUint8     map[int64]uint8
	uintToUint16     map[uint]uint16
	uint8ToUint32    map[uint8]uint32
	uint16ToUint64   map[uint16]uint64
	uint32ToUintptr  map[uint32]uintptr
	uint64ToUint     map[uint64]uint
	uintptrToInt     map[uintptr]int
	float32ToFloat64 map[float32]float64
	float64ToFloat32 map[float64]float32
	complex64Keys    map[complex64]complex128
	complex128Keys   map[complex128]complex64
	strangeStrings   map[string]string
)

func fillScalars() {
	words = map[string]int{"a": 1, "b": 2, "c": 3}
	add("main.words", &words)
	fillIntegers()
	fillFloats()
	fillStrings()
}

const (
	maxUint = ^uint(0)
	maxInt  = int(maxUint >> 1)
)

func fillIntegers() {
	boolToInt8 = map[bool]int8{true: math.MaxInt8, false: math.MinInt8}
	intToBool = map[int]bool{-maxInt - 1: true, maxInt: false, 0: true}
	int8ToInt16 = map[int8]int16{math.MinInt8: math.MinInt16, math.MaxInt8: math.MaxInt16, 0: 0, -1: -1}
	int16ToInt32 = map[int16]int32{math.MinInt16: math.MinInt32, math.MaxInt16: math.MaxInt32, 1: 1}
	int32ToInt64 = map[int32]int64{math.MinInt32: math.MinInt64, math.MaxInt32: math.MaxInt64, -7: -7}
	int64ToUint8 = map[int64]uint8{math.MinInt64: 0, math.MaxInt64: math.MaxUint8, 5: 'x'}
	uintToUint16 = map[uint]uint16{0: 0, maxUint: math.MaxUint16}
	uint8ToUint32 = map[uint8]uint32{}
	for i := 0; i < 256; i++ {
		uint8ToUint32[uint8(i)] = math.MaxUint32 - uint32(i)
	}
	uint16ToUint64 = map[uint16]uint64{0: 1<<53 + 1, math.MaxUint16: math.MaxUint64}
	uint32ToUintptr = map[uint32]uintptr{0: 1, math.MaxUint32: ^uintptr(0)}
	uint64ToUint = map[uint64]uint{0: 0, math.MaxUint64: maxUint, 1 << 53: maxUint>>10 + 2}
	uintptrToInt = map[uintptr]int{0xdeadbeef: -1, 0: 1}
	add("main.boolToInt8", &boolToInt8)
	add("main.intToBool", &intToBool)
	add("main.int8ToInt16", &int8ToInt16)
	add("main.int16ToInt32", &int16ToInt32)
	add("main.int32ToInt64", &int32ToInt64)
	add("main.int64ToUint8", &int64ToUint8)
	add("main.uintToUint16", &uintToUint16)
	add("main.uint8ToUint32", &uint8ToUint32)
	add("main.uint16ToUint64", &uint16ToUint64)
	add("main.uint32ToUintptr", &uint32ToUintptr)
	add("main.uint64ToUint", &uint64ToUint)
	add("main.uintptrToInt", &uintptrToInt)
}

func fillFloats() {
	negativeZero := math.Copysign(0, -1)
	float64ToFloat32 = map[float64]float32{
		negativeZero: 0.1, math.Inf(1): float32(math.Inf(-1)), math.Inf(-1): float32(negativeZero), 0.1: 3.4028235e38,
		math.MaxFloat64: 1e-45, math.SmallestNonzeroFloat64: 16777216, 1e21: 1e21, 123456789: 1e20, -2.5: float32(math.NaN()),
	}
	for i := 0; i < 5; i++ {
		float64ToFloat32[math.NaN()] = float32(i)
	}
	float32ToFloat64 = map[float32]float64{
		0: negativeZero, float32(math.Inf(1)): math.Inf(-1), 0.1: 0.1, 1e-45: math.SmallestNonzeroFloat64,
		3.4028235e38: math.MaxFloat64, 1.5: math.NaN(), 16777216: 1.0 / 3,
	}
	for i := 0; i < 3; i++ {
		float32ToFloat64[float32(math.NaN())] = 100 + float64(i)
	}
	nan := math.NaN()
	complex64Keys = map[complex64]complex128{
		1 + 2i: 3 - 4i, 0: complex(negativeZero, math.Inf(1)), complex(0.1, -0.1): complex(nan, 0),
		complex64(complex(nan, 1)): 1, complex64(complex(nan, 1)) + 1: 2,
	}
	complex128Keys = map[complex128]complex64{0.1 + 0.2i: 0.1 + 0.2i, complex(math.Inf(-1), 1e300): -1i, complex(1, nan): 9}
	add("main.float64ToFloat32", &float64ToFloat32)
	add("main.float32ToFloat64", &float32ToFloat64)
	add("main.complex64Keys", &complex64Keys)
	add("main.complex128Keys", &complex128Keys)
}

func fillStrings() {
	strangeStrings = map[string]string{
		"":                           "empty key",
		"empty elem":                 "",
		strings.Repeat("long ", 40):  strings.Repeat("x", 200),
		"invalid \xff\xfe utf-8":     "\xc0\x80 \xed\xa0\x80 \xf4\x90\x80\x80",
		"cut off \xe2\x82":           "ok",
		"control \x00\x01\x07\b\r\n": "\t\x7f\u0085\u009b31m",
		`quotes "'` + "`":            `back\slash and "quotes" </script>`,
		"\x1b[31mred\x1b[0m":         "\x1b]0;title\x07",
		"naïve 世界 🙂":                 "\u202eright to left\u202c, \u2028 line, \ufeff bom, \U0010ffff last",
	}
	add("main.strangeStrings", &strangeStrings)
}

func init() {
	typed(map[float64]float32(nil), func(p unsafe.Pointer, each visitor) {
		for k, v := range *(*map[float64]float32)(p) {
			k, v := k, v
			each(unsafe.Pointer(&k), unsafe.Pointer(&v))
		}
	})
	typed(map[float32]float64(nil), func(p unsafe.Pointer, each visitor) {
		for k, v := range *(*map[float32]float64)(p) {
			k, v := k, v
			each(unsafe.Pointer(&k), unsafe.Pointer(&v))
		}
	})
	typed(map[complex64]complex128(nil), func(p unsafe.Pointer, each visitor) {
		for k, v := range *(*map[complex64]complex128)(p) {
			k, v := k, v
			each(unsafe.Pointer(&k), unsafe.Pointer(&v))
		}
	})
	typed(map[complex128]complex64(nil), func(p unsafe.Pointer, each visitor) {
		for k, v := range *(*map[complex128]complex64)(p) {
			k, v := k, v
			each(unsafe.Pointer(&k), unsafe.Pointer(&v))
		}
	})
}
