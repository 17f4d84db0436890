// Package browsertest drives the page in a headless Chromium: over http from the server of this repository, and from file://.
//
// Environment: DROPQUANT_CHROMIUM names the browser if it is not on the path, DROPQUANT_DATA the folder of models and images,
// DROPQUANT_SHOTS a folder for screenshots of every state, DROPQUANT_OUT one that keeps the downloads.
package browsertest

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// root is the repository.
func root() string {
	_, file, _, _ := runtime.Caller(0)
	return filepath.Join(filepath.Dir(file), "..", "..")
}

// chromium returns the path of the browser, or skips the test.
func chromium(t *testing.T) string {
	t.Helper()
	for _, name := range []string{os.Getenv("DROPQUANT_CHROMIUM"), "chromium", "chromium-browser", "google-chrome", "google-chrome-stable"} {
		if name == "" {
			continue
		}
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Skip("no Chromium here: install it, or name it in DROPQUANT_CHROMIUM")
	return ""
}

// data returns a path in the folder of models and images, or skips the test.
func data(t *testing.T, name string) string {
	t.Helper()
	dir := os.Getenv("DROPQUANT_DATA")
	if dir == "" {
		dir = filepath.Join(root(), "..", "shared", "data")
	}
	path := filepath.Join(dir, filepath.FromSlash(name))
	if _, err := os.Stat(path); err != nil {
		t.Skipf("the models and images are not here: set DROPQUANT_DATA to their folder (%v)", err)
	}
	return path
}

// binary is the repository's server, built once.
var binary = sync.OnceValues(func() (string, error) {
	path := filepath.Join(os.TempDir(), fmt.Sprintf("dropquant-serve-%d", os.Getpid()))
	build := exec.Command("go", "build", "-o", path, "./serve")
	build.Dir = root()
	if text, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w\n%s", err, text)
	}
	return path, nil
})

// serve starts a server, which builds the page if it is stale, and returns its address.
func serve() (string, *exec.Cmd, error) {
	path, err := binary()
	if err != nil {
		return "", nil, err
	}
	server := exec.Command(path, "-open=false", "-port=0")
	server.Dir, server.Stderr = root(), os.Stderr
	out, err := server.StdoutPipe()
	if err != nil {
		return "", nil, err
	}
	if err := server.Start(); err != nil {
		return "", nil, err
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if strings.HasPrefix(lines.Text(), "http://") {
			return lines.Text(), server, nil
		}
	}
	return "", nil, fmt.Errorf("the server ended without an address")
}

// shared is the server of all tests that do not end theirs.
var (
	shared *exec.Cmd
	served = sync.OnceValues(func() (url string, err error) {
		url, shared, err = serve()
		return url, err
	})
)

func TestMain(m *testing.M) {
	code := m.Run()
	if shared != nil {
		_ = shared.Process.Kill()
		_ = shared.Wait()
	}
	if path, err := binary(); err == nil {
		_ = os.Remove(path)
	}
	os.Exit(code)
}

// origins are where the page may come from.
var origins = []string{"http", "file"}

// tab is a browser with the page open.
type tab struct {
	*testing.T
	ctx       context.Context
	downloads string

	mu       sync.Mutex
	requests []string // addresses on the network
	console  []string
}

// watch is put into the page before it starts: it keeps what a test wants to see, and the workers, so that a test can end one.
const watch = `
globalThis.__violations = [];
document.addEventListener("securitypolicyviolation", (e) => __violations.push(e.violatedDirective + " " + e.blockedURI));
globalThis.__workers = [];
globalThis.Worker = class extends Worker { constructor(...a) { super(...a); __workers.push(this); } };
`

// open starts a browser on the page and waits until it is ready. width and height are the viewport's; flags go to
// the browser.
func open(t *testing.T, origin string, width, height int64, flags ...chromedp.ExecAllocatorOption) *tab {
	t.Helper()
	chromium(t)
	url, err := served()
	if err != nil {
		t.Fatal(err)
	}
	if origin == "file" {
		url = "file://" + filepath.ToSlash(filepath.Join(root(), "dist", "dropquant.html"))
	}
	return visit(t, url, width, height, flags...)
}

// visit starts a browser on an address.
func visit(t *testing.T, url string, width, height int64, flags ...chromedp.ExecAllocatorOption) *tab {
	t.Helper()
	path := chromium(t)
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.Flag("hide-scrollbars", true))
	allocator, stop := chromedp.NewExecAllocator(t.Context(), append(options, flags...)...)
	t.Cleanup(stop)
	ctx, cancel := chromedp.NewContext(allocator)
	t.Cleanup(cancel)
	b := &tab{T: t, ctx: ctx, downloads: t.TempDir()}
	b.do(chromedp.EmulateViewport(width, height))
	must(chromedp.CallBrowser(ctx, browser.SetDownloadBehavior, browser.SetDownloadBehaviorParams{Behavior: browser.SetDownloadBehaviorBehaviorAllow, DownloadPath: b.downloads}))(t)
	must(chromedp.Call(ctx, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: watch}))(t)
	must(chromedp.Call(ctx, network.Enable, network.EnableParams{}))(t)
	events := chromedp.Events(ctx, network.RequestWillBeSent)
	go func() {
		for e, err := range events {
			if err != nil {
				return
			}
			if u := e.Request.URL; strings.HasPrefix(u, "http") {
				b.mu.Lock()
				b.requests = append(b.requests, u)
				b.mu.Unlock()
			}
		}
	}()
	calm := emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-reduced-motion", Value: "reduce"}}}
	must(chromedp.Call(ctx, emulation.SetEmulatedMedia, calm))(t)
	messages := chromedp.Console(ctx)
	go func() {
		for m, err := range messages {
			if err != nil {
				return
			}
			b.mu.Lock()
			b.console = append(b.console, fmt.Sprint(m))
			b.mu.Unlock()
		}
	}()
	b.do(chromedp.Navigate(url))
	b.wait(`document.documentElement.hasAttribute("data-ready")`, 60*time.Second)
	return b
}

func must[T any](_ T, err error) func(*testing.T) {
	return func(t *testing.T) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
}

func (b *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	b.Helper()
	if err := chromedp.Do(b.ctx, steps...); err != nil {
		b.Fatal(err)
	}
}

// eval returns what an expression gives, as text.
func (b *tab) eval(expression string) string {
	b.Helper()
	out, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](`String(`+expression+`)`, chromedp.EvalAwaitPromise))
	if err != nil {
		b.Fatalf("%s: %v", expression, err)
	}
	return out
}

// wait waits until an expression is true.
func (b *tab) wait(expression string, limit time.Duration) {
	b.Helper()
	for end := time.Now().Add(limit); time.Now().Before(end); time.Sleep(30 * time.Millisecond) {
		if b.eval("!!("+expression+")") == "true" {
			return
		}
	}
	b.shot("failed-" + strings.ReplaceAll(b.Name(), "/", "-"))
	says := b.eval("document.body.innerText")
	b.mu.Lock()
	defer b.mu.Unlock()
	b.Fatalf("%s did not become true in %v; the page says: %s\nand the console: %q", expression, limit, says, b.console)
}

func shown(id string) string {
	return fmt.Sprintf("document.getElementById(%q)?.checkVisibility()", id)
}

// click clicks an element as a script would: the flow of events is the same, and it need not be in view.
func (b *tab) click(selector string) {
	b.Helper()
	b.wait(fmt.Sprintf("document.querySelector(%q)", selector), 5*time.Second)
	b.eval(fmt.Sprintf("document.querySelector(%q).click()", selector))
}

// drop drops files and folders onto the page.
func (b *tab) drop(paths ...string) {
	b.Helper()
	for _, kind := range []input.DispatchDragEventType{input.DispatchDragEventTypeDragEnter, input.DispatchDragEventTypeDragOver, input.DispatchDragEventTypeDrop} {
		_, err := chromedp.Call(b.ctx, input.DispatchDragEvent, input.DispatchDragEventParams{
			Type: kind, X: 200, Y: 200,
			Data: &input.DragData{Items: []*input.DragDataItem{}, Files: paths, DragOperationsMask: 1},
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}

// shot writes a screenshot of the whole page, if a folder is given.
func (b *tab) shot(name string) {
	b.Helper()
	dir := os.Getenv("DROPQUANT_SHOTS")
	if dir == "" {
		return
	}
	// As high as the page, so that what is fixed at the bottom of the window is there.
	size := b.eval("[innerWidth, innerHeight, document.documentElement.scrollHeight].join(' ')")
	var width, height, full int64
	if _, err := fmt.Sscan(size, &width, &height, &full); err != nil {
		b.Fatal(err)
	}
	b.do(chromedp.EmulateViewport(width, max(height, full)))
	picture, err := chromedp.Run(b.ctx, chromedp.CaptureScreenshot())
	b.do(chromedp.EmulateViewport(width, height))
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, name+".png"), picture, 0o644)
	}
	if err != nil {
		b.Error(err)
	}
}

// quiet checks what must hold after any flow: no fault, nothing that the policy had to stop, nothing on the network.
func (b *tab) quiet(origin string) {
	b.Helper()
	if v := b.eval("JSON.stringify(__violations)"); v != "[]" {
		b.Errorf("the policy was violated: %s", v)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	own, _ := served()
	for _, u := range b.requests {
		if origin == "file" || !strings.HasPrefix(u, own) {
			b.Errorf("the page asked for %s", u)
		}
	}
}

// finish waits for the result of a run and downloads it.
func (b *tab) finish(limit time.Duration) []byte {
	b.Helper()
	b.wait(shown("download")+" || document.querySelector('#errors .error')", limit)
	if text := b.eval("document.getElementById('errors').innerText"); text != "" {
		b.Fatalf("the page shows an error: %s", text)
	}
	b.click("#download")
	return b.downloaded(b.eval("document.getElementById('run-text').textContent"))
}

// compared waits until the file has been compared with the float model, which goes on behind it.
func (b *tab) compared(limit time.Duration) {
	b.Helper()
	b.wait(`document.getElementById("result-numbers") && !document.getElementById("result-numbers").innerText.includes("being compared")`, limit)
}

// downloaded waits for a download and returns its content, and keeps a copy where DROPQUANT_OUT says.
func (b *tab) downloaded(name string) []byte {
	b.Helper()
	path := filepath.Join(b.downloads, name)
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		content, err := os.ReadFile(path)
		if err == nil && len(content) > 0 {
			if _, err := os.Stat(path + ".crdownload"); err != nil {
				if dir := os.Getenv("DROPQUANT_OUT"); dir != "" {
					if err := os.WriteFile(filepath.Join(dir, strings.ReplaceAll(b.Name(), "/", "-")+"-"+name), content, 0o644); err != nil {
						b.Error(err)
					}
				}
				if err := os.Remove(path); err != nil {
					b.Error(err)
				}
				return content
			}
		}
		if time.Now().After(end) {
			list, _ := filepath.Glob(filepath.Join(b.downloads, "*"))
			b.Fatalf("%s was not downloaded; there are %v", name, list)
		}
	}
}

var _ cdp.Session // the commands above are sent on one

// text returns JSON of a value, to put it into an expression.
func text(v any) string {
	out, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(out)
}
