package op

import (
	"fmt"
	"math"

	"dropquant/engine/tensor"
)

// A resizing is what Resize and Upsample of every version come down to.
type resizing struct {
	mode, coordinate, nearest string
	cubic                     float64 // a of the cubic kernel
	exclude, antialias        bool
	extrapolation             float64
	scale                     []float64 // per dimension
	roi                       []float64 // starts and ends, or nil
	out                       []int
}

// upsample7 reads its scales from an attribute, upsample9 and resize10 from input 1. They know no
// coordinate modes: positions are asymmetric.
func upsample7(c *Call) error { return upsample(c, c.Node.Floats("scales")) }

func upsample9(c *Call) error {
	s, err := c.constFloats(1)
	if err != nil {
		return err
	}
	return upsample(c, s)
}

func upsample(c *Call, scales []float32) error {
	r := &resizing{mode: c.Node.Str("mode", "nearest"), coordinate: "asymmetric", nearest: "simple"}
	if err := r.scales(c.shape(0), scales, nil); err != nil {
		return err
	}
	return r.state(c)
}

// resize is that of opset 11 and later: input, roi, scales, sizes.
func resize(c *Call) error {
	r, err := c.resizing()
	if err != nil {
		return err
	}
	return r.state(c)
}

// resizing reads the attributes and inputs of Resize.
func (c *Call) resizing() (*resizing, error) {
	x := c.shape(0)
	r := &resizing{
		mode: c.Node.Str("mode", "nearest"), coordinate: c.Node.Str("coordinate_transformation_mode", "half_pixel"),
		nearest: c.Node.Str("nearest_mode", "round_prefer_floor"), cubic: float64(c.Node.Float("cubic_coeff_a", -0.75)),
		exclude: c.int("exclude_outside", 0) != 0, antialias: c.int("antialias", 0) != 0,
		extrapolation: float64(c.Node.Float("extrapolation_value", 0)),
	}
	var list []int
	if c.Node.Has("axes") {
		var err error
		if list, err = axes(c.ints("axes", -1, 0), len(x)); err != nil {
			return nil, err
		}
	}
	if err := r.target(c, list); err != nil {
		return nil, err
	}
	if r.coordinate == "tf_crop_and_resize" {
		if err := r.crop(c, list); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// target reads scales or sizes, of which one must be there. An empty tensor counts as absent.
func (r *resizing) target(c *Call, list []int) error {
	x := c.shape(0)
	if c.has(2) && product(c.shape(2)) > 0 {
		s, err := c.constFloats(2)
		if err != nil {
			return err
		}
		return r.scales(x, s, list)
	}
	if !c.has(3) {
		return fmt.Errorf("neither scales nor sizes are given")
	}
	sizes, err := c.smallInts(3)
	if err != nil {
		return err
	}
	return r.sizes(x, sizes, list, c.Node.Str("keep_aspect_ratio_policy", "stretch"))
}

func (r *resizing) scales(x []int, scales []float32, list []int) error {
	if list == nil {
		list = span0(len(x))
	}
	if len(scales) != len(list) {
		return fmt.Errorf("%d scales for %d dimensions", len(scales), len(list))
	}
	r.ones(x)
	for i, a := range list {
		s := float64(scales[i])
		if !(s > 0) || s*float64(x[a]) > maxElements {
			return fmt.Errorf("a scale of %g", s)
		}
		r.scale[a], r.out[a] = s, int(s*float64(x[a]))
	}
	return nil
}

func (r *resizing) sizes(x, sizes, list []int, policy string) error {
	if list == nil {
		list = span0(len(x))
	}
	if len(sizes) != len(list) {
		return fmt.Errorf("%d sizes for %d dimensions", len(sizes), len(list))
	}
	r.ones(x)
	common := math.Inf(1)
	if policy == "not_smaller" {
		common = math.Inf(-1)
	}
	for i, a := range list {
		if sizes[i] < 1 || x[a] < 1 {
			return fmt.Errorf("resizing %s to %v", tensor.FormatShape(x), sizes)
		}
		r.scale[a], r.out[a] = float64(sizes[i])/float64(x[a]), sizes[i]
		if policy == "not_smaller" {
			common = max(common, r.scale[a])
		} else {
			common = min(common, r.scale[a])
		}
	}
	switch policy {
	case "stretch":
	case "not_larger", "not_smaller":
		for _, a := range list {
			size := math.Floor(common*float64(x[a]) + 0.5)
			if !(size <= maxElements) {
				return fmt.Errorf("resizing %s to %v", tensor.FormatShape(x), sizes)
			}
			r.scale[a], r.out[a] = common, int(size)
		}
	default:
		return fmt.Errorf("keep_aspect_ratio_policy %q is not one that Dropquant knows", policy)
	}
	return nil
}

func span0(n int) []int {
	list := make([]int, n)
	for i := range list {
		list[i] = i
	}
	return list
}

func (r *resizing) ones(x []int) {
	r.out, r.scale = append([]int{}, x...), make([]float64, len(x))
	for i := range r.scale {
		r.scale[i] = 1
	}
}

// crop reads the region of interest: starts, then ends, of the named axes.
func (r *resizing) crop(c *Call, list []int) error {
	n := len(c.shape(0))
	if list == nil {
		list = span0(n)
	}
	if !c.has(1) {
		return fmt.Errorf("tf_crop_and_resize needs a region of interest")
	}
	v, err := c.constFloats(1)
	if err != nil {
		return err
	}
	if len(v) != 2*len(list) {
		return fmt.Errorf("a region of interest of %d numbers for %d dimensions", len(v), len(list))
	}
	r.roi = make([]float64, 2*n)
	for i := range n {
		r.roi[n+i] = 1
	}
	for i, a := range list {
		r.roi[a], r.roi[n+a] = float64(v[i]), float64(v[len(list)+i])
	}
	return nil
}

// position maps an output index to a coordinate of the input.
// Source: onnx/reference/ops/op_resize.py, _interpolate_1d_with_x.
func (r *resizing) position(i, axis, in int) float64 {
	x, out, scale := float64(i), r.out[axis], r.scale[axis]
	switch r.coordinate {
	case "align_corners":
		if out == 1 {
			return 0
		}
		return x * float64(in-1) / float64(out-1)
	case "asymmetric":
		return x / scale
	case "tf_half_pixel_for_nn":
		return (x + 0.5) / scale
	case "pytorch_half_pixel":
		if out == 1 {
			return -0.5
		}
	case "tf_crop_and_resize":
		from, to := r.roi[axis], r.roi[len(r.out)+axis]
		if out == 1 {
			return (to - from) * float64(in-1) / 2
		}
		return x*(to-from)*float64(in-1)/float64(out-1) + from*float64(in-1)
	case "half_pixel_symmetric":
		adjust := float64(out) / (scale * float64(in))
		return float64(in)/2*(1-adjust) + (x+0.5)/scale - 0.5
	}
	return (x+0.5)/scale - 0.5
}

var (
	resizeModes      = map[string]bool{"nearest": true, "linear": true, "bilinear": true, "cubic": true}
	resizePositions  = map[string]bool{"half_pixel": true, "pytorch_half_pixel": true, "align_corners": true, "asymmetric": true, "tf_half_pixel_for_nn": true, "tf_crop_and_resize": true, "half_pixel_symmetric": true}
	resizeRoundings  = map[string]bool{"round_prefer_floor": true, "round_prefer_ceil": true, "floor": true, "ceil": true, "simple": true}
	errInterpolation = fmt.Errorf("interpolation is for float32 and float64 only")
)

// state checks the modes, states the output and prepares the loop, one axis after the other.
func (r *resizing) state(c *Call) error {
	x := c.shape(0)
	if !resizeModes[r.mode] || !resizePositions[r.coordinate] || !resizeRoundings[r.nearest] {
		return fmt.Errorf("mode %q, coordinates %q, rounding %q: not a combination that Dropquant knows", r.mode, r.coordinate, r.nearest)
	}
	if err := c.set(0, c.dtype(0), r.out...); err != nil {
		return err
	}
	if r.mode != "nearest" && !floats.Has(c.dtype(0)) && !(r.mode != "cubic" && eightBits.Has(c.dtype(0))) {
		return errInterpolation
	}
	if product(x) == 0 {
		c.Run = func(in, out []*tensor.Tensor) error { return nil }
		return nil
	}
	for a, n := range x {
		if max(n, r.out[a]) > maxAxis {
			return fmt.Errorf("resizing %d elements to %d along axis %d is more than Dropquant handles", n, r.out[a], a)
		}
	}
	var steps []resizeStep
	shape := append([]int{}, x...)
	for a := len(x) - 1; a >= 0; a-- { // the last axis first: it moves single elements, the others rows
		if r.out[a] == x[a] && r.scale[a] == 1 && r.roi == nil {
			continue
		}
		s := r.step(a, shape)
		if s.identity(shape[a]) {
			continue
		}
		shape[a] = r.out[a]
		if err := checkShape(shape); err != nil {
			return err
		}
		s.shape = append([]int{}, shape...)
		steps = append(steps, s)
	}
	if r.mode != "nearest" && eightBits.Has(c.dtype(0)) {
		return resizeCodes(c, r.bilinear(x), steps)
	}
	return resizeSteps(c, steps)
}

// resizeCodes interpolates codes in float32 and truncates towards 0, as ONNX Runtime does: it is half a step low on average. Where the order of
// the sum is not known and the weights are not exact, as they are for a factor of 2, it can be one code away.
// Source: core/providers/cpu/tensor/upsample.cc.
func resizeCodes(c *Call, b *bilinear, steps []resizeStep) error {
	wide := *c
	wide.In = append([]Type{{tensor.Float32, c.shape(0)}}, c.In[1:]...)
	wide.Out = []Type{{tensor.Float32, c.Out[0].Shape}}
	if err := resizeSteps(&wide, steps); err != nil {
		return err
	}
	x, y := tensor.New(tensor.Float32, c.shape(0)...), tensor.New(tensor.Float32, c.Out[0].Shape...)
	c.Run = func(in, out []*tensor.Tensor) error {
		cast(x, in[0])
		if b != nil {
			b.run(y.F32(), x.F32())
			cast(out[0], y)
			return nil
		}
		if err := wide.Run([]*tensor.Tensor{x}, []*tensor.Tensor{y}); err != nil {
			return err
		}
		cast(out[0], y)
		return nil
	}
	return nil
}
