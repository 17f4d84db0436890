package dataset

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/gif"
	"image/png"
	"io"
	"strings"

	"golang.org/x/image/bmp"
	"golang.org/x/image/webp"

	"dropquant/engine/dataset/jpeg"
)

// codec decodes one format: its size first, so that a header's claim is
// checked before anything is allocated, then its pixels, then how they lie.
type codec struct {
	size   func([]byte) (w, h int, err error)
	decode func([]byte) (*Image, error)
	exif   func([]byte) []byte // the TIFF block that holds the orientation, nil without
}

var codecs = map[string]codec{
	"JPEG": {jpeg.Size, decodeJPEG, exifJPEG},
	"PNG":  {size(png.DecodeConfig), decodePNG, exifPNG},
	"GIF":  {size(gif.DecodeConfig), decodeGIF, noExif},
	"BMP":  {size(bmp.DecodeConfig), decodeBMP, noExif},
	"WebP": {size(webp.DecodeConfig), decodeWebP, exifWebP},
}

// size adapts the standard library's way of reading a header.
func size(config func(io.Reader) (image.Config, error)) func([]byte) (w, h int, err error) {
	return func(data []byte) (w, h int, err error) {
		c, err := config(bytes.NewReader(data))
		return c.Width, c.Height, err
	}
}

func decodeJPEG(data []byte) (*Image, error) {
	w, h, pix, err := jpeg.Decode(data)
	return &Image{W: w, H: h, Pix: pix}, err
}

func noExif([]byte) []byte { return nil }

// Decode returns the pixels of a JPEG, PNG, GIF (first frame), BMP or WebP
// file, recognised by its bytes and turned upright as its EXIF orientation
// says. Alpha is dropped, 16-bit samples keep their high byte. The name only
// serves the errors, which are sentences for the user.
func Decode(name string, data []byte) (*Image, error) {
	if len(data) == 0 {
		return nil, fmt.Errorf("%q is empty: copy it again", name)
	}
	f := Sniff(data)
	c, ok := codecs[f.Name]
	switch {
	case f.Name == "":
		return nil, fmt.Errorf("%q is not an image that this tool knows: use JPEG, PNG, WebP, BMP or GIF", name)
	case !ok:
		return nil, fmt.Errorf("%q is %s, which this tool does not decode: %s", name, article(f), f.Advice)
	}
	w, h, err := c.size(data)
	if err != nil {
		return nil, failure(name, f.Name, data, err)
	}
	if err := checkSize(name, w, h, len(data)); err != nil {
		return nil, err
	}
	m, err := c.decode(data)
	if err != nil {
		return nil, failure(name, f.Name, data, err)
	}
	return m.oriented(orientation(c.exif(data))), nil
}

// article returns "a HEIC image", "an AVI video".
func article(f Format) string {
	a := "a "
	if strings.ContainsRune("AEIOaeio", rune(f.Name[0])) || f.Name == "SVG" || strings.HasPrefix(f.Name, "MP4") {
		a = "an "
	}
	if f.Advice == convert {
		return a + f.Name + " image"
	}
	return a + f.Name
}

// sparse is the number of pixels that one byte of a file can plausibly hold.
// JPEG spends at least a bit on 64 pixels and PNG's deflate shrinks at most
// 1032 times; a file beyond is a forged header or a blank sheet.
const sparse = 2048

func checkSize(name string, w, h, bytes int) error {
	switch {
	case w <= 0 || h <= 0:
		return fmt.Errorf("%q claims to be %d x %d pixels: it holds no image", name, w, h)
	case w > MaxPixels/h:
		return fmt.Errorf("%q is %d x %d pixels, more than the %d megapixels that this tool decodes: make it smaller", name, w, h, MaxPixels>>20)
	case w*h > 1<<20 && w*h/sparse > bytes:
		return fmt.Errorf("%q claims to be %d x %d pixels but has only %d bytes: it is damaged or blank", name, w, h, bytes)
	}
	return nil
}

// endings are the errors by which the decoders say that data is missing.
var endings = []string{"unexpected EOF", "not enough pixel data", "not enough image data", "EOF"}

// failure makes a sentence of a decoder's error.
func failure(name, format string, data []byte, err error) error {
	text := err.Error()
	short := errors.Is(err, jpeg.ErrTruncated)
	for _, e := range endings {
		short = short || strings.HasSuffix(text, e)
	}
	switch {
	case short:
		return fmt.Errorf("%q is cut off: its %s data ends after %d bytes, before the image is complete: copy it again", name, format, len(data))
	case errors.Is(err, jpeg.ErrUnsupported) || strings.Contains(text, "unsupported"):
		return fmt.Errorf("%q is a kind of %s that this tool does not decode (%s): save it again as a plain JPEG or PNG", name, format, text)
	}
	return fmt.Errorf("%q is a damaged %s file (%s): copy it again or leave it out", name, format, text)
}
