package dataset

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"dropquant/engine/internal/testdata"
)

// golden returns the files of testdata/pixels.zip, and what Pillow makes of
// them: "width height sha256" by name.
func golden(t testing.TB) (names []string, files map[string][]byte, want map[string]string) {
	t.Helper()
	z, err := zip.OpenReader("testdata/pixels.zip")
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	files, want = map[string][]byte{}, map[string]string{}
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		if f.Name == "expected.txt" {
			facts(want, string(data))
			continue
		}
		names, files[f.Name] = append(names, f.Name), data
	}
	return names, files, want
}

func facts(want map[string]string, lines string) {
	for line := range strings.Lines(lines) {
		name, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		want[filepath.Base(name)] = rest
	}
}

func fact(m *Image) string { return fmt.Sprintf("%d %d %x", m.W, m.H, sha256.Sum256(m.Pix)) }

// python runs testdata/pillow.py, or skips.
func python(t testing.TB, args ...string) string {
	t.Helper()
	bin := os.Getenv("DROPQUANT_PYTHON")
	if bin == "" {
		t.Skip("set DROPQUANT_PYTHON to a Python with pillow and numpy to compare with Pillow itself")
	}
	cmd := exec.Command(bin, append([]string{"testdata/pillow.py"}, args...)...)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// Pillow clips 16-bit grey at 255, which turns nearly all of a picture white;
// the high byte is what was meant.
var notAsPillow = map[string]bool{"mode-I16.png": true}

func TestDecodeEqualsPillow(t *testing.T) {
	names, files, want := golden(t)
	if len(names) < 80 {
		t.Fatalf("only %d files", len(names))
	}
	for _, name := range names {
		m, err := Decode(name, files[name])
		if err != nil {
			t.Errorf("%v", err)
			continue
		}
		if got := fact(m); (got == want[name]) == notAsPillow[name] {
			t.Errorf("%s: got %s, Pillow has %s", name, got, want[name])
		}
	}
}

func TestDecode16BitGrey(t *testing.T) {
	_, files, _ := golden(t)
	wide, err := Decode("wide", files["mode-I16.png"])
	if err != nil {
		t.Fatal(err)
	}
	narrow, err := Decode("narrow", files["mode-L.png"])
	if err != nil || !bytes.Equal(wide.Pix, narrow.Pix) {
		t.Errorf("v·257 in 16 bits is not v in 8 (%v)", err)
	}
}

// Photos of every subsampling and size that the data folder has.
func TestDecodePhotosEqualPillow(t *testing.T) {
	var paths []string
	for _, pattern := range []string{"imagenet/val20/*", "imagenet/eval/*0.*", "coco/images/val2017/*[02468].jpg"} {
		p, _ := filepath.Glob(testdata.Path(t, pattern))
		paths = append(paths, p...)
	}
	want := map[string]string{}
	facts(want, python(t, append([]string{"facts"}, paths...)...))
	if len(want) < 50 {
		t.Fatalf("only %d photos", len(want))
	}
	for _, p := range paths {
		data, err := os.ReadFile(p)
		if err != nil {
			t.Fatal(err)
		}
		m, err := Decode(p, data)
		if err != nil {
			t.Error(err)
		} else if got := fact(m); got != want[filepath.Base(p)] {
			t.Errorf("%s: got %s, Pillow has %s", filepath.Base(p), got, want[filepath.Base(p)])
		}
	}
}

func TestDecodeMissingEnd(t *testing.T) {
	_, files, want := golden(t)
	data := files["optimized.jpg"]
	m, err := Decode("x", data[:len(data)-2])
	if err != nil || fact(m) != want["optimized.jpg"] {
		t.Errorf("a JPEG without its end marker: %v", err)
	}
}

// A file cut anywhere is refused with a sentence, but for the ends that carry
// no pixels.
func TestDecodeCutOff(t *testing.T) {
	for name, spare := range map[string]int{
		"37x29-420.jpg": 2, "progressive-420.jpg": 0, "restart.jpg": 2, "mode-RGB.png": 0, "plain.gif": 2, "mode-RGB.bmp": 0, "37x29.webp": 1, "lossless.webp": 1,
	} {
		_, files, _ := golden(t)
		data := files[name]
		for n := 1; n < len(data)-spare; n += 1 + n/40 {
			_, err := Decode(name, data[:n])
			if err == nil {
				t.Errorf("%s cut to %d of %d bytes is accepted", name, n, len(data))
			} else if n > 40 && !strings.Contains(err.Error(), "copy it again") {
				t.Errorf("%s cut to %d: %v", name, n, err)
			}
		}
	}
}

func TestDecodeRefuses(t *testing.T) {
	_, files, _ := golden(t)
	huge := bytes.Clone(files["mode-RGB.bmp"])
	copy(huge[18:], []byte{0, 0, 1, 0, 0, 0, 1, 0})
	forged := bytes.Clone(files["37x29-420.jpg"])
	copy(forged[bytes.Index(forged, []byte{0xff, 0xc0})+5:], []byte{0x20, 0, 0x20, 0})
	arithmetic := bytes.Clone(files["37x29-420.jpg"])
	arithmetic[bytes.Index(arithmetic, []byte{0xff, 0xc0})+1] = 0xc9
	for _, c := range []struct {
		name string
		data []byte
		want string
	}{
		{"a.jpg", nil, `"a.jpg" is empty: copy it again`},
		{"a.txt", []byte("hello"), `"a.txt" is not an image that this tool knows: use JPEG, PNG, WebP, BMP or GIF`},
		{"a.heic", []byte("\x00\x00\x00\x18ftypheic"), `"a.heic" is a HEIC image, which this tool does not decode: convert it to JPEG or PNG`},
		{"a.jpg", []byte("\x00\x00\x00\x1cftypavif"), `"a.jpg" is an AVIF image, which this tool does not decode: convert it to JPEG or PNG`},
		{"a.mp4", []byte("\x00\x00\x00\x1cftypisom"), `"a.mp4" is an MP4 or QuickTime video, which this tool does not decode: save some of its frames as JPEG or PNG`},
		{"a.tif", []byte("II*\x00...."), `"a.tif" is a TIFF image, which this tool does not decode: convert it to JPEG or PNG`},
		{"a.svg", []byte(`<?xml version="1.0"?><SVG>`), `"a.svg" is an SVG image, which this tool does not decode: convert it to JPEG or PNG`},
		{"a.jpg", []byte("version https://git-lfs.github.com/spec/v1\n"), `"a.jpg" is a Git LFS pointer, which this tool does not decode: fetch the file it stands for with git lfs pull`},
		{"a.bmp", huge, `"a.bmp" is 65536 x 65536 pixels, more than the 100 megapixels that this tool decodes: make it smaller`},
		{"a.jpg", forged, `"a.jpg" claims to be 8192 x 8192 pixels but has only 1551 bytes: it is damaged or blank`},
		{"a.jpg", arithmetic, `"a.jpg" is a kind of JPEG that this tool does not decode (unsupported: arithmetic, lossless or hierarchical coding): save it again as a plain JPEG or PNG`},
		{"a.jpg", files["1x1-444.jpg"][:300], `"a.jpg" is cut off: its JPEG data ends after 300 bytes, before the image is complete: copy it again`},
	} {
		_, err := Decode(c.name, c.data)
		if err == nil || err.Error() != c.want {
			t.Errorf("got  %v\nwant %s", err, c.want)
		}
	}
}

func FuzzDecode(f *testing.F) {
	names, files, _ := golden(f)
	for _, n := range names {
		f.Add(files[n])
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := Decode("x", data)
		if err == nil && (m.W < 1 || m.H < 1 || len(m.Pix) != m.W*m.H*3) {
			t.Errorf("an image of %d x %d with %d bytes", m.W, m.H, len(m.Pix))
		}
	})
}

func BenchmarkDecode(b *testing.B) {
	for _, name := range []string{"imagenet/eval", "coco/images/val2017"} {
		paths, _ := filepath.Glob(testdata.Path(b, name+"/*"))
		var files [][]byte
		for _, p := range paths[:min(32, len(paths))] {
			data, err := os.ReadFile(p)
			if err != nil {
				b.Fatal(err)
			}
			files = append(files, data)
		}
		p, _ := FindPreset("torchvision")
		b.Run(name+"/decode", func(b *testing.B) {
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if _, err := Decode("x", files[i%len(files)]); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(name+"/samples", func(b *testing.B) {
			for i := 0; b.Loop(); i++ {
				if _, err := Samples("x", files[i%len(files)], p, Input{C: 3, H: 224, W: 224}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
