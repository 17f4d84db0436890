package main

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// TestSmallest times the smallest model once in every part but the jobs: the sides must agree on the outputs.
func TestSmallest(t *testing.T) {
	if testing.Short() {
		t.Skip("it starts a browser")
	}
	if _, err := chromium(); err != nil {
		t.Skip(err)
	}
	if _, err := exec.LookPath("npm"); err != nil {
		t.Skip("npm is not here, which installs ONNX Runtime Web")
	}
	if err := installRuntime(); err != nil {
		t.Skipf("ONNX Runtime Web cannot be installed, perhaps there is no network: %v", err)
	}
	b, err := newBench([]string{"cifar10_resnet20"}, 1)
	if err != nil {
		t.Fatal(err)
	}
	defer b.close()
	if len(b.models) == 0 {
		t.Skip("the models are not here: set DROPQUANT_DATA to their folder")
	}
	for _, p := range parts[:6] {
		if err := p.run(b, t.Context()); err != nil {
			t.Errorf("%s: %v", p.name, err)
		}
	}
}

func TestStats(t *testing.T) {
	for _, c := range []struct {
		x    []float64
		want float64
	}{{nil, 0}, {[]float64{3}, 3}, {[]float64{9, 1, 4}, 4}, {[]float64{4, 1, 2, 9}, 3}} {
		if got := median(c.x); got != c.want {
			t.Errorf("the median of %v is %g, want %g", c.x, got, c.want)
		}
	}
	if got := ratios([]float64{1, 6}, []float64{2, 3}); !slices.Equal(got, []float64{0.5, 2}) {
		t.Errorf("ratios give %v", got)
	}
	if got := gflops(1e9, 40); got != 50 {
		t.Errorf("a thousand million multiply-accumulates in 40 ms are %g GFLOPS, want 50", got)
	}
}

func TestTimeline(t *testing.T) {
	marks := []mark{{"ready", 100}, {"Now add images", 200}, {"click", 2000}, {"Calibrating", 2001}, {"Looking at layers", 5000}, {"Quantizing", 6000},
		{"Writing the file", 8000}, {"Done in 6 s", 8100}, {"Compared", 9100}, {"Predicted", 11100}}
	got, err := newTimeline(500, 1500, marks, 64<<20)
	if err != nil {
		t.Fatal(err)
	}
	if want := "0.10\t1.00\t3.00\t1.00\t2.00\t0.10\t7.10\t1.00\t2.00\t64"; got.String() != want {
		t.Errorf("the line is %q, want %q", got, want)
	}
	other, err := newTimeline(500, 2500, marks, 16<<20)
	if err != nil {
		t.Fatal(err)
	}
	if want, m := "0.10\t1.50\t3.00\t1.00\t2.00\t0.10\t7.60\t1.00\t2.00\t40", middle([]*timeline{got, other}); m.String() != want {
		t.Errorf("the medians are %q, want %q", m, want)
	}
	if _, err := newTimeline(500, 1500, marks[:6], 0); err == nil || !strings.Contains(err.Error(), `"Writing"`) {
		t.Errorf("a page that ends early gives %v", err)
	}
}

// TestLock checks that the lock file pins what is installed and names no registry.
func TestLock(t *testing.T) {
	for _, want := range []string{`"onnxruntime-web": "1.30.0"`, `"integrity": "sha512-`} {
		if !strings.Contains(string(packageLock), want) {
			t.Errorf("the lock file has no %s", want)
		}
	}
	if strings.Contains(string(packageLock), "://") || strings.Contains(string(packageLock), `"resolved"`) {
		t.Error("the lock file names where packages came from: write it with npm install --omit-lockfile-registry-resolved")
	}
}
