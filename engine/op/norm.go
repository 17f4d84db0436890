package op

import (
	"fmt"
	"math"

	"dropquant/engine/kernel"
	"dropquant/engine/tensor"
)

// batchNorm in inference is one multiplication and one addition per channel:
//
//	y = x·s + (b - mean·s), s = γ/√(var+ε)
func batchNorm(c *Call) error {
	x := c.shape(0)
	if c.int("training_mode", 0) != 0 || len(c.Node.Outputs) > 1 && c.Opset >= 14 {
		return fmt.Errorf("it is in training mode: export the model for inference")
	}
	if c.int("spatial", 1) == 0 {
		return fmt.Errorf("attribute spatial is 0, which ONNX dropped at opset 9")
	}
	if len(x) < 1 {
		return errRank
	}
	channels := 1
	if len(x) > 1 {
		channels = x[1]
	}
	for i := 1; i < 5; i++ {
		if s := c.shape(i); len(s) != 1 || s[0] != channels || !floats.Has(c.dtype(i)) {
			return fmt.Errorf("input %d is %v%s where one number for each of %d channels is needed", i, c.dtype(i), tensor.FormatShape(s), channels)
		}
	}
	if err := c.set(0, c.dtype(0), x...); err != nil {
		return err
	}
	// Opset 7 and 8 name the running statistics as further outputs, which inference leaves empty.
	eps := c.Node.Float("epsilon", 1e-5)
	constant := c.known(1) != nil && c.known(2) != nil && c.known(3) != nil && c.known(4) != nil
	var scale, shift []float64
	c.Run = func(in, out []*tensor.Tensor) error {
		if scale == nil || !constant {
			scale, shift = Affine(in, eps)
		}
		affineChannels(out[0], in[0], scale, shift)
		return nil
	}
	return nil
}

// Affine folds the inputs of a BatchNormalization into a factor and a term per channel.
func Affine(in []*tensor.Tensor, epsilon float32) (scale, shift []float64) {
	eps := float64(epsilon)
	gamma, beta, mean, variance := toFloats(in[1]), toFloats(in[2]), toFloats(in[3]), toFloats(in[4])
	for i, g := range gamma {
		g /= math.Sqrt(variance[i] + eps)
		gamma[i] = g
		beta[i] -= mean[i] * g
	}
	return gamma, beta
}

// affineChannels computes dst[n, c, i] = src[n, c, i]·scale[c] + shift[c].
func affineChannels(dst, src *tensor.Tensor, scale, shift []float64) {
	channels := len(scale)
	if src.Len() == 0 || channels == 0 {
		return
	}
	area := 1
	if len(src.Shape) > 2 {
		area = product(src.Shape[2:])
	}
	if dst.DType == tensor.Float64 {
		d := tensor.Data[float64](dst)
		for i, v := range tensor.Data[float64](src) {
			d[i] = v*scale[i/area%channels] + shift[i/area%channels]
		}
		return
	}
	s, b := convert(make([]float32, channels), scale), convert(make([]float32, channels), shift)
	d, x, image := dst.F32(), src.F32(), channels*area
	for i := 0; i < len(d); i += image {
		kernel.MulChannel(d[i:i+image], x[i:i+image], s)
		kernel.AddChannel(d[i:i+image], d[i:i+image], b)
	}
}

// normalizer is what the normalizations over rows have in common: the data seen as rows of n, each
// brought to mean 0 (unless rms) and variance 1, then scaled and shifted: element i of row r by the parameters
// (r mod groups · n + i) / each.
type normalizer struct {
	rows, n      int
	eps          float64
	rms          bool
	groups, each int

	scratch normScratch
}

// run computes y; scale, bias, mean and deviation may be nil.
func (z *normalizer) run(y, x, scale, bias, mean, invDev *tensor.Tensor) {
	if y.DType == tensor.Float32 {
		z.run32(y.F32(), x.F32(), floatsOf(scale), floatsOf(bias), mean, invDev)
		return
	}
	var s, b []float64
	if scale != nil {
		s = tensor.Data[float64](scale)
	}
	if bias != nil {
		b = tensor.Data[float64](bias)
	}
	for r := range z.rows {
		src, dst := tensor.Data[float64](x)[r*z.n:][:z.n], tensor.Data[float64](y)[r*z.n:][:z.n]
		sum, square := 0.0, 0.0
		for _, v := range src {
			sum += v
		}
		m := sum / float64(max(z.n, 1))
		if z.rms {
			m = 0
		}
		for _, v := range src {
			square += (v - m) * (v - m)
		}
		inv := z.inverse(square)
		for i, v := range src {
			p, w := (r%z.groups*z.n+i)/z.each, (v-m)*inv
			if s != nil {
				w *= s[p]
			}
			if b != nil {
				w += b[p]
			}
			dst[i] = w
		}
		z.state(mean, invDev, r, m, inv)
	}
}

// inverse returns 1/√(variance + ε) for the sum of the squares of a row.
func (z *normalizer) inverse(squares float64) float64 {
	return 1 / math.Sqrt(squares/float64(max(z.n, 1))+z.eps)
}

// state stores what the operator tells beside its result.
func (z *normalizer) state(mean, invDev *tensor.Tensor, r int, m, inv float64) {
	if mean != nil {
		setFloat(mean, r, m)
	}
	if invDev != nil {
		setFloat(invDev, r, inv)
	}
}

func setFloat(t *tensor.Tensor, i int, v float64) {
	if t.DType == tensor.Float32 {
		t.F32()[i] = float32(v)
	} else {
		tensor.Data[float64](t)[i] = v
	}
}

// at returns element i of a list of tensors, nil beyond its end.
func at(list []*tensor.Tensor, i int) *tensor.Tensor {
	if i < len(list) {
		return list[i]
	}
	return nil
}

// layerNorm normalizes over the dimensions from axis on; rmsNorm without subtracting the mean.
func layerNorm(rms bool) Rule {
	return func(c *Call) error {
		x := c.shape(0)
		a, err := axis(c.int("axis", -1), len(x))
		if err != nil {
			return err
		}
		if err := c.same(); err != nil {
			return err
		}
		if c.int("stash_type", 1) != 1 {
			return fmt.Errorf("attribute stash_type is not 1")
		}
		for i := 1; i < len(c.In); i++ {
			full, err := broadcast(c.shape(i), x[a:])
			if err != nil || len(full) != len(x)-a || product(full) != product(x[a:]) {
				return fmt.Errorf("%s does not broadcast to %s", tensor.FormatShape(c.shape(i)), tensor.FormatShape(x[a:]))
			}
		}
		if err := c.set(0, c.dtype(0), x...); err != nil {
			return err
		}
		stat := append([]int{}, x...)
		for i := a; i < len(x); i++ {
			stat[i] = 1
		}
		if !rms {
			if err := c.set(1, tensor.Float32, stat...); err != nil {
				return err
			}
			if err := c.set(2, tensor.Float32, stat...); err != nil {
				return err
			}
		}
		z := &normalizer{rows: product(x[:a]), n: product(x[a:]), eps: float64(c.Node.Float("epsilon", 1e-5)), rms: rms, groups: 1, each: 1}
		spread := make([]walk, len(c.In))
		for i := 1; i < len(c.In); i++ {
			spread[i] = walk{shape: x[a:], dst: strides(x[a:]), src: broadcastStrides(c.shape(i), x[a:])}.squeeze()
		}
		c.Run = func(in, out []*tensor.Tensor) error {
			var p [3]*tensor.Tensor
			for i := 1; i < len(in); i++ {
				if p[i] = in[i]; in[i] != nil && in[i].Len() != z.n {
					p[i] = tensor.New(in[i].DType, z.n)
					spread[i].run(p[i], in[i])
				}
			}
			z.run(out[0], in[0], p[1], p[2], at(out, 1), at(out, 2))
			return nil
		}
		return nil
	}
}

// instanceNorm normalizes every channel of every image alone.
func instanceNorm(c *Call) error {
	x := c.shape(0)
	if len(x) < 3 {
		return errRank
	}
	return groupsNorm(c, x[1], x[1])
}

// groupNorm normalizes groups of channels. Opset 18 has one scale per group, opset 21 one per channel.
func groupNorm(c *Call) error {
	x, g := c.shape(0), c.int("num_groups", 0)
	if len(x) < 3 {
		return errRank
	}
	if g < 1 || x[1]%g != 0 {
		return fmt.Errorf("%d groups do not divide %d channels", g, x[1])
	}
	if c.int("stash_type", 1) != 1 {
		return fmt.Errorf("attribute stash_type is not 1")
	}
	if c.Opset < 21 {
		return groupsNorm(c, g, g)
	}
	return groupsNorm(c, g, x[1])
}

func groupsNorm(c *Call, groups, params int) error {
	x := c.shape(0)
	if err := c.same(); err != nil {
		return err
	}
	for i := 1; i < 3; i++ {
		if s := c.shape(i); len(s) != 1 || s[0] != params {
			return fmt.Errorf("input %d has the shape %s where %d numbers are needed", i, tensor.FormatShape(s), params)
		}
	}
	if err := c.set(0, c.dtype(0), x...); err != nil {
		return err
	}
	z := &normalizer{rows: x[0] * groups, eps: float64(c.Node.Float("epsilon", 1e-5)), groups: groups, each: 1}
	if groups > 0 {
		z.n = product(x[1:]) / groups
	}
	if params > 0 {
		z.each = max(product(x[1:])/params, 1)
	}
	c.Run = func(in, out []*tensor.Tensor) error {
		z.run(out[0], in[0], in[1], in[2], nil, nil)
		return nil
	}
	return nil
}

// meanVarianceNorm normalizes over the named axes, without parameters.
func meanVarianceNorm(c *Call) error {
	x := c.shape(0)
	list := c.ints("axes", -1, 0)
	if list == nil {
		list = []int{0, 2, 3}
	}
	list, err := axes(list, len(x))
	if err != nil {
		return err
	}
	if err := c.set(0, c.dtype(0), x...); err != nil {
		return err
	}
	full, per := append([]int{}, x...), 1
	for _, a := range list {
		per *= x[a]
		full[a] = 1
	}
	w := walk{shape: x, dst: broadcastStrides(full, x), src: strides(x)}.squeeze()
	c.Run = func(in, out []*tensor.Tensor) error {
		if product(x) == 0 {
			return nil
		}
		v, mean, sq := toFloats(in[0]), make([]float64, product(full)), make([]float64, product(full))
		foldDim(w, 0, 0, 0, mean, v, add)
		for i := range mean {
			mean[i] /= float64(per)
		}
		shift(w, 0, 0, 0, mean, v)
		foldDim(w, 0, 0, 0, sq, v, square)
		divide(w, 0, 0, 0, sq, v, float64(per))
		castFloat(out[0], v)
		return nil
	}
	return nil
}

// divide divides every element by the standard deviation that it belongs to.
func divide(w walk, d, do, so int, square, x []float64, n float64) {
	for range w.shape[d] {
		if d < len(w.shape)-1 {
			divide(w, d+1, do, so, square, x, n)
		} else {
			x[so] /= math.Sqrt(square[do]/n) + 1e-9
		}
		do, so = do+w.dst[d], so+w.src[d]
	}
}

// localResponse divides by the energy of the neighbouring channels (Krizhevsky et al., 2012, §3.3).
func localResponse(c *Call) error {
	x, size := c.shape(0), c.int("size", 0)
	if len(x) < 2 || size < 1 {
		return fmt.Errorf("a size of %d for a tensor of rank %d", size, len(x))
	}
	if err := c.set(0, c.dtype(0), x...); err != nil {
		return err
	}
	alpha, beta, bias := float64(c.Node.Float("alpha", 1e-4)), float64(c.Node.Float("beta", 0.75)), float64(c.Node.Float("bias", 1))
	channels, area := x[1], product(x[2:])
	c.Run = func(in, out []*tensor.Tensor) error {
		v := toFloats(in[0])
		y := make([]float64, len(v))
		for i := range v {
			ch, first := i/area%channels, i-i/area%channels*area
			sum := 0.0
			for k := max(0, ch-(size-1)/2); k <= min(channels-1, ch+size/2); k++ {
				u := v[first+k*area]
				sum += u * u
			}
			y[i] = v[i] / math.Pow(bias+alpha/float64(size)*sum, beta)
		}
		castFloat(out[0], y)
		return nil
	}
	return nil
}
