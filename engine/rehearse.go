package engine

import (
	_ "embed"
	"fmt"
	"math"
	"strings"

	"dropquant/engine/dataset"
	"dropquant/engine/graph"
	"dropquant/engine/target"
)

// stem, block and head make up a network with a layer of each kind that takes time in most, and as many of them as most have; its planes
// are small, so that it takes a moment.
const (
	stem = `graph "rehearsal" opset 13
input x float32[1,3,32,32]
const zero float32[] = {0}
const six float32[] = {6}
const ws float32[24,3,3,3] = seq
const bs float32[24] = seq
convs: cs = Conv(x, ws, bs) {pads=[1,1,1,1], strides=[2,2]}
x0 = Clip(cs, zero, six)
`
	block = `const wa_N float32[96,24,1,1] = seq
const ba_N float32[96] = seq
const wb_N float32[96,1,3,3] = seq
const bb_N float32[96] = seq
const wc_N float32[24,96,1,1] = seq
const bc_N float32[24] = seq
ca_N = Conv(x_N, wa_N, ba_N)
ra_N = Clip(ca_N, zero, six)
cb_N = Conv(ra_N, wb_N, bb_N) {pads=[1,1,1,1], group=96}
rb_N = Clip(cb_N, zero, six)
cc_N = Conv(rb_N, wc_N, bc_N)
x_M = Add(cc_N, x_N)
`
	head = `const wh float32[64,24,3,3] = seq
const wt float32[192,64,1,1] = seq
const wf float32[200,192] = seq
ch = Conv(x_N, wh) {pads=[1,1,1,1]}
rh = Relu(ch)
ct = Conv(rh, wt) {strides=[2,2]}
rt = Relu(ct)
p = GlobalAveragePool(rt)
f = Flatten(p)
y = Gemm(f, wf) {transB=1}
output y
`
)

// picture is a JPEG file with some of everything. The test makes it.
//
//go:embed rehearse.jpg
var picture []byte

// blocks, pictures and rounds are how much there is to do. With a network of few layers V8 left twice as much to compile for the
// first job.
const (
	blocks   = 10
	pictures = 6
	rounds   = 3
)

// Rehearse quantizes a small network on small pictures, both made up, and forgets them. A browser compiles a function well only
// once it has run for a while: what it learns here, while the user looks for files, need not be learnt during the first job.
func Rehearse() error {
	m, err := madeUp()
	if err != nil {
		return fmt.Errorf("rehearsal: %w", err)
	}
	images := Images{pictures, func(i int) (File, error) { return File{fmt.Sprintf("picture %d", i), picture}, nil }}
	preset, _ := dataset.FindPreset("torchvision")
	for range rounds {
		m.Info(target.OpenVINO.Name, preset)
		var pair [2]*Job // of which each learns from the other
		for i := range pair {
			if pair[i], err = NewJob(m, Options{Preset: preset}); err != nil {
				return err
			}
		}
		if err := quantize(pair[:], images, nil); err != nil {
			return err
		}
		if _, err := pair[0].Export(); err != nil {
			return err
		}
		pair[0].Report()
	}
	return nil
}

// madeUp returns the network.
func madeUp() (*Model, error) {
	text := stem
	for k := range blocks {
		text += strings.NewReplacer("_N", fmt.Sprint(k), "_M", fmt.Sprint(k+1)).Replace(block)
	}
	g, err := graph.Parse(text + strings.ReplaceAll(head, "_N", fmt.Sprint(blocks)))
	if err != nil {
		return nil, err
	}
	noise := uint32(1)
	for _, n := range g.Nodes {
		for _, v := range n.Inputs {
			if v.Const == nil || len(v.Shape) == 0 {
				continue
			}
			w := v.Const.F32()
			scale := float32(2 / math.Sqrt(float64(len(w)/v.Shape[0]))) // so that values neither vanish nor grow
			for i := range w {
				noise = noise*1664525 + 1013904223
				w[i] = (float32(noise>>8)/(1<<24) - 0.5) * scale
			}
		}
	}
	file, err := g.ToONNX()
	if err != nil {
		return nil, err
	}
	return Load(File{"rehearsal.onnx", file.Marshal()}, nil)
}
