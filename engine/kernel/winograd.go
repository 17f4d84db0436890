package kernel

import "math"

// A winograd is a 3x3 convolution of stride 1 by minimal filtering: the image
// is cut into tiles of size+2 on each side that give size·size outputs each,
// tiles and weights are evaluated at size+2 points in each direction, and what
// is left is one matrix product for each pair of points, over the channels.
// 4x4 outputs take 36 multiplications so instead of 144, 2x2 take 16 instead
// of 36.
//
// Its sums come in another order than a direct convolution's, with rounding
// errors about twice as large, and what is infinite or NaN in a tile reaches all outputs
// of the tile. It multiplies with the same kernels as every other product.
//
// Source: Lavin & Gray, Fast Algorithms for Convolutional Neural Networks,
// CVPR 2016. The points of 4x4 outputs are 0, ±5/8, ±3/2 and ∞, as in oneDNN,
// whose errors are less than half of those of the paper's 0, ±1, ±2 and ∞.
type winograd struct {
	size     int
	left     []float32 // for each pair of points packed [outC, inC]
	from, to []int32   // where each tile begins in the padded input and in the output
}

// The points other than 0 and ∞.
const (
	winoNear = 5.0 / 8
	winoFar  = 3.0 / 2
)

// winoSizes are the sizes of tiles, in the order of the machine's kernels.
var winoSizes = [2]int{2, 4}

const (
	// maxWinoDepth bounds the input channels: a panel of each operand has to stay
	// in the first-level cache, and products of transforms are not split.
	maxWinoDepth = 512

	// winoBlock is how many elements of transformed input and output exist at a
	// time.
	winoBlock = 192 << 10

	// winoApart keeps the points of a transform in different sets of the caches.
	winoApart = 16
)

// What the parts of a layer take, in multiplications of the matrix kernel: near
// enough for both AVX2 and V8.
const (
	winoIn     = 180 // to transform a tile of 6x6 of one input channel
	winoOut    = 180 // and of one output channel
	winoWeight = 8   // to read a weight that no cache holds
	winoGain   = 0.9 // what a layer has to come down to
)

// chooseWinograd returns the size of tile with which a layer is the quickest,
// or 0 where that is not to be expected.
func chooseWinograd(mach *machine, s *ConvShape) (size int) {
	if mach.rows == 0 || s.Group != 1 || s.KH != 3 || s.KW != 3 || s.StrideH != 1 || s.StrideW != 1 || s.DilationH != 1 || s.DilationW != 1 || s.InC > maxWinoDepth {
		return 0
	}
	in, out := float64(s.InC), float64(s.OutC)
	least := winoGain * 9 * in * out * (float64(s.OutH*s.OutW) + winoWeight)
	for _, m := range winoSizes {
		if min(s.OutH, s.OutW) < m {
			continue
		}
		points := float64((m + 2) * (m + 2))
		tiles := float64(panels(winoTiles(s.OutH, m)*winoTiles(s.OutW, m)) * nr)
		if cost := points*in*out*(tiles+winoWeight) + (points/36)*tiles*(in*winoIn+out*winoOut); cost < least {
			size, least = m, cost
		}
	}
	return size
}

// winoTiles returns how many tiles cover n outputs. The last may lie over the
// one before it, so that all are whole.
func winoTiles(n, size int) int { return (n + size - 1) / size }

// newWinograd transforms the weights; plane is that of the padded input. It
// returns nil where the results would not be precise enough.
func newWinograd(mach *machine, s *ConvShape, p *plane, w []float32, size int) *winograd {
	v := &winograd{size: size, left: winoWeights(mach, w, s.OutC, s.InC, size)}
	if !v.precise(mach, w, s.OutC, s.InC) {
		return nil
	}
	for i := range winoTiles(s.OutH, size) {
		y := min(i*size, s.OutH-size)
		for j := range winoTiles(s.OutW, size) {
			x := min(j*size, s.OutW-size)
			v.from = append(v.from, int32(y*int(p[planePW])+x))
			v.to = append(v.to, int32(y*s.OutW+x))
		}
	}
	for len(v.from)%nr != 0 { // the last tile again
		v.from, v.to = append(v.from, v.from[len(v.from)-1]), append(v.to, v.to[len(v.to)-1])
	}
	return v
}

// winoPoints returns the matrix G of the transform of weights, a row for each point:
// (1, p, p²) over the product of the differences to the other points.
func winoPoints(size int) [][3]float64 {
	points := []float64{0, 1, -1}
	if size == 4 {
		points = []float64{0, winoNear, -winoNear, winoFar, -winoFar}
	}
	var g [][3]float64
	for i, p := range points {
		n := 1.0
		for j, q := range points {
			if i != j {
				n *= p - q
			}
		}
		g = append(g, [3]float64{1 / n, p / n, p * p / n})
	}
	return append(g, [3]float64{0, 0, 1}) // ∞
}

// winoWeights computes G·w·Gᵀ of each window and packs it.
func winoWeights(mach *machine, w []float32, outC, inC, size int) []float32 {
	g := winoPoints(size)
	n, area := size+2, outC*inC
	flat := make([]float32, n*n*area)
	for k := range area {
		var half [6][3]float64 // G·w
		for i, r := range g {
			for x := range 3 {
				for y := range 3 {
					half[i][x] += r[y] * float64(w[9*k+3*y+x])
				}
			}
		}
		for i := range g {
			for j, r := range g {
				flat[(i*n+j)*area+k] = float32(half[i][0]*r[0] + half[i][1]*r[1] + half[i][2]*r[2])
			}
		}
	}
	left := make([]float32, len(flat))
	for t := range n * n {
		mach.packLeft(left[t*area:(t+1)*area], flat[t*area:(t+1)*area], outC, inC, inC, 1)
	}
	return left
}

// winoError bounds how far a result may be from the exact one, relative to the
// sum of the products' magnitudes. Convolutions of a network stay below 1e-6.
const winoError = 4e-6

// precise tries the transforms on one tile of numbers between 0 and 1, without
// order, and compares with the sums in float64.
func (v *winograd) precise(mach *machine, w []float32, outC, inC int) bool {
	n := v.size + 2
	x, seed := make([]float32, inC*n*n), uint32(1)
	for i := range x {
		seed = seed*1664525 + 1013904223 // Knuth, The Art of Computer Programming 2, 3.3.4
		x[i] = float32(seed>>8) / (1 << 24)
	}
	y, area := make([]float32, outC*v.size*v.size), v.size*v.size
	bases := make([]int32, nr)
	once := winograd{size: v.size, left: v.left, from: bases, to: bases}
	once.run(mach, y, area, v.size, x, n*n, n, inC, outC, &Epilogue{}, NewScratch())
	for o := range outC {
		for at := range area {
			var sum, all float64
			for c := range inC {
				for tap := range 9 {
					product := float64(w[(o*inC+c)*9+tap]) * float64(x[(c*n+at/v.size+tap/3)*n+at%v.size+tap%3])
					sum += product
					all += math.Abs(product)
				}
			}
			if !(math.Abs(float64(y[o*area+at])-sum) <= winoError*all) {
				return false
			}
		}
		if o >= 15 { // enough to meet what the sizes of weights make of the errors
			break
		}
	}
	return true
}

// run computes one image: x has channels of inArea with rows of inPitch and its
// padding around it, y channels of area with rows of pitch.
func (v *winograd) run(mach *machine, y []float32, area, pitch int, x []float32, inArea, inPitch, inC, outC int, ep *Epilogue, s *Scratch) {
	lo, hi, rest := ep.clamp()
	flags := 0
	if ep.Bias != nil {
		flags |= flagBias
	}
	if ep.Add != nil {
		flags |= flagAdd
	}
	points, total := (v.size+2)*(v.size+2), len(v.from)/nr
	width := winoWidth(total, points, inC, outC)
	kernel := v.size/2 - 1
	rightStride, sumStride := width*inC*nr+winoApart, width*outC*nr+winoApart
	right, sums := s.float(slotPanels, points*rightStride), s.float(slotTiles, points*sumStride)
	for j := 0; j < total; j += width {
		here := min(width, total-j)
		mach.winoIn[kernel](right, x, v.from[j*nr:], inC, inArea, inPitch, here, rightStride)
		for t := range points {
			mach.gemm(sums[t*sumStride:], v.left[t*outC*inC:], right[t*rightStride:], nil, nil, outC, here, inC, here*nr, 0, 0, 0, 0)
		}
		mach.winoOut[kernel](y, sums, ep.Bias, ep.Add, v.to[j*nr:], outC, area, pitch, here, sumStride, flags, lo, hi)
	}
	if rest {
		unaryRows(mach, ep, y, outC, area, area)
	}
}

// winoWidth returns how many panels of tiles are in work at a time: an even number, for
// products that take two.
func winoWidth(total, points, inC, outC int) int {
	return min(total, max(2, winoBlock/(points*nr*(inC+outC))&^1))
}
