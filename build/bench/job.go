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

// jobs are done with every model, in turn, and the first of them in turn with NNCF. Two and one worker are compared, and the memory
// of few and of many images.
var jobs = []struct{ images, workers int }{{jobImages, 2}, {jobImages, 1}, {64, 2}, {512, 2}}

// finds is how long a person takes at least from the page to files on it. What a browser does of its own at its start is no part of a
// job, and the page uses the time too.
const finds = 4 * time.Second

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
	fmt.Printf("\njob: photos of 256x256 and a model dropped on the page, for OpenVINO; seconds, medians of %d\n", b.times)
	table := newTable("model\timages\tworkers\tpage starts\tdrop to ready\tcalibrates\tlooks\tquantizes\twrites\tdrop to file\tcompares\tpredicts\tlargest worker MB\tNNCF\tratio (min..max)")
	var notes []string
	for _, name := range b.jobs {
		lines := make([][]*timeline, len(jobs))
		var theirs []float64
		for range b.times {
			for i, j := range jobs {
				fmt.Fprintln(os.Stderr, "timing", name, "with", j.images, "images and", j.workers, "workers")
				line, err := b.oneJob(ctx, site.url, name, photos[:j.images], j.workers)
				if err != nil {
					return err
				}
				lines[i] = append(lines[i], line)
				if python := os.Getenv("DROPQUANT_NNCF"); i == 0 && python != "" && name == jobModel {
					seconds, err := nncf(ctx, python, b.file(name), photos[:j.images])
					if err != nil {
						return err
					}
					theirs = append(theirs, seconds)
				}
			}
		}
		for i, j := range jobs {
			fmt.Fprintf(table, "%s\t%d\t%d\t%s", name, j.images, j.workers, middle(lines[i]))
			if i == 0 && len(theirs) > 0 {
				fmt.Fprintf(table, "\t%.2f\t%s", median(theirs), spread(ratios(each(lines[i], (*timeline).toFile), theirs)))
			}
			fmt.Fprintln(table)
		}
		calibrates := func(t *timeline) float64 { return t.lasts[0] + t.lasts[1] }
		memory := func(t *timeline) float64 { return t.memory }
		notes = append(notes, fmt.Sprintf("%s: one worker takes %s times as long as two to calibrate, %s times to the file; %d images take %s times the memory of %d", name,
			spread(ratios(each(lines[1], calibrates), each(lines[0], calibrates))), spread(ratios(each(lines[1], (*timeline).toFile), each(lines[0], (*timeline).toFile))),
			jobs[3].images, spread(ratios(each(lines[3], memory), each(lines[2], memory))), jobs[2].images))
	}
	if err := table.Flush(); err != nil {
		return err
	}
	for _, n := range notes {
		fmt.Println(n)
	}
	return nil
}

// oneJob does one job in a browser of its own.
func (b *bench) oneJob(ctx context.Context, url, name string, photos []string, workers int) (*timeline, error) {
	folder, err := os.MkdirTemp(b.dir, "photos")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(folder)
	if err := copyFiles(folder, photos); err != nil {
		return nil, err
	}
	p, err := openPage(ctx, url, watch)
	if err != nil {
		return nil, err
	}
	defer p.close()
	line, err := runJob(p, workers, len(photos), b.file(name), folder)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return line, nil
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

// copyFiles fills a folder.
func copyFiles(to string, files []string) error {
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
	time.Sleep(finds)
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
	ready, err := eval[float64](p, `until(() => !document.getElementById("run").disabled && document.querySelector("#view-stats table"))`)
	if err != nil {
		return nil, err
	}
	if _, err := eval[any](p, fmt.Sprintf("quantize(%d, %d)", workers, images)); err != nil {
		return nil, err
	}
	if _, err := eval[any](p, `until(() => marks.at(-1).says === "Predicted" || document.querySelector("#errors .error"))`); err != nil {
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
