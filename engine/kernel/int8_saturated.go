package kernel

// A riskyPair is two neighbouring slots whose products may add up to more than
// 16 bits hold.
type riskyPair struct {
	at [2]int32 // what is added to a column's base
	w  [2]int32
}

// Saturated adds to counts[o] how many pairs of products of output channel o
// were changed by saturation in one image. The convolution is Paired. It looks
// only at pairs whose weights allow it, one output at a time.
func (c *Conv8) Saturated(counts []int64, x []uint8) {
	if c.opt.Sums != Paired {
		panic("bug: saturated pairs of a convolution that has none")
	}
	if c.outputs() == 0 || c.safe {
		return
	}
	if c.risky == nil {
		c.findRisky()
	}
	x, area := c.padded(x[:c.shape.InC*c.shape.InH*c.shape.InW])
	for o, pairs := range c.risky {
		from := x[o/c.group*c.shape.InC/c.shape.Group*area:]
		n := int64(0)
		for _, p := range pairs {
			for _, b := range c.cols.base[:c.cols.n] {
				sum := p.w[0]*int32(from[b+p.at[0]]) + p.w[1]*int32(from[b+p.at[1]])
				if sum != saturate16(sum) {
					n++
				}
			}
		}
		counts[o] += n
	}
}

func (c *Conv8) findRisky() {
	order := completeOrder(c.opt.Order, len(c.weights)/c.shape.OutC)
	c.risky = make([][]riskyPair, c.shape.OutC)
	for o := range c.risky {
		row := c.weights[o*len(c.weights)/c.shape.OutC:]
		for p := 0; p+1 < len(order); p += 2 {
			if order[p] < 0 || order[p+1] < 0 {
				continue
			}
			if a, b := row[order[p]], row[order[p+1]]; risky(a, b) {
				c.risky[o] = append(c.risky[o], riskyPair{[2]int32{c.cols.koff[p], c.cols.koff[p+1]}, [2]int32{int32(a), int32(b)}})
			}
		}
	}
}

// anyRisky reports whether weights of rows of k, in that order, have such a pair.
func anyRisky(w []int8, k int, order []int32) bool {
	for ; len(w) > 0; w = w[k:] {
		for p := 0; p+1 < len(order); p += 2 {
			if order[p] >= 0 && order[p+1] >= 0 && risky(w[order[p]], w[order[p+1]]) {
				return true
			}
		}
	}
	return false
}
