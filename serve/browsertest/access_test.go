package browsertest

import (
	"os"
	"slices"
	"testing"
	"time"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/chromedp"
)

// Everything that can be operated has a name, in every state.
func TestNames(t *testing.T) {
	b := open(t, "http", 1280, 800)
	roles := []string{"button", "checkbox", "combobox", "link", "progressbar", "radio", "region", "spinbutton", "table", "textbox"}
	check := func(state string) {
		t.Helper()
		tree, err := chromedp.Call(b.ctx, accessibility.GetFullAXTree, accessibility.GetFullAXTreeParams{})
		if err != nil {
			t.Fatal(err)
		}
		found := 0
		for _, n := range tree.Nodes {
			if n.Ignored || n.Role == nil {
				continue
			}
			role := string(n.Role.Value)
			role = role[1 : len(role)-1] // it is JSON text
			if !slices.Contains(roles, role) {
				continue
			}
			found++
			if n.Name == nil || string(n.Name.Value) == `""` {
				t.Errorf("%s: a %s has no name", state, role)
			}
		}
		if found < 5 {
			t.Errorf("%s: only %d things can be operated", state, found)
		}
		axe(b, state)
	}
	check("empty")
	b.drop(data(t, mobilenet), data(t, "imagenet/val20"))
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
}

// axe runs axe-core's rules, if DROPQUANT_AXE names its axe.min.js (npm package axe-core, 4.10 or later).
func axe(b *tab, state string) {
	b.Helper()
	path := os.Getenv("DROPQUANT_AXE")
	if path == "" {
		return
	}
	script, err := os.ReadFile(path)
	if err != nil {
		b.Fatal(err)
	}
	if _, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool](string(script)+"; true")); err != nil {
		b.Fatal(err)
	}
	found, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](`axe.run(document, {resultTypes: ["violations"]}).then((r) =>
		r.violations.map((v) => v.id + " (" + v.impact + "): " + v.nodes.map((n) => n.target).join(", ")).join("\n"))`, chromedp.EvalAwaitPromise))
	if err != nil {
		b.Fatal(err)
	}
	if found != "" {
		b.Errorf("%s: axe-core finds\n%s", state, found)
	}
}
