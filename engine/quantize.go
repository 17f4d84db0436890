// Package engine quantizes float ONNX models after training: it is the public
// API, and the pipeline.
//
//	Load → NewJob → Observe each image → Merge → Probe a few → Quantize → Compare each image → Merge → Export, Report
//
// A Job does one share of the images. Jobs of one model and the same options
// exchange their State and give the same result however the images were shared
// out: goroutines do so here, web workers in the browser.
package engine

import (
	"errors"
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
	if err := share(jobs, images, Calibrating, progress, (*Job).Observe); err != nil {
		return nil, err
	}
	if err := quantizeAll(jobs, images); err != nil {
		return nil, err
	}
	if err := share(jobs, images, Comparing, progress, (*Job).Compare); err != nil {
		return nil, err
	}
	model, err := jobs[0].Export()
	if err != nil {
		return nil, err
	}
	return &Result{model, jobs[0].Report(), jobs[0]}, nil
}

// quantizeAll has every job try the same few images and then quantize, which gives the same graph in all.
func quantizeAll(jobs []*Job, images Images) error {
	var all sync.WaitGroup
	errs := make([]error, len(jobs))
	for w, j := range jobs {
		all.Go(func() {
			for _, i := range j.Probes() {
				if file, err := images.Open(i); err == nil {
					errs[w] = errors.Join(errs[w], j.Probe(i, file))
				}
			}
			errs[w] = errors.Join(errs[w], j.Quantize())
		})
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

// share runs one phase: job w takes every image i with i mod len(jobs) = w, then all learn what all found.
func share[W worker](jobs []W, images Images, phase string, progress Progress, step func(W, int, File) error) error {
	var (
		all  sync.WaitGroup
		one  sync.Mutex
		done int
		errs = make([]error, len(jobs))
	)
	for w, j := range jobs {
		all.Go(func() {
			for i := w; i < images.Len; i += len(jobs) {
				file, err := images.Open(i)
				if err != nil {
					j.Skip(i, file.Name, err)
				} else if err = step(j, i, file); err != nil {
					errs[w] = err
					return
				}
				one.Lock()
				done++
				if progress != nil {
					progress(phase, done, images.Len)
				}
				one.Unlock()
			}
		})
	}
	all.Wait()
	if err := first(errs); err != nil {
		return err
	}
	states := make([][]byte, len(jobs))
	for i, j := range jobs {
		states[i] = j.State()
	}
	for i, j := range jobs {
		for k, s := range states {
			if k == i {
				continue
			}
			if err := j.Merge(s); err != nil {
				return err
			}
		}
	}
	return nil
}
