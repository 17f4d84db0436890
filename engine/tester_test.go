package engine

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"dropquant/engine/dataset"
	"dropquant/engine/eval"
	"dropquant/engine/report"
	"dropquant/engine/tensor"
)

// quantizedTiny returns tiny and its int8 file.
func quantizedTiny(t testing.TB, target string) (float, int8 *Model) {
	t.Helper()
	float = mustLoad(t, File{"tiny.onnx", fromText(t, tiny)})
	r, err := Quantize(float, Options{Target: target}, arrays(20), 2, nil)
	if err != nil {
		t.Fatal(err)
	}
	int8, err = LoadAny(File{"tiny.int8.onnx", joined(r.Model)}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return float, int8
}

func labels(t testing.TB, text string) *dataset.Labels {
	t.Helper()
	l, err := dataset.ParseLabels("labels.csv", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// noise returns .npy files of [1,3,8,8] that the float model tiny does not all answer alike.
func noise(n int) Images {
	return Images{Len: n, Open: func(i int) (File, error) {
		random := rand.New(rand.NewPCG(uint64(i), 1))
		values := make([]float32, 3*8*8)
		for k := range values {
			values[k] = float32(random.NormFloat64()) / 4
		}
		return npy(fmt.Sprintf("%d.npy", i), values, 1, 3, 8, 8), nil
	}}
}

// outputs runs a model on the images one by one.
func outputs(t testing.TB, m *Model, images Images) (out [][]float32) {
	t.Helper()
	p, err := m.simulate(Plain, dataset.Presets[0])
	if err != nil {
		t.Fatal(err)
	}
	for i := range images.Len {
		f, _ := images.Open(i)
		x, err := dataset.Arrays(f.Name, f.Data, []int{1, 3, 8, 8})
		if err != nil {
			t.Fatal(err)
		}
		y, err := p.Run(map[string]*tensor.Tensor{m.input.Name: x[0]}, nil)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, append([]float32{}, y[m.graph.Outputs[0].Name].F32()...))
	}
	return out
}

// TestTester compares the scores with those counted here, image by image.
func TestTester(t *testing.T) {
	float := mustLoad(t, File{"tiny.onnx", fromText(t, tiny)})
	coarse := strings.Replace(tiny, "output y float32[?,5]", "const s float32[] = {0.4}\nconst z int8[] = {1}\nq: j = QuantizeLinear(y, s, z)\nd: k = DequantizeLinear(j, s, z)\noutput k float32[?,5]", 1)
	quantized, err := LoadAny(File{"coarse.onnx", fromText(t, coarse)}, nil)
	if err != nil {
		t.Fatal(err)
	}
	images := noise(30)
	want, got := outputs(t, float, images), outputs(t, quantized, images)
	var sums eval.Sums
	var table strings.Builder
	agree, top1 := 0, 0
	var answers []int
	for i := range got {
		answers = append(answers, eval.Argmax(got[i]))
		sums = sums.Add(eval.Compare(want[i], got[i]))
		if eval.Argmax(want[i]) == eval.Argmax(got[i]) {
			agree++
		}
		fmt.Fprintf(&table, "%d.npy,%d\n", i, i%5)
		if eval.Argmax(got[i]) == i%5 {
			top1++
		}
	}
	o := TestOptions{Contenders: []Contender{{quantized, Plain}, {float, Plain}}, Ref: float, Labels: labels(t, table.String())}
	var first []report.Score
	for _, workers := range []int{1, 2, 7} {
		scores, err := RunTest(o, images, workers, nil)
		if err != nil {
			t.Fatal(err)
		}
		s := scores[0]
		if s.Images != 30 || s.Top1 != 100*float64(top1)/30 || s.Top5 != 100 || s.Agreement != 100*float64(agree)/30 || math.Abs(s.SQNR-sums.SQNR()) > 1e-9 || len(s.Differ) != 30-agree {
			t.Errorf("%d workers: %+v; want top-1 %d, agreement %d of 30, %v dB", workers, s, top1, agree, sums.SQNR())
		}
		if !slices.Equal(s.First, answers) {
			t.Errorf("%d workers: first answers %v, want %v", workers, s.First, answers)
		}
		if f := scores[1]; f.Agreement != 100 || !math.IsInf(f.SQNR, 1) {
			t.Errorf("the float model against itself: %+v", f)
		}
		if workers == 1 {
			first = scores
		} else if !reflect.DeepEqual(scores, first) {
			t.Errorf("%d workers give other scores than 1", workers)
		}
	}
	if agree == 30 || top1 == 0 || top1 == 30 {
		t.Errorf("agreement %d and top-1 %d of 30 do not tell anything", agree, top1)
	}

	// Without a reference the second is measured against the first.
	o.Ref, o.Labels = nil, nil
	scores, err := RunTest(o, images, 2, nil)
	if err != nil {
		t.Fatal(err)
	}
	if a, b := scores[0], scores[1]; !math.IsNaN(a.SQNR) || !math.IsNaN(a.Top1) || b.Agreement != 100*float64(agree)/30 || b.SQNR < 1 {
		t.Errorf("%+v, %+v", a, b)
	}
}

// TestTesterKeepsWhatItKnows: states merge once, in any order, and only of the same test.
func TestTesterKeepsWhatItKnows(t *testing.T) {
	float, quantized := quantizedTiny(t, "tensorrt")
	o := TestOptions{Contenders: []Contender{{quantized, Plain}}, Ref: float}
	make2 := func() (list []*Tester) {
		for w := range 2 {
			a, err := NewTester(o)
			if err != nil {
				t.Fatal(err)
			}
			for i := w; i < 6; i += 2 {
				f, _ := arrays(6).Open(i)
				if err := a.Test(i, f); err != nil {
					t.Fatal(err)
				}
			}
			a.Skip(6+w, "bad.jpg", fmt.Errorf("no picture"))
			list = append(list, a)
		}
		return list
	}
	both := make2()
	a, b := both[0].State(), both[1].State()
	for range 2 {
		if err := both[0].Merge(b); err != nil {
			t.Fatal(err)
		}
	}
	if err := both[1].Merge(a); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(both[0].State(), both[1].State()) {
		t.Error("the order of merging matters")
	}
	scores, err := both[0].Scores()
	if err != nil || scores[0].Images != 6 || len(scores[0].Skipped) != 2 {
		t.Errorf("%+v, %v", scores, err)
	}
	o.Ref = nil
	other, err := NewTester(o)
	if err != nil {
		t.Fatal(err)
	}
	for _, state := range [][]byte{a, nil, []byte("{}"), []byte("[1"), a[:len(a)/2]} {
		if other.Merge(state) == nil {
			t.Errorf("%.40q is merged", state)
		}
	}
}

// TestTestsThatCannotBe holds what a user is told.
func TestTestsThatCannotBe(t *testing.T) {
	float, quantized := quantizedTiny(t, "onnxruntime")
	other := mustLoad(t, File{"large.onnx", fromText(t, strings.Replace(tiny, "[?,3,8,8]", "[?,3,9,9]", 1))})
	two := mustLoad(t, File{"two.onnx", fromText(t, strings.Replace(tiny, "output y float32[?,5]", "output y float32[?,5]\noutput q float32[?,4]", 1))})
	wide := mustLoad(t, File{"wide.onnx", fromText(t, strings.Replace(tiny, "output y float32[?,5]", "output q float32[?,4]", 1))})
	maps := mustLoad(t, File{"maps.onnx", fromText(t, strings.Replace(tiny, "output y float32[?,5]", "output e float32[?,4,8,8]", 1))})
	odd, err := LoadAny(File{"odd.onnx", fromText(t, strings.NewReplacer("opset 13", "opset 13, acme 1", "output y float32[?,5]", "s: z = acme:Odd(y)\noutput z").Replace(tiny))}, nil)
	if err != nil {
		t.Fatal(err)
	}
	one := func(m *Model) []Contender { return []Contender{{m, Plain}} }
	for _, c := range []struct {
		name string
		o    TestOptions
		want string
	}{
		{"nothing", TestOptions{}, "there is no model to test"},
		{"other input", TestOptions{Contenders: one(other), Ref: float}, `"large.onnx": its input "x" is [1,3,9,9] where [1,3,8,8] is tested`},
		{"more outputs", TestOptions{Contenders: one(two), Ref: float}, `"two.onnx": it has 2 outputs, and the reference has 1`},
		{"other outputs", TestOptions{Contenders: one(wide), Ref: float}, `"wide.onnx": its output 0 is [1,4], and the reference's is [1,5]`},
		{"reference in integers", TestOptions{Contenders: one(quantized), Ref: quantized}, `"tiny.int8.onnx": the model is quantized already`},
		{"unknown operator", TestOptions{Contenders: one(odd)}, `"odd.onnx": node "s": operator Odd of the domain "acme"`},
		{"no label", TestOptions{Contenders: one(quantized), Labels: labels(t, "1.npy,3")}, `"labels.csv" has no row for the image "0.npy"`},
		{"class", TestOptions{Contenders: one(quantized), Labels: labels(t, "0.npy,5")}, `"labels.csv", line 1: "0.npy" is of class 5, but the model gives 5 scores`},
		{"no scores", TestOptions{Contenders: one(maps), Labels: labels(t, "0.npy,1")}, `"maps.onnx": it does not give one list of scores`},
	} {
		if _, err := RunTest(c.o, arrays(2), 1, nil); err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s", c.name, err, c.want)
		}
	}
	bad := Images{Len: 2, Open: func(i int) (File, error) { return File{"bad.jpg", []byte("text")}, nil }}
	if _, err := RunTest(TestOptions{Contenders: one(float)}, bad, 2, nil); err == nil || !strings.HasPrefix(err.Error(), `none of the 2 images could be used; the first: "bad.jpg"`) {
		t.Error(err)
	}
	if _, err := NewJob(quantized, Options{}); err == nil || !strings.Contains(err.Error(), "is quantized already") {
		t.Error(err)
	}
	for _, c := range [][3]string{{"cuda", "", `no arithmetic is called "cuda"`}} {
		if _, err := FindBackend(c[0], c[1]); err == nil || !strings.HasPrefix(err.Error(), c[2]) {
			t.Error(err)
		}
	}
}

// TestScoreJSON: the keys that scripts read, and null for what was not measured.
func TestScoreJSON(t *testing.T) {
	s := report.Score{Model: "m", Target: "qdq", Images: 2, Top1: 50, Top5: 100, Agreement: math.NaN(), SQNR: math.Inf(1)}
	b, err := json.Marshal(s)
	if want := `{"model":"m","target":"qdq","images":2,"top1":50,"top5":100,"agreement":null,"sqnr":"inf"}`; err != nil || string(b) != want {
		t.Errorf("%s, %v", b, err)
	}
	var back report.Score
	if err := json.Unmarshal(b, &back); err != nil || back.Top1 != 50 || !math.IsNaN(back.Agreement) || !math.IsInf(back.SQNR, 1) {
		t.Errorf("%+v, %v", back, err)
	}
}

// Where a contender cannot run, a lenient test scores the others as without it, and says why.
func TestLenient(t *testing.T) {
	float, int8 := quantizedTiny(t, "openvino")
	wide := mustLoad(t, File{"wide.onnx", fromText(t, strings.Replace(tiny, "float32[?,3,8,8]", "float32[?,3,9,9]", 1))})
	o := TestOptions{Contenders: []Contender{{float, Plain}, {wide, Plain}, {int8, Plain}}}
	var named *FileError
	if _, err := RunTest(o, noise(5), 2, nil); !errors.As(err, &named) || named.File != "wide.onnx" {
		t.Errorf("a contender of another input: %v", err)
	}
	o.Lenient = true
	scores, err := RunTest(o, noise(5), 2, nil)
	if err != nil {
		t.Fatal(err)
	}
	if s := scores[1]; !strings.Contains(s.Blocked, "input") || s.Images != 0 || !math.IsNaN(s.Agreement) {
		t.Errorf("the contender that cannot run: %+v", s)
	}
	without, err := RunTest(TestOptions{Contenders: []Contender{o.Contenders[0], o.Contenders[2]}}, noise(5), 1, nil)
	if err != nil {
		t.Fatal(err)
	}
	if want := without[1]; scores[2].Agreement != want.Agreement || scores[2].SQNR != want.SQNR || scores[2].Images != 5 {
		t.Errorf("beside one that cannot run %+v, without it %+v", scores[2], want)
	}
	if _, err := RunTest(TestOptions{Lenient: true, Ref: float, Contenders: []Contender{{wide, Plain}}}, noise(5), 1, nil); err == nil {
		t.Error("a test of nothing that can run did not fail")
	}
}

// A model that is in integers already can be loaded and tested; it says so, and no job takes it.
func TestQuantizedInfo(t *testing.T) {
	float, int8 := quantizedTiny(t, "openvino")
	if float.Info("", dataset.Preset{}).Quantized || !int8.Info("", dataset.Preset{}).Quantized {
		t.Error("the information does not tell the float model from the one in integers")
	}
	if _, err := NewJob(int8, Options{}); err == nil || !strings.Contains(err.Error(), "quantized already") {
		t.Errorf("a job for a quantized model: %v", err)
	}
}

// TestTesterTwins: the arithmetic of a second CPU is run only where a file can give something else there, and the scores are those of
// its own run.
func TestTesterTwins(t *testing.T) {
	float := mustLoad(t, sampleModel(t, "squeezenet1_1.onnx"))
	for _, row := range []struct {
		target, cpu string
		twin        bool
	}{{"onnxruntime", AnyCPU, true}, {"onnxruntime", VNNI, false}, {"openvino", AnyCPU, true}, {"openvino", VNNI, false}} {
		r, err := Quantize(float, Options{Target: row.target, CPU: row.cpu}, photos(t, 4), 2, nil)
		if err != nil {
			t.Fatal(err)
		}
		int8, err := LoadAny(File{"int8.onnx", joined(r.Model)}, nil)
		if err != nil {
			t.Fatal(err)
		}
		exact, pairs := Backend{row.target, "vnni"}, Backend{row.target, "avx2"}
		both, err := NewTester(TestOptions{Contenders: []Contender{{int8, exact}, {int8, pairs}}, Ref: float})
		if err != nil {
			t.Fatal(err)
		}
		alone, err := NewTester(TestOptions{Contenders: []Contender{{int8, pairs}}, Ref: float})
		if err != nil {
			t.Fatal(err)
		}
		if got := both.rows[1].like == 0; got != row.twin {
			t.Errorf("%s for %s: twins %v, want %v", row.target, row.cpu, got, row.twin)
		}
		for i := range 3 {
			f, err := photos(t, 4).Open(i)
			if err != nil {
				t.Fatal(err)
			}
			if err := errors.Join(both.Test(i, f), alone.Test(i, f)); err != nil {
				t.Fatal(err)
			}
			got, want := both.shots[i], alone.shots[i]
			if got.Marks[1] != want.Marks[0] || !slices.Equal(got.First[1], want.First[0]) {
				t.Errorf("%s for %s, image %d: %+v, alone %+v", row.target, row.cpu, i, got, want)
			}
		}
	}
}
