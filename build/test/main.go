// Command test runs every test of the repository, from fast to slow, and says what was skipped and why:
//
//	the main module natively; with DROPQUANT_PYTHON also against ONNX Runtime, OpenVINO, Pillow and pycocotools
//	the engine as js/wasm under Node
//	the generators, each in a module of its own
//	the page in headless Chromium
//
// It needs only Go; what needs Node, Python, Chromium or the models beside the checkout is skipped without them.
// With -strict a skipped test is a failure.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	repo "dropquant/build/root"
)

// step is one run of go test.
type step struct {
	title string
	dir   string   // below the root
	env   []string // beside the process's own
	args  []string
	needs string // a program without which the step is skipped
	setup func(root string) error
}

// steps are run in this order; all of them, whatever fails.
var steps = []step{
	{title: "native", args: []string{"-timeout=30m", "./..."}},
	{title: "js/wasm under Node", needs: "node", env: []string{"GOOS=js", "GOARCH=wasm"},
		args: []string{"-short", "-exec", "wasm/nodeexec/nodeexec", "./engine/kernel", "./engine/observe", "./engine/quant", "./engine/calib", "./engine/onnx", "./engine/graph",
			"./engine/op", "./engine/dataset/jpeg", "./engine/eval", "./wasm/protocol"}},
	{title: "js/wasm under Node, relaxed SIMD", needs: "node", env: []string{"GOOS=js", "GOARCH=wasm", "DROPQUANT_KERNEL=relaxed"},
		args: []string{"-exec", "wasm/nodeexec/nodeexec", "./engine/kernel"}},
	{title: "codec generator", dir: "build/onnxgen", args: []string{"./..."}},
	{title: "kernel generator", dir: "build/avogen", args: []string{"./..."}},
	{title: "benchmark", dir: "build/bench", args: []string{"./..."}},
	{title: "browser", dir: "serve/browsertest", args: []string{"-timeout=25m", "./..."}, setup: buildPage},
}

func main() {
	strict := flag.Bool("strict", false, "fail when a test was skipped")
	only := flag.String("only", "", "run only the step of this title")
	flag.Parse()
	if err := run(*strict, *only); err != nil {
		fmt.Fprintln(os.Stderr, "test:", err)
		os.Exit(1)
	}
}

func run(strict bool, only string) error {
	root, err := repo.Find()
	if err != nil {
		return err
	}
	shots, err := os.MkdirTemp("", "dropquant-shots")
	if err != nil {
		return err
	}
	defer os.RemoveAll(shots)
	if os.Getenv("DROPQUANT_SHOTS") == "" {
		os.Setenv("DROPQUANT_SHOTS", shots)
	}
	var all tally
	for _, s := range steps {
		if only != "" && s.title != only {
			continue
		}
		began := time.Now()
		fmt.Printf("== %s\n", s.title)
		t := s.run(root)
		fmt.Printf("   %d passed, %d failed, %d skipped in %.0f s\n", t.passed, t.failed, len(t.skipped), time.Since(began).Seconds())
		all.add(t)
	}
	for _, why := range all.skipped {
		fmt.Println("skipped:", why)
	}
	fmt.Printf("%d passed, %d failed, %d skipped\n", all.passed, all.failed, len(all.skipped))
	switch {
	case all.failed > 0:
		return fmt.Errorf("%d tests failed", all.failed)
	case all.passed == 0:
		return errors.New("no test was run")
	case strict && len(all.skipped) > 0:
		return fmt.Errorf("%d tests were skipped", len(all.skipped))
	}
	return nil
}

// run runs one step.
func (s step) run(root string) (t tally) {
	if s.needs != "" {
		if _, err := exec.LookPath(s.needs); err != nil {
			t.skipped = append(t.skipped, fmt.Sprintf("%s: no %s here", s.title, s.needs))
			return t
		}
	}
	if s.setup != nil {
		if err := s.setup(root); err != nil {
			fmt.Println(err)
			t.failed++
			return t
		}
	}
	args := append([]string{"test", "-json"}, s.args...)
	for i, a := range args {
		if i > 0 && args[i-1] == "-exec" {
			args[i] = filepath.Join(root, a)
		}
	}
	cmd := exec.Command("go", args...)
	cmd.Dir = filepath.Join(root, s.dir)
	cmd.Env = append(os.Environ(), s.env...)
	return t.read(cmd)
}

// buildPage makes dist/, which the browser opens.
func buildPage(root string) error {
	cmd := exec.Command("go", "run", "./build")
	cmd.Dir = root
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("the page cannot be built: %w\n%s", err, out)
	}
	return nil
}
