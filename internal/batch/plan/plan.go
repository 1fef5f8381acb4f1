// Package plan keeps the folder of a batch: which items are to be run with which app, and where each file of the batch is.
package plan

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/uselamina/lamina/internal/batch/shard"
	"github.com/uselamina/lamina/internal/disk"
)

// Format is the version of plan.json that this program writes and reads.
const Format = 1

// Rule is how the items are divided among shards (shard.Of).
const Rule = "sha256(id) mod shards"

// maxPlan is the largest plan.json that Read takes, in bytes.
const maxPlan = 1 << 20

// An App is the app of a batch.
type App struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	Hash string `json:"hash"`           // of its parameters (AppHash)
	Kind string `json:"kind,omitempty"` // what ID names, if it is not an app
}

// A Plan describes a batch.
type Plan struct {
	Format         int       `json:"format"`
	Batch          string    `json:"batch"` // the id of the batch (NewID)
	Service        string    `json:"service"`
	App            App       `json:"app"`
	BaseURL        string    `json:"baseUrl"`
	WorkspaceID    string    `json:"workspaceId"`
	Items          int       `json:"items"`
	ItemsFile      string    `json:"itemsFile"` // a name in the folder
	ItemsHash      string    `json:"itemsHash"` // SHA-256 of the items file
	Shards         int       `json:"shards"`
	Rule           string    `json:"rule"`
	CreditsPerItem *float64  `json:"creditsPerItem"` // nil: unknown
	CreatedAt      time.Time `json:"createdAt"`
	Lamina         string    `json:"lamina"` // the version of the program

	dir string
}

// The kinds of an *Error, for errors.Is.
var (
	ErrNone    = errors.New("there is no plan")
	ErrFormat  = errors.New("another version of lamina wrote the plan")
	ErrDamaged = errors.New("the plan is damaged")
	ErrItems   = errors.New("the items file is not the one of the plan")
)

// An Error means that the folder of a batch cannot be used.
type Error struct {
	Kind   error  // ErrNone, ErrFormat, ErrDamaged or ErrItems
	Path   string // of the file
	Detail string // follows the path
}

// Error describes the problem.
func (e *Error) Error() string { return e.Path + " " + e.Detail }

// Unwrap returns the kind.
func (e *Error) Unwrap() error { return e.Kind }

// Read reads the plan in a folder. The items file is checked to be there; EachItem checks its content. Errors of the folder's content are
// *Error.
func Read(dir string) (*Plan, error) {
	p, err := ReadHead(dir)
	if err != nil {
		return nil, err
	}
	f, err := p.openItems()
	if err != nil {
		return nil, err
	}
	return p, f.Close()
}

// ReadHead is Read without a look at the items file, for those who replace it.
func ReadHead(dir string) (*Plan, error) {
	path := filepath.Join(dir, planName)
	raw, err := disk.ReadFile(path, maxPlan)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, &Error{Kind: ErrNone, Path: dir, Detail: "has no plan of a batch"}
	case errors.Is(err, disk.ErrNotRegular):
		return nil, &Error{Kind: ErrDamaged, Path: path, Detail: disk.ErrNotRegular.Error()}
	case err != nil:
		return nil, err
	}
	p, err := decode(path, raw)
	if err != nil {
		return nil, err
	}
	p.dir = dir
	return p, nil
}

// decode returns the plan of the content of a plan.json. What a newer version may have added is refused, because it may matter.
func decode(path string, raw []byte) (*Plan, error) {
	var head struct {
		Format *int `json:"format"`
	}
	if err := json.Unmarshal(raw, &head); err != nil || head.Format == nil {
		return nil, &Error{Kind: ErrDamaged, Path: path, Detail: "is not the plan of a batch"}
	}
	if *head.Format != Format {
		return nil, &Error{Kind: ErrFormat, Path: path, Detail: fmt.Sprintf("has format %d, and this version reads format %d", *head.Format, Format)}
	}
	var p Plan
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(&p); err != nil {
		return nil, &Error{Kind: ErrDamaged, Path: path, Detail: "cannot be read: " + err.Error()}
	}
	if problem := p.problem(); problem != "" {
		return nil, &Error{Kind: ErrDamaged, Path: path, Detail: "is damaged: " + problem}
	}
	return &p, nil
}

// batchID and itemsFile match the ids of batches, and the names of items files.
var (
	batchID   = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^b-[0-9a-z]{10}$`) })
	itemsFile = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^items-[0-9a-f]{8}\.ndjson$`) })
)

// problem returns what is wrong with a plan; "" if nothing is.
func (p *Plan) problem() string {
	switch {
	case !batchID().MatchString(p.Batch):
		return fmt.Sprintf("%q is no id of a batch", p.Batch)
	case !itemsFile().MatchString(p.ItemsFile) || p.ItemsFile != itemsName(p.ItemsHash):
		return fmt.Sprintf("%q is no name of its items file", p.ItemsFile)
	case p.App.ID == "" || p.Service == "" || p.BaseURL == "":
		return "the app or the service is missing"
	case p.Items < 1:
		return "it has no items"
	case p.Shards < 1 || p.Shards > shard.Max:
		return fmt.Sprintf("it cannot have %d shards", p.Shards)
	case p.Rule != Rule:
		return fmt.Sprintf("the rule %q is unknown", p.Rule)
	case p.CreditsPerItem != nil && *p.CreditsPerItem < 0:
		return "an item has a negative price"
	}
	return ""
}

// NewID returns a new id of a batch.
func NewID() string { return "b-" + strings.ToLower(rand.Text()[:10]) }

// AppHash returns a hash of the parameters of an app. Equal parameters have equal hashes in every process.
func AppHash(parameters any) string {
	sum := sha256.Sum256(Canonical(parameters))
	return hex.EncodeToString(sum[:])
}

// Canonical returns a value as JSON without spaces, with sorted keys and its numbers as they were written; nil for a value that is no JSON.
func Canonical(value any) []byte {
	if isDecoded(value) {
		return compact(value)
	}
	raw, err := json.Marshal(value)
	if err != nil {
		return nil
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var decoded any
	if d.Decode(&decoded) != nil {
		return nil
	}
	return compact(decoded)
}

// isDecoded reports whether a value is as a decoder returns it, so that encoding/json writes it with sorted keys.
func isDecoded(value any) bool {
	switch v := value.(type) {
	case nil, string, bool, json.Number:
		return true
	case []any:
		return !slices.ContainsFunc(v, func(item any) bool { return !isDecoded(item) })
	case map[string]any:
		for _, member := range v {
			if !isDecoded(member) {
				return false
			}
		}
		return true
	}
	return false
}

// compact encodes a decoded value. It escapes no HTML, so that the lines can be read.
func compact(value any) []byte {
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	if e.Encode(value) != nil {
		return nil
	}
	return bytes.TrimSuffix(out.Bytes(), []byte("\n"))
}
