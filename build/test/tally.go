package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
)

// tally counts tests; skipped holds a line with the reason for each.
type tally struct {
	passed, failed int
	skipped        []string
	last           string // package of the last test that failed
}

func (t *tally) add(u tally) {
	t.passed += u.passed
	t.failed += u.failed
	t.skipped = append(t.skipped, u.skipped...)
}

// event is a line that go test -json prints (cmd/test2json).
type event struct {
	Action, Package, Test, Output, ImportPath string
	Elapsed                                   float64
}

// read runs go test and counts what it reports. It prints a line for each package, and all that failed tests printed.
func (t tally) read(cmd *exec.Cmd) tally {
	cmd.Stderr = os.Stderr
	pipe, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		fmt.Println(err)
		t.failed++
		return t
	}
	output := map[string]*strings.Builder{} // by test
	for d := json.NewDecoder(pipe); ; {
		var e event
		if d.Decode(&e) != nil {
			break
		}
		name := e.Package + " " + e.Test
		if output[name] == nil {
			output[name] = &strings.Builder{}
		}
		switch e.Action {
		case "output", "build-output":
			output[name].WriteString(e.Output)
			if e.Action == "build-output" {
				fmt.Print(e.Output)
			}
		case "pass", "fail", "skip":
			t.end(e, name, output[name].String())
			delete(output, name)
		}
	}
	if err := cmd.Wait(); err != nil && t.failed == 0 {
		fmt.Println(err)
		t.failed++
	}
	return t
}

// end counts one test that has ended, or prints the line of a package.
func (t *tally) end(e event, name, output string) {
	switch {
	case e.Test == "" && e.Action == "pass":
		fmt.Printf("ok  \t%s\t%.1fs\n", e.Package, e.Elapsed)
	case e.Test == "" && e.Action == "fail":
		fmt.Printf("FAIL\t%s\t%.1fs\n%s", e.Package, e.Elapsed, output)
		if t.last != e.Package { // it did not build, or ended by itself
			t.failed++
		}
	case e.Test == "":
	case e.Action == "pass":
		t.passed++
	case e.Action == "fail":
		t.failed++
		t.last = e.Package
		fmt.Print(output)
	default:
		t.skipped = append(t.skipped, name+": "+reason(output))
	}
}

// reason picks out of what a skipped test printed the sentence it gave.
func reason(output string) string {
	for line := range strings.Lines(output) {
		if _, why, ok := strings.Cut(line, ".go:"); ok {
			_, why, _ = strings.Cut(why, ": ")
			return strings.TrimSpace(why)
		}
	}
	return "no reason given"
}
