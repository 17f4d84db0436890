package engine

import (
	"bytes"
	"testing"
)

// observed returns a job that has seen the given arrays.
func observed(t testing.TB, m *Model, images ...int) *Job {
	t.Helper()
	j, err := NewJob(m, Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range images {
		f, _ := arrays(i + 1).Open(i)
		if err := j.Observe(i, f); err != nil {
			t.Fatal(err)
		}
	}
	return j
}

func TestMergeIsOrderFreeAndIdempotent(t *testing.T) {
	m := mustLoad(t, File{"tiny.onnx", fromText(t, tiny)})
	whole := observed(t, m, 0, 1, 2, 3, 4).State()
	a, b := observed(t, m, 3, 0), observed(t, m, 4, 2, 1)
	stateA, stateB := a.State(), b.State()
	for range 2 { // the second time changes nothing
		for _, s := range [][]byte{stateA, stateB} {
			if err := a.Merge(s); err != nil {
				t.Fatal(err)
			}
			if err := b.Merge(s); err != nil {
				t.Fatal(err)
			}
		}
	}
	if !bytes.Equal(a.State(), whole) || !bytes.Equal(b.State(), whole) {
		t.Error("shares merged in different orders differ from the whole")
	}
}

func TestMergeRefuses(t *testing.T) {
	m := mustLoad(t, File{"tiny.onnx", fromText(t, tiny)})
	good := observed(t, m, 0, 1).State()
	other, err := NewJob(m, Options{Target: "tensorrt"})
	if err != nil {
		t.Fatal(err)
	}
	for name, state := range map[string][]byte{
		"nothing": nil, "cut off": good[:len(good)-1], "too long": append(bytes.Clone(good), 0),
		"of another job": other.State(), "half known": observed(t, m, 1, 2).State(),
	} {
		j := observed(t, m, 2, 3)
		before := j.State()
		if err := j.Merge(state); err == nil {
			t.Errorf("a state that is %s is merged", name)
		}
		if !bytes.Equal(j.State(), before) {
			t.Errorf("a state that is %s changed the job", name)
		}
	}
}

func FuzzMerge(f *testing.F) {
	m := mustLoad(f, File{"tiny.onnx", fromText(f, tiny)})
	j := observed(f, m, 0)
	f.Add(observed(f, m, 1).State())
	f.Add([]byte(stateMagic))
	f.Fuzz(func(t *testing.T, state []byte) {
		_ = j.Merge(state) // must not panic, whatever it holds
	})
}
