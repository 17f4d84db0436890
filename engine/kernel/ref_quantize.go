package kernel

import "math"

// refFakeQuantize rounds to a grid: with r = x/scale rounded half to even,
//
//	dst[i] = min(max(r, lo), hi)·scale
//
// where lo and hi are qmin and qmax less the zero point. NaN becomes lo, as in
// ONNX Runtime's MLAS kernel. The sum with zero turns -0 into +0.
func refFakeQuantize(dst, src []float32, scale, lo, hi float32, n int) {
	dst, src = dst[:n], src[:n]
	for i, x := range src {
		r := roundF32(x/scale) + 0
		if !(lo < r) {
			r = lo
		}
		if hi < r {
			r = hi
		}
		dst[i] = r * scale
	}
}

// refMinMax writes the smallest and the largest finite element to out[0] and
// out[1] (+Inf and -Inf when there is none) and returns how many elements are
// not finite.
func refMinMax(out, x []float32, n int) (bad int) {
	lo, hi := posInf, negInf
	for _, v := range x[:n] {
		if v-v != 0 {
			bad++
			continue
		}
		if v < lo {
			lo = v
		}
		if hi < v {
			hi = v
		}
	}
	out[0], out[1] = lo, hi
	return bad
}

// refHistogram counts: counts[⌊x·scale⌋ - first]++ where that lies in
// [0, bins), and returns how many elements do not (NaN among them).
func refHistogram(counts []uint32, x []float32, scale float32, first, bins, n int) (outside int) {
	lo, hi := float32(first), float32(first+bins) // whole numbers: v·scale lies between exactly when its floor does
	for _, v := range x[:n] {
		y := v * scale
		if !(y >= lo && y < hi) {
			outside++
			continue
		}
		b := int32(y)
		if float32(b) > y {
			b--
		}
		counts[int(b)-first]++
	}
	return outside
}

// refTails is refHistogram for the elements x < lo or x ≥ hi, where lo ≤ 0 < hi.
// It writes the bits of the smallest and of the largest element behind the
// bins, the latter only if one is positive or 0, and returns 0 if all are finite.
func refTails(counts []uint32, x []float32, scale, lo, hi float32, first, bins, n int) (bad int) {
	least, most := posInf, negInf
	for _, v := range x[:n] {
		if v-v != 0 {
			bad++
		}
		if v < least {
			least = v
		}
		if most < v {
			most = v
		}
		if v < lo || v >= hi {
			refHistogram(counts, []float32{v}, scale, first, bins, 1)
		}
	}
	counts[bins], counts[bins+1] = math.Float32bits(least), math.Float32bits(most)
	return bad
}

// refAddCounts computes sums[i] += counts[i]·2^shift.
func refAddCounts(sums []uint64, counts []uint32, shift, n int) {
	for i, c := range counts[:n] {
		sums[i] += uint64(c) << shift
	}
}

// refNoise writes Σ a² to out[0] and Σ (a-b)² to out[1].
func refNoise(out []float64, a, b []float32, n int) {
	var signal, noise float64
	for i, v := range a[:n] {
		d := float64(v) - float64(b[i])
		signal += float64(v) * float64(v)
		noise += d * d
	}
	out[0], out[1] = signal, noise
}
