#include "layout/runtime.h"

#define MAPS "internal/runtime/maps."
#define TRIE(name) "internal/sync." name "[interface {},interface {}]"

/*
 * Sources: runtime/{hashmap,map,map_noswiss,runtime2,symtab,stack,chan,string,slice,type,proc}.go,
 * internal/runtime/maps, internal/abi, sync/{map,hashtriemap}.go, internal/sync/hashtriemap.go. The descriptors moved to
 * internal/abi with 1.21; MapType was SwissMapType or OldMapType in 1.24 and 1.25. In 1.27 DWARF has the trie's entry by
 * its shape alone, which is laid out alike.
 */
const struct runtime_name layout_runtime_structs[] = {
	{ { "runtime.hmap" }, true },
	{ { "runtime.mapextra" }, true },
	{ { "runtime.bmap" }, true },
	{ { MAPS "Map" }, true },
	{ { MAPS "table" }, true },
	{ { MAPS "groupsReference" }, true },

	{ { "sync.Map" }, true },
	{ { "sync.readOnly" }, true },
	{ { "sync.entry" }, true },
	{ { TRIE("HashTrieMap") }, true },
	{ { TRIE("node") }, true },
	{ { TRIE("indirect") }, true },
	{ { TRIE("entry"), "internal/sync.entry[go.shape.interface {},go.shape.interface {}]" }, true },

	{ { "runtime.stringStruct" }, false },
	{ { "runtime.slice" }, false },
	{ { "runtime.eface" }, false },
	{ { "runtime.iface" }, false },
	{ { "internal/abi.ITab", "runtime.itab" }, false },
	{ { "runtime.hchan" }, false },
	{ { "runtime.waitq" }, false },
	{ { "runtime.sudog" }, false },

	{ { "internal/abi.Type", "runtime._type" }, false },
	{ { "internal/abi.MapType", "internal/abi.SwissMapType", "internal/abi.OldMapType", "runtime.maptype" },
	  false },
	{ { "internal/abi.ArrayType", "runtime.arraytype" }, false },
	{ { "internal/abi.ChanType", "runtime.chantype" }, false },
	{ { "internal/abi.FuncType", "runtime.functype" }, false },
	{ { "internal/abi.InterfaceType", "runtime.interfacetype" }, false },
	{ { "internal/abi.PtrType", "runtime.ptrtype" }, false },
	{ { "internal/abi.SliceType", "runtime.slicetype" }, false },
	{ { "internal/abi.StructType", "runtime.structtype" }, false },
	{ { "internal/abi.StructField", "runtime.structfield" }, false },
	{ { "internal/abi.Imethod", "runtime.imethod" }, false },
	{ { "internal/abi.UncommonType", "runtime.uncommontype" }, false },

	{ { "runtime.g" }, false },
	{ { "runtime.stack" }, false },
	{ { "runtime.gobuf" }, false },
	{ { "runtime.m" }, false },
	{ { "runtime.p" }, false },
	{ { "runtime.moduledata" }, false },
	{ { "runtime.bitvector" }, false },
	{ { NULL }, false },
};

const char *const layout_runtime_constants[] = {
	/* tophash bytes, flags, load: classic maps */
	"runtime.empty", "runtime.emptyRest", "runtime.emptyOne", "runtime.evacuatedX", "runtime.evacuatedY",
	"runtime.evacuatedEmpty", "runtime.minTopHash", "runtime.iterator", "runtime.oldIterator",
	"runtime.hashWriting", "runtime.sameSizeGrow", "runtime.bucketCnt", "runtime.loadFactorNum",
	"runtime.loadFactorDen", "runtime.maxKeySize", "runtime.maxValueSize", "runtime.maxElemSize",
	"runtime.dataOffset", "internal/abi.MapBucketCount", "internal/abi.OldMapBucketCount",
	"internal/abi.OldMapMaxKeyBytes", "internal/abi.OldMapMaxElemBytes",
	/* control bytes, load: Swiss maps */
	MAPS "ctrlEmpty", MAPS "ctrlDeleted", MAPS "maxAvgGroupLoad", MAPS "maxTableCapacity",
	"internal/abi.SwissMapGroupSlots", "internal/abi.MapGroupSlots", "internal/abi.SwissMapMaxKeyBytes",
	"internal/abi.SwissMapMaxElemBytes",
	/* of both, by version */
	"internal/abi.MapMaxKeyBytes", "internal/abi.MapMaxElemBytes",
	/* flags of a map's descriptor */
	"internal/abi.SwissMapNeedKeyUpdate", "internal/abi.SwissMapHashMightPanic",
	"internal/abi.SwissMapIndirectKey", "internal/abi.SwissMapIndirectElem", "internal/abi.MapNeedKeyUpdate",
	"internal/abi.MapHashMightPanic", "internal/abi.MapIndirectKey", "internal/abi.MapIndirectElem",
	/* of any descriptor */
	"runtime.kindDirectIface", "runtime.kindGCProg", "runtime.kindNoPointers", "runtime.kindMask",
	"runtime.tflagUncommon", "runtime.tflagExtraStar", "runtime.tflagNamed", "runtime.tflagRegularMemory",
	"internal/abi.KindDirectIface", "internal/abi.KindGCProg", "internal/abi.KindMask",
	"internal/abi.TFlagUncommon", "internal/abi.TFlagExtraStar", "internal/abi.TFlagNamed",
	"internal/abi.TFlagRegularMemory", "internal/abi.TFlagUnrolledBitmap", "internal/abi.TFlagGCMaskOnDemand",
	"internal/abi.TFlagDirectIface",
	/* a goroutine's atomicstatus */
	"runtime._Gidle", "runtime._Grunnable", "runtime._Grunning", "runtime._Gsyscall", "runtime._Gwaiting",
	"runtime._Gdead", "runtime._Gcopystack", "runtime._Gpreempted", "runtime._Gleaked", "runtime._Gdeadextra",
	"runtime._Gscan", NULL,
};

/*
 * runtime/{mheap,mfinal,mcleanup,mstats,mgcpacer,mgc,symtab,runtime2,stack,panic}.go, mgcmark_greenteagc.go: spans, what
 * is on them, the collector's figures; the tables of functions.
 */
const char *const layout_own_structs[] = {
	"runtime.mheap", "runtime.heapArena", "runtime.mspan", "runtime.spanInlineMarkBits",
	"runtime.special", "runtime.specialfinalizer", "runtime.specialCleanup", "runtime.specialWeakHandle",
	"runtime.cleanupFn", "runtime.finblock", "runtime.finBlock", "runtime.finalizer", "runtime.cleanupBlock",
	"runtime.cleanupBlockHeader", "runtime.cleanupQueue",
	"runtime.gcControllerState", "runtime.mstats",
	"runtime.functab", "runtime._func", "runtime.stackmap", "runtime.stackObjectRecord", "runtime.pcHeader",
	"runtime.textsect", "runtime.inlinedCall", "runtime._defer", "runtime._panic", "runtime.schedt", NULL,
};

const char *const layout_own_constants[] = {
	"runtime.pageSize", "runtime.arenaBaseOffset", "runtime.arenaBaseOffsetUintptr", "runtime.mallocHeaderSize",
	"runtime.minSizeForMallocHeader", "runtime._KindSpecialFinalizer", "runtime._KindSpecialCleanup",
	"runtime._KindSpecialWeakHandle", "runtime.memoryLimitMinHeapGoalHeadroom",
	"runtime.memoryLimitHeapGoalHeadroom", "runtime.memoryLimitHeapGoalHeadroomPercent", NULL,
};

const char *const layout_own_variables[] = {
	"runtime.firstmoduledata", "runtime.buildVersion", "runtime.mheap_", "runtime.inProgress", "runtime.memstats",
	"runtime.gcController", "runtime.gcphase", "runtime.allfin",
	"runtime.gcCleanups", "runtime.allgs", "runtime.allglen", "runtime.allgptr", "runtime.allm", "runtime.allp",
	"runtime.sched", "runtime.g0", "runtime.m0", "runtime.waitReasonStrings", "runtime.useAeshash",
	"runtime.aeskeysched", "runtime.hashkey", MAPS "UseAeshash", MAPS "aeskeysched", MAPS "hashkey",
	"sync.expunged", NULL,
};
