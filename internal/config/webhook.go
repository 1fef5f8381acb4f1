package config

// Webhook is where the person wants to hear of the ends of runs, as the Node client saves it.
type Webhook struct {
	PublicURL string
}

// Webhook returns the saved webhook, empty if there is none.
func (d *Document) Webhook() Webhook {
	return Webhook{PublicURL: d.fields.object("webhook").text("publicUrl")}
}
