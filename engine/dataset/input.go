package dataset

import (
	"fmt"

	"dropquant/engine/tensor"
)

// Input is the part of a network's input that images fill: a batch of one.
type Input struct {
	C, H, W int
	Last    bool // channels last: [1, H, W, C] instead of [1, C, H, W]
}

// Shape returns the input's shape with its batch of one.
func (in Input) Shape() []int {
	if in.Last {
		return []int{1, in.H, in.W, in.C}
	}
	return []int{1, in.C, in.H, in.W}
}

// Layout returns "NCHW" or "NHWC".
func (in Input) Layout() string {
	if in.Last {
		return "NHWC"
	}
	return "NCHW"
}

// maxSide bounds the sides of an input, and with it what a preset allocates.
const maxSide = 1 << 14

// InputOf reads a model's input shape, in which dimensions below one are
// unknown: the batch becomes one, unknown sides become side. Images need four
// dimensions with one or three channels, either second or last.
func InputOf(shape []int, side int) (Input, error) {
	if len(shape) != 4 {
		return Input{}, fmt.Errorf("the model's input %s does not take images: it needs four dimensions, batch, channels, height and width", tensor.FormatShape(shape))
	}
	known := func(d int) int {
		if d < 1 {
			return side
		}
		return d
	}
	in := Input{C: shape[1], H: known(shape[2]), W: known(shape[3])}
	if !colours(shape[1]) && colours(shape[3]) {
		in = Input{C: shape[3], H: known(shape[1]), W: known(shape[2]), Last: true}
	}
	switch {
	case shape[0] > 1:
		return Input{}, fmt.Errorf("the model's input %s takes batches of %d: export it with a batch of one or an open batch", tensor.FormatShape(shape), shape[0])
	case !colours(in.C):
		return Input{}, fmt.Errorf("the model's input %s has no dimension of one or three channels: it does not take images", tensor.FormatShape(shape))
	case in.H > maxSide || in.W > maxSide:
		return Input{}, fmt.Errorf("the model's input %s is larger than %d pixels a side", tensor.FormatShape(shape), maxSide)
	}
	return in, nil
}

func colours(d int) bool { return d == 1 || d == 3 }
