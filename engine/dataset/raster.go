package dataset

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/gif"
	"image/png"

	"golang.org/x/image/bmp"
)

func decodePNG(data []byte) (*Image, error) {
	src, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	return fromRaster(src)
}

func decodeBMP(data []byte) (*Image, error) {
	src, err := bmp.Decode(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	return fromRaster(src)
}

// decodeGIF draws the first frame on the logical screen. What it leaves
// uncovered gets the first colour of the palette, as in Pillow.
func decodeGIF(data []byte) (*Image, error) {
	cfg, err := gif.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	src, err := gif.Decode(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	frame, err := fromRaster(src)
	if err != nil || src.Bounds() == image.Rect(0, 0, cfg.Width, cfg.Height) {
		return frame, err
	}
	m := NewImage(cfg.Width, cfg.Height)
	if p, ok := src.(*image.Paletted); ok && len(p.Palette) > 0 {
		c := color.NRGBAModel.Convert(p.Palette[0]).(color.NRGBA)
		for i := 0; i < len(m.Pix); i += 3 {
			m.Pix[i], m.Pix[i+1], m.Pix[i+2] = c.R, c.G, c.B
		}
	}
	at := src.Bounds().Intersect(image.Rect(0, 0, m.W, m.H))
	for y := at.Min.Y; y < at.Max.Y; y++ {
		from := frame.row(y - src.Bounds().Min.Y)[(at.Min.X-src.Bounds().Min.X)*3:]
		copy(m.row(y)[at.Min.X*3:at.Max.X*3], from)
	}
	return m, nil
}

// fromRaster converts the image types that the decoders of the standard
// library return, dropping alpha and the low byte of 16-bit samples.
func fromRaster(src image.Image) (*Image, error) {
	b := src.Bounds()
	m := NewImage(b.Dx(), b.Dy())
	switch s := src.(type) {
	case *image.Gray:
		m.gather(s.Pix, s.Stride, 1, 0, 0, 0)
	case *image.Gray16:
		m.gather(s.Pix, s.Stride, 2, 0, 0, 0)
	case *image.RGBA: // opaque: the decoders give NRGBA where alpha matters
		m.gather(s.Pix, s.Stride, 4, 0, 1, 2)
	case *image.NRGBA:
		m.gather(s.Pix, s.Stride, 4, 0, 1, 2)
	case *image.RGBA64:
		m.gather(s.Pix, s.Stride, 8, 0, 2, 4)
	case *image.NRGBA64:
		m.gather(s.Pix, s.Stride, 8, 0, 2, 4)
	case *image.Paletted:
		m.paletted(s)
	case *image.CMYK:
		m.cmyk(s)
	default:
		return nil, fmt.Errorf("unsupported pixel type %T", src)
	}
	return m, nil
}

// gather picks the bytes r, g and b of every step bytes.
func (m *Image) gather(pix []uint8, stride, step, r, g, b int) {
	for y := range m.H {
		src, dst := pix[y*stride:y*stride+m.W*step], m.row(y)
		for len(src) >= step && len(dst) >= 3 {
			dst[0], dst[1], dst[2] = src[r], src[g], src[b]
			src, dst = src[step:], dst[3:]
		}
	}
}

// paletted looks every index up. An index beyond the palette is black.
func (m *Image) paletted(s *image.Paletted) {
	var table [256][3]uint8
	for i, c := range s.Palette {
		n := color.NRGBAModel.Convert(c).(color.NRGBA)
		if raw, ok := c.(color.NRGBA); ok {
			n = raw // keeps the colour below a transparent entry
		}
		table[i&255] = [3]uint8{n.R, n.G, n.B}
	}
	for y := range m.H {
		dst := m.row(y)
		for x, i := range s.Pix[y*s.Stride : y*s.Stride+m.W] {
			copy(dst[x*3:x*3+3], table[i][:])
		}
	}
}

// cmyk converts without a colour profile: r = (255-k)·(255-c)/255, in the
// rounding of Pillow's Convert.c.
func (m *Image) cmyk(s *image.CMYK) {
	for y := range m.H {
		dst := m.row(y)
		for x := range m.W {
			p := s.Pix[y*s.Stride+x*4 : y*s.Stride+x*4+4]
			light := 255 - int(p[3])
			for c := range 3 {
				t := int(p[c])*light + 128
				dst[x*3+c] = uint8(light - (t>>8+t)>>8)
			}
		}
	}
}
