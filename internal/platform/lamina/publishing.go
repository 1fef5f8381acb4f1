package lamina

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/uselamina/lamina/internal/api"
	"github.com/uselamina/lamina/internal/platform/apps"
	"github.com/uselamina/lamina/internal/platform/wire"
)

const bucketPosts = "posts" // post id → post

// Limits of a publication.
const (
	maxAccounts = 20
	maxCaption  = 2200 // characters, the limit of Instagram
)

// A channel is a sample account of a social network. It keeps what it gets, and publishes nothing anywhere.
type channel struct {
	ID           string    `json:"id"`
	Platform     string    `json:"platform"`
	AccountName  string    `json:"accountName"`
	AccountType  string    `json:"accountType"`
	Username     string    `json:"username"`
	HasInstagram bool      `json:"hasInstagram"`
	CreatedAt    time.Time `json:"createdAt"`
}

// channels returns the channels of a workspace.
func channels(workspaceID string) []channel {
	id := func(platform string) string { return "chn_" + strings.TrimPrefix(workspaceID, "wsp_") + "_" + platform }
	created := time.Date(2026, time.January, 5, 9, 0, 0, 0, time.UTC)
	return []channel{
		{id("instagram"), "instagram", "Sample Studio", "business", "sample.studio", true, created},
		{id("facebook"), "facebook", "Sample Studio", "page", "samplestudio", true, created},
		{id("linkedin"), "linkedin", "Sample Studio", "organization", "sample-studio", false, created},
		{id("tiktok"), "tiktok", "Sample Studio", "creator", "samplestudio", false, created},
	}
}

// refusal says why a channel does not take a post; "" if it does. The rules are those of the real networks.
func (c channel) refusal(p api.Publish) string {
	switch {
	case c.Platform == "tiktok" && p.VideoURL == "":
		return "TikTok takes only videos"
	case c.Platform == "instagram" && p.VideoURL == "" && p.ImageURL == "":
		return "Instagram takes no post without an image or a video"
	}
	return ""
}

// A post is what a channel got.
type post struct {
	historyEntry
	WorkspaceID string `json:"workspaceId"`
	Order       string `json:"order"`
	AccountName string `json:"accountName"`
}

// A historyEntry is one entry of GET /v1/publishing/history.
type historyEntry struct {
	ID          string     `json:"id"`
	Platform    string     `json:"platform"`
	ContentType string     `json:"contentType"`
	ContentURL  *string    `json:"contentUrl"`
	Caption     *string    `json:"caption"`
	PostURL     *string    `json:"postUrl"`
	Status      string     `json:"status"`
	Error       *string    `json:"error"`
	PublishedAt *time.Time `json:"publishedAt"`
	CreatedAt   time.Time  `json:"createdAt"`
}

// A publishResult is the outcome for one channel, in the reply of POST /v1/publishing/publish.
type publishResult struct {
	AccountID   string  `json:"accountId"`
	Platform    string  `json:"platform"`
	AccountName string  `json:"accountName"`
	Status      string  `json:"status"`
	PostURL     *string `json:"postUrl,omitempty"`
	Error       string  `json:"error,omitempty"`
}

type publishSummary struct {
	Total   int `json:"total"`
	Success int `json:"success"`
	Failed  int `json:"failed"`
}

// addPublishingRoutes adds the routes of publishing, and the page of a post.
func (s *Server) addPublishingRoutes(mux *http.ServeMux) {
	for pattern, methods := range map[string]map[string]handler{
		"/v1/publishing/channels":       {"GET": requireScope(wire.ScopeRead, s.listChannels)},
		"/v1/publishing/publish":        {"POST": requireScope(wire.ScopeWrite, s.publish)},
		"/v1/publishing/transfer-asset": {"POST": requireScope(wire.ScopeWrite, s.transferAsset)},
		"/v1/publishing/history":        {"GET": requireScope(wire.ScopeRead, s.listPosts)},
		"/v1/brand-profiles":            {"GET": requireScope(wire.ScopeRead, s.listBrandProfiles)},
		"/v1/campaigns":                 {"GET": requireScope(wire.ScopeRead, s.listCampaigns)},
	} {
		mux.HandleFunc(pattern, s.authorized(methods))
	}
	mux.HandleFunc("/media/posts/{id}", s.ByMethod(map[string]wire.Handler{"GET": s.showPost}))
}

func (s *Server) listChannels(w http.ResponseWriter, _ *http.Request, p wire.Principal) error {
	return wire.WriteData(w, http.StatusOK, channels(p.WorkspaceID))
}

// checkPublish returns everything that is wrong with a request to publish.
func checkPublish(req api.Publish) []wire.Problem {
	var problems []wire.Problem
	addProblem := func(field, message string) { problems = append(problems, wire.Problem{Field: field, Message: message}) }
	switch seen := slices.Compact(slices.Sorted(slices.Values(req.AccountIDs))); {
	case len(req.AccountIDs) == 0 || len(req.AccountIDs) > maxAccounts:
		addProblem("accountIds", fmt.Sprintf("must name 1 to %d channels", maxAccounts))
	case len(seen) != len(req.AccountIDs):
		addProblem("accountIds", "names a channel twice")
	}
	if req.ImageURL == "" && req.VideoURL == "" && strings.TrimSpace(req.Caption) == "" {
		addProblem("caption", "is missing: give at least one of imageUrl, videoUrl and caption")
	}
	if len([]rune(req.Caption)) > maxCaption {
		addProblem("caption", fmt.Sprintf("must have at most %d characters", maxCaption))
	}
	for field, address := range map[string]string{"imageUrl": req.ImageURL, "videoUrl": req.VideoURL} {
		if address != "" && !isWebURL(address) {
			addProblem(field, "must be an http or https URL")
		}
	}
	slices.SortFunc(problems, func(a, b wire.Problem) int { return cmp.Compare(a.Field, b.Field) })
	return problems
}

func isWebURL(address string) bool {
	u, err := url.Parse(address)
	return err == nil && u.Host != "" && (u.Scheme == "http" || u.Scheme == "https")
}

func (s *Server) publish(w http.ResponseWriter, r *http.Request, p wire.Principal) error {
	var req api.Publish
	if err := wire.DecodeBody(w, r, &req); err != nil {
		return err
	}
	if problems := checkPublish(req); len(problems) > 0 {
		return wire.Invalid("Invalid body", problems...)
	}
	known := channels(p.WorkspaceID)
	results, summary := []publishResult{}, publishSummary{Total: len(req.AccountIDs)}
	err := s.Store.Update(func(tx *wire.Tx) error {
		for _, id := range req.AccountIDs {
			i := slices.IndexFunc(known, func(c channel) bool { return c.ID == id })
			if i < 0 {
				results = append(results, publishResult{AccountID: id, Status: "error", Error: "Channel not found"})
				summary.Failed++
				continue
			}
			sent := s.newPost(tx, known[i], req, p)
			wire.Put(tx, bucketPosts, sent.ID, sent)
			result := publishResult{AccountID: id, Platform: sent.Platform, AccountName: sent.AccountName, Status: "success", PostURL: sent.PostURL}
			if sent.Error == nil {
				summary.Success++
			} else {
				result.Status, result.Error = "error", *sent.Error
				summary.Failed++
			}
			results = append(results, result)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return wire.WriteData(w, http.StatusOK, map[string]any{"results": results, "summary": summary})
}

// newPost returns what a channel keeps of a publication.
func (s *Server) newPost(tx *wire.Tx, c channel, req api.Publish, p wire.Principal) post {
	now := s.Clock.Now()
	sent := post{
		WorkspaceID: p.WorkspaceID, Order: tx.NextOrder(), AccountName: c.AccountName,
		historyEntry: historyEntry{ID: wire.NewUUID(), Platform: c.Platform, ContentType: "text", CreatedAt: now},
	}
	switch {
	case req.VideoURL != "":
		sent.ContentType, sent.ContentURL = "video", &req.VideoURL
	case req.ImageURL != "":
		sent.ContentType, sent.ContentURL = "image", &req.ImageURL
	}
	if req.Caption != "" {
		sent.Caption = &req.Caption
	}
	if refusal := c.refusal(req); refusal != "" {
		sent.Status, sent.Error = "failed", &refusal
		return sent
	}
	address := s.BaseURL + "/media/posts/" + sent.ID
	sent.Status, sent.PostURL, sent.PublishedAt = "published", &address, &now
	return sent
}

func (s *Server) listPosts(w http.ResponseWriter, r *http.Request, p wire.Principal) error {
	q := wire.NewQuery(r)
	status := q.Choice("status", "published", "failed", "pending")
	limit := q.Number("limit", 25, 1, 100)
	if err := q.Err(); err != nil {
		return err
	}
	platform := r.URL.Query().Get("platform")
	var posts []post
	s.Store.View(func(tx *wire.Tx) { posts = wire.List[post](tx, bucketPosts) })
	posts = slices.DeleteFunc(posts, func(o post) bool {
		return o.WorkspaceID != p.WorkspaceID || status != "" && o.Status != status || platform != "" && o.Platform != platform
	})
	slices.SortFunc(posts, func(a, b post) int { return cmp.Compare(b.Order, a.Order) })
	entries := []historyEntry{}
	for _, o := range page(posts, limit, 0) {
		entries = append(entries, o.historyEntry)
	}
	return wire.WriteData(w, http.StatusOK, entries)
}

// showPost shows a post as text. Like a post on a social network, it needs no credential.
func (s *Server) showPost(w http.ResponseWriter, r *http.Request) error {
	var o post
	s.Store.View(func(tx *wire.Tx) { o, _ = wire.Get[post](tx, bucketPosts, r.PathValue("id")) })
	if o.PostURL == nil {
		return wire.NotFound("Post not found")
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	_, err := fmt.Fprintf(w, "%s on %s (a sample channel: nothing was published)\n\n%s\n%s\n",
		o.AccountName, o.Platform, api.String(o.Caption), api.String(o.ContentURL))
	return err
}

func (s *Server) transferAsset(w http.ResponseWriter, r *http.Request, p wire.Principal) error {
	var req api.TransferAsset
	if err := wire.DecodeBody(w, r, &req); err != nil {
		return err
	}
	var problems []wire.Problem
	if !isWebURL(req.SourceURL) {
		problems = append(problems, wire.Problem{Field: "sourceUrl", Message: "must be an http or https URL"})
	}
	name := req.Filename
	if name == "" {
		if u, err := url.Parse(req.SourceURL); err == nil && u.Path != "" {
			name = path.Base(u.Path)
		}
	}
	assets, more := s.plannedAssets([]api.UploadFile{{Filename: name, MediaType: req.MediaType}}, p)
	if problems = append(problems, more...); len(problems) > 0 {
		return wire.Invalid("Invalid body", problems...)
	}
	raw, err := s.Fetch(r.Context(), req.SourceURL)
	if err != nil {
		return wire.Invalid("The file could not be fetched", wire.Problem{Field: "sourceUrl", Message: err.Error()})
	}
	a, err := s.storeResult(run{WorkspaceID: p.WorkspaceID}, apps.Output{Type: req.MediaType, MimeType: assets[0].MimeType}, apps.Result{Bytes: raw})
	if err != nil {
		return wire.Unavailable(messageNoSpace)
	}
	a.Filename = name
	if err := s.Store.Update(func(tx *wire.Tx) error {
		a.Order = tx.NextOrder()
		wire.Put(tx, bucketAssets, a.ID, a)
		return nil
	}); err != nil {
		return err
	}
	return wire.WriteData(w, http.StatusOK, map[string]string{"cdnUrl": s.assetURL(a), "assetId": a.ID, "filename": name})
}
