package op

import (
	"math"

	"dropquant/engine/tensor"
)

// resizeStep resizes one axis: element j of the result is the weighted sum of taps, or a fixed value
// where it lies outside of the region.
type resizeStep struct {
	outer, in, inner int
	taps             int
	index            []int32   // [out, taps]
	weight           []float32 // [out, taps]; nil for nearest
	outside          []bool    // [out], or nil
	value            float64   // what is outside
	shape            []int     // after the step
}

// step prepares an axis of a tensor that has the given shape before it.
func (r *resizing) step(axis int, shape []int) resizeStep {
	n := shape[axis]
	s := resizeStep{outer: product(shape[:axis]), in: n, inner: product(shape[axis+1:]), value: r.extrapolation}
	for j := range r.out[axis] {
		p := r.position(j, axis, n)
		if r.roi != nil {
			s.outside = append(s.outside, p < 0 || p > float64(n-1))
		}
		p = min(max(p, -float64(n)-8), 2*float64(n)+8) // a region far outside must not overflow
		if r.mode == "nearest" {
			s.taps = 1
			s.index = append(s.index, clampIndex(r.round(p, r.scale[axis]), n))
			continue
		}
		first, w := r.weights(p, r.scale[axis])
		s.taps = len(w)
		sum := 0.0
		for t := range w {
			if k := first + t; r.exclude && (k < 0 || k >= n) {
				w[t] = 0
			}
			sum += w[t]
		}
		for t, v := range w {
			s.index = append(s.index, clampIndex(float64(first+t), n))
			s.weight = append(s.weight, float32(v/sum))
		}
	}
	return s
}

func clampIndex(v float64, n int) int32 { return int32(min(max(v, 0), float64(n-1))) }

// round turns a position into the index of the nearest element.
func (r *resizing) round(p, scale float64) float64 {
	switch r.nearest {
	case "round_prefer_ceil":
		return math.Floor(p + 0.5)
	case "floor":
		return math.Floor(p)
	case "ceil":
		return math.Ceil(p)
	case "simple": // Upsample and opset 10: towards zero when enlarging, up when shrinking, as ONNX Runtime has it
		if scale < 1 {
			return math.Ceil(p)
		}
		return math.Floor(p)
	}
	return math.Ceil(p - 0.5)
}

// weights returns the first tap at a position and the weights from there on. When shrinking with
// antialias the kernel is stretched by the scale.
func (r *resizing) weights(p, scale float64) (first int, w []float64) {
	radius, f := 1.0, triangle
	if r.mode == "cubic" {
		radius, f = 2, r.keys
	}
	if !r.antialias || scale >= 1 {
		scale = 1
	}
	scale = max(scale, 1e-6)
	base := math.Floor(p)
	start := math.Floor(-radius/scale) + 1
	for k := start; k < 2-start; k++ {
		w = append(w, f((k-(p-base))*scale))
	}
	return int(base + start), w
}

func triangle(x float64) float64 { return max(0, 1-math.Abs(x)) }

// keys is the cubic convolution kernel (Keys, 1981, eq. 15).
func (r *resizing) keys(x float64) float64 {
	a := r.cubic
	switch x = math.Abs(x); {
	case x <= 1:
		return ((a+2)*x-(a+3))*x*x + 1
	case x < 2:
		return ((a*x-5*a)*x+8*a)*x - 4*a
	}
	return 0
}

// identity reports whether the step would copy n elements as they are.
func (s *resizeStep) identity(n int) bool {
	if s.taps != 1 || len(s.index) != n || s.outside != nil {
		return false
	}
	for j, k := range s.index {
		if int(k) != j {
			return false
		}
	}
	return true
}

// resizeSteps runs the steps through buffers of their own.
func resizeSteps(c *Call, steps []resizeStep) error {
	var between []*tensor.Tensor
	takes := make([]taking, len(steps))
	for _, s := range steps[:max(len(steps)-1, 0)] {
		c.Work += Type{c.dtype(0), s.shape}.Bytes()
	}
	for i, s := range steps {
		if s.weight == nil {
			takes[i] = taking{outer: s.outer, length: s.in, inner: s.inner, index: convert(make([]int, len(s.index)), s.index)}
		}
	}
	c.Run = func(in, out []*tensor.Tensor) error {
		if between == nil && len(steps) > 1 {
			for _, s := range steps[:len(steps)-1] {
				between = append(between, tensor.New(in[0].DType, s.shape...))
			}
		}
		from := in[0]
		for i := range steps {
			s, to := &steps[i], out[0]
			if i < len(steps)-1 {
				to = between[i]
			}
			switch {
			case s.weight == nil:
				takes[i].run(to, from)
			case to.DType == tensor.Float32:
				interpolate(s, to.F32(), from.F32())
			default:
				interpolate(s, tensor.Data[float64](to), tensor.Data[float64](from))
			}
			s.extrapolate(to)
			from = to
		}
		if len(steps) == 0 {
			copyAll(out[0], in[0])
		}
		return nil
	}
	return nil
}

func interpolate[T float32 | float64](s *resizeStep, dst, src []T) {
	outs := len(s.index) / s.taps
	for o := range s.outer {
		from, to := src[o*s.in*s.inner:], dst[o*outs*s.inner:]
		for j := range outs {
			index, weight := s.index[j*s.taps:(j+1)*s.taps], s.weight[j*s.taps:(j+1)*s.taps]
			switch {
			case s.inner == 1 && s.taps == 2:
				to[j] = T(T(weight[0])*from[index[0]]) + T(T(weight[1])*from[index[1]])
			case s.inner == 1:
				var sum T
				for t, k := range index {
					sum += T(T(weight[t]) * from[k])
				}
				to[j] = sum
			default:
				blendRows(to[j*s.inner:][:s.inner], from, index, weight)
			}
		}
	}
}

// blendRows computes the weighted sum of rows as long as to.
func blendRows[T float32 | float64](to, from []T, index []int32, weight []float32) {
	n := len(to)
	first, w0 := from[int(index[0])*n:][:n], T(weight[0])
	if len(index) == 1 {
		for i, v := range first {
			to[i] = w0 * v
		}
		return
	}
	second, w1 := from[int(index[1])*n:][:n], T(weight[1])
	for i, v := range first {
		to[i] = T(w0*v) + T(w1*second[i])
	}
	for t := 2; t < len(index); t++ {
		w := T(weight[t])
		for i, v := range from[int(index[t])*n:][:n] {
			to[i] += T(w * v)
		}
	}
}

// extrapolate overwrites what lies outside of the region.
func (s *resizeStep) extrapolate(t *tensor.Tensor) {
	for j, is := range s.outside {
		if !is {
			continue
		}
		outs := len(s.outside)
		v := tensor.New(t.DType, 1)
		castFloat(v, []float64{s.value})
		w := walk{shape: []int{s.outer, s.inner}, dst: []int{outs * s.inner, 1}, src: []int{0, 0}, dstOff: j * s.inner}
		w.squeeze().run(t, v)
	}
}
