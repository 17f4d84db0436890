package graph

// source, valueSource and nodeSource remember the messages that a graph was read from, so that what
// nobody changed is written back as it was.
type (
	source      struct{}
	valueSource struct{}
	nodeSource  struct{}
)

// touch forgets what the file said of n: it has been edited.
func (n *Node) touch() { n.source = nil }
