package lamina

import (
	"net/http"

	"github.com/uselamina/lamina/internal/platform/wire"
)

// A named is an entry of GET /v1/brand-profiles and of GET /v1/campaigns.
type named struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// listBrandProfiles answers with the sample brands, which every workspace has.
func (s *Server) listBrandProfiles(w http.ResponseWriter, _ *http.Request, _ wire.Principal) error {
	return wire.WriteData(w, http.StatusOK, []named{{"brand_sample", "Sample Studio"}, {"brand_playful", "Playful"}})
}

// listCampaigns answers with the sample campaigns, which every workspace has.
func (s *Server) listCampaigns(w http.ResponseWriter, _ *http.Request, _ wire.Principal) error {
	return wire.WriteData(w, http.StatusOK, []named{{"campaign_spring", "Spring sale"}, {"campaign_launch", "Product launch"}})
}
