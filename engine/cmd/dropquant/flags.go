package main

import (
	"flag"
	"fmt"
	"io"
	"strings"
)

// newFlags returns a flag set that prints its help as this program does.
func newFlags(name, args, title string, log io.Writer) *flag.FlagSet {
	fs := flag.NewFlagSet(name, flag.ContinueOnError)
	fs.SetOutput(log)
	fs.Usage = func() {
		fmt.Fprintf(log, "Usage: dropquant %s %s [options]\n\n%s\n\nOptions:\n", name, args, title)
		fs.PrintDefaults()
	}
	return fs
}

// parse reads flags that may stand before, between and behind the other arguments, which it returns.
func parse(fs *flag.FlagSet, args []string) ([]string, error) {
	var rest []string
	for {
		if err := fs.Parse(args); err != nil {
			if err == flag.ErrHelp {
				return nil, err
			}
			return nil, usageError{err}
		}
		if fs.NArg() == 0 {
			return rest, nil
		}
		rest, args = append(rest, fs.Arg(0)), fs.Args()[1:]
	}
}

// oneOf reports a value that is not in the list, which it names.
func oneOf(flagName, value string, list []string) error {
	for _, s := range list {
		if s == value {
			return nil
		}
	}
	return usageError{fmt.Errorf("-%s %s is not one of %s", flagName, value, strings.Join(list, ", "))}
}
