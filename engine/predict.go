package engine

import (
	"math"
	"slices"

	"dropquant/engine/intsim"
	"dropquant/engine/report"
	"dropquant/engine/tensor"
)

// maxPredicted is the number of images on which the arithmetic of other CPUs is run beside the one that everything is
// measured in.
const maxPredicted = 32

// prediction is the quantized model in the arithmetic of one more kind of CPU.
type prediction struct {
	backend Backend
	program program // nil before the first image
}

// backendsOf lists the kinds of CPU on which a target's arithmetic is known, the exact one first; plain Q/DQ when there is none.
func backendsOf(target string) (list []Backend) {
	for _, b := range Backends {
		if b.Target == target {
			list = append(list, b)
		}
	}
	if len(list) == 0 {
		return []Backend{Plain}
	}
	return list
}

// differs reports whether the results on other kinds of CPU can be others than on the first.
func (j *Job) differs() bool { return j.quantized.saturating > 0 }

// startPredictions chooses what is run beside the first backend.
func (j *Job) startPredictions() {
	j.predictions = nil
	if !j.differs() {
		return
	}
	for _, b := range backendsOf(j.target.Name)[1:] {
		j.predictions = append(j.predictions, &prediction{backend: b})
	}
}

// predict compares the outputs of each further backend with those of the float model, for one sample of image i.
func (j *Job) predict(i int, x *tensor.Tensor, float map[string]*tensor.Tensor) error {
	marks := j.marks[i]
	if marks == nil {
		marks = make([]mark, len(j.predictions))
		j.marks[i] = marks
	}
	for k, p := range j.predictions {
		if p.program == nil {
			g, err := cut(j.quantized.graph, j.kept)
			if err != nil {
				return err
			}
			run, err := p.backend.compile(g, j.shapes, intsim.Options{MaxMemory: maxMemory, Exact: j.options.Exact, Progress: j.enter})
			if err != nil {
				return err
			}
			p.program = j.named(run, g)
		}
		out, err := p.program.Run(j.feed(x), nil)
		if err != nil {
			return err
		}
		var want, got []*tensor.Tensor
		for _, v := range j.run.Outputs {
			want, got = append(want, float[v.Name]), append(got, out[v.Name])
		}
		if err := marks[k].add(want, got); err != nil {
			return err
		}
		marks[k].Samples++
	}
	return nil
}

// predicted reports the outcome for each kind of CPU of the target.
func (j *Job) predicted(r *report.Report) (out []report.Score) {
	for k, b := range backendsOf(j.target.Name) {
		s := report.Score{Model: r.Model, Target: b.Target, ISA: b.ISA, Images: r.Images, SQNR: r.SQNR, Top1: math.NaN(), Top5: math.NaN(), Agreement: math.NaN()}
		agree := r.Agree
		if k > 0 && j.differs() {
			var total mark
			for _, i := range j.spread(maxPredicted) {
				if m := j.marks[i]; m != nil {
					total.Sums = total.Sums.Add(m[k-1].Sums)
					total.Agree += m[k-1].Agree
					total.Samples += m[k-1].Samples
				}
			}
			s.Images, s.SQNR, agree = total.Samples, sqnr(total.Sums), total.Agree
		}
		if r.Agree != report.NoAgreement && s.Images > 0 {
			s.Agreement = 100 * float64(agree) / float64(s.Images)
		}
		out = append(out, s)
	}
	return out
}

// saturated counts the values of each layer alone that another kind of CPU computes differently.
func saturated(exact, other *tensor.Tensor) (s saturation) {
	a, b := exact.F32(), other.F32()
	if slices.Equal(a, b) {
		return s
	}
	n := 1
	if len(exact.Shape) > 1 {
		n = exact.Shape[1]
	}
	s.channels = make([]bool, n)
	inner := len(a) / n
	for i := range a {
		if a[i] != b[i] {
			s.channels[i/inner] = true
			s.hits++
		}
	}
	return s
}

// saturation is where results differ on CPUs without VNNI.
type saturation struct {
	channels []bool
	hits     int64
}

// add joins what another image shows.
func (s *saturation) add(o saturation) {
	if s.channels == nil {
		s.channels = make([]bool, len(o.channels))
	}
	for c, hit := range o.channels {
		s.channels[c] = s.channels[c] || hit
	}
	s.hits += o.hits
}

// report returns what is said of it for a number of images, nil when there is none.
func (s *saturation) report(images int) *report.Saturation {
	out := &report.Saturation{Hits: s.hits / int64(max(images, 1))}
	for _, hit := range s.channels {
		if hit {
			out.Channels++
		}
	}
	if out.Channels == 0 {
		return nil
	}
	return out
}
