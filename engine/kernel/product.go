package kernel

// Blocking. A panel of the left operand (rows·kBlock) and one of the right
// (8·kBlock) stay in a 32 KB first-level cache; the packed block of the right
// operand stays in a 256 KB second-level cache while all of the left streams by.
const (
	kBlock      = 384
	blockFloats = 48 << 10
)

// blockDepth splits an inner dimension evenly into blocks of at most kBlock.
func blockDepth(k int) int {
	blocks := max(1, (k+kBlock-1)/kBlock)
	return (k + blocks - 1) / blocks
}

// columns says where the right operand of a product lies: element (p, j) is
// src[koff[p] + base[j]]. It is the indirection of a convolution (base walks
// over output positions, koff over channels and taps) as well as of a plain or
// transposed matrix.
type columns struct {
	n    int
	koff []int32 // [k]
	base []int32 // [n], made a multiple of nr long by repeating the last
	kind []int32 // of each panel
}

// classify fills kind from base.
func (c *columns) classify() {
	for j := range c.kind {
		c.kind[j] = panelKind(c.base[j*nr : j*nr+nr])
	}
}

func panelKind(b []int32) int32 {
	switch {
	case evenly(b, 1):
		return kindRun
	case evenly(b, 2):
		return kindSkip
	case evenly(b[:4], 1) && evenly(b[4:], 1):
		return kindHalves
	}
	return kindGather
}

func evenly(b []int32, step int32) bool {
	for i := range b[1:] {
		if b[i+1]-b[i] != step {
			return false
		}
	}
	return true
}

// matrix describes a k×n operand by its strides.
func (c *columns) matrix(k, n, rowStride, colStride int, koff, base, kind []int32) {
	c.n, c.koff, c.base, c.kind = n, koff[:k], base[:panels(n)*nr], kind[:panels(n)]
	for p := range c.koff {
		c.koff[p] = int32(p * rowStride)
	}
	for j := range c.base {
		c.base[j] = int32(min(j, n-1) * colStride)
	}
	c.classify()
}

func panels(n int) int { return (n + nr - 1) / nr }

// packLeft packs m rows of a matrix by blocks of depth of the inner dimension:
// the block that begins at k0 lies at m·k0.
func packLeft(mach *machine, dst, a []float32, m, k, depth, rowStride, colStride int) {
	for k0 := 0; k0 < k; k0 += depth {
		mach.packLeft(dst[m*k0:], a[k0*colStride:], m, min(depth, k-k0), rowStride, colStride)
	}
}

// multiply computes c[m, n] = ep(left·right), where left is packed by packLeft
// in blocks of blockDepth and right is what cols finds in src.
func multiply(mach *machine, c []float32, ldc int, left []float32, m, k int, src []float32, cols *columns, ep *Epilogue, s *Scratch) {
	if m == 0 || cols.n == 0 {
		return
	}
	if k == 0 { // an empty sum
		for r := range m {
			clear(c[r*ldc : r*ldc+cols.n])
		}
		ep.apply(mach, c, ep.Add, m, cols.n, ldc)
		return
	}
	lo, hi, rest := ep.clamp()
	final := flagDone
	if ep.Bias != nil {
		final |= flagBias
	}
	if ep.Add != nil {
		final |= flagAdd
	}
	total, full, tail := panels(cols.n), cols.n/nr, cols.n%nr
	depth := blockDepth(k)
	width := max(1, min(total, blockFloats/(depth*nr)))
	buf := s.float(slotPanels, width*depth*nr)
	narrow := mach.gemm // of the last panel, where it is not full
	if tail == 1 && mach.column != nil {
		narrow = mach.column
	}
	edge := s.float(slotTail, m*nr)
	edgeAdd := s.float(slotTailAdd, m*nr)
	if ep.Add != nil && tail > 0 {
		mach.copyRows(edgeAdd, ep.Add[full*nr:], m, tail, nr, ldc)
	}
	for j := 0; j < total; j += width {
		here := min(width, total-j)
		whole := min(here, full-j)
		for k0 := 0; k0 < k; k0 += depth {
			kc := min(depth, k-k0)
			flags := 0
			if k0 > 0 {
				flags |= flagLoad
			}
			if k0+kc == k {
				flags |= final
			}
			mach.pack(buf, src, cols.koff[k0:], cols.base[j*nr:], cols.kind[j:], kc, here)
			if whole > 0 {
				var add []float32
				if ep.Add != nil {
					add = ep.Add[j*nr:]
				}
				mach.gemm(c[j*nr:], left[m*k0:], buf, ep.Bias, add, m, whole, kc, ldc, ldc, flags, lo, hi)
			}
			if whole < here {
				narrow(edge, left[m*k0:], buf[whole*kc*nr:], ep.Bias, edgeAdd, m, 1, kc, nr, nr, flags, lo, hi)
			}
		}
		if whole < here {
			mach.copyRows(c[full*nr:], edge, m, tail, ldc, nr)
		}
		if rest { // while the block is warm
			first := j * nr
			unaryRows(mach, ep, c[first:], m, min(cols.n, (j+here)*nr)-first, ldc)
		}
	}
}

// unaryRows applies the activation of ep to a block of rows in place.
func unaryRows(mach *machine, ep *Epilogue, c []float32, rows, cols, ld int) {
	f := mach.unary[ep.Act]
	if f == nil {
		f = reference.unary[ep.Act]
	}
	if cols == ld {
		f(c, c, ep.Lo, ep.Hi, rows*cols)
		return
	}
	for r := range rows {
		f(c[r*ld:], c[r*ld:], ep.Lo, ep.Hi, cols)
	}
}

// apply finishes rows of a product that was computed without an epilogue.
func (e *Epilogue) apply(mach *machine, c, add []float32, rows, cols, ld int) {
	lo, hi, rest := e.clamp()
	bounded := lo != negInf || hi != posInf
	for r := range rows {
		row := c[r*ld : r*ld+cols]
		if e.Bias != nil {
			b := e.Bias[r]
			for i := range row {
				row[i] += b
			}
		}
		if add != nil {
			for i, v := range add[r*ld : r*ld+cols] {
				row[i] += v
			}
		}
		if bounded {
			for i, v := range row {
				row[i] = clamp(v, lo, hi)
			}
		}
	}
	if rest {
		unaryRows(mach, e, c, rows, cols, ld)
	}
}
