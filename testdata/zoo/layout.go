package main

import (
	"bytes"
	"fmt"
	"reflect"
	"runtime"
	"unsafe"
)

// A second reading of the runtime's maps, independent of the tool's: written from src/runtime/hashmap.go (map.go from
// 1.11) and src/internal/runtime/maps, for the addresses that no iteration shows.

type slot struct{ key, elem unsafe.Pointer }

type classicHeader struct {
	count      int
	flags      uint8
	B          uint8
	noverflow  uint16
	hash0      uint32
	buckets    unsafe.Pointer
	oldbuckets unsafe.Pointer
	nevacuate  uintptr
}

type swissHeader struct {
	used        uint64
	seed        uintptr
	dirPtr      unsafe.Pointer
	dirLen      int
	globalDepth uint8
	globalShift uint8
	writing     uint8
}

type swissTable struct {
	used, capacity, growthLeft uint16
	localDepth                 uint8
	index                      int
	groups                     unsafe.Pointer
	lengthMask                 uint64
}

const slotsPerGroup = 8

var wordOne = uint64(1)

// The control bytes of a group are one number: slot 0 has its lowest byte (internal/runtime/maps/group.go, ctrlGroup.get).
func controlByte(group unsafe.Pointer, slot uintptr) uint8 {
	if *(*uint8)(unsafe.Pointer(&wordOne)) == 0 { // big-endian
		slot = slotsPerGroup - 1 - slot
	}
	return *(*uint8)(at(group, slot))
}

func at(p unsafe.Pointer, offset uintptr) unsafe.Pointer { return unsafe.Pointer(uintptr(p) + offset) }

// Keys and elems above 128 bytes lie elsewhere, and the slot holds a pointer.
func slotSize(t reflect.Type) uintptr {
	if t.Size() > 128 {
		return unsafe.Sizeof(uintptr(0))
	}
	return t.Size()
}

func slotValue(t reflect.Type, p unsafe.Pointer) unsafe.Pointer {
	if t.Size() > 128 {
		return *(*unsafe.Pointer)(p)
	}
	return p
}

func slotAlign(t reflect.Type) uintptr {
	if t.Size() > 128 {
		return unsafe.Sizeof(uintptr(0))
	}
	return uintptr(t.Align())
}

// The smallest tophash of a live cell: 1.12 put emptyRest before the others.
func liveTophash() uint8 {
	minor := 0
	fmt.Sscanf(runtime.Version(), "go1.%d", &minor)
	if minor < 12 {
		return 4
	}
	return 5
}

func encodeClassicHeader(out *bytes.Buffer, header unsafe.Pointer) {
	h := (*classicHeader)(header)
	fmt.Fprintf(out, `{"count":%d,"flags":%d,"B":%d,"noverflow":%d,"hash0":%d,"nevacuate":%d`,
		h.count, h.flags, h.B, h.noverflow, h.hash0, h.nevacuate)
	out.WriteString(`,"buckets":`)
	encodeAddress(out, h.buckets)
	out.WriteString(`,"oldbuckets":`)
	encodeAddress(out, h.oldbuckets)
	out.WriteByte('}')
}

func classicSlots(t reflect.Type, header unsafe.Pointer) []slot {
	h := (*classicHeader)(header)
	if h == nil || h.buckets == nil {
		return nil
	}
	size := 8 + slotsPerGroup*(slotSize(t.Key())+slotSize(t.Elem())) + unsafe.Sizeof(uintptr(0))
	old := uintptr(0)
	if h.oldbuckets != nil {
		old = uintptr(1) << h.B
		if h.flags&8 == 0 {
			old /= 2
		}
	}
	evacuated := func(i uintptr) bool {
		state := *(*uint8)(at(h.oldbuckets, i*size))
		return state >= liveTophash()-3 && state < liveTophash()
	}
	var slots []slot
	for i := uintptr(0); i < uintptr(1)<<h.B; i++ {
		if old == 0 || evacuated(i&(old-1)) {
			slots = appendChain(slots, t, at(h.buckets, i*size), size)
		}
	}
	for i := uintptr(0); i < old; i++ {
		if !evacuated(i) {
			slots = appendChain(slots, t, at(h.oldbuckets, i*size), size)
		}
	}
	return slots
}

func appendChain(slots []slot, t reflect.Type, bucket unsafe.Pointer, size uintptr) []slot {
	keys, elems := slotSize(t.Key()), slotSize(t.Elem())
	for bucket != nil {
		for i := uintptr(0); i < slotsPerGroup; i++ {
			if *(*uint8)(at(bucket, i)) < liveTophash() {
				continue
			}
			slots = append(slots, slot{
				slotValue(t.Key(), at(bucket, 8+i*keys)),
				slotValue(t.Elem(), at(bucket, 8+slotsPerGroup*keys+i*elems)),
			})
		}
		bucket = *(*unsafe.Pointer)(at(bucket, size-unsafe.Sizeof(uintptr(0))))
	}
	return slots
}

func encodeSwissHeader(out *bytes.Buffer, header unsafe.Pointer) {
	h := (*swissHeader)(header)
	fmt.Fprintf(out, `{"used":%d,"seed":%d,"dirLen":%d,"globalDepth":%d,"globalShift":%d,"writing":%d,"dirPtr":`,
		h.used, h.seed, h.dirLen, h.globalDepth, h.globalShift, h.writing)
	encodeAddress(out, h.dirPtr)
	out.WriteByte('}')
}

func alignUp(n, align uintptr) uintptr { return (n + align - 1) &^ (align - 1) }

func swissSlots(t reflect.Type, header unsafe.Pointer) []slot {
	h := (*swissHeader)(header)
	if h == nil || h.dirPtr == nil {
		return nil
	}
	if h.dirLen == 0 {
		return appendGroups(nil, t, h.dirPtr, 1)
	}
	var slots []slot
	for i := 0; i < h.dirLen; {
		table := *(**swissTable)(at(h.dirPtr, uintptr(i)*unsafe.Sizeof(uintptr(0))))
		slots = appendGroups(slots, t, table.groups, uintptr(table.lengthMask+1))
		i += 1 << (h.globalDepth - table.localDepth)
	}
	return slots
}

func appendGroups(slots []slot, t reflect.Type, groups unsafe.Pointer, count uintptr) []slot {
	align := slotAlign(t.Key())
	if slotAlign(t.Elem()) > align {
		align = slotAlign(t.Elem())
	}
	elemOffset := alignUp(slotSize(t.Key()), slotAlign(t.Elem()))
	end := elemOffset + slotSize(t.Elem())
	if slotSize(t.Elem()) == 0 && elemOffset > 0 {
		end++ // a struct's zero-sized last field has an address of its own
	}
	stride := alignUp(end, align)
	groupSize := 8 + slotsPerGroup*stride
	if stride == 0 {
		groupSize = 16 // ctrl and an array of no bytes, which again needs an address of its own
	}
	for g := uintptr(0); g < count; g++ {
		group := at(groups, g*groupSize)
		for i := uintptr(0); i < slotsPerGroup; i++ {
			if controlByte(group, i)&0x80 != 0 {
				continue
			}
			p := at(group, 8+i*stride)
			slots = append(slots, slot{slotValue(t.Key(), p), slotValue(t.Elem(), at(p, elemOffset))})
		}
	}
	return slots
}
