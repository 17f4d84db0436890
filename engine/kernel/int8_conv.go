package kernel

// Conv8Options say how an integer convolution adds and what follows it.
type Conv8Options struct {
	Sums Sums
	// Order gives the inner element (c·KH·KW + ky·KW + kx, with c counted within
	// the group) of each slot, each once, and -1 for an empty slot. It decides
	// which products make a pair. nil is the order in which weights are stored.
	Order []int32
	// Zero is the code of the padding, the zero point of the input. Zero·Σw is
	// taken off the sum, exactly also when pairs saturate.
	Zero uint8
	Epilogue8
}

// Conv8 is a convolution of codes by signed weights, packed and with its
// algorithm chosen. It is not for use by two goroutines at once.
type Conv8 struct {
	shape    ConvShape
	mach     *machine
	opt      Conv8Options
	plane    plane
	group    int     // output channels of a group
	offset   []int32 // Offset and what makes up for zero points
	weights  []int8
	products []*product8   // one for each group, unless by dw or wino
	cols     columns8      // of their right operand
	wino     *winograd8    // or nil
	dw       *depthwise8   // or nil
	copied   bool          // the input is first copied with its padding
	safe     bool          // no pair can saturate
	risky    [][]riskyPair // of each output channel, once Saturated asked
	scratch  *Scratch
}

// NewConv8 prepares a convolution with weights w [outC, inC/group, kh, kw].
func NewConv8(s ConvShape, w []int8, opt Conv8Options) *Conv8 { return newConv8(active, s, w, opt) }

func newConv8(mach *machine, s ConvShape, w []int8, opt Conv8Options) *Conv8 {
	return newConv8By(mach, s, w, opt, winogradPays8)
}

// newConv8By transforms what pays says and what can be.
func newConv8By(mach *machine, s ConvShape, w []int8, opt Conv8Options, pays func(mach *machine, s *ConvShape) bool) *Conv8 {
	opt.complete()
	k := s.InC / s.Group * s.KH * s.KW
	c := &Conv8{shape: s, mach: mach, opt: opt, plane: s.plane(), group: s.OutC / s.Group, weights: w[:s.OutC*k], scratch: NewScratch()}
	c.copied = int(c.plane[planePH]) != s.InH || int(c.plane[planePW]) != s.InW
	zero, sums, order := int32(opt.Zero), opt.Sums, completeOrder(opt.Order, k)
	if sums == Paired && !anyRisky(c.weights, k, order) {
		sums, c.safe = Exact, true
	}
	if sums == Exact {
		c.wino = newWinograd8(mach, &s, &c.plane, c.weights, pays)
	}
	switch {
	case c.wino != nil:
		zero -= winoCentre
		c.copied = true // into what has slack behind
	case s.Group > 1 && s.InC == s.Group && c.group <= maxMultiplier && sums == Exact:
		c.dw = newDepthwise8(mach, &s, &c.plane, c.weights)
	default:
		c.products = newProducts8(mach, sums, s.Group, c.group, k, c.weights, order)
		zero -= int32(c.products[0].flip) // codes less 128 were added
		c.indexColumns(order, c.products[0].lanes)
	}
	c.offset = offsets(opt.Offset, c.weights, s.OutC, k, zero)
	return c
}

// offsets returns offset - zero·Σw for each of rows rows of weights.
func offsets(offset []int32, w []int8, rows, k int, zero int32) []int32 {
	list := make([]int32, rows)
	copy(list, offset)
	for o := range list {
		for _, v := range w[o*k : (o+1)*k] {
			list[o] -= zero * int32(v)
		}
	}
	return list
}

// completeOrder returns the order of k inner elements, the stored one for nil.
func completeOrder(order []int32, k int) []int32 {
	if order == nil {
		for i := range k {
			order = append(order, int32(i))
		}
		return order
	}
	seen, n := make([]bool, k), 0
	for _, e := range order {
		if e < 0 {
			continue
		}
		if int(e) >= k || seen[e] {
			panic("bug: the order of an integer product names an element twice or one that is not there")
		}
		seen[e] = true
		n++
	}
	if n != k {
		panic("bug: the order of an integer product leaves elements out")
	}
	return order
}

// indexColumns lists where the padded input holds the slots and the output
// positions. Empty slots, whose weight is zero, read any code.
func (c *Conv8) indexColumns(order []int32, lanes int) {
	s, pw := &c.shape, int(c.plane[planePW])
	area, n := int(c.plane[planePH])*pw, s.OutH*s.OutW
	c.cols = columns8{n: n, koff: make([]int32, (len(order)+lanes-1)/lanes*lanes), base: make([]int32, panels(n)*nr)}
	for p, e := range order {
		if e >= 0 {
			e, x := int(e)/s.KW, int(e)%s.KW
			c.cols.koff[p] = int32(e/s.KH*area + e%s.KH*s.DilationH*pw + x*s.DilationW)
		}
	}
	for j := range c.cols.base {
		j1 := min(j, n-1)
		c.cols.base[j] = int32(j1/s.OutW*s.StrideH*pw + j1%s.OutW*s.StrideW)
	}
	c.cols.classify()
	c.copied = c.copied || !c.cols.runs()
}

// Share makes the convolution work in s, and returns c.
func (c *Conv8) Share(s *Scratch) *Conv8 {
	c.scratch = s
	return c
}

// Sums computes the sums s of the epilogue, y [outC, outH, outW], of one image.
func (c *Conv8) Sums(y []int32, x []uint8) { c.run(x, finisher{sums: y[:c.outputs()]}) }

// Float computes f of the epilogue. add has the layout of y, or is nil.
func (c *Conv8) Float(y []float32, x []uint8, add []float32) {
	c.run(x, finisher{floats: y[:c.outputs()], add: add})
}

// Codes computes the codes of the epilogue. add has the layout of y, or is nil.
func (c *Conv8) Codes(y []uint8, x []uint8, add []float32) {
	c.run(x, finisher{codes: y[:c.outputs()], add: add})
}

func (c *Conv8) outputs() int { return c.shape.OutC * c.shape.OutH * c.shape.OutW }

func (c *Conv8) run(x []uint8, f finisher) {
	s := &c.shape
	f.mach, f.ep, f.offset, f.ld = c.mach, &c.opt.Epilogue8, c.offset, s.OutH*s.OutW
	if c.outputs() == 0 {
		return
	}
	if f.add != nil {
		f.add = f.add[:c.outputs()]
	}
	x = x[:s.InC*s.InH*s.InW]
	if c.dw != nil {
		c.dw.run(c.mach, s, x, c.opt.Zero, &f, c.scratch)
		return
	}
	x, area := c.padded(x)
	if c.wino != nil {
		c.wino.run(c.mach, x, area, int(c.plane[planePW]), s.InC, s.OutC, s.OutW, &f, c.scratch)
		return
	}
	for g, p := range c.products {
		f.first = g * c.group
		p.multiply(x[g*s.InC/s.Group*area:], &c.cols, &f, c.scratch)
	}
}

// padded returns the input with its padding, and the size of a channel of it.
func (c *Conv8) padded(x []uint8) (wide []uint8, area int) {
	s, ph, pw := &c.shape, int(c.plane[planePH]), int(c.plane[planePW])
	if !c.copied {
		return x, s.InH * s.InW
	}
	wide = c.scratch.byte(slotPlane, s.InC*ph*pw+slack8)
	c.mach.pad8(wide[:s.InC*ph*pw], x, s.InC, s.InH, s.InW, ph, pw, s.PadTop, s.PadLeft, int(c.opt.Zero))
	return wide, ph * pw
}
