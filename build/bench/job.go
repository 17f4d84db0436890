package main

import (
	"context"
	_ "embed"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
)

// What a job is made of.
const (
	jobModel   = "mobilenet_v2" // unless models are named
	jobImages  = 128
	jobWorkers = 2
)

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
	images, err := b.images()
	if err != nil {
		fmt.Printf("the job is skipped: set DROPQUANT_DATA to the folder of models and images (%v)\n", err)
		return nil
	}
	site, err := serve(http.FileServer(http.Dir(dist)))
	if err != nil {
		return err
	}
	defer site.close()
	fmt.Printf("\njob: %d photos of 256x256 and a model dropped on the page, for OpenVINO, %d workers; seconds\n", jobImages, jobWorkers)
	table := newTable("model\tpage starts\tdrop to ready\tcalibrates\tcompares\twrites\tall from the click\tlargest worker MB")
	defer table.Flush()
	for _, name := range b.jobs {
		p, err := openPage(ctx, site.url, watch)
		if err != nil {
			return err
		}
		line, err := runJob(p, b.file(name), images)
		p.close()
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		fmt.Fprintf(table, "%s\t%s\n", name, line)
	}
	return nil
}

// images copies the first photos of the calibration set into a folder of their own.
func (b *bench) images() (string, error) {
	list, err := filepath.Glob(filepath.Join(b.data, "imagenet", "calib", "*"))
	if err != nil {
		return "", err
	}
	if len(list) < jobImages {
		return "", fmt.Errorf("%d photos in imagenet/calib", len(list))
	}
	to := filepath.Join(b.dir, "photos")
	if err := os.Mkdir(to, 0o755); err != nil {
		return "", err
	}
	for _, path := range list[:jobImages] { // Glob sorts
		data, err := os.ReadFile(path)
		if err == nil {
			err = os.WriteFile(filepath.Join(to, filepath.Base(path)), data, 0o644)
		}
		if err != nil {
			return "", err
		}
	}
	return to, nil
}

// runJob does one job and returns its line of the table.
func runJob(p *page, paths ...string) (string, error) {
	if err := p.wait(`document.documentElement.hasAttribute("data-ready")`, time.Minute); err != nil {
		return "", err
	}
	began, err := eval[float64](p, "performance.now()")
	if err != nil {
		return "", err
	}
	for _, kind := range []input.DispatchDragEventType{input.DispatchDragEventTypeDragEnter, input.DispatchDragEventTypeDragOver, input.DispatchDragEventTypeDrop} {
		if _, err := chromedp.Call(p.ctx, input.DispatchDragEvent, input.DispatchDragEventParams{
			Type: kind, X: 200, Y: 200, Data: &input.DragData{Items: []*input.DragDataItem{}, Files: paths, DragOperationsMask: 1},
		}); err != nil {
			return "", err
		}
	}
	if err := p.wait(`!document.getElementById("run").disabled && document.querySelector("#view-stats table")`, time.Minute); err != nil {
		return "", err
	}
	ready, err := eval[float64](p, "performance.now()")
	if err != nil {
		return "", err
	}
	if _, err := eval[any](p, fmt.Sprintf("quantize(%d)", jobWorkers)); err != nil {
		return "", err
	}
	if err := p.wait(`document.getElementById("download")?.checkVisibility() || document.querySelector("#errors .error")`, 10*time.Minute); err != nil {
		return "", err
	}
	if said, err := eval[string](p, `document.getElementById("errors").innerText`); err != nil || said != "" {
		return "", fmt.Errorf("the page shows an error: %s %w", said, err)
	}
	marks, err := eval[[]mark](p, "marks")
	if err != nil {
		return "", err
	}
	memory, err := eval[float64](p, "memory")
	if err != nil {
		return "", err
	}
	return jobLine(began, ready, marks, memory)
}
