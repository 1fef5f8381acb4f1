package planner

import "slices"

// A Profile is a sample brand profile. Only the first one has published items.
type Profile struct {
	ID   string `json:"id"`
	Name string `json:"name"`

	style string // its style of posters
	dna   BrandDNA
}

// Profiles returns the sample brand profiles.
func Profiles() []Profile {
	return []Profile{
		{ID: "brand_sample", Name: "Sample Studio", style: "Bold", dna: BrandDNA{
			VoiceAttributes: []string{"warm", "plain"}, VisualIdentity: []string{"large type", "one colour at a time"},
			ContentPillars: []string{"sales", "craft", "people"}, AudienceSignals: []string{"buys in spring and before holidays"},
			Guardrails:         []string{"Never name a competitor"},
			ToneSpectrum:       Tone{Primary: "friendly", Secondary: "factual", Avoid: []string{"irony"}},
			PerformanceProfile: Performance{TopPatterns: []string{"Large type"}, WeakPatterns: []string{"Small print"}, AvgEngagementTier: "medium"},
		}},
		{ID: "brand_playful", Name: "Playful", style: "Neon", dna: BrandDNA{
			VoiceAttributes: []string{"playful", "loud"}, VisualIdentity: []string{"neon colours", "round shapes"},
			ContentPillars: []string{"games", "parties"}, AudienceSignals: []string{"is awake at night"}, Guardrails: []string{},
			ToneSpectrum:       Tone{Primary: "playful", Secondary: "ironic", Avoid: []string{"formality"}},
			PerformanceProfile: Performance{TopPatterns: []string{}, WeakPatterns: []string{}, AvgEngagementTier: "unknown"},
		}},
	}
}

// FindProfile returns the brand profile with an id.
func FindProfile(id string) (Profile, bool) {
	all := Profiles()
	i := slices.IndexFunc(all, func(p Profile) bool { return p.ID == id })
	if i < 0 {
		return Profile{}, false
	}
	return all[i], true
}

// A Campaign is a sample campaign.
type Campaign struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// Campaigns returns the sample campaigns.
func Campaigns() []Campaign {
	return []Campaign{{"campaign_spring", "Spring sale"}, {"campaign_launch", "Product launch"}}
}

// checkIDs warns of a brand profile and of a campaign that do not exist. The documentation does not say that the service refuses them.
func (d *Decision) checkIDs(r Request) {
	if _, isKnown := FindProfile(r.BrandProfileID); !isKnown && r.BrandProfileID != "" {
		d.Warnings = append(d.Warnings, Warning{Field: "brandProfileId", Message: "is no brand profile of this workspace; it was ignored"})
	}
	isKnown := slices.ContainsFunc(Campaigns(), func(c Campaign) bool { return c.ID == r.CampaignID })
	if !isKnown && r.CampaignID != "" {
		d.Warnings = append(d.Warnings, Warning{Field: "campaignId", Message: "is no campaign of this workspace; it was ignored"})
	}
}
