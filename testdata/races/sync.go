//go:build go1.9
// +build go1.9

package main

import (
	"fmt"
	"sync"
	"unsafe"
)

func init() {
	newer = append(newer, storer)
}

//go:noinline
func storer(key string) {
	m := new(sync.Map)
	kept = append(kept, m)
	tell("assign", "main.storer", fmt.Sprintf("0x%x", uintptr(unsafe.Pointer(m))), key[:8])
	truth.list[len(truth.list)-1].Type = "sync.Map"
	for i := 0; ; i++ {
		m.Store(key, i)
	}
}
