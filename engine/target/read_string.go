package target

import (
	"fmt"
	"strings"
)

// String prints the reading: every node with what becomes of it, and the codes that units read and end in.
func (r *Reading) String() string {
	var b strings.Builder
	for i := range r.Nodes {
		f := &r.Nodes[i]
		fmt.Fprintf(&b, "%s %s %v", f.Node.Name, f.Node.Op, f.State)
		switch {
		case f.Unit != nil:
			b.WriteString(f.Unit.String())
		case f.Into != nil:
			fmt.Fprintf(&b, " into %s", f.Into.Name)
		}
		if f.Rule != nil {
			fmt.Fprintf(&b, ": %s: %s", f.Rule.ID, f.Why)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// String prints the kernel with what it reads and gives.
func (u *Unit) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, " %s(", u.Kernel)
	for i, c := range u.Inputs {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(c.String())
	}
	b.WriteByte(')')
	for _, n := range u.Fused {
		fmt.Fprintf(&b, " %s", n.Name)
	}
	if u.Codes != nil {
		fmt.Fprintf(&b, " → %v", u.Codes)
	}
	if len(u.Made) > 0 {
		b.WriteString(", makes")
		for _, v := range u.Made {
			fmt.Fprintf(&b, " %s", v.Name)
		}
	}
	return b.String()
}

// String returns the type of the codes, the pair that they belong to, and what they were moved by; "-" for none.
func (c *Codes) String() string {
	if c == nil {
		return "-"
	}
	s := fmt.Sprintf("%v of %s", c.Params.DType, c.name())
	if c.Shifted {
		s += " made unsigned"
	}
	for _, n := range c.Moved {
		s += " by " + n.Name
	}
	return s
}
