package browsertest

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// One number is followed through every arithmetic: the worst of the worst layer first, then any that is asked for.
func TestNumber(t *testing.T) {
	each(t, func(b *tab) {
		b.click(`[data-sample=cifar]`)
		b.finish(60 * time.Second)
		b.wait(shown("number"), 60*time.Second)
		shownElement := func() string {
			b.Helper()
			b.wait(`document.getElementById("number-note").innerText.startsWith("Shown")`, 60*time.Second)
			return b.eval(`["channel", "y", "x"].map((f) => document.getElementById("number-" + f).value).join(" ")`)
		}
		b.click("#number-worst")
		worst := shownElement()
		if strings.Count(worst, " ") != 2 || strings.HasPrefix(worst, " ") {
			b.Errorf("the worst element is %q", worst)
		}
		const columns = `document.querySelectorAll("#number-card .trace thead th").length`
		if n := b.eval(columns); n != "8" { // the steps, OpenVINO and ONNX Runtime on two kinds of CPU, TensorRT, Q/DQ and fp32
			b.Errorf("there are %s columns", n)
		}
		rows := b.eval(`[...document.querySelectorAll("#number-card .trace tbody th")].map((e) => e.innerText).join("; ")`)
		for _, want := range []string{"Product\nchannel", "The other products together", "Sum of all products", "Sum in 32 bits", "Multiplier", "What it stands for"} {
			if !strings.Contains(rows, want) {
				b.Errorf("the steps %q lack %q", rows, want)
			}
		}
		// The products add up to their sum, in the first column as it is shown.
		sum := b.eval(`(() => {
			const n = (s) => Number(s.replaceAll(",", "").replace("−", "-"));
			const cell = (name) => [...document.querySelectorAll("#number-card .trace tbody tr")].filter((r) => r.cells[0].innerText.startsWith(name)).map((r) => n(r.cells[1].innerText.replace("≠ ", "").split("\n")[0]));
			return cell("Product\n").concat(cell("The other")).reduce((a, b) => a + b) - cell("Sum of all products")[0];
		})()`)
		if sum != "0" {
			b.Errorf("the products and their sum differ by %s", sum)
		}
		if b.eval(`document.querySelectorAll("#number-card .differs").length`) == "0" || b.eval(`document.querySelector("#number-card .differs").innerText`) == "" {
			b.Error("nothing says where the float model differs")
		}
		// By keyboard: another row, and one that is not there.
		b.eval(`document.getElementById("number-note").innerText = ""`)
		b.eval(`(() => { const e = document.getElementById("number-y"); e.value = "1"; e.focus(); })()`)
		b.do(chromedp.KeyEvent(kb.Enter))
		if now := shownElement(); strings.Fields(now)[1] != "1" {
			b.Errorf("row 1 was asked for, and %q is shown", now)
		}
		b.eval(`document.getElementById("number-note").innerText = ""`)
		b.eval(`(() => { const e = document.getElementById("number-channel"); e.value = "9999"; e.focus(); })()`)
		b.do(chromedp.KeyEvent(kb.Enter))
		b.wait(`document.getElementById("number-note").innerText.includes("9999")`, 60*time.Second)
		if says := b.eval(`document.getElementById("number-note").innerText`); !strings.Contains(says, "channel") {
			b.Errorf("a channel that is not there: %q", says)
		}
		b.predicted(120 * time.Second)
		axe(b, "one number")
	})
}

// The result can be had in every format that its target knows.
func TestFormats(t *testing.T) {
	b := open(t, "http", 1280, 800)
	b.click(`[data-sample=cifar]`)
	b.finish(60 * time.Second)
	for _, c := range []struct{ format, file, begins string }{
		{"ir", "cifar10_resnet20.openvino.int8.bin", ""}, {"ir", "cifar10_resnet20.openvino.int8.xml", "<?xml"},
		{"encodings", "cifar10_resnet20.openvino.int8.encodings.json", "{"}, {"fakequantize", "cifar10_resnet20.openvino.int8.fakequantize.onnx", "\x08"},
	} {
		b.eval(`(() => { const e = document.getElementById("format"); e.value = ` + text(c.format) + `; e.dispatchEvent(new Event("change", {bubbles: true})); document.getElementById("save-as").click(); })()`)
		if got := b.downloaded(c.file); !strings.HasPrefix(string(got), c.begins) || len(got) < 1000 {
			t.Errorf("%s begins with %.20q", c.file, got)
		}
	}
	if list := b.eval(`[...document.getElementById("format").options].map((o) => o.value).join(" ")`); strings.Contains(list, "trt-cache") {
		t.Errorf("for OpenVINO the formats are %s", list)
	}
}

// A file for CPUs with VNNI only is another one, and the page says what it does on those without.
func TestProcessors(t *testing.T) {
	b := open(t, "http", 1280, 800)
	b.click(`[data-sample=cifar]`)
	everywhere := b.finish(60 * time.Second)
	b.eval(`(() => { const e = document.getElementById("cpu"); e.value = "vnni"; e.dispatchEvent(new Event("change")); })()`)
	if says := b.eval(`document.getElementById("cpu-doc").textContent`); !strings.Contains(says, "overflow") {
		t.Errorf("of the choice the page says %q", says)
	}
	b.click("#run")
	if newer := b.finish(60 * time.Second); bytes.Equal(everywhere, newer) {
		t.Error("the same file was made for every CPU and for those with VNNI")
	}
	if line := b.eval(`document.getElementById("command").textContent`); !strings.Contains(line, "-cpu vnni") {
		t.Errorf("the same from a terminal is %q", line)
	}
	if says := b.predicted(120 * time.Second); !strings.Contains(says, "CPU without VNNI") {
		t.Errorf("the page predicts %q", says)
	}
	if says := b.eval(`document.getElementById("result-card").innerText`); !strings.Contains(says, "overflow") {
		t.Errorf("the result does not tell of overflow: %q", says)
	}
	b.click("input[name=target][value=tensorrt]")
	b.wait(`!document.getElementById("cpu-field").checkVisibility()`, 5*time.Second)
}
