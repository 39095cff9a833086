package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"runtime"
)

// What is known of a map. No pointers: a record keeps nothing alive, and no collector or scanner finds a map through it.
type note struct {
	address uintptr
	size    int32
	kind    int16
	place   int16
	state   int8
	flags   int8
}

// States.
const (
	live  = iota
	swept // garbage before the last collection
	fresh // garbage of after it
)

// Flags.
const onStack = 1

var stateNames = []string{"live", "swept", "fresh"}

var (
	notes  []note
	decoys []decoy
	state  int8 // of the maps that are made now
	names  []string // of types, as JSON strings
	places []string

	typeNumbers  = map[reflect.Type]int16{}
	placeNumbers = map[string]int16{}
)

type decoy struct {
	address uintptr
	kind    int16
}

// typeNumber writes the name of a new type at once: package json makes maps of its own, which later might lie where a dead one was.
func typeNumber(t reflect.Type) int16 {
	found, ok := typeNumbers[t]
	if !ok {
		found = int16(len(names))
		names = append(names, quoted(typeName(t)))
		typeNumbers[t] = found
	}
	return found
}

func placeNumber(place string) int16 {
	found, ok := placeNumbers[place]
	if !ok {
		found = int16(len(places))
		places = append(places, place)
		placeNumbers[place] = found
	}
	return found
}

func record(m reflect.Value, place string, flags int8) {
	recordAddress(m.Pointer(), m.Len(), m.Type(), place, flags)
}

func recordAddress(address uintptr, size int, t reflect.Type, place string, flags int8) {
	notes = append(notes, note{address, int32(size), typeNumber(t), placeNumber(place), state, flags})
}

// typeName is a type's name as DWARF and reflect write it, with whole paths of packages.
func typeName(t reflect.Type) string {
	if t.Name() != "" {
		if t.PkgPath() == "" || t.PkgPath() == "main" {
			return t.String()
		}
		return t.PkgPath() + "." + t.Name()
	}
	switch t.Kind() {
	case reflect.Map:
		return "map[" + typeName(t.Key()) + "]" + typeName(t.Elem())
	case reflect.Ptr:
		return "*" + typeName(t.Elem())
	case reflect.Slice:
		return "[]" + typeName(t.Elem())
	case reflect.Array:
		return fmt.Sprintf("[%d]%s", t.Len(), typeName(t.Elem()))
	}
	return t.String()
}

func quoted(s string) string {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	encoder.Encode(s)
	return string(bytes.TrimSpace(text.Bytes()))
}

// writeTruth writes JSON, an object a line: first the program, then each map, then the decoys of each kind.
func writeTruth(path string) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	out := bufio.NewWriterSize(file, 1<<20)
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	fmt.Fprintf(out, `{"go":"%s","pid":%d,"implementation":"%s","maps":%d,"decoys":%d,"objects":%d,"bytes":%d}`+"\n", runtime.Version(),
		os.Getpid(), implementation, len(notes), len(decoys), objectsOf(&memory), memory.HeapAlloc)
	for i := range notes {
		n := &notes[i]
		fmt.Fprintf(out, `{"address":"0x%x","type":%s,"len":%d,"place":"%s","state":"%s","stack":%v}`+"\n", n.address, names[n.kind],
			n.size, places[n.place], stateNames[n.state], n.flags&onStack != 0)
	}
	for i := range places {
		writeDecoys(out, int16(i))
	}
	if err := out.Flush(); err != nil {
		return err
	}
	return file.Close()
}

// objectsOf counts objects as the runtime's spans have them: HeapObjects has each of the tiny ones that share one. Those of more
// than 32 KiB are not in it.
func objectsOf(memory *runtime.MemStats) uint64 {
	count := uint64(0)
	for i := range memory.BySize {
		count += memory.BySize[i].Mallocs - memory.BySize[i].Frees
	}
	return count
}

func writeDecoys(out *bufio.Writer, kind int16) {
	count := 0
	for i := range decoys {
		if decoys[i].kind != kind {
			continue
		}
		if count == 0 {
			fmt.Fprintf(out, `{"decoy":"%s","addresses":[`, places[kind])
		} else {
			out.WriteByte(',')
		}
		fmt.Fprintf(out, `"0x%x"`, decoys[i].address)
		count++
	}
	if count > 0 {
		fmt.Fprintln(out, "]}")
	}
}
