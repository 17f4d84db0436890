package main

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"dropquant/engine"
	"dropquant/engine/dataset"
)

// loadModel reads a float model and, from its own folder, the files in which it keeps tensors.
func loadModel(path string) (*engine.Model, error) { return load(path, engine.Load) }

// loadAny reads a model that may be in integers already.
func loadAny(path string) (*engine.Model, error) { return load(path, engine.LoadAny) }

func load(path string, read func(engine.File, func(string) ([]byte, bool)) (*engine.Model, error)) (*engine.Model, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return read(engine.File{Name: filepath.Base(path), Data: data}, siblingsOf(path))
}

// siblingsOf reads the files in the folder of a model.
func siblingsOf(path string) func(name string) ([]byte, bool) {
	return func(name string) ([]byte, bool) {
		data, err := os.ReadFile(filepath.Join(filepath.Dir(path), filepath.FromSlash(name)))
		return data, err == nil
	}
}

// findImages returns the images under the given files and folders, in the order of their names. A file that is
// named itself is taken whatever its name; in folders, what is no image by its name is counted as ignored.
func findImages(paths []string) (files []string, ignored int, err error) {
	for _, p := range paths {
		stat, err := os.Stat(p)
		if err != nil {
			return nil, 0, err
		}
		if !stat.IsDir() {
			files = append(files, p)
			continue
		}
		err = filepath.WalkDir(p, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			rel, err := filepath.Rel(p, path)
			if err != nil {
				return err
			}
			stat, err := d.Info()
			if err != nil {
				return err
			}
			if dataset.IsSample(filepath.ToSlash(rel), stat.Size()) {
				files = append(files, path)
			} else {
				ignored++
			}
			return nil
		})
		if err != nil {
			return nil, 0, err
		}
	}
	slices.Sort(files)
	if files = slices.Compact(files); len(files) == 0 {
		return nil, ignored, fmt.Errorf("no images in %q: name a folder with JPEG, PNG, WebP, BMP or GIF files, or .npy arrays", paths)
	}
	return files, ignored, nil
}

// openImages reads the chosen files when they are asked for.
func openImages(files []string, chosen []int) engine.Images {
	return engine.Images{Len: len(chosen), Open: func(i int) (engine.File, error) {
		path := files[chosen[i]]
		data, err := os.ReadFile(path)
		return engine.File{Name: filepath.ToSlash(path), Data: data}, err
	}}
}

// logImages says how many of the files found are used.
func logImages(log io.Writer, chosen, found, ignored int) {
	fmt.Fprintf(log, "%d of %d images", chosen, found)
	if ignored > 0 {
		fmt.Fprintf(log, ", %d other files ignored", ignored)
	}
	fmt.Fprintln(log)
}
