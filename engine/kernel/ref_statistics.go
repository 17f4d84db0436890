package kernel

import "slices"

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

// refHistogram counts: counts[⌊x·scale⌋ - first] += weight where that lies in
// [0, bins), and returns how many elements do not (NaN among them).
func refHistogram(counts []uint32, x []float32, scale float32, first, bins, weight, n int) (outside int) {
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
		counts[int(b)-first] += uint32(weight)
	}
	return outside
}

// refSample copies, of each of a number of periods k, block 3k+from modulo
// period, and finds the extremes of every SampleEnds-th block.
func refSample(dst, ends, x []float32, blocks, period, from int) {
	for i := range SampleEnds {
		ends[i], ends[SampleEnds+i] = posInf, negInf
	}
	for k := range blocks {
		block := dst[k*SampleBlock : (k+1)*SampleBlock]
		copy(block, x[(k*period+(3*k+from)%period)*SampleBlock:])
		i := k % SampleEnds
		ends[i], ends[SampleEnds+i] = min(ends[i], slices.Min(block)), max(ends[SampleEnds+i], slices.Max(block))
	}
}

// refOutside copies the elements that do not lie in lo ≤ x < hi, and returns
// their number.
func refOutside(dst, x []float32, lo, hi float32, n int) (count int) {
	for _, v := range x[:n] {
		if !(v >= lo && v < hi) {
			dst[count] = v
			count++
		}
	}
	return count
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
