package kernel

// Packed is the left operand of matrix products, packed once for the running
// machine. It is not for use by two goroutines at once.
type Packed struct {
	m, k    int
	mach    *machine
	data    []float32 // panels, or row-major where the machine has sgemm
	cols    columns
	ldb     int
	scratch *Scratch
}

// PackGemm packs a row-major matrix a of [m, k].
func PackGemm(m, k int, a []float32) *Packed { return packGemm(active, m, k, a) }

func packGemm(mach *machine, m, k int, a []float32) *Packed {
	a = a[:m*k]
	p := &Packed{m: m, k: k, mach: mach, data: a, scratch: NewScratch()}
	if mach.rows > 0 {
		p.data = make([]float32, m*k)
		packLeft(mach, p.data, a, m, k, blockDepth(k), k, 1)
	}
	return p
}

// Share makes the product work in s, and returns p.
func (p *Packed) Share(s *Scratch) *Packed {
	p.scratch = s
	return p
}

// Mul computes c[m, n] = ep(a·b) for b of [k, n]; ldb and ldc are the lengths
// of a row, and ep.Add has that of c.
func (p *Packed) Mul(n int, b []float32, ldb int, c []float32, ldc int, ep Epilogue) {
	if p.m == 0 || n == 0 {
		return
	}
	c = c[:(p.m-1)*ldc+n]
	checkMatrix(b, p.k, n, ldb)
	if p.mach.rows == 0 {
		mulRows(p.mach, false, false, p.m, n, p.k, p.data, p.k, b, ldb, c, ldc, &ep)
		return
	}
	if p.cols.n != n || p.ldb != ldb { // the same again for every image
		p.cols.matrix(p.k, n, ldb, 1, make([]int32, p.k), make([]int32, panels(n)*nr), make([]int32, panels(n)))
		p.ldb = ldb
	}
	multiply(p.mach, c, ldc, p.data, p.m, p.k, b, &p.cols, &ep, p.scratch)
}

// Gemm computes c[m, n] = ep(op(a)·op(b)), where op transposes when asked: a
// is [m, k], or [k, m] when transA is set; b is [k, n], or [n, k]. lda, ldb and
// ldc are the lengths of the stored rows.
func Gemm(transA, transB bool, m, n, k int, a []float32, lda int, b []float32, ldb int, c []float32, ldc int, ep Epilogue, s *Scratch) {
	gemm(active, transA, transB, m, n, k, a, lda, b, ldb, c, ldc, ep, s)
}

func gemm(mach *machine, transA, transB bool, m, n, k int, a []float32, lda int, b []float32, ldb int, c []float32, ldc int, ep Epilogue, s *Scratch) {
	if m == 0 || n == 0 {
		return
	}
	c = c[:(m-1)*ldc+n]
	if transA {
		checkMatrix(a, k, m, lda)
	} else {
		checkMatrix(a, m, k, lda)
	}
	if transB {
		checkMatrix(b, n, k, ldb)
	} else {
		checkMatrix(b, k, n, ldb)
	}
	if mach.rows == 0 {
		mulRows(mach, transA, transB, m, n, k, a, lda, b, ldb, c, ldc, &ep)
		return
	}
	left := s.float(slotLeft, m*k)
	if transA {
		packLeft(mach, left, a, m, k, blockDepth(k), 1, lda)
	} else {
		packLeft(mach, left, a, m, k, blockDepth(k), lda, 1)
	}
	rowStride, colStride := ldb, 1
	if transB {
		rowStride, colStride = 1, ldb
	}
	var cols columns
	cols.matrix(k, n, rowStride, colStride, s.int(slotOffsets, k), s.int(slotBases, panels(n)*nr), s.int(slotKinds, panels(n)))
	multiply(mach, c, ldc, left, m, k, b, &cols, &ep, s)
}

// mulRows is Gemm on a machine that multiplies row-major matrices.
func mulRows(mach *machine, transA, transB bool, m, n, k int, a []float32, lda int, b []float32, ldb int, c []float32, ldc int, ep *Epilogue) {
	if k == 0 {
		for r := range m {
			clear(c[r*ldc : r*ldc+n])
		}
	} else {
		mach.sgemm(transA, transB, m, n, k, a, lda, b, ldb, c, ldc)
	}
	ep.apply(mach, c, ep.Add, m, n, ldc)
}

// checkMatrix panics on a slice that does not hold its matrix: the SIMD module
// would read past it.
func checkMatrix(x []float32, rows, cols, ld int) {
	if rows > 0 && cols > 0 && len(x) < (rows-1)*ld+cols {
		panic("bug: product of a slice shorter than its matrix")
	}
}
