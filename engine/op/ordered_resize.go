package op

import "dropquant/engine/tensor"

// bilinear interpolates planes in the order of ONNX Runtime, which computes each element from the four around it in float32.
//
// Source: core/providers/cpu/tensor/upsamplebase.h and upsample.cc (SetupUpsampleBilinear, UpsampleBilinear), 1.32.
type bilinear struct {
	planes, in, out int // elements of a plane
	width           int
	rows, columns   []between
}

// between is an element between two others: its distances from the second and from the first are their weights.
type between struct {
	first, second int
	near, far     float32
}

// bilinear returns nil where the runtime has other code.
func (r *resizing) bilinear(x []int) *bilinear {
	linear := r.mode == "linear" || r.mode == "bilinear"
	if len(x) != 4 || !linear || r.antialias || r.exclude || r.roi != nil || r.scale[0] != 1 || r.scale[1] != 1 {
		return nil
	}
	rows, ok := r.between(2, x[2])
	if !ok {
		return nil
	}
	columns, _ := r.between(3, x[3])
	return &bilinear{x[0] * x[1], x[2] * x[3], r.out[2] * r.out[3], x[3], rows, columns}
}

// between places the elements of an axis of n, and reports whether its coordinates are known.
func (r *resizing) between(axis, n int) (list []between, ok bool) {
	scale, out := float32(r.scale[axis]), r.out[axis]
	for i := range out {
		p := float32(i)
		switch {
		case scale == 1:
		case r.coordinate == "half_pixel", r.coordinate == "pytorch_half_pixel" && out > 1:
			p = float32((p+0.5)/scale) - 0.5
		case r.coordinate == "asymmetric":
			p /= scale
		case r.coordinate == "align_corners" && out > 1:
			p = float32(p*float32(n-1)) / float32(out-1)
		case r.coordinate == "align_corners", r.coordinate == "pytorch_half_pixel":
			p = 0
		default:
			return nil, false
		}
		p = min(max(p, 0), float32(n-1))
		b := between{first: int(p), second: min(int(p)+1, n-1), near: 0.5, far: 0.5}
		if b.first != b.second {
			b.near, b.far = float32(b.second)-p, p-float32(b.first)
		}
		list = append(list, b)
	}
	return list, true
}

func (b *bilinear) run(dst, src []float32) {
	for p := range b.planes {
		from, to := src[p*b.in:][:b.in], dst[p*b.out:][:b.out]
		for y, row := range b.rows {
			up, down, line := from[row.first*b.width:], from[row.second*b.width:], to[y*len(b.columns):][:len(b.columns)]
			for x, c := range b.columns {
				sum := float32(float32(c.near*row.near)*up[c.first]) + float32(float32(c.far*row.near)*up[c.second])
				sum += float32(float32(c.near*row.far) * down[c.first])
				line[x] = sum + float32(float32(c.far*row.far)*down[c.second])
			}
		}
	}
}

// orderedResize is OrderedResize, of the inputs and attributes of Resize since opset 11.
func orderedResize(c *Call) error {
	r, err := c.resizing()
	if err != nil {
		return err
	}
	if err := r.state(c); err != nil {
		return err
	}
	if b := r.bilinear(c.shape(0)); b != nil && b.planes*b.in > 0 {
		c.Run = func(in, out []*tensor.Tensor) error {
			b.run(out[0].F32(), in[0].F32())
			return nil
		}
	}
	return nil
}
