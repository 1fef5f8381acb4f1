package config

// Webhook is the address that receives webhook deliveries, as the Node client saves it.
type Webhook struct {
	PublicURL string
}

// Webhook returns the saved webhook. It is zero if there is none.
func (d *Document) Webhook() Webhook {
	return Webhook{PublicURL: d.shared.object("webhook").text("publicUrl")}
}
