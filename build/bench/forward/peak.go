//go:build js

package main

import (
	"math"
	"time"
	"unsafe"
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

var left, right, product []float32

// peak returns the GFLOPS of the quickest of a few trials of that loop.
func peak() float64 {
	rows := gemmRows()
	if left == nil {
		left, right, product = make([]float32, rows*depth), make([]float32, width*depth), make([]float32, rows*width)
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
			gemm(at(product), at(left), at(right), nil, nil, rows, width/8, depth, width, width, done, lo, hi)
		}
		least = min(least, time.Since(began))
	}
	return 2 * turns * float64(rows) * width * depth / least.Seconds() / 1e9
}
