package op

import (
	"fmt"
	"math"

	"dropquant/engine/kernel"
	"dropquant/engine/tensor"
)

// A reduction folds elements into one: it starts at init, folds each element with step, and ends with finish.
type reduction struct {
	init   float64
	step   func(acc, x float64) float64
	finish func(acc float64, n int) float64
	quick  quick
	stable bool // subtracts the maximum first, as LogSumExp
}

// quick says that a reduction of float32 has loops of its own where what is reduced lies together.
type quick uint8

const (
	noQuick quick = iota
	quickSum
	quickMean
	quickMax
	quickMin
)

var (
	add      = func(a, x float64) float64 { return a + x }
	asIs     = func(a float64, n int) float64 { return a }
	square   = func(a, x float64) float64 { return a + x*x }
	infinity = math.Inf(1)

	reduceSum       = reduction{0, add, asIs, quickSum, false}
	reduceMean      = reduction{0, add, func(a float64, n int) float64 { return a / float64(n) }, quickMean, false}
	reduceMax       = reduction{-infinity, func(a, x float64) float64 { return max(a, x) }, asIs, quickMax, false}
	reduceMin       = reduction{infinity, func(a, x float64) float64 { return min(a, x) }, asIs, quickMin, false}
	reduceProd      = reduction{1, func(a, x float64) float64 { return a * x }, asIs, noQuick, false}
	reduceL1        = reduction{0, func(a, x float64) float64 { return a + math.Abs(x) }, asIs, noQuick, false}
	reduceL2        = reduction{0, square, func(a float64, n int) float64 { return math.Sqrt(a) }, noQuick, false}
	reduceSumSquare = reduction{0, square, asIs, noQuick, false}
	reduceLogSum    = reduction{0, add, func(a float64, n int) float64 { return math.Log(a) }, noQuick, false}
	reduceLogSumExp = reduction{0, func(a, x float64) float64 { return a + math.Exp(x) }, func(a float64, n int) float64 { return math.Log(a) }, noQuick, true}
)

// reduce folds the named axes; they are an attribute, or input 1 from opset 13 (ReduceSum) or 18 on.
// Everything accumulates in float64, so 64-bit integers beyond 2^53 lose their last bits.
func reduce(r reduction, fromInput bool) Rule {
	return func(c *Call) error {
		list, err := axesArg(c, fromInput)
		if err != nil {
			return err
		}
		in := c.shape(0)
		if len(list) == 0 && c.int("noop_with_empty_axes", 0) != 0 {
			return reduceNothing(c, r)
		}
		if len(list) == 0 {
			list = nil
			for i := range in {
				list = append(list, i)
			}
		}
		list, err = axes(list, len(in))
		if err != nil {
			return err
		}
		return reduceAxes(c, r, list, c.int("keepdims", 1) != 0)
	}
}

// reduceNothing reduces over no axes, so each element alone is folded.
func reduceNothing(c *Call, r reduction) error {
	return function(func(*Call) func(float64) float64 {
		return func(x float64) float64 {
			if r.stable {
				return x
			}
			return r.finish(r.step(r.init, x), 1)
		}
	})(c)
}

func reduceAxes(c *Call, r reduction, list []int, keep bool) error {
	in := c.shape(0)
	gone := make([]bool, len(in))
	for _, a := range list {
		gone[a] = true
	}
	out, full := []int{}, append([]int{}, in...)
	for i, d := range in {
		if gone[i] {
			full[i] = 1
		}
		if !gone[i] || keep {
			out = append(out, full[i])
		}
		_ = d
	}
	if err := c.set(0, c.dtype(0), out...); err != nil {
		return err
	}
	n, size := product(in), product(out)
	if from, to, ok := together(gone); ok && r.quick != noQuick && c.dtype(0) == tensor.Float32 && n > 0 {
		outer, mid, inner := product(in[:from]), product(in[from:to]), product(in[to:])
		c.Run = func(in, out []*tensor.Tensor) error {
			r.quick.run(out[0].F32(), in[0].F32(), outer, mid, inner)
			return nil
		}
		return nil
	}
	w := walk{shape: in, dst: broadcastStrides(full, in), src: strides(in)}.squeeze()
	per := 1
	for i, d := range in {
		if gone[i] {
			per *= d
		}
	}
	var acc, top []float64
	c.Run = func(in, out []*tensor.Tensor) error {
		if acc == nil {
			acc, top = make([]float64, size), make([]float64, size)
		}
		r.run(out[0], in[0], w, acc, top, per)
		return nil
	}
	return nil
}

// together returns the stretch of the true elements when they are neighbours.
func together(gone []bool) (from, to int, ok bool) {
	for from < len(gone) && !gone[from] {
		from++
	}
	for to = from; to < len(gone) && gone[to]; {
		to++
	}
	for _, g := range gone[to:] {
		if g {
			return 0, 0, false
		}
	}
	return from, to, from < to
}

// run reduces the middle of [outer, n, inner], which has elements.
func (q quick) run(dst, src []float32, outer, n, inner int) {
	if inner == 1 {
		q.rows(dst, src, n)
		return
	}
	step := [...]func(dst, a, b []float32){quickSum: kernel.Add, quickMean: kernel.Add, quickMax: kernel.Max, quickMin: kernel.Min}[q]
	for o := range outer {
		x, y := src[o*n*inner:(o+1)*n*inner], dst[o*inner:(o+1)*inner]
		copy(y, x)
		for k := 1; k < n; k++ {
			step(y, y, x[k*inner:(k+1)*inner])
		}
		if q == quickMean {
			kernel.DivScalar(y, y, float32(n))
		}
	}
}

// rows reduces rows of n elements to one each.
func (q quick) rows(dst, src []float32, n int) {
	if q == quickMean {
		kernel.GlobalAveragePool(dst, src)
		return
	}
	for i := range dst {
		row := src[i*n : (i+1)*n]
		sum, top := 0.0, row[0]
		switch q {
		case quickSum:
			for _, v := range row {
				sum += float64(v)
			}
			top = float32(sum)
		case quickMax:
			for _, v := range row {
				top = max(top, v)
			}
		default:
			for _, v := range row {
				top = min(top, v)
			}
		}
		dst[i] = top
	}
}

// run folds src into acc along the walk and finishes into dst. For a stable reduction top holds the maxima.
func (r *reduction) run(dst, src *tensor.Tensor, w walk, acc, top []float64, per int) {
	fold := func(acc []float64, init float64, step func(a, x float64) float64) {
		for i := range acc {
			acc[i] = init
		}
		if product(w.shape) == 0 {
			return
		}
		switch src.DType {
		case tensor.Float32:
			foldDim(w, 0, 0, 0, acc, src.F32(), step)
		case tensor.Float64:
			foldDim(w, 0, 0, 0, acc, tensor.Data[float64](src), step)
		default:
			foldDim(w, 0, 0, 0, acc, toFloats(src), step)
		}
	}
	step := r.step
	if r.stable {
		fold(top, -infinity, reduceMax.step)
		wide := tensor.Of(toFloats(src), src.Shape...)
		shift(w, 0, 0, 0, top, tensor.Data[float64](wide))
		src = wide
	}
	fold(acc, r.init, step)
	for i, a := range acc {
		acc[i] = r.finish(a, per)
		if r.stable && !math.IsInf(top[i], 0) {
			acc[i] += top[i]
		}
	}
	castFloat(dst, acc)
}

func foldDim[T float32 | float64](w walk, d, do, so int, acc []float64, src []T, step func(a, x float64) float64) {
	n, ds, ss := w.shape[d], w.dst[d], w.src[d]
	if d < len(w.shape)-1 {
		for range n {
			foldDim(w, d+1, do, so, acc, src, step)
			do, so = do+ds, so+ss
		}
		return
	}
	if ds == 0 {
		a := acc[do]
		for range n {
			a = step(a, float64(src[so]))
			so += ss
		}
		acc[do] = a
		return
	}
	for range n {
		acc[do] = step(acc[do], float64(src[so]))
		do, so = do+ds, so+ss
	}
}

// shift subtracts the finite maxima in top from the elements they belong to.
func shift(w walk, d, do, so int, top, x []float64) {
	for range w.shape[d] {
		if d < len(w.shape)-1 {
			shift(w, d+1, do, so, top, x)
		} else if !math.IsInf(top[do], 0) {
			x[so] -= top[do]
		}
		do, so = do+w.dst[d], so+w.src[d]
	}
}

// reduceBool serves ReduceMax and ReduceMin of opset 20 on booleans.
func reduceBool(r reduction) Rule {
	numeric := reduce(r, true)
	return func(c *Call) error {
		if err := numeric(c); err != nil || c.dtype(0) != tensor.Bool {
			return err
		}
		run := c.Run
		c.Run = func(in, out []*tensor.Tensor) error {
			wide, sum := tensor.New(tensor.Float64, in[0].Shape...), tensor.New(tensor.Float64, out[0].Shape...)
			cast(wide, in[0])
			if err := run([]*tensor.Tensor{wide}, []*tensor.Tensor{sum}); err != nil {
				return err
			}
			for i, v := range tensor.Data[float64](sum) {
				tensor.Data[bool](out[0])[i] = v > 0
			}
			return nil
		}
		return nil
	}
}

// cumSum adds along one axis, from either end, with or without the element itself.
func cumSum(c *Call) error {
	at, err := c.smallInts(1)
	if err != nil || len(at) != 1 {
		return fmt.Errorf("input 1 is not one constant axis")
	}
	in := c.shape(0)
	a, err := axis(at[0], len(in))
	if err != nil {
		return err
	}
	if err := c.set(0, c.dtype(0), in...); err != nil {
		return err
	}
	n, inner := in[a], product(in[a+1:])
	exclusive, reverse := c.int("exclusive", 0) != 0, c.int("reverse", 0) != 0
	c.Run = func(in, out []*tensor.Tensor) error {
		x := toFloats(in[0])
		for i := range len(x) / max(n, 1) {
			from, step, sum := i/inner*n*inner+i%inner, inner, 0.0
			if reverse {
				from, step = from+(n-1)*inner, -inner
			}
			for range n {
				v := x[from]
				if sum += v; exclusive {
					x[from] = sum - v
				} else {
					x[from] = sum
				}
				from += step
			}
		}
		castFloat(out[0], x)
		return nil
	}
	return nil
}
