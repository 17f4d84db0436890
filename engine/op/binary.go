package op

import (
	"fmt"
	"math"

	"dropquant/engine/kernel"
	"dropquant/engine/tensor"
)

// binOp is an element-wise function of two numbers.
type binOp uint8

const (
	opAdd binOp = iota
	opSub
	opMul
	opDiv
	opMin
	opMax
	opPow
	opMod  // with the sign of the divisor
	opFmod // with the sign of the dividend
	opPRelu
)

// Binary is the Spec of Add, Sub, Mul and Div.
type Binary struct {
	Op   string
	Same bool // both inputs have the shape of the output
}

// binary is an element-wise operator with numpy's broadcasting.
func binary(op binOp) Rule {
	return func(c *Call) error {
		if err := c.same(); err != nil {
			return err
		}
		return combine(c, op, c.shape(1))
	}
}

// binary1 is the form before opset 7: input 1 is broadcast only when asked to, its dimensions
// starting at axis.
func binary1(op binOp) Rule {
	return func(c *Call) error {
		if err := c.same(); err != nil {
			return err
		}
		a, b := c.shape(0), c.shape(1)
		if c.int("broadcast", 0) != 0 && c.Node.Has("axis") {
			at := c.int("axis", 0)
			if at < 0 {
				at += len(a)
			}
			if at < 0 || at+len(b) > len(a) {
				return fmt.Errorf("%s does not broadcast to %s at axis %d", tensor.FormatShape(b), tensor.FormatShape(a), at)
			}
			b = append([]int{}, b...)
			for len(b)+at < len(a) {
				b = append(b, 1)
			}
		}
		return combine(c, op, b)
	}
}

// combine states the broadcast result with input 1 seen under the shape b.
func combine(c *Call, op binOp, b []int) error {
	a := c.shape(0)
	shape, err := broadcast(a, b)
	if err != nil {
		return err
	}
	if err := c.set(0, c.dtype(0), shape...); err != nil {
		return err
	}
	p := pair(a, b, shape)
	c.Spec = &Binary{Op: c.Node.Op, Same: product(a) == product(shape) && product(b) == product(shape)}
	whole := integers.Has(c.dtype(0))
	c.Run = func(in, out []*tensor.Tensor) error {
		if whole && (op == opDiv || op == opMod || op == opFmod) && hasZero(in[1]) {
			return fmt.Errorf("an integer is divided by zero")
		}
		p.compute(op, out[0], in[0], in[1])
		return nil
	}
	return nil
}

func hasZero(t *tensor.Tensor) bool {
	b := tensor.New(tensor.Bool, t.Len())
	cast(b, t)
	for _, v := range tensor.Data[bool](b) {
		if !v {
			return true
		}
	}
	return false
}

// A pairing walks two operands and the result together: rows of n elements, at the offsets that the
// outer dimensions give, where each operand moves by 1 or stays (0).
type pairing struct {
	outer        []int // dimensions around the row
	stepA, stepB []int
	n            int
	moveA, moveB int
}

// pair merges dimensions over which both operands move alike, so that rows are long.
func pair(a, b, out []int) pairing {
	w := walk{shape: out, dst: broadcastStrides(a, out), src: broadcastStrides(b, out)}.squeeze()
	k := len(w.shape) - 1
	return pairing{outer: w.shape[:k], stepA: w.dst[:k], stepB: w.src[:k], n: w.shape[k], moveA: sign(w.dst[k]), moveB: sign(w.src[k])}
}

func sign(n int) int { return min(n, 1) }

// each calls row with the offsets of every row.
func (p *pairing) each(d, o, a, b int, row func(o, a, b int)) int {
	if d == len(p.outer) {
		row(o, a, b)
		return o + p.n
	}
	for range p.outer[d] {
		o = p.each(d+1, o, a, b, row)
		a, b = a+p.stepA[d], b+p.stepB[d]
	}
	return o
}

func (p *pairing) compute(op binOp, out, a, b *tensor.Tensor) {
	if out.Len() == 0 {
		return
	}
	switch out.DType {
	case tensor.Float32:
		p.float32(op, out.F32(), a.F32(), b.F32())
	case tensor.Float64:
		x, y, z := tensor.Data[float64](out), tensor.Data[float64](a), tensor.Data[float64](b)
		p.each(0, 0, 0, 0, func(o, i, j int) { floatRow(op, x[o:o+p.n], y[i:], z[j:], p.moveA, p.moveB) })
	case tensor.Int8:
		computeInt[int8](p, op, out, a, b)
	case tensor.Uint8:
		computeInt[uint8](p, op, out, a, b)
	case tensor.Int16:
		computeInt[int16](p, op, out, a, b)
	case tensor.Uint16:
		computeInt[uint16](p, op, out, a, b)
	case tensor.Int32:
		computeInt[int32](p, op, out, a, b)
	case tensor.Uint32:
		computeInt[uint32](p, op, out, a, b)
	case tensor.Int64:
		computeInt[int64](p, op, out, a, b)
	case tensor.Uint64:
		computeInt[uint64](p, op, out, a, b)
	default:
		panic(fmt.Sprintf("bug: arithmetic on %v", out.DType))
	}
}

// float32 is the path that models take: the four operations are kernels.
func (p *pairing) float32(op binOp, out, a, b []float32) {
	if op > opDiv {
		p.each(0, 0, 0, 0, func(o, i, j int) { floatRow(op, out[o:o+p.n], a[i:], b[j:], p.moveA, p.moveB) })
		return
	}
	k := kernels[op]
	if c := p.channels(); c > 0 && k.channel != nil {
		k.channel(out, a, b[:c])
		return
	}
	p.each(0, 0, 0, 0, func(o, i, j int) {
		switch row := out[o : o+p.n]; {
		case p.n < 8:
			arithRow(op, row, a[i:], b[j:], p.moveA, p.moveB)
		case p.moveA == p.moveB && p.moveA == 1:
			k.both(row, a[i:i+p.n], b[j:j+p.n])
		case p.moveB == 0 && p.moveA == 1:
			k.right(row, a[i:i+p.n], b[j])
		case p.moveA == 0 && p.moveB == 1:
			k.left(row, a[i], b[j:j+p.n])
		default:
			arithRow(op, row, a[i:], b[j:], 0, 0)
		}
	})
}

// channels returns how many rows there are when operand a is whole and b has one element for each row, else 0.
func (p *pairing) channels() int {
	if len(p.outer) == 1 && p.moveA == 1 && p.moveB == 0 && p.stepA[0] == p.n && p.stepB[0] == 1 {
		return p.outer[0]
	}
	return 0
}

// kernels are the forms of the four operations, in the order of binOp.
var kernels = [...]struct {
	both, channel func(dst, a, b []float32)
	right         func(dst, a []float32, b float32)
	left          func(dst []float32, a float32, b []float32)
}{
	{kernel.Add, kernel.AddChannel, kernel.AddScalar, func(dst []float32, a float32, b []float32) { kernel.AddScalar(dst, b, a) }},
	{kernel.Sub, kernel.SubChannel, kernel.SubScalar, kernel.ScalarSub},
	{kernel.Mul, kernel.MulChannel, kernel.MulScalar, func(dst []float32, a float32, b []float32) { kernel.MulScalar(dst, b, a) }},
	{kernel.Div, kernel.DivChannel, kernel.DivScalar, kernel.ScalarDiv},
}

func computeInt[T integer](p *pairing, op binOp, out, a, b *tensor.Tensor) {
	x, y, z := tensor.Data[T](out), tensor.Data[T](a), tensor.Data[T](b)
	p.each(0, 0, 0, 0, func(o, i, j int) { intRow(op, x[o:o+p.n], y[i:], z[j:], p.moveA, p.moveB) })
}

type integer interface {
	int8 | uint8 | int16 | uint16 | int32 | uint32 | int64 | uint64
}

// arithRow computes what is the same for floats and integers; false for another operation.
func arithRow[T number](op binOp, out, a, b []T, ma, mb int) bool {
	switch op {
	case opAdd:
		for i := range out {
			out[i] = a[i*ma] + b[i*mb]
		}
	case opSub:
		for i := range out {
			out[i] = a[i*ma] - b[i*mb]
		}
	case opMul:
		for i := range out {
			out[i] = a[i*ma] * b[i*mb]
		}
	case opDiv:
		for i := range out {
			out[i] = a[i*ma] / b[i*mb]
		}
	case opMin: // NaN in either operand stays
		for i := range out {
			out[i] = min(a[i*ma], b[i*mb])
		}
	case opMax:
		for i := range out {
			out[i] = max(a[i*ma], b[i*mb])
		}
	case opPRelu:
		for i := range out {
			if v := a[i*ma]; v < 0 {
				out[i] = v * b[i*mb]
			} else {
				out[i] = v
			}
		}
	default:
		return false
	}
	return true
}

func floatRow[T float32 | float64](op binOp, out, a, b []T, ma, mb int) {
	if arithRow(op, out, a, b, ma, mb) {
		return
	}
	f := math.Pow
	if op == opFmod {
		f = math.Mod
	}
	if op == opPow && mb == 0 && b[0] == 2 {
		for i := range out {
			out[i] = a[i*ma] * a[i*ma]
		}
		return
	}
	for i := range out {
		out[i] = T(f(float64(a[i*ma]), float64(b[i*mb])))
	}
}

func intRow[T integer](op binOp, out, a, b []T, ma, mb int) {
	if arithRow(op, out, a, b, ma, mb) {
		return
	}
	for i := range out {
		x, y := a[i*ma], b[i*mb]
		switch op {
		case opMod:
			out[i] = modulo(x, y)
		case opFmod:
			out[i] = x % y
		default:
			out[i] = T(truncate(math.Pow(float64(x), float64(y))))
		}
	}
}

// modulo has the sign of the divisor, as Python's.
func modulo[T integer](x, y T) T {
	r := x % y
	if r != 0 && (r < 0) != (y < 0) {
		r += y
	}
	return r
}

// pow allows an exponent of another type than the base.
func pow(c *Call) error {
	if !numbers.Has(c.dtype(1)) {
		return fmt.Errorf("input 1 is %v where a number is needed", c.dtype(1))
	}
	if err := combine(c, opPow, c.shape(1)); err != nil || c.dtype(1) == c.dtype(0) {
		return err
	}
	p, wide := pair(c.shape(0), c.shape(1), c.Out[0].Shape), tensor.Float64
	c.Run = func(in, out []*tensor.Tensor) error {
		a, b, r := tensor.New(wide, in[0].Shape...), tensor.New(wide, in[1].Shape...), tensor.New(wide, out[0].Shape...)
		cast(a, in[0])
		cast(b, in[1])
		p.compute(opPow, r, a, b)
		cast(out[0], r)
		return nil
	}
	return nil
}

func mod(c *Call) error {
	if err := c.same(); err != nil {
		return err
	}
	if c.int("fmod", 0) != 0 {
		return combine(c, opFmod, c.shape(1))
	}
	if floats.Has(c.dtype(0)) {
		return fmt.Errorf("attribute fmod must be 1 for %v", c.dtype(0))
	}
	return combine(c, opMod, c.shape(1))
}

// prelu broadcasts the slope to the data, never the other way; opset 6 and older give one slope per channel.
func prelu(c *Call) error {
	if err := c.same(); err != nil {
		return err
	}
	x, slope := c.shape(0), c.shape(1)
	if c.Opset < 7 && len(slope) == 1 && slope[0] != 1 && len(x) > 1 {
		slope = append([]int{}, slope...)
		for len(slope) < len(x)-1 {
			slope = append(slope, 1)
		}
	}
	out, err := broadcast(x, slope)
	if err != nil {
		return err
	}
	if product(out) != product(x) || len(out) != len(x) {
		return fmt.Errorf("the slope %s does not broadcast to %s", tensor.FormatShape(slope), tensor.FormatShape(x))
	}
	return combine(c, opPRelu, slope)
}

// variadic folds its inputs from left to right; mean divides by their number at the end.
func variadic(op binOp, mean bool) Rule {
	return func(c *Call) error {
		if err := c.all(); err != nil {
			return err
		}
		if err := c.same(); err != nil {
			return err
		}
		var shapes [][]int
		for _, t := range c.In {
			shapes = append(shapes, t.Shape)
		}
		shape, err := broadcast(shapes...)
		if err != nil {
			return err
		}
		if err := c.set(0, c.dtype(0), shape...); err != nil {
			return err
		}
		steps, first := make([]pairing, len(c.In)), walk{shape: shape, dst: strides(shape), src: broadcastStrides(shapes[0], shape)}.squeeze()
		for i := range c.In {
			steps[i] = pair(shape, shapes[i], shape)
		}
		var n *tensor.Tensor
		if mean {
			n = tensor.New(c.dtype(0), 1)
			cast(n, tensor.Of([]float32{float32(len(c.In))}, 1))
		}
		c.Run = func(in, out []*tensor.Tensor) error {
			first.run(out[0], in[0])
			for i := 1; i < len(steps); i++ {
				steps[i].compute(op, out[0], out[0], in[i])
			}
			if n != nil {
				all := pair(shape, []int{1}, shape)
				all.compute(opDiv, out[0], out[0], n)
			}
			return nil
		}
		return nil
	}
}
