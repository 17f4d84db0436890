// Package dataset turns files into the tensors a network reads.
//
//	bytes → Sniff → Decode → *Image (RGB8) → Preset.Frame → *Image (h×w) → Preset.Apply → [1,c,h,w]
//	.npy  → ParseNPY ────────────────────────────────────────────────────→ [1,c,h,w] each
//
// Pixels are decoded in Go only, so that every browser and every command line
// sees the same ones. They are meant to be the pixels that Pillow's
// Image.open(f).convert("RGB") gives, after its ImageOps.exif_transpose:
// JPEG, PNG, GIF, BMP and WebP agree with it exactly or within the tolerance
// that decode_test.go states, resizing agrees with Image.resize exactly.
package dataset

// MaxPixels is the largest image that is decoded, 100 megapixels.
const MaxPixels = 100 << 20

// Image is a picture of packed 8-bit RGB, rows from the top.
type Image struct {
	W, H int
	Pix  []uint8 // [H, W, 3]
}

// NewImage returns a black image.
func NewImage(w, h int) *Image { return &Image{W: w, H: h, Pix: make([]uint8, w*h*3)} }

// row returns the pixels of row y.
func (m *Image) row(y int) []uint8 { return m.Pix[y*m.W*3 : (y+1)*m.W*3] }
