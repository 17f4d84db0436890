package dataset

import (
	"bytes"
	"image"
	"image/jpeg"
	"io"
)

// decodeJPEG decodes as libjpeg-turbo does with its defaults: triangle
// ("fancy") upsampling of the chroma planes and its fixed-point conversion of
// JFIF. Only the inverse DCT is the standard library's, whose samples differ
// from those of libjpeg's islow by at most one.
func decodeJPEG(data []byte) (*Image, error) {
	// A file that lost its end marker but no data is complete; libjpeg adds
	// the marker too. Behind a complete file it is never read.
	src, err := jpeg.Decode(io.MultiReader(bytes.NewReader(data), bytes.NewReader([]byte{0xff, 0xd9})))
	if err != nil {
		return nil, err
	}
	if s, ok := src.(*image.YCbCr); ok {
		return fromJFIF(s), nil
	}
	return fromRaster(src)
}

// chroma holds what the chroma samples add to red, green and blue, in 16.16
// fixed point for green (jdcolor.c of libjpeg, build_ycc_rgb_table).
var chroma = func() (t struct {
	crR, cbB [256]int32
	crG, cbG [256]int32
}) {
	const half = 1 << 15
	for i := range t.crR {
		x := int32(i) - 128
		t.crR[i] = (91881*x + half) >> 16  // 1.40200
		t.cbB[i] = (116130*x + half) >> 16 // 1.77200
		t.crG[i] = -46802 * x              // 0.71414
		t.cbG[i] = -22554*x + half         // 0.34414
	}
	return t
}()

func clamp(v int32) uint8 {
	if uint32(v) > 255 {
		return uint8(^(v >> 31))
	}
	return uint8(v)
}

// fromJFIF converts full-range YCbCr to RGB.
func fromJFIF(s *image.YCbCr) *Image {
	m := NewImage(s.Rect.Dx(), s.Rect.Dy())
	up := newUpsampler(s)
	for y := range m.H {
		cb, cr := up.rows(y)
		luma := s.Y[y*s.YStride : y*s.YStride+m.W]
		dst := m.row(y)
		cb, cr = cb[:len(luma)], cr[:len(luma)]
		for i, l := range luma {
			b, r, d := cb[i], cr[i], dst[i*3:i*3+3]
			v := int32(l)
			d[0] = clamp(v + chroma.crR[r])
			d[1] = clamp(v + (chroma.cbG[b]+chroma.crG[r])>>16)
			d[2] = clamp(v + chroma.cbB[b])
		}
	}
	return m
}
