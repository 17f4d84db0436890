// Command serve shows the page: it builds dist/ when a source is newer, serves it on this machine only, and opens the browser.
package main

import (
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"time"

	repo "dropquant/build/root"
)

func main() {
	port := flag.Int("port", 8080, "port on 127.0.0.1; 0 takes any that is free")
	open := flag.Bool("open", true, "open the page in the browser")
	fast := flag.Bool("fast", false, "build without precompressing, for development")
	flag.Usage = func() {
		fmt.Fprintf(flag.CommandLine.Output(), "Usage: go run ./serve [options]\n\nBuilds the page when its sources have changed, and serves it on this machine.\n\nOptions:\n")
		flag.PrintDefaults()
	}
	flag.Parse()
	if flag.NArg() > 0 {
		flag.Usage()
		os.Exit(2)
	}
	if err := run(*port, *open, *fast); err != nil {
		fmt.Fprintln(os.Stderr, "serve:", err)
		os.Exit(1)
	}
}

func run(port int, open, fast bool) error {
	root, err := repo.Find()
	if err != nil {
		return err
	}
	dist := filepath.Join(root, "dist")
	stale, err := isStale(root, dist)
	if err != nil {
		return err
	}
	if stale {
		fmt.Println("building the page")
		if err := build(root, fast); err != nil {
			return err
		}
	}
	listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		return fmt.Errorf("%w: choose another one with -port", err)
	}
	url := "http://" + listener.Addr().String() + "/"
	fmt.Println(url)
	if open {
		if err := openBrowser(url); err != nil {
			fmt.Fprintln(os.Stderr, "open the address yourself:", err)
		}
	}
	server := &http.Server{Handler: handler(os.DirFS(dist)), ReadHeaderTimeout: 10 * time.Second}
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// build runs the build as a program of its own.
func build(root string, fast bool) error {
	args := []string{"run", "./build"}
	if fast {
		args = append(args, "-fast")
	}
	cmd := exec.Command("go", args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = root, os.Stdout, os.Stderr
	return cmd.Run()
}

// openBrowser opens an address with what the system has for that.
func openBrowser(url string) error {
	openers := map[string][]string{"darwin": {"open"}, "windows": {"rundll32", "url.dll,FileProtocolHandler"}}
	words, known := openers[runtime.GOOS]
	if !known {
		words = []string{"xdg-open"}
	}
	return exec.Command(words[0], append(words[1:], url)...).Start()
}
