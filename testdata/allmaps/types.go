package main

import (
	"fmt"
	"net/textproto"
	"net/url"
	"time"
)

type (
	name   string
	number int64
	point  struct{ X, Y int32 }
	pair   struct {
		Left  string
		Right int16
	}
	wide struct{ A, B, C, D, E uint64 }
	user struct {
		ID     int
		Name   string
		Labels map[string]string
	}
	session struct {
		Started time.Time
		User    *user
		Values  map[string]interface{}
		Hits    map[uint16]uint32
	}
	users    map[name]*user
	counters map[string]int
	graph    map[number]map[number]bool
	nested   map[string]users
)

func (n number) String() string { return fmt.Sprint(int64(n)) }
func (n name) String() string   { return string(n) }
func (p point) String() string  { return fmt.Sprint(p.X, p.Y) }
func (p point) Error() string   { return "no such point" }

// Imported for the kinds.
var (
	_ url.Values
	_ textproto.MIMEHeader
)

// A place of a map whose methods say its size.
type sized interface {
	size() int
}
