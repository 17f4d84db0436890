package browsertest

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

const (
	cifar      = "models/cifar10_resnet20.onnx"
	cifarBytes = 1_094_781
	mobilenet  = "models/mobilenet_v2.onnx"
)

// each runs a flow on the page from a server and from a disk.
func each(t *testing.T, flow func(b *tab)) {
	for _, origin := range origins {
		t.Run(origin, func(t *testing.T) {
			b := open(t, origin, 1280, 800)
			flow(b)
			b.quiet(origin)
		})
	}
}

func (b *tab) error() string {
	b.Helper()
	b.wait(`document.querySelector("#errors .error")`, 20*time.Second)
	return b.eval(`document.querySelector("#errors .error").innerText`)
}

// A sample gives a file by one click.
func TestSample(t *testing.T) {
	each(t, func(b *tab) {
		b.click(`[data-sample=cifar]`)
		checkModel(b.T, b.finish(60*time.Second), cifarBytes)
		if focus := b.eval("document.activeElement.id"); focus != "result-title" {
			b.Errorf("after a run the focus is on %q, not on the result", focus)
		}
		b.click("#save-report")
		report := b.downloaded("cifar10_resnet20.openvino.int8.json")
		if !bytes.Contains(report, []byte(`"size_after"`)) {
			b.Errorf("the report is %.100s", report)
		}
	})
}

// A model and a folder of a hundred images, dropped at once: the way of most users.
func TestFolderDrop(t *testing.T) {
	model := data(t, mobilenet)
	folder := t.TempDir()
	images, err := filepath.Glob(filepath.Join(data(t, "imagenet/calib"), "*"))
	if err != nil {
		t.Fatal(err)
	}
	for i, path := range images[:100] { // in folders, with what else lies in folders
		name := filepath.Join(folder, "photos", fmt.Sprint(i%3), filepath.Base(path))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for name, content := range map[string]string{"labels.txt": "a\nb\n", ".DS_Store": "x", "broken.jpg": "no picture", "notes.md": "# notes"} {
		if err := os.WriteFile(filepath.Join(folder, "photos", name), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	var first []byte
	each(t, func(b *tab) {
		b.drop(model, filepath.Join(folder, "photos"))
		b.wait(`document.querySelector("#view-stats table")`, 30*time.Second)
		if says := b.eval(`document.getElementById("images-card").innerText`); !strings.Contains(says, "101 images") || !strings.Contains(says, "2 files of other kinds") {
			b.Errorf("the page says of the folder: %s", says)
		}
		b.click("#run")
		result := b.finish(300 * time.Second)
		checkModel(b.T, result, 13_971_347)
		b.compared(120 * time.Second)
		if says := b.eval(`document.getElementById("result-card").textContent`); !strings.Contains(says, "broken.jpg") || !strings.Contains(says, "of 100") {
			b.Errorf("the result does not tell of the broken image: %s", says)
		}
		if first == nil {
			first = result
		} else if !bytes.Equal(first, result) {
			b.Error("the page from a disk gave another file than the page from a server")
		}
	})
}

// Files that cannot be used get a card with a sentence, and the page goes on.
func TestWrongFiles(t *testing.T) {
	model, err := os.ReadFile(data(t, cifar))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	put := func(name string, content []byte) string {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, content, 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	if err := os.Mkdir(filepath.Join(dir, "nothing"), 0o755); err != nil {
		t.Fatal(err)
	}
	good := put("good.onnx", model)
	each(t, func(b *tab) {
		for _, c := range []struct{ path, says string }{
			{put("notes.txt", []byte("hello")), "notes.txt"},
			{filepath.Join(dir, "nothing"), "empty"},
			{put("cut.onnx", model[:len(model)*2/3]), "cut.onnx"},
			{put("text.onnx", []byte("<!doctype html><title>Not found</title>")), "text.onnx"},
			{put("empty.onnx", nil), "empty.onnx"},
		} {
			b.drop(c.path)
			if says := b.error(); !strings.Contains(says, c.says) {
				b.Errorf("%s: the page says %q", filepath.Base(c.path), says)
			}
			b.click("[data-error=dismiss]")
		}
		b.drop(good, put("pictures/a.jpg", []byte("no picture")))
		b.wait(shown("run")+` && !document.getElementById("run").disabled`, 20*time.Second)
		b.click("#run")
		if says := b.error(); !strings.Contains(says, "a.jpg") {
			b.Errorf("a run without one good image says %q", says)
		}
		b.drop(data(b.T, "imagenet/val20"))
		b.wait(`document.querySelector("#view-stats table")`, 20*time.Second)
		b.click("#run")
		checkModel(b.T, b.finish(60*time.Second), cifarBytes)
	})
}

// prepare gives the page a model and 32 images that take some seconds.
func (b *tab) prepare() {
	b.Helper()
	b.drop(data(b.T, mobilenet), data(b.T, "imagenet/val20"))
	b.wait(`document.querySelector("#view-stats table")`, 30*time.Second)
}

// A run that was cancelled ends at once, keeps its inputs, and leaves nothing behind in the next one. Nor does a worker that
// dies: the result is the same.
func TestCancelAndDeath(t *testing.T) {
	each(t, func(b *tab) {
		b.prepare()
		b.click("#run")
		clean := b.finish(120 * time.Second)

		b.click("#run")
		b.wait(`document.getElementById("progress").value > 0.2`, 60*time.Second)
		took := b.eval(`(() => { const t = performance.now(); document.getElementById("cancel").click(); return performance.now() - t; })()`)
		var ms float64
		if _, err := fmt.Sscan(took, &ms); err != nil || ms > 200 {
			b.Errorf("cancelling took %s ms (%v)", took, err)
		}
		b.wait(shown("run")+` && !document.getElementById("run").disabled`, time.Second)
		b.click("#run")
		if again := b.finish(120 * time.Second); !bytes.Equal(again, clean) {
			b.Error("after a cancelled run the file differs")
		}

		// The page itself ends the worker as soon as it is that far: asked from here, it might have done its share by then, and nobody
		// would have to take its place.
		kill := `(() => { const at = setInterval(() => {
			if (document.getElementById("progress").value <= %s) return;
			clearInterval(at);
			globalThis.__before = __workers.length;
			__workers.at(-1).postMessage({m: "no JSON", b: []});
		}, 5); })()`
		for _, share := range []string{"0.1", "0.5"} { // in the first phase, in the second
			b.eval("delete globalThis.__before")
			b.click("#run")
			b.eval(fmt.Sprintf(kill, share))
			if again := b.finish(120 * time.Second); !bytes.Equal(again, clean) {
				b.Errorf("a worker died at %s, and the file differs", share)
			}
			if b.eval("__workers.length > globalThis.__before") != "true" {
				b.Errorf("no worker was started in place of the one that died at %s", share)
			}
		}

		b.click("#run")
		b.wait(`document.getElementById("progress").value > 0.1`, 60*time.Second)
		b.eval(`globalThis.__killer = setInterval(() => { for (const w of __workers) w.postMessage({m: "no JSON", b: []}); }, 100)`)
		if says := b.error(); !strings.Contains(says, "stopped twice") {
			b.Errorf("when workers die again and again the page says %q", says)
		}
		b.eval("clearInterval(__killer)")
		b.click("[data-error=retry]")
		if again := b.finish(120 * time.Second); !bytes.Equal(again, clean) {
			b.Error("trying again gave another file")
		}
	})
}

// The file is there before it has been compared with the float model. Stopping the comparison leaves the file, and the next run is
// compared to its end.
func TestComparedBehind(t *testing.T) {
	each(t, func(b *tab) {
		b.prepare()
		b.click("#run")
		first := b.finish(120 * time.Second)
		if says := b.eval(`document.getElementById("result-numbers").innerText`); !strings.Contains(says, "being compared") {
			b.Errorf("the file is there, and the numbers already say %q", says)
		}
		if b.eval(`document.getElementById("layers").checkVisibility()`) != "false" {
			b.Error("the table of layers is shown before anything was compared")
		}
		b.click("#stop-check")
		b.wait(`document.getElementById("predictions").innerText.includes("The comparison was stopped")`, 5*time.Second)
		b.click("#download")
		if again := b.downloaded(b.eval("document.getElementById('run-text').textContent")); !bytes.Equal(again, first) {
			b.Error("after the comparison was stopped the file is another one")
		}
		b.click("#run")
		if again := b.finish(120 * time.Second); !bytes.Equal(again, first) {
			b.Error("after a stopped comparison the next file differs")
		}
		b.compared(60 * time.Second)
		if says := b.eval(`document.getElementById("result-numbers").innerText`); !strings.Contains(says, "of 20") {
			b.Errorf("when all is compared the numbers say %q", says)
		}
		b.wait(`document.querySelector("#layers table")?.checkVisibility()`, 5*time.Second)
	})
}

// The number of workers does not change the file.
func TestWorkers(t *testing.T) {
	b := open(t, "http", 1280, 800)
	b.prepare()
	var first []byte
	for _, n := range []int{1, 3} {
		b.eval(fmt.Sprintf(`(() => { const e = document.getElementById("workers"); e.value = %d; e.dispatchEvent(new Event("change")); })()`, n))
		b.click("#run")
		result := b.finish(180 * time.Second)
		if first == nil {
			first = result
		} else if !bytes.Equal(first, result) {
			t.Errorf("%d workers gave another file", n)
		}
	}
}

// The whole way by keyboard: a sample by Tab and Enter, cancel, run, download.
func TestKeyboard(t *testing.T) {
	each(t, func(b *tab) {
		tabTo := func(condition string) {
			b.Helper()
			for range 80 {
				b.do(chromedp.KeyEvent(kb.Tab))
				if b.eval("document.activeElement.matches("+text(condition)+")") == "true" {
					if b.eval(`getComputedStyle(document.activeElement.closest(".choice") ?? document.activeElement).outlineStyle`) == "none" {
						b.Errorf("%s does not show that it has the focus", condition)
					}
					return
				}
			}
			b.Fatalf("the Tab key does not reach %s", condition)
		}
		tabTo("[data-pick=model]")
		tabTo("[data-pick=folder]")
		tabTo("[data-sample=cifar]")
		b.do(chromedp.KeyEvent(kb.Enter))
		b.wait(shown("download"), 60*time.Second)
		tabTo("#download")
		b.compared(60 * time.Second)
		tabTo("[data-sort=op]")
		b.do(chromedp.KeyEvent(kb.Enter))
		if sorted := b.eval(`document.querySelector("[aria-sort]").innerText + document.activeElement.dataset.sort`); sorted != "Operatorop" {
			b.Errorf("after sorting by operator: %q", sorted)
		}
		b.do(chromedp.KeyEvent("s", chromedp.KeyModifiers(chromedp.ModifierCtrl)))
		checkModel(b.T, b.downloaded("cifar10_resnet20.openvino.int8.onnx"), cifarBytes)
		b.do(chromedp.KeyEvent(kb.Enter, chromedp.KeyModifiers(chromedp.ModifierCtrl)))
		b.wait(shown("cancel"), 5*time.Second)
		b.do(chromedp.KeyEvent(kb.Escape))
		b.wait(shown("run"), 5*time.Second)
		if says := b.eval(`document.getElementById("announce").textContent`); !strings.Contains(says, "Cancelled") {
			b.Errorf("a screen reader hears %q after cancelling", says)
		}
	})
}

// Ten thousand files do not freeze the page.
func TestManyFiles(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "many")
	if err := os.Mkdir(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	photos, err := filepath.Glob(filepath.Join(root(), "build", "samples", "photos", "*.jpg"))
	if err != nil {
		t.Fatal(err)
	}
	photo, err := os.ReadFile(photos[0])
	if err != nil {
		t.Fatal(err)
	}
	first := filepath.Join(folder, "00000.jpg")
	if err := os.WriteFile(first, photo, 0o644); err != nil {
		t.Fatal(err)
	}
	for i := range 9_999 { // hard links: a browser does not follow others
		if err := os.Link(first, filepath.Join(folder, fmt.Sprintf("%05d.jpg", i+1))); err != nil {
			t.Skipf("this system makes no links: %v", err)
		}
	}
	each(t, func(b *tab) {
		b.eval(`(() => { let last = performance.now(); globalThis.__gap = 0; setInterval(() => { const now = performance.now(); __gap = Math.max(__gap, now - last); last = now; }, 10); })()`)
		b.drop(folder)
		b.wait(`document.getElementById("images-card").innerText.includes("10,000 images")`, 60*time.Second)
		b.wait(`document.querySelectorAll("#images-card img").length == 12`, 5*time.Second)
		var gap float64
		if _, err := fmt.Sscan(b.eval("__gap"), &gap); err != nil || gap > 1000 {
			b.Errorf("the page stood still for %.0f ms (%v)", gap, err)
		}
		b.Logf("longest pause of the page: %.0f ms", gap)
	})
}

// Nothing is wider than a phone, in any state; nor at twice the size on a small laptop, which is 640 wide.
func TestNarrow(t *testing.T) {
	for _, width := range []int64{360, 390, 640} {
		t.Run(fmt.Sprint(width), func(t *testing.T) {
			b := open(t, "http", width, 844)
			check := func(state string) {
				t.Helper()
				if over := b.eval("document.documentElement.scrollWidth - innerWidth"); over != "0" && !strings.HasPrefix(over, "-") {
					t.Errorf("%s: the page is %s px wider than the window", state, over)
				}
			}
			check("empty")
			b.drop(data(t, mobilenet))
			b.wait(`document.querySelector("#model-card table")`, 30*time.Second)
			check("a model")
			b.drop(data(t, "imagenet/val20"))
			b.wait(`document.querySelector("#view-stats table")`, 30*time.Second)
			b.eval(`document.querySelectorAll("details").forEach((d) => { d.open = true; })`)
			check("ready")
			b.click("#run")
			b.wait(shown("cancel"), 5*time.Second)
			check("running")
			b.finish(120 * time.Second)
			check("comparing")
			b.compared(60 * time.Second)
			b.eval(`document.querySelectorAll("details").forEach((d) => { d.open = true; })`)
			check("done")
		})
	}
}

// After the first visit the page starts without its server, and runs a sample that was fetched before.
func TestOffline(t *testing.T) {
	chromium(t)
	url, server, err := serve()
	if err != nil {
		t.Fatal(err)
	}
	stop := func() {
		_ = server.Process.Kill()
		_ = server.Wait()
	}
	t.Cleanup(stop)
	b := visit(t, url, 1280, 800)
	b.wait(`document.getElementById("toasts").innerText.includes("offline")`, 30*time.Second)
	b.click(`[data-sample=cifar]`)
	first := b.finish(60 * time.Second)
	stop()
	b.do(chromedp.Reload())
	b.wait(`document.documentElement.hasAttribute("data-ready")`, 30*time.Second)
	b.click(`[data-sample=cifar]`)
	if again := b.finish(60 * time.Second); !bytes.Equal(first, again) {
		t.Error("without a server the file differs")
	}
}
