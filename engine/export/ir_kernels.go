package export

import (
	"errors"
	"slices"
	"strconv"
	"strings"

	"dropquant/engine/op"
	"dropquant/engine/tensor"
)

// window returns the attributes that convolutions and poolings share, for so many spatial dimensions.
func (c *irCall) window(n int) attrs {
	ints := func(name string, count, value int) []int {
		if v := c.n.Ints(name); v != nil {
			return v
		}
		return slices.Repeat([]int{value}, count)
	}
	pads := ints("pads", 2*n, 0)
	auto := map[string]string{"VALID": "valid", "SAME_UPPER": "same_upper", "SAME_LOWER": "same_lower"}[c.n.Str("auto_pad", "NOTSET")]
	if auto == "" {
		auto = "explicit"
	}
	return attrs{{"strides", list(ints("strides", n, 1))}, {"dilations", list(ints("dilations", n, 1))},
		{"pads_begin", list(pads[:n])}, {"pads_end", list(pads[n:])}, {"auto_pad", auto}}
}

func conv(c *irCall) error {
	group := max(1, c.n.Int("group", 1))
	w := c.shape(1)
	kind, shape := "Convolution", w
	if group > 1 {
		kind, shape = "GroupConvolution", append([]int{group, w[0] / group}, w[1:]...)
	}
	return c.biased(kind, c.window(len(w)-2), shape)
}

func convTranspose(c *irCall) error {
	group := max(1, c.n.Int("group", 1))
	w := c.shape(1)
	kind, shape := "ConvolutionBackpropData", w
	if group > 1 {
		kind, shape = "GroupConvolutionBackpropData", append([]int{group, w[0] / group}, w[1:]...)
	}
	if c.n.Has("output_shape") {
		return errors.New("it states its output_shape, which Dropquant does not write as OpenVINO IR")
	}
	a := c.window(len(w) - 2)
	if p := c.n.Ints("output_padding"); p != nil {
		a = append(a, [2]string{"output_padding", list(p)})
	}
	return c.biased(kind, a, shape)
}

// biased adds a layer with constant weights under a shape, and an Add for the bias, which is input 2.
func (c *irCall) biased(kind string, a attrs, shape []int) error {
	x, err := c.value(c.n.Input(0))
	if err != nil {
		return err
	}
	w, err := c.shaped(c.n.Input(1), shape)
	if err != nil {
		return err
	}
	if c.n.Input(2) == nil {
		c.give(kind, "opset1", a, x, w)
		return nil
	}
	out := c.types[c.n.Out(0)]
	y := c.layer(kind, "opset1", c.n.Name+"/WithoutBiases", a, []port{x, w}, irOutput{"", out})[0]
	wide := slices.Repeat([]int{1}, len(out.Shape))
	wide[1] = out.Shape[1]
	bias, err := c.shaped(c.n.Input(2), wide)
	if err != nil {
		return err
	}
	c.give("Add", "opset1", numpy, y, bias)
	return nil
}

func gemm(c *irCall) error {
	if c.n.Float("alpha", 1) != 1 || c.n.Input(2) != nil && c.n.Float("beta", 1) != 1 {
		return errors.New("its alpha or beta is not 1")
	}
	x, err := c.value(c.n.Input(0))
	if err != nil {
		return err
	}
	w, err := c.value(c.n.Input(1))
	if err != nil {
		return err
	}
	a := attrs{{"transpose_a", strconv.FormatBool(c.n.Int("transA", 0) != 0)}, {"transpose_b", strconv.FormatBool(c.n.Int("transB", 0) != 0)}}
	if c.n.Input(2) == nil {
		c.give("MatMul", "opset1", a, x, w)
		return nil
	}
	y := c.layer("MatMul", "opset1", c.n.Name+"/WithoutBiases", a, []port{x, w}, irOutput{"", c.types[c.n.Out(0)]})[0]
	bias, err := c.value(c.n.Input(2))
	if err != nil {
		return err
	}
	c.give("Add", "opset1", numpy, y, bias)
	return nil
}

func matMul(c *irCall) error {
	return c.emit("MatMul", "opset1", attrs{{"transpose_a", "false"}, {"transpose_b", "false"}}, c.n.Inputs...)
}

// pooling returns the attributes of a pooling.
func (c *irCall) pooling() attrs {
	rounding := "floor"
	if c.n.Int("ceil_mode", 0) != 0 {
		rounding = "ceil_torch" // no window starts in the padding behind, as ONNX has it
	}
	return append(c.window(len(c.shape(0))-2), [2]string{"kernel", list(c.n.Ints("kernel_shape"))}, [2]string{"rounding_type", rounding})
}

func maxPool(c *irCall) error {
	x, err := c.value(c.n.Input(0))
	if err != nil {
		return err
	}
	y := c.n.Out(0)
	a := append(c.pooling(), [2]string{"index_element_type", "i64"}, [2]string{"axis", "0"})
	c.at[y] = c.layer("MaxPool", "opset14", c.n.Name, a, []port{x}, irOutput{y.Name, c.types[y]},
		irOutput{"", op.Type{DType: tensor.Int64, Shape: c.types[y].Shape}})[0]
	return nil
}

func averagePool(c *irCall) error {
	a := c.pooling()
	for i, kv := range a { // opset14 has no dilations for averages
		if kv[0] == "dilations" {
			if strings.Trim(kv[1], "1,") != "" {
				return errors.New("it has dilations, which OpenVINO's AvgPool lacks")
			}
			a = slices.Delete(a, i, i+1)
			break
		}
	}
	a = append(a, [2]string{"exclude-pad", strconv.FormatBool(c.n.Int("count_include_pad", 0) == 0)})
	return c.emit("AvgPool", "opset14", a, c.n.Input(0))
}
