package export

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"

	"dropquant/engine/graph"
	"dropquant/engine/tensor"
)

// irCall is one node while its layers are added.
type irCall struct {
	*irWriter
	n     *graph.Node
	known []*tensor.Tensor // the elements of inputs, where they are constant
}

// irRules say how each operator of ai.onnx is written.
var irRules = map[string]func(c *irCall) error{
	"Conv": conv, "ConvTranspose": convTranspose, "Gemm": gemm, "MatMul": matMul,

	"Relu": same("ReLU"), "Sigmoid": same("Sigmoid"), "Tanh": same("Tanh"), "Exp": same("Exp"), "Log": same("Log"), "Sqrt": same("Sqrt"),
	"Abs": same("Abs"), "Neg": same("Negative"), "Floor": same("Floor"), "Erf": same("Erf"), "HardSwish": newer("HSwish", "opset4"),
	"Softplus": newer("SoftPlus", "opset4"), "Mish": newer("Mish", "opset4"), "Clip": clip, "LeakyRelu": leakyRelu, "PRelu": same("PReLU"),
	"Elu": func(c *irCall) error {
		return c.emit("Elu", "opset1", attrs{{"alpha", real(c.n.Float("alpha", 1))}}, c.n.Input(0))
	},
	"HardSigmoid": hardSigmoid, "Softmax": softmax,

	"Add": binary("Add"), "Sub": binary("Subtract"), "Mul": binary("Multiply"), "Div": binary("Divide"), "Pow": binary("Power"),
	"Max": binary("Maximum"), "Min": binary("Minimum"),

	"MaxPool": maxPool, "AveragePool": averagePool, "GlobalAveragePool": global("ReduceMean"), "GlobalMaxPool": global("ReduceMax"),
	"ReduceMean": reduce("ReduceMean"), "ReduceMax": reduce("ReduceMax"), "ReduceSum": reduce("ReduceSum"),

	"Reshape": reshape, "Flatten": reshape, "Squeeze": reshape, "Unsqueeze": reshape, "Identity": reshape, "Dropout": reshape,
	"Transpose": transpose, "Concat": concat, "Slice": slice, "Split": split, "Pad": pad, "Resize": resize,
	"DepthToSpace": depthToSpace, "SpaceToDepth": func(c *irCall) error {
		return c.emit("SpaceToDepth", "opset1", attrs{{"mode", "blocks_first"}, {"block_size", strconv.Itoa(c.n.Int("blocksize", 1))}}, c.n.Input(0))
	},
}

// emit adds the layer that gives the first output of the node from some of its inputs.
func (c *irCall) emit(kind, version string, a attrs, in ...*graph.Value) error {
	var ports []port
	for _, v := range in {
		p, err := c.value(v)
		if err != nil {
			return err
		}
		ports = append(ports, p)
	}
	c.give(kind, version, a, ports...)
	return nil
}

// give is emit for ports.
func (c *irCall) give(kind, version string, a attrs, in ...port) {
	y := c.n.Out(0)
	c.at[y] = c.layer(kind, version, c.n.Name, a, in, irOutput{y.Name, c.types[y]})[0]
}

// shape returns the shape of an input.
func (c *irCall) shape(i int) []int { return c.types[c.n.Input(i)].Shape }

// list returns the numbers of a constant input.
func (c *irCall) list(i int) ([]int, bool) {
	if i >= len(c.known) || c.known[i] == nil || c.known[i].DType != tensor.Int64 {
		return nil, false
	}
	var out []int
	for _, v := range c.known[i].I64() {
		out = append(out, int(v))
	}
	return out, true
}

func same(kind string) func(c *irCall) error { return newer(kind, "opset1") }

func newer(kind, version string) func(c *irCall) error {
	return func(c *irCall) error { return c.emit(kind, version, nil, c.n.Inputs...) }
}

func binary(kind string) func(c *irCall) error {
	return func(c *irCall) error {
		if len(c.n.Inputs) != 2 {
			return fmt.Errorf("it has %d inputs, where two can be written", len(c.n.Inputs))
		}
		return c.emit(kind, "opset1", numpy, c.n.Inputs...)
	}
}

func real(v float32) string { return strconv.FormatFloat(float64(v), 'g', -1, 32) }

func clip(c *irCall) error {
	bound := func(i int, none float32) (string, error) {
		if c.n.Input(i) == nil {
			return real(none), nil
		}
		if i < len(c.known) && c.known[i] != nil && c.known[i].DType == tensor.Float32 && c.known[i].Len() == 1 {
			v := c.known[i].F32()[0]
			return real(min(max(v, -math.MaxFloat32), math.MaxFloat32)), nil
		}
		return "", errors.New("its limits are not constants")
	}
	lo, err := bound(1, -math.MaxFloat32)
	if err != nil {
		return err
	}
	hi, err := bound(2, math.MaxFloat32)
	if err != nil {
		return err
	}
	return c.emit("Clamp", "opset1", attrs{{"min", lo}, {"max", hi}}, c.n.Input(0))
}

func leakyRelu(c *irCall) error {
	x, err := c.value(c.n.Input(0))
	if err != nil {
		return err
	}
	c.give("PReLU", "opset1", nil, x, c.constant(c.n.Name+"/slope", tensor.Of([]float32{c.n.Float("alpha", 0.01)}, 1), []int{1}))
	return nil
}

func hardSigmoid(c *irCall) error {
	x, err := c.value(c.n.Input(0))
	if err != nil {
		return err
	}
	number := func(name string, v float32) port {
		return c.constant(c.n.Name+"/"+name, tensor.Scalar(v), []int{})
	}
	c.give("HardSigmoid", "opset1", nil, x, number("alpha", c.n.Float("alpha", 0.2)), number("beta", c.n.Float("beta", 0.5)))
	return nil
}

func softmax(c *irCall) error {
	return c.emit("SoftMax", "opset8", attrs{{"axis", strconv.Itoa(c.n.Int("axis", -1))}}, c.n.Input(0))
}

// reshape gives the elements of the input under the shape of the output.
func reshape(c *irCall) error {
	x, err := c.value(c.n.Input(0))
	if err != nil {
		return err
	}
	c.give("Reshape", "opset1", attrs{{"special_zero", "false"}}, x, c.ints(c.n.Name+"/shape", c.types[c.n.Out(0)].Shape...))
	return nil
}

func transpose(c *irCall) error {
	x, err := c.value(c.n.Input(0))
	if err != nil {
		return err
	}
	order := c.n.Ints("perm")
	if order == nil {
		for i := range c.shape(0) {
			order = append([]int{i}, order...)
		}
	}
	c.give("Transpose", "opset1", nil, x, c.ints(c.n.Name+"/order", order...))
	return nil
}

func concat(c *irCall) error {
	axis := c.n.Int("axis", 0)
	if axis < 0 {
		axis += len(c.shape(0))
	}
	return c.emit("Concat", "opset1", attrs{{"axis", strconv.Itoa(axis)}}, c.n.Inputs...)
}

func slice(c *irCall) error {
	var lists [4][]int // starts, ends, axes, steps
	for i := range lists {
		if c.n.Input(i+1) == nil && i >= 2 {
			continue
		}
		var ok bool
		if lists[i], ok = c.list(i + 1); !ok {
			return errors.New("its starts, ends, axes or steps are not constants of int64")
		}
	}
	x, err := c.value(c.n.Input(0))
	if err != nil {
		return err
	}
	for i := range lists[0] {
		if c.n.Input(3) == nil {
			lists[2] = append(lists[2], i)
		}
		if c.n.Input(4) == nil {
			lists[3] = append(lists[3], 1)
		}
	}
	name := c.n.Name
	c.give("Slice", "opset8", nil, x, c.ints(name+"/start", lists[0]...), c.ints(name+"/stop", lists[1]...),
		c.ints(name+"/step", lists[3]...), c.ints(name+"/axes", lists[2]...))
	return nil
}

func split(c *irCall) error {
	x, err := c.value(c.n.Input(0))
	if err != nil {
		return err
	}
	axis := c.n.Int("axis", 0)
	if axis < 0 {
		axis += len(c.shape(0))
	}
	var sizes []int
	var outs []irOutput
	for _, v := range c.n.Outputs {
		if v == nil {
			return errors.New("one of its outputs is left out")
		}
		sizes = append(sizes, c.types[v].Shape[axis])
		outs = append(outs, irOutput{v.Name, c.types[v]})
	}
	in := []port{x, c.scalar(c.n.Name+"/axis", axis), c.ints(c.n.Name+"/lengths", sizes...)}
	for i, p := range c.layer("VariadicSplit", "opset1", c.n.Name, nil, in, outs...) {
		c.at[c.n.Outputs[i]] = p
	}
	return nil
}

func pad(c *irCall) error {
	pads, ok := c.list(1)
	rank := len(c.shape(0))
	if !ok || len(pads) != 2*rank {
		return errors.New("its pads are not constants, or not for all axes")
	}
	x, err := c.value(c.n.Input(0))
	if err != nil {
		return err
	}
	modes := map[string]string{"constant": "constant", "reflect": "reflect", "edge": "edge"}
	mode := modes[c.n.Str("mode", "constant")]
	if mode == "" {
		return fmt.Errorf("its mode is %q", c.n.Str("mode", ""))
	}
	in := []port{x, c.ints(c.n.Name+"/begin", pads[:rank]...), c.ints(c.n.Name+"/end", pads[rank:]...)}
	if mode == "constant" {
		value := tensor.Scalar(float32(0))
		if len(c.known) > 2 && c.known[2] != nil {
			value = c.known[2]
		} else if c.n.Input(2) != nil {
			return errors.New("its value is not a constant")
		}
		in = append(in, c.constant(c.n.Name+"/value", value, []int{}))
	}
	c.give("Pad", "opset1", attrs{{"pad_mode", mode}}, in...)
	return nil
}

func depthToSpace(c *irCall) error {
	mode := map[string]string{"DCR": "blocks_first", "CRD": "depth_first"}[c.n.Str("mode", "DCR")]
	return c.emit("DepthToSpace", "opset1", attrs{{"mode", mode}, {"block_size", strconv.Itoa(c.n.Int("blocksize", 1))}}, c.n.Input(0))
}

// global reduces all that is behind the channels.
func global(kind string) func(c *irCall) error {
	return func(c *irCall) error {
		var axes []int
		for i := 2; i < len(c.shape(0)); i++ {
			axes = append(axes, i)
		}
		return c.reduce(kind, axes, true)
	}
}

// reduce reads the axes from an input or an attribute.
func reduce(kind string) func(c *irCall) error {
	return func(c *irCall) error {
		axes := c.n.Ints("axes")
		if c.n.Input(1) != nil {
			var ok bool
			if axes, ok = c.list(1); !ok {
				return errors.New("its axes are not constants")
			}
		}
		if axes == nil {
			if c.n.Int("noop_with_empty_axes", 0) != 0 {
				return reshape(c)
			}
			for i := range c.shape(0) {
				axes = append(axes, i)
			}
		}
		return c.reduce(kind, axes, c.n.Int("keepdims", 1) != 0)
	}
}

func (c *irCall) reduce(kind string, axes []int, keep bool) error {
	x, err := c.value(c.n.Input(0))
	if err != nil {
		return err
	}
	c.give(kind, "opset1", attrs{{"keep_dims", strconv.FormatBool(keep)}}, x, c.ints(c.n.Name+"/axes", axes...))
	return nil
}

// resize reads the sizes from the shapes: only axes that change are named.
func resize(c *irCall) error {
	in, out := c.shape(0), c.types[c.n.Out(0)].Shape
	mode := map[string]string{"nearest": "nearest", "linear": "linear_onnx", "cubic": "cubic"}[c.n.Str("mode", "nearest")]
	coordinate := c.n.Str("coordinate_transformation_mode", "half_pixel")
	allowed := []string{"half_pixel", "pytorch_half_pixel", "asymmetric", "tf_half_pixel_for_nn", "align_corners"}
	if mode == "" || !slices.Contains(allowed, coordinate) || c.n.Int("antialias", 0) != 0 || c.n.Int("exclude_outside", 0) != 0 || c.n.Has("axes") {
		return errors.New("this way of resizing is not one that Dropquant writes as OpenVINO IR")
	}
	x, err := c.value(c.n.Input(0))
	if err != nil {
		return err
	}
	calculation, given := "sizes", []float32(nil)
	if c.n.Input(2) != nil && len(c.known) > 2 && c.known[2] != nil && c.known[2].Len() == len(in) {
		calculation, given = "scales", c.known[2].F32()
	}
	var axes, sizes []int
	var scales []float32
	for i := range in {
		if in[i] == out[i] {
			continue
		}
		axes, sizes = append(axes, i), append(sizes, out[i])
		if given != nil {
			scales = append(scales, given[i])
		} else {
			scales = append(scales, float32(out[i])/float32(in[i]))
		}
	}
	if len(axes) == 0 {
		return reshape(c)
	}
	zeros := list(make([]int, len(in)))
	a := attrs{{"mode", mode}, {"shape_calculation_mode", calculation}, {"coordinate_transformation_mode", coordinate},
		{"nearest_mode", c.n.Str("nearest_mode", "round_prefer_floor")}, {"antialias", "false"}, {"pads_begin", zeros}, {"pads_end", zeros},
		{"cube_coeff", real(c.n.Float("cubic_coeff_a", -0.75))}}
	c.give("Interpolate", "opset4", a, x, c.ints(c.n.Name+"/sizes", sizes...),
		c.constant(c.n.Name+"/scales", tensor.Of(scales, len(scales)), []int{len(scales)}), c.ints(c.n.Name+"/axes", axes...))
	return nil
}
