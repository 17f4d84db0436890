package jpeg

import (
	"bytes"
	"errors"
	"image"
	"image/color"
	stdjpeg "image/jpeg"
	"math"
	"math/rand/v2"
	"testing"
)

// Equality with libjpeg-turbo is tested in package dataset, on files of every
// kind; here are the parts, and what no encoder writes.

// TestIDCT compares with the definition, T.81 A.3.3, in float64.
func TestIDCT(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for n := range 300 {
		var b [64]int32
		var f [64]float64
		for range 1 + n%20 {
			b[rng.IntN(64)] = int32(rng.IntN(400) - 200)
		}
		for y := range 8 {
			for x := range 8 {
				for v := range 8 {
					for u := range 8 {
						c := float64(b[v*8+u]) / 4
						if u == 0 {
							c /= math.Sqrt2
						}
						if v == 0 {
							c /= math.Sqrt2
						}
						f[y*8+x] += c * math.Cos(float64((2*x+1)*u)*math.Pi/16) * math.Cos(float64((2*y+1)*v)*math.Pi/16)
					}
				}
			}
		}
		dc, single := b[0], b == [64]int32{b[0]}
		var got, plain [64]uint8
		idct(&b, got[:], 8)
		for i, v := range got {
			if want := min(max(f[i]+128, 0), 255); math.Abs(float64(v)-want) > 0.6 {
				t.Fatalf("block %d, sample %d: %d, want %.2f", n, i, v, want)
			}
		}
		if flat(plain[:], 8, dc); single && plain != got {
			t.Errorf("a block of only %d is not flat", dc)
		}
	}
}

func encode(t testing.TB, w, h int) (*image.RGBA, []byte) {
	t.Helper()
	m := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			m.Set(x, y, color.RGBA{uint8(x * 5), uint8(y * 7), uint8(x + y), 255})
		}
	}
	var b bytes.Buffer
	if err := stdjpeg.Encode(&b, m, &stdjpeg.Options{Quality: 95}); err != nil {
		t.Fatal(err)
	}
	return m, b.Bytes()
}

func TestDecodeNearOriginal(t *testing.T) {
	for _, size := range [][2]int{{1, 1}, {8, 8}, {31, 17}, {48, 33}} {
		m, data := encode(t, size[0], size[1])
		w, h, rgb, err := Decode(data)
		if err != nil || w != size[0] || h != size[1] {
			t.Fatal(w, h, err)
		}
		sum := 0
		for i, v := range rgb {
			d := int(v) - int(m.Pix[i/3*4+i%3])
			sum += d * d
		}
		if mse := float64(sum) / float64(len(rgb)); mse > 25 {
			t.Errorf("%v: mean square error %.1f", size, mse)
		}
	}
}

// Every byte of the header overwritten with extremes, and every length: an
// error or pixels, never a panic.
func TestDecodeDamaged(t *testing.T) {
	_, data := encode(t, 31, 17)
	for i := range data {
		for _, v := range []byte{0, 1, 0x7f, 0xff} {
			d := bytes.Clone(data)
			d[i] = v
			if w, h, err := Size(d); err != nil || w*h > 1<<20 {
				continue
			}
			if w, h, rgb, err := Decode(d); err == nil && len(rgb) != w*h*3 {
				t.Errorf("byte %d = %#x: %d bytes for %d x %d", i, v, len(rgb), w, h)
			}
		}
	}
	for n := range len(data) - 2 {
		if _, _, _, err := Decode(data[:n]); err == nil || n > 2 && !errors.Is(err, ErrTruncated) {
			t.Errorf("cut to %d of %d bytes: %v", n, len(data), err)
		}
	}
}

func TestDecodeRefuses(t *testing.T) {
	_, data := encode(t, 31, 17)
	frame := bytes.Index(data, []byte{0xff, mSOF0})
	for name, spoil := range map[string]struct {
		at   int
		to   byte
		want error
	}{
		"arithmetic":          {frame + 1, 0xc9, ErrUnsupported},
		"lossless":            {frame + 1, 0xc3, ErrUnsupported},
		"12 bits":             {frame + 4, 12, ErrUnsupported},
		"two components":      {frame + 9, 2, ErrUnsupported},
		"fractional sampling": {frame + 11, 0x31, nil},
	} {
		d := bytes.Clone(data)
		d[spoil.at] = spoil.to
		_, _, _, err := Decode(d)
		if name != "fractional sampling" && !errors.Is(err, spoil.want) || err == nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzDecode(f *testing.F) {
	_, data := encode(f, 31, 17)
	f.Add(data)
	f.Fuzz(func(t *testing.T, data []byte) {
		if w, h, err := Size(data); err != nil || w*h > 1<<18 {
			return
		}
		if w, h, rgb, err := Decode(data); err == nil && len(rgb) != w*h*3 {
			t.Errorf("%d bytes for %d x %d", len(rgb), w, h)
		}
	})
}
