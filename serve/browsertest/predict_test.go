package browsertest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// predicted waits for the test of a file that was just made, and returns what the page says of it.
func (b *tab) predicted(limit time.Duration) string {
	b.Helper()
	b.wait(`document.querySelector("#predictions h3") && !document.getElementById("check-progress")`, limit)
	return b.eval(`document.getElementById("predictions").innerText`)
}

// labelled puts the first n images of CIFAR-10's test set and a table of their labels into a new folder.
func labelled(t *testing.T, n int, table func(rows []string) string) string {
	t.Helper()
	text, err := os.ReadFile(data(t, "cifar10/test200_labels.csv"))
	if err != nil {
		t.Fatal(err)
	}
	rows := strings.Fields(string(text))[:n+1]
	folder := filepath.Join(t.TempDir(), "photos")
	if err := os.Mkdir(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, row := range rows[1:] {
		name, _, _ := strings.Cut(row, ",")
		content, err := os.ReadFile(data(t, "cifar10/test200/"+name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(folder, name), content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(folder, "labels.csv"), []byte(table(rows)), 0o644); err != nil {
		t.Fatal(err)
	}
	return folder
}

func lines(rows []string) string { return strings.Join(rows, "\n") + "\n" }

// Labels beside the images give the share of right answers, of the float model and of the file in each arithmetic.
func TestLabels(t *testing.T) {
	model, folder := data(t, cifar), labelled(t, 40, lines)
	each(t, func(b *tab) {
		b.drop(model, folder)
		b.wait(`document.getElementById("images-card").innerText.includes("Labels from labels.csv") && !document.getElementById("run").disabled`, 20*time.Second)
		b.click("#run")
		b.finish(60 * time.Second)
		if says := b.predicted(60 * time.Second); !strings.Contains(says, "Right answers") || !strings.Contains(says, "40 images") || strings.Contains(says, "NaN") {
			b.Errorf("with labels the page predicts %q", says)
		}
		right := b.eval(`document.querySelector("#predictions tbody tr td:nth-child(3)").innerText`)
		var top1 float64
		if _, err := fmt.Sscanf(right, "%f %%", &top1); err != nil || top1 < 75 || top1 > 100 { // 89.5 on all 200
			b.Errorf("the float model is right on %s", right)
		}
	})
}

// Labels that do not fit get a sentence that names the file and the line or the image, and the rest goes on.
func TestWrongLabels(t *testing.T) {
	model := data(t, cifar)
	b := open(t, "http", 1280, 800)
	for _, c := range []struct {
		name  string
		table func(rows []string) string
		where string // the card that says it
		says  []string
	}{
		{"no class", func(rows []string) string { rows[3] = "x.bin,horse"; return lines(rows) }, "errors", []string{"labels.csv", "line 4", "horse"}},
		{"a row missing", func(rows []string) string { return lines(rows[:len(rows)-1]) }, "images-card", []string{"labels.csv", "no row for the image", "Without it"}},
		{"a row too many", func(rows []string) string { return lines(append(rows, "stranger.png,3")) }, "images-card", []string{"1 row without an image", "Labels from", "stranger.png"}},
	} {
		b.drop(model, labelled(t, 8, c.table))
		b.wait(fmt.Sprintf(`document.getElementById(%q).innerText.includes(%q)`, c.where, c.says[len(c.says)-1]), 20*time.Second)
		says := b.eval(fmt.Sprintf(`document.getElementById(%q).innerText`, c.where))
		for _, want := range c.says {
			if !strings.Contains(says, want) {
				t.Errorf("%s: the page says %q, without %q", c.name, says, want)
			}
		}
		b.eval(`document.querySelector("[data-error=dismiss]")?.click()`)
	}
	// A class that the model has no score for is known only when it runs.
	b.drop(labelled(t, 9, func(rows []string) string { rows[2] = strings.Split(rows[2], ",")[0] + ",10"; return lines(rows) }))
	b.wait(`document.getElementById("images-card").innerText.includes("9 images") && document.getElementById("images-card").innerText.includes("Labels from") && !document.getElementById("run").disabled`, 20*time.Second)
	b.click("#run")
	b.finish(60 * time.Second)
	if says := b.predicted(60 * time.Second); !strings.Contains(says, "labels.csv") || !strings.Contains(says, "line 3") || !strings.Contains(says, "Agrees with fp32") {
		t.Errorf("a class too high: %q", says)
	}
}

// A file that is quantized already is tested and not quantized again, alone and beside its float model.
func TestQuantizedFile(t *testing.T) {
	float := data(t, cifar)
	each(t, func(b *tab) {
		b.click(`[data-sample=cifar]`)
		file := filepath.Join(b.TempDir(), "theirs.onnx")
		if err := os.WriteFile(file, b.finish(60*time.Second), 0o644); err != nil {
			b.Fatal(err)
		}
		b.predicted(60 * time.Second)
		b.do(chromedp.Reload())
		b.wait(`document.documentElement.hasAttribute("data-ready")`, 30*time.Second)

		b.drop(file, filepath.Join(root(), "build", "samples", "photos"))
		b.wait(shown("tested-card")+` && document.getElementById("run").innerText == "Test" && !document.getElementById("run").disabled`, 30*time.Second)
		if says := b.eval(`document.getElementById("tested-card").innerText`); !strings.Contains(says, "quantized already") {
			b.Errorf("the page says of the file: %q", says)
		}
		score := func() (models []struct {
			Model, Target   string
			Images          int
			Agreement, SQNR *float64
		}) {
			b.Helper()
			b.click("#run")
			b.wait(`document.querySelector("#result-card table")?.checkVisibility() || document.querySelector("#errors .error")`, 60*time.Second)
			if text := b.eval("document.getElementById('errors').innerText"); text != "" {
				b.Fatalf("the page shows an error: %s", text)
			}
			b.click("#save-report")
			var out struct{ Models json.RawMessage }
			text := b.downloaded("theirs.json")
			if err := json.NewDecoder(bytes.NewReader(text)).Decode(&out); err != nil {
				b.Fatal(err)
			}
			if err := json.Unmarshal(out.Models, &models); err != nil {
				b.Fatal(err)
			}
			return models
		}
		if alone := score(); alone[0].Target != "qdq" || alone[0].Images == 0 {
			b.Errorf("tested alone: %+v", alone)
		}
		b.drop(float)
		b.wait(shown("model-card"), 30*time.Second)
		beside := score()
		if len(beside) < 2 || beside[0].Model != "cifar10_resnet20.onnx" || beside[1].Model != "theirs.onnx" || beside[1].Agreement == nil || *beside[1].Agreement < 80 {
			b.Errorf("tested beside its float model: %+v", beside)
		}
		b.click("#set-aside")
		b.wait(`!document.getElementById("tested-card").checkVisibility() && document.getElementById("run").innerText == "Quantize"`, 5*time.Second)
	})
}
