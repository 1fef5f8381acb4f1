package plan

import "crypto/sha256"

// Changes counts the items that differ between two plans of a batch.
type Changes struct {
	Changed int `json:"changed"` // the same id, other inputs
	New     int `json:"new"`
	Gone    int `json:"gone"`
}

// Any reports whether there are changes.
func (c Changes) Any() bool { return c != Changes{} }

// digest is a short hash of an id, or of the inputs of an item.
type digest [16]byte

func digestOf(text []byte) digest {
	sum := sha256.Sum256(text)
	return digest(sum[:16])
}

// Compare counts what a draft changes of a plan. It keeps two hashes of each item in memory.
func (p *Plan) Compare(d *Draft) (Changes, error) {
	if d.Hash() == p.ItemsHash {
		return Changes{}, nil
	}
	old := make(map[digest]digest, p.Items)
	err := p.EachItem(func(_ int, _ int64, item Item) error {
		old[digestOf([]byte(item.ID))] = digestOf(item.Inputs)
		return nil
	})
	if err != nil {
		return Changes{}, err
	}
	var c Changes
	err = d.Each(func(item Item) error {
		id := digestOf([]byte(item.ID))
		inputs, isKnown := old[id]
		switch {
		case !isKnown:
			c.New++
		case inputs != digestOf(item.Inputs):
			c.Changed++
		}
		delete(old, id)
		return nil
	})
	c.Gone = len(old)
	return c, err
}
