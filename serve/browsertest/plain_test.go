package browsertest

import (
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// Without JavaScript, without WebAssembly, or without its SIMD the page can be read and says what is missing.
func TestOldBrowsers(t *testing.T) {
	url, err := served()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, script, says string }{
		{"no JavaScript", "", "needs JavaScript"},
		{"no WebAssembly", "delete globalThis.WebAssembly", "no WebAssembly"},
		{"no SIMD", "WebAssembly.validate = () => false", "no SIMD"},
		{"no streams", "delete globalThis.DecompressionStream", "too old"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := &tab{T: t}
			allocator, stop := chromedp.NewExecAllocator(t.Context(), append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(chromium(t)), chromedp.NoSandbox)...)
			t.Cleanup(stop)
			ctx, cancel := chromedp.NewContext(allocator)
			t.Cleanup(cancel)
			b.ctx = ctx
			if c.script == "" {
				must(chromedp.Call(ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true}))(t)
			} else {
				must(chromedp.Call(ctx, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: c.script}))(t)
			}
			b.do(chromedp.Navigate(url))
			says, err := chromedp.Run(ctx, chromedp.InnerHTML(chromedp.CSS("#starting")))
			if err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(says, c.says) {
				t.Errorf("the page says %q, want %q", says, c.says)
			}
		})
	}
}

// In forced colours nothing is told by a colour alone, and what is chosen can be seen.
func TestForcedColours(t *testing.T) {
	b := open(t, "http", 1280, 800)
	media := emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "forced-colors", Value: "active"}, {Name: "prefers-reduced-motion", Value: "reduce"}}}
	must(chromedp.Call(b.ctx, emulation.SetEmulatedMedia, media))(t)
	b.prepare()
	if style := b.eval(`getComputedStyle(document.querySelector(".choice:has(:checked)")).outlineStyle`); style != "solid" {
		t.Errorf("the chosen target has the outline %q", style)
	}
	b.shot("forced-colours")
}
