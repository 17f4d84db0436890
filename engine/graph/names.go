package graph

import "strconv"

// names answers whether a name is free, and which number to try next, without walking the graph.
type names struct {
	nodes    map[string]int  // how many nodes bear the name
	reserved map[string]bool // names inside subgraphs, which must not be shadowed
	next     map[string]int  // base → the number to try next
}

func newNames() names {
	return names{map[string]int{}, map[string]bool{}, map[string]int{}}
}

// FreshName returns base, or base with the first number behind it that no value and no node bears
// and that was not handed out before.
func (g *Graph) FreshName(base string) string {
	return g.fresh(base, func(s string) bool { return g.values[s] != nil || g.names.nodes[s] > 0 || g.names.reserved[s] })
}

// freshNode is FreshName among nodes only: a file may give a node the name of a value.
func (g *Graph) freshNode(base string) string {
	return g.fresh(base, func(s string) bool { return g.names.nodes[s] > 0 })
}

func (g *Graph) fresh(base string, taken func(string) bool) string {
	if base != "" && !taken(base) {
		return base
	}
	for {
		g.names.next[base]++
		if s := base + "_" + strconv.Itoa(g.names.next[base]); !taken(s) {
			return s
		}
	}
}

// autoName is what a node without a name is called: its operator and its first output.
func autoName(op string, outputs []string) string {
	for _, o := range outputs {
		if o != "" {
			return op + "_" + o
		}
	}
	return op
}
