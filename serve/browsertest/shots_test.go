package browsertest

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// TestShots takes a picture of every state in light and dark, on a desktop and on a phone, for people to look at.
func TestShots(t *testing.T) {
	if os.Getenv("DROPQUANT_SHOTS") == "" {
		t.Skip("set DROPQUANT_SHOTS to a folder to get pictures of every state")
	}
	for _, look := range []struct {
		name          string
		width, height int64
		scheme        string
	}{{"light", 1280, 800, "light"}, {"dark", 1280, 800, "dark"}, {"phone", 390, 844, "light"}} {
		t.Run(look.name, func(t *testing.T) {
			b := open(t, "http", look.width, look.height)
			_, err := chromedp.Call(b.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
				Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: look.scheme}, {Name: "prefers-reduced-motion", Value: "reduce"}},
			})
			if err != nil {
				t.Fatal(err)
			}
			shot := func(name string) { time.Sleep(300 * time.Millisecond); b.shot(look.name + "-" + name) }
			shot("1-empty")
			broken := filepath.Join(t.TempDir(), "notes.txt")
			if err := os.WriteFile(broken, []byte("no model"), 0o644); err != nil {
				t.Fatal(err)
			}
			b.drop(broken)
			b.wait(`document.querySelector("#errors .error")`, 5*time.Second)
			shot("2-error")
			b.click(`[data-error=dismiss]`)
			b.drop(data(t, "models/mobilenet_v2.onnx"))
			b.wait(shown("model-card")+` && document.querySelector("#model-card table")`, 30*time.Second)
			shot("3-model")
			b.drop(data(t, "imagenet/calib"))
			b.wait(`document.querySelector("#view-stats table")`, 30*time.Second)
			b.eval(`document.getElementById("custom").open = true`)
			shot("4-images")
			b.eval(`document.getElementById("custom").open = false`)
			b.eval(`(() => { const e = document.getElementById("limit"); e.value = 16; e.dispatchEvent(new Event("change")); })()`)
			b.click("#run")
			b.wait(`document.getElementById("progress").value > 0.3`, 120*time.Second)
			shot("5-run")
			b.wait(shown("download"), 240*time.Second)
			shot("6-result")
			b.predicted(300 * time.Second)
			b.eval(`document.querySelectorAll("#result details").forEach((d) => { d.open = true; })`)
			b.click("#number-worst")
			b.wait(`document.querySelector("#number-card .trace")`, 120*time.Second)
			shot("7-predicted")
			file := filepath.Join(t.TempDir(), "theirs.onnx")
			b.click("#download")
			if err := os.WriteFile(file, b.downloaded("mobilenet_v2.openvino.int8.onnx"), 0o644); err != nil {
				t.Fatal(err)
			}
			b.drop(file)
			b.wait(shown("tested-card"), 60*time.Second)
			b.click("#run")
			b.wait(`document.querySelector("#result-card table")?.checkVisibility()`, 300*time.Second)
			shot("8-tested")
		})
	}
}
