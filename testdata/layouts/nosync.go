//go:build !go1.9
// +build !go1.9

package main

func useSync() {}
