package op

import (
	"fmt"

	"dropquant/engine/kernel"
	"dropquant/engine/tensor"
)

// setWalks states one output of the type of input 0 that walks fill from it.
func setWalks(c *Call, shape []int, ws ...walk) error {
	if err := c.set(0, c.dtype(0), shape...); err != nil {
		return err
	}
	for i := range ws {
		ws[i] = ws[i].squeeze()
	}
	c.Run = func(in, out []*tensor.Tensor) error {
		for _, w := range ws {
			w.run(out[0], in[0])
		}
		return nil
	}
	return nil
}

func transpose(c *Call) error {
	in := c.shape(0)
	perm := c.ints("perm", -1, 0)
	if perm == nil {
		for i := range in {
			perm = append(perm, len(in)-1-i)
		}
	}
	if len(perm) != len(in) {
		return fmt.Errorf("attribute perm %v does not fit a tensor of rank %d", perm, len(in))
	}
	perm, err := axes(perm, len(in))
	if err != nil {
		return err
	}
	return permute(c, in, perm, nil)
}

// permute transposes input 0, seen under the shape in, and states it under the shape out (the
// permuted one when nil).
func permute(c *Call, in, perm, out []int) error {
	if err := checkShape(in); err != nil {
		return err
	}
	s := strides(in)
	shape, src := make([]int, len(in)), make([]int, len(in))
	for i, p := range perm {
		shape[i], src[i] = in[p], s[p]
	}
	if out == nil {
		out = shape
	}
	in = append([]int{}, in...)
	w := walk{shape: shape, dst: strides(shape), src: src}
	if err := setWalks(c, out, w); err != nil || c.dtype(0) != tensor.Float32 {
		return err
	}
	if w = w.squeeze(); w.src[len(w.src)-1] != 1 { // rows become columns: the kernel works in tiles
		c.Run = func(from, to []*tensor.Tensor) error {
			kernel.Transpose(to[0].F32(), from[0].F32(), in, perm)
			return nil
		}
	}
	return nil
}

func expand(c *Call) error {
	want, err := c.smallInts(1)
	if err != nil {
		return err
	}
	return expandTo(c, want)
}

func expandTo(c *Call, want []int) error {
	if err := checkShape(want); err != nil {
		return err
	}
	out, err := broadcast(c.shape(0), want)
	if err != nil {
		return err
	}
	if err := checkShape(out); err != nil {
		return err
	}
	return setWalks(c, out, walk{shape: out, dst: strides(out), src: broadcastStrides(c.shape(0), out)})
}

// broadcastStrides returns the strides that read a tensor of shape s as one of shape out.
func broadcastStrides(s, out []int) []int {
	r, own := make([]int, len(out)), strides(s)
	for i, d := range s {
		if d != 1 {
			r[len(out)-len(s)+i] = own[i]
		}
	}
	return r
}

func tile(c *Call) error {
	reps, err := c.smallInts(1)
	if err != nil {
		return err
	}
	in := c.shape(0)
	if len(reps) != len(in) {
		return fmt.Errorf("%d repeats for a tensor of rank %d", len(reps), len(in))
	}
	out := make([]int, len(in))
	var shape, src []int
	s := strides(in)
	for i, d := range in {
		if reps[i] < 0 {
			return fmt.Errorf("repeats %v are negative", reps)
		}
		if d != 0 && reps[i] > maxElements/d {
			return fmt.Errorf("repeats %v are too many", reps)
		}
		out[i] = d * reps[i]
		shape, src = append(shape, reps[i], d), append(src, 0, s[i])
	}
	if err := checkShape(out); err != nil {
		return err
	}
	return setWalks(c, out, walk{shape: shape, dst: strides(shape), src: src})
}

func concat(c *Call) error {
	if err := c.all(); err != nil {
		return err
	}
	if err := c.same(); err != nil {
		return err
	}
	def := 1 // opset 1 alone has a default
	a, err := axis(c.int("axis", def), len(c.shape(0)))
	if err != nil {
		return err
	}
	out := append([]int{}, c.shape(0)...)
	out[a] = 0
	for i := range c.In {
		s := c.shape(i)
		if len(s) != len(out) {
			return errRank
		}
		for k, d := range s {
			if k != a && d != out[k] {
				return fmt.Errorf("%s and %s do not join along axis %d", tensor.FormatShape(c.shape(0)), tensor.FormatShape(s), a)
			}
		}
		out[a] += s[a]
	}
	if err := c.set(0, c.dtype(0), out...); err != nil {
		return err
	}
	ws, off := make([]walk, len(c.In)), 0
	outer, row := product(out[:a]), product(out[a:])
	for i := range c.In {
		n := product(c.shape(i)[a:])
		ws[i] = walk{shape: []int{outer, n}, dst: []int{row, 1}, src: []int{n, 1}, dstOff: off}.squeeze()
		off += n
	}
	c.Run = func(in, out []*tensor.Tensor) error {
		for i, w := range ws {
			w.run(out[0], in[i])
		}
		return nil
	}
	return nil
}

// depthToSpace: DCR has the block outside the channel, CRD inside.
func depthToSpace(c *Call) error {
	in, b := c.shape(0), c.int("blocksize", 0)
	if len(in) != 4 {
		return errRank
	}
	if b < 1 || b > 1<<12 || in[1]%(b*b) != 0 {
		return fmt.Errorf("block size %d does not divide %d channels", b, in[1])
	}
	n, d, h, w := in[0], in[1]/(b*b), in[2], in[3]
	out := []int{n, d, h * b, w * b}
	switch mode := c.Node.Str("mode", "DCR"); mode {
	case "DCR":
		return permute(c, []int{n, b, b, d, h, w}, []int{0, 3, 4, 1, 5, 2}, out)
	case "CRD":
		return permute(c, []int{n, d, b, b, h, w}, []int{0, 1, 4, 2, 5, 3}, out)
	default:
		return fmt.Errorf("mode %q is not DCR or CRD", mode)
	}
}

func spaceToDepth(c *Call) error {
	in, b := c.shape(0), c.int("blocksize", 0)
	if len(in) != 4 {
		return errRank
	}
	if b < 1 || b > 1<<12 || in[2]%b != 0 || in[3]%b != 0 {
		return fmt.Errorf("block size %d does not divide %s", b, tensor.FormatShape(in))
	}
	n, d, h, w := in[0], in[1], in[2]/b, in[3]/b
	return permute(c, []int{n, d, h, b, w, b}, []int{0, 3, 5, 1, 2, 4}, []int{n, d * b * b, h, w})
}
