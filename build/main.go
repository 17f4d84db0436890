// Command build makes the page out of the sources:
//
//	dist/index.html, hashed files, sw.js   for a web server, each also precompressed
//	dist/dropquant.html                    the same in one file, for a disk or a stick
//
// The same sources and Go release give the same bytes.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"time"

	repo "dropquant/build/root"
)

func main() {
	fast := flag.Bool("fast", false, "skip the precompression, for development")
	out := flag.String("o", "dist", "folder to write, below the repository's root")
	flag.Usage = func() {
		fmt.Fprintf(flag.CommandLine.Output(), "Usage: go run ./build [options]\n\nBuilds the page into dist/: files for a web server, and dropquant.html, the same in one file.\n\nOptions:\n")
		flag.PrintDefaults()
	}
	flag.Parse()
	if flag.NArg() > 0 {
		flag.Usage()
		os.Exit(2)
	}
	began := time.Now()
	sizes, err := run(*out, *fast)
	if err != nil {
		fmt.Fprintln(os.Stderr, "build:", err)
		os.Exit(1)
	}
	for _, s := range sizes {
		fmt.Println(s)
	}
	fmt.Printf("%s written in %.1f s\n", *out, time.Since(began).Seconds())
}

// run builds everything and returns lines about the sizes of what it wrote.
func run(out string, fast bool) ([]string, error) {
	root, err := repo.Find()
	if err != nil {
		return nil, err
	}
	if !filepath.IsAbs(out) {
		out = filepath.Join(root, out)
	}
	parts, err := compile(root)
	if err != nil {
		return nil, err
	}
	if err := readSamples(root, parts); err != nil {
		return nil, err
	}
	site, err := makeSite(parts)
	if err != nil {
		return nil, err
	}
	page, err := makeSingle(parts)
	if err != nil {
		return nil, err
	}
	if err := write(out, site, page, fast); err != nil {
		return nil, err
	}
	return report(out, site)
}
