package observe

// Outside returns the share, 0…1, of the values that lie outside lo…hi, to the bin: a bin counts when all of it does.
func (h Histogram) Outside(lo, hi float32) float64 {
	if h.Total == 0 {
		return 0
	}
	return float64(beyond(h.Pos, h.Width, float64(hi))+beyond(h.Neg, h.Width, -float64(lo))) / float64(h.Total)
}

// beyond sums the bins of one side that lie beyond end.
func beyond(bins []uint64, width, end float64) (n uint64) {
	for i, c := range bins {
		if float64(i)*width >= end {
			n += c
		}
	}
	return n
}
