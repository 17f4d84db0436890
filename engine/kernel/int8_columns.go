package kernel

// columns8 says where the right operand of an integer product lies: the code in
// slot p of column j is src[koff[p] + base[j]].
type columns8 struct {
	n       int
	koff    []int32 // of each slot, whole groups
	base    []int32 // [n], made a multiple of nr long by repeating the last
	kind    []int32 // of each panel
	control []uint8 // of each panel, for kinds above 0
}

// What is known of a panel's eight columns: they lie side by side (kindRun8),
// anywhere (kindFar), or the first kind of them within sixteen bytes and the
// others, if any, within another sixteen.
const (
	kindFar  = -1
	kindRun8 = 0
)

// A panel's control picks its columns out of two windows of sixteen bytes, as
// pshufb does: lane l of the first window's half says which byte column l is,
// or is 128 when it lies in the second window.
const (
	windowBytes  = 16
	controlBytes = 2 * windowBytes
	// slack8 is how many bytes past the last column a kernel may read, when a
	// panel is none of kindRun8.
	slack8 = windowBytes
)

// classify fills kind and control from base.
func (c *columns8) classify() {
	c.kind, c.control = make([]int32, panels(c.n)), make([]uint8, panels(c.n)*controlBytes)
	for j := range c.kind {
		b := c.base[j*nr : j*nr+nr]
		c.kind[j] = panelKind8(b)
		if c.kind[j] <= 0 {
			continue
		}
		control := c.control[j*controlBytes : (j+1)*controlBytes]
		for i := range control {
			control[i] = 128
		}
		for l, v := range b {
			if first := int(c.kind[j]); l < first {
				control[l] = uint8(v - b[0])
			} else {
				control[windowBytes+l] = uint8(v - b[first])
			}
		}
	}
}

func panelKind8(b []int32) int32 {
	if evenly(b, 1) {
		return kindRun8
	}
	first := int32(0)
	for first < nr && b[first]-b[0] < windowBytes {
		first++
	}
	if first < nr && b[nr-1]-b[first] >= windowBytes {
		return kindFar
	}
	return first
}

// runs reports whether all panels are kindRun8.
func (c *columns8) runs() bool {
	for _, k := range c.kind {
		if k != kindRun8 {
			return false
		}
	}
	return true
}
