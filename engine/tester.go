package engine

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"

	"dropquant/engine/dataset"
	"dropquant/engine/eval"
	"dropquant/engine/intsim"
	"dropquant/engine/report"
	"dropquant/engine/tensor"
)

// Contender is a model file, float or in integers, and the arithmetic that it is scored in.
type Contender struct {
	Model   *Model // of LoadAny
	Backend Backend
}

// TestOptions say what is scored and against what.
type TestOptions struct {
	Contenders []Contender
	Ref        *Model          // the float model that agreement and SQNR are measured against; nil: the first contender, when there are several
	Preset     dataset.Preset  // how an image becomes the input; without a Name, the guess for Ref or the first contender
	Labels     *dataset.Labels // nil: top-1 and top-5 are not measured
	Lenient    bool            // a contender that its backend cannot run gets a Score that says why, and the others are tested; the first must run
}

// Tester scores model files on one worker's share of the images. Testers of the same options exchange their State, and
// then give the same scores however the images were shared out. It is used from one goroutine.
type Tester struct {
	options TestOptions
	key     string
	shape   []int
	input   dataset.Input
	images  bool     // pictures fill the input; else only arrays
	ref     *runner  // nil: the first contender is the reference
	rows    []runner // beside options.Contenders
	shots   map[int]shot
}

// runner is a program with the names of what goes in and comes out.
type runner struct {
	program program
	in      string
	out     []string
	blocked string // why there is no program, or ""
	like    int    // an earlier contender that gives the same on any image, which is run in its place; or none
}

// shot is what a tester knows of one image file.
type shot struct {
	Name    string
	Skipped string  // why it could not be used, or ""
	Samples int     // inputs that the file holds
	Answers int     // those of them for which the reference gives one list of scores
	Marks   []mark  // beside the contenders
	First   [][]int // of each contender: the index of its first answer to every sample that it gives a list of scores for
}

// mark is how one contender did on an image file.
type mark struct {
	eval.Sums             // all outputs against the reference's
	Agree, Top1, Top5 int // samples
	Samples           int `json:",omitempty"` // of a job's predictions: how many there were
}

// NewTester prepares the programs. Its error is a *FileError that names the model to blame.
func NewTester(o TestOptions) (*Tester, error) {
	if len(o.Contenders) == 0 {
		return nil, errors.New("there is no model to test")
	}
	first := o.Contenders[0].Model
	if o.Ref != nil {
		first = o.Ref
	}
	if o.Preset.Name == "" {
		o.Preset, _ = first.Guess()
	}
	if err := o.Preset.Check(); err != nil {
		return nil, err
	}
	t := &Tester{options: o, shots: map[int]shot{}, key: testKey(o)}
	in, err := first.image(o.Preset)
	t.input, t.images = in, err == nil
	if t.shape, err = first.shape(o.Preset); err != nil {
		return nil, &FileError{first.Name, err}
	}
	if o.Ref != nil {
		r, err := t.prepare(Contender{Model: o.Ref, Backend: Plain})
		if err == nil {
			err = refuseQuantized(o.Ref.graph)
		}
		if err != nil {
			return nil, &FileError{o.Ref.Name, err}
		}
		t.ref = r
	}
	for k, c := range o.Contenders {
		if like := t.twin(k); like != none {
			t.rows = append(t.rows, runner{like: like})
			continue
		}
		r, err := t.prepare(c)
		if err == nil {
			err = t.fits(r)
		}
		if err != nil {
			if !o.Lenient || len(t.rows) == 0 {
				return nil, &FileError{c.Model.Name, err}
			}
			r = &runner{blocked: err.Error(), like: none}
		}
		t.rows = append(t.rows, *r)
	}
	return t, nil
}

// none stands where no other contender gives the same.
const none = -1

// twin returns a contender before k of the same file in the same runtime that gives the same whatever the processor.
func (t *Tester) twin(k int) int {
	c := t.options.Contenders[k]
	for i, o := range t.options.Contenders[:k] {
		if o.Model == c.Model && o.Backend.Target == c.Backend.Target && t.rows[i].onAnyCPU() {
			return i
		}
	}
	return none
}

// onAnyCPU reports whether the program gives the same on all kinds of processors.
func (r *runner) onAnyCPU() bool {
	p, ok := r.program.(*intsim.Program)
	return ok && p.OnAnyCPU()
}

// prepare compiles one model for its arithmetic.
func (t *Tester) prepare(c Contender) (*runner, error) {
	shape, err := c.Model.shape(t.options.Preset)
	if err != nil {
		return nil, err
	}
	if !slices.Equal(shape, t.shape) {
		return nil, fmt.Errorf("its input %q is %s where %s is tested: test models of one input", c.Model.input.Name, tensor.FormatShape(shape), tensor.FormatShape(t.shape))
	}
	p, err := c.Model.simulate(c.Backend, t.options.Preset)
	if err != nil {
		return nil, err
	}
	r := &runner{program: p, in: c.Model.input.Name, like: none}
	for _, v := range c.Model.graph.Outputs {
		r.out = append(r.out, v.Name)
	}
	return r, nil
}

// reference returns what contenders are compared with.
func (t *Tester) reference() *runner {
	if t.ref != nil {
		return t.ref
	}
	return &t.rows[0]
}

// fits reports outputs that cannot be compared with the reference's.
func (t *Tester) fits(r *runner) error {
	if t.ref == nil && len(t.rows) == 0 { // it is the reference
		return nil
	}
	if want := t.reference(); len(r.out) != len(want.out) {
		return fmt.Errorf("it has %d outputs, and the reference has %d", len(r.out), len(want.out))
	}
	return nil
}

// testKey tells testers apart whose states must not be mixed.
func testKey(o TestOptions) string {
	key := fmt.Sprintf("%+v", o.Preset)
	add := func(m *Model, b Backend) { key += " " + newKey(m, Options{}) + b.String() }
	for _, c := range o.Contenders {
		add(c.Model, c.Backend)
	}
	if o.Ref != nil {
		add(o.Ref, Plain)
	}
	return key
}

// Test runs every contender on image i. An image that cannot be read is recorded as skipped; the error is for what no
// image could cure, as a missing label.
func (t *Tester) Test(i int, f File) error {
	samples, err := t.samples(f)
	if err != nil {
		t.Skip(i, f.Name, err)
		return nil
	}
	s := shot{Name: f.Name, Samples: len(samples), Marks: make([]mark, len(t.rows)), First: make([][]int, len(t.rows))}
	for _, x := range samples {
		if err := t.sample(&s, x); err != nil {
			return err
		}
	}
	t.shots[i] = s
	return nil
}

func (t *Tester) samples(f File) ([]*tensor.Tensor, error) {
	if !t.images {
		return dataset.Arrays(f.Name, f.Data, t.shape)
	}
	return dataset.Samples(f.Name, f.Data, t.options.Preset, t.input)
}

// Skip records that image i cannot be used.
func (t *Tester) Skip(i int, name string, why error) {
	t.shots[i] = shot{Name: name, Skipped: why.Error()}
}

// sample scores one input.
func (t *Tester) sample(s *shot, x *tensor.Tensor) error {
	var want []*tensor.Tensor
	if t.ref != nil {
		var err error
		if want, err = t.ref.run(x); err != nil {
			return &FileError{t.options.Ref.Name, err}
		}
	}
	for k := range t.rows {
		if t.rows[k].blocked != "" {
			continue
		}
		if like := t.rows[k].like; like != none {
			s.Marks[k], s.First[k] = s.Marks[like], s.First[like]
			continue
		}
		name := t.options.Contenders[k].Model.Name
		got, err := t.rows[k].run(x)
		if err != nil {
			return &FileError{name, err}
		}
		if want == nil {
			want = got // the first one's tensors stay valid while the others run
		}
		if k == 0 && answer(want) != nil {
			s.Answers++
		}
		if err := s.Marks[k].add(want, got); err != nil {
			return &FileError{name, err}
		}
		scores := answer(got)
		if scores != nil {
			s.First[k] = append(s.First[k], eval.Argmax(scores))
		}
		if t.options.Labels == nil {
			continue
		}
		if scores == nil {
			return &FileError{name, errors.New("it does not give one list of scores, which labels need: test it without them")}
		}
		class, err := t.options.Labels.Class(s.Name, len(scores))
		if err != nil {
			return err
		}
		if rank := eval.Rank(scores, class); rank < 5 {
			s.Marks[k].Top5++
			if rank == 0 {
				s.Marks[k].Top1++
			}
		}
	}
	return nil
}

// run returns the outputs in the order of the model.
func (r *runner) run(x *tensor.Tensor) (out []*tensor.Tensor, err error) {
	all, err := r.program.Run(map[string]*tensor.Tensor{r.in: x}, nil)
	for _, name := range r.out {
		out = append(out, all[name])
	}
	return out, err
}

// add compares the outputs of one input.
func (m *mark) add(want, got []*tensor.Tensor) error {
	for i, w := range want {
		g := got[i]
		if w.DType != tensor.Float32 || g.DType != tensor.Float32 { // indices and classes have no noise
			continue
		}
		if w.Len() != g.Len() {
			return fmt.Errorf("its output %d is %s, and the reference's is %s", i, tensor.FormatShape(g.Shape), tensor.FormatShape(w.Shape))
		}
		m.Sums = m.Sums.Add(eval.Compare(w.F32(), g.F32()))
	}
	if w, g := answer(want), answer(got); w != nil && g != nil && eval.Agree(w, g) {
		m.Agree++
	}
	return nil
}

// answer returns the list of scores whose largest is an answer, or nil when a model does not give one.
func answer(outputs []*tensor.Tensor) []float32 {
	if len(outputs) != 1 || outputs[0].DType != tensor.Float32 || !oneWide(outputs[0].Shape) {
		return nil
	}
	return outputs[0].F32()
}

// oneWide reports whether exactly one dimension is larger than 1.
func oneWide(shape []int) bool {
	wide := 0
	for _, d := range shape {
		if d > 1 {
			wide++
		}
	}
	return wide == 1
}

// State returns what Merge needs. The result depends on the images only, not on the order in which they came.
func (t *Tester) State() []byte {
	b, err := json.Marshal(testState{t.key, t.shots})
	if err != nil {
		panic("bug: " + err.Error()) // sums are finite
	}
	return b
}

type testState struct {
	Key   string
	Shots map[int]shot
}

// Merge adds what another tester of the same options found. Images that are known already are left as they are.
func (t *Tester) Merge(state []byte) error {
	var s testState
	if json.Unmarshal(state, &s) != nil || s.Key != t.key {
		return errState
	}
	for i, other := range s.Shots {
		if other.Skipped == "" && (len(other.Marks) != len(t.rows) || len(other.First) != len(t.rows)) {
			return errState
		}
		if _, known := t.shots[i]; !known {
			t.shots[i] = other
		}
	}
	return nil
}

// Scores sums up all images: one score for each contender. All shares must have been merged. It fails when no image could be used.
func (t *Tester) Scores() ([]report.Score, error) {
	out := make([]report.Score, len(t.rows))
	order := slices.Sorted(maps.Keys(t.shots))
	for k := range out {
		if out[k] = t.score(k, order); out[k].Images == 0 && out[k].Blocked == "" {
			if len(order) == 0 {
				return nil, errors.New("there are no images to test on")
			}
			return nil, fmt.Errorf("none of the %d images could be used; the first: %s", len(order), t.shots[order[0]].Skipped)
		}
	}
	return out, nil
}

func (t *Tester) score(k int, order []int) report.Score {
	c := t.options.Contenders[k]
	out := report.Score{Model: c.Model.Name, Target: c.Backend.Target, ISA: c.Backend.ISA,
		Top1: math.NaN(), Top5: math.NaN(), Agreement: math.NaN(), SQNR: math.NaN()}
	if out.Blocked = t.rows[k].blocked; out.Blocked != "" {
		return out
	}
	var total mark
	answers := 0
	for _, i := range order {
		s := t.shots[i]
		if s.Skipped != "" {
			out.Skipped = append(out.Skipped, report.Skipped{Name: s.Name, Why: s.Skipped})
			continue
		}
		m := s.Marks[k]
		out.Images += s.Samples
		out.First = append(out.First, s.First[k]...)
		answers += s.Answers
		total.Sums = total.Sums.Add(m.Sums)
		total.Agree, total.Top1, total.Top5 = total.Agree+m.Agree, total.Top1+m.Top1, total.Top5+m.Top5
		if m.Agree < s.Answers {
			out.Differ = append(out.Differ, s.Name)
		}
	}
	percent := func(n int) float64 { return 100 * float64(n) / float64(out.Images) }
	if t.options.Labels != nil {
		out.Top1, out.Top5 = percent(total.Top1), percent(total.Top5)
	}
	if t.ref != nil || k > 0 {
		out.SQNR = sqnr(total.Sums)
		if answers == out.Images {
			out.Agreement = percent(total.Agree)
		}
	}
	return out
}

// RunTest scores the contenders on all images, on several goroutines.
func RunTest(o TestOptions, images Images, workers int, progress Progress) ([]report.Score, error) {
	testers := make([]*Tester, max(1, min(workers, images.Len)))
	for i := range testers {
		var err error
		if testers[i], err = NewTester(o); err != nil {
			return nil, err
		}
	}
	if err := (round[*Tester]{phase: Testing, list: all(images), step: (*Tester).Test}).run(testers, images, progress); err != nil {
		return nil, err
	}
	return testers[0].Scores()
}
