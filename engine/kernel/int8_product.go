package kernel

import "slices"

// A dot says what a machine's product of four codes and four weights does. Of
// the instructions that a browser runs for i32x4.relaxed_dot_i8x16_i7x16_add_s
// each is one of these.
type dot uint8

const (
	dotNone       dot = iota
	dotUnsigned       // takes codes as unsigned bytes, exact (x86-64 with VNNI)
	dotSigned         // takes codes as signed bytes, exact (ARM)
	dotSaturating     // takes codes as unsigned bytes, pairs saturate (x86-64 without VNNI)
)

// A scheme is how a machine computes integer products: how the four bytes of
// the packed operands are laid out, and by which kernel they are multiplied.
type scheme struct {
	lanes int   // inner elements in four bytes: 4 bytes, or 2 integers of 16 bits
	flip  uint8 // what codes are xored with when they are packed: 128 makes them signed
	gemm  func(c []int32, a, b []uint8, m, panels, k, ldc, flags int)
	pack  func(dst, src []uint8, koff, base, kind []int32, control []uint8, k, panels, flip int)
}

// scheme returns the fastest way to compute sums.
func (m *machine) scheme(sums Sums) scheme {
	quads := scheme{lanes: 4, gemm: m.gemmQuads, pack: m.packQuads}
	switch {
	case sums == Exact && m.dot == dotUnsigned, sums == Paired && m.dot == dotSaturating:
		return quads
	case sums == Exact && m.dot == dotSigned:
		quads.flip = 128
		return quads
	case sums == Paired:
		quads.gemm = m.gemmPaired
		return quads
	}
	return scheme{lanes: 2, gemm: m.gemmPairs, pack: m.packPairs}
}

// probeDot finds out what gemmQuads does from products that tell the kinds
// apart, and tries the answer on panels of every height: V8 11.3's first
// compiler mixes up registers when many are in use. It says dotNone of a kernel
// that is none of the kinds throughout.
func probeDot(rows int, gemmQuads func(c []int32, a, b []uint8, m, panels, k, ldc, flags int)) dot {
	weights := [][4]int8{{1, 0, 0, 0}, {127, 127, 127, 127}, {-128, -128, -128, -128}, {-128, -128, 127, 127}, {100, -3, 7, -90}}
	values := [][4]uint8{{200, 0, 0, 0}, {255, 255, 255, 255}, {128, 128, 128, 128}, {255, 129, 130, 131}, {0, 127, 128, 255}, {1, 2, 3, 4}}
	const groups, columns = 7, 2 * nr
	for _, d := range []dot{dotUnsigned, dotSigned, dotSaturating} {
		product := refGemmQuads(rows, d)
		right := true
		for m := 1; m <= rows && right; m++ {
			a, b := make([]uint8, 4*m*groups), make([]uint8, 4*columns*groups)
			for i := range a {
				a[i] = uint8(weights[(i/4+m)%len(weights)][i%4])
			}
			for i := range b {
				b[i] = values[(i/4+m)%len(values)][i%4]
			}
			got, want := make([]int32, m*columns), make([]int32, m*columns)
			gemmQuads(got, a, b, m, 2, groups, columns, 0)
			product(want, a, b, m, 2, groups, columns, 0)
			right = slices.Equal(got, want)
		}
		if right {
			return d
		}
	}
	return dotNone
}

// of is the definition of each kind.
func (d dot) of(w [4]int8, x [4]uint8) int32 {
	p := func(i int) int32 {
		if d == dotSigned {
			return int32(w[i]) * int32(int8(x[i]))
		}
		return int32(w[i]) * int32(x[i])
	}
	if d == dotSaturating {
		return saturate16(p(0)+p(1)) + saturate16(p(2)+p(3))
	}
	return p(0) + p(1) + p(2) + p(3)
}

func saturate16(x int32) int32 { return min(max(x, -1<<15), 1<<15-1) }

// A product8 is the left operand of integer products, packed.
type product8 struct {
	mach *machine
	scheme
	m, k int     // rows, and groups of four bytes in each
	left []uint8 // by blocks of the inner dimension
}

// newProduct8 packs weights w [m, inner], of which slot p of the packed inner
// dimension takes element order[p], or nothing where that is negative.
func newProduct8(mach *machine, sums Sums, m, inner int, w []int8, order []int32) *product8 {
	if sums == Exact && mach.dot == dotSaturating && !saturates(m, inner, w, order) {
		sums = Paired // which is quicker there
	}
	p := &product8{mach: mach, scheme: mach.scheme(sums), m: m}
	p.k = (len(order) + p.lanes - 1) / p.lanes
	p.left = make([]uint8, 4*m*p.k)
	depth := blockDepth(p.k)
	for k0 := 0; k0 < p.k; k0 += depth {
		kc := min(depth, p.k-k0)
		to := p.left[4*m*k0:]
		for r := 0; r < m; {
			h := panelRows(m-r, mach.rows8)
			for g := k0; g < k0+kc; g++ {
				for i := range h {
					p.put(to, w[(r+i)*inner:(r+i+1)*inner], order[g*p.lanes:min((g+1)*p.lanes, len(order))])
					to = to[4:]
				}
			}
			r += h
		}
	}
	return p
}

// saturates reports whether codes exist with which a pair saturates.
func saturates(m, inner int, w []int8, order []int32) bool {
	for r := range m {
		row := w[r*inner : (r+1)*inner]
		for p := 0; p+1 < len(order); p += 2 {
			if order[p] >= 0 && order[p+1] >= 0 && risky(row[order[p]], row[order[p+1]]) {
				return true
			}
		}
	}
	return false
}

// risky reports whether codes exist with which two products add up to more than
// 16 bits hold.
func risky(a, b int8) bool {
	v, w := int32(a), int32(b)
	return 255*(max(v, 0)+max(w, 0)) >= 1<<15 || 255*(min(v, 0)+min(w, 0)) < -1<<15
}

// put writes the weights of a group.
func (p *product8) put(to []uint8, row []int8, order []int32) {
	for i, e := range order {
		if e < 0 {
			continue
		}
		w := row[e]
		if p.lanes == 4 {
			to[i] = uint8(w)
		} else {
			to[2*i], to[2*i+1] = uint8(w), uint8(w>>7)
		}
	}
}

// sumInts is how many sums are made before they are finished: what a
// second-level cache holds beside the packed operands.
const sumInts = 16 << 10

// multiply computes the product with what cols finds in src.
func (p *product8) multiply(src []uint8, cols *columns8, f *finisher, s *Scratch) {
	if p.m == 0 || cols.n == 0 {
		return
	}
	total := panels(cols.n)
	width := max(2, min(total, blockFloats/max(1, p.k*nr)))
	buf := s.byte(slotPanels, 4*nr*width*p.k)
	chunk := max(2, sumInts/(width*nr)/p.mach.rows8) * p.mach.rows8
	acc := s.int(slotSums, min(p.m, chunk+p.mach.rows8)*width*nr)
	f.row = s.float(slotTail, width*nr)
	depth := blockDepth(p.k)
	for j := 0; j < total; j += width {
		here := min(width, total-j)
		for k0 := 0; k0 < p.k; k0 += depth {
			kc := min(depth, p.k-k0)
			p.pack(buf[4*nr*here*k0:], src, cols.koff[k0*p.lanes:], cols.base[j*nr:], cols.kind[j:], cols.control[j*controlBytes:], kc, here, int(p.flip))
		}
		for r, rows := 0, 0; r < p.m; r += rows {
			if rows = chunk; p.m-r-rows < p.mach.rows8 { // panels at the end may be lower
				rows = p.m - r
			}
			if p.k == 0 {
				clear(acc[:rows*here*nr])
			}
			for k0 := 0; k0 < p.k; k0 += depth {
				kc := min(depth, p.k-k0)
				flags := 0
				if k0 > 0 {
					flags = flagLoad
				}
				p.gemm(acc, p.left[4*(p.m*k0+r*kc):], buf[4*nr*here*k0:], rows, here, kc, here*nr, flags)
			}
			f.rows(acc, here*nr, r, rows, j*nr, min(cols.n-j*nr, here*nr))
		}
	}
}
