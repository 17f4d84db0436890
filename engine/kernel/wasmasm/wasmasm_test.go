package wasmasm

import (
	"bytes"
	"context"
	"math"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
)

func TestLEB(t *testing.T) {
	for _, c := range []struct {
		n    int64
		want []byte // signed
	}{
		{0, []byte{0}}, {1, []byte{1}}, {63, []byte{63}}, {64, []byte{0xc0, 0}}, {-1, []byte{0x7f}}, {-64, []byte{0x40}},
		{-65, []byte{0xbf, 0x7f}}, {math.MaxInt32, []byte{0xff, 0xff, 0xff, 0xff, 7}}, {math.MinInt32, []byte{0x80, 0x80, 0x80, 0x80, 0x78}},
	} {
		if got := sleb(c.n); !bytes.Equal(got, c.want) {
			t.Errorf("signed %d is % x, want % x", c.n, got, c.want)
		}
	}
	for n, want := range map[int][]byte{0: {0}, 127: {127}, 128: {0x80, 1}, 624485: {0xe5, 0x8e, 0x26}} {
		if got := uleb(n); !bytes.Equal(got, want) {
			t.Errorf("unsigned %d is % x, want % x", n, got, want)
		}
	}
}

// run assembles a function of two integers with one result and calls it.
func run(t *testing.T, build func(f *Func, a, b I32), a, b int32) (int32, api.Memory) {
	t.Helper()
	ctx := context.Background()
	r := wazero.NewRuntime(ctx)
	t.Cleanup(func() { r.Close(ctx) })
	env, err := r.InstantiateWithConfig(ctx, MemoryModule("mem", 1), wazero.NewModuleConfig().WithName("env"))
	if err != nil {
		t.Fatal(err)
	}
	m := NewModule("env", "mem")
	m.Func("f", func(f *Func) { build(f, f.ParamI32(), f.ParamI32()) })
	module, err := r.Instantiate(ctx, m.Encode())
	if err != nil {
		t.Fatal(err)
	}
	out, err := module.ExportedFunction("f").Call(ctx, uint64(uint32(a)), uint64(uint32(b)))
	if err != nil {
		t.Fatal(err)
	}
	if len(out) == 0 {
		return 0, env.ExportedMemory("mem")
	}
	return int32(out[0]), env.ExportedMemory("mem")
}

func TestControl(t *testing.T) {
	for _, c := range []struct {
		name       string
		build      func(f *Func, a, b I32)
		a, b, want int32
	}{
		{"sum of a range", func(f *Func, a, b I32) {
			sum := f.SetI32(ConstI32(0))
			f.Range(a, b, 3, func(i I32) { sum.Set(sum.Add(i)) })
			f.Result(sum)
		}, 2, 12, 2 + 5 + 8 + 11},
		{"empty range", func(f *Func, a, b I32) {
			sum := f.SetI32(ConstI32(-5))
			f.Range(a, b, 1, func(i I32) { sum.Set(i) })
			f.Result(sum)
		}, 3, 3, -5},
		{"if", func(f *Func, a, b I32) {
			f.If(a.LtS(b), func() { a.Set(b) })
			f.Result(a)
		}, -3, 4, 4},
		{"if else", func(f *Func, a, b I32) {
			f.IfElse(a.LtU(b), func() { a.Set(ConstI32(1)) }, func() { a.Set(ConstI32(2)) })
			f.Result(a)
		}, -3, 4, 2},
		{"choose", func(f *Func, a, b I32) { f.Result(Choose(a.Eq(b), a, b.Sub(a))) }, 3, 10, 7},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got, _ := run(t, c.build, c.a, c.b); got != c.want {
				t.Errorf("got %d, want %d", got, c.want)
			}
		})
	}
}

func TestStoreLanes(t *testing.T) {
	for lanes := 1; lanes <= 3; lanes++ {
		_, mem := run(t, func(f *Func, a, b I32) {
			v := f.SetV128(a.Splat())
			f.StoreLanes(b, 4, v, lanes)
		}, 7, 16)
		for i := range uint32(4) {
			want := uint32(0)
			if int(i) < lanes {
				want = 7
			}
			if got, _ := mem.ReadUint32Le(20 + 4*i); got != want {
				t.Errorf("%d lanes: lane %d is %d, want %d", lanes, i, got, want)
			}
		}
	}
}

func TestMisuse(t *testing.T) {
	for name, build := range map[string]func(m *Module, f *Func){
		"set of an expression":   func(_ *Module, f *Func) { ConstI32(1).Set(ConstI32(2)) },
		"parameter after local":  func(_ *Module, f *Func) { f.SetI32(ConstI32(1)); f.ParamI32() },
		"argument of other type": func(m *Module, f *Func) { f.Call(m.Func("", func(g *Func) { g.ParamF32() }), ConstI32(1)) },
		"missing argument":       func(m *Module, f *Func) { f.Call(m.Func("", func(g *Func) { g.ParamF32() })) },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			m := NewModule("env", "mem")
			m.Func("f", func(f *Func) { build(m, f) })
		})
	}
}
