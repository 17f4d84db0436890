// Command dropquant quantizes ONNX models from a terminal, with the engine that runs in the browser.
//
// Rules of its output: results go to standard output, everything else to standard error, errors with the
// prefix "dropquant: ". Exit codes: 0 done, 1 the job failed, 2 the command line is wrong.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
)

// command is one verb of the command line.
type command struct {
	name, args, title string
	run               func(args []string, out, log io.Writer) error
}

var commands = []command{
	{"ptq", "MODEL IMAGES…", "quantize a float model, calibrated on images", ptq},
	{"test", "MODEL IMAGES…", "score a model file, float or quantized by anyone, in the arithmetic of a runtime", test},
	{"compare", "MODEL MODEL IMAGES…", "score two model files on the same images", compare},
	{"lint", "MODEL", "say what a runtime makes of a quantized file, and what is wrong in it", lint},
	{"trace", "MODEL IMAGE", "show how one number of a layer comes about in the arithmetic of each runtime", trace},
	{"info", "MODEL", "say what a model is and what will become of each operator", info},
}

// usageError is a mistake in the command line.
type usageError struct{ error }

func main() {
	if err := run(os.Args[1:], os.Stdout, os.Stderr); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return
		}
		fmt.Fprintf(os.Stderr, "dropquant: %v\n", err)
		if errors.As(err, &usageError{}) {
			os.Exit(2)
		}
		os.Exit(1)
	}
}

func run(args []string, out, log io.Writer) error {
	if len(args) == 0 {
		usage(log)
		return usageError{errors.New("name a command")}
	}
	for _, c := range commands {
		if c.name == args[0] {
			return c.run(args[1:], out, log)
		}
	}
	usage(log)
	if args[0] == "help" || args[0] == "-h" || args[0] == "-help" || args[0] == "--help" {
		return flag.ErrHelp
	}
	return usageError{fmt.Errorf("there is no command %q", args[0])}
}

func usage(w io.Writer) {
	fmt.Fprintln(w, "Dropquant quantizes ONNX models to int8 for OpenVINO, TensorRT and ONNX Runtime.\n\nUsage:")
	for _, c := range commands {
		fmt.Fprintf(w, "  dropquant %-7s %-20s %s\n", c.name, c.args, c.title)
	}
	fmt.Fprintln(w, "\nRun dropquant COMMAND -h for its options.")
}
