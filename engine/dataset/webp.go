package dataset

import (
	"bytes"
	"errors"
	"image"

	"golang.org/x/image/webp"
)

// decodeWebP decodes lossy and lossless stills.
func decodeWebP(data []byte) (*Image, error) {
	if len(data) > 20 && string(data[12:16]) == "VP8X" && data[20]&2 != 0 {
		return nil, errors.New("unsupported animation")
	}
	src, err := webp.Decode(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	switch s := src.(type) {
	case *image.YCbCr:
		return fromVP8(s), nil
	case *image.NYCbCrA:
		return fromVP8(&s.YCbCr), nil
	}
	return fromRaster(src)
}

// fromVP8 converts VP8's samples, BT.601 of studio range and not JFIF's, with
// the arithmetic of libwebp (src/dsp/yuv.h and upsampling.c).
func fromVP8(s *image.YCbCr) *Image {
	m := NewImage(s.Rect.Dx(), s.Rect.Dy())
	cb, cr := make([]uint8, m.W), make([]uint8, m.W)
	for y := range m.H {
		vp8Chroma(cb, s.Cb, s.CStride, y, (m.H+1)/2)
		vp8Chroma(cr, s.Cr, s.CStride, y, (m.H+1)/2)
		dst := m.row(y)
		for i, l := range s.Y[y*s.YStride : y*s.YStride+m.W] {
			v, b, r := int(l)*19077>>8, int(cb[i]), int(cr[i])
			dst[i*3] = clamp((v + r*26149>>8 - 14234) >> 6)
			dst[i*3+1] = clamp((v - b*6419>>8 - r*13320>>8 + 8708) >> 6)
			dst[i*3+2] = clamp((v + b*33050>>8 - 17685) >> 6)
		}
	}
	return m
}

// vp8Chroma fills one row at full width: weights 9, 3, 3, 1 of the four nearest
// samples, rounded in two steps as libwebp does; edges repeat.
func vp8Chroma(dst, plane []uint8, stride, y, rows int) {
	near := y / 2
	far := min(max(near-1+y%2*2, 0), rows-1)
	w := (len(dst) + 1) / 2
	p, q := plane[near*stride:near*stride+w], plane[far*stride:far*stride+w]
	for x := range dst {
		n := x / 2
		f := min(max(n-1+x%2*2, 0), w-1)
		a, b, c, d := int32(p[n]), int32(p[f]), int32(q[n]), int32(q[f])
		dst[x] = uint8(((a+b+c+d+8+2*(b+c))>>3 + a) >> 1)
	}
}
