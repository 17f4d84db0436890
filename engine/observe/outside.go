package observe

// Outside returns the share, 0…1, of the values that lie outside lo…hi, which contains 0, to the bin: a bin counts when
// all of it does.
func (h Histogram) Outside(lo, hi float32) float64 {
	if h.Total == 0 {
		return 0
	}
	return float64(beyond(h.Pos, 1, h.Width, float64(hi))+beyond(h.Neg, 0, h.Width, -float64(lo))) / float64(h.Total)
}

// beyond sums the bins of one side, from the first that does not hold 0, that lie beyond end.
func beyond(bins []uint64, first int, width, end float64) (n uint64) {
	for i := first; i < len(bins); i++ {
		if float64(i)*width >= end {
			n += bins[i]
		}
	}
	return n
}
