//go:build js

package main

import (
	"math"
	"time"
	"unsafe"

	"dropquant/engine/kernel"
)

// The inner loop of every matrix product, as package kernel declares it.

//go:wasmimport kernel gemm_f32_rows
//go:noescape
func gemmRows() int32

//go:wasmimport kernel gemm_f32_rx8
//go:noescape
func gemm(c, a, b, bias, add unsafe.Pointer, m, panels, k, ldc, ldadd, flags int32, lo, hi float32)

// Sizes of BenchmarkPeak in package kernel: a panel by two panels, which all stay in the first-level cache.
const (
	depth  = 384
	width  = 16
	done   = 2 // the flag of the last block of the inner dimension
	turns  = 100
	trials = 10
)

var left, right, tile []float32

// peak returns the GFLOPS of the quickest of a few trials of that loop.
func peak() float64 {
	rows := gemmRows()
	if left == nil {
		left, right, tile = make([]float32, rows*depth), make([]float32, width*depth), make([]float32, rows*width)
		for i := range left {
			left[i] = float32(i%7) / 7
		}
		for i := range right {
			right[i] = float32(i%5) / 5
		}
	}
	at := func(x []float32) unsafe.Pointer { return unsafe.Pointer(unsafe.SliceData(x)) }
	lo, hi := float32(math.Inf(-1)), float32(math.Inf(1))
	least := time.Duration(math.MaxInt64)
	for range trials {
		began := time.Now()
		for range turns {
			gemm(at(tile), at(left), at(right), nil, nil, rows, width/8, depth, width, width, done, lo, hi)
		}
		least = min(least, time.Since(began))
	}
	return 2 * turns * float64(rows) * width * depth / least.Seconds() / 1e9
}

// product returns the GFLOPS of the quickest of some matrix products, and of the loop, which is run before each.
func product(rounds int) [2]float64 {
	const m, n, k = 252, 784, 1152
	w, x, y := make([]float32, m*k), make([]float32, k*n), make([]float32, m*n)
	for i := range w {
		w[i] = float32(i%7) / 7
	}
	for i := range x {
		x[i] = float32(i%5) / 5
	}
	p := kernel.PackGemm(m, k, w)
	best, least := 0.0, time.Duration(math.MaxInt64)
	for range rounds {
		best = max(best, peak())
		began := time.Now()
		for range trials {
			p.Mul(n, x, n, y, n, kernel.Epilogue{})
		}
		least = min(least, time.Since(began)/trials)
	}
	return [2]float64{2 * m * n * k / least.Seconds() / 1e9, best}
}
