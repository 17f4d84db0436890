package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
)

// newBench finds what a run needs, and says so of models that are not there.
func newBench(models []string, rounds int) (*bench, error) {
	root, err := findRoot()
	if err != nil {
		return nil, err
	}
	b := &bench{root: root, rounds: rounds, data: os.Getenv("DROPQUANT_DATA")}
	if b.data == "" {
		b.data = filepath.Join(root, "..", "shared", "data")
	}
	for _, name := range models {
		if !slices.Contains(known, name) {
			return nil, fmt.Errorf("no model is called %q: known are %v", name, known)
		}
	}
	only := models
	if len(models) == 0 {
		models, only = known, []string{jobModel}
	}
	if b.dir, err = os.MkdirTemp("", "dropquant-bench"); err != nil {
		return nil, err
	}
	for _, name := range models {
		if why := b.missing(name); why != "" {
			fmt.Printf("%s is skipped: %s\n", name, why)
			continue
		}
		b.models = append(b.models, name)
		if slices.Contains(only, name) {
			b.jobs = append(b.jobs, name)
		}
	}
	return b, nil
}

func (b *bench) close() {
	if b.page != nil {
		b.page.close()
	}
	if b.site != nil {
		b.site.close()
	}
	_ = os.RemoveAll(b.dir) // it is a temporary folder
}

// fresh opens the page of the workers anew, so that no model runs in memory that another one left.
func (b *bench) fresh(ctx context.Context) (err error) {
	if b.site == nil {
		if b.site, err = newSite(b); err != nil {
			return err
		}
	}
	if b.page != nil {
		b.page.close()
	}
	b.page, err = openPage(ctx, b.site.url)
	return err
}

// findRoot returns the repository: the folder above that holds the build of the page.
func findRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "wasm", "shim.js")); err == nil {
			return dir, nil
		}
		if filepath.Dir(dir) == dir {
			return "", errors.New("no repository here or above: run this inside it")
		}
		dir = filepath.Dir(dir)
	}
}
