// Maps that lead to memory which cannot be read. Prints READY; answers ping, and takes away (protect ADDRESS) or gives back (release ADDRESS)
// the page at an address. Nobody can read such a page: it may not be read, and it is of a file that ends before it, as what reads through
// /proc/PID/mem may read all that there is. Nothing is collected, so that nobody but the reader comes across such a page.
package main

import (
	"bufio"
	"fmt"
	"os"
	"reflect"
	"runtime/debug"
	"syscall"
	"unsafe"
)

const (
	page  = 4096
	pages = 4
)

var (
	numbers = map[int64]int64{}
	texts   = map[string]string{}
	slices  = map[string][]int64{}
	keys    = map[string]int64{}
	inner   = map[string]map[int64]int64{}
	words   = map[string]string{}
	empty   *os.File
	kept    [page]byte // what the page has that was taken away last
)

// The text that lies at the end of a page, behind which there is nothing.
func textAt(end uintptr, text string) string {
	var made string
	header := (*reflect.StringHeader)(unsafe.Pointer(&made))
	header.Data, header.Len = end-uintptr(len(text)), len(text)
	copy((*[page]byte)(unsafe.Pointer(header.Data))[:len(text):len(text)], text)
	return made
}

func replace(address, how, flags, file uintptr) string {
	_, _, errno := syscall.Syscall6(syscall.SYS_MMAP, address, page, how, flags|syscall.MAP_PRIVATE|syscall.MAP_FIXED, file, 0)
	if errno != 0 {
		return errno.Error()
	}
	return "ok"
}

func protect(address uintptr) string {
	address &^= page - 1
	kept = *(*[page]byte)(unsafe.Pointer(address))
	return replace(address, syscall.PROT_NONE, 0, empty.Fd())
}

func release(address uintptr) string {
	address &^= page - 1
	done := replace(address, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON, ^uintptr(0))
	*(*[page]byte)(unsafe.Pointer(address)) = kept
	return done
}

func open() *os.File {
	file, err := os.CreateTemp("", "faults")
	if err != nil {
		panic(err)
	}
	os.Remove(file.Name())
	return file
}

func fill(none, gone uintptr) {
	for i := int64(0); i < 100000; i++ {
		numbers[i] = 3 * i
		if i < 5000 {
			words[fmt.Sprint("key ", i)] = fmt.Sprint("value ", i)
		}
	}
	texts["good"], texts["none"], texts["gone"] = "yes", textAt(none+page, "no"), textAt(gone+page, "no")
	texts["half"] = texts["gone"]
	header := reflect.SliceHeader{Data: none, Len: 3, Cap: 3}
	slices["good"], slices["none"] = []int64{1, 2}, *(*[]int64)(unsafe.Pointer(&header))
	keys["good"], keys[textAt(none+page/2, "never")] = 1, 2
	inner["good"] = map[int64]int64{1: 2}
	away := none
	inner["none"] = *(*map[int64]int64)(unsafe.Pointer(&away))
}

func main() {
	debug.SetGCPercent(-1)
	empty = open()
	memory, err := syscall.Mmap(-1, 0, pages*page, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		panic(err)
	}
	none := uintptr(unsafe.Pointer(&memory[0]))
	gone := none + 2*page
	fill(none, gone)
	protect(none)
	syscall.Syscall(syscall.SYS_MUNMAP, gone, page, 0)
	fmt.Println("READY")
	orders := bufio.NewScanner(os.Stdin)
	for orders.Scan() {
		var order string
		var address uintptr
		fmt.Sscan(orders.Text(), &order, &address)
		switch order {
		case "ping":
			fmt.Println("pong")
		case "protect":
			fmt.Println(protect(address))
		case "release":
			fmt.Println(release(address))
		}
	}
}
