package op

import (
	"math"

	"dropquant/engine/kernel"
	"dropquant/engine/tensor"
)

// Activation is the Spec of an element-wise function that a kernel has.
type Activation struct {
	Act    kernel.Act
	Lo, Hi float32
}

// param is an attribute that an activation reads, with its default.
type param struct {
	name string
	def  float32
}

// activation is an element-wise function with a kernel; lo and hi name its parameters.
func activation(act kernel.Act, params ...param) Rule {
	return func(c *Call) error {
		var p [2]float32
		for i, a := range params {
			p[i] = c.Node.Float(a.name, a.def)
		}
		return activate(c, Activation{act, p[0], p[1]})
	}
}

func activate(c *Call, a Activation) error {
	if err := c.set(0, c.dtype(0), c.shape(0)...); err != nil {
		return err
	}
	if c.dtype(0) == tensor.Float32 {
		c.Spec = &a
	}
	c.Run = func(in, out []*tensor.Tensor) error {
		a.apply(out[0], in[0])
		return nil
	}
	return nil
}

// apply computes float32 in the kernel, float64 by the formula, and integers exactly.
func (a *Activation) apply(dst, src *tensor.Tensor) {
	switch dst.DType {
	case tensor.Float32:
		kernel.Unary(a.Act, dst.F32(), src.F32(), a.Lo, a.Hi)
	case tensor.Float64:
		d, f := tensor.Data[float64](dst), formula(a.Act, float64(a.Lo), float64(a.Hi))
		for i, v := range tensor.Data[float64](src) {
			d[i] = f(v)
		}
	case tensor.Int8:
		wholeOf[int8](a.Act, dst, src)
	case tensor.Int16:
		wholeOf[int16](a.Act, dst, src)
	case tensor.Int32:
		wholeOf[int32](a.Act, dst, src)
	case tensor.Int64:
		wholeOf[int64](a.Act, dst, src)
	default: // unsigned: Abs and Relu change nothing
		copyAll(dst, src)
	}
}

func wholeOf[T int8 | int16 | int32 | int64](act kernel.Act, dst, src *tensor.Tensor) {
	d := tensor.Data[T](dst)
	for i, v := range tensor.Data[T](src) {
		switch {
		case act == kernel.Neg, act == kernel.Abs && v < 0:
			v = -v
		case act == kernel.Relu:
			v = max(v, 0)
		}
		d[i] = v
	}
}

// formula returns the function in float64.
func formula(act kernel.Act, lo, hi float64) func(float64) float64 {
	switch act {
	case kernel.Relu:
		return func(x float64) float64 { return max(x, 0) }
	case kernel.Clip:
		return func(x float64) float64 { return min(max(x, lo), hi) }
	case kernel.LeakyRelu:
		return func(x float64) float64 { return max(x, 0) + lo*min(x, 0) }
	case kernel.Sigmoid:
		return sigmoid
	case kernel.SiLU:
		return func(x float64) float64 { return x * sigmoid(x) }
	case kernel.HardSwish:
		return func(x float64) float64 { return x * min(max(x/6+0.5, 0), 1) }
	case kernel.HardSigmoid:
		return func(x float64) float64 { return min(max(lo*x+hi, 0), 1) }
	case kernel.Tanh:
		return math.Tanh
	case kernel.Exp:
		return math.Exp
	case kernel.Elu:
		return func(x float64) float64 { return max(x, 0) + lo*math.Expm1(min(x, 0)) }
	case kernel.Abs:
		return math.Abs
	case kernel.Neg:
		return func(x float64) float64 { return -x }
	case kernel.Sqrt:
		return math.Sqrt
	case kernel.Reciprocal:
		return func(x float64) float64 { return 1 / x }
	case kernel.Floor:
		return math.Floor
	case kernel.Ceil:
		return math.Ceil
	case kernel.Round:
		return math.RoundToEven
	case kernel.Softplus:
		return softplus
	case kernel.Mish:
		return func(x float64) float64 { return x * math.Tanh(softplus(x)) }
	case kernel.Erf:
		return math.Erf
	case kernel.Gelu:
		return func(x float64) float64 { return x * (1 + math.Erf(x/math.Sqrt2)) / 2 }
	case kernel.Log:
		return math.Log
	}
	return func(x float64) float64 { return x }
}

func sigmoid(x float64) float64 { return 1 / (1 + math.Exp(-x)) }

func softplus(x float64) float64 { return max(x, 0) + math.Log1p(math.Exp(-math.Abs(x))) }

// gelu is exact, or the tanh approximation of Hendrycks & Gimpel, §2.
func gelu(c *Call) error {
	if c.Node.Str("approximate", "none") != "tanh" {
		return activate(c, Activation{Act: kernel.Gelu})
	}
	return function(func(*Call) func(float64) float64 {
		return func(x float64) float64 {
			return 0.5 * x * (1 + math.Tanh(math.Sqrt(2/math.Pi)*(x+0.044715*x*x*x)))
		}
	})(c)
}

// swish of opset 24 is SiLU when alpha is 1.
func swish(c *Call) error {
	alpha := float64(c.Node.Float("alpha", 1))
	if alpha == 1 {
		return activate(c, Activation{Act: kernel.SiLU})
	}
	return function(func(*Call) func(float64) float64 {
		return func(x float64) float64 { return x * sigmoid(alpha*x) }
	})(c)
}

// clip6 reads its bounds from attributes.
func clip6(c *Call) error {
	return activate(c, Activation{kernel.Clip, c.Node.Float("min", -math.MaxFloat32), c.Node.Float("max", math.MaxFloat32)})
}

// clip reads its bounds from inputs. Constant float32 bounds, the common case, run in the kernel.
func clip(c *Call) error {
	if err := c.same(); err != nil {
		return err
	}
	constant := c.dtype(0) == tensor.Float32
	for i := 1; i < len(c.In); i++ {
		if c.has(i) && product(c.shape(i)) != 1 {
			return errRank
		}
		constant = constant && (!c.has(i) || c.known(i) != nil)
	}
	if constant {
		a := Activation{kernel.Clip, float32(math.Inf(-1)), float32(math.Inf(1))}
		if t := c.known(1); t != nil {
			a.Lo = t.F32()[0]
		}
		if t := c.known(2); t != nil {
			a.Hi = t.F32()[0]
		}
		return activate(c, a)
	}
	if err := c.set(0, c.dtype(0), c.shape(0)...); err != nil {
		return err
	}
	p := pair(c.shape(0), []int{1}, c.shape(0))
	c.Run = func(in, out []*tensor.Tensor) error {
		from := in[0]
		for i, op := range []binOp{opMax, opMin} {
			if i+1 < len(in) && in[i+1] != nil {
				p.compute(op, out[0], from, in[i+1])
				from = out[0]
			}
		}
		if from != out[0] {
			copyAll(out[0], from)
		}
		return nil
	}
	return nil
}

// function is an element-wise function of floats without a kernel: rare enough for a call per element.
func function(make func(c *Call) func(float64) float64) Rule {
	return func(c *Call) error {
		if err := c.set(0, c.dtype(0), c.shape(0)...); err != nil {
			return err
		}
		f := make(c)
		c.Run = func(in, out []*tensor.Tensor) error {
			switch in[0].DType {
			case tensor.Float32:
				mapOf[float32](f, out[0], in[0])
			case tensor.Float64:
				mapOf[float64](f, out[0], in[0])
			default:
				from := toFloats(in[0])
				for i, v := range from {
					from[i] = f(v)
				}
				castFloat(out[0], from)
			}
			return nil
		}
		return nil
	}
}

func mapOf[T float32 | float64](f func(float64) float64, dst, src *tensor.Tensor) {
	d := tensor.Data[T](dst)
	for i, v := range tensor.Data[T](src) {
		d[i] = T(f(float64(v)))
	}
}

// plain is a function without parameters.
func plain(f func(float64) float64) Rule {
	return function(func(*Call) func(float64) float64 { return f })
}

func signOf(x float64) float64 {
	switch {
	case x > 0:
		return 1
	case x < 0:
		return -1
	}
	return x
}

func softsign(x float64) float64 { return x / (1 + math.Abs(x)) }

func selu(c *Call) func(float64) float64 {
	// Klambauer et al., 2017, the defaults as ONNX rounds them.
	alpha, gamma := float64(c.Node.Float("alpha", 1.67326319217681884765625)), float64(c.Node.Float("gamma", 1.05070102214813232421875))
	return func(x float64) float64 {
		if x > 0 {
			return gamma * x
		}
		return gamma * alpha * math.Expm1(x)
	}
}

func celu(c *Call) func(float64) float64 {
	alpha := float64(c.Node.Float("alpha", 1))
	return func(x float64) float64 { return max(0, x) + min(0, alpha*math.Expm1(x/alpha)) }
}

func thresholdedRelu(c *Call) func(float64) float64 {
	alpha := float64(c.Node.Float("alpha", 1))
	return func(x float64) float64 {
		if x > alpha {
			return x
		}
		return 0
	}
}

func shrink(c *Call) func(float64) float64 {
	lambda, bias := float64(c.Node.Float("lambd", 0.5)), float64(c.Node.Float("bias", 0))
	return func(x float64) float64 {
		switch {
		case x < -lambda:
			return x + bias
		case x > lambda:
			return x - bias
		}
		return 0
	}
}

// test states a boolean for every float.
func test(make func(c *Call) func(float64) bool) Rule {
	return func(c *Call) error {
		if err := c.set(0, tensor.Bool, c.shape(0)...); err != nil {
			return err
		}
		f := make(c)
		c.Run = func(in, out []*tensor.Tensor) error {
			for i, v := range toFloats(in[0]) {
				tensor.Data[bool](out[0])[i] = f(v)
			}
			return nil
		}
		return nil
	}
}

func isNaN(*Call) func(float64) bool { return math.IsNaN }

func isInf(c *Call) func(float64) bool {
	neg, pos := c.int("detect_negative", 1) != 0, c.int("detect_positive", 1) != 0
	return func(x float64) bool { return pos && math.IsInf(x, 1) || neg && math.IsInf(x, -1) }
}
