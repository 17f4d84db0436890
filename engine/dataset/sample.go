package dataset

import (
	"fmt"
	"slices"

	"dropquant/engine/tensor"
)

// Open reads a file that holds one picture: an image, raw 32 x 32 pixels if the
// preset reads them, or a .npy array of unsigned 8-bit pixels, [H, W, 3],
// [H, W, 1] or [H, W].
func Open(name string, data []byte, p Preset) (*Image, error) {
	if Sniff(data).Name == "NumPy" {
		a, err := parseNPY(data)
		if err != nil {
			return nil, fmt.Errorf("%q cannot be read: %w", name, err)
		}
		images := a.images()
		if len(images) == 0 {
			return nil, fmt.Errorf("%q holds %s%s, which is not one picture of 8-bit pixels", name, a.descr, tensor.FormatShape(a.shape))
		}
		return images[0], nil
	}
	if Sniff(data).Name == "" && isRaw(name, int64(len(data))) {
		if !p.Raw {
			return nil, fmt.Errorf("%q looks like raw 32 x 32 pixels, which only the preset cifar reads: choose it or leave the file out", name)
		}
		return &Image{W: rawSide, H: rawSide, Pix: slices.Clone(data)}, nil
	}
	return Decode(name, data)
}

// Samples turns a file into the inputs it holds, each of shape in.Shape(): one
// for a picture, N for a .npy array of N samples.
//
// A .npy array of unsigned 8-bit elements is pixels, [H, W, 3] or [N, H, W, 3],
// and goes through the preset; any other type is taken as it is and must have
// the input's shape, with one, none or N in front.
func Samples(name string, data []byte, p Preset, in Input) ([]*tensor.Tensor, error) {
	if Sniff(data).Name == "NumPy" {
		return arraySamples(name, data, p, in)
	}
	img, err := Open(name, data, p)
	if err != nil {
		return nil, err
	}
	t, err := p.Apply(img, in)
	if err != nil {
		return nil, fmt.Errorf("%q: %w", name, err)
	}
	return []*tensor.Tensor{t}, nil
}

func arraySamples(name string, data []byte, p Preset, in Input) ([]*tensor.Tensor, error) {
	a, err := parseNPY(data)
	if err != nil {
		return nil, fmt.Errorf("%q cannot be read: %w", name, err)
	}
	if a.descr != "u1" {
		return a.split(name, in.Shape())
	}
	images := a.images()
	if len(images) == 0 {
		return nil, fmt.Errorf("%q holds 8-bit elements of shape %s, which are not pixels: save [H, W, 3] or [N, H, W, 3]", name, tensor.FormatShape(a.shape))
	}
	var out []*tensor.Tensor
	for _, m := range images {
		t, err := p.Apply(m, in)
		if err != nil {
			return nil, fmt.Errorf("%q: %w", name, err)
		}
		out = append(out, t)
	}
	return out, nil
}

// Arrays reads a .npy file for an input of any kind: shape is the input's, in
// which dimensions below one are open. The file has that shape, or that shape
// without its first dimension, or N in place of it; the result is one tensor
// with a batch of one for each of N.
func Arrays(name string, data []byte, shape []int) ([]*tensor.Tensor, error) {
	a, err := parseNPY(data)
	if err != nil {
		return nil, fmt.Errorf("%q cannot be read: %w", name, err)
	}
	return a.split(name, shape)
}

// split cuts the array into samples of a shape whose first dimension is a batch.
func (a *array) split(name string, shape []int) ([]*tensor.Tensor, error) {
	one := a.shape
	n := 1
	if len(shape) > 0 && len(one) == len(shape) {
		n, one = one[0], one[1:]
	}
	fits := len(shape) > 0 && len(one) == len(shape)-1
	for i := range one {
		fits = fits && (shape[i+1] < 1 || shape[i+1] == one[i])
	}
	if !fits {
		return nil, fmt.Errorf("%q has the shape %s, but the model reads %s: save arrays of that shape, or of 8-bit [H, W, 3] pixels",
			name, tensor.FormatShape(a.shape), tensor.FormatShape(shape))
	}
	all := a.values()
	size := len(all) / n
	var out []*tensor.Tensor
	for i := range n {
		out = append(out, tensor.Of(all[i*size:(i+1)*size:(i+1)*size], append([]int{1}, one...)...))
	}
	return out, nil
}

// images returns the pictures of an 8-bit array: [H, W], [H, W, 1 or 3],
// [3, H, W], or N of the latter two; none for other shapes.
func (a *array) images() []*Image {
	if a.descr != "u1" {
		return nil
	}
	s := a.shape
	switch {
	case len(s) == 2:
		s = []int{1, s[0], s[1], 1}
	case len(s) == 3:
		s = []int{1, s[0], s[1], s[2]}
	}
	if len(s) != 4 {
		return nil
	}
	h, w, c, step, plane := s[1], s[2], s[3], s[3], 1
	if !colours(c) {
		c, h, w, step, plane = s[1], s[2], s[3], 1, s[2]*s[3]
	}
	if !colours(c) {
		return nil
	}
	all := a.values()
	var out []*Image
	for n := range s[0] {
		m := NewImage(w, h)
		v := all[n*h*w*c:]
		for i := range h * w {
			for k := range 3 {
				m.Pix[i*3+k] = uint8(v[min(k, c-1)*plane+i*step])
			}
		}
		out = append(out, m)
	}
	return out
}
