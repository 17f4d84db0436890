package graph

import "fmt"

// inOrder reports whether every node follows the nodes whose outputs it reads.
func (g *Graph) inOrder() bool {
	done := make(map[*Node]bool, len(g.Nodes))
	for _, n := range g.Nodes {
		for _, list := range [][]*Value{n.Inputs, n.captures} {
			for _, v := range list {
				if v != nil && v.Producer != nil && !done[v.Producer] {
					return false
				}
			}
		}
		done[n] = true
	}
	return true
}

// Check verifies what every pass must keep: single assignment, nodes in topological order, no value
// that nothing produces, Producer and Uses that agree with the nodes. The error names node and value.
func (g *Graph) Check() error {
	values := g.inCreation()
	for _, v := range values {
		if g.values[v.Name] != v {
			return fmt.Errorf("the value %q was renamed behind the graph's back", v.Name)
		}
	}
	inputs := make(map[*Value]bool, len(g.Inputs))
	for _, v := range g.Inputs {
		if err := g.checkInput(v); err != nil {
			return err
		}
		if inputs[v] {
			return fmt.Errorf("the value %q is a graph input twice", v.Name)
		}
		inputs[v] = true
	}
	c := checker{g, inputs, map[*Node]bool{}, map[string]bool{}, map[*Value]bool{}, map[*Value]int{}}
	for _, n := range g.Nodes {
		if err := c.node(n); err != nil {
			return err
		}
	}
	for _, v := range g.Outputs {
		if v == nil {
			return fmt.Errorf("a graph output is nil")
		}
		if err := c.readable(v, nil); err != nil {
			return err
		}
	}
	for _, v := range values {
		if err := c.uses(v); err != nil {
			return err
		}
	}
	return nil
}

func (g *Graph) checkInput(v *Value) error {
	switch {
	case g.values[v.Name] != v:
		return fmt.Errorf("the graph input %q is not a value of the graph", v.Name)
	case v.Producer != nil:
		return fmt.Errorf("the graph input %q is also the output of node %q", v.Name, v.Producer.Name)
	case v.Const != nil:
		return fmt.Errorf("the graph input %q is also a constant", v.Name)
	}
	return nil
}

type checker struct {
	g        *Graph
	inputs   map[*Value]bool
	done     map[*Node]bool  // nodes passed so far
	names    map[string]bool // of nodes
	produced map[*Value]bool
	reads    map[*Value]int
}

func (c *checker) node(n *Node) error {
	if n.Name == "" || n.Op == "" {
		return fmt.Errorf("node %q with the operator %q lacks a name or an operator", n.Name, n.Op)
	}
	if c.names[n.Name] {
		return fmt.Errorf("two nodes are named %q", n.Name)
	}
	c.names[n.Name] = true
	for _, list := range [][]*Value{n.Inputs, n.captures} {
		for _, v := range list {
			if v == nil {
				continue
			}
			if err := c.readable(v, n); err != nil {
				return err
			}
			c.reads[v]++
		}
	}
	for _, v := range n.Outputs {
		switch {
		case v == nil:
			continue
		case c.produced[v]:
			return fmt.Errorf("the value %q is produced twice, the second time by node %q", v.Name, n.Name)
		case c.g.values[v.Name] != v:
			return fmt.Errorf("node %q produces %q, which is not a value of the graph", n.Name, v.Name)
		case v.Const != nil:
			return fmt.Errorf("node %q produces the constant %q", n.Name, v.Name)
		case v.Producer != n:
			return fmt.Errorf("node %q produces %q, which says otherwise", n.Name, v.Name)
		}
		c.produced[v] = true
	}
	c.done[n] = true
	return nil
}

// readable reports why v cannot be read at this point by n, or as a graph output when n is nil.
func (c *checker) readable(v *Value, n *Node) error {
	wrong := ""
	switch {
	case c.g.values[v.Name] != v:
		wrong = "is not a value of the graph"
	case v.Producer != nil && !c.done[v.Producer]:
		wrong = fmt.Sprintf("node %q has yet to produce", v.Producer.Name)
	case v.Producer == nil && v.Const == nil && !v.Opaque() && !c.inputs[v]:
		wrong = "nothing produces"
	default:
		return nil
	}
	if n == nil {
		return fmt.Errorf("the graph's output is %q, which %s", v.Name, wrong)
	}
	return fmt.Errorf("node %q reads %q, which %s", n.Name, v.Name, wrong)
}

// uses compares v.Uses with what the nodes read.
func (c *checker) uses(v *Value) error {
	if v.Producer != nil && !c.produced[v] {
		return fmt.Errorf("the value %q has the producer %q, which does not produce it", v.Name, v.Producer.Name)
	}
	seen := make(map[Use]bool, len(v.Uses))
	for _, u := range v.Uses {
		if u.Index != CaptureIndex && u.Node.Input(u.Index) != v || !c.done[u.Node] || seen[u] {
			return fmt.Errorf("the value %q lists a use by node %q, input %d, which does not read it", v.Name, u.Node.Name, u.Index)
		}
		seen[u] = true
	}
	if len(v.Uses) != c.reads[v] {
		return fmt.Errorf("the value %q lists %d uses but is read %d times", v.Name, len(v.Uses), c.reads[v])
	}
	return nil
}
