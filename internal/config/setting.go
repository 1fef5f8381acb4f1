package config

import "time"

// settingsField is the field with the settings of `lamina config`: of profiles.json for all profiles, and of a profile for that one.
const settingsField = "settings"

// Setting returns a setting of a profile; of all profiles if profile is "". It is "" if there is none.
func (d *Document) Setting(profile, name string) string {
	if profile == "" {
		return d.own.object(settingsField).text(name)
	}
	return d.profiles.object(profile).object(settingsField).text(name)
}

// SetSetting stores a setting of a profile; of all profiles if profile is "". The value "" removes it.
func (d *Document) SetSetting(profile, name, value string) {
	set := func(fields object) {
		settings := fields.object(settingsField).orEmpty()
		settings.setText(name, value)
		fields.setObject(settingsField, settings)
	}
	if profile != "" {
		d.edit(profile, set)
		return
	}
	d.own = d.own.orEmpty()
	set(d.own)
}

// SetWebhook stores the webhook in the form of the Node client, and keeps its other fields. The URL "" removes the webhook.
func (d *Document) SetWebhook(publicURL string, now time.Time) {
	d.shared = d.shared.orEmpty()
	if publicURL == "" {
		delete(d.shared, "webhook")
		return
	}
	webhook := d.shared.object("webhook").orEmpty()
	webhook.setText("publicUrl", publicURL)
	webhook.setTime("savedAt", now)
	d.shared.setObject("webhook", webhook)
}

// Settings is a view of the document for settings that are needed before a command begins. It changes nothing, not even the mode of a
// file, so that a following Load still reports what it fixes. An unusable file gives an empty document.
func (s *Store) Settings() *Document {
	if s.Dir == "" {
		return &Document{}
	}
	raw, err := s.disk().Read(s.ProfilesPath())
	if err != nil {
		return &Document{}
	}
	own, problem, _ := parseFields(raw)
	if problem != 0 {
		return &Document{}
	}
	return newDocument(nil, own)
}
