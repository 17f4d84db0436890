package jpeg

// Progressive scans, T.81 annex G: each brings one bit plane of some
// coefficients; the pixels follow when all are there.

func (c *component) coefs(index int) *[64]int16 { return (*[64]int16)(c.coef[index*64:]) }

func (s *scan) dcStart(c *component, index int) bool {
	t, ok := s.symbol(c.dcTable)
	if !ok || t > 15 {
		return false
	}
	c.dc += s.value(int(t))
	c.coefs(index)[0] = int16(c.dc << s.low)
	return true
}

func (s *scan) dcRefine(c *component, index int) bool {
	c.coefs(index)[0] |= int16(s.take(1) << s.low)
	return true
}

func (s *scan) acStart(c *component, index int) bool {
	if s.eobRun > 0 {
		s.eobRun--
		return true
	}
	b := c.coefs(index)
	for k := s.start; k <= s.end; k++ {
		rs, ok := s.symbol(c.acTable)
		if !ok {
			return false
		}
		run, size := int(rs>>4), int(rs&15)
		if size == 0 {
			if run < 15 {
				s.eobRun = 1<<run - 1 + int(s.take(run))
				return true
			}
			k += 15
			continue
		}
		k += run
		if k > s.end {
			return false
		}
		b[zigzag[k]] = int16(s.value(size) << s.low)
	}
	return true
}

func (s *scan) acRefine(c *component, index int) bool {
	b := c.coefs(index)
	one := int16(1) << s.low
	k := s.start
	for s.eobRun == 0 && k <= s.end {
		rs, ok := s.symbol(c.acTable)
		if !ok {
			return false
		}
		run, size := int(rs>>4), rs&15
		var fresh int16
		switch {
		case size > 1:
			return false
		case size == 1:
			fresh = -one
			if s.take(1) == 1 {
				fresh = one
			}
		case run < 15:
			s.eobRun = 1<<run + int(s.take(run))
			run = 64
		}
		if s.eobRun > 0 {
			break
		}
		k = s.correct(b, k, run, one)
		if fresh != 0 {
			if k > s.end {
				return false
			}
			b[zigzag[k]] = fresh
		}
		k++
	}
	if s.eobRun > 0 {
		s.eobRun--
		s.correct(b, k, 64, one)
	}
	return true
}

// correct reads a bit for every coefficient that is not zero from k on, and
// stops at the zero after run zeros.
func (s *scan) correct(b *[64]int16, k, run int, one int16) int {
	for ; k <= s.end; k++ {
		v := &b[zigzag[k]]
		if *v == 0 {
			if run == 0 {
				break
			}
			run--
			continue
		}
		if s.take(1) == 1 && *v&one == 0 {
			if *v > 0 {
				*v += one
			} else {
				*v -= one
			}
		}
	}
	return k
}

// reconstruct turns the coefficients into pixels.
func (c *component) reconstruct() {
	var b [64]int32
	for i := range c.blocks {
		q := c.coefs(i)
		for k, v := range q {
			b[k] = int32(v) * c.quant[k]
		}
		idct(&b, c.pix[i/c.stride*c.stride*64+i%c.stride*8:], c.stride*8)
	}
	c.coef = nil
}
