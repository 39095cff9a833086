//go:build go1.21
// +build go1.21

package main

const clearLoop, clearBuiltin = true, true
