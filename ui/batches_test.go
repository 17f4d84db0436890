package ui

import (
	"slices"
	"testing"
)

// Whatever the order in which workers come, and though one of them dies on the way, each image is in the end with one of them.
func TestBatches(t *testing.T) {
	for _, c := range []struct{ n, workers, chunk int }{{0, 2, 4}, {1, 2, 4}, {9, 2, 4}, {9, 3, 1}, {8, 2, 8}} {
		b := newBatches(c.n, c.workers, c.chunk)
		kept := make([][]int, c.workers)
		for step, dead := 0, false; ; step++ {
			w := step % c.workers
			batch := b.next(w)
			if len(batch) > c.chunk {
				t.Errorf("%+v: a batch of %d", c, len(batch))
			}
			kept[w] = append(kept[w], batch...)
			if w == c.workers-1 && !dead && step >= c.workers*2-1 {
				dead = true
				b.again(w)
				kept[w] = nil
				continue
			}
			if len(batch) == 0 && dead && step > c.n*c.workers+10*c.workers {
				break
			}
		}
		all := slices.Concat(kept...)
		slices.Sort(all)
		for i := range c.n {
			if len(all) != c.n || all[i] != i {
				t.Fatalf("%+v: the workers have %v", c, kept)
			}
		}
	}
}

// A worker that is quicker gets more, and the last images come one by one.
func TestBatchesByNeed(t *testing.T) {
	b := newBatches(20, 2, 2)
	b.next(0)
	for range 4 {
		b.next(1)
	}
	if got := b.given; !slices.Equal(got[0], []int{0, 1}) || len(got[1]) != 8 {
		t.Errorf("the workers have %v", got)
	}
	if b.next(0); len(b.given[0]) != 4 {
		t.Errorf("then the workers have %v", b.given)
	}
	for range last * 2 {
		if got := b.next(1); len(got) != 1 {
			t.Errorf("in the end a worker gets %v", got)
		}
	}
	if got := b.next(0); len(got) != 0 {
		t.Errorf("when all are given a worker gets %v", got)
	}
}

// Where each worker gets all images it gets them once, and one that took the place of a dead one again.
func TestBatchesOfAll(t *testing.T) {
	b := newBatches(3, 2, 0)
	for w := range 2 {
		if got := b.next(w); !slices.Equal(got, []int{0, 1, 2}) {
			t.Errorf("worker %d gets %v", w, got)
		}
	}
	if got := b.next(0); len(got) > 0 {
		t.Errorf("a worker gets %v again", got)
	}
	if b.again(1); !slices.Equal(b.next(1), []int{0, 1, 2}) || len(b.next(0)) > 0 {
		t.Error("only the one in the place of the dead begins anew")
	}
}
