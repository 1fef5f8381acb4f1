package lamina

import (
	"net/http"

	"github.com/uselamina/lamina/internal/platform/planner"
	"github.com/uselamina/lamina/internal/platform/wire"
)

// listBrandProfiles answers with the sample brands, which every workspace has.
func (s *Server) listBrandProfiles(w http.ResponseWriter, _ *http.Request, _ wire.Principal) error {
	return wire.WriteData(w, http.StatusOK, planner.Profiles())
}

// listCampaigns answers with the sample campaigns, which every workspace has.
func (s *Server) listCampaigns(w http.ResponseWriter, _ *http.Request, _ wire.Principal) error {
	return wire.WriteData(w, http.StatusOK, planner.Campaigns())
}
