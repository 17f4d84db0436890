package dataset

import (
	"encoding/binary"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"dropquant/engine/internal/testdata"
)

// npy builds a file as numpy.save does.
func npy(version byte, descr, order, shape string, body []byte) []byte {
	header := fmt.Sprintf("{'descr': '%s', 'fortran_order': %s, 'shape': %s, }\n", descr, order, shape)
	out := []byte{0x93, 'N', 'U', 'M', 'P', 'Y', version, 0}
	if version == 1 {
		out = binary.LittleEndian.AppendUint16(out, uint16(len(header)))
	} else {
		out = binary.LittleEndian.AppendUint32(out, uint32(len(header)))
	}
	return append(append(out, header...), body...)
}

func TestArrays(t *testing.T) {
	f4 := func(v ...float32) (b []byte) {
		for _, x := range v {
			b = binary.LittleEndian.AppendUint32(b, math.Float32bits(x))
		}
		return b
	}
	for _, c := range []struct {
		name  string
		data  []byte
		shape []int
		want  [][]float32
	}{
		{"plain", npy(1, "<f4", "False", "(2, 3)", f4(1, 2, 3, 4, 5, 6)), []int{-1, 3}, [][]float32{{1, 2, 3}, {4, 5, 6}}},
		{"fortran", npy(2, "<f4", "True", "(2, 3)", f4(1, 2, 3, 4, 5, 6)), []int{1, 3}, [][]float32{{1, 3, 5}, {2, 4, 6}}},
		{"no batch", npy(3, "<f4", "False", "(3,)", f4(1, 2, 3)), []int{1, -1}, [][]float32{{1, 2, 3}}},
		{"big endian", npy(1, ">f8", "False", "(1, 1)", []byte{0xbf, 0xf8, 0, 0, 0, 0, 0, 0}), []int{1, 1}, [][]float32{{-1.5}}},
		{"half", npy(1, "<f2", "False", "(1, 4)", []byte{0, 0x3c, 1, 0, 0, 0xfc, 0xff, 0x7b}), []int{1, 4}, [][]float32{{1, 1. / (1 << 24), float32(math.Inf(-1)), 65504}}},
		{"i1", npy(1, "|i1", "False", "(1, 2)", []byte{0xff, 5}), []int{1, 2}, [][]float32{{-1, 5}}},
		{"i8", npy(1, "<i8", "False", "(1, 1)", []byte{0xfe, 255, 255, 255, 255, 255, 255, 255}), []int{1, 1}, [][]float32{{-2}}},
		{"u2", npy(1, ">u2", "False", "(1, 1)", []byte{1, 2}), []int{1, 1}, [][]float32{{258}}},
	} {
		got, err := Arrays(c.name, c.data, c.shape)
		if err != nil || len(got) != len(c.want) {
			t.Errorf("%s: %v, %v", c.name, got, err)
			continue
		}
		for i, x := range got {
			if !slices.Equal(x.F32(), c.want[i]) || x.Shape[0] != 1 {
				t.Errorf("%s: sample %d is %v %v, want %v", c.name, i, x, x.F32(), c.want[i])
			}
		}
	}
}

func TestSamplesRefuses(t *testing.T) {
	in := Input{C: 3, H: 2, W: 2}
	for _, c := range []struct {
		name string
		data []byte
		want string
	}{
		{"shape.npy", npy(1, "<f4", "False", "(3, 2)", make([]byte, 24)), `has the shape [3,2], but the model reads [1,3,2,2]`},
		{"short.npy", npy(1, "<f4", "False", "(3, 2, 2)", make([]byte, 40)), `cut off`},
		{"lies.npy", npy(1, "<f8", "False", "(2147483647, 2147483647, 2147483647, 2147483647)", nil), `cut off`},
		{"empty.npy", npy(1, "<f4", "False", "(0, 3, 2, 2)", nil), `it is empty`},
		{"text.npy", npy(1, "<U4", "False", "(1,)", make([]byte, 16)), `its elements are "U4"`},
		{"object.npy", npy(1, "|O", "False", "(1,)", make([]byte, 16)), `its elements are "O"`},
		{"new.npy", npy(9, "<f4", "False", "(1,)", make([]byte, 16)), `format version is 9`},
		{"negative.npy", npy(1, "<f4", "False", "(-1,)", make([]byte, 16)), `header is damaged`},
		{"u1.npy", npy(1, "|u1", "False", "(5,)", make([]byte, 5)), `not pixels`},
		{"weights.bin", make([]byte, 100), `not an image`},
		{"cat.bin", make([]byte, 3072), `which only the preset cifar reads`},
	} {
		_, err := Samples(c.name, c.data, preset(t, "torchvision"), in)
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), c.name) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

// The same pixels as an 8-bit array in every accepted layout.
func TestSamplesPixels(t *testing.T) {
	m := noise(5, 4)
	p, in := preset(t, "keras"), Input{C: 3, H: 4, W: 4}
	want, err := p.Apply(m, in)
	if err != nil {
		t.Fatal(err)
	}
	planes := make([]byte, len(m.Pix))
	for i, v := range m.Pix {
		planes[i%3*20+i/3] = v
	}
	for shape, body := range map[string][]byte{"(4, 5, 3)": m.Pix, "(1, 4, 5, 3)": m.Pix, "(3, 4, 5)": planes, "(2, 3, 4, 5)": append(slices.Clone(planes), planes...)} {
		got, err := Samples("x.npy", npy(1, "|u1", "False", shape, body), p, in)
		if err != nil {
			t.Errorf("%s: %v", shape, err)
			continue
		}
		for _, x := range got {
			if !slices.Equal(x.F32(), want.F32()) {
				t.Errorf("%s: other values", shape)
			}
		}
	}
}

func TestSamplesCIFAR(t *testing.T) {
	paths, _ := filepath.Glob(testdata.Path(t, "cifar10/test200/*.bin"))
	if len(paths) != 200 {
		t.Fatalf("%d files", len(paths))
	}
	data := testdata.Read(t, "cifar10/test200/"+filepath.Base(paths[0]))
	got, err := Samples("cat.bin", data, preset(t, "cifar"), Input{C: 3, H: 32, W: 32})
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range []int{0, 1, 1023} {
		want := float32((float64(float32(data[i*3+1])/255) - 0.456) / 0.224)
		if v := got[0].F32()[1024+i]; v != want {
			t.Errorf("green of pixel %d: %g, want %g", i, v, want)
		}
	}
}

func TestIsSample(t *testing.T) {
	for path, want := range map[string]bool{
		"a/b.JPEG": true, "b.png": true, "x.heic": true, "x.npy": true, "c/cat.bin": true, "c/cat": true, "./a.jpg": true, "../a.jpg": true,
		"a/.b.jpg": false, "__MACOSX/a/._b.jpg": false, "a/Thumbs.db": false, ".DS_Store": false, ".git/x.png": false, "labels.txt": false, "m.onnx": false, `a\.b\c.png`: false,
	} {
		if IsSample(path, 3072) != want {
			t.Errorf("%s: want %v", path, want)
		}
	}
	if IsSample("weights.bin", 1<<20) || IsImageName("cat.bin") {
		t.Error("a .bin file of another size is taken for pixels")
	}
}

func FuzzArrays(f *testing.F) {
	f.Add(npy(1, "<f4", "False", "(2, 3)", make([]byte, 24)))
	f.Add(npy(2, ">f2", "True", "(1, 2, 2, 3)", make([]byte, 24)))
	f.Add(npy(3, "|u1", "False", "(2, 2, 3)", make([]byte, 12)))
	p, _ := FindPreset("torchvision")
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, x := range must(Arrays("x", data, []int{-1, -1})) {
			if x.Len()*1 > len(data) {
				t.Errorf("%v of %d bytes", x, len(data))
			}
		}
		must(Samples("x", data, p, Input{C: 3, H: 4, W: 4}))
	})
}

func must[T any](v T, _ error) T { return v }
