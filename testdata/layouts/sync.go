//go:build go1.9
// +build go1.9

package main

import "sync"

var together sync.Map

func useSync() {
	together.Store("a", 1)
	together.Store("b", 2)
	together.Delete("a")
	together.Range(func(key, value interface{}) bool { return true })
}
