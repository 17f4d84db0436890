//go:build !js

package main

import (
	"fmt"
	"os"
)

// main reads the model that its argument names, and prints the milliseconds of a pass, the mean of as many as each line of its input says.
func main() {
	s := &session{}
	file, err := os.ReadFile(os.Args[1])
	if err == nil {
		err = s.load(file)
	}
	for n := 0; err == nil; {
		if _, end := fmt.Scan(&n); end != nil {
			return
		}
		var took float64
		if took, err = timed(n, s.run); err == nil {
			fmt.Println(took)
		}
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}
