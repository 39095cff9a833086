package main

import (
	"fmt"
	"reflect"
	"unsafe"
)

type visitor func(key, elem interface{}) bool

// A map, and two ways to ask it: as compiled code does, which for some types are functions of their own (runtime/map_fast*.go),
// and through reflection.
type subject struct {
	name      string
	value     interface{} // pointer to the map
	key, elem func(i int) interface{}
	build     func(*subject)
	find      func(key interface{}) (interface{}, bool)
	visit     func(visitor)

	entries map[int]bool // numbers of the keys that are there
	absent  []int        // and of some that are not
}

func (s *subject) reflected() reflect.Value { return reflect.ValueOf(s.value).Elem() }

func (s *subject) header() unsafe.Pointer {
	return *(*unsafe.Pointer)(at(reflect.ValueOf(s.value).Pointer()))
}

func (s *subject) set(i int) {
	s.reflected().SetMapIndex(reflect.ValueOf(s.key(i)), reflect.ValueOf(s.elem(i)))
	s.entries[i] = true
}

func (s *subject) remove(i int) {
	s.reflected().SetMapIndex(reflect.ValueOf(s.key(i)), reflect.Value{})
	delete(s.entries, i)
	s.absent = append(s.absent, i)
}

func (s *subject) make() {
	s.entries = map[int]bool{}
	s.reflected().Set(reflect.MakeMap(s.reflected().Type()))
	s.build(s)
	if len(s.absent) > 100 {
		s.absent = s.absent[len(s.absent)-100:]
	}
	for i := 0; i < 20; i++ {
		s.absent = append(s.absent, 1<<21+i)
	}
	s.visit(func(key, elem interface{}) bool { return true })
}

// look asks both ways; they have to agree.
func (s *subject) look(key interface{}) (elem interface{}, found bool) {
	elem, found = s.find(key)
	reflected := s.reflected().MapIndex(keyValue(s, key))
	if reflected.IsValid() != found || found && reflected.Interface() != elem {
		panic("compiled code and reflection find different things")
	}
	return elem, found
}

func keyValue(s *subject, key interface{}) reflect.Value {
	value := reflect.New(s.reflected().Type().Key()).Elem()
	if key != nil {
		value.Set(reflect.ValueOf(key))
	}
	return value
}

// guarded runs one part; "" or why it did not end.
func guarded(part func() string) (fault string) {
	defer func() {
		if reason := recover(); reason != nil {
			fault = fmt.Sprint("fault: ", reason)
		}
	}()
	return part()
}

// lookups: what is not as it was.
func (s *subject) lookups() string {
	for i := range s.entries {
		if elem, found := s.look(s.key(i)); !found {
			return fmt.Sprintf("key %d is lost", i)
		} else if elem != s.elem(i) {
			return fmt.Sprintf("key %d has another elem", i)
		}
	}
	for _, i := range s.absent {
		if _, found := s.look(s.key(i)); found {
			return fmt.Sprintf("key %d is there", i)
		}
	}
	if length := s.reflected().Len(); length != len(s.entries) {
		return fmt.Sprintf("len %d", length)
	}
	return ""
}

type found struct{ key, elem interface{} }

// collect ranges over the map, which may have no end.
func (s *subject) collect() (all []found) {
	s.visit(func(key, elem interface{}) bool {
		all = append(all, found{key, elem})
		return len(all) < 2*len(s.entries)+1000
	})
	return all
}

// contradiction: whether the map is sound in itself, though perhaps another than it was: range gives len() keys, each once,
// and a lookup finds each of them. A NaN is found by none.
func (s *subject) contradiction(all []found) string {
	seen := map[interface{}]bool{}
	for _, entry := range all {
		if entry.key != entry.key {
			continue
		}
		if seen[entry.key] {
			return "a key comes twice"
		}
		seen[entry.key] = true
		if elem, there := s.look(entry.key); !there {
			return "a key comes that a lookup does not find"
		} else if elem != entry.elem {
			return "a key comes with another elem than a lookup finds"
		}
	}
	if length := s.reflected().Len(); length != len(all) {
		return fmt.Sprintf("%d entries come, len is %d", len(all), length)
	}
	return ""
}

func (s *subject) changes(all []found) string {
	there := map[interface{}]interface{}{}
	for _, entry := range all {
		there[entry.key] = entry.elem
	}
	for i := range s.entries {
		if elem, ok := there[s.key(i)]; !ok || elem != s.elem(i) {
			return fmt.Sprintf("key %d does not come", i)
		}
	}
	if len(all) != len(s.entries) {
		return fmt.Sprintf("%d entries come", len(all))
	}
	return ""
}

// answer is "same" or "changed WHAT", then ";", then "sound" or "contradiction WHAT". Iterations leave flags in headers of classic
// maps and allocate there: it is put back.
func answer(s *subject, headerSize int) string {
	place := bytesAt(uintptr(s.header()), headerSize)
	before := append([]byte(nil), place...)
	defer copy(place, before)

	var all []found
	changed := guarded(s.lookups)
	contradiction := guarded(func() string { all = s.collect(); return s.contradiction(all) })
	if changed == "" {
		changed = guarded(func() string { return s.changes(all) })
	}
	result := "same; "
	if changed != "" {
		result = "changed " + changed + "; "
	}
	if contradiction != "" {
		return result + "contradiction " + contradiction
	}
	return result + "sound"
}
