package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"

	"github.com/andybalholm/brotli"
)

// singleName is the page in one file.
const singleName = "dropquant.html"

// compressible are the kinds of file that a server sends compressed. Photographs are as small as they get, and weights lose
// a twelfth at best.
var compressible = map[string]bool{".html": true, ".js": true, ".wasm": true, ".svg": true, ".webmanifest": true, ".csv": true}

// write replaces the folder's content. Until all is written the old one stays, so that a server in between serves either.
func write(out string, s *site, single []byte, fast bool) error {
	next := out + ".new"
	if err := os.RemoveAll(next); err != nil {
		return err
	}
	put := func(name string, data []byte) error {
		path := filepath.Join(next, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		return os.WriteFile(path, data, 0o644)
	}
	for _, f := range s.files {
		if err := put(f.name, f.data); err != nil {
			return err
		}
		if fast || !compressible[filepath.Ext(f.name)] {
			continue
		}
		zipped, err := zip(f.data)
		if err != nil {
			return err
		}
		packed, err := pack(f.data)
		if err != nil {
			return err
		}
		if err := put(f.name+".gz", zipped); err != nil {
			return err
		}
		if err := put(f.name+".br", packed); err != nil {
			return err
		}
	}
	if err := put(singleName, single); err != nil {
		return err
	}
	if err := os.RemoveAll(out); err != nil {
		return err
	}
	return os.Rename(next, out)
}

// pack compresses as brotli at its highest level. That takes seconds a megabyte, so what was packed once is kept by its content.
func pack(data []byte) ([]byte, error) {
	sum := sha256.Sum256(data)
	kept := ""
	if dir, err := os.UserCacheDir(); err == nil {
		kept = filepath.Join(dir, "dropquant-build", hex.EncodeToString(sum[:])+".br")
		if packed, err := os.ReadFile(kept); err == nil && len(packed) > 0 {
			return packed, nil
		}
	}
	var out bytes.Buffer
	w := brotli.NewWriterOptions(&out, brotli.WriterOptions{Quality: brotli.BestCompression, LGWin: 24})
	if _, err := w.Write(data); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	if kept != "" {
		keep(kept, out.Bytes())
	}
	return out.Bytes(), nil
}

// keep stores what was packed. Not being able to is no error: it will be packed again.
func keep(path string, data []byte) {
	if os.MkdirAll(filepath.Dir(path), 0o755) != nil {
		return
	}
	if os.WriteFile(path+".new", data, 0o644) == nil {
		_ = os.Rename(path+".new", path)
	}
}

// report says how large the two artefacts are, and the parts of the first visit.
func report(out string, s *site) ([]string, error) {
	size := func(name string) int64 {
		stat, err := os.Stat(filepath.Join(out, filepath.FromSlash(name)))
		if err != nil {
			return 0
		}
		return stat.Size()
	}
	var lines []string
	var raw, gz, br int64
	for _, name := range s.first {
		r, g, b := size(name), size(name+".gz"), size(name+".br")
		if r > 10_000 {
			lines = append(lines, fmt.Sprintf("%-34s %9d bytes, gzip %8d, brotli %8d", name, r, g, b))
		}
		raw, gz, br = raw+r, gz+g, br+b
	}
	lines = append(lines,
		fmt.Sprintf("%-34s %9d bytes, gzip %8d, brotli %8d", "first visit", raw, gz, br),
		fmt.Sprintf("%-34s %9d bytes", singleName, size(singleName)))
	return lines, nil
}
