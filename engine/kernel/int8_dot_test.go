package kernel

import "testing"

// TestDot says which product of four bytes each machine has, and by it how
// integer products are computed.
func TestDot(t *testing.T) {
	for _, m := range machines(t) {
		if m.gemmQuads == nil {
			t.Logf("%s has no product of four bytes", m.name)
			continue
		}
		if got := probeDot(m.rows8, m.gemmQuads); m.dot != dotNone && got != m.dot { // once optimized, a kernel may be right that was not
			t.Errorf("%s: the product of four bytes is of kind %d, not %d", m.name, got, m.dot)
		}
		t.Logf("%s: product of four bytes of kind %d; exact sums by %d lanes", m.name, m.dot, m.scheme(Exact).lanes)
	}
}
