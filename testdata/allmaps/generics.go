//go:build go1.18
// +build go1.18

package main

type (
	Box[T any] struct {
		content T
		next    *Box[T]
	}
	Crate[K any, V any] struct {
		label *K
		items []V
	}
	Option[T any] struct {
		set   bool
		value T
	}
	Pair[A comparable, B any] struct {
		First  A
		Second B
	}
	Index[K comparable, V any] map[K]V
	Set[T comparable]          map[T]struct{}
)

func counter[T any](value T, count func(T) int) func() int {
	return func() int { return count(value) }
}
