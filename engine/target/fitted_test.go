package target

import (
	"reflect"
	"testing"
)

// TestFitted: what workers round in shares and exchange is what one of them would round, and nothing is rounded twice. Bytes that
// are not what they should be are refused.
func TestFitted(t *testing.T) {
	exact := *OpenVINO
	exact.AnyCPU = true
	g := parse(t, `graph "two" opset 13
input x float32[1,8,4,4]
const w float32[6,8,1,1] = seq
const v float32[4,6,3,3] = seq
first: y = Conv(x, w)
second: z = Conv(y, v)
output z
`)
	for i, w := range node(g, "first").Inputs[1].Const.F32() {
		node(g, "first").Inputs[1].Const.F32()[i] = 300 - w
	}
	whole := Place(g, &exact)
	acts := plain(whole)
	var states [2][]byte
	for place := range states {
		p := Place(g.Clone(), &exact)
		p.Fitted = &Fitted{}
		p.RoundShare(place, len(states), plain(p))
		states[place] = p.Fitted.AppendBinary([]byte("before"))[6:]
	}
	all := &Fitted{}
	for _, s := range states {
		f, rest, err := DecodeFitted(append(s[:len(s):len(s)], "behind"...))
		if err != nil || string(rest) != "behind" {
			t.Fatalf("%q is left (%v)", rest, err)
		}
		if len(f.known) != 1 {
			t.Errorf("a share has %d weights", len(f.known))
		}
		all.Merge(f)
		all.Merge(f)
		for n := range s {
			if _, _, err := DecodeFitted(s[:n]); err == nil {
				t.Errorf("%d of %d bytes are taken", n, len(s))
			}
		}
	}
	p := Place(g.Clone(), &exact)
	p.Fitted = all
	for i, w := range p.Weights {
		if got, want := p.Round(w, plain(p)), whole.Round(whole.Weights[i], acts); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %v, alone %v", w.Value.Name, got, want)
		}
	}
	if left := all.AppendBinary(nil); string(left) != "\x02{}" {
		t.Errorf("something was rounded again: %q", left)
	}
	again := Place(g.Clone(), &exact)
	again.Fitted = &Fitted{}
	again.RoundShare(0, 1, plain(again))
	if again.Fitted.Exchanged(); len(again.Fitted.known) != 2 || string(again.Fitted.AppendBinary(nil)) != "\x02{}" {
		t.Error("what was exchanged is told again")
	}
	for _, list := range all.known {
		if len(list) != 1 {
			t.Errorf("a weight is kept %d times", len(list))
		}
	}
}
