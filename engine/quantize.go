// Package engine quantizes float ONNX models after training: it is the public
// API, and the pipeline.
//
//	Load → NewJob → Observe each image → RoundShare, Probe a few → Collect and Try a few → Quantize → Export → Compare each image → Report
//
// A Job does one share of the images in each step. After each, jobs of one model and the same options
// Merge each other's State, and so give the same result however the images were shared
// out: goroutines do so here, web workers in the browser.
package engine

import (
	"sync"

	"dropquant/engine/report"
)

// Phases of the whole job, in order.
const (
	Calibrating = "calibrate"
	Comparing   = "compare"
	Testing     = "test" // the one phase of RunTest
)

// Progress is called after each image of a phase, from one goroutine at a time.
type Progress func(phase string, done, total int)

// Images are the images of a job: how many, and how to read one. Open may be called from several
// goroutines at once.
type Images struct {
	Len  int
	Open func(i int) (File, error)
}

// Result is what the whole job gives.
type Result struct {
	Model  [][]byte // the quantized ONNX file, in pieces
	Report *report.Report

	job *Job
}

// As returns the quantized model in another format than Model's: for each of its Suffixes the file, in pieces.
func (r *Result) As(f Format) ([][][]byte, error) { return r.job.ExportAs(f) }

// Quantize does the whole job on several goroutines. Images that cannot be used are skipped and
// listed in the report; it fails when none can.
func Quantize(m *Model, o Options, images Images, workers int, progress Progress) (*Result, error) {
	jobs := make([]*Job, max(1, min(workers, images.Len)))
	for i := range jobs {
		var err error
		if jobs[i], err = NewJob(m, o); err != nil {
			return nil, err
		}
	}
	if err := quantize(jobs, images, progress); err != nil {
		return nil, err
	}
	if err := (round[*Job]{phase: Comparing, list: all(images), step: (*Job).Compare}).run(jobs, images, progress); err != nil {
		return nil, err
	}
	model, err := jobs[0].Export()
	if err != nil {
		return nil, err
	}
	return &Result{model, jobs[0].Report(), jobs[0]}, nil
}

// quantize does all steps up to Quantize.
func quantize(jobs []*Job, images Images, progress Progress) error {
	if err := (round[*Job]{phase: Calibrating, list: all(images), step: (*Job).Observe}).run(jobs, images, progress); err != nil {
		return err
	}
	if err := together(jobs, func(j *Job, place int) error { return j.RoundShare(place, len(jobs)) }); err != nil {
		return err
	}
	if err := (round[*Job]{list: jobs[0].Probes(), step: (*Job).Probe}).run(jobs, images, nil); err != nil {
		return err
	}
	if err := together(jobs, func(j *Job, place int) error { return j.tryAll(place, len(jobs), images) }); err != nil {
		return err
	}
	if err := exchange(jobs); err != nil {
		return err
	}
	return together(jobs, func(j *Job, _ int) error { return j.Quantize() })
}

// tryAll is what worker place of several does between Probe and Quantize.
func (j *Job) tryAll(place, of int, images Images) error {
	list, err := j.Tried(place, of)
	if err != nil {
		return err
	}
	for _, i := range list {
		file, err := images.Open(i)
		if err != nil {
			continue // it was there before: without it as many are left as it takes
		}
		if err := j.Collect(i, file); err != nil {
			return err
		}
	}
	return j.Try(place, of)
}

// together has all workers do something at once, and returns the first error in their order.
func together[W any](workers []W, do func(w W, place int) error) error {
	var all sync.WaitGroup
	errs := make([]error, len(workers))
	for k, w := range workers {
		all.Go(func() { errs[k] = do(w, k) })
	}
	all.Wait()
	return first(errs)
}

// first returns the first error that is one.
func first(errs []error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// worker does one share of the images and exchanges what it found.
type worker interface {
	Skip(i int, name string, why error)
	State() []byte
	Merge(state []byte) error
}

// round is what all workers do at once: worker w one step for every image i of the list with i mod their number = w. In the end
// all learn what all found.
type round[W worker] struct {
	phase string // that the user knows of; "" is a round on a few images, in which one that cannot be opened is left out
	list  []int
	step  func(w W, i int, f File) error
}

// all lists every image.
func all(images Images) []int {
	list := make([]int, images.Len)
	for i := range list {
		list[i] = i
	}
	return list
}

func (r round[W]) run(workers []W, images Images, progress Progress) error {
	var one sync.Mutex
	done := 0
	tell := func() {
		if progress != nil {
			one.Lock()
			defer one.Unlock()
			done++
			progress(r.phase, done, len(r.list))
		}
	}
	err := together(workers, func(w W, place int) error {
		for _, i := range r.list {
			if i%len(workers) != place {
				continue
			}
			file, err := images.Open(i)
			if err == nil {
				if err := r.step(w, i, file); err != nil {
					return err
				}
			} else if r.phase != "" {
				w.Skip(i, file.Name, err)
			}
			tell()
		}
		return nil
	})
	if err != nil {
		return err
	}
	return exchange(workers)
}

// exchange has every worker learn what the others found.
func exchange[W worker](workers []W) error {
	states := make([][]byte, len(workers))
	for i, w := range workers {
		states[i] = w.State()
	}
	for i, w := range workers {
		for k, s := range states {
			if k == i {
				continue
			}
			if err := w.Merge(s); err != nil {
				return err
			}
		}
	}
	return nil
}
