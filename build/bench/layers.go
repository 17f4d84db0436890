package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
)

// profile is what a worker says of the layers of a model.
type profile struct {
	Peak   float64 // GFLOPS
	Layers []layer
}

type layer struct {
	What  string
	Count int
	MACs  int64   // of all
	MS    float64 // of all, each at its quickest
}

// clockStep is the least time that says something: the browser's clock goes in steps of 0.005 ms.
const clockStep = 0.05

// layers times the steps of a forward pass one by one, in the pass, in turn with the loop that no product can outrun. They are compared at
// their quickest: on a machine that is busy with other programs a step of many milliseconds is interrupted in every round, and seems slower
// than it is.
func (b *bench) layers(ctx context.Context) error {
	if err := b.product(ctx); err != nil {
		return err
	}
	kinds := []arithmetic{{}}
	if b.int8 {
		kinds = arithmetics
	}
	for _, name := range b.models {
		for _, a := range kinds {
			if err := b.layersOf(ctx, name, a); err != nil {
				return err
			}
		}
	}
	return nil
}

// product times a matrix product whose right operand is packed each time, as a convolution of 1x1 does it, of the shape of BenchmarkProduct
// in package kernel.
func (b *bench) product(ctx context.Context) error {
	if err := b.fresh(ctx); err != nil {
		return err
	}
	rate, err := eval[[2]float64](b.page, fmt.Sprintf(`ask("dropquant", "product", %d)`, b.rounds))
	if err == nil {
		fmt.Printf("\nproduct of 252x1152 by 1152x784, packed: %.1f GFLOPS, %.0f %% of the loop's %.1f\n", rate[0], 100*rate[0]/rate[1], rate[1])
	}
	return err
}

// layersOf times the layers of the float model, or of the quantized one in an arithmetic.
func (b *bench) layersOf(ctx context.Context, name string, a arithmetic) error {
	if _, err := b.load(ctx, name, false); err != nil {
		return err
	}
	call := `ask("dropquant", "run", %d)`
	if a.target != "" {
		if err := b.quantized(name, a); err != nil {
			return err
		}
		call = `ask("dropquant", "integers", %d)`
	}
	if _, err := warm(b.page, call); err != nil {
		return err
	}
	p, err := eval[profile](b.page, fmt.Sprintf(`ask("dropquant", "layers", %d)`, b.rounds))
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	fmt.Printf("\nlayers of %s%s, each step at its quickest in %d rounds\n", name, a, b.rounds)
	p.print()
	return nil
}

// print prints the layers, those first that take the most time; what multiplies nothing and takes little in one line.
func (p *profile) print() {
	var all, products, others layer
	others.What = "others"
	var list []layer
	for _, l := range p.Layers {
		all.MS += l.MS
		all.MACs += l.MACs
		if l.MACs > 0 {
			products.MS += l.MS
		}
	}
	for _, l := range p.Layers {
		if l.MACs == 0 && l.MS < all.MS/200 {
			others.Count += l.Count
			others.MS += l.MS
		} else {
			list = append(list, l)
		}
	}
	slices.SortStableFunc(list, func(x, y layer) int { return cmp.Compare(y.MS, x.MS) })
	fmt.Printf("%.2f ms, of which %.2f ms in products at %.1f GFLOPS; the loop reaches %.1f GFLOPS at most\n", all.MS, products.MS, gflops(all.MACs, products.MS), p.Peak)
	table := newTable("layer\ttimes\tms\tshare of time\tGFLOPS\tof the peak")
	defer table.Flush()
	for _, l := range append(list, others) {
		fmt.Fprintf(table, "%s\t%d\t%.3f\t%.1f %%", l.What, l.Count, l.MS, 100*l.MS/all.MS)
		if rate := gflops(l.MACs, l.MS); l.MACs > 0 && l.MS >= clockStep {
			fmt.Fprintf(table, "\t%.1f\t%.0f %%\n", rate, 100*rate/p.Peak)
		} else {
			fmt.Fprintln(table, "\t\t")
		}
	}
}
