package kernel

// An Order says how the products of a float sum are added up. The sums of the machines differ in their last bits; a runtime is
// imitated by its own order, on machines that fuse multiply and add.
type Order struct {
	Sums  FloatSums
	Block int // of InBlocks, in products

	// Channels, when it is not 0, is how many channels of a convolution stand behind each other at each tap before the next of them
	// begin; else a channel has all its taps behind each other.
	Channels int
}

// FloatSums is a way to add up products p0, p1, ….
type FloatSums uint8

const (
	// InBlocks fuses each product with the sum of its block, and adds the sums of the blocks up one after the other.
	InBlocks FloatSums = iota
	// InFours adds ((p0 + p1) + p2) + p3 to the sum, then the next four; of the rest two and one. Nothing is fused.
	InFours
	// InLanes adds to eight sums in turn, which are added up last: in one way for the first results, by fours, in others for
	// two and for one that are left over. Nothing is fused.
	InLanes
)

// OrderedConv is a convolution whose sums are added up in an order. It is not for use by two goroutines at once.
type OrderedConv struct {
	conv  *Conv
	order Order
}

// NewOrderedConv prepares y = conv(x, w) + bias; bias may be nil. The inner dimension runs over channels and taps within, and the bias is
// added to the sum.
func NewOrderedConv(s ConvShape, o Order, w, bias []float32) *OrderedConv {
	return newOrderedConv(inOrder(active), s, o, w, bias)
}

func newOrderedConv(mach *machine, s ConvShape, o Order, w, bias []float32) *OrderedConv {
	c := &Conv{shape: s, mach: mach, ep: Epilogue{Bias: bias}, plane: s.plane(), group: s.OutC / s.Group, scratch: NewScratch()}
	c.padded = int(c.plane[planePH]) != s.InH || int(c.plane[planePW]) != s.InW
	k := s.InC / s.Group * s.KH * s.KW
	c.index(k)
	w = c.byChannels(w[:s.OutC*k], o.Channels)
	c.weights = w
	if o.Sums == InBlocks {
		c.weights = make([]float32, s.OutC*k)
		for g := range s.Group {
			at := g * c.group * k
			packLeft(mach, c.weights[at:], w[at:at+c.group*k], c.group, k, o.Block, k, 1)
		}
	}
	return &OrderedConv{c, o}
}

// byChannels puts the inner dimension in the order of groups of channels, and returns the weights in it.
func (c *Conv) byChannels(w []float32, channels int) []float32 {
	if channels == 0 {
		return w
	}
	k, in, taps := len(c.cols.koff), c.shape.InC/c.shape.Group, c.shape.KH*c.shape.KW
	order := make([]int, 0, k)
	for first := 0; first < in; first += channels {
		for tap := range taps {
			for ch := first; ch < min(first+channels, in); ch++ {
				order = append(order, ch*taps+tap)
			}
		}
	}
	koff, turned := make([]int32, k), make([]float32, len(w))
	for p, from := range order {
		koff[p] = c.cols.koff[from]
		for r := 0; r < len(w); r += k {
			turned[r+p] = w[r+from]
		}
	}
	c.cols.koff = koff
	return turned
}

// inOrder returns the machine that multiplies in blocks in the place of mach.
func inOrder(mach *machine) *machine {
	if mach.rows == 0 { // its products are gonum's
		return reference
	}
	return mach
}

// Share makes the convolution work in s, and returns c.
func (c *OrderedConv) Share(s *Scratch) *OrderedConv {
	c.conv.scratch = s
	return c
}

// Run computes one image. With onto the sums begin with what y holds.
func (c *OrderedConv) Run(y, x []float32, onto bool) {
	v := c.conv
	s, area := &v.shape, v.shape.OutH*v.shape.OutW
	if area == 0 || s.OutC == 0 {
		return
	}
	y, x = y[:s.OutC*area], x[:s.InC*s.InH*s.InW]
	x, inArea := v.pad(x)
	in, k := s.InC/s.Group, len(v.cols.koff)
	for g := range s.Group {
		at := g * v.group
		to, from, w := y[at*area:(at+v.group)*area], x[g*in*inArea:], v.weights[at*k:(at+v.group)*k]
		switch {
		case c.order.Sums == InBlocks:
			multiplyInBlocks(v.mach, to, area, w, v.group, k, c.order.Block, from, &v.cols, onto, v.scratch)
		case v.group == 1:
			productInOrder(c.order.Sums, to, w, from, &v.cols, onto)
		default: // of one place
			column := v.scratch.float(slotPanels, k)
			for p, off := range v.cols.koff {
				column[p] = from[off+v.cols.base[0]]
			}
			rows := v.rowsOf(k)
			productInOrder(c.order.Sums, to, column, w, rows, onto)
		}
	}
	v.ep.apply(v.mach, y, nil, s.OutC, area, area)
}

// rowsOf describes the filters of a group as columns of a product of their own.
func (c *Conv) rowsOf(k int) *columns {
	cols := &columns{n: c.group, koff: c.scratch.int(slotOffsets, k), base: c.scratch.int(slotBases, c.group)}
	for p := range cols.koff {
		cols.koff[p] = int32(p)
	}
	for j := range cols.base {
		cols.base[j] = int32(j * k)
	}
	return cols
}

// OrderedGemm computes c[m, n] = op(a)·op(b), or adds it to c with onto, where the layout is that of Gemm. Sums that are not InBlocks
// are for one row or one column.
func OrderedGemm(o Order, onto, transA, transB bool, m, n, k int, a []float32, lda int, b []float32, ldb int, c []float32, s *Scratch) {
	if m == 0 || n == 0 {
		return
	}
	c = c[:m*n]
	rowA, colA, rowB, colB := lda, 1, ldb, 1
	if transA {
		rowA, colA = 1, lda
	}
	if transB {
		rowB, colB = 1, ldb
	}
	var cols columns
	if o.Sums == InBlocks {
		mach := inOrder(active)
		left := s.float(slotLeft, m*k)
		packLeft(mach, left, a, m, k, o.Block, rowA, colA)
		cols.matrix(k, n, rowB, colB, s.int(slotOffsets, k), s.int(slotBases, panels(n)*nr), s.int(slotKinds, panels(n)))
		multiplyInBlocks(mach, c, n, left, m, k, o.Block, b, &cols, onto, s)
		return
	}
	count, x, stepX, y, step, stepK := n, a, colA, b, colB, rowB
	if m > 1 {
		count, x, stepX, y, step, stepK = m, b, rowB, a, rowA, colA
	}
	vector := s.float(slotLeft, k)
	for p := range vector {
		vector[p] = x[p*stepX]
	}
	cols = columns{n: count, koff: s.int(slotOffsets, k), base: s.int(slotBases, count)}
	for p := range cols.koff {
		cols.koff[p] = int32(p * stepK)
	}
	for j := range cols.base {
		cols.base[j] = int32(j * step)
	}
	productInOrder(o.Sums, c, vector, y, &cols, onto)
}

// multiplyInBlocks computes c[m, n] = left·right with sums InBlocks, where left is packed in such blocks.
func multiplyInBlocks(mach *machine, c []float32, ldc int, left []float32, m, k, block int, src []float32, cols *columns, onto bool, s *Scratch) {
	total, full, tail := panels(cols.n), cols.n/nr, cols.n%nr
	width := max(1, min(total, blockFloats/(min(block, k)*nr)))
	buf := s.float(slotPanels, width*min(block, k)*nr)
	edge := s.float(slotTail, m*nr)
	if onto && tail > 0 {
		mach.copyRows(edge, c[full*nr:], m, tail, nr, ldc)
	}
	for j := 0; j < total; j += width {
		here := min(width, total-j)
		whole := min(here, full-j)
		for k0 := 0; k0 < k; k0 += block {
			kc, flags := min(block, k-k0), flagDone
			if onto || k0 > 0 {
				flags |= flagAdd
			}
			mach.pack(buf, src, cols.koff[k0:], cols.base[j*nr:], cols.kind[j:], kc, here)
			if whole > 0 {
				mach.gemm(c[j*nr:], left[m*k0:], buf, nil, c[j*nr:], m, whole, kc, ldc, ldc, flags, negInf, posInf)
			}
			if whole < here {
				mach.gemm(edge, left[m*k0:], buf[whole*kc*nr:], nil, edge, m, 1, kc, nr, nr, flags, negInf, posInf)
			}
		}
		if whole < here {
			mach.copyRows(c[full*nr:], edge, m, tail, ldc, nr)
		}
	}
}

// productInOrder computes y[j] = Σ x[p]·src[base[j] + koff[p]].
func productInOrder(sums FloatSums, y, x, src []float32, cols *columns, onto bool) {
	if !onto {
		clear(y)
	}
	if sums == InFours {
		for j, b := range cols.base[:cols.n] {
			y[j] = inFours(y[j], x, src[b:], cols.koff)
		}
		return
	}
	for j, b := range cols.base[:cols.n] {
		var lanes [8]float32
		from := src[b:]
		for p, v := range x {
			lanes[p%8] += float32(v * from[cols.koff[p]])
		}
		y[j] = lastOfLanes(&lanes, j, cols.n) + y[j]
	}
}

func inFours(sum float32, x, src []float32, koff []int32) float32 {
	p := 0
	for ; p+4 <= len(x); p += 4 {
		off, w := koff[p:p+4:p+4], x[p:p+4:p+4]
		four := float32(w[0]*src[off[0]]) + float32(w[1]*src[off[1]])
		four += float32(w[2] * src[off[2]])
		four += float32(w[3] * src[off[3]])
		sum = four + sum
	}
	if len(x)&2 != 0 {
		sum = float32(x[p]*src[koff[p]]) + float32(x[p+1]*src[koff[p+1]]) + sum
		p += 2
	}
	if len(x)&1 != 0 {
		sum = float32(x[p]*src[koff[p]]) + sum
	}
	return sum
}

// lastOfLanes adds up the lanes of result j of n.
func lastOfLanes(l *[8]float32, j, n int) float32 {
	switch {
	case j < n&^3:
		return (((l[0] + l[1]) + l[2]) + l[3]) + (((l[4] + l[5]) + l[6]) + l[7])
	case j < n&^1:
		return ((l[0] + l[2]) + (l[4] + l[6])) + ((l[1] + l[3]) + (l[5] + l[7]))
	}
	return ((l[0] + l[1]) + (l[2] + l[3])) + ((l[4] + l[5]) + (l[6] + l[7]))
}
