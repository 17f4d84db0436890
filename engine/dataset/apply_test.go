package dataset

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"dropquant/engine/internal/testdata"
)

func preset(t testing.TB, name string) Preset {
	t.Helper()
	p, ok := FindPreset(name)
	if !ok {
		t.Fatalf("no preset %q", name)
	}
	return p
}

// Whole files against testdata/pillow.py, which follows the presets' sources.
func TestApplyEqualsSources(t *testing.T) {
	photos := []string{"imagenet/val20/ILSVRC2012_val_00000011.JPEG", "imagenet/val20/ILSVRC2012_val_00004646.JPEG"}
	for pattern, n := range map[string]int{"imagenet/eval/*": 1, "coco/images/val2017/*": 1} {
		paths, _ := filepath.Glob(testdata.Path(t, pattern))
		for _, p := range paths[:min(n, len(paths))] {
			photos = append(photos, strings.TrimPrefix(p, testdata.Dir(t)+"/"))
		}
	}
	out := filepath.Join(t.TempDir(), "x.f32")
	for _, c := range []struct {
		preset string
		size   int
	}{{"torchvision", 224}, {"torchvision", 299}, {"keras", 224}, {"raw01", 160}, {"raw255", 224}, {"yolox", 416}, {"yolox", 640}, {"nanodet", 320}, {"cifar", 32}} {
		for _, photo := range photos {
			path := testdata.Path(t, photo)
			python(t, "input", c.preset, fmt.Sprint(c.size), path, out)
			raw, err := os.ReadFile(out)
			if err != nil {
				t.Fatal(err)
			}
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			got, err := Samples(path, data, preset(t, c.preset), Input{C: 3, H: c.size, W: c.size})
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(got[0].F32(), float32s(raw)) {
				t.Errorf("%s at %d, %s: other bits than the source's", c.preset, c.size, photo)
			}
		}
	}
}

func float32s(raw []byte) []float32 {
	return (&array{descr: "f4", shape: []int{len(raw) / 4}, order: binary.LittleEndian, data: raw}).values()
}

// Every level of every channel has the bits of the preset in Python.
func TestLevelsEqualSources(t *testing.T) {
	out := filepath.Join(t.TempDir(), "x.f32")
	for _, p := range Presets {
		if p.Name == "custom" {
			continue
		}
		python(t, "levels", p.Name, out)
		raw, err := os.ReadFile(out)
		if err != nil {
			t.Fatal(err)
		}
		var got []float32
		for c := range 3 {
			levels := p.table(c)
			got = append(got, levels[:]...)
		}
		if !slices.Equal(got, float32s(raw)) {
			t.Errorf("%s: other bits than its Python program", p.Name)
		}
	}
}

func TestApplyValues(t *testing.T) {
	img := &Image{W: 2, H: 1, Pix: []uint8{0, 128, 255, 10, 20, 30}}
	f := func(v float32, mean, std float64) float32 { return float32((float64(v/255) - mean) / std) }
	k := func(v float32) float32 { return v/127.5 - 1 } // 0.0039215684 for 128, not the nearer 0.003921569
	two := Input{C: 3, H: 1, W: 2}
	for _, c := range []struct {
		preset string
		in     Input
		want   []float32
	}{
		{"raw01", two, []float32{0, 10. / 255, 128. / 255, 20. / 255, 1, 30. / 255}},
		{"keras", two, []float32{-1, k(10), k(128), k(20), 1, k(30)}},
		{"yolox", two, []float32{255, 30, 128, 20, 0, 10}},
		{"raw255", Input{C: 3, H: 1, W: 2, Last: true}, []float32{0, 128, 255, 10, 20, 30}},
		{"raw255", Input{C: 1, H: 1, W: 2}, []float32{104, 18}},
		{"cifar", two, []float32{f(0, .485, .229), f(10, .485, .229), f(128, .456, .224), f(20, .456, .224), f(255, .406, .225), f(30, .406, .225)}},
	} {
		p := preset(t, c.preset)
		p.Mode = Center
		got, err := p.Apply(img, c.in)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(got.F32(), c.want) {
			t.Errorf("%s: got %v, want %v", c.preset, got.F32(), c.want)
		}
	}
}

// Where each mode puts a 400 x 200 picture whose left half is white.
func TestFrame(t *testing.T) {
	img := NewImage(400, 200)
	for y := range 200 {
		for x := range 600 {
			img.row(y)[x] = 255
		}
	}
	for _, c := range []struct {
		preset string
		in     Input
		x, y   int
		want   uint8
	}{
		{"torchvision", Input{C: 3, H: 224, W: 224}, 105, 100, 255}, // 512 x 256, cropped from x 144: the edge is at 112
		{"torchvision", Input{C: 3, H: 224, W: 224}, 118, 100, 0},
		{"torchvision", Input{C: 3, H: 100, W: 200}, 90, 50, 255},
		{"yolox", Input{C: 3, H: 416, W: 416}, 200, 207, 255},
		{"yolox", Input{C: 3, H: 416, W: 416}, 200, 208, 114},
		{"ultralytics", Input{C: 3, H: 640, W: 640}, 10, 159, 114},
		{"ultralytics", Input{C: 3, H: 640, W: 640}, 10, 160, 255},
		{"nanodet", Input{C: 3, H: 320, W: 320}, 10, 160, 0},
		{"custom", Input{C: 3, H: 10, W: 10}, 3, 9, 255},
	} {
		m, err := preset(t, c.preset).Frame(img, c.in)
		if err != nil {
			t.Fatal(err)
		}
		if got := m.row(c.y)[c.x*3]; m.W != c.in.W || m.H != c.in.H || got != c.want {
			t.Errorf("%s %v: %d at %d, %d, want %d", c.preset, c.in, got, c.x, c.y, c.want)
		}
	}
}

// Every preset survives the extremes, and JSON.
func TestPresets(t *testing.T) {
	for _, p := range Presets {
		if err := p.Check(); err != nil {
			t.Error(err)
		}
		text, err := json.Marshal(p)
		var back Preset
		if err != nil || json.Unmarshal(text, &back) != nil || back != p {
			t.Errorf("%s does not survive JSON: %s", p.Name, text)
		}
		for _, size := range [][2]int{{1, 1}, {1, 3000}, {3000, 1}, {7, 5}} {
			for _, in := range []Input{{C: 3, H: 32, W: 32}, {C: 1, H: 1, W: 1}, {C: 3, H: 9, W: 40, Last: true}} {
				v, err := p.Preview(noise(size[0], size[1]), in)
				if err != nil {
					t.Errorf("%s %v %v: %v", p.Name, size, in, err)
				} else if len(v.Channels) != in.C || v.Channels[0].Min > v.Channels[0].Mean || v.Channels[0].Mean > v.Channels[0].Max {
					t.Errorf("%s: %+v", p.Name, v.Channels)
				}
			}
		}
	}
}

func TestPresetCheck(t *testing.T) {
	for want, spoil := range map[string]func(*Preset){
		"unknown mode":         func(p *Preset) { p.Mode = "fill" },
		"unknown filter":       func(p *Preset) { p.Filter = "lanczos" },
		"unknown colour order": func(p *Preset) { p.Order = "R" },
		"sizes must":           func(p *Preset) { p.Crop = 0 },
		"std not zero":         func(p *Preset) { p.Std[1] = 0 },
		"must be numbers":      func(p *Preset) { p.Mean[2] = math.NaN() },
	} {
		p := preset(t, "torchvision")
		spoil(&p)
		if _, err := p.Apply(noise(4, 4), Input{C: 3, H: 4, W: 4}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q, got %v", want, err)
		}
	}
}

func TestInputOf(t *testing.T) {
	for _, c := range []struct {
		shape []int
		want  Input
		err   string
	}{
		{[]int{-1, 3, 224, 224}, Input{C: 3, H: 224, W: 224}, ""},
		{[]int{0, 3, -1, -1}, Input{C: 3, H: 99, W: 99}, ""},
		{[]int{1, 224, 160, 3}, Input{C: 3, H: 224, W: 160, Last: true}, ""},
		{[]int{1, 1, 28, 28}, Input{C: 1, H: 28, W: 28}, ""},
		{[]int{1, 10}, Input{}, "four dimensions"},
		{[]int{8, 3, 224, 224}, Input{}, "batches of 8"},
		{[]int{1, 64, 7, 7}, Input{}, "no dimension of one or three"},
		{[]int{1, 3, 1 << 20, 1}, Input{}, "larger than"},
	} {
		got, err := InputOf(c.shape, 99)
		if got != c.want && err == nil || (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
			t.Errorf("%v: %+v, %v", c.shape, got, err)
		}
	}
}
