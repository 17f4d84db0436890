//go:build !js

package kernel

import (
	"context"
	"fmt"
	"math"
	"os"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"unsafe"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"dropquant/engine/kernel/wasmasm"
)

// extraMachines adds the baseline variant of the SIMD module under wazero,
// which has no relaxed SIMD.
func extraMachines(t testing.TB) []*machine {
	m, err := wazeroMachine()
	if err != nil {
		t.Fatal(err)
	}
	return []*machine{m}
}

// hostPages is the size of the module's memory here: 64 MB.
const hostPages = 1024

// host calls kernels of a module whose memory is not Go's: it copies every
// slice in, and the first one, which a kernel writes, back out.
type host struct {
	module api.Module
	memory api.Memory
	next   uint32
}

var wazeroMachine = sync.OnceValues(func() (*machine, error) {
	code, err := os.ReadFile("wasmasm/kernels_simd.wasm")
	if err != nil {
		return nil, err
	}
	ctx := context.Background()
	r := wazero.NewRuntime(ctx)
	env, err := r.InstantiateWithConfig(ctx, wasmasm.MemoryModule("mem", hostPages), wazero.NewModuleConfig().WithName("env"))
	if err != nil {
		return nil, err
	}
	module, err := r.InstantiateWithConfig(ctx, code, wazero.NewModuleConfig().WithName("kernel"))
	if err != nil {
		return nil, err
	}
	h := &host{module: module, memory: env.ExportedMemory("mem")}
	m := newReference()
	m.name, m.rows = "wazero", int(h.call("gemm_f32_rows"))
	v := reflect.ValueOf(m).Elem()
	for i := range v.NumField() {
		tag, ok := v.Type().Field(i).Tag.Lookup("wasm")
		if !ok {
			continue
		}
		field := v.Field(i)
		for j, name := range strings.Split(tag, ",") {
			to := field
			if field.Kind() == reflect.Array {
				to = field.Index(j)
			}
			if name != "" {
				reflect.NewAt(to.Type(), unsafe.Pointer(to.UnsafeAddr())).Elem().Set(h.kernel(name, to.Type()))
			}
		}
	}
	m.rows8 = int(h.call("gemm_u8_rows"))
	return m, nil
})

func (h *host) call(name string, args ...uint64) uint64 {
	f := h.module.ExportedFunction(name)
	if f == nil {
		panic("the module has no " + name)
	}
	out, err := f.Call(context.Background(), args...)
	if err != nil {
		panic(fmt.Sprintf("%s: %v", name, err))
	}
	if len(out) == 0 {
		return 0
	}
	return out[0]
}

// kernel returns a function of type t that calls an export.
func (h *host) kernel(name string, t reflect.Type) reflect.Value {
	return reflect.MakeFunc(t, func(in []reflect.Value) []reflect.Value {
		h.next = 1024
		var args []uint64
		for _, v := range in {
			switch v.Kind() {
			case reflect.Slice:
				at := h.copyIn(bytesOf(v))
				args = append(args, uint64(at))
			case reflect.Float32:
				args = append(args, uint64(math.Float32bits(float32(v.Float()))))
			default:
				args = append(args, uint64(uint32(v.Int())))
			}
		}
		result := int32(h.call(name, args...))
		for i, v := range slices.Backward(in) { // a slice that is given twice is written to as the first
			if v.Kind() == reflect.Slice {
				out := bytesOf(v)
				view, _ := h.memory.Read(uint32(args[i]), uint32(len(out)))
				copy(out, view)
			}
		}
		h.checkFences()
		if t.NumOut() == 0 {
			return nil
		}
		return []reflect.Value{reflect.ValueOf(int(result))}
	})
}

// fence follows every slice in the module's memory: what writes past the end of
// one breaks it.
const fence = 0x5ca1ab1e

var fences []uint32

func (h *host) copyIn(data []byte) uint32 {
	at := h.next
	if !h.memory.Write(at, data) {
		panic("the slices do not fit into the module's memory")
	}
	h.memory.WriteUint32Le(at+uint32(len(data)), fence)
	fences = append(fences, at+uint32(len(data)))
	h.next = (at + uint32(len(data)) + 4 + 4 + 15) &^ 15
	return at
}

func (h *host) checkFences() {
	for _, at := range fences {
		if v, _ := h.memory.ReadUint32Le(at); v != fence {
			panic("a kernel wrote past the end of a slice")
		}
	}
	fences = fences[:0]
}

func bytesOf(v reflect.Value) []byte {
	if v.Len() == 0 {
		return nil
	}
	return unsafe.Slice((*byte)(v.UnsafePointer()), v.Len()*int(v.Type().Elem().Size()))
}
