package lamina

import (
	"cmp"
	"container/list"
	"math"
	"slices"
	"time"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/platform/wire"
)

// A runIndex answers which runs there are, without decoding them. It is made from the bucket of runs and changes when an update is
// durable (see putRun), so its methods are called within a View or an Update of the store.
type runIndex struct {
	entries []runEntry     // in the order of start
	places  map[string]int // run id → index in entries
	groups  map[groupKey]*runGroup

	unfinished list.List                  // places of the runs that have not ended, oldest first
	elements   map[string]*list.Element   // run id → its element of unfinished
	running    map[string]map[string]bool // workspace id → ids of its running runs
}

// A runEntry is what the index knows about a run.
type runEntry struct {
	id, order string
	created   int64 // see nanoseconds
	status    api.Status
}

// A groupKey selects the runs of a workspace, family and app. Without an app it selects those of all apps. Without a workspace, it
// selects those of all workspaces and families.
type groupKey struct {
	workspace string
	family    family
	app       string
}

// A runGroup holds the runs of a groupKey.
type runGroup struct {
	places   []int // indexes in entries, ascending
	byStatus map[api.Status]int
	newest   int64 // the latest creation
	inOrder  bool  // no run was created before the one ahead of it
}

func newRunIndex() *runIndex {
	return &runIndex{
		places: map[string]int{}, groups: map[groupKey]*runGroup{}, elements: map[string]*list.Element{},
		running: map[string]map[string]bool{},
	}
}

// An indexedRun is the part of a run that the index needs.
type indexedRun struct {
	id, order string
	group     groupKey // of its app
	created   int64    // see nanoseconds
	status    api.Status
}

func (r *run) indexed() indexedRun {
	return indexedRun{r.RunID, r.Order, groupKey{r.WorkspaceID, r.Family, r.WorkflowID}, nanoseconds(r.CreatedAt), r.Status}
}

// load adds the stored runs to an empty index.
func (x *runIndex) load(tx *wire.Tx) {
	var all []indexedRun
	for _, id := range tx.Keys(bucketRuns) {
		r, _ := wire.Get[run](tx, bucketRuns, id)
		all = append(all, r.indexed())
	}
	slices.SortFunc(all, func(a, b indexedRun) int { return cmp.Compare(a.order, b.order) })
	for _, r := range all {
		x.put(r)
	}
}

// putRun stores a run and, with the update, indexes it.
func (s *Server) putRun(tx *wire.Tx, r *run) {
	wire.Put(tx, bucketRuns, r.RunID, *r)
	indexed := r.indexed()
	tx.OnCommit(func() { s.index.put(indexed) })
}

// put adds a run that has the highest order, or changes the status of a known one.
func (x *runIndex) put(r indexedRun) {
	place, known := x.places[r.id]
	if !known {
		place = len(x.entries)
		x.places[r.id] = place
		x.entries = append(x.entries, runEntry{r.id, r.order, r.created, r.status})
	}
	e := &x.entries[place]
	workspace, app := r.group.workspace, r.group.app
	for _, key := range []groupKey{{}, {app: app}, {workspace: workspace, family: r.group.family}, r.group} {
		g := x.group(key)
		if known {
			g.byStatus[e.status]--
		} else {
			g.add(place, e.created)
		}
		g.byStatus[r.status]++
	}
	e.status = r.status
	x.putUnfinished(r, place)
}

// putUnfinished keeps the runs that have not ended, and those that are running.
func (x *runIndex) putUnfinished(r indexedRun, place int) {
	element, ok := x.elements[r.id]
	switch {
	case !ok && !r.status.Final():
		x.elements[r.id] = x.unfinished.PushBack(place)
	case ok && r.status.Final():
		x.unfinished.Remove(element)
		delete(x.elements, r.id)
	}
	workspace := r.group.workspace
	if r.status != api.Running {
		delete(x.running[workspace], r.id)
		return
	}
	if x.running[workspace] == nil {
		x.running[workspace] = map[string]bool{}
	}
	x.running[workspace][r.id] = true
}

func (x *runIndex) group(key groupKey) *runGroup {
	g := x.groups[key]
	if g == nil {
		g = &runGroup{byStatus: map[api.Status]int{}, inOrder: true, newest: math.MinInt64}
		x.groups[key] = g
	}
	return g
}

func (g *runGroup) add(place int, created int64) {
	g.places = append(g.places, place)
	g.inOrder = g.inOrder && created >= g.newest
	g.newest = max(g.newest, created)
}

// nanoseconds returns a time as Unix nanoseconds, or the nearest such number.
func nanoseconds(t time.Time) int64 {
	switch {
	case t.Before(time.Unix(0, math.MinInt64)):
		return math.MinInt64
	case t.After(time.Unix(0, math.MaxInt64)):
		return math.MaxInt64
	}
	return t.UnixNano()
}

// A runQuery selects runs.
type runQuery struct {
	group         groupKey
	status        string    // empty: any
	since         time.Time // of the creation
	limit, offset int
}

// find returns a page of ids of the runs of a query, newest first, and their total.
func (x *runIndex) find(q runQuery) (ids []string, total int) {
	g, ok := x.groups[q.group]
	if !ok {
		return nil, 0
	}
	since := nanoseconds(q.since)
	places := g.places
	if g.inOrder {
		first, _ := slices.BinarySearchFunc(places, since, func(place int, since int64) int { return cmp.Compare(x.entries[place].created, since) })
		places = places[first:]
	}
	areRecent := g.inOrder || since == math.MinInt64
	switch {
	case areRecent && q.status == "":
		total = len(places)
		places = places[:max(0, total-q.offset)] // the search has nothing to skip
		q.offset = 0
	case areRecent && len(places) == len(g.places):
		total = g.byStatus[api.Status(q.status)]
	default:
		total = x.count(places, q.status, since)
	}
	return x.search(places, q, since, total), total
}

// search returns a page of ids of the runs that match a query, newest first.
func (x *runIndex) search(places []int, q runQuery, since int64, total int) (ids []string) {
	wanted := min(q.limit, total-q.offset)
	skipped := 0
	for i := len(places) - 1; i >= 0 && len(ids) < wanted; i-- {
		e := &x.entries[places[i]]
		switch {
		case !e.matches(q.status, since):
		case skipped < q.offset:
			skipped++
		default:
			ids = append(ids, e.id)
		}
	}
	return ids
}

func (x *runIndex) count(places []int, status string, since int64) (total int) {
	for _, place := range places {
		if x.entries[place].matches(status, since) {
			total++
		}
	}
	return total
}

func (e *runEntry) matches(status string, since int64) bool {
	return e.created >= since && (status == "" || string(e.status) == status)
}

// after returns up to limit ids of runs with a higher order, oldest first.
func (x *runIndex) after(order string, limit int) (ids []string) {
	first, found := slices.BinarySearchFunc(x.entries, order, func(e runEntry, order string) int { return cmp.Compare(e.order, order) })
	if found {
		first++
	}
	for _, e := range page(x.entries[first:], limit, 0) {
		ids = append(ids, e.id)
	}
	return ids
}

// oldestUnfinished returns the oldest run that has not ended and is not excluded.
func (x *runIndex) oldestUnfinished(isExcluded func(id string) bool) (id string, ok bool) {
	for element := x.unfinished.Front(); element != nil; element = element.Next() {
		id := x.entries[element.Value.(int)].id
		if !isExcluded(id) {
			return id, true
		}
	}
	return "", false
}
