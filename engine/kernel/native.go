//go:build !js

package kernel

import (
	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/gonum"
)

// newNative returns the native machine: the reference loops, with gonum's BLAS
// for matrix products.
func newNative() *machine {
	m := newReference()
	m.name, m.rows, m.sgemm = "native", 0, sgemm
	return m
}

// sgemm computes c[m, n] = op(a)·op(b), row-major. gonum passes over zeros of
// a, so an infinite or NaN element of b times zero counts as zero when b is
// not transposed.
func sgemm(transA, transB bool, m, n, k int, a []float32, lda int, b []float32, ldb int, c []float32, ldc int) {
	var impl gonum.Implementation
	impl.Sgemm(transpose(transA), transpose(transB), m, n, k, 1, a, lda, b, ldb, 0, c, ldc)
}

func transpose(t bool) blas.Transpose {
	if t {
		return blas.Trans
	}
	return blas.NoTrans
}
