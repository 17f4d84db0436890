package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// sources are what the page is built of.
var sources = []string{"index.html", "go.mod", "build", "engine", "ui", "wasm"}

// isStale says that dist is missing or older than one of its sources. Tests are no sources.
func isStale(root, dist string) (bool, error) {
	built, err := os.Stat(filepath.Join(dist, "index.html"))
	if errors.Is(err, fs.ErrNotExist) {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	for _, source := range sources {
		newer, err := hasNewer(filepath.Join(root, source), built.ModTime())
		if newer || err != nil {
			return newer, err
		}
	}
	return false, nil
}

func hasNewer(path string, than time.Time) (bool, error) {
	newer := false
	err := filepath.WalkDir(path, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if d.Name() == "testdata" {
				return filepath.SkipDir
			}
			return nil
		}
		if strings.HasSuffix(path, "_test.go") {
			return nil
		}
		stat, err := d.Info()
		if err != nil {
			return err
		}
		if stat.ModTime().After(than) {
			newer = true
			return filepath.SkipAll
		}
		return nil
	})
	return newer, err
}
