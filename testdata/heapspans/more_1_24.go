//go:build go1.24
// +build go1.24

package main

import (
	"fmt"
	"runtime"
	"unsafe"
	"weak"
)

var (
	cleaned []*finalized
	weaks   []weak.Pointer[finalized]
	noscans []*[40]byte
)

func makeMore() {
	for i := 0; i < 30; i++ {
		f := &finalized{}
		runtime.AddCleanup(f, func(p *mixed) { fmt.Println(p) }, &mixed{a: i})
		cleaned = append(cleaned, f)
		fmt.Fprintf(&truth, "cleanup %x\n", uintptr(unsafe.Pointer(f)))
	}
	for i := 0; i < 20; i++ {
		weaks = append(weaks, weak.Make(finalizedOnes[i]))
		fmt.Fprintf(&truth, "weak %x\n", uintptr(unsafe.Pointer(finalizedOnes[i])))
		n := new([40]byte)
		runtime.AddCleanup(n, func(k int) { fmt.Println(k) }, i)
		noscans = append(noscans, n)
		fmt.Fprintf(&truth, "cleanup %x\n", uintptr(unsafe.Pointer(n)))
	}
}
