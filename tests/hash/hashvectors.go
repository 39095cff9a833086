// Hashvectors prints what the hash functions of its own Go runtime give, for test_hash.c to compare with.
// It must build with every Go from 1.8 on, so it asks nothing of go:linkname: the hash functions come out of the map
// type descriptors, and the state from the addresses in the symbol table.
//
//	hashvectors [noaes]
//
// noaes turns AES off in Go 1.8 ... 1.11, where GODEBUG=cpu.aes=off has no effect yet.
package main

import (
	"fmt"
	"math"
	"reflect"
	"runtime"
	"unsafe"
)

func main() {
	prepare()
	printState()
	printStrings()
	printNumbers()
}

// strhash is memhash over the string's bytes; lengths 0 ... 300 and a few long ones.
func printStrings() {
	hash := hasherOf(map[string]bool{})
	buffer := make([]byte, 1<<18)
	for n := 0; n <= 300; n++ {
		printString(hash, buffer, n)
	}
	for _, n := range []int{511, 512, 513, 640, 1000, 4096, 65535, 65536, 65537, 131073} {
		printString(hash, buffer, n)
	}
}

func printString(hash hasher, buffer []byte, n int) {
	data := buffer[n*37%4096:][:n]
	for i := range data {
		data[i] = byte(splitmix(uint64(n*1000 + i)))
	}
	header := reflect.StringHeader{Data: uintptr(unsafe.Pointer(&buffer[n*37%4096])), Len: n}
	fmt.Printf("m %d %x\n", n, uint64(hash(unsafe.Pointer(&header), seedOf(n))))
	runtime.KeepAlive(buffer)
}

func printNumbers() {
	hash32, hash64 := hasherOf(map[int32]bool{}), hasherOf(map[int64]bool{})
	float32s, float64s := hasherOf(map[float32]bool{}), hasherOf(map[float64]bool{})
	varlen, three := hasherOf(map[[24]byte]bool{}), hasherOf(map[[3]byte]bool{})
	for i := 0; i < 24; i++ {
		v64 := splitmix(uint64(7000 + i))
		if i == 0 {
			v64 = 0
		}
		v32 := uint32(v64)
		seed := seedOf(i)
		fmt.Printf("i4 %x %x\n", v32, uint64(hash32(unsafe.Pointer(&v32), seed)))
		fmt.Printf("i8 %x %x\n", v64, uint64(hash64(unsafe.Pointer(&v64), seed)))
		f64 := float64(int64(v64)) / 1024
		f32 := float32(f64)
		if i == 1 {
			f64 = math.Copysign(0, -1)
			f32 = float32(f64)
		}
		if i == 2 {
			f64 = math.NaN()
			f32 = float32(f64)
		}
		fmt.Printf("f4 %x %x\n", *(*uint32)(unsafe.Pointer(&f32)), hashOrNaN(f64, float32s, unsafe.Pointer(&f32), seed))
		fmt.Printf("f8 %x %x\n", *(*uint64)(unsafe.Pointer(&f64)), hashOrNaN(f64, float64s, unsafe.Pointer(&f64), seed))
		var array [24]byte
		for j := range array {
			array[j] = byte(splitmix(uint64(24*1000 + j)))
		}
		fmt.Printf("a24 %x\n", uint64(varlen(unsafe.Pointer(&array), seed)))
		fmt.Printf("a3 %x\n", uint64(three(unsafe.Pointer(&array), seed)))
	}
}

// A NaN's hash is random; 0 stands for it.
func hashOrNaN(f float64, hash hasher, p unsafe.Pointer, seed uintptr) uint64 {
	if f != f {
		return 0
	}
	return uint64(hash(p, seed))
}
