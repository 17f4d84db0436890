package main

import (
	"bufio"
	"cmp"
	"context"
	_ "embed"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

// timeORT is the script that times ONNX Runtime.
//
//go:embed time_ort.py
var timeORT string

// racer is a program that has a model loaded, and tells the milliseconds of a pass, the mean of as many as it is asked for.
type racer struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Scanner
}

// noAVX2 has x/sys/cpu report a processor without AVX2, for which the kernels are gonum's matrix product and loops in Go. The build tag noasm
// would take gonum's assembly away too.
const noAVX2 = "GODEBUG=cpu.avx2=off"

// race starts a program on one thread.
func race(ctx context.Context, env string, command []string) (*racer, error) {
	r := &racer{cmd: exec.CommandContext(ctx, command[0], command[1:]...)}
	r.cmd.Stderr = os.Stderr
	r.cmd.Env = append(os.Environ(), "GOMAXPROCS=1", env)
	in, err := r.cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := r.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	r.in, r.out = in, bufio.NewScanner(out)
	return r, r.cmd.Start()
}

func (r *racer) run(times int) (float64, error) {
	if _, err := fmt.Fprintln(r.in, times); err != nil {
		return 0, err
	}
	if !r.out.Scan() {
		return 0, fmt.Errorf("%s has ended: %w", r.cmd.Path, cmp.Or(r.out.Err(), io.ErrUnexpectedEOF))
	}
	return strconv.ParseFloat(strings.TrimSpace(r.out.Text()), 64)
}

func (r *racer) end() error {
	_ = r.in.Close()
	return r.cmd.Wait()
}

// native times the float pass on one thread outside of the browser: with this processor's kernels, with gonum's matrix product and
// loops in Go, and in ONNX Runtime, in turn.
func (b *bench) native(ctx context.Context) error {
	python := os.Getenv("DROPQUANT_PYTHON")
	if python == "" {
		fmt.Println("the native pass is skipped: set DROPQUANT_PYTHON to a Python with ONNX Runtime")
		return nil
	}
	program := filepath.Join(b.dir, "forward")
	if text, err := goTool(filepath.Join(b.root, "build", "bench"), nil, "build", "-o", program, "./forward"); err != nil {
		return fmt.Errorf("the native program does not build: %w\n%s", err, text)
	}
	fmt.Printf("\nnative: a float pass on one thread, medians of %d rounds; ratios above 1 are in favour of Dropquant\n", b.rounds)
	table := newTable("model\tDropquant ms\tgonum ms\tORT ms\tgonum/Dropquant (min..max)\tORT/Dropquant (min..max)")
	defer table.Flush()
	for _, name := range b.models {
		fmt.Fprintln(os.Stderr, "timing", name)
		ms, err := b.race(ctx, []contender{{"", []string{program, b.file(name)}}, {noAVX2, []string{program, b.file(name)}}, {"", []string{python, "-c", timeORT, b.file(name)}}})
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		fmt.Fprintf(table, "%s\t%.2f\t%.2f\t%.2f\t%s\t%s\n", name, median(ms[0]), median(ms[1]), median(ms[2]), spread(ratios(ms[1], ms[0])), spread(ratios(ms[2], ms[0])))
	}
	return nil
}

// contender is a program with a variable of its environment, or "".
type contender struct {
	env     string
	command []string
}

// raceTime is about how long a program runs for a number, in milliseconds: it is asked through a pipe.
const raceTime = 100

// race runs programs in turn, and returns the milliseconds of a pass of each in every round.
func (b *bench) race(ctx context.Context, programs []contender) (ms [][]float64, err error) {
	var racers []*racer
	defer func() {
		for _, r := range racers {
			if ended := r.end(); err == nil {
				err = ended
			}
		}
	}()
	times := make([]int, len(programs))
	for i, p := range programs {
		r, err := race(ctx, p.env, p.command)
		if err != nil {
			return nil, err
		}
		racers = append(racers, r)
		took, err := r.run(1)
		if err == nil { // the first one fills caches
			took, err = r.run(3)
		}
		if err != nil {
			return nil, err
		}
		times[i] = max(1, int(raceTime/took))
	}
	ms = make([][]float64, len(programs))
	for range b.rounds {
		for i, r := range racers {
			took, err := r.run(times[i])
			if err != nil {
				return nil, err
			}
			ms[i] = append(ms[i], took)
		}
	}
	return ms, nil
}
