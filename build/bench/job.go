package main

import (
	"context"
	_ "embed"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
)

// What a job is made of.
const (
	jobModel  = "mobilenet_v2" // unless models are named
	jobImages = 128
)

// jobs are done with every model, the first of them in turn with NNCF.
var jobs = []struct{ images, workers int }{{jobImages, 2}, {jobImages, 1}, {64, 2}, {512, 2}}

// watch notes when the page says what, and how large the memory of its workers gets.
//
//go:embed page/watch.js
var watch string

// mark is a moment of the page, in milliseconds since its start.
type mark struct {
	Says string
	At   float64
}

// job times whole jobs through the real page.
func (b *bench) job(ctx context.Context) error {
	dist := filepath.Join(b.dir, "dist")
	if text, err := goTool(b.root, nil, "run", "./build", "-fast", "-o", dist); err != nil {
		return fmt.Errorf("the page does not build: %w\n%s", err, text)
	}
	photos, err := b.photosOf(jobs[len(jobs)-1].images)
	if err != nil {
		fmt.Printf("the job is skipped: set DROPQUANT_DATA to the folder of models and images (%v)\n", err)
		return nil
	}
	site, err := serve(http.FileServer(http.Dir(dist)))
	if err != nil {
		return err
	}
	defer site.close()
	fmt.Printf("\njob: photos of 256x256 and a model dropped on the page, for OpenVINO; seconds\n")
	table := newTable("model\timages\tworkers\tpage starts\tdrop to ready\tcalibrates\tlooks\tquantizes\twrites\tdrop to file\tcompares\tpredicts\tlargest worker MB\tNNCF\tratio")
	defer table.Flush()
	for _, name := range b.jobs {
		for i, j := range jobs {
			folder := filepath.Join(b.dir, fmt.Sprint(name, j.images, "-", j.workers))
			if err := copyFiles(folder, photos[:j.images]); err != nil {
				return err
			}
			p, err := openPage(ctx, site.url, watch)
			if err != nil {
				return err
			}
			line, err := runJob(p, j.workers, j.images, b.file(name), folder)
			p.close()
			if err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			fmt.Fprintf(table, "%s\t%d\t%d\t%s", name, j.images, j.workers, line)
			if python := os.Getenv("DROPQUANT_NNCF"); i == 0 && python != "" && name == jobModel {
				seconds, err := nncf(ctx, python, b.file(name), photos[:j.images])
				if err != nil {
					return err
				}
				fmt.Fprintf(table, "\t%.2f\t%.2f", seconds, line.toFile()/seconds)
			}
			fmt.Fprintln(table)
		}
	}
	return nil
}

// photosOf returns n photos, those of the calibration set first.
func (b *bench) photosOf(n int) (list []string, err error) {
	for _, set := range []string{"calib", "eval"} {
		found, err := filepath.Glob(filepath.Join(b.data, "imagenet", set, "*.jpg"))
		if err != nil {
			return nil, err
		}
		list = append(list, found...) // Glob sorts
	}
	if len(list) < n {
		return nil, fmt.Errorf("%d photos in imagenet", len(list))
	}
	return list[:n], nil
}

// copyFiles makes a folder of files.
func copyFiles(to string, files []string) error {
	if err := os.Mkdir(to, 0o755); err != nil {
		return err
	}
	for _, path := range files {
		data, err := os.ReadFile(path)
		if err == nil {
			err = os.WriteFile(filepath.Join(to, filepath.Base(path)), data, 0o644)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// nncf returns the seconds that NNCF takes for the same.
func nncf(ctx context.Context, python, model string, photos []string) (float64, error) {
	cmd := exec.CommandContext(ctx, python, append([]string{"time_nncf.py", model}, photos...)...)
	cmd.Stderr = os.Stderr
	text, err := cmd.Output()
	if err != nil {
		return 0, fmt.Errorf("NNCF: %w", err)
	}
	lines := strings.Fields(string(text))
	return strconv.ParseFloat(lines[len(lines)-1], 64)
}

// runJob does one job, and waits for what comes behind its file.
func runJob(p *page, workers, images int, paths ...string) (*timeline, error) {
	if err := p.wait(`document.documentElement.hasAttribute("data-ready")`, time.Minute); err != nil {
		return nil, err
	}
	began, err := eval[float64](p, "performance.now()")
	if err != nil {
		return nil, err
	}
	for _, kind := range []input.DispatchDragEventType{input.DispatchDragEventTypeDragEnter, input.DispatchDragEventTypeDragOver, input.DispatchDragEventTypeDrop} {
		if _, err := chromedp.Call(p.ctx, input.DispatchDragEvent, input.DispatchDragEventParams{
			Type: kind, X: 200, Y: 200, Data: &input.DragData{Items: []*input.DragDataItem{}, Files: paths, DragOperationsMask: 1},
		}); err != nil {
			return nil, err
		}
	}
	if err := p.wait(`!document.getElementById("run").disabled && document.querySelector("#view-stats table")`, time.Minute); err != nil {
		return nil, err
	}
	ready, err := eval[float64](p, "performance.now()")
	if err != nil {
		return nil, err
	}
	if _, err := eval[any](p, fmt.Sprintf("quantize(%d, %d)", workers, images)); err != nil {
		return nil, err
	}
	if err := p.wait(`marks.at(-1).says === "Predicted" || document.querySelector("#errors .error")`, 10*time.Minute); err != nil {
		return nil, err
	}
	if said, err := eval[string](p, `document.getElementById("errors").innerText`); err != nil || said != "" {
		return nil, fmt.Errorf("the page shows an error: %s %w", said, err)
	}
	marks, err := eval[[]mark](p, "marks")
	if err != nil {
		return nil, err
	}
	memory, err := eval[float64](p, "memory")
	if err != nil {
		return nil, err
	}
	return newTimeline(began, ready, marks, memory)
}
