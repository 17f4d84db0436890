package graph

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	gonum "gonum.org/v1/gonum/graph"
	"gonum.org/v1/gonum/graph/iterator"
	"gonum.org/v1/gonum/graph/topo"
)

// Sort puts nodes behind those whose outputs they read, by gonum's SortStabilized. An order that is
// already topological stays as it is. The error names the nodes of a cycle.
func (g *Graph) Sort() error {
	d := newDependencies(g.Nodes)
	if n := d.selfish; n != nil {
		return fmt.Errorf("node %q reads its own output: the graph has a cycle", n.Name)
	}
	sorted, err := topo.SortStabilized(d, nil)
	var cycles topo.Unorderable
	if errors.As(err, &cycles) {
		return fmt.Errorf("the graph has a cycle through the nodes %s", d.list(cycles[0]))
	}
	nodes := make([]*Node, len(sorted))
	for i, n := range sorted {
		nodes[i] = g.Nodes[n.ID()]
	}
	g.Nodes = nodes
	return nil
}

// dependencies presents nodes to gonum, identified by their position, with slices for edges: gonum's
// own graphs keep maps of maps.
type dependencies struct {
	nodes    []*Node
	from, to [][]gonum.Node
	selfish  *Node // a node that reads its own output
}

// position is a node by its index.
type position int64

func (p position) ID() int64 { return int64(p) }

func newDependencies(nodes []*Node) *dependencies {
	index := make(map[*Node]int, len(nodes))
	for i, n := range nodes {
		index[n] = i
	}
	d := &dependencies{nodes: nodes, from: make([][]gonum.Node, len(nodes)), to: make([][]gonum.Node, len(nodes))}
	for i, n := range nodes {
		for _, list := range [][]*Value{n.Inputs, n.captures} {
			for _, v := range list {
				if v == nil || v.Producer == nil {
					continue
				}
				p, ok := index[v.Producer]
				if !ok {
					continue // Check reports it
				}
				if p == i {
					d.selfish = n
				}
				d.from[p] = append(d.from[p], position(i))
				d.to[i] = append(d.to[i], position(p))
			}
		}
	}
	return d
}

// list names up to five nodes of a cycle.
func (d *dependencies) list(cycle []gonum.Node) string {
	var names []string
	for i, n := range cycle {
		if i == 5 {
			return strings.Join(names, ", ") + " and " + strconv.Itoa(len(cycle)-i) + " more"
		}
		names = append(names, strconv.Quote(d.nodes[n.ID()].Name))
	}
	return strings.Join(names, ", ")
}

// The methods of gonum's graph.Directed.

func (d *dependencies) Node(id int64) gonum.Node {
	if id < 0 || id >= int64(len(d.nodes)) {
		return nil
	}
	return position(id)
}

func (d *dependencies) Nodes() gonum.Nodes {
	all := make([]gonum.Node, len(d.nodes))
	for i := range all {
		all[i] = position(i)
	}
	return iterator.NewOrderedNodes(all)
}

func (d *dependencies) From(id int64) gonum.Nodes { return iterator.NewOrderedNodes(d.from[id]) }
func (d *dependencies) To(id int64) gonum.Nodes   { return iterator.NewOrderedNodes(d.to[id]) }

func (d *dependencies) HasEdgeFromTo(u, v int64) bool {
	return slices.Contains(d.from[u], gonum.Node(position(v)))
}

func (d *dependencies) HasEdgeBetween(u, v int64) bool {
	return d.HasEdgeFromTo(u, v) || d.HasEdgeFromTo(v, u)
}

func (d *dependencies) Edge(u, v int64) gonum.Edge {
	if !d.HasEdgeFromTo(u, v) {
		return nil
	}
	return edge{position(u), position(v)}
}

type edge struct{ from, to gonum.Node }

func (e edge) From() gonum.Node         { return e.from }
func (e edge) To() gonum.Node           { return e.to }
func (e edge) ReversedEdge() gonum.Edge { return edge{e.to, e.from} }
