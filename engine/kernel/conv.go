package kernel

// ConvShape is the geometry of a convolution of one image: x [inC, inH, inW],
// w [outC, inC/group, kh, kw], y [outC, outH, outW]. Pads are not negative.
type ConvShape struct {
	InC, OutC, Group                     int
	InH, InW, OutH, OutW                 int
	KH, KW, StrideH, StrideW             int
	DilationH, DilationW                 int
	PadTop, PadLeft, PadBottom, PadRight int
}

// MACs returns the number of multiplications of one image.
func (s *ConvShape) MACs() int64 {
	return int64(s.OutC) * int64(s.OutH) * int64(s.OutW) * int64(s.InC/s.Group) * int64(s.KH) * int64(s.KW)
}

// Conv is a convolution with its weights packed and its algorithm chosen. It
// is not for use by two goroutines at once.
type Conv struct {
	shape   ConvShape
	mach    *machine
	ep      Epilogue
	plane   plane
	group   int       // output channels of a group
	weights []float32 // for each group packed as the algorithm wants it
	cols    columns   // unless depthwise
	geom    []int32   // the plane's numbers, if depthwise
	wino    *winograd // or nil
	padded  bool      // the input is first copied with its padding
	scratch *Scratch
}

// maxMultiplier is the largest number of outputs per input channel for which a
// convolution of single channels runs as a depthwise one.
const maxMultiplier = 4

// NewConv prepares y = act(conv(x, w) + bias + add) with ep's activation; bias
// may be nil, and ep's own Bias and Add are not read. 3x3 convolutions are
// transformed (Winograd) where that is quicker; exact keeps to sums of the
// products themselves.
func NewConv(s ConvShape, w, bias []float32, ep Epilogue, exact bool) *Conv {
	size := 0
	if !exact {
		size = chooseWinograd(active, &s)
	}
	return newConv(active, s, w, bias, ep, size)
}

// newConv is NewConv with tiles of a given size, 0 for none.
func newConv(mach *machine, s ConvShape, w, bias []float32, ep Epilogue, size int) *Conv {
	ep.Bias, ep.Add = bias, nil
	c := &Conv{shape: s, mach: mach, ep: ep, plane: s.plane(), group: s.OutC / s.Group, scratch: NewScratch()}
	c.padded = int(c.plane[planePH]) != s.InH || int(c.plane[planePW]) != s.InW
	k := s.InC / s.Group * s.KH * s.KW
	w = w[:s.OutC*k]
	if s.Group > 1 && s.InC == s.Group && c.group <= maxMultiplier {
		c.weights = w
		if c.group > 1 {
			c.plane[planeChannels] = 1
		}
		c.geom = append([]int32(nil), c.plane[:]...)
		return c
	}
	if size > 0 {
		if c.wino = newWinograd(mach, &s, &c.plane, w, size); c.wino != nil {
			return c
		}
	}
	c.weights = w
	if mach.rows > 0 {
		c.weights = make([]float32, len(w))
		for g := range s.Group {
			at := g * c.group * k
			packLeft(mach, c.weights[at:], w[at:at+c.group*k], c.group, k, blockDepth(k), k, 1)
		}
	}
	c.index(k)
	return c
}

// index lists where the padded input holds the taps and the output positions.
func (c *Conv) index(k int) {
	s, pw := &c.shape, int(c.plane[planePW])
	area := int(c.plane[planePH]) * pw
	n := s.OutH * s.OutW
	c.cols = columns{n: n, koff: make([]int32, 0, k), base: make([]int32, panels(n)*nr), kind: make([]int32, panels(n))}
	for ch := range s.InC / s.Group {
		for y := range s.KH {
			for x := range s.KW {
				c.cols.koff = append(c.cols.koff, int32(ch*area+y*s.DilationH*pw+x*s.DilationW))
			}
		}
	}
	for j := range c.cols.base {
		j1 := min(j, n-1)
		c.cols.base[j] = int32(j1/s.OutW*s.StrideH*pw + j1%s.OutW*s.StrideW)
	}
	c.cols.classify()
}

// ConvMemory estimates the bytes that the packed weights of a convolution take, with the
// tables of its places, and those of its scratch.
func ConvMemory(s *ConvShape, exact bool) (weights, scratch int64) {
	weights = 4*int64(s.OutC)*int64(s.InC/s.Group)*int64(s.KH)*int64(s.KW) + 9*int64(s.OutH)*int64(s.OutW)/2
	area := int64(s.InH+s.PadTop+s.PadBottom) * int64(s.InW+s.PadLeft+s.PadRight)
	scratch = 4 * (int64(s.InC)*area + blockFloats)
	if size := chooseWinograd(active, s); size > 0 && !exact {
		points := (size + 2) * (size + 2)
		total := panels(winoTiles(s.OutH, size) * winoTiles(s.OutW, size))
		weights = 4*int64(points*s.OutC*s.InC) + int64(2*4*nr*total)
		scratch += 4 * int64(points*winoWidth(total, points, s.InC, s.OutC)*nr*(s.InC+s.OutC))
	}
	return weights, scratch
}

// Share makes the convolution work in s, and returns c.
func (c *Conv) Share(s *Scratch) *Conv {
	c.scratch = s
	return c
}

// Run computes one image. add has the layout of y, or is nil.
func (c *Conv) Run(y, x, add []float32) {
	s, area := &c.shape, c.shape.OutH*c.shape.OutW
	if area == 0 || s.OutC == 0 {
		return
	}
	y, x = y[:s.OutC*area], x[:s.InC*s.InH*s.InW]
	if add != nil {
		add = add[:len(y)]
	}
	if c.geom != nil {
		c.runDepthwise(y, x, add)
		return
	}
	x, inArea := c.pad(x)
	if c.wino != nil {
		ep := c.ep
		ep.Add = add
		c.wino.run(c.mach, y, area, s.OutW, x, inArea, int(c.plane[planePW]), s.InC, s.OutC, &ep, c.scratch)
		return
	}
	in, k := s.InC/s.Group, len(c.cols.koff)
	for g := range s.Group {
		ep := c.ep
		at := g * c.group
		if ep.Bias != nil {
			ep.Bias = ep.Bias[at : at+c.group]
		}
		if add != nil {
			ep.Add = add[at*area : (at+c.group)*area]
		}
		to, from, w := y[at*area:(at+c.group)*area], x[g*in*inArea:], c.weights[at*k:(at+c.group)*k]
		if c.mach.rows > 0 {
			multiply(c.mach, to, area, w, c.group, k, from, &c.cols, &ep, c.scratch)
		} else {
			multiplyRows(c.mach, to, w, c.group, from, &c.cols, &ep, c.scratch)
		}
	}
}

// pad returns the input with its padding, and how large a channel of it is.
func (c *Conv) pad(x []float32) (wide []float32, area int) {
	s, p := &c.shape, &c.plane
	if !c.padded {
		return x, s.InH * s.InW
	}
	area = int(p[planePH]) * int(p[planePW])
	wide = c.scratch.float(slotPlane, s.InC*area+planeSlack)
	c.mach.pad(wide, x, s.InC, s.InH, s.InW, int(p[planePH]), int(p[planePW]), s.PadTop, s.PadLeft, 0)
	return wide, area
}

func (c *Conv) runDepthwise(y, x, add []float32) {
	s := &c.shape
	inArea, area, taps := s.InH*s.InW, s.OutH*s.OutW, s.KH*s.KW
	lo, hi, rest := c.ep.clamp()
	flags := 0
	if c.ep.Bias != nil {
		flags |= flagBias
	}
	if add != nil {
		flags |= flagAdd
	}
	wide := c.scratch.float(slotPlane, c.plane.size())
	if c.group == 1 {
		c.mach.depthwise(y, x, c.weights, c.ep.Bias, add, wide, c.geom, flags, lo, hi)
	} else {
		for o := range s.OutC {
			var b, a []float32
			if c.ep.Bias != nil {
				b = c.ep.Bias[o:]
			}
			if add != nil {
				a = add[o*area:]
			}
			c.mach.depthwise(y[o*area:], x[o/c.group*inArea:], c.weights[o*taps:], b, a, wide, c.geom, flags, lo, hi)
		}
	}
	if rest {
		unaryRows(c.mach, &c.ep, y, s.OutC, area, area)
	}
}

// rowBlock is how many output positions multiplyRows gathers at a time, in
// elements: about a second-level cache.
const rowBlock = 64 << 10

// multiplyRows is multiply on a machine that multiplies row-major matrices. A
// gathered column lies along a row, so that the product is one of dot products.
func multiplyRows(mach *machine, c []float32, w []float32, m int, src []float32, cols *columns, ep *Epilogue, s *Scratch) {
	k, n := len(cols.koff), cols.n
	width := max(nr, min(n, rowBlock/max(k, 1)))
	buf := s.float(slotPanels, width*k)
	for j := 0; j < n; j += width {
		here := min(width, n-j)
		for i, b := range cols.base[j : j+here] {
			row, from := buf[i*k:(i+1)*k], src[b:]
			for p, off := range cols.koff {
				row[p] = from[off]
			}
		}
		mach.sgemm(false, true, m, here, k, w, k, buf, k, c[j:], n)
	}
	ep.apply(mach, c, ep.Add, m, n, n)
}
