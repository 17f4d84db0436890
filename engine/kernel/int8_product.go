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
	gemm  groupsKernel
	// column is gemm for one panel of which only the first column counts, or nil.
	column groupsKernel
	pack   func(dst, src []uint8, koff, base, kind []int32, control []uint8, k, panels, flip int)
}

// scheme returns the fastest way to compute sums.
func (m *machine) scheme(sums Sums) scheme {
	quads := scheme{lanes: 4, gemm: m.gemmQuads, column: m.columnQuads, pack: m.packQuads}
	switch {
	case sums == Paired:
		quads.gemm, quads.column = m.gemmPaired, m.columnPaired
	case m.dot == dotSigned:
		quads.flip = 128
	case m.dot != dotUnsigned:
		return scheme{lanes: 2, gemm: m.gemmPairs, column: m.columnPairs, pack: m.packPairs}
	}
	return quads
}

// probeDot finds out what a product of four bytes does from products that tell the kinds
// apart, and tries the answer on panels of every height: V8 11.3's first
// compiler mixes up registers when many are in use. It says dotNone of a kernel
// that is none of the kinds throughout.
func probeDot(rows int, gemm groupsKernel) dot {
	weights := [][4]int8{{1, 0, 0, 0}, {127, 127, 127, 127}, {-128, -128, -128, -128}, {-128, -128, 127, 127}, {100, -3, 7, -90}}
	values := [][4]uint8{{200, 0, 0, 0}, {255, 255, 255, 255}, {128, 128, 128, 128}, {255, 129, 130, 131}, {0, 127, 128, 255}, {1, 2, 3, 4}}
	const groups, columns = 7, 2 * nr
	for _, d := range []dot{dotUnsigned, dotSigned, dotSaturating} {
		product := refGemmQuads(rows, d)
		right := true
		for m := 1; m <= rows && right; m++ {
			a, b, extra := make([]uint8, 4*m*(groups+1)), make([]uint8, 4*columns*groups), []int32{4 * nr * 3}
			for i := range a {
				a[i] = uint8(weights[(i/4+m)%len(weights)][i%4])
			}
			for i := range b {
				b[i] = values[(i/4+m)%len(values)][i%4]
			}
			got, want := make([]int32, m*columns), make([]int32, m*columns)
			gemm(got, a, b, extra, m, 2, groups, 1, columns, 0)
			product(want, a, b, extra, m, 2, groups, 1, columns, 0)
			right = slices.Equal(got, want)
		}
		if right {
			return d
		}
	}
	return dotNone
}

// probeColumn reports whether a kernel for one column multiplies as d says.
func probeColumn(rows int, column groupsKernel, d dot) bool {
	const groups = 7
	product := refGemmQuads(rows, d)
	for m := 1; m <= rows; m++ {
		a, b, extra := make([]uint8, 4*m*(groups+1)), make([]uint8, 4*nr*groups), []int32{4 * nr * 3}
		for i := range a {
			a[i] = uint8(i*i*37 + 128*m)
		}
		for i := range b {
			b[i] = uint8(255 - i*i*11)
		}
		got, want := make([]int32, m*nr), make([]int32, m*nr)
		column(got, a, b, extra, m, 1, groups, 1, nr, 0)
		product(want, a, b, extra, m, 1, groups, 1, nr, 0)
		for r := range m {
			if got[r*nr] != want[r*nr] {
				return false
			}
		}
	}
	return true
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
	m, k   int // rows, and groups of four bytes in each
	blocks []block8
}

// A block8 is a block of the inner dimension: k groups, and for each panel of
// rows extras more that repeat groups of the right operand.
type block8 struct {
	k, extras int
	left      []uint8
	extra     []int32 // as in groupsKernel
}

// newProducts8 packs the weights w [groups, m, inner] of products that share
// their columns. Slot p of the packed inner dimension takes element order[p], or
// nothing where that is negative.
//
// Where products whose pairs saturate are the quickest, exact ones are made of
// them: of two weights that could saturate together the second is cut, and what
// was cut off it multiplies the same codes once more in a group of its own.
func newProducts8(mach *machine, sums Sums, groups, m, inner int, w []int8, order []int32) []*product8 {
	all := func(s scheme, weights func(w []int8) (main, excess []int8)) (list []*product8, extras, k int) {
		slots := (len(order) + s.lanes - 1) / s.lanes * s.lanes
		for g := range groups {
			p := &product8{mach: mach, scheme: s, m: m, k: slots / s.lanes}
			p.packLeft(weights(inSlots(m, inner, slots, w[g*m*inner:(g+1)*m*inner], order)))
			list, extras, k = append(list, p), extras+p.extras(), k+p.k
		}
		return list, extras, k
	}
	if sums == Exact && mach.dot == dotNone && mach.quickPairs {
		if list, extras, k := all(mach.scheme(Paired), cut); extras <= k/quickExtras {
			return list
		}
	}
	list, _, _ := all(mach.scheme(sums), func(w []int8) (main, excess []int8) { return w, nil })
	return list
}

// quickExtras says when exact products are made of saturating ones: when there
// is no more than one extra group to this many.
const quickExtras = 4

// inSlots returns weights in the order of the slots.
func inSlots(m, inner, slots int, w []int8, order []int32) []int8 {
	to := make([]int8, m*slots)
	for r := range m {
		for p, e := range order {
			if e >= 0 {
				to[r*slots+p] = w[r*inner+int(e)]
			}
		}
	}
	return to
}

// cut parts weights, an even number in a row, into those of which no pair can
// saturate and the rest, of which none can either.
func cut(w []int8) (main, excess []int8) {
	main, excess = slices.Clone(w), make([]int8, len(w))
	for p := 0; p < len(w); p += 2 {
		if a, b := w[p], w[p+1]; risky(a, b) { // both have the same sign
			most := 128 - int(a)
			if a < 0 {
				most = -128 - int(a)
			}
			main[p+1], excess[p+1] = int8(most), int8(int(b)-most)
		}
	}
	return main, excess
}

// packLeft packs weights [m, k groups], and those of the extra groups.
func (p *product8) packLeft(w, excess []int8) {
	depth, slots := blockDepth(p.k), p.k*p.lanes
	for k0 := 0; k0 < p.k; k0 += depth {
		b := block8{k: min(depth, p.k-k0)}
		var panels [][]int32 // the extra groups of each
		for r := 0; r < p.m && excess != nil; r += panelRows(p.m-r, p.mach.rows8) {
			list := p.needed(excess[r*slots:(r+panelRows(p.m-r, p.mach.rows8))*slots], k0, b.k)
			panels = append(panels, list)
			b.extras = max(b.extras, len(list))
		}
		b.left = make([]uint8, 4*p.m*(b.k+b.extras))
		to := b.left
		for r := 0; r < p.m; {
			h := panelRows(p.m-r, p.mach.rows8)
			put := func(w []int8, g int) {
				for i := range h {
					p.put(to, w[(r+i)*slots+g*p.lanes:])
					to = to[4:]
				}
			}
			for g := range b.k {
				put(w, k0+g)
			}
			if excess != nil {
				list := panels[0]
				panels = panels[1:]
				for _, g := range list {
					put(excess, k0+int(g))
					b.extra = append(b.extra, 4*nr*g)
				}
				for range b.extras - len(list) { // zeros, times any group
					b.extra = append(b.extra, 0)
					to = to[4*h:]
				}
			}
			r += h
		}
		p.blocks = append(p.blocks, b)
	}
}

// needed lists the groups from k0 on that are not all zero in some row.
func (p *product8) needed(rows []int8, k0, k int) (list []int32) {
	slots := p.k * p.lanes
	for g := range k {
		for r := 0; r < len(rows); r += slots {
			if group := rows[r+(k0+g)*p.lanes:][:p.lanes]; slices.ContainsFunc(group, func(v int8) bool { return v != 0 }) {
				list = append(list, int32(g))
				break
			}
		}
	}
	return list
}

// extras counts the extra groups of a row.
func (p *product8) extras() int {
	n := 0
	for _, b := range p.blocks {
		n += b.extras
	}
	return n
}

// put writes the weights of a group.
func (p *product8) put(to []uint8, w []int8) {
	for i, v := range w[:p.lanes] {
		if p.lanes == 4 {
			to[i] = uint8(v)
		} else {
			to[2*i], to[2*i+1] = uint8(v), uint8(v>>7)
		}
	}
}

// risky reports whether codes exist with which two products add up to more than
// 16 bits hold.
func risky(a, b int8) bool {
	v, w := int32(a), int32(b)
	return 255*(max(v, 0)+max(w, 0)) >= 1<<15 || 255*(min(v, 0)+min(w, 0)) < -1<<15
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
	for j := 0; j < total; j += width {
		here := min(width, total-j)
		k0 := 0
		for _, b := range p.blocks {
			p.pack(buf[4*nr*here*k0:], src, cols.koff[k0*p.lanes:], cols.base[j*nr:], cols.kind[j:], cols.control[j*controlBytes:], b.k, here, int(p.flip))
			k0 += b.k
		}
		for r, rows := 0, 0; r < p.m; r += rows {
			if rows = chunk; p.m-r-rows < p.mach.rows8 { // panels at the end may be lower
				rows = p.m - r
			}
			if p.k == 0 {
				clear(acc[:rows*here*nr])
			}
			k0, flags := 0, 0
			whole := here
			if p.column != nil && cols.n-j*nr == (here-1)*nr+1 { // an image with odd sides, 7x7 say
				whole--
			}
			for _, b := range p.blocks {
				left, right, extra := b.left[4*r*(b.k+b.extras):], buf[4*nr*here*k0:], b.extra[r/p.mach.rows8*b.extras:]
				if whole > 0 {
					p.gemm(acc, left, right, extra, rows, whole, b.k, b.extras, here*nr, flags)
				}
				if whole < here {
					p.column(acc[whole*nr:], left, right[4*nr*whole*b.k:], extra, rows, 1, b.k, b.extras, here*nr, flags)
				}
				k0, flags = k0+b.k, flagLoad
			}
			f.rows(acc, here*nr, r, rows, j*nr, min(cols.n-j*nr, here*nr))
		}
	}
}
