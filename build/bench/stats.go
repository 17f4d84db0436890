package main

import "slices"

// median returns the middle of some numbers, of two in the middle their mean.
func median(x []float64) float64 {
	x = slices.Sorted(slices.Values(x))
	n := len(x)
	if n == 0 {
		return 0
	}
	return (x[(n-1)/2] + x[n/2]) / 2
}

// ratios divides pair by pair.
func ratios(a, b []float64) []float64 {
	out := make([]float64, len(a))
	for i := range a {
		out[i] = a[i] / b[i]
	}
	return out
}

// gflops is the rate of so many multiply-accumulates in so many milliseconds, each counted as two operations.
func gflops(macs int64, ms float64) float64 { return 2 * float64(macs) / ms / 1e6 }
