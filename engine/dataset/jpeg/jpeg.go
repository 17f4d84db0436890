// Package jpeg decodes JPEG files to the very pixels that libjpeg-turbo, and so
// Pillow, OpenCV and torchvision, decode them to.
//
// The standard library's decoder does not: its inverse DCT rounds differently,
// its chroma is not interpolated, and both have changed between releases of
// Go, while a quantized network's scales depend on every pixel. Here the
// inverse DCT is the exact integer one ("islow"), chroma is widened with
// triangle weights ("fancy upsampling") and the colours are converted in
// libjpeg's fixed point. It is also about twice as fast, which is what keeps
// decoding cheaper than the network in a browser.
//
// Decoded are 8-bit baseline, extended and progressive files with Huffman
// coding, of grey, YCbCr, RGB, CMYK and YCCK. Arithmetic coding, 12 bits,
// lossless and hierarchical files are reported as unsupported.
//
// Source: ITU-T T.81; jidctint.c, jdsample.c and jdcolor.c of libjpeg-turbo 3
// for the arithmetic.
package jpeg

import (
	"errors"
	"fmt"
)

// ErrUnsupported is wrapped by the error of a file that is sound but of a kind
// that is not decoded.
var ErrUnsupported = errors.New("unsupported")

// ErrTruncated is wrapped by the error of a file whose data ends too early.
var ErrTruncated = errors.New("cut off")

func damaged(at int, what string) error { return fmt.Errorf("%s at byte %d", what, at) }

func truncated(at int) error { return fmt.Errorf("%w at byte %d", ErrTruncated, at) }

func unsupported(what string) error { return fmt.Errorf("%w: %s", ErrUnsupported, what) }

// Size reads the dimensions that the header claims. It allocates nothing.
func Size(data []byte) (w, h int, err error) {
	d := decoder{data: data, sizeOnly: true}
	if err := d.segments(); err != nil {
		return 0, 0, err
	}
	return d.w, d.h, nil
}

// Decode returns the pixels as packed RGB, [h, w, 3]. Its memory is
// proportional to the dimensions that the file claims: check Size first.
func Decode(data []byte) (w, h int, rgb []uint8, err error) {
	d := decoder{data: data}
	if err := d.segments(); err != nil {
		return 0, 0, nil, err
	}
	if d.progressive {
		for i := range d.comps {
			d.comps[i].reconstruct()
		}
	}
	return d.w, d.h, d.colour(), nil
}

// decoder holds what the segments of a file have said so far.
type decoder struct {
	data     []byte
	at       int // of the next segment
	sizeOnly bool

	w, h        int
	hmax, vmax  int
	progressive bool
	comps       []component
	quant       [4][64]int32 // natural order
	huff        [2][4]huffman
	restart     int // MCUs between restart markers, 0 without
	scans       int
	jfif        bool
	adobe       int // transform of the Adobe segment plus one, 0 without
}

// component is one colour plane.
type component struct {
	id             uint8
	h, v           int // sampling factors
	w, rows        int // samples that matter
	across, down   int // blocks that hold them
	stride, blocks int // blocks allocated across, and in all: whole MCUs
	quant          *[64]int32
	pix            []uint8 // [blocks/stride*8, stride*8]
	coef           []int16 // progressive only: 64 a block, natural order
	seen           bool    // a scan has brought it
	dc             int32   // prediction
	dcTable        *huffman
	acTable        *huffman
}
