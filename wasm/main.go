//go:build !js

// Command wasm is the program of the page and of its workers; it is built for the browser only.
package main

import (
	"fmt"
	"os"
)

func main() {
	fmt.Fprintln(os.Stderr, "this program runs in a browser: build the page with go run ./build, or see it with go run ./serve")
	os.Exit(2)
}
