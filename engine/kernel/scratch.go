package kernel

// Scratch is working memory that convolutions and products share, so that
// running a model makes no garbage. It grows to the largest need and is not
// for use by two goroutines at once.
type Scratch struct {
	floats [numSlots][]float32
	ints   [numSlots][]int32
	bytes  [numSlots][]uint8
}

type slot int

// What the scratch holds. Two users of one slot never overlap in time.
const (
	slotPlane  slot = iota // input with its padding made explicit
	slotPanels             // packed right operand
	slotLeft               // packed left operand of Gemm
	slotTail               // last columns of a product
	slotTailAdd
	slotTiles   // products of transformed tiles
	slotOffsets // offsets of the inner dimension
	slotBases   // offsets of the columns
	slotKinds
	slotSums // of an integer product
	numSlots
)

// NewScratch returns empty working memory.
func NewScratch() *Scratch { return new(Scratch) }

// Bytes returns how much memory the scratch holds.
func (s *Scratch) Bytes() int {
	n := 0
	for i := range s.floats {
		n += 4*(cap(s.floats[i])+cap(s.ints[i])) + cap(s.bytes[i])
	}
	return n
}

func (s *Scratch) float(i slot, n int) []float32 {
	if cap(s.floats[i]) < n {
		s.floats[i] = make([]float32, n)
	}
	return s.floats[i][:n]
}

func (s *Scratch) int(i slot, n int) []int32 {
	if cap(s.ints[i]) < n {
		s.ints[i] = make([]int32, n)
	}
	return s.ints[i][:n]
}

func (s *Scratch) byte(i slot, n int) []uint8 {
	if cap(s.bytes[i]) < n {
		s.bytes[i] = make([]uint8, n)
	}
	return s.bytes[i][:n]
}
