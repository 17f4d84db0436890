package dataset

import (
	"fmt"
	"math"

	"dropquant/engine/tensor"
)

// Apply returns what the network reads for one image, of shape in.Shape().
func (p Preset) Apply(img *Image, in Input) (*tensor.Tensor, error) {
	frame, err := p.Frame(img, in)
	if err != nil {
		return nil, err
	}
	return p.normalize(frame, in), nil
}

// Frame returns the pixels that the network sees: in.W x in.H, before colour
// order, scale, mean and std.
func (p Preset) Frame(img *Image, in Input) (*Image, error) {
	if img.W < 1 || img.H < 1 || len(img.Pix) != img.W*img.H*3 {
		panic("bug: an image without its pixels")
	}
	if in.W < 1 || in.H < 1 || in.W > maxSide || in.H > maxSide || !colours(in.C) {
		return nil, fmt.Errorf("an input of %d x %d with %d channels does not take images", in.W, in.H, in.C)
	}
	if err := p.Check(); err != nil {
		return nil, err
	}
	return fits[p.Mode](p, img, in)
}

// fits holds how each mode makes an image of any size one of the input's.
var fits = map[Mode]func(Preset, *Image, Input) (*Image, error){
	Short:     Preset.short,
	Stretch:   Preset.stretch,
	Letterbox: Preset.letterbox,
	Center:    Preset.center,
}

// short scales until the image covers the input enlarged by Short/Crop, with
// the longer side truncated, then crops the centre with halves rounded to even
// (torchvision's Resize and CenterCrop).
func (p Preset) short(img *Image, in Input) (*Image, error) {
	cover := func(side int) int {
		return max(side, int(math.RoundToEven(float64(p.Short)*float64(side)/float64(max(p.Crop, 1)))))
	}
	w, h := cover(in.W), cover(in.H)
	if img.W*h <= img.H*w {
		h = max(h, w*img.H/img.W)
	} else {
		w = max(w, h*img.W/img.H)
	}
	if w > 64*maxSide || h > 64*maxSide {
		return nil, fmt.Errorf("an image of %d x %d is too narrow to be cropped to %d x %d: leave it out", img.W, img.H, in.W, in.H)
	}
	return img.resizeCrop(w, h, half(w-in.W), half(h-in.H), in.W, in.H, p.Filter), nil
}

// half returns n/2 rounded to even.
func half(n int) int { return int(math.RoundToEven(float64(n) / 2)) }

func (p Preset) stretch(img *Image, in Input) (*Image, error) {
	return img.Resize(in.W, in.H, p.Filter), nil
}

func (p Preset) center(img *Image, in Input) (*Image, error) {
	if img.W < in.W || img.H < in.H {
		return nil, fmt.Errorf("an image of %d x %d is smaller than the model's %d x %d: choose a preset that resizes", img.W, img.H, in.W, in.H)
	}
	return img.resizeCrop(img.W, img.H, half(img.W-in.W), half(img.H-in.H), in.W, in.H, p.Filter), nil
}

func (p Preset) letterbox(img *Image, in Input) (*Image, error) {
	r := min(float64(in.W)/float64(img.W), float64(in.H)/float64(img.H))
	round := math.Trunc
	if p.Middle {
		round = math.RoundToEven
	}
	w := min(max(int(round(float64(img.W)*r)), 1), in.W)
	h := min(max(int(round(float64(img.H)*r)), 1), in.H)
	x0, y0 := 0, 0
	if p.Middle { // an odd pixel goes right and below
		x0, y0 = (in.W-w)/2, (in.H-h)/2
	}
	small, out := img.Resize(w, h, p.Filter), NewImage(in.W, in.H)
	if p.Pad != 0 {
		for i := range out.Pix {
			out.Pix[i] = p.Pad
		}
	}
	for y := range h {
		copy(out.row(y0 + y)[x0*3:], small.row(y))
	}
	return out, nil
}

// table returns the value of every level of channel c.
func (p Preset) table(c int) (t [256]float32) {
	unit := float32(1 / p.Scale)
	for v := range t {
		t[v] = float32((float64(float32(v)/unit) - p.Mean[c]) / p.Std[c])
	}
	return t
}

// normalize lays a frame out as the network reads it. One channel is the luma
// of the picture with the mean and std of green, which stand in the middle.
func (p Preset) normalize(frame *Image, in Input) *tensor.Tensor {
	n := in.H * in.W
	y := make([]float32, in.C*n)
	step, plane := 1, n
	if in.Last {
		step, plane = in.C, 1
	}
	if in.C == 1 {
		t := p.table(1)
		for i := range y {
			y[i] = t[luma(frame.Pix[i*3:i*3+3])]
		}
		return tensor.Of(y, in.Shape()...)
	}
	r, b := 0, 2 // where the network has red and blue
	if p.Order == "BGR" {
		r, b = 2, 0
	}
	tr, tg, tb := p.table(r), p.table(1), p.table(b)
	red, green, blue := y[r*plane:], y[plane:], y[b*plane:]
	for i := range n {
		rgb, at := frame.Pix[i*3:i*3+3], i*step
		red[at], green[at], blue[at] = tr[rgb[0]], tg[rgb[1]], tb[rgb[2]]
	}
	return tensor.Of(y, in.Shape()...)
}

// luma is the grey level of an RGB pixel (Pillow's L, ITU-R 601 in 16.16).
func luma(p []uint8) uint8 {
	return uint8((int(p[0])*19595 + int(p[1])*38470 + int(p[2])*7471 + 1<<15) >> 16)
}

// Preview is what the network sees of an image.
type Preview struct {
	Frame    *Image
	Channels []Channel // in the network's order
}

// Channel sums up one channel of the network's input.
type Channel struct {
	Name           string // "R", "G", "B", or "Y" for grey
	Min, Max, Mean float32
}

// Preview shows an image as the network sees it.
func (p Preset) Preview(img *Image, in Input) (*Preview, error) {
	frame, err := p.Frame(img, in)
	if err != nil {
		return nil, err
	}
	v := &Preview{Frame: frame}
	x := p.normalize(frame, in).F32()
	step, plane := 1, in.H*in.W
	if in.Last {
		step, plane = in.C, 1
	}
	for c := range in.C {
		ch := Channel{Name: "Y", Min: x[c*plane], Max: x[c*plane]}
		if in.C == 3 {
			ch.Name = p.Order[c : c+1]
		}
		sum := 0.0
		for i := range in.H * in.W {
			e := x[c*plane+i*step]
			ch.Min, ch.Max = min(ch.Min, e), max(ch.Max, e)
			sum += float64(e)
		}
		ch.Mean = float32(sum / float64(in.H*in.W))
		v.Channels = append(v.Channels, ch)
	}
	return v, nil
}
