package engine

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"dropquant/engine/graph"
)

// fromText returns the bytes of the model that a text describes.
func fromText(t testing.TB, text string) []byte {
	t.Helper()
	g, err := graph.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	m, err := g.ToONNX()
	if err != nil {
		t.Fatal(err)
	}
	return m.Marshal()
}

// tiny is a classifier of 8 x 8 pixels: quick, with every kind of layer that matters.
const tiny = `graph "tiny" opset 13
input x float32[?,3,8,8]
const w float32[4,3,3,3] = seq
const b float32[4] = {0.1 -0.2 0.3 0}
const w2 float32[4,4,1,1] = {0.5 -1 0.25 0 1 1 -1 0 0 0 0 0 2 -2 0.125 1}
const f float32[5,4] = {1 0 0 0 0 1 0 0 0 0 1 0 0 0 0 1 -1 -1 1 1}
conv1: c = Conv(x, w, b) {pads=[1,1,1,1]}
relu1: r = Relu(c)
conv2: d = Conv(r, w2)
add: a = Add(d, r)
relu2: e = Relu(a)
pool: p = GlobalAveragePool(e)
flat: q = Flatten(p)
fc: y = Gemm(q, f) {transB=1}
output y float32[?,5]
`

// sampleModel reads a model that ships with the page.
func sampleModel(t testing.TB, name string) File {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "build", "samples", name))
	if err != nil {
		t.Fatal(err)
	}
	return File{name, data}
}

// photos returns the photographs that ship with the page.
func photos(t testing.TB, n int) Images {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join("..", "build", "samples", "photos", "*.jpg"))
	if err != nil || len(paths) < n {
		t.Fatalf("%d photographs for %d, %v", len(paths), n, err)
	}
	return Images{Len: n, Open: func(i int) (File, error) {
		data, err := os.ReadFile(paths[i])
		return File{filepath.Base(paths[i]), data}, err
	}}
}

// arrays returns .npy files of [1,3,8,8], each a different slope.
func arrays(n int) Images {
	return Images{Len: n, Open: func(i int) (File, error) {
		var values []float32
		for k := range 3 * 8 * 8 {
			values = append(values, float32((k*7+i*13)%29)/8-1.5)
		}
		return npy(fmt.Sprintf("%d.npy", i), values, 1, 3, 8, 8), nil
	}}
}

func mustLoad(t testing.TB, f File) *Model {
	t.Helper()
	m, err := Load(f, nil)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func joined(pieces [][]byte) []byte { return bytes.Join(pieces, nil) }
