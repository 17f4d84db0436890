package kernel

import (
	"fmt"
	"testing"
)

// naiveGemm is the definition of a product, in float64, with the sum of the
// magnitudes.
func naiveGemm(transA, transB bool, m, n, k int, a, b []float32, ep Epilogue) (c, mag []float64) {
	at := func(x []float32, trans bool, i, j, rows, cols int) float64 {
		if trans {
			return float64(x[j*rows+i])
		}
		return float64(x[i*cols+j])
	}
	for i := range m {
		for j := range n {
			var acc, abs float64
			plus := func(v float64) { acc += v; abs += max(v, -v) }
			for p := range k {
				plus(at(a, transA, i, p, m, k) * at(b, transB, p, j, k, n))
			}
			if ep.Bias != nil {
				plus(float64(ep.Bias[i]))
			}
			if ep.Add != nil {
				plus(float64(ep.Add[i*n+j]))
			}
			c, mag = append(c, acc), append(mag, abs)
		}
	}
	return c, mag
}

// gemmSizes are m, n, k around every tile height, panel width and block depth.
func gemmSizes() (list [][3]int) {
	for _, s := range sizes {
		list = append(list, [3]int{s, 17, 9}, [3]int{7, s, 5}, [3]int{13, 8, s})
	}
	return append(list, [3]int{5, 9, kBlock - 1}, [3]int{5, 9, kBlock}, [3]int{5, 9, kBlock + 1}, [3]int{6, 1, 2*kBlock + 3}, [3]int{3, 3, 0}, [3]int{1, 1, 1000}, [3]int{7, 264, 400})
}

func TestMul(t *testing.T) {
	each(t, func(t *testing.T, mach *machine) {
		for _, s := range gemmSizes() {
			m, n, k := s[0], s[1], s[2]
			a, b := random(1, m*k), random(2, k*n)
			for _, ep := range []Epilogue{{}, {Bias: random(3, m), Add: random(4, m*n), Act: Clip, Lo: -1, Hi: 2}, {Bias: random(3, m), Act: Tanh}} {
				want, mag := naiveGemm(false, false, m, n, k, a, b, ep)
				c := random(5, m*n)
				p := packGemm(mach, m, k, a)
				p.Mul(n, b, n, c, n, ep)
				checkSums(t, fmt.Sprint(s, " act ", ep.Act), c, want, mag, ep, k)
			}
		}
	})
}

func TestGemmTransposed(t *testing.T) {
	each(t, func(t *testing.T, mach *machine) {
		scratch := NewScratch()
		for _, s := range [][3]int{{1, 1, 1}, {5, 7, 3}, {8, 16, 4}, {9, 17, 33}, {31, 15, 63}, {3, 2, 500}} {
			m, n, k := s[0], s[1], s[2]
			a, b := random(1, m*k), random(2, k*n)
			for trans := range 4 {
				ta, tb := trans&1 != 0, trans&2 != 0
				lda, ldb := k, n
				if ta {
					lda = m
				}
				if tb {
					ldb = k
				}
				want, mag := naiveGemm(ta, tb, m, n, k, a, b, Epilogue{})
				c := random(5, m*n)
				gemm(mach, ta, tb, m, n, k, a, lda, b, ldb, c, n, Epilogue{}, scratch)
				checkSums(t, fmt.Sprint(s, ta, tb), c, want, mag, Epilogue{}, k)
			}
		}
	})
}

// TestMulStrided multiplies into the middle of a wider matrix and looks that
// nothing around it changes.
func TestMulStrided(t *testing.T) {
	each(t, func(t *testing.T, mach *machine) {
		const m, n, k, ldb, ldc = 7, 11, 5, 13, 19
		a, b := random(1, m*k), random(2, k*ldb)
		c, before := random(3, m*ldc), random(3, m*ldc)
		tight := make([]float32, 0, k*n)
		for r := range k {
			tight = append(tight, b[r*ldb:r*ldb+n]...)
		}
		want, _ := naiveGemm(false, false, m, n, k, a, tight, Epilogue{})
		packGemm(mach, m, k, a).Mul(n, b, ldb, c[4:], ldc, Epilogue{})
		for i, v := range c {
			r, q := i/ldc, i%ldc-4
			exact := before[i]
			if q >= 0 && q < n {
				exact = float32(want[r*n+q])
			}
			if !near(v, exact, 1e-5, 1e-5) {
				t.Fatalf("row %d, column %d is %v, want %v", r, q, v, exact)
			}
		}
	})
}

// TestPanelRows says what packLeft and every gemm rely on: heights add up, and
// no panel but an only one is less than half as high as it may be.
func TestPanelRows(t *testing.T) {
	for rows := 1; rows <= 8; rows++ {
		for m := 1; m < 40; m++ {
			left, total := m, 0
			for left > 0 {
				h := panelRows(left, rows)
				if h < 1 || h > rows || m >= rows && 2*h < rows {
					t.Fatalf("%d of %d rows: height %d of %d", left, m, h, rows)
				}
				left, total = left-h, total+h
			}
			if total != m {
				t.Fatalf("%d rows became %d", m, total)
			}
		}
	}
}
