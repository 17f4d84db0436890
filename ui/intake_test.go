package ui

import (
	"fmt"
	"slices"
	"testing"
)

func TestSortFiles(t *testing.T) {
	sizes := map[string]int64{"cifar/cat.bin": 3072, "weights.bin": 4000}
	for _, c := range []struct {
		name                   string
		paths                  []string
		models, images, others []string
		ignored                int
	}{
		{"a model", []string{"m.onnx"}, []string{"m.onnx"}, nil, nil, 0},
		{"capitals", []string{"M.ONNX", "A.JPG"}, []string{"M.ONNX"}, []string{"A.JPG"}, nil, 0},
		{"in the order of the paths, folder by folder", []string{"f/b.png", "f.x/a.png", "f/a.jpg"}, nil, []string{"f/a.jpg", "f/b.png", "f.x/a.png"}, nil, 0},
		{"what systems leave", []string{"f/.DS_Store", "f/Thumbs.db", "__MACOSX/f/._a.jpg", "f/a.jpg"}, nil, []string{"f/a.jpg"}, nil, 0},
		{"all at once", []string{"x/labels.txt", "x/a.webp", "m.onnx", "m.onnx.data"}, []string{"m.onnx"}, []string{"x/a.webp"}, []string{"m.onnx.data"}, 2},
		{"pixels without a header", []string{"cifar/cat.bin", "weights.bin"}, nil, []string{"cifar/cat.bin"}, []string{"weights.bin"}, 1},
		{"arrays", []string{"a.npy"}, nil, []string{"a.npy"}, nil, 0},
		{"nothing", nil, nil, nil, nil, 0},
	} {
		in := sortFiles(c.paths, func(i int) int64 { return sizes[c.paths[i]] })
		for what, pair := range map[string][2][]string{"models": {pick(c.paths, in.models), c.models}, "images": {pick(c.paths, in.images), c.images}, "others": {pick(c.paths, in.others), c.others}} {
			if !slices.Equal(pair[0], pair[1]) {
				t.Errorf("%s: %s are %v, want %v", c.name, what, pair[0], pair[1])
			}
		}
		if in.ignored != c.ignored {
			t.Errorf("%s: %d ignored, want %d", c.name, in.ignored, c.ignored)
		}
	}
}

func pick(paths []string, at []int) (out []string) {
	for _, i := range at {
		out = append(out, paths[i])
	}
	return out
}

// The size of a file is asked only where the name does not tell: asking opens the file.
func TestSortFilesOpensLittle(t *testing.T) {
	var paths []string
	for i := range 1000 {
		paths = append(paths, fmt.Sprintf("f/%d.jpg", i))
	}
	sortFiles(paths, func(i int) int64 {
		t.Errorf("the size of %s was asked", paths[i])
		return 0
	})
}

func TestSiblingName(t *testing.T) {
	for _, c := range []struct{ model, file, want string }{
		{"m.onnx", "m.onnx.data", "m.onnx.data"},
		{"m.onnx", "weights/a.bin", "weights/a.bin"},
		{"net/m.onnx", "net/m.data", "m.data"},
		{"net/m.onnx", "net/weights/a.bin", "weights/a.bin"},
		{"net/m.onnx", "elsewhere/m.data", "m.data"},
	} {
		if got := siblingName(c.model, c.file); got != c.want {
			t.Errorf("%s beside %s is %q, want %q", c.file, c.model, got, c.want)
		}
	}
}
