//go:build !go1.11
// +build !go1.11

package main

const clearLoop, clearBuiltin = false, false
