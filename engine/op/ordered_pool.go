package op

import (
	"slices"

	"dropquant/engine/tensor"
)

// The means of float32 in the order of ONNX Runtime before opset 19, as operators of the domain dropquant.
//
// Source: mlas/lib/pooling.cpp (MlasPool and its kernels), 1.32.

// orderedMean is OrderedGlobalAveragePool, of the input of GlobalAveragePool: it adds up every fourth element, these sums, and the elements
// that are left over.
func orderedMean(c *Call) error {
	if err := global(reduceMean)(c); err != nil {
		return err
	}
	if area := product(c.shape(0)[2:]); area > 0 {
		return orderedMeans(c, area)
	}
	return nil
}

// orderedMeans makes Run the means of planes.
func orderedMeans(c *Call, area int) error {
	c.Run = func(in, out []*tensor.Tensor) error {
		for i := range out[0].F32() {
			out[0].F32()[i] = meanInOrder(in[0].F32()[i*area:][:area])
		}
		return nil
	}
	return nil
}

func meanInOrder(x []float32) float32 {
	var lanes [4]float32
	whole := len(x) &^ 3
	for k := 0; k < whole; k += 4 {
		for l, v := range x[k : k+4] {
			lanes[l] += v
		}
	}
	sum := (lanes[0] + lanes[2]) + (lanes[1] + lanes[3])
	for _, v := range x[whole:] {
		sum += v
	}
	return sum / float32(len(x))
}

// widestStride is the largest stride along rows for which columns of the window are added up first.
const widestStride = 2

// orderedAveragePool is OrderedAveragePool, of the input and attributes of AveragePool: it adds up the columns of the window, and these sums.
func orderedAveragePool(c *Call) error {
	w, err := c.pooled()
	if err != nil {
		return err
	}
	area, outs := product(w.in), product(w.out)
	if area > 0 && slices.Equal(w.in, w.kernel) && product(w.stride) == 1 && !w.padded() {
		return orderedMeans(c, area)
	}
	include, last := c.int("count_include_pad", 0) != 0, len(w.in)-1
	inRows := last == 0 || w.stride[last] > widestStride || slices.Max(w.kernel) > 32
	c.Run = func(in, out []*tensor.Tensor) error {
		src, dst := in[0].F32(), out[0].F32()
		w.taps(func(at int, inside, _ []int, _ int) {
			n, columns := float32(len(inside)), 1
			if include {
				n = float32(product(w.kernel))
			}
			if !inRows {
				from := at%w.out[last]*w.stride[last] - w.before[last]
				columns = max(min(from+w.kernel[last], w.in[last])-max(from, 0), 1)
			}
			for k := range len(src) / max(area, 1) {
				plane, sum := src[k*area:], float32(0)
				for column := range columns {
					part := float32(0)
					for i := column; i < len(inside); i += columns {
						part += plane[inside[i]]
					}
					sum += part
				}
				dst[k*outs+at] = sum / n
			}
		})
		return nil
	}
	return nil
}
