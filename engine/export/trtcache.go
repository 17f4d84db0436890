package export

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"dropquant/engine/graph"
)

// moving operators give what they read, so that the scale of their first input is that of their output too.
var moving = []string{"MaxPool", "Reshape", "Flatten", "Transpose", "Squeeze", "Unsqueeze", "Slice", "Split", "Identity", "Dropout"}

// TensorRTCache returns a calibration cache, with which TensorRT builds an int8 engine from the float model without
// calibrating: the scale of every tensor whose range is known. The model must be quantized for TensorRT, whose grid is
// symmetric int8. Tensors that are not listed stay in float. TensorRT calls this implicit quantization, and reads it up to version 10.
//
// Form: a line with the version and the calibrator, then a line per tensor: its name, a colon, and the float32 bits of the
// scale in hexadecimal. Source: NVIDIA/TensorRT, IInt8EntropyCalibrator2, and the caches that trtexec writes. It has not been
// read by TensorRT here, which needs an NVIDIA GPU.
func TensorRTCache(g *graph.Graph) ([]byte, error) {
	all, err := pairs(g)
	if err != nil {
		return nil, err
	}
	scales := map[*graph.Value]float32{}
	for _, p := range all {
		if p.x == nil {
			continue
		}
		if !p.params.PerTensor() || p.params.Zero[0] != 0 || p.params.QMin != -128 {
			return nil, fmt.Errorf("value %q has a grid of %v with zero point %d: TensorRT knows symmetric int8 only, so quantize for the target tensorrt", p.x.Name, p.params.DType, p.params.Zero[0])
		}
		scales[p.x], scales[p.dq.Out(0)] = p.params.Scale[0], p.params.Scale[0]
	}
	var b strings.Builder
	b.WriteString("TRT-8601-EntropyCalibration2\n")
	line := func(v *graph.Value) {
		if s, ok := scales[v]; ok {
			fmt.Fprintf(&b, "%s: %08x\n", v.Name, math.Float32bits(s))
		}
	}
	for _, v := range g.Inputs {
		line(v)
	}
	for _, n := range g.Nodes {
		if n.Op == "DequantizeLinear" { // the float model has no such value
			continue
		}
		for _, v := range n.Outputs {
			if s, ok := scales[n.Input(0)]; ok && v != nil && slices.Contains(moving, n.Op) {
				if _, known := scales[v]; !known {
					scales[v] = s
				}
			}
			line(v)
		}
	}
	return []byte(b.String()), nil
}
