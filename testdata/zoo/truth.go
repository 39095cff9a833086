package main

import (
	"bufio"
	"bytes"
	"crypto/sha1"
	"encoding/binary"
	"fmt"
	"os"
	"reflect"
	"runtime"
	"unsafe"
)

// Above this many entries a map's truth is a count and a checksum.
const largeMap = 20000

// A named map: how the tool is asked for it, and where the map word lies.
type specimen struct {
	expression string
	t          reflect.Type
	word       unsafe.Pointer
	listed     bool // it must be found by list: its expression goes through no map entry
}

var registry []specimen

// add registers the map that pointer (*map[K]V) points to.
func add(expression string, pointer interface{}) {
	v := reflect.ValueOf(pointer)
	registry = append(registry, specimen{expression, v.Type().Elem(), unsafe.Pointer(v.Pointer()), true})
}

// addCopy registers a map that cannot be pointed to: inside an interface or another map.
func addCopy(expression string, m interface{}, listed bool) {
	held := reflect.New(reflect.TypeOf(m))
	held.Elem().Set(reflect.ValueOf(m))
	registry = append(registry, specimen{expression, held.Type().Elem(), unsafe.Pointer(held.Pointer()), listed})
}

// writeTruth writes one JSON object a line: first the program, then every map. Headers are read after all iteration,
// which leaves its mark in the flags of classic maps.
func writeTruth(path string) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	bodies := make([]bytes.Buffer, len(registry))
	for i := range registry {
		encodeBody(&bodies[i], &registry[i])
	}
	out := bufio.NewWriter(file)
	fmt.Fprintf(out, `{"go":"%s","pid":%d,"word":%d,"implementation":"%s"}`+"\n", runtime.Version(), os.Getpid(),
		unsafe.Sizeof(uintptr(0)), implementation)
	for i := range registry {
		encodeHead(out, &registry[i])
		out.Write(bodies[i].Bytes())
		fmt.Fprintln(out, "}")
	}
	if err := out.Flush(); err != nil {
		return err
	}
	return file.Close()
}

func encodeHead(out *bufio.Writer, s *specimen) {
	var text bytes.Buffer
	text.WriteString(`{"map":`)
	encodeString(&text, s.expression)
	text.WriteString(`,"type":`)
	encodeString(&text, s.t.String())
	header := *(*unsafe.Pointer)(s.word)
	fmt.Fprintf(&text, `,"listed":%v,"len":%d,"address":`, s.listed, reflect.NewAt(s.t, s.word).Elem().Len())
	encodeAddress(&text, header)
	if header != nil {
		text.WriteString(`,"header":`)
		encodeHeader(&text, header)
	}
	out.Write(text.Bytes())
}

func encodeBody(out *bytes.Buffer, s *specimen) {
	if reflect.NewAt(s.t, s.word).Elem().Len() > largeMap {
		fmt.Fprintf(out, `,"checksum":"%016x"`, checksum(s))
		return
	}
	out.WriteString(`,"entries":`)
	encodeEntries(out, s.t, s.word, 0)
	out.WriteString(`,"slots":[`)
	for i, slot := range liveSlots(s.t, *(*unsafe.Pointer)(s.word)) {
		if i > 0 {
			out.WriteByte(',')
		}
		out.WriteString(`{"key":`)
		encodeValue(out, s.t.Key(), slot.key, 0)
		fmt.Fprintf(out, `,"key_address":"0x%x","elem_address":"0x%x"}`, uintptr(slot.key), uintptr(slot.elem))
	}
	out.WriteByte(']')
}

// checksum is the sum modulo 2^64, over all entries, of the first 8 bytes (big-endian) of the SHA-1 of the entry's
// compact JSON text {"key":...,"value":...}: it does not depend on the order.
func checksum(s *specimen) uint64 {
	var sum uint64
	var text bytes.Buffer
	eachEntry(s.t, s.word, func(key, elem unsafe.Pointer) {
		text.Reset()
		encodeEntry(&text, s.t, key, elem, 0)
		digest := sha1.Sum(text.Bytes())
		sum += binary.BigEndian.Uint64(digest[:])
	})
	return sum
}
