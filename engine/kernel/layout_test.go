package kernel

import (
	"fmt"
	"testing"
)

func TestTransposeKernel(t *testing.T) {
	each(t, func(t *testing.T, m *machine) {
		for _, rows := range []int{1, 2, 3, 4, 5, 7, 8, 9, 17} {
			for _, cols := range []int{1, 2, 3, 4, 5, 8, 11, 33} {
				src := random(1, 2*rows*cols)
				got, want := make([]float32, len(src)), make([]float32, len(src))
				m.transpose(got, src, 2, rows, cols)
				reference.transpose(want, src, 2, rows, cols)
				compare(t, fmt.Sprint(rows, "x", cols), got, want, 0, 0)
			}
		}
	})
}

func TestTranspose(t *testing.T) {
	for _, c := range []struct{ shape, perm []int }{
		{[]int{6}, []int{0}},
		{[]int{3, 4}, []int{1, 0}},
		{[]int{3, 4}, []int{0, 1}},
		{[]int{2, 3, 4}, []int{0, 2, 1}},
		{[]int{2, 3, 4}, []int{2, 1, 0}},
		{[]int{2, 3, 4}, []int{1, 0, 2}},
		{[]int{1, 3, 4, 5}, []int{0, 2, 3, 1}},
		{[]int{1, 2, 3, 4, 5}, []int{0, 2, 1, 3, 4}},
		{[]int{2, 3, 4, 5}, []int{3, 1, 0, 2}},
		{[]int{2, 1, 3, 1}, []int{3, 2, 1, 0}},
		{[]int{1, 1}, []int{1, 0}},
		{[]int{}, []int{}},
		{[]int{2, 0, 3}, []int{2, 1, 0}},
	} {
		n := 1
		for _, d := range c.shape {
			n *= d
		}
		src := random(1, n)
		got, want := make([]float32, n), make([]float32, n)
		Transpose(got, src, c.shape, c.perm)
		for i := range want { // of the result
			rest, from := i, 0
			index := make([]int, len(c.perm))
			for a := len(c.perm) - 1; a >= 0; a-- {
				index[c.perm[a]] = rest % c.shape[c.perm[a]]
				rest /= c.shape[c.perm[a]]
			}
			for a, d := range c.shape {
				from = from*d + index[a]
			}
			want[i] = src[from]
		}
		compare(t, fmt.Sprint(c), got, want, 0, 0)
	}
}

func TestResize(t *testing.T) {
	src := []float32{1, 2, 3, 4, 5, 6}
	near := make([]float32, 12)
	ResizeNearest(near, src, 1, 2, 3, []int32{0, 0, 1}, []int32{0, 1, 1, 2})
	compare(t, "nearest", near, []float32{1, 2, 2, 3, 1, 2, 2, 3, 4, 5, 5, 6}, 0, 0)
	linear := make([]float32, 6)
	y := Axis{At: []int32{0, 0, 1}, Next: []int32{1, 1, 1}, Weight: []float32{0, 0.5, 0}}
	x := Axis{At: []int32{0, 1}, Next: []int32{1, 2}, Weight: []float32{0.5, 0.25}}
	ResizeLinear(linear, src, 1, 2, 3, y, x, NewScratch())
	compare(t, "linear", linear, []float32{1.5, 2.25, 3, 3.75, 4.5, 5.25}, 0, 0)
}

func TestPadAndCopy(t *testing.T) {
	each(t, func(t *testing.T, m *machine) {
		for _, w := range []int{1, 2, 3, 4, 5, 7, 8, 14} {
			const channels, h, top, left = 3, 4, 1, 2
			ph, pw := h+top+2, w+left+3
			src := random(1, channels*h*w)
			got, want := random(2, channels*ph*pw), random(3, channels*ph*pw)
			m.pad(got, src, channels, h, w, ph, pw, top, left, -7)
			reference.pad(want, src, channels, h, w, ph, pw, top, left, -7)
			compare(t, fmt.Sprint("pad ", w), got, want, 0, 0)
			got, want = random(2, h*20), random(2, h*20)
			m.copyRows(got, src, h, w, 20, w)
			reference.copyRows(want, src, h, w, 20, w)
			compare(t, fmt.Sprint("copy ", w), got, want, 0, 0)
		}
	})
}
