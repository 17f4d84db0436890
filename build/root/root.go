// Package root finds the repository, for the commands that work on all of it.
package root

import (
	"errors"
	"os"
	"path/filepath"
)

// Find returns the folder of go.mod, from the current folder upwards.
func Find() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", errors.New("no go.mod here or above: run this inside the repository")
		}
		dir = parent
	}
}
