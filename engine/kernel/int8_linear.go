package kernel

// Linear8 is a fully connected layer on codes: y[r, o] = Σ x[r, p]·w[o, p] with
// an epilogue. It is not for use by two goroutines at once.
type Linear8 struct {
	in, out int
	mach    *machine
	opt     Conv8Options
	offset  []int32
	product *product8
	cols    columns8
	order   []int32
	scratch *Scratch
}

// NewLinear8 prepares a layer with weights w [out, in]. The inner elements that
// opt.Order names are 0 to in-1; opt.Zero is the zero point of x.
func NewLinear8(out, in int, w []int8, opt Conv8Options) *Linear8 {
	return newLinear8(active, out, in, w, opt)
}

func newLinear8(mach *machine, out, in int, w []int8, opt Conv8Options) *Linear8 {
	opt.complete()
	l := &Linear8{in: in, out: out, mach: mach, opt: opt, scratch: NewScratch(), order: completeOrder(opt.Order, in)}
	l.product = newProducts8(mach, opt.Sums, 1, out, in, w[:out*in], l.order)[0]
	l.offset = offsets(opt.Offset, w, out, in, int32(opt.Zero)-int32(l.product.flip))
	return l
}

// Share makes the layer work in s, and returns l.
func (l *Linear8) Share(s *Scratch) *Linear8 {
	l.scratch = s
	return l
}

// Sums computes the sums s of the epilogue, y [rows, out], of x [rows, in].
func (l *Linear8) Sums(y []int32, x []uint8, rows int) {
	if rows == 1 {
		l.run(x, 1, finisher{sums: y[:l.out]})
		return
	}
	turned := make([]int32, rows*l.out)
	l.run(x, rows, finisher{sums: turned})
	turn(y, turned, l.out, rows)
}

// Float computes f of the epilogue, y [rows, out], of x [rows, in].
func (l *Linear8) Float(y []float32, x []uint8, rows int) {
	if rows == 1 {
		l.run(x, 1, finisher{floats: y[:l.out]})
		return
	}
	turned := l.scratch.float(slotLeft, rows*l.out)
	l.run(x, rows, finisher{floats: turned})
	turn(y, turned, l.out, rows)
}

// Codes computes the codes of the epilogue, y [rows, out], of x [rows, in].
func (l *Linear8) Codes(y, x []uint8, rows int) {
	if rows == 1 {
		l.run(x, 1, finisher{codes: y[:l.out]})
		return
	}
	turned := l.scratch.byte(slotLeft, rows*l.out)
	l.run(x, rows, finisher{codes: turned})
	turn(y, turned, l.out, rows)
}

// run computes the transposed result: the rows of x are the product's columns.
func (l *Linear8) run(x []uint8, rows int, f finisher) {
	if rows == 0 || l.out == 0 {
		return
	}
	f.mach, f.ep, f.offset, f.ld = l.mach, &l.opt.Epilogue8, l.offset, rows
	wide := l.scratch.byte(slotPlane, rows*l.in+slack8)
	copy(wide, x[:rows*l.in])
	if l.cols.n != rows { // the same again for every image
		l.cols.rows(rows, l.in, l.order, l.product.lanes)
	}
	l.product.multiply(wide, &l.cols, &f, l.scratch)
}

// rows describes the transpose of a matrix of n rows of in codes.
func (c *columns8) rows(n, in int, order []int32, lanes int) {
	*c = columns8{n: n, koff: make([]int32, (len(order)+lanes-1)/lanes*lanes), base: make([]int32, panels(n)*nr)}
	for p, e := range order {
		c.koff[p] = max(0, e) // empty slots, whose weight is zero, read any code
	}
	for j := range c.base {
		c.base[j] = int32(min(j, n-1) * in)
	}
	c.classify()
}
