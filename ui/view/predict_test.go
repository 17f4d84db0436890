package view

import (
	"math"
	"strings"
	"testing"

	"dropquant/engine/report"
	"dropquant/engine/target"
)

// score is a score without labels.
func score(model, target, isa string, agreement float64) report.Score {
	return report.Score{Model: model, Target: target, ISA: isa, Images: 100, Top1: math.NaN(), Top5: math.NaN(), Agreement: agreement, SQNR: 20}
}

var bothLints = []target.Report{{Target: "openvino", MACs: 100, Int8MACs: 100}, {Target: "onnxruntime", MACs: 100, Int8MACs: 50}}

func TestPredictions(t *testing.T) {
	m := Predictions{Target: "onnxruntime", Lints: bothLints, Scores: []report.Score{
		score("a", "qdq", "", math.NaN()), score("b", "qdq", "", 99), score("b", "openvino", "vnni", 98), score("b", "openvino", "avx2", 97), score("b", "onnxruntime", "vnni", 96),
	}}
	var got []string
	for _, r := range predictions(m) {
		got = append(got, r.runtime+"/"+r.cpu)
	}
	want := "ONNX Runtime/CPU with VNNI OpenVINO/CPU with VNNI OpenVINO/CPU without VNNI Q/DQ in float, as ONNX defines it/any"
	if strings.Join(got, " ") != want {
		t.Errorf("the rows are\n%s, want\n%s", strings.Join(got, " "), want)
	}
	html := Predicted(m)
	for _, part := range []string{"96 %", "50 %", "Agrees with fp32", `class="own"`} {
		if !strings.Contains(html, part) {
			t.Errorf("the table lacks %q: %s", part, html)
		}
	}
	if strings.Contains(html, "Right answers") || strings.Contains(html, "NaN") {
		t.Errorf("without labels the table has a column for them: %s", html)
	}
	m.Scores = m.Scores[:2]
	if html := Predicted(m); strings.Count(html, "not simulated") != 2 {
		t.Errorf("runtimes without a score are not listed: %s", html)
	}
	m.Scores[1].Top1, m.Scores[1].Blocked = 5, ""
	if html := Predicted(m); !strings.Contains(html, "Right answers") {
		t.Error("with labels there is no column for them")
	}
	m.Scores[0].Top1 = 84.25
	m.Lints = []target.Report{{Target: "tensorrt", Findings: []target.Finding{{ID: "a", Effect: target.Refused}}}}
	if html := Predicted(m); !strings.Contains(html, "fp32, before quantizing") || !strings.Contains(html, "84.2 %") || !strings.Contains(html, "does not take this file") {
		t.Errorf("the float model's right answers, or a runtime that refuses the file, are not told: %s", html)
	}
	if html := Predicted(Predictions{Running: true}); !strings.Contains(html, "check-progress") || !strings.Contains(html, "stop-check") {
		t.Error("while it runs there is no progress, or no way to stop it")
	}
}

func TestOverflow(t *testing.T) {
	r := report.Report{Layers: []report.Layer{{Name: "fine", Detail: &report.Detail{}}, {Name: "loud", Detail: &report.Detail{Saturated: &report.Saturation{Channels: 1, Hits: 3}}}, {Name: "float"}}}
	html := Predicted(Predictions{Running: true, Overflow: Saturated(r)})
	if !strings.Contains(html, "in 1 layer<") || !strings.Contains(html, "loud") || strings.Contains(html, "fine") {
		t.Errorf("the layers that overflow: %s", html)
	}
}

func TestVerdict(t *testing.T) {
	for _, c := range []struct {
		name       string
		vnni, avx2 float64
		want       string
	}{
		{"good", 99, 98, "Wherever it runs, at least 98 %"},
		{"alike", 99, 99, "99 % of the first answers stay the same"},
		{"saturates", 98, 62, "OpenVINO on a CPU without VNNI gives the first answer of fp32 on only 62 %"},
		{"bad everywhere", 81, 80, "Only 80 %"},
		{"no classifier", math.NaN(), math.NaN(), ""},
	} {
		m := Predictions{Target: "openvino", Lints: bothLints, Scores: []report.Score{
			score("a", "qdq", "", math.NaN()), score("b", "openvino", "vnni", c.vnni), score("b", "openvino", "avx2", c.avx2), score("b", "onnxruntime", "vnni", 10),
		}}
		if got := Verdict(m); !strings.Contains(got, c.want) || c.want == "" && got != "" {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestRuntimes(t *testing.T) {
	r := target.Report{Target: "openvino", Findings: []target.Finding{
		{ID: target.Rules[0].ID, Effect: target.Wrong, Node: "q1", Text: "bad", Fix: "mend it"}, {ID: target.Rules[0].ID, Effect: target.Wrong, Node: "q2", Text: "bad", Fix: "mend it"},
	}, Nodes: []target.NodeLine{{Name: "c", Op: "Conv", State: "int8"}, {Name: "s1", Op: "Softmax", State: "float", Why: "no row"}, {Name: "s2", Op: "Softmax", State: "float", Why: "no row"}}}
	html := Predicted(Predictions{Lints: []target.Report{r}, Running: true})
	for _, part := range []string{"OpenVINO: 1 operator in float, wrong results in 2 places", "q1", "q2", "To cure it, mend it.", "s1", "No row."} {
		if !strings.Contains(html, part) {
			t.Errorf("what the runtime makes of the file lacks %q: %s", part, html)
		}
	}
	if strings.Contains(html, ">c<") {
		t.Error("a node in int8 is listed as left out")
	}
}

func TestWorst(t *testing.T) {
	r := report.Report{Layers: []report.Layer{
		{Name: "fine", Detail: &report.Detail{Own: 50}}, {Name: "bad", Detail: &report.Detail{Own: 12, Total: 9}, Causes: []report.Cause{{ID: "a", Text: "one outlier channel sets the range"}}}, {Name: "float"},
	}}
	html := Worst(r)
	for _, part := range []string{"bad", "12.0 dB", "9.0 dB", "One outlier channel sets the range."} {
		if !strings.Contains(html, part) {
			t.Errorf("the worst layers lack %q: %s", part, html)
		}
	}
	if strings.Contains(html, "fine") || strings.Contains(html, "float") {
		t.Errorf("layers that lose nothing are among the worst: %s", html)
	}
	if Worst(report.Report{}) != "" {
		t.Error("without layers there is a list")
	}
}
