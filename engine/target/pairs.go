package target

import (
	"slices"

	"dropquant/engine/graph"
	"dropquant/engine/quant"
	"dropquant/engine/tensor"
)

// pairs returns which weights of a filter, in the order of places, share an int16 on an x86 CPU without VNNI, in any of
// the runtimes:
//
//	(2i, 2i+1)   of the whole filter, taps in order and input channels within: ONNX Runtime's kernels, and OpenVINO's for groups
//	(2j, 2j+1)   of the input channels of each tap: OpenVINO's others
//
// They differ only when the number of input channels is odd. A depthwise convolution has none: its kernels widen first.
//
// Source: filters with two weights of 127, one filter for every two places, run on an AVX2 CPU in ONNX Runtime 1.32 and
// OpenVINO 2026.4.1 (jit_avx2_I8, jit_avx2_1x1_I8, jit_gemm_I8): Conv with 3 to 33 channels, 1x1, 3x3, 5x5, groups,
// depthwise with strides, MatMul, Gemm. The int16 sums are widened before they are added to others.
func (f Filters) pairs() []quant.Pair {
	if f.Depthwise() {
		return nil
	}
	var out []quant.Pair
	for i := 0; i+1 < f.In*f.Taps; i += 2 {
		out = append(out, quant.Pair{i, i + 1})
	}
	for t := 1; t < f.Taps && f.In%2 == 1; t += 2 { // after an odd number of channels
		for c := 0; c+1 < f.In; c += 2 {
			out = append(out, quant.Pair{t*f.In + c, t*f.In + c + 1})
		}
	}
	return out
}

// Saturating returns the output channels of n whose int8 weight codes make products overflow int16 on some input on an x86 CPU
// without VNNI, when n runs in integers; nil when none does. For signed activations too: runtimes shift them to unsigned.
func Saturating(n *graph.Node, codes *tensor.Tensor) (channels []int) {
	f, ok := FiltersOf(n, codes)
	if !ok || codes.DType != tensor.Int8 {
		return nil
	}
	pairs, places, all := f.pairs(), f.places(), tensor.Data[int8](codes)
	if len(pairs) == 0 {
		return nil
	}
	filter := make([]int8, f.In*f.Taps)
	for o := range f.Out {
		first := f.At(o, 0)
		for i, at := range places {
			filter[i] = all[first+at]
		}
		if quant.Saturates(filter, pairs) {
			channels = append(channels, o)
		}
	}
	return channels
}

// OnAnyCPU reports whether x86 CPUs with and without VNNI give the same codes for any input: the weights of all layers that run in
// integers are known, and none makes products overflow int16.
func (r *Reading) OnAnyCPU() bool {
	return !slices.ContainsFunc(r.Nodes, func(f Fate) bool {
		if f.State != Int8 || !isWeighted(f.Node) {
			return false
		}
		w := f.Unit.weightCodes()
		if w == nil || w.Constant() == nil || w.Params.DType != tensor.Int8 {
			return true
		}
		codes := w.Constant().Const
		_, known := FiltersOf(f.Node, codes)
		return !known || Saturating(f.Node, codes) != nil
	})
}

// Round returns the codes and parameters that Insert stores for w, a weight of this plan, unless it is given others: to
// nearest on its own range, coarser where a bias would not fit int32 or, if the target is to be exact on any CPU, where
// products could overflow int16. acts holds the parameters of every group. The plan's graph must not have been edited,
// except in its biases.
func (p *Plan) Round(w *Weight, acts map[*Group]quant.Params) Rounded {
	params := w.Params()
	for _, n := range w.Nodes {
		if bias := constFloat(n.Input(2)); bias != nil && p.Decision(n).Bias == Int32Bias {
			params, _ = quant.FitBias(bias.F32(), acts[p.GroupOf(n.Input(0))], params)
		}
	}
	if p.Target.fits() && params.DType == tensor.Int8 {
		return p.Fitted.once(p, w, params)
	}
	return Rounded{params, params.Tensor(w.Value.Const)}
}

// fit rounds w so that no node that reads it can overflow int16.
func (p *Plan) fit(w *Weight, params quant.Params) Rounded {
	t := w.Value.Const
	r := Rounded{params, params.Tensor(t)}
	for _, n := range w.Nodes {
		if p.Decision(n).State != Int8 || Saturating(n, r.Codes) == nil {
			continue
		}
		f, ok := FiltersOf(n, t)
		if !ok || params.PerTensor() || f.Groups > 1 && n.Op == "ConvTranspose" || len(w.Nodes) > 1 {
			return w.half(params)
		}
		r.fit(t.F32(), f)
	}
	return r
}

// fit replaces the codes and scales of those filters that can overflow.
func (r *Rounded) fit(weights []float32, f Filters) {
	pairs, places, codes := f.pairs(), f.places(), tensor.Data[int8](r.Codes)
	r.Params.Scale = append([]float32(nil), r.Params.Scale...)
	filter := make([]float32, f.In*f.Taps)
	for o := range f.Out {
		first := f.At(o, 0)
		for i, at := range places {
			filter[i] = weights[first+at]
		}
		scale, fitted := quant.FitPairs(filter, pairs, r.Params.Scale[o], r.Params.QMax)
		r.Params.Scale[o] = scale
		for i, at := range places {
			codes[first+at] = fitted[i]
		}
	}
}

// half rounds w to codes of ±64, which fit whichever two are added: for weights whose filters share a scale, or that
// several nodes read.
func (w *Weight) half(params quant.Params) Rounded {
	params.Scale = append([]float32(nil), params.Scale...)
	for c := range params.Scale {
		params.Scale[c] *= float32(params.QMax) / (quant.PairSum / 2)
	}
	return Rounded{params, params.Tensor(w.Value.Const)}
}
