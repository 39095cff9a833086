//go:build go1.9
// +build go1.9

package main

import "reflect"

func makeMapHint(t reflect.Type, hint int) reflect.Value { return reflect.MakeMapWithSize(t, hint) }
