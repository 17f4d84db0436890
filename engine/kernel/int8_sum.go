package kernel

// A CodeSum is a sum of codes a and b as ONNX Runtime computes it, with fused
// multiply-adds and rounding half to even, on the grid of codes:
//
//	round(a·A + (b·B + Fixed))
//
// Signed codes are int8, others uint8.
type CodeSum struct {
	A, B, Fixed float32
	Signed      bool
}

// Quick reports whether Add is quicker here than looking sums up, and exact.
func (s *CodeSum) Quick() bool { return active.quickSums && s.small() }

// small reports whether sums of any codes can be rounded by adding 1.5·2^23.
func (s *CodeSum) small() bool { return 256*(absF32(s.A)+absF32(s.B))+absF32(s.Fixed) < 1<<22 }

// Add computes dst[i] of the bytes a[i] and b[i]. The slices may be the same.
func (s *CodeSum) Add(dst, a, b []uint8) { s.add(active, dst, a, b) }

func (s *CodeSum) add(mach *machine, dst, a, b []uint8) {
	flip := 0
	if s.Signed {
		flip = 128
	}
	mach.addCodes(dst, a[:len(dst)], b[:len(dst)], len(dst), flip, s.A, s.B, s.Fixed)
}
