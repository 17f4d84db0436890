package op_test

import (
	"encoding/binary"
	"fmt"
	"testing"

	"dropquant/engine/graph"
	"dropquant/engine/op"
	"dropquant/engine/tensor"
)

// reader turns fuzz data into decisions; it yields zeros when the data is used up.
type reader struct{ data []byte }

func (r *reader) byte() byte {
	if len(r.data) == 0 {
		return 0
	}
	b := r.data[0]
	r.data = r.data[1:]
	return b
}

func (r *reader) below(n int) int { return int(r.byte()) % n }

// number is mostly small, sometimes of any size.
func (r *reader) number() int64 {
	switch b := r.byte(); {
	case b < 200:
		return int64(b%12) - 3
	case b < 230:
		return []int64{1 << 31, -1 << 31, 1 << 40, 1<<63 - 1, -1 << 63, 1 << 20, 65536, 255}[b%8]
	}
	var raw [8]byte
	for i := range raw {
		raw[i] = r.byte()
	}
	return int64(binary.LittleEndian.Uint64(raw[:]))
}

func (r *reader) numbers() []int64 {
	out := make([]int64, r.below(7))
	for i := range out {
		out[i] = r.number()
	}
	return out
}

func (r *reader) shape() []int {
	out := make([]int, r.below(6))
	for i := range out {
		out[i] = r.below(6)
		if r.byte() > 250 {
			out[i] = int(r.number())
		}
	}
	return out
}

// dtypes of inputs, the usual ones more than once.
var dtypes = []tensor.DType{
	tensor.Float32, tensor.Float32, tensor.Float32, tensor.Float32, tensor.Int64, tensor.Int64, tensor.Float64, tensor.Int8, tensor.Uint8,
	tensor.Int32, tensor.Bool, tensor.String, tensor.Float16, tensor.Uint16, tensor.Uint64, tensor.Complex64,
}

// attributes that any operator reads.
var attributes = []string{
	"axis", "axes", "pads", "strides", "dilations", "kernel_shape", "group", "keepdims", "perm", "to", "mode", "auto_pad", "ceil_mode",
	"alpha", "beta", "epsilon", "blocksize", "output_shape", "output_padding", "split", "num_outputs", "starts", "ends", "size", "scales",
	"block_size", "output_dtype", "k", "num_groups", "allowzero", "shape", "value", "value_ints", "batch_dims", "p", "equation", "reduction",
	"coordinate_transformation_mode", "nearest_mode", "start", "end", "transA", "count_include_pad", "storage_order", "broadcast", "spatial",
	"keep_aspect_ratio_policy", "antialias", "exclude_outside", "direction", "fmod", "dtype", "upper", "largest", "repeats", "noop_with_empty_axes",
}

var words = []string{"", "NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID", "linear", "cubic", "nearest", "reflect", "edge", "wrap", "constant", "CRD", "DCR",
	"align_corners", "tf_crop_and_resize", "pytorch_half_pixel", "ceil", "not_larger", "not_smaller", "add", "max", "ij,jk->ik", "...i,...i", "LEFT", "FLOAT", "tanh"}

func (r *reader) attr() any {
	switch r.below(6) {
	case 0, 1:
		return r.number()
	case 2, 3:
		return r.numbers()
	case 4:
		return words[r.below(len(words))]
	}
	return float32(r.number())
}

// FuzzInfer builds a graph of one node from the data, infers it, and runs it when it is small. No
// model may make a rule or a loop panic.
func FuzzInfer(f *testing.F) {
	for i := range op.Table {
		f.Add([]byte{byte(i), 3, 0, 2, 1, 1, 4, 1, 4, 1, 0, 1, 1, 4, 1, 4, 1, 0, 1, 1, 2, 1, 5})
		f.Add([]byte{byte(i), 3, 0, 4, 1, 4, 1, 4, 4, 1, 4, 1, 1, 1, 1, 1, 4, 2, 1, 4, 1, 4, 1, 5})
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		r := &reader{data}
		row := &op.Table[r.below(len(op.Table))]
		g := graph.New("fuzz", row.Since)
		g.Opset[row.Domain] = max(row.Since, 1) + r.below(3)
		var inputs []*graph.Value
		in := map[string]*tensor.Tensor{}
		for i := range min(row.Min+r.below(3), 5) {
			dt, shape := dtypes[r.below(len(dtypes))], r.shape()
			if r.byte() > 240 {
				inputs = append(inputs, nil)
				continue
			}
			name := fmt.Sprintf("x%d", i)
			if n, ok := elements(shape); ok && dt != tensor.Complex64 {
				x := tensor.New(dt, shape...)
				r.fill(x, n)
				if r.byte() < 100 || i > 0 && dt == tensor.Int64 {
					inputs = append(inputs, g.AddConst(name, x))
					continue
				}
				in[name] = x
			}
			inputs = append(inputs, g.AddInput(name, dt, shape...))
		}
		var attrs []graph.Attr
		for range r.below(6) {
			attrs = append(attrs, graph.Attr{Name: attributes[r.below(len(attributes))], Value: r.attr()})
		}
		outs := []string{"y0", "y1", "y2"}[:1+r.below(3)]
		n := g.AddNode(row.Name, "node", inputs, attrs, outs...)
		n.Domain = row.Domain
		run(g, in)
	})
}

// elements bounds what the fuzzer allocates.
func elements(shape []int) (int, bool) {
	n := 1
	for _, d := range shape {
		if d < 0 || d > 1<<12 {
			return 0, false
		}
		n *= d
	}
	return n, n <= 1<<12
}

func (r *reader) fill(x *tensor.Tensor, n int) {
	switch x.DType {
	case tensor.Float32:
		for i := range n {
			x.F32()[i] = float32(r.number())
		}
	case tensor.Int64:
		for i := range n {
			x.I64()[i] = r.number()
		}
	case tensor.Int32:
		for i := range n {
			tensor.Data[int32](x)[i] = int32(r.number())
		}
	case tensor.Bool:
		for i := range n {
			tensor.Data[bool](x)[i] = r.byte() > 127
		}
	}
}

func run(g *graph.Graph, in map[string]*tensor.Tensor) {
	res, err := op.Resolve(g, nil)
	if err != nil {
		return
	}
	c, args := res.Calls[0], []*tensor.Tensor{}
	for _, v := range g.Nodes[0].Inputs {
		switch {
		case v == nil:
			args = append(args, nil)
		case v.Const != nil:
			args = append(args, v.Const)
		default:
			if in[v.Name] == nil {
				return
			}
			args = append(args, in[v.Name])
		}
	}
	for _, o := range c.Out {
		if n, ok := elements(o.Shape); !ok || n > 1<<12 {
			return
		}
	}
	// Errors are fine; so are windows too large to walk in a test.
	if k := g.Nodes[0].Ints("kernel_shape"); len(k) > 0 {
		n := 1
		for _, d := range k {
			n *= min(d, 1<<20)
		}
		if n > 1<<14 {
			return
		}
	}
	_, _ = c.Eval(args)
}
