package op

import (
	"math"

	"dropquant/engine/kernel"
	"dropquant/engine/tensor"
)

// softKind is one of the normalized exponentials.
type softKind uint8

const (
	softMax softKind = iota
	logSoftMax
	hardMax
)

// softmax works along one axis (opset 13), or below it over all dimensions from the axis on as one.
func softmax(kind softKind, flat bool) Rule {
	return func(c *Call) error {
		in, def := c.shape(0), -1
		if flat {
			def = 1
		}
		given := c.int("axis", def)
		if flat && given == len(in) && given > 0 {
			given-- // numpy's reshape would leave rows of one element; no exporter writes this
		}
		a, err := axis(given, max(len(in), 1))
		if err != nil {
			return err
		}
		if err := c.set(0, c.dtype(0), in...); err != nil {
			return err
		}
		outer, n, inner := product(in), 1, 1
		if len(in) > 0 {
			outer, n, inner = product(in[:a]), in[a], product(in[a+1:])
		}
		if flat {
			n, inner = n*inner, 1
		}
		var row []float32
		c.Run = func(in, out []*tensor.Tensor) error {
			switch {
			case out[0].DType == tensor.Float32 && kind == softMax && inner >= wideRow && n > 0:
				if row == nil {
					row = make([]float32, inner)
				}
				softColumns(out[0].F32(), in[0].F32(), outer, n, inner, row)
			case out[0].DType == tensor.Float32 && kind == softMax && inner == 1:
				kernel.Softmax(out[0].F32(), in[0].F32(), outer, n)
			case out[0].DType == tensor.Float32:
				softRows(kind, out[0].F32(), in[0].F32(), outer, n, inner)
			default:
				softRows(kind, tensor.Data[float64](out[0]), tensor.Data[float64](in[0]), outer, n, inner)
			}
			return nil
		}
		return nil
	}
}

// wideRow is how long rows must be for working on them as wholes to pay.
const wideRow = 16

// softColumns is softmax over the middle of [outer, n, inner], row by row: the channels of a
// segmentation, the bins of a detector's box. row is scratch of one row.
func softColumns(dst, src []float32, outer, n, inner int, row []float32) {
	for o := range outer {
		x, y := src[o*n*inner:(o+1)*n*inner], dst[o*n*inner:(o+1)*n*inner]
		copy(row, x)
		for k := 1; k < n; k++ {
			kernel.Max(row, row, x[k*inner:(k+1)*inner])
		}
		for k := range n {
			kernel.Sub(y[k*inner:(k+1)*inner], x[k*inner:(k+1)*inner], row)
		}
		kernel.Unary(kernel.Exp, y, y, 0, 0)
		copy(row, y)
		for k := 1; k < n; k++ {
			kernel.Add(row, row, y[k*inner:(k+1)*inner])
		}
		for k := range n {
			kernel.Div(y[k*inner:(k+1)*inner], y[k*inner:(k+1)*inner], row)
		}
	}
}

func softRows[T float32 | float64](kind softKind, dst, src []T, outer, n, inner int) {
	if n == 0 {
		return
	}
	for r := range outer * inner {
		from := r/inner*n*inner + r%inner
		top, at := src[from], 0
		for i := range n {
			if v := src[from+i*inner]; v > top {
				top, at = v, i
			}
		}
		sum := 0.0
		for i := range n {
			sum += math.Exp(float64(src[from+i*inner] - top))
		}
		log := math.Log(sum)
		for i := range n {
			v := float64(src[from+i*inner] - top)
			switch kind {
			case softMax:
				v = math.Exp(v) / sum
			case logSoftMax:
				v -= log
			default:
				if v = 0; i == at {
					v = 1
				}
			}
			dst[from+i*inner] = T(v)
		}
	}
}
