package view

import (
	"math"
	"strings"
	"testing"
	"time"

	"dropquant/engine"
	"dropquant/engine/report"
	"dropquant/engine/target"
	"dropquant/wasm/protocol"
)

func TestWords(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{Size(0), "0 bytes"}, {Size(999), "999 bytes"}, {Size(1000), "1.0 kB"}, {Size(3_660_000), "3.7 MB"}, {Size(999_600), "1.0 MB"}, {Size(102_473_873), "102 MB"},
		{Count(0), "0"}, {Count(999), "999"}, {Count(1000), "1,000"}, {Count(1234567), "1,234,567"}, {Count(-1000), "-1,000"},
		{Of(1, "image"), "1 image"}, {Of(0, "image"), "0 images"}, {Of(10_000, "file"), "10,000 files"},
		{Large(12), "12"}, {Large(3_504_872), "3.5 M"}, {Large(300_800_000), "301 M"}, {Large(4_100_000_000), "4.1 G"},
		{Left(time.Second), "almost done"}, {Left(7100 * time.Millisecond), "about 8 s left"}, {Left(22 * time.Second), "about 25 s left"}, {Left(70 * time.Second), "about a minute left"}, {Left(110 * time.Second), "about 2 minutes left"},
		{Took(6310 * time.Millisecond), "6.3 s"}, {Took(61 * time.Second), "61 s"}, {Took(150 * time.Second), "2 min 30 s"},
		{Number(-0.5), "−0.50"}, {Number(12.34), "12.3"}, {Number(-255), "−255"}, {Number(9.999), "10.0"},
		{decibel(7.26), "7.3 dB"}, {decibel(-3), "−3.0 dB"}, {decibel(math.Inf(1)), "exact"}, {decibel(math.NaN()), "–"},
		{Sentence("the file ends early"), "The file ends early."}, {Sentence("why?"), "Why?"}, {Sentence(""), ""}, {Sentence("über"), "Über."},
		{percent(1, 1), "100 %"}, {percent(999_999, 1_000_000), "99.9 %"}, {percent(1, 2), "50 %"}, {percent(0, 5), "0 %"},
	} {
		if c.got != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
}

// Names come from files that anybody may have made: none may become markup.
func TestNothingIsMarkup(t *testing.T) {
	const evil = `<img src=x onerror=alert(1)>"'&`
	layer := report.Layer{Name: evil, Op: evil, DType: evil, Float: evil, Detail: &report.Detail{Own: 5}, Causes: []report.Cause{{ID: evil, Text: evil}}}
	score := report.Score{Model: evil, Target: evil, ISA: evil, Blocked: evil}
	lint := target.Report{Target: "openvino", Findings: []target.Finding{{ID: target.Rules[0].ID, Node: evil, Text: evil, Fix: evil}}, Nodes: []target.NodeLine{{Name: evil, Op: evil, State: "float", Why: evil}}}
	predictions := Predictions{Scores: []report.Score{score, score}, Lints: []target.Report{lint}, Note: evil}
	rep := report.Report{Model: evil, Images: 1, MACs: 1, Layers: []report.Layer{layer}, Skipped: []report.Skipped{{Name: evil, Why: evil}}, Warnings: []report.Diagnostic{{ID: "a", Node: evil, Text: evil}}}
	for name, html := range map[string]string{
		"model":   Model(engine.Info{Name: evil, Unsupported: []string{evil}, Ops: []engine.OpUse{{Op: evil, Count: 1, Float: []string{evil}, Why: evil}}}),
		"blocked": Model(engine.Info{Name: evil, Blocked: evil}),
		"images":  ImagesCard(Images{Count: 1, Used: 1, Failed: []string{evil}, Names: []string{evil}, URLs: []string{evil}, Labels: evil, Note: evil}),
		"stats":   Stats(protocol.View{Channels: []protocol.Channel{{Name: evil}}}),
		"summary": Summary(Result{Report: rep, File: evil, Target: evil, Command: evil}),
		"layers":  Layers(rep.Layers, WorstFirst, true),
		"worst":   Worst(rep),
		"predict": Predicted(predictions),
		"failed":  Predicted(Predictions{Failed: evil}),
		"scored":  Scored(predictions, evil),
		"tested":  Tested(engine.Info{Name: evil, Quantized: true, Producer: evil}, false),
		"formats": Summary(Result{Formats: []Choice{{evil, evil, evil}}}),
		"error":   ErrorCard(Error{Title: evil, Text: evil, Detail: evil, Action: evil}),
		"radios":  Radios(evil, []Choice{{evil, evil, evil}}, evil),
		"options": Options([]Choice{{evil, evil, evil}}, evil),
		"form":    Form([]Input{{ID: evil, Label: evil, Group: evil}}),
		"samples": Samples([]Sample{{ID: evil, Title: evil, Note: evil}}),
	} {
		if strings.Contains(html, "<img src=x") || strings.Contains(html, `onerror=alert(1)>"`) {
			t.Errorf("%s lets a name become markup: %s", name, html)
		}
		if strings.Contains(html, "%!") {
			t.Errorf("%s has a format without its argument: %s", name, html)
		}
	}
}

func TestLayers(t *testing.T) {
	layers := []report.Layer{
		{Name: "first", Op: "Conv", SQNR: 20, Scale: 1}, {Name: "second", Op: "Add", SQNR: 5, Scale: 1},
		{Name: "third", Op: "Softmax", SQNR: math.NaN(), Float: "computed in float"}, {Name: "fourth", Op: "Conv", SQNR: math.Inf(1), Scale: 1},
	}
	for _, c := range []struct {
		by   Sort
		want string
	}{
		{WorstFirst, "second first third fourth"},
		{Sort{"sqnr", true}, "fourth third first second"},
		{Sort{"name", false}, "first second third fourth"},
		{Sort{"name", true}, "fourth third second first"},
		{Sort{"op", false}, "second first fourth third"},
	} {
		html := Layers(layers, c.by, true)
		last := -1
		for _, name := range strings.Fields(c.want) {
			at := strings.Index(html, `<td class="path">`+name+`</td>`)
			if at < last {
				t.Errorf("sorted by %+v, %s comes too early", c.by, name)
			}
			last = at
		}
		if strings.Count(html, "aria-sort") != 1 {
			t.Errorf("sorted by %+v: not exactly one column says so", c.by)
		}
	}
	if layers[0].Name != "first" {
		t.Error("sorting the table changed the report")
	}
	if html := Layers(layers, WorstFirst, true); strings.Count(html, `class="v low"`) != 1 {
		t.Errorf("not exactly one layer is marked as low: %s", html)
	}
}

func TestFewLayersFirst(t *testing.T) {
	many := make([]report.Layer, 100)
	if html := Layers(many, WorstFirst, false); strings.Count(html, "<tr>") != 1+few || !strings.Contains(html, "Show all 100 layers") {
		t.Error("of a hundred layers the first few were to be shown, with a way to the rest")
	}
	if html := Layers(many, WorstFirst, true); strings.Count(html, "<tr>") != 101 {
		t.Error("all layers were asked for")
	}
	if html := Layers(many[:few+1], WorstFirst, false); strings.Contains(html, "Show all") {
		t.Error("one layer more than few does not need a button")
	}
}
