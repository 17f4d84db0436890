package kernel

import "testing"

// TestDot says which products of four bytes each machine has, and how integer
// products are computed by them.
func TestDot(t *testing.T) {
	for _, m := range machines(t) {
		if m.dot != dotNone && probeDot(m.rows8, m.gemmQuads) != m.dot {
			t.Errorf("%s: the product of four bytes is not of kind %d", m.name, m.dot)
		}
		if probeDot(m.rows8, m.gemmPaired) != dotSaturating {
			t.Errorf("%s: pairs do not saturate", m.name)
		}
		if m.dot != dotNone && m.columnQuads != nil && !probeColumn(m.rows8, m.columnQuads, m.dot) || m.columnPaired != nil && !probeColumn(m.rows8, m.columnPaired, dotSaturating) {
			t.Errorf("%s: the products of one column are of another kind", m.name)
		}
		t.Logf("%s: product of four bytes of kind %d, quick pairs: %v", m.name, m.dot, m.quickPairs)
	}
}
