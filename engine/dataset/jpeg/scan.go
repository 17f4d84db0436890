package jpeg

// scan is the header of a scan and the state of reading it.
type scan struct {
	bits
	comps      []*component
	start, end int  // spectral selection, zigzag indices
	high, low  uint // successive approximation
	eobRun     int
	block      [64]int32
	decode     func(*scan, *component, int) bool // one block by its index; false when it makes no sense
}

// scan reads a scan's header and its data, and leaves d.at behind it.
func (d *decoder) scan(b []byte) error {
	d.scans++
	if d.comps == nil || d.scans > maxScans {
		return damaged(d.at, "scan without a frame, or too many")
	}
	s, err := d.readScan(b)
	if err != nil {
		return err
	}
	s.bits = bits{data: d.data, at: d.at}
	if len(s.comps) == 1 {
		err = d.single(s)
	} else {
		err = d.interleaved(s)
	}
	d.at = s.at
	return err
}

// readScan reads the header, T.81 B.2.3.
func (d *decoder) readScan(b []byte) (*scan, error) {
	bad := damaged(d.at, "bad scan header")
	if len(b) < 1 || b[0] < 1 || b[0] > 4 || len(b) < 4+2*int(b[0]) {
		return nil, bad
	}
	n := int(b[0])
	s := &scan{start: int(b[1+2*n]), end: int(b[2+2*n]), high: uint(b[3+2*n] >> 4), low: uint(b[3+2*n] & 15)}
	for i := range n {
		c := d.component(b[1+2*i])
		dc, ac := b[2+2*i]>>4, b[2+2*i]&15
		if c == nil || dc > 3 || ac > 3 {
			return nil, bad
		}
		c.dcTable, c.acTable = &d.huff[0][dc], &d.huff[1][ac]
		c.dc, c.seen = 0, true
		s.comps = append(s.comps, c)
		c.allocate(d.progressive)
	}
	switch {
	case !d.progressive:
		s.decode = (*scan).baseline
	case s.end > 63 || s.start > s.end || s.low > 13 || s.start == 0 && s.end != 0 || s.start > 0 && n != 1:
		return nil, bad
	case s.start == 0 && s.high == 0:
		s.decode = (*scan).dcStart
	case s.start == 0:
		s.decode = (*scan).dcRefine
	case s.high == 0:
		s.decode = (*scan).acStart
	default:
		s.decode = (*scan).acRefine
	}
	return s, nil
}

func (d *decoder) component(id uint8) *component {
	for i := range d.comps {
		if d.comps[i].id == id {
			return &d.comps[i]
		}
	}
	return nil
}

func (c *component) allocate(progressive bool) {
	if c.pix == nil {
		c.pix = make([]uint8, c.blocks*64)
	}
	if progressive && c.coef == nil {
		c.coef = make([]int16, c.blocks*64)
	}
}

// single reads a scan of one component: its blocks in order, without those
// that only fill up MCUs.
func (d *decoder) single(s *scan) error {
	c, n := s.comps[0], 0
	for y := range c.down {
		for x := range c.across {
			if err := d.boundary(s, n); err != nil {
				return err
			}
			n++
			if !s.decode(s, c, y*c.stride+x) {
				return damaged(s.at, "impossible code")
			}
		}
	}
	return s.finish()
}

// interleaved reads a scan of MCUs: h x v blocks of each component.
func (d *decoder) interleaved(s *scan) error {
	n := 0
	across, down := ceil(d.w, 8*d.hmax), ceil(d.h, 8*d.vmax)
	for my := range down {
		for mx := range across {
			if err := d.boundary(s, n); err != nil {
				return err
			}
			n++
			for _, c := range s.comps {
				for y := my * c.v; y < (my+1)*c.v; y++ {
					for x := mx * c.h; x < (mx+1)*c.h; x++ {
						if !s.decode(s, c, y*c.stride+x) {
							return damaged(s.at, "impossible code")
						}
					}
				}
			}
		}
	}
	return s.finish()
}

// finish checks that the scan did not need more data than there was.
func (s *scan) finish() error {
	if !s.past() {
		return nil
	}
	if s.at >= len(s.data)-1 {
		return truncated(len(s.data))
	}
	return damaged(s.at, "marker in the middle of the image")
}

// boundary runs before MCU n: it stops at missing data and reads restart markers.
func (d *decoder) boundary(s *scan, n int) error {
	if s.past() {
		return s.finish()
	}
	if d.restart == 0 || n == 0 || n%d.restart != 0 {
		return nil
	}
	for s.at+1 < len(s.data) && (s.data[s.at] != 0xff || s.data[s.at+1] == 0 || s.data[s.at+1] == 0xff) {
		s.at++
	}
	if s.at+1 >= len(s.data) {
		return truncated(len(s.data))
	}
	if m := s.data[s.at+1]; m < mRST0 || m > mRST7 {
		return damaged(s.at, "missing restart marker")
	}
	s.bits = bits{data: s.data, at: s.at + 2}
	s.eobRun = 0
	for _, c := range s.comps {
		c.dc = 0
	}
	return nil
}

// baseline decodes, dequantizes and transforms one block, T.81 F.2.
func (s *scan) baseline(c *component, index int) bool {
	b := &s.block
	t, ok := s.symbol(c.dcTable)
	if !ok || t > 15 {
		return false
	}
	c.dc += s.value(int(t))
	dc := c.dc * c.quant[0]
	last := 0
	acc, n, fast, quant := s.acc, s.n, &c.acTable.fast, c.quant // in registers
	for k := 1; k < 64; k++ {
		if n < 32 {
			s.n = n
			s.fill()
			acc, n = s.acc, s.n
		}
		e := fast[acc>>((n-lookBits)&63)&(1<<lookBits-1)]
		rs := uint8(e)
		if e != 0 {
			n -= int(e >> 8)
		} else {
			s.n = n
			if rs, ok = s.long(c.acTable); !ok {
				return false
			}
			n = s.n
		}
		size := int(rs & 15)
		if size == 0 {
			if rs != 0xf0 {
				break
			}
			k += 15
			continue
		}
		k += int(rs >> 4)
		if k > 63 {
			return false
		}
		n -= size
		v := int(acc >> (n & 63) & (1<<size - 1))
		if v>>(size-1) == 0 { // negative when the leading bit is 0
			v -= 1<<size - 1
		}
		if last == 0 {
			*b = [64]int32{}
		}
		at := zigzag[k] & 63
		b[at] = int32(v) * quant[at]
		last = k
	}
	s.n = n
	dst := c.pix[index/c.stride*c.stride*64+index%c.stride*8:]
	if last == 0 {
		flat(dst, c.stride*8, dc)
		return true
	}
	b[0] = dc
	idct(b, dst, c.stride*8)
	return true
}
