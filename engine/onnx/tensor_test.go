package onnx

import (
	"bytes"
	"fmt"
	"math"
	"strings"
	"testing"

	"dropquant/engine/tensor"
)

// samples holds a tensor of shape [3] of every type with the typed form of the same elements.
var samples = []struct {
	tensor *tensor.Tensor
	typed  *Tensor
}{
	{tensor.Of([]float32{1, -0.5, float32(math.Inf(1))}, 3), &Tensor{FloatData: []float32{1, -0.5, float32(math.Inf(1))}}},
	{tensor.Of([]float64{1, -0.5, math.MaxFloat64}, 3), &Tensor{DoubleData: []float64{1, -0.5, math.MaxFloat64}}},
	{tensor.Of([]int64{1, -2, math.MinInt64}, 3), &Tensor{Int64Data: []int64{1, -2, math.MinInt64}}},
	{tensor.Of([]int32{1, -2, math.MinInt32}, 3), &Tensor{Int32Data: []int32{1, -2, math.MinInt32}}},
	{tensor.Of([]int16{1, -2, math.MinInt16}, 3), &Tensor{Int32Data: []int32{1, -2, math.MinInt16}}},
	{tensor.Of([]int8{1, -2, -128}, 3), &Tensor{Int32Data: []int32{1, -2, -128}}},
	{tensor.Of([]uint64{1, 2, math.MaxUint64}, 3), &Tensor{Uint64Data: []uint64{1, 2, math.MaxUint64}}},
	{tensor.Of([]uint32{1, 2, math.MaxUint32}, 3), &Tensor{Uint64Data: []uint64{1, 2, math.MaxUint32}}},
	{tensor.Of([]uint16{1, 2, 65535}, 3), &Tensor{Int32Data: []int32{1, 2, 65535}}},
	{tensor.Of([]uint8{1, 2, 255}, 3), &Tensor{Int32Data: []int32{1, 2, 255}}},
	{tensor.WithType(tensor.Float16, []uint16{0x3c00, 0, 0xfc00}, 3), &Tensor{Int32Data: []int32{0x3c00, 0, 0xfc00}}},
	{tensor.WithType(tensor.BFloat16, []uint16{0x3f80, 0, 0xff80}, 3), &Tensor{Int32Data: []int32{0x3f80, 0, 0xff80}}},
	{tensor.Of([]bool{true, false, true}, 3), &Tensor{Int32Data: []int32{1, 0, 5}}},
	{tensor.Of([]string{"a", "", "\xff"}, 3), &Tensor{StringData: [][]byte{[]byte("a"), nil, []byte("\xff")}}},
}

// same compares type, shape and elements.
func same(a, b *tensor.Tensor) bool {
	x, y := FromTensor("", a), FromTensor("", b)
	return bytes.Equal(Marshal(x), Marshal(y))
}

func TestDecode(t *testing.T) {
	for _, c := range samples {
		t.Run(c.tensor.DType.String(), func(t *testing.T) {
			c.typed.Dims, c.typed.DataType = []int64{3}, int32(c.tensor.DType)
			got, err := c.typed.Decode()
			if err != nil || !same(got, c.tensor) {
				t.Errorf("from the typed field: %v, %v", got, err)
			}
			data := Marshal(FromTensor("w", c.tensor))
			for shift := range 8 { // aligned and not
				raw := new(Tensor)
				if err := Unmarshal(append(make([]byte, shift), data...)[shift:], raw); err != nil {
					t.Fatal(err)
				}
				if got, err := raw.Decode(); err != nil || !same(got, c.tensor) {
					t.Errorf("from raw_data shifted by %d: %v, %v", shift, got, err)
				}
			}
		})
	}
	if len(samples) != len(layouts) {
		t.Errorf("%d types are tested of %d", len(samples), len(layouts))
	}
}

// TestDecodeShares: aligned data is not copied, and on the machines that matter no other either.
func TestDecodeShares(t *testing.T) {
	backing := []float32{1, 2, 3, 4}
	x := &Tensor{DataType: 1, Dims: []int64{4}, RawData: view[byte](backing)}
	got, err := x.Decode()
	if err != nil {
		t.Fatal(err)
	}
	if &got.F32()[0] != &backing[0] {
		t.Error("aligned data was copied")
	}
	if data := view[byte](backing)[3:11]; misaligned && &view[byte](elements[float32](data, 2))[0] != &data[0] {
		t.Error("unaligned data was copied")
	}
	if raw := FromTensor("", got).RawData; &raw[0] != &x.RawData[0] {
		t.Error("it was copied on the way back")
	}
}

func TestDecodeErrors(t *testing.T) {
	for _, c := range []struct {
		t    *Tensor
		want string
	}{
		{&Tensor{Name: "w", DataType: 1, Dims: []int64{2}, RawData: make([]byte, 7)},
			`the tensor "w" of type float32[2] needs 8 bytes but holds 7: the file is damaged`},
		{&Tensor{Name: "w", DataType: 1, Dims: []int64{2}, FloatData: make([]float32, 3)},
			`the tensor "w" of type float32[2] needs 2 elements but holds 3: the file is damaged`},
		{&Tensor{Name: "w", DataType: 7, Dims: []int64{1 << 20, 1 << 20}},
			`the tensor "w" claims the shape [1048576,1048576], which is more than 2^31 elements`},
		{&Tensor{Name: "w", DataType: 7, Dims: []int64{1 << 31, 1 << 31, 1 << 31}},
			`the tensor "w" has a dimension of 2147483648`},
		{&Tensor{Name: "w", DataType: 7, Dims: []int64{-1}}, `the tensor "w" has a dimension of -1`},
		{&Tensor{Name: "w", DataType: 1, Dims: []int64{30000, 30000}},
			`the tensor "w" of type float32[30000,30000] needs 900000000 elements but holds 0: the file is damaged`},
		{&Tensor{Name: "w", DataType: 22, Dims: []int64{2}, RawData: []byte{0x21}},
			`the tensor "w" has elements of type int4, which Dropquant cannot read`},
		{&Tensor{Name: "w", DataType: 77}, `the tensor "w" has elements of type dtype(77), which Dropquant cannot read`},
		{&Tensor{Name: "w"}, `the tensor "w" has elements of type unknown, which Dropquant cannot read`},
		{&Tensor{Name: "w", DataType: 1, Segment: &TensorSegment{}, FloatData: []float32{1}},
			`the tensor "w" is stored in segments, which nothing writes any more: export the model again`},
		{&Tensor{Name: "w", DataType: 1, DataLocation: TensorDataLocationExternal, ExternalData: []*StringStringEntry{{Key: "location", Value: "w.bin"}}},
			`the data of the tensor "w" lies in the file "w.bin", which is missing: add it to the model`},
	} {
		if _, err := c.t.Decode(); err == nil || err.Error() != c.want {
			t.Errorf("got  %v\nwant %s", err, c.want)
		}
	}
	for _, dims := range [][]int64{{0}, {0, 1 << 30, 1 << 30}, {1 << 30, 0, 1 << 30}} {
		x := &Tensor{DataType: 1, Dims: dims}
		if got, err := x.Decode(); err != nil || got.Len() != 0 {
			t.Errorf("an empty tensor of %v: %v", dims, err)
		}
	}
}

// external is a model with one tensor outside, and with what its external_data says.
func external(entries ...string) *Model {
	x := &Tensor{Name: "w", DataType: 2, Dims: []int64{4}, DataLocation: TensorDataLocationExternal}
	for i := 0; i < len(entries); i += 2 {
		x.ExternalData = append(x.ExternalData, &StringStringEntry{Key: entries[i], Value: entries[i+1]})
	}
	return &Model{Graph: &Graph{Initializer: []*Tensor{x}}}
}

func TestResolve(t *testing.T) {
	read := func(name string) ([]byte, bool) { return []byte("0123456789"), name == "w.bin" || name == "sub/w.bin" }
	outside := `the tensor "w" wants its data from %q, which is not a file beside the model`
	for _, c := range []struct {
		m    *Model
		data string
		want string
	}{
		{external("location", "w.bin", "offset", "2", "length", "4"), "2345", ""},
		{external("location", "sub/w.bin", "offset", "6", "checksum", "x"), "6789", ""},
		{external("location", "w.bin", "offset", "10", "length", "0"), "", ""},
		{external("location", "w.bin", "offset", "8", "length", "4"), "", `the data of the tensor "w" ends at byte 12 of "w.bin", which has 10: the file is cut off or belongs to another model`},
		{external("location", "w.bin", "offset", "9223372036854775807", "length", "9223372036854775807"), "", `the data of the tensor "w" ends at byte 18446744073709551614 of "w.bin", which has 10: the file is cut off or belongs to another model`},
		{external("location", "w.bin", "offset", "-1"), "", `the tensor "w" has the external data offset "-1", which is not a number of bytes`},
		{external("location", "w.bin", "length", "4 bytes"), "", `the tensor "w" has the external data length "4 bytes", which is not a number of bytes`},
		{external("location", "other.bin"), "", `the model keeps weights in "other.bin", which is missing: add it together with the model`},
		{external("location", "../w.bin"), "", fmt.Sprintf(outside, "../w.bin")},
		{external("location", "a/../../w.bin"), "", fmt.Sprintf(outside, "a/../../w.bin")},
		{external("location", "/etc/passwd"), "", fmt.Sprintf(outside, "/etc/passwd")},
		{external("location", `..\w.bin`), "", fmt.Sprintf(outside, `..\w.bin`)},
		{external("location", "C:/w.bin"), "", fmt.Sprintf(outside, "C:/w.bin")},
		{external("location", "file:w.bin"), "", fmt.Sprintf(outside, "file:w.bin")},
		{external("location", "w\x00.bin"), "", fmt.Sprintf(outside, "w\x00.bin")},
		{external(), "", fmt.Sprintf(outside, "")},
	} {
		x := c.m.Graph.Initializer[0]
		if refs := External(c.m); len(refs) != 1 || refs[0].Tensor != x {
			t.Errorf("External lists %v", refs)
		}
		err := Resolve(c.m, read)
		switch {
		case c.want != "":
			if err == nil || err.Error() != c.want {
				t.Errorf("got  %v\nwant %s", err, c.want)
			}
			if x.DataLocation != TensorDataLocationExternal {
				t.Error("a failed Resolve changed the model")
			}
		case err != nil || string(x.RawData) != c.data || x.HasDataLocation() || x.ExternalData != nil:
			t.Errorf("resolved to %+v, %v", x, err)
		}
	}
}

// TestExternalEverywhere finds tensors in attributes, subgraphs and functions.
func TestExternalEverywhere(t *testing.T) {
	x := func(name string) *Tensor { return &Tensor{Name: name, DataLocation: TensorDataLocationExternal} }
	nodes := func(name string) []*Node {
		return []*Node{{Attribute: []*Attribute{{T: x(name + ".t"), Tensors: []*Tensor{x(name + ".ts")}, SparseTensor: &SparseTensor{Values: x(name + ".v"), Indices: x(name + ".i")}}}}}
	}
	m := &Model{Graph: &Graph{Initializer: []*Tensor{x("init")}, Node: nodes("node")}, Functions: []*Function{{Node: nodes("fn")}}}
	m.Graph.Node = append(m.Graph.Node, &Node{Attribute: []*Attribute{{G: &Graph{Initializer: []*Tensor{x("inner")}}}}})
	var names []string
	for _, r := range External(m) {
		names = append(names, r.Tensor.Name)
	}
	if got, want := strings.Join(names, " "), "init node.t node.ts node.v node.i inner fn.t fn.ts fn.v fn.i"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
