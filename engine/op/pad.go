package op

import (
	"fmt"

	"dropquant/engine/tensor"
)

// pad of opset 11 reads the pads, the value and (18) the axes from inputs; pad2 from attributes.
func pad(c *Call) error {
	pads, err := c.smallInts(1)
	if err != nil {
		return err
	}
	rank := len(c.shape(0))
	if c.has(3) {
		list, err := c.smallInts(3)
		if err != nil {
			return err
		}
		if list, err = axes(list, rank); err != nil {
			return err
		}
		if len(pads) != 2*len(list) {
			return fmt.Errorf("%d pads for %d axes", len(pads), len(list))
		}
		full := make([]int, 2*rank)
		for i, a := range list {
			full[a], full[rank+a] = pads[i], pads[len(list)+i]
		}
		pads = full
	}
	if err := c.want(c.dtype(0), 2); err != nil {
		return err
	}
	if c.has(2) && product(c.shape(2)) != 1 {
		return fmt.Errorf("the pad value is not one number")
	}
	return padBy(c, pads, func(in []*tensor.Tensor) *tensor.Tensor {
		if len(in) > 2 {
			return in[2]
		}
		return nil
	})
}

func pad2(c *Call) error {
	name := "pads"
	if !c.Node.Has(name) {
		name = "paddings" // opset 1
	}
	value := tensor.Of([]float32{c.Node.Float("value", 0)}, 1)
	return padBy(c, c.ints(name, -1, 0), func([]*tensor.Tensor) *tensor.Tensor { return value })
}

func padBy(c *Call, pads []int, value func(in []*tensor.Tensor) *tensor.Tensor) error {
	in := c.shape(0)
	if len(pads) != 2*len(in) {
		return fmt.Errorf("%d pads for a tensor of rank %d", len(pads), len(in))
	}
	out := make([]int, len(in))
	for i, d := range in {
		if out[i] = d + pads[i] + pads[len(in)+i]; out[i] < 0 {
			return fmt.Errorf("pads %v leave nothing of %s", pads, tensor.FormatShape(in))
		}
	}
	switch mode := c.Node.Str("mode", "constant"); mode {
	case "constant":
		return padConstant(c, pads, out, value)
	case "edge", "reflect", "wrap":
		return padIndexed(c, pads, out, mode)
	default:
		return fmt.Errorf("pad mode %q is not one that Dropquant knows", mode)
	}
}

func padConstant(c *Call, pads, out []int, value func([]*tensor.Tensor) *tensor.Tensor) error {
	in := c.shape(0)
	if err := c.set(0, c.dtype(0), out...); err != nil {
		return err
	}
	w := walk{shape: append([]int{}, in...), dst: strides(out), src: strides(in)}
	for i := range in {
		// A negative pad crops.
		w.dstOff += max(pads[i], 0) * w.dst[i]
		w.srcOff += max(-pads[i], 0) * w.src[i]
		w.shape[i] = max(0, in[i]+min(pads[i], 0)+min(pads[len(in)+i], 0))
	}
	if product(w.shape) == 0 {
		w.dstOff, w.srcOff = 0, 0
	}
	w = w.squeeze()
	c.Run = func(in, out []*tensor.Tensor) error {
		fill(out[0], value(in))
		w.run(out[0], in[0])
		return nil
	}
	return nil
}

// padIndexed pads one axis after the other by index, because the corners repeat what the axes before made.
func padIndexed(c *Call, pads, out []int, mode string) error {
	in := c.shape(0)
	if err := c.set(0, c.dtype(0), out...); err != nil {
		return err
	}
	var steps []taking
	var shapes [][]int
	shape := append([]int{}, in...)
	for a, n := range in {
		if pads[a] == 0 && pads[len(in)+a] == 0 {
			continue
		}
		if n == 0 && out[a] > 0 {
			return fmt.Errorf("pad mode %q has nothing to repeat along axis %d", mode, a)
		}
		if out[a] > maxAxis {
			return fmt.Errorf("padding axis %d to %d elements is more than Dropquant handles", a, out[a])
		}
		t := taking{outer: product(shape[:a]), length: n, inner: product(shape[a+1:]), index: make([]int, out[a])}
		for j := range t.index {
			t.index[j] = padIndex(j-pads[a], n, mode)
		}
		shape[a] = out[a]
		if err := checkShape(shape); err != nil {
			return err
		}
		steps, shapes = append(steps, t), append(shapes, append([]int{}, shape...))
	}
	c.Run = func(in, out []*tensor.Tensor) error {
		from := in[0]
		for i, s := range steps {
			to := out[0]
			if i < len(steps)-1 {
				to = tensor.New(from.DType, shapes[i]...)
			}
			s.run(to, from)
			from = to
		}
		if len(steps) == 0 {
			copyAll(out[0], in[0])
		}
		return nil
	}
	return nil
}

// padIndex returns which of n elements lies at position i beyond the ends.
func padIndex(i, n int, mode string) int {
	switch {
	case mode == "edge" || n == 1:
		return max(0, min(i, n-1))
	case mode == "wrap":
		return ((i % n) + n) % n
	}
	period := 2 * (n - 1)
	i = ((i % period) + period) % period
	return min(i, period-i)
}
