/*
 * Made by scripts/layout-rows from the DWARF of real binaries of Go 1.8 to 1.27 for amd64 and 386. Not edited by hand.
 */
#include "layout/table_private.h"

static const struct table_field runtime_stringStruct[] = {
	{ "str", "unsafe.Pointer", 8, 8, 4, 4, 8, 0 },
	{ "len", "int", 8, 8, 4, 4, 8, 0 },
};

static const struct table_field runtime_slice[] = {
	{ "array", "unsafe.Pointer", 8, 8, 4, 4, 8, 0 },
	{ "len", "int", 8, 8, 4, 4, 8, 0 },
	{ "cap", "int", 8, 8, 4, 4, 8, 0 },
};

static const struct table_field runtime_eface[] = {
	{ "_type", "*internal/abi.Type", 8, 8, 4, 4, 21, 0 },
	{ "_type", "*runtime._type", 8, 8, 4, 4, 8, 20 },
	{ "data", "unsafe.Pointer", 8, 8, 4, 4, 8, 0 },
};

static const struct table_field runtime_iface[] = {
	{ "tab", "*internal/abi.ITab", 8, 8, 4, 4, 23, 0 },
	{ "tab", "*runtime.itab", 8, 8, 4, 4, 8, 22 },
	{ "data", "unsafe.Pointer", 8, 8, 4, 4, 8, 0 },
};

static const struct table_field runtime_itab[] = {
	{ "inter", "*internal/abi.InterfaceType", 8, 8, 4, 4, 21, 22 },
	{ "_type", "*internal/abi.Type", 8, 8, 4, 4, 21, 22 },
	{ "inter", "*runtime.interfacetype", 8, 8, 4, 4, 8, 20 },
	{ "_type", "*runtime._type", 8, 8, 4, 4, 8, 20 },
	{ "link", "*runtime.itab", 8, 8, 4, 4, 8, 9 },
	{ "hash", "uint32", 4, 4, 4, 4, 9, 22 },
	{ "_", "[4]uint8", 4, 4, 4, 4, 10, 22 },
	{ "bad", "bool", 1, 1, 1, 1, 9, 9 },
	{ "inhash", "bool", 1, 1, 1, 1, 9, 9 },
	{ "unused", "[2]uint8", 2, 2, 2, 2, 9, 9 },
	{ "bad", "int32", 4, 4, 4, 4, 8, 8 },
	{ "inhash", "int32", 4, 4, 4, 4, 8, 8 },
	{ "fun", "[1]uintptr", 8, 8, 4, 4, 8, 22 },
};

static const struct table_field runtime_hchan[] = {
	{ "qcount", "uint", 8, 8, 4, 4, 8, 0 },
	{ "dataqsiz", "uint", 8, 8, 4, 4, 8, 0 },
	{ "buf", "unsafe.Pointer", 8, 8, 4, 4, 8, 0 },
	{ "elemsize", "uint16", 2, 2, 2, 2, 8, 0 },
	{ "synctest", "bool", 1, 1, 1, 1, 24, 24 },
	{ "closed", "uint32", 4, 4, 4, 4, 8, 0 },
	{ "timer", "*runtime.timer", 8, 8, 4, 4, 23, 0 },
	{ "elemtype", "*internal/abi.Type", 8, 8, 4, 4, 21, 0 },
	{ "elemtype", "*runtime._type", 8, 8, 4, 4, 8, 20 },
	{ "sendx", "uint", 8, 8, 4, 4, 8, 0 },
	{ "recvx", "uint", 8, 8, 4, 4, 8, 0 },
	{ "recvq", "runtime.waitq", 16, 8, 8, 4, 8, 0 },
	{ "sendq", "runtime.waitq", 16, 8, 8, 4, 8, 0 },
	{ "bubble", "*runtime.synctestBubble", 8, 8, 4, 4, 25, 0 },
	{ "lock", "runtime.mutex", 8, 8, 4, 4, 8, 0 },
};

static const struct table_field runtime_waitq[] = {
	{ "first", "*runtime.sudog", 8, 8, 4, 4, 8, 0 },
	{ "last", "*runtime.sudog", 8, 8, 4, 4, 8, 0 },
};

static const struct table_field runtime__type[] = {
	{ "size", "uintptr", 8, 8, 4, 4, 8, 20 },
	{ "ptrdata", "uintptr", 8, 8, 4, 4, 8, 20 },
	{ "hash", "uint32", 4, 4, 4, 4, 8, 20 },
	{ "tflag", "runtime.tflag", 1, 1, 1, 1, 8, 20 },
	{ "align", "uint8", 1, 1, 1, 1, 8, 20 },
	{ "fieldAlign", "uint8", 1, 1, 1, 1, 14, 20 },
	{ "fieldalign", "uint8", 1, 1, 1, 1, 8, 13 },
	{ "kind", "uint8", 1, 1, 1, 1, 8, 20 },
	{ "equal", "func(unsafe.Pointer, unsafe.Pointer) bool", 8, 8, 4, 4, 14, 20 },
	{ "alg", "*runtime.typeAlg", 8, 8, 4, 4, 8, 13 },
	{ "gcdata", "*uint8", 8, 8, 4, 4, 8, 20 },
	{ "str", "runtime.nameOff", 4, 4, 4, 4, 8, 20 },
	{ "ptrToThis", "runtime.typeOff", 4, 4, 4, 4, 8, 20 },
};

static const struct table_field runtime_maptype[] = {
	{ "typ", "runtime._type", 48, 8, 32, 4, 8, 20 },
	{ "key", "*runtime._type", 8, 8, 4, 4, 8, 20 },
	{ "elem", "*runtime._type", 8, 8, 4, 4, 8, 20 },
	{ "bucket", "*runtime._type", 8, 8, 4, 4, 8, 20 },
	{ "hasher", "func(unsafe.Pointer, uintptr) uintptr", 8, 8, 4, 4, 14, 20 },
	{ "hmap", "*runtime._type", 8, 8, 4, 4, 8, 10 },
	{ "keysize", "uint8", 1, 1, 1, 1, 8, 20 },
	{ "elemsize", "uint8", 1, 1, 1, 1, 13, 20 },
	{ "indirectkey", "bool", 1, 1, 1, 1, 8, 11 },
	{ "valuesize", "uint8", 1, 1, 1, 1, 8, 12 },
	{ "indirectvalue", "bool", 1, 1, 1, 1, 8, 11 },
	{ "bucketsize", "uint16", 2, 2, 2, 2, 8, 20 },
	{ "flags", "uint32", 4, 4, 4, 4, 12, 20 },
	{ "reflexivekey", "bool", 1, 1, 1, 1, 8, 11 },
	{ "needkeyupdate", "bool", 1, 1, 1, 1, 8, 11 },
};

static const struct table_field runtime_chantype[] = {
	{ "typ", "runtime._type", 48, 8, 32, 4, 8, 20 },
	{ "elem", "*runtime._type", 8, 8, 4, 4, 8, 20 },
	{ "dir", "uintptr", 8, 8, 4, 4, 8, 20 },
};

static const struct table_field runtime_interfacetype[] = {
	{ "typ", "runtime._type", 48, 8, 32, 4, 8, 20 },
	{ "pkgpath", "runtime.name", 8, 8, 4, 4, 8, 20 },
	{ "mhdr", "[]runtime.imethod", 24, 8, 12, 4, 8, 20 },
};

static const struct table_field runtime_ptrtype[] = {
	{ "typ", "runtime._type", 48, 8, 32, 4, 8, 20 },
	{ "elem", "*runtime._type", 8, 8, 4, 4, 8, 20 },
};

static const struct table_field runtime_structfield[] = {
	{ "name", "runtime.name", 8, 8, 4, 4, 8, 20 },
	{ "typ", "*runtime._type", 8, 8, 4, 4, 8, 20 },
	{ "offset", "uintptr", 8, 8, 4, 4, 19, 20 },
	{ "offsetAnon", "uintptr", 8, 8, 4, 4, 9, 18 },
	{ "offset", "uintptr", 8, 8, 4, 4, 8, 8 },
};

static const struct table_field runtime_imethod[] = {
	{ "name", "runtime.nameOff", 4, 4, 4, 4, 8, 20 },
	{ "ityp", "runtime.typeOff", 4, 4, 4, 4, 8, 20 },
};

static const struct table_field runtime_uncommontype[] = {
	{ "pkgpath", "runtime.nameOff", 4, 4, 4, 4, 8, 20 },
	{ "mcount", "uint16", 2, 2, 2, 2, 8, 20 },
	{ "xcount", "uint16", 2, 2, 2, 2, 11, 20 },
	{ "_", "uint16", 2, 2, 2, 2, 8, 10 },
	{ "moff", "uint32", 4, 4, 4, 4, 8, 20 },
	{ "_", "uint32", 4, 4, 4, 4, 8, 20 },
};

static const struct table_field runtime_moduledata[] = {
	{ "NotInHeap", "internal/runtime/sys.NotInHeap", 0, 1, 0, 1, 24, 0 },
	{ "NotInHeap", "runtime/internal/sys.NotInHeap", 0, 1, 0, 1, 21, 23 },
	{ "pcHeader", "*runtime.pcHeader", 8, 8, 4, 4, 16, 0 },
	{ "funcnametab", "[]uint8", 24, 8, 12, 4, 16, 0 },
	{ "cutab", "[]uint32", 24, 8, 12, 4, 16, 0 },
	{ "filetab", "[]uint8", 24, 8, 12, 4, 16, 0 },
	{ "pctab", "[]uint8", 24, 8, 12, 4, 16, 0 },
	{ "pclntable", "[]uint8", 24, 8, 12, 4, 8, 0 },
	{ "ftab", "[]runtime.functab", 24, 8, 12, 4, 8, 0 },
	{ "filetab", "[]uint32", 24, 8, 12, 4, 8, 15 },
	{ "findfunctab", "uintptr", 8, 8, 4, 4, 8, 0 },
	{ "minpc", "uintptr", 8, 8, 4, 4, 8, 0 },
	{ "maxpc", "uintptr", 8, 8, 4, 4, 8, 0 },
	{ "text", "uintptr", 8, 8, 4, 4, 8, 0 },
	{ "etext", "uintptr", 8, 8, 4, 4, 8, 0 },
	{ "noptrdata", "uintptr", 8, 8, 4, 4, 8, 0 },
	{ "enoptrdata", "uintptr", 8, 8, 4, 4, 8, 0 },
	{ "data", "uintptr", 8, 8, 4, 4, 8, 0 },
	{ "edata", "uintptr", 8, 8, 4, 4, 8, 0 },
	{ "bss", "uintptr", 8, 8, 4, 4, 8, 0 },
	{ "ebss", "uintptr", 8, 8, 4, 4, 8, 0 },
	{ "noptrbss", "uintptr", 8, 8, 4, 4, 8, 0 },
	{ "enoptrbss", "uintptr", 8, 8, 4, 4, 8, 0 },
	{ "covctrs", "uintptr", 8, 8, 4, 4, 20, 0 },
	{ "ecovctrs", "uintptr", 8, 8, 4, 4, 20, 0 },
	{ "end", "uintptr", 8, 8, 4, 4, 8, 0 },
	{ "gcdata", "uintptr", 8, 8, 4, 4, 8, 0 },
	{ "gcbss", "uintptr", 8, 8, 4, 4, 8, 0 },
	{ "types", "uintptr", 8, 8, 4, 4, 8, 0 },
	{ "typedesclen", "uintptr", 8, 8, 4, 4, 27, 0 },
	{ "etypes", "uintptr", 8, 8, 4, 4, 8, 0 },
	{ "itaboffset", "uintptr", 8, 8, 4, 4, 27, 0 },
	{ "itabsize", "uintptr", 8, 8, 4, 4, 27, 0 },
	{ "rodata", "uintptr", 8, 8, 4, 4, 18, 0 },
	{ "gofunc", "uintptr", 8, 8, 4, 4, 18, 0 },
	{ "epclntab", "uintptr", 8, 8, 4, 4, 26, 0 },
	{ "textsectmap", "[]runtime.textsect", 24, 8, 12, 4, 8, 0 },
	{ "typelinks", "[]int32", 24, 8, 12, 4, 8, 26 },
	{ "itablinks", "[]*internal/abi.ITab", 24, 8, 12, 4, 23, 26 },
	{ "itablinks", "[]*runtime.itab", 24, 8, 12, 4, 8, 22 },
	{ "ptab", "[]runtime.ptabEntry", 24, 8, 12, 4, 8, 0 },
	{ "pluginpath", "string", 16, 8, 8, 4, 8, 0 },
	{ "pkghashes", "[]runtime.modulehash", 24, 8, 12, 4, 8, 0 },
	{ "inittasks", "[]*runtime.initTask", 24, 8, 12, 4, 21, 0 },
	{ "modulename", "string", 16, 8, 8, 4, 8, 0 },
	{ "modulehashes", "[]runtime.modulehash", 24, 8, 12, 4, 8, 0 },
	{ "hasmain", "uint8", 1, 1, 1, 1, 10, 0 },
	{ "bad", "bool", 1, 1, 1, 1, 23, 0 },
	{ "gcdatamask", "runtime.bitvector", 16, 8, 8, 4, 8, 0 },
	{ "gcbssmask", "runtime.bitvector", 16, 8, 8, 4, 8, 0 },
	{ "typemap", "map[*internal/abi.Type]*internal/abi.Type", 8, 8, 4, 4, 27, 0 },
	{ "typemap", "map[internal/abi.TypeOff]*internal/abi.Type", 8, 8, 4, 4, 21, 26 },
	{ "typemap", "map[runtime.typeOff]*runtime._type", 8, 8, 4, 4, 8, 20 },
	{ "bad", "bool", 1, 1, 1, 1, 10, 22 },
	{ "next", "*runtime.moduledata", 8, 8, 4, 4, 8, 0 },
};

static const struct table_field runtime_bitvector[] = {
	{ "n", "int32", 4, 4, 4, 4, 8, 0 },
	{ "bytedata", "*uint8", 8, 8, 4, 4, 8, 0 },
};

static const struct table_field runtime_arraytype[] = {
	{ "typ", "runtime._type", 48, 8, 32, 4, 9, 20 },
	{ "elem", "*runtime._type", 8, 8, 4, 4, 9, 20 },
	{ "slice", "*runtime._type", 8, 8, 4, 4, 9, 20 },
	{ "len", "uintptr", 8, 8, 4, 4, 9, 20 },
};

static const struct table_field runtime_functype[] = {
	{ "typ", "runtime._type", 48, 8, 32, 4, 9, 20 },
	{ "inCount", "uint16", 2, 2, 2, 2, 9, 20 },
	{ "outCount", "uint16", 2, 2, 2, 2, 9, 20 },
};

static const struct table_field runtime_slicetype[] = {
	{ "typ", "runtime._type", 48, 8, 32, 4, 9, 20 },
	{ "elem", "*runtime._type", 8, 8, 4, 4, 9, 20 },
};

static const struct table_field runtime_structtype[] = {
	{ "typ", "runtime._type", 48, 8, 32, 4, 9, 20 },
	{ "pkgPath", "runtime.name", 8, 8, 4, 4, 9, 20 },
	{ "fields", "[]runtime.structfield", 24, 8, 12, 4, 9, 20 },
};

static const struct table_field internal_abi_Type[] = {
	{ "Size_", "uintptr", 8, 8, 4, 4, 21, 0 },
	{ "PtrBytes", "uintptr", 8, 8, 4, 4, 21, 0 },
	{ "Hash", "uint32", 4, 4, 4, 4, 21, 0 },
	{ "TFlag", "internal/abi.TFlag", 1, 1, 1, 1, 21, 0 },
	{ "Align_", "uint8", 1, 1, 1, 1, 21, 0 },
	{ "FieldAlign_", "uint8", 1, 1, 1, 1, 21, 0 },
	{ "Kind_", "internal/abi.Kind", 1, 1, 1, 1, 23, 0 },
	{ "Kind_", "uint8", 1, 1, 1, 1, 21, 22 },
	{ "Equal", "func(unsafe.Pointer, unsafe.Pointer) bool", 8, 8, 4, 4, 21, 0 },
	{ "GCData", "*uint8", 8, 8, 4, 4, 21, 0 },
	{ "Str", "internal/abi.NameOff", 4, 4, 4, 4, 21, 0 },
	{ "PtrToThis", "internal/abi.TypeOff", 4, 4, 4, 4, 21, 0 },
};

static const struct table_field internal_abi_MapType[] = {
	{ "Type", "internal/abi.Type", 48, 8, 32, 4, 26, 0 },
	{ "Key", "*internal/abi.Type", 8, 8, 4, 4, 26, 0 },
	{ "Elem", "*internal/abi.Type", 8, 8, 4, 4, 26, 0 },
	{ "Group", "*internal/abi.Type", 8, 8, 4, 4, 26, 0 },
	{ "Hasher", "func(unsafe.Pointer, uintptr) uintptr", 8, 8, 4, 4, 26, 0 },
	{ "GroupSize", "uintptr", 8, 8, 4, 4, 26, 0 },
	{ "KeysOff", "uintptr", 8, 8, 4, 4, 27, 0 },
	{ "KeyStride", "uintptr", 8, 8, 4, 4, 27, 0 },
	{ "ElemsOff", "uintptr", 8, 8, 4, 4, 27, 0 },
	{ "ElemStride", "uintptr", 8, 8, 4, 4, 27, 0 },
	{ "SlotSize", "uintptr", 8, 8, 4, 4, 26, 26 },
	{ "ElemOff", "uintptr", 8, 8, 4, 4, 26, 0 },
	{ "Flags", "uint32", 4, 4, 4, 4, 26, 0 },
	{ "Type", "internal/abi.Type", 48, 8, 32, 4, 21, 23 },
	{ "Key", "*internal/abi.Type", 8, 8, 4, 4, 21, 23 },
	{ "Elem", "*internal/abi.Type", 8, 8, 4, 4, 21, 23 },
	{ "Bucket", "*internal/abi.Type", 8, 8, 4, 4, 21, 23 },
	{ "Hasher", "func(unsafe.Pointer, uintptr) uintptr", 8, 8, 4, 4, 21, 23 },
	{ "KeySize", "uint8", 1, 1, 1, 1, 21, 23 },
	{ "ValueSize", "uint8", 1, 1, 1, 1, 21, 23 },
	{ "BucketSize", "uint16", 2, 2, 2, 2, 21, 23 },
	{ "Flags", "uint32", 4, 4, 4, 4, 21, 23 },
};

static const struct table_field internal_abi_ArrayType[] = {
	{ "Type", "internal/abi.Type", 48, 8, 32, 4, 21, 0 },
	{ "Elem", "*internal/abi.Type", 8, 8, 4, 4, 21, 0 },
	{ "Slice", "*internal/abi.Type", 8, 8, 4, 4, 21, 0 },
	{ "Len", "uintptr", 8, 8, 4, 4, 21, 0 },
};

static const struct table_field internal_abi_ChanType[] = {
	{ "Type", "internal/abi.Type", 48, 8, 32, 4, 21, 0 },
	{ "Elem", "*internal/abi.Type", 8, 8, 4, 4, 21, 0 },
	{ "Dir", "internal/abi.ChanDir", 8, 8, 4, 4, 21, 0 },
};

static const struct table_field internal_abi_FuncType[] = {
	{ "Type", "internal/abi.Type", 48, 8, 32, 4, 21, 0 },
	{ "InCount", "uint16", 2, 2, 2, 2, 21, 0 },
	{ "OutCount", "uint16", 2, 2, 2, 2, 21, 0 },
};

static const struct table_field internal_abi_InterfaceType[] = {
	{ "Type", "internal/abi.Type", 48, 8, 32, 4, 21, 0 },
	{ "PkgPath", "internal/abi.Name", 8, 8, 4, 4, 21, 0 },
	{ "Methods", "[]internal/abi.Imethod", 24, 8, 12, 4, 21, 0 },
};

static const struct table_field internal_abi_PtrType[] = {
	{ "Type", "internal/abi.Type", 48, 8, 32, 4, 21, 0 },
	{ "Elem", "*internal/abi.Type", 8, 8, 4, 4, 21, 0 },
};

static const struct table_field internal_abi_SliceType[] = {
	{ "Type", "internal/abi.Type", 48, 8, 32, 4, 21, 0 },
	{ "Elem", "*internal/abi.Type", 8, 8, 4, 4, 21, 0 },
};

static const struct table_field internal_abi_StructType[] = {
	{ "Type", "internal/abi.Type", 48, 8, 32, 4, 21, 0 },
	{ "PkgPath", "internal/abi.Name", 8, 8, 4, 4, 21, 0 },
	{ "Fields", "[]internal/abi.StructField", 24, 8, 12, 4, 21, 0 },
};

static const struct table_field internal_abi_StructField[] = {
	{ "Name", "internal/abi.Name", 8, 8, 4, 4, 21, 0 },
	{ "Typ", "*internal/abi.Type", 8, 8, 4, 4, 21, 0 },
	{ "Offset", "uintptr", 8, 8, 4, 4, 21, 0 },
};

static const struct table_field internal_abi_Imethod[] = {
	{ "Name", "internal/abi.NameOff", 4, 4, 4, 4, 21, 0 },
	{ "Typ", "internal/abi.TypeOff", 4, 4, 4, 4, 21, 0 },
};

static const struct table_field internal_abi_UncommonType[] = {
	{ "PkgPath", "internal/abi.NameOff", 4, 4, 4, 4, 21, 0 },
	{ "Mcount", "uint16", 2, 2, 2, 2, 21, 0 },
	{ "Xcount", "uint16", 2, 2, 2, 2, 21, 0 },
	{ "Moff", "uint32", 4, 4, 4, 4, 21, 0 },
	{ "_", "uint32", 4, 4, 4, 4, 21, 0 },
};

static const struct table_field internal_abi_ITab[] = {
	{ "Inter", "*internal/abi.InterfaceType", 8, 8, 4, 4, 23, 0 },
	{ "Type", "*internal/abi.Type", 8, 8, 4, 4, 23, 0 },
	{ "Hash", "uint32", 4, 4, 4, 4, 23, 0 },
	{ "Fun", "[1]uintptr", 8, 8, 4, 4, 23, 0 },
};

static const struct table_field internal_abi_SwissMapType[] = {
	{ "Type", "internal/abi.Type", 48, 8, 32, 4, 24, 25 },
	{ "Key", "*internal/abi.Type", 8, 8, 4, 4, 24, 25 },
	{ "Elem", "*internal/abi.Type", 8, 8, 4, 4, 24, 25 },
	{ "Group", "*internal/abi.Type", 8, 8, 4, 4, 24, 25 },
	{ "Hasher", "func(unsafe.Pointer, uintptr) uintptr", 8, 8, 4, 4, 24, 25 },
	{ "GroupSize", "uintptr", 8, 8, 4, 4, 24, 25 },
	{ "SlotSize", "uintptr", 8, 8, 4, 4, 24, 25 },
	{ "ElemOff", "uintptr", 8, 8, 4, 4, 24, 25 },
	{ "Flags", "uint32", 4, 4, 4, 4, 24, 25 },
};

static const struct table_field internal_abi_OldMapType[] = {
	{ "Type", "internal/abi.Type", 48, 8, 32, 4, 24, 25 },
	{ "Key", "*internal/abi.Type", 8, 8, 4, 4, 24, 25 },
	{ "Elem", "*internal/abi.Type", 8, 8, 4, 4, 24, 25 },
	{ "Bucket", "*internal/abi.Type", 8, 8, 4, 4, 24, 25 },
	{ "Hasher", "func(unsafe.Pointer, uintptr) uintptr", 8, 8, 4, 4, 24, 25 },
	{ "KeySize", "uint8", 1, 1, 1, 1, 24, 25 },
	{ "ValueSize", "uint8", 1, 1, 1, 1, 24, 25 },
	{ "BucketSize", "uint16", 2, 2, 2, 2, 24, 25 },
	{ "Flags", "uint32", 4, 4, 4, 4, 24, 25 },
};

const struct table_struct layout_table_types[] = {
	{ "runtime.stringStruct", runtime_stringStruct, ARRAY_SIZE(runtime_stringStruct), TABLE_BOTH },
	{ "runtime.slice", runtime_slice, ARRAY_SIZE(runtime_slice), TABLE_BOTH },
	{ "runtime.eface", runtime_eface, ARRAY_SIZE(runtime_eface), TABLE_BOTH },
	{ "runtime.iface", runtime_iface, ARRAY_SIZE(runtime_iface), TABLE_BOTH },
	{ "runtime.itab", runtime_itab, ARRAY_SIZE(runtime_itab), TABLE_CLASSIC },
	{ "runtime.hchan", runtime_hchan, ARRAY_SIZE(runtime_hchan), TABLE_BOTH },
	{ "runtime.waitq", runtime_waitq, ARRAY_SIZE(runtime_waitq), TABLE_BOTH },
	{ "runtime._type", runtime__type, ARRAY_SIZE(runtime__type), TABLE_CLASSIC },
	{ "runtime.maptype", runtime_maptype, ARRAY_SIZE(runtime_maptype), TABLE_CLASSIC },
	{ "runtime.chantype", runtime_chantype, ARRAY_SIZE(runtime_chantype), TABLE_CLASSIC },
	{ "runtime.interfacetype", runtime_interfacetype, ARRAY_SIZE(runtime_interfacetype), TABLE_CLASSIC },
	{ "runtime.ptrtype", runtime_ptrtype, ARRAY_SIZE(runtime_ptrtype), TABLE_CLASSIC },
	{ "runtime.structfield", runtime_structfield, ARRAY_SIZE(runtime_structfield), TABLE_CLASSIC },
	{ "runtime.imethod", runtime_imethod, ARRAY_SIZE(runtime_imethod), TABLE_CLASSIC },
	{ "runtime.uncommontype", runtime_uncommontype, ARRAY_SIZE(runtime_uncommontype), TABLE_CLASSIC },
	{ "runtime.moduledata", runtime_moduledata, ARRAY_SIZE(runtime_moduledata), TABLE_BOTH },
	{ "runtime.bitvector", runtime_bitvector, ARRAY_SIZE(runtime_bitvector), TABLE_BOTH },
	{ "runtime.arraytype", runtime_arraytype, ARRAY_SIZE(runtime_arraytype), TABLE_CLASSIC },
	{ "runtime.functype", runtime_functype, ARRAY_SIZE(runtime_functype), TABLE_CLASSIC },
	{ "runtime.slicetype", runtime_slicetype, ARRAY_SIZE(runtime_slicetype), TABLE_CLASSIC },
	{ "runtime.structtype", runtime_structtype, ARRAY_SIZE(runtime_structtype), TABLE_CLASSIC },
	{ "internal/abi.Type", internal_abi_Type, ARRAY_SIZE(internal_abi_Type), TABLE_BOTH },
	{ "internal/abi.MapType", internal_abi_MapType, ARRAY_SIZE(internal_abi_MapType), TABLE_BOTH },
	{ "internal/abi.ArrayType", internal_abi_ArrayType, ARRAY_SIZE(internal_abi_ArrayType), TABLE_BOTH },
	{ "internal/abi.ChanType", internal_abi_ChanType, ARRAY_SIZE(internal_abi_ChanType), TABLE_BOTH },
	{ "internal/abi.FuncType", internal_abi_FuncType, ARRAY_SIZE(internal_abi_FuncType), TABLE_BOTH },
	{ "internal/abi.InterfaceType", internal_abi_InterfaceType, ARRAY_SIZE(internal_abi_InterfaceType), TABLE_BOTH },
	{ "internal/abi.PtrType", internal_abi_PtrType, ARRAY_SIZE(internal_abi_PtrType), TABLE_BOTH },
	{ "internal/abi.SliceType", internal_abi_SliceType, ARRAY_SIZE(internal_abi_SliceType), TABLE_BOTH },
	{ "internal/abi.StructType", internal_abi_StructType, ARRAY_SIZE(internal_abi_StructType), TABLE_BOTH },
	{ "internal/abi.StructField", internal_abi_StructField, ARRAY_SIZE(internal_abi_StructField), TABLE_BOTH },
	{ "internal/abi.Imethod", internal_abi_Imethod, ARRAY_SIZE(internal_abi_Imethod), TABLE_BOTH },
	{ "internal/abi.UncommonType", internal_abi_UncommonType, ARRAY_SIZE(internal_abi_UncommonType), TABLE_BOTH },
	{ "internal/abi.ITab", internal_abi_ITab, ARRAY_SIZE(internal_abi_ITab), TABLE_BOTH },
	{ "internal/abi.SwissMapType", internal_abi_SwissMapType, ARRAY_SIZE(internal_abi_SwissMapType), TABLE_SWISS },
	{ "internal/abi.OldMapType", internal_abi_OldMapType, ARRAY_SIZE(internal_abi_OldMapType), TABLE_CLASSIC },
	{ NULL, NULL, 0, 0 },
};
