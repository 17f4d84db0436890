package dataset

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"
	"strings"

	"golang.org/x/image/bmp"
	"golang.org/x/image/webp"
)

// codec decodes one format: its size first, so that a header's claim is
// checked before anything is allocated, then its pixels, then how they lie.
type codec struct {
	config func(io.Reader) (image.Config, error)
	decode func([]byte) (*Image, error)
	exif   func([]byte) []byte // the TIFF block that holds the orientation, nil without
}

var codecs = map[string]codec{
	"JPEG": {jpeg.DecodeConfig, decodeJPEG, exifJPEG},
	"PNG":  {png.DecodeConfig, decodePNG, exifPNG},
	"GIF":  {gif.DecodeConfig, decodeGIF, noExif},
	"BMP":  {bmp.DecodeConfig, decodeBMP, noExif},
	"WebP": {webp.DecodeConfig, decodeWebP, exifWebP},
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
	cfg, err := c.config(bytes.NewReader(data))
	if err != nil {
		return nil, failure(name, f.Name, data, err)
	}
	if err := checkSize(name, cfg.Width, cfg.Height, len(data)); err != nil {
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
	if strings.ContainsRune("AEIOaeio", rune(f.Name[0])) {
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
var endings = []string{"unexpected EOF", "short Huffman data", "missing 0xff00 sequence", "not enough pixel data", "not enough image data", "EOF"}

// failure makes a sentence of a decoder's error.
func failure(name, format string, data []byte, err error) error {
	var unsupported jpeg.UnsupportedError
	text := err.Error()
	for _, e := range endings {
		if strings.HasSuffix(text, e) {
			return fmt.Errorf("%q is damaged or cut off: its %s data stops making sense before the image is complete, in %d bytes (%s); copy it again", name, format, len(data), text)
		}
	}
	if errors.As(err, &unsupported) || strings.Contains(text, "unsupported") {
		return fmt.Errorf("%q is a kind of %s that this tool does not decode (%s): save it again as a plain JPEG or PNG", name, format, text)
	}
	return fmt.Errorf("%q is a damaged %s file (%s): copy it again or leave it out", name, format, text)
}
