// What hashvectors.go and keyvectors.go share: the state of the runtime's hash functions, and the functions.
package main

import (
	"debug/elf"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"unsafe"
)

const wordSize = unsafe.Sizeof(uintptr(0))

type hasher func(p unsafe.Pointer, h uintptr) uintptr

var (
	minor int
	file  *elf.File

	// Found before anything is changed: the maps we have then cannot find their keys again.
	aesFlag, keySchedule, hashKey elf.Symbol
	algorithms                    elf.Symbol // ... 1.13
)

// Also turns AES off where the first argument is noaes.
func prepare() {
	minor, _ = strconv.Atoi(strings.Split(runtime.Version(), ".")[1])
	readSymbols()
	if len(os.Args) > 1 && os.Args[1] == "noaes" {
		turnAESOff()
	}
}

func readSymbols() {
	var err error
	if file, err = elf.Open(os.Getenv("HASHVECTORS_EXE")); err != nil {
		if file, err = elf.Open("/proc/self/exe"); err != nil {
			panic(err)
		}
	}
	list, err := file.Symbols()
	if err != nil {
		panic(err)
	}
	for _, s := range list {
		switch s.Name {
		case "runtime.useAeshash", "internal/runtime/maps.UseAeshash":
			aesFlag = s
		case "runtime.aeskeysched", "internal/runtime/maps.aeskeysched":
			keySchedule = s
		case "runtime.hashkey", "internal/runtime/maps.hashkey":
			hashKey = s
		case "runtime.algarray":
			algorithms = s
		}
	}
}

// So that vet does not see a uintptr become a pointer.
func at(address uintptr) unsafe.Pointer {
	return *(*unsafe.Pointer)(unsafe.Pointer(&address))
}

func bytesAt(address uintptr, n int) []byte {
	return (*[1 << 20]byte)(at(address))[:n:n]
}

func word(address uintptr) uintptr {
	return *(*uintptr)(at(address))
}

// What alginit would have done on a processor without AES.
func turnAESOff() {
	bytesAt(uintptr(aesFlag.Value), 1)[0] = 0
	for i := uintptr(0); i < 4; i++ {
		*(*uintptr)(at(uintptr(hashKey.Value) + i*wordSize)) = uintptr(splitmix(1000+uint64(i))) | 1
	}
	section := file.Sections[algorithms.Section]
	initial := make([]byte, algorithms.Size)
	if _, err := section.ReadAt(initial, int64(algorithms.Value-section.Addr)); err != nil {
		panic(err)
	}
	copy(bytesAt(uintptr(algorithms.Value), len(initial)), initial)
}

func printState() {
	aes := aesFlag.Value != 0 && bytesAt(uintptr(aesFlag.Value), 1)[0] != 0
	fmt.Printf("state %d %s %v\n", minor, runtime.GOARCH, aes)
	schedule := make([]byte, 16*wordSize)
	if aes {
		copy(schedule, bytesAt(uintptr(keySchedule.Value), len(schedule)))
	}
	fmt.Printf("schedule %x\n", schedule)
	fmt.Printf("hashkey")
	for i := uintptr(0); i < 4; i++ {
		key := uintptr(0)
		if hashKey.Value != 0 {
			key = word(uintptr(hashKey.Value) + i*wordSize)
		}
		fmt.Printf(" %x", uint64(key))
	}
	fmt.Println()
}

// The function by which maps of this type hash their keys.
func hasherOf(m interface{}) hasher {
	t := word(uintptr(unsafe.Pointer(&m))) // the eface's type
	header := 4*wordSize + 16
	closure := word(t + header + 3*wordSize) // maptype.hasher
	if minor <= 13 {
		key := word(t + header)
		closure = word(word(key + 2*wordSize + 8)) // key.alg.hash
	}
	return *(*hasher)(unsafe.Pointer(&closure))
}

func splitmix(x uint64) uint64 {
	x = (x + 1) * 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

func seedOf(i int) uintptr {
	return uintptr(splitmix(uint64(i)))
}
