package ui

// batches hands the images of a phase out to workers: a few at a time, to whoever is free, or at once all to each. Which worker does
// an image makes no difference to the result.
type batches struct {
	waiting []([]int)
	all     [][]int // for each worker that has not begun, where each gets all
	given   [][]int // to each worker so far
}

// last is how many images for each worker come one by one in the end: a worker holds a few batches at a time, and when all are given
// the others wait for what is left of them.
const last = 2 * ahead

// ahead is how many batches a worker has at a time, so that it need not wait for the page when it is done with one.
const ahead = 2

// newBatches divides the first n images into batches of chunk; with chunk 0 every worker gets all of them.
func newBatches(n, workers, chunk int) *batches {
	b := &batches{given: make([][]int, workers)}
	if chunk == 0 {
		every := make([]int, n)
		for i := range every {
			every[i] = i
		}
		for range workers {
			b.all = append(b.all, every)
		}
		return b
	}
	for i := 0; i < n; {
		size := min(chunk, n-i)
		if n-i <= last*workers {
			size = 1
		}
		var batch []int
		for range size {
			batch = append(batch, i)
			i++
		}
		b.waiting = append(b.waiting, batch)
	}
	return b
}

// next returns the next images for a worker, none when nothing is left for it.
func (b *batches) next(worker int) (batch []int) {
	switch {
	case b.all != nil:
		batch, b.all[worker] = b.all[worker], nil
	case len(b.waiting) > 0:
		batch, b.waiting = b.waiting[0], b.waiting[1:]
	}
	b.given[worker] = append(b.given[worker], batch...)
	return batch
}

// again takes back what a worker was given, because it died with all that it had found: the one in its place, or any other, does
// these images anew.
func (b *batches) again(worker int) {
	lost := b.given[worker]
	b.given[worker] = nil
	if b.all != nil {
		b.all[worker] = lost
		return
	}
	for _, i := range lost {
		b.waiting = append(b.waiting, []int{i})
	}
}
