package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"time"

	devpage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// errNoBrowser says what to do on a machine without Chromium.
var errNoBrowser = errors.New("no Chromium here: install it, or name it in DROPQUANT_CHROMIUM")

// chromium returns the path of the browser.
func chromium() (string, error) {
	for _, name := range []string{os.Getenv("DROPQUANT_CHROMIUM"), "chromium", "chromium-browser", "google-chrome", "google-chrome-stable"} {
		if name == "" {
			continue
		}
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", errNoBrowser
}

// page is an open page in a browser of its own.
type page struct {
	ctx   context.Context
	close func()
}

// openPage opens url, after scripts that run before those of the page.
func openPage(ctx context.Context, url string, scripts ...string) (*page, error) {
	path, err := chromium()
	if err != nil {
		return nil, err
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path))
	if os.Geteuid() == 0 {
		options = append(options, chromedp.NoSandbox) // root has none
	}
	allocator, stop := chromedp.NewExecAllocator(ctx, options...)
	tab, cancel := chromedp.NewContext(allocator)
	p := &page{tab, func() { cancel(); stop() }}
	for _, s := range scripts {
		if _, err := chromedp.Call(tab, devpage.AddScriptToEvaluateOnNewDocument, devpage.AddScriptToEvaluateOnNewDocumentParams{Source: s}); err != nil {
			p.close()
			return nil, err
		}
	}
	if err := chromedp.Do(tab, chromedp.Navigate(url)); err != nil {
		p.close()
		return nil, err
	}
	return p, nil
}

// eval returns what an expression gives, when it is a promise what that gives in the end.
func eval[T any](p *page, expression string) (out T, err error) {
	text, err := chromedp.Run(p.ctx, chromedp.Evaluate[string]("(async () => JSON.stringify(await ("+expression+")) ?? 'null')()", chromedp.EvalAwaitPromise))
	if err != nil {
		return out, fmt.Errorf("%s: %w", expression, err)
	}
	return out, json.Unmarshal([]byte(text), &out)
}

// wait waits until an expression is true.
func (p *page) wait(expression string, limit time.Duration) error {
	for end := time.Now().Add(limit); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if ok, err := eval[bool](p, "!!("+expression+")"); ok || err != nil {
			return err
		}
	}
	says, _ := eval[string](p, "document.body.innerText")
	return fmt.Errorf("%s did not become true in %v; the page says: %s", expression, limit, says)
}
